"""GET /api/events: the pull feed, gapless for each account and side, and waiting for news."""

import asyncio
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from scriptrun_box.accounts import actions as accounts
from scriptrun_box.kernel import outbox
from scriptrun_box.kernel.db import Writer, run_once
from scriptrun_box.kernel.scope import CLI, Scope
from tests.shared_box import client_of, running
from tests.world import World, build_world, header, orders

pytestmark = pytest.mark.anyio
FEED = "/api/events"


@pytest.fixture
async def world(app: Starlette) -> World:
    """Everybody, in the file of the app."""
    return await build_world(app.state.box.db)


def happen(w: Writer, scope: Scope, count: int = 1) -> list[str]:
    facts = [("x", {"note": "Señora ✓"}) for _ in range(count)]
    return outbox.append_many(w, scope, "package.created", facts)


async def read(client: httpx.AsyncClient, key: Any, **query: Any) -> Any:
    answer = await client.get(FEED, params=query, headers=header(key))
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_reading_on_from_next_after_misses_nothing_and_doubles_nothing(
    client: httpx.AsyncClient, world: World
) -> None:
    made = []
    for scope in (world.scope, world.sandbox_scope, Scope(world.elsewhere.tenant.id)) * 3:
        ids = await world.db.write(happen, scope, 5)
        made += ids if scope == world.scope else []
    got, after = [], 0
    while page := await read(client, world.live, after=after, limit=4):
        if not page["data"]:
            break
        got += page["data"]
        after = page["next_after"]
        if len(got) == 8:
            made += await world.db.write(happen, world.scope, 2)  # while somebody reads
    assert [event["id"] for event in got] == made
    assert [event["seq"] for event in got] == list(range(1, len(made) + 1))
    assert after == len(made)
    assert all("test" not in event for event in got)


async def test_an_event_of_the_feed_is_the_body_a_webhook_gets_with_its_place(
    client: httpx.AsyncClient, world: World
) -> None:
    pushed = await client.post("/api/webhook/orders", json=orders(), headers=header(world.live))
    answer = await client.get(FEED, headers=header(world.live))
    (event,) = await world.db.read(outbox.feed, world.scope, 0, 10)
    assert event.body is not None
    assert answer.content == (b'{"data":[{"seq":1,' + event.body[1:] + b'],"next_after":1}')
    assert answer.json()["data"][0]["data"]["package_id"] == pushed.json()["package_ids"][0]


async def test_the_sandbox_and_strangers_have_feeds_of_their_own(
    client: httpx.AsyncClient, world: World
) -> None:
    await world.db.write(happen, world.scope)
    await world.db.write(happen, world.sandbox_scope, 2)
    assert len((await read(client, world.live))["data"]) == 1
    sandbox = (await read(client, world.sandbox))["data"]
    assert [(event["seq"], event["test"]) for event in sandbox] == [(1, True), (2, True)]
    assert await read(client, world.stranger) == {"data": [], "next_after": 0}


@pytest.mark.parametrize(
    "query",
    [{"after": "-1"}, {"after": "x"}, {"after": "9" * 30}, {"wait": "31"}, {"wait": "1.5"},
     {"limit": "0"}, {"limit": "201"}, {"after": "7"}],
)  # fmt: skip
async def test_a_place_or_a_wait_that_cannot_be_is_refused(
    client: httpx.AsyncClient, world: World, query: dict[str, str]
) -> None:
    """The last one lies behind the end: a copy was restored, and going on would skip events."""
    answer = await client.get(FEED, params=query, headers=header(world.live))
    assert (answer.status_code, answer.json()["code"]) == (400, "validation_failed")
    assert answer.json()["details"][0]["field"] in query


async def test_a_key_of_one_location_cannot_read_what_tells_of_all_of_them(
    client: httpx.AsyncClient, world: World
) -> None:
    bound = await world.key(location_id=world.pharmacy.location.id)
    answer = await client.get(FEED, headers=header(bound))
    assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")


async def test_no_plan_feature_is_needed(client: httpx.AsyncClient, world: World) -> None:
    await world.db.write(
        accounts.update_tenant, world.scope.tenant_id, CLI, plan="starter", overage=None
    )
    assert (await read(client, world.live))["data"] == []


async def test_a_waiting_call_is_answered_by_the_commit_and_blocks_no_other_reading(
    client: httpx.AsyncClient, world: World
) -> None:
    calls = [asyncio.create_task(read(client, world.live, wait=30)) for _ in range(5)]
    await asyncio.sleep(0.1)
    await world.db.write(happen, world.sandbox_scope)  # somebody else's: wakes nobody
    async with asyncio.timeout(2):
        assert (await read(client, world.stranger))["data"] == []
        await asyncio.sleep(0.1)
        assert not any(call.done() for call in calls)
        began = time.monotonic()
        (made,) = await world.db.write(happen, world.scope)
        pages = await asyncio.gather(*calls)
    assert time.monotonic() - began < 0.5
    assert [[event["id"] for event in page["data"]] for page in pages] == [[made]] * 5


async def test_a_wait_without_news_ends_in_time_and_empty(
    client: httpx.AsyncClient, world: World
) -> None:
    began = time.monotonic()
    assert await read(client, world.live, wait=1) == {"data": [], "next_after": 0}
    assert 0.9 < time.monotonic() - began < 2


async def test_what_another_process_wrote_ends_the_wait_too(
    client: httpx.AsyncClient, world: World
) -> None:
    call = asyncio.create_task(read(client, world.live, wait=10))
    await asyncio.sleep(0.1)
    db = world.db
    await asyncio.to_thread(run_once, db.path, db.key, happen, world.scope)
    async with asyncio.timeout(4):
        assert len((await call)["data"]) == 1


async def test_a_key_revoked_while_it_waits_gets_nothing(
    client: httpx.AsyncClient, world: World
) -> None:
    key = await world.key()
    call = asyncio.create_task(client.get(FEED, params={"wait": 10}, headers=header(key)))
    await asyncio.sleep(0.1)
    await world.db.write(accounts.revoke_key, world.scope.tenant_id, CLI, key.key.id)
    await world.db.write(happen, world.scope)
    async with asyncio.timeout(4):
        assert (await call).status_code == 401


async def test_a_stop_ends_every_wait_at_once(
    app: Starlette, client: httpx.AsyncClient, world: World
) -> None:
    call = asyncio.create_task(read(client, world.live, wait=30))
    await asyncio.sleep(0.1)
    began = time.monotonic()
    app.state.close_streams()
    assert (await call)["data"] == []
    assert time.monotonic() - began < 0.3


async def test_a_call_counts_against_reads(tmp_path: Path) -> None:
    async with running(tmp_path / "data", limits={"reads_per_minute": 2}) as app:
        world = await build_world(app.state.box.db)
        async with client_of(app) as client:
            statuses = [
                (await client.get(FEED, headers=header(world.live))).status_code for _ in range(3)
            ]
    assert statuses == [200, 200, 429]
