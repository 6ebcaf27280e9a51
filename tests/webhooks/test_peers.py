"""What other senders of webhooks test of themselves, where no other file here has it by name."""

import asyncio
import json

import pytest

from scriptrun_box.kernel import clock
from scriptrun_box.kernel.outgoing import Result
from scriptrun_box.webhooks import claims
from scriptrun_box.webhooks.schedule import Schedule
from tests.receivers import receiving

from .conftest import Sending, World
from .test_delivery import settled, times

pytestmark = pytest.mark.anyio
THREE_DAYS_MS = 72 * 3_600_000
PUBLISHED = {
    "Content-Type",
    "X-ScriptRun-Event",
    "X-ScriptRun-Signature",
    "webhook-id",
    "webhook-timestamp",
    "webhook-signature",
}


async def test_a_receiver_that_fails_often_but_not_each_time_is_not_paused(
    world: World, sending: Sending
) -> None:
    async with receiving(times(200, then=500)) as receiver, sending():
        endpoint = await world.endpoint(receiver.url)
        await world.set(
            "UPDATE webhook_endpoints SET failures = 19, failing_since = created_at - ?",
            THREE_DAYS_MS,
        )
        await world.happens()
        await settled(world, endpoint, "delivered")
        await world.happens()
        await receiver.got(2)
        async with asyncio.timeout(5):
            while (await world.again(endpoint)).failures == 0:
                await asyncio.sleep(0.01)
    after = await world.again(endpoint)
    assert (after.state, after.failures) == ("active", 1)
    assert after.failing_since is not None and after.failing_since > clock.now_ms() - THREE_DAYS_MS


async def test_the_keys_of_an_event_keep_their_order_on_every_attempt(
    world: World, sending: Sending
) -> None:
    async with receiving(times(500)) as receiver, sending(delays=(20,)):
        endpoint = await world.endpoint(receiver.url)
        await world.happens(zebra=1, Apple=2, middle={"z": 1, "a": 2})
        await settled(world, endpoint, "delivered")
    first, second = (json.loads(hit.body) for hit in receiver.hits)
    for body in (first, second):
        assert list(body) == ["id", "event", "created_at", "data"]
        assert list(body["data"]) == ["note", "zebra", "Apple", "middle"]
        assert list(body["data"]["middle"]) == ["z", "a"]


async def test_header_names_arrive_in_the_casing_that_is_published(
    world: World, sending: Sending
) -> None:
    async with receiving() as receiver, sending():
        await world.endpoint(receiver.url)
        await world.happens()
        (hit,) = await receiver.got(1)
    assert {name for name, _ in hit.headers} >= PUBLISHED


async def test_a_result_that_comes_after_its_lease_ran_out_is_logged_and_settles_nothing(
    world: World,
) -> None:
    endpoint = await world.endpoint("http://127.0.0.1:9/hook")
    await world.happens()
    await world.db.write(claims.fan_out, THREE_DAYS_MS)
    (late,) = await world.db.write(claims.claim, endpoint.id, 0, 4, 1_000)
    await world.set("UPDATE webhook_deliveries SET lease_until = 1")
    await world.db.write(claims.mend, THREE_DAYS_MS, frozenset())
    (current,) = await world.db.write(claims.claim, endpoint.id, 0, 4, 1_000)
    accepted, schedule = Result("ok", status=200), Schedule((60,), THREE_DAYS_MS)
    await world.db.write(claims.finish, late, accepted, schedule)
    (row,) = await world.rows(endpoint)
    assert (row["state"], row["lease"]) == ("sending", current.lease)
    await world.db.write(claims.finish, current, accepted, schedule)
    (row,) = await world.rows(endpoint)
    assert row["state"] == "delivered"
    assert [(each.attempt, each.outcome) for each in await world.logs(endpoint)] == [
        (1, "ok"),
        (2, "ok"),
    ]
