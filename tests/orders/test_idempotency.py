"""Idempotency-Key: a repeated request gets its first answer and makes nothing twice."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
import time_machine

from scriptrun_box.kernel.db import Reader
from scriptrun_box.kernel.scope import Scope
from tests.shared_box import client_of, running
from tests.world import World, build_world, header, orders

pytestmark = pytest.mark.anyio
URL = "/api/webhook/orders"


def stored(r: Reader, scope: Scope) -> int:
    """How many packages a tenant has."""
    return int(
        r.value(
            "SELECT count(*) FROM packages WHERE tenant_id = ? AND test = ?",
            (scope.tenant_id, scope.test),
        )
    )


async def push(
    client: httpx.AsyncClient, key: dict[str, str], name: str, body: bytes | None = None
) -> httpx.Response:
    """Push with the Idempotency-Key `name`."""
    headers = {**key, "Content-Type": "application/json", "Idempotency-Key": name}
    raw = {word: value.encode("latin-1") for word, value in headers.items()}
    body = json.dumps(orders({"rx_number": name[:20] or None})).encode() if body is None else body
    return await client.post(URL, content=body, headers=raw)


async def test_a_repeat_gets_the_first_answer_byte_for_byte_and_makes_nothing(
    client: httpx.AsyncClient, world: World
) -> None:
    body = json.dumps(orders({}, {"patient_name": ""}, {"colour": 1, "rx_number": "2"})).encode()
    first = await push(client, header(world.live), "repeat", body)
    before = await world.db.read(stored, world.scope)
    for _ in range(3):
        again = await push(client, header(world.live), "repeat", body)
        assert again.status_code == 200
        assert again.content == first.content
        assert again.headers["content-type"] == first.headers["content-type"]
        assert again.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers
    assert await world.db.read(stored, world.scope) == before


async def test_another_body_under_the_same_key_is_refused(
    client: httpx.AsyncClient, world: World
) -> None:
    body = json.dumps(orders({"rx_number": "other"})).encode()
    await push(client, header(world.live), "other", body)
    before = await world.db.read(stored, world.scope)
    for changed in (body + b" ", json.dumps(orders({"rx_number": "changed"})).encode()):
        answer = await push(client, header(world.live), "other", changed)
        assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_reused")
    assert await world.db.read(stored, world.scope) == before


async def test_one_key_racing_itself_makes_one_set_of_packages(
    client: httpx.AsyncClient, world: World
) -> None:
    before = await world.db.read(stored, world.scope)
    answers = await asyncio.gather(*(push(client, header(world.live), "race") for _ in range(40)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert sum("idempotent-replayed" not in answer.headers for answer in answers) == 1
    assert await world.db.read(stored, world.scope) == before + 1


async def test_the_same_words_under_another_api_key_are_another_request(
    client: httpx.AsyncClient, world: World
) -> None:
    another = await world.key()
    answers = [
        await push(client, header(key), "mine")
        for key in (world.live, another, world.sandbox, world.stranger)
    ]
    assert all("idempotent-replayed" not in answer.headers for answer in answers)
    assert len({answer.content for answer in answers}) == 4


async def test_only_successes_are_kept(client: httpx.AsyncClient, world: World) -> None:
    bad = json.dumps(orders({"patient_name": ""})).encode()
    assert (await push(client, header(world.live), "retry", bad)).status_code == 400
    good = await push(client, header(world.live), "retry")
    assert good.status_code == 200
    assert "idempotent-replayed" not in good.headers


@pytest.mark.parametrize("name", ["", "x" * 256, "a b", "señora", "a\tb"])
async def test_a_key_is_visible_ascii_of_a_bounded_length(
    client: httpx.AsyncClient, world: World, name: str
) -> None:
    before = await world.db.read(stored, world.scope)
    answer = await push(client, header(world.live), name)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_idempotency_key")
    assert await world.db.read(stored, world.scope) == before


async def test_the_longest_key_there_may_be_works(client: httpx.AsyncClient, world: World) -> None:
    for _ in range(2):
        answer = await push(client, header(world.live), "~" * 255)
        assert answer.status_code == 200
    assert answer.headers["idempotent-replayed"] == "true"


async def test_an_answer_is_kept_a_day_and_across_a_restart(tmp_path: Path) -> None:
    async with running(tmp_path / "data") as app, client_of(app) as client:
        key = header((await build_world(app.state.box.db)).live)
        first = await push(client, key, "day")
    async with running(tmp_path / "data") as app, client_of(app) as client:
        assert (await push(client, key, "day")).content == first.content
        with time_machine.travel(timedelta(hours=23, minutes=59)):
            assert (await push(client, key, "day")).content == first.content
        with time_machine.travel(timedelta(hours=24, minutes=1)):
            later = await push(client, key, "day")
            assert later.status_code == 200
            assert "idempotent-replayed" not in later.headers
            assert later.json()["package_ids"] != first.json()["package_ids"]
            assert (await push(client, key, "day")).content == later.content


async def test_a_replay_takes_no_orders_from_the_hour_or_the_month(
    client: httpx.AsyncClient, world: World
) -> None:
    key = header(await world.key(orders_per_hour=1))
    month = (await client.get("/api/usage", headers=key)).json()["orders"]
    for _ in range(3):
        assert (await push(client, key, "hour")).status_code == 200
    assert (await push(client, key, "another")).status_code == 429
    assert (await client.get("/api/usage", headers=key)).json()["orders"] == month + 1
