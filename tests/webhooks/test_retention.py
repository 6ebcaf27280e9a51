"""What is old is forgotten bit by bit; what proves that it was, and what is still owed, stays."""

import hashlib
from typing import Any

import pytest

from scriptrun_box.kernel import audit, clock, outbox
from scriptrun_box.kernel.db import Reader
from scriptrun_box.kernel.errors import Gone
from scriptrun_box.kernel.outbox import Event
from scriptrun_box.kernel.scope import BOX
from scriptrun_box.webhooks import actions, claims, feed, retention
from tests.receivers import answer, receiving

from .conftest import DAY_MS, Sending, World

pytestmark = pytest.mark.anyio


def rows_of(r: Reader, sql: str) -> list[Any]:
    return [dict(row) for row in r.all(sql)]


async def all_of(world: World, table: str) -> list[Any]:
    return await world.db.read(rows_of, f"SELECT * FROM {table} ORDER BY 1")


async def age(world: World, *events: Event) -> None:
    """So long ago that it is no longer kept."""
    for event in events:
        await world.set(
            "UPDATE events SET created_at = created_at - ? WHERE seq = ?", 31 * DAY_MS, event.seq
        )


async def delivered(world: World, sending: Sending, count: int) -> list[Event]:
    async with receiving(answer(200, b"thanks", Server="pms")) as receiver, sending():
        await world.endpoint(receiver.url)
        events = [await world.happens() for _ in range(count)]
        await receiver.got(count)
    return events


async def test_an_old_event_keeps_only_its_hash_and_size_and_its_deliveries_are_gone(
    world: World, sending: Sending
) -> None:
    old, young = await delivered(world, sending, 2)
    await age(world, old)
    await retention.prune(world.db, 30)
    first, second = await all_of(world, "events")
    assert old.body is not None
    assert (first["body"], first["body_size"]) == (None, len(old.body))
    assert first["body_hash"] == hashlib.sha256(old.body).digest()
    assert (second["body"], second["body_hash"]) == (young.body, None)
    assert [row["event_seq"] for row in await all_of(world, "webhook_deliveries")] == [young.seq]
    assert len(await all_of(world, "webhook_logs")) == 2


async def test_answers_are_forgotten_by_the_age_of_their_attempt(
    world: World, sending: Sending
) -> None:
    await delivered(world, sending, 1)
    (row,) = await all_of(world, "webhook_logs")
    assert (row["answer"], "server: pms" in row["answer_head"].lower()) == (b"thanks", True)
    await world.db.write(retention.prune_some, row["started_at"] - 1_000)
    assert (await all_of(world, "webhook_logs")) == [row], "it is too young"
    await world.db.write(retention.prune_some, clock.now_ms() + 1_000)
    (pruned,) = await all_of(world, "webhook_logs")
    assert (pruned["answer"], pruned["answer_head"], pruned["answer_size"]) == (None, None, 6)
    assert pruned["answer_hash"] == hashlib.sha256(b"thanks").digest()
    assert (pruned["status"], pruned["outcome"]) == (200, "ok")


async def test_what_is_held_is_kept_and_sent_on_resume_and_then_forgotten(
    world: World, sending: Sending
) -> None:
    async with receiving() as receiver:
        endpoint = await world.endpoint(receiver.url)
        await world.db.write(actions.pause, world.ours, BOX, endpoint.id)
        held = await world.happens()
        await world.happens()
        await world.db.write(claims.fan_out, DAY_MS)
        await age(world, held)
        await retention.prune(world.db, 30)
        async with sending():
            await world.db.write(actions.resume, world.ours, BOX, endpoint.id)
            hits = await receiver.got(2)
    assert held.body in [hit.body for hit in hits]
    await retention.prune(world.db, 30)
    assert (await all_of(world, "events"))[0]["body"] is None
    assert len(await all_of(world, "webhook_deliveries")) == 1


async def test_an_event_that_was_not_fanned_out_yet_is_not_forgotten(world: World) -> None:
    await world.endpoint("https://93.184.215.14/hook")
    event = await world.happens()
    await age(world, event)
    await retention.prune(world.db, 30)
    assert (await all_of(world, "events"))[0]["body"] == event.body


async def test_the_feed_is_gone_up_to_there_and_goes_on_behind(world: World) -> None:
    await world.happens(world.stranger)
    events = [await world.happens() for _ in range(5)]
    await world.db.write(claims.fan_out, DAY_MS)
    await age(world, *events[:3])
    await world.set("UPDATE events SET created_at = 0 WHERE seq = 1")
    await retention.prune(world.db, 30)
    for after in (0, 2):
        with pytest.raises(Gone) as gone:
            await world.db.read(feed._behind, world.ours, after, 10)
        assert gone.value.code == "pruned"
        assert "after=3" in gone.value.sentence
    assert await world.db.read(feed._behind, world.ours, 3, 10) == events[3:]
    assert await world.db.read(outbox.pruned_through, world.sandbox) == 0
    assert await world.db.read(outbox.pruned_through, world.stranger) == 1


async def test_it_is_done_in_portions_and_the_audit_outlives_it(
    world: World, sending: Sending, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "ROWS", 2)
    events = await delivered(world, sending, 5)
    before = await all_of(world, "audit")
    await age(world, *events)
    assert await world.db.write(retention.prune_some, clock.now_ms() - 30 * DAY_MS)
    assert [row["body"] is None for row in await all_of(world, "events")] == [True] * 2 + [
        False
    ] * 3
    await retention.prune(world.db, 30)
    assert all(row["body"] is None for row in await all_of(world, "events"))
    assert await all_of(world, "audit") == before
    assert await world.db.read(audit.verify) is None
