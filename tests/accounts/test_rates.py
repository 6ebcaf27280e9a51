"""Requests a minute: what counts, what is told, and that each key and each kind has its own."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from scriptrun_box.accounts.actions import NewKey
from scriptrun_box.kernel import clock
from tests.pushing import get
from tests.shared_box import client_of, running
from tests.world import World, build_world, header, orders

pytestmark = pytest.mark.anyio
PUSH = "/api/webhook/orders"
NAMES = ("ratelimit-limit", "ratelimit-remaining", "ratelimit-reset")


def room(answer: httpx.Response) -> tuple[int, int]:
    """(limit, remaining) of a keyed answer, which also tells when the next place is free."""
    limit, remaining, reset = (int(answer.headers[name]) for name in NAMES)
    assert 1 <= reset <= 60
    return limit, remaining


def later(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Let that much time pass on the clock that limits go by."""
    before = clock.monotonic
    monkeypatch.setattr(clock, "monotonic", lambda: before() + seconds)


async def push(client: httpx.AsyncClient, key: NewKey, **fields: Any) -> httpx.Response:
    return await client.post(PUSH, json=orders(fields), headers=header(key))


async def test_of_seven_hundred_pushes_at_once_exactly_six_hundred_are_let_through(
    tmp_path: Path,
) -> None:
    async with running(tmp_path / "data") as app, client_of(app) as client:
        world = await build_world(app.state.box.db)
        answers = await asyncio.gather(
            *(push(client, world.sandbox, patient_name="") for _ in range(700))
        )
        statuses = [answer.status_code for answer in answers]
        assert (statuses.count(400), statuses.count(429)) == (600, 100)
        refused = next(answer for answer in answers if answer.status_code == 429)
        assert refused.json()["code"] == "rate_limited"
        assert refused.json()["details"] == []
        assert room(refused) == (600, 0)
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        assert refused.headers["retry-after"] == refused.headers["ratelimit-reset"]
        # reading and other keys have limits of their own
        assert room(await get(client, world.sandbox, "account")) == (60, 59)
        assert (await push(client, world.live)).status_code == 200


async def test_by_default_a_key_reads_sixty_times_and_writes_sixty_times_a_minute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(tmp_path / "data") as app, client_of(app) as client:
        key = (await build_world(app.state.box.db)).live
        for left in range(59, -1, -1):
            assert room(await get(client, key, "packages")) == (60, left)
        assert (await get(client, key, "account")).status_code == 429
        path = f"/api/packages/{'0' * 32}/cancel"
        for left in range(59, -1, -1):
            assert room(await client.post(path, headers=header(key))) == (60, left)
        assert (await client.post(path, headers=header(key))).status_code == 429
        later(monkeypatch, 61)
        assert room(await get(client, key, "packages")) == (60, 59)


async def test_waiting_as_told_makes_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    limits = {"reads_per_minute": 2}
    async with running(tmp_path / "data", limits=limits) as app, client_of(app) as client:
        key = (await build_world(app.state.box.db)).live
        await get(client, key, "account")
        later(monkeypatch, 20)
        await get(client, key, "account")
        wait = int((await get(client, key, "account")).headers["retry-after"])
        assert 39 <= wait <= 41
        later(monkeypatch, wait)
        assert (await get(client, key, "account")).status_code == 200
        assert (await get(client, key, "account")).status_code == 429


async def test_every_keyed_answer_tells_the_room_left_whatever_its_outcome(
    client: httpx.AsyncClient, world: World
) -> None:
    key = await world.key(ingest_per_minute=9, scopes=("orders:write",))
    outcomes = [
        (await push(client, key), 200),
        (await push(client, key, patient_name=""), 400),
        (await client.post(PUSH, content=b"{", headers=header(key)), 415),
        (
            await client.post(
                PUSH, content=b"{", headers={**header(key), "Content-Type": "application/json"}
            ),
            400,
        ),
    ]
    for number, (answer, status) in enumerate(outcomes, 1):
        assert answer.status_code == status
        assert room(answer) == (9, 9 - number)
    assert (await get(client, key, "packages")).status_code == 403
    assert "ratelimit-limit" in (await get(client, key, "packages")).headers


async def test_a_replay_counts_as_a_request(client: httpx.AsyncClient, world: World) -> None:
    key = await world.key(ingest_per_minute=3)
    headers = {**header(key), "Idempotency-Key": "again"}
    answers = [await client.post(PUSH, json=orders(), headers=headers) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]


async def test_who_comes_from_elsewhere_uses_up_nothing(
    client: httpx.AsyncClient, world: World
) -> None:
    key = await world.key(ingest_per_minute=1, networks=("10.0.0.0/8",))
    for _ in range(3):
        answer = await push(client, key)
        assert (answer.status_code, answer.json()["code"]) == (403, "source_refused")
        assert room(answer) == (1, 1)


async def test_a_keys_own_limit_beats_the_boxs(client: httpx.AsyncClient, world: World) -> None:
    key = await world.key(ingest_per_minute=2_000, orders_per_hour=50_000)
    assert room(await push(client, key)) == (2_000, 1_999)
    usage = (await get(client, key, "usage")).json()
    assert usage["limits"]["ingest"] == {"per_minute": 2_000, "remaining": 1_999}
    assert usage["limits"]["orders"] == {"per_hour": 50_000, "remaining": 49_999}


async def test_usage_tells_every_limit_and_itself_counts_as_a_read(tmp_path: Path) -> None:
    async with running(tmp_path / "data") as app, client_of(app) as client:
        key = (await build_world(app.state.box.db)).live
        await push(client, key)
        usage = (await get(client, key, "usage")).json()
        assert set(usage) == {"month", "plan", "orders", "limit", "overage", "limits"}
        assert (usage["plan"], usage["orders"], usage["limit"]) == ("enterprise", 1, None)
        assert usage["overage"] == {"enabled": False, "orders": 0}
        assert usage["limits"] == {
            "ingest": {"per_minute": 600, "remaining": 599},
            "read": {"per_minute": 60, "remaining": 59},
            "write": {"per_minute": 60, "remaining": 60},
            "scan": {"per_minute": 30, "remaining": 30},
            "orders": {"per_hour": 10_000, "remaining": 9_999},
        }


async def test_account_tells_the_tenant_and_the_locations_the_key_sees(
    client: httpx.AsyncClient, world: World
) -> None:
    shape = (await get(client, world.live, "account")).json()
    home = world.pharmacy.location
    assert shape["tenant"] == {
        "id": world.pharmacy.tenant.id,
        "name": "Corner Drug",
        "kind": "pharmacy",
    }
    assert shape["plan"] == "enterprise"
    assert "webhooks" in shape["features"]
    assert shape["locations"] == [
        {"id": home.id, "name": home.name, "address": "", "time_zone": "America/New_York"}
    ]
