"""A webhook that wants its events in order gets them so, whatever fails in between."""

import asyncio
import json

import pytest

from scriptrun_box.kernel import outbox
from scriptrun_box.kernel.db import Writer
from scriptrun_box.kernel.scope import BOX
from scriptrun_box.webhooks import actions
from scriptrun_box.webhooks.model import Endpoint
from tests.receivers import Receiver, answer, hang, receiving

from .conftest import Sending, World
from .test_delivery import settled, settled_log, times

pytestmark = pytest.mark.anyio


async def ordered(world: World, receiver: Receiver) -> Endpoint:
    made = await world.endpoint(receiver.url)
    return await world.db.write(actions.update, world.ours, BOX, made.id, ordered=True)


def many(w: Writer, world: World, count: int) -> list[str]:
    return outbox.append_many(
        w, world.ours, "package.created", [("x", {"n": n}) for n in range(count)]
    )


def ids_of(receiver: Receiver) -> list[str]:
    return [json.loads(hit.body)["id"] for hit in receiver.hits]


async def test_events_arrive_one_by_one_in_their_order(world: World, sending: Sending) -> None:
    async with receiving() as receiver, sending():
        endpoint = await ordered(world, receiver)
        made = await world.db.write(many, world, 30)
        made += await world.db.write(many, world, 30)
        await receiver.got(60, seconds=15)
        await settled(world, endpoint, "delivered")
    assert ids_of(receiver) == made


async def test_a_failed_event_holds_up_those_behind_it_until_it_is_over(
    world: World, sending: Sending
) -> None:
    async with receiving(times(200, 500, 503)) as receiver, sending(delays=(60,)):
        endpoint = await ordered(world, receiver)
        made = await world.db.write(many, world, 4)
        await settled(world, endpoint, "delivered")
    assert ids_of(receiver) == [made[0], made[1], made[1], made[1], made[2], made[3]]


async def test_an_event_that_is_given_up_lets_the_next_one_go(
    world: World, sending: Sending
) -> None:
    async with receiving(answer(500)) as receiver, sending(delays=(100,), give_up_ms=500):
        endpoint = await ordered(world, receiver)
        made = await world.db.write(many, world, 2)
        await settled(world, endpoint, "exhausted")
    got = ids_of(receiver)
    assert got == sorted(got, key=made.index)
    assert set(got) == set(made)


async def test_a_restart_sends_first_what_was_under_way(world: World, sending: Sending) -> None:
    async with receiving(hang) as receiver:
        endpoint = await ordered(world, receiver)
        made = await world.db.write(many, world, 3)
        async with sending():
            await receiver.got(1)
        receiver.manners = answer()
        async with sending():
            await settled(world, endpoint, "delivered")
    assert ids_of(receiver) == [made[0], *made]


async def test_a_replay_and_a_resume_keep_the_order(world: World, sending: Sending) -> None:
    async with receiving() as receiver, sending() as deliveries:
        endpoint = await ordered(world, receiver)
        made = await world.db.write(many, world, 5)
        await settled(world, endpoint, "delivered")
        heads = await world.db.read(outbox.window, world.ours, 0, 1 << 60, 0, 100)
        await world.db.write(actions.replay, endpoint.id, heads, deliveries.give_up_ms)
        await receiver.got(10)
        await settled(world, endpoint, "delivered")
        await world.db.write(actions.pause, world.ours, BOX, endpoint.id)
        more = await world.db.write(many, world, 5)
        await asyncio.sleep(0.1)
        await world.db.write(actions.resume, world.ours, BOX, endpoint.id)
        await receiver.got(15)
    assert ids_of(receiver) == made + made + more


async def test_a_test_is_sent_although_an_event_waits_for_its_next_try(
    world: World, sending: Sending
) -> None:
    async with receiving(times(500)) as receiver, sending(delays=(60_000,)):
        endpoint = await ordered(world, receiver)
        await world.happens()
        await settled_log(world, endpoint)
        await world.db.write(actions.test, world.ours, BOX, endpoint.id)
        await receiver.got(2)
    assert receiver.hits[1].header("X-ScriptRun-Event") == "webhook.test"
