"""What people are told: after 1, 24 and 72 hours, at a 410, and of what was set aside."""

import asyncio

import pytest

from scriptrun_box.kernel import notices
from scriptrun_box.kernel.clock import HOUR_MS
from scriptrun_box.kernel.db import Reader
from scriptrun_box.kernel.scope import BOX
from scriptrun_box.webhooks import actions, claims
from scriptrun_box.webhooks.delivery import Deliveries
from scriptrun_box.webhooks.model import Endpoint
from tests.receivers import answer, receiving

from .conftest import Sending, World
from .test_delivery import settled, settled_log

pytestmark = pytest.mark.anyio


async def said(world: World, endpoint: Endpoint) -> list[tuple[str, str]]:
    found = await world.db.read(notices.open_notices, endpoint.scope, endpoint.id)
    return [(each.kind, each.words) for each in found]


def acts(r: Reader) -> list[str]:
    return [row["act"] for row in r.all("SELECT act FROM audit WHERE actor = 'box' ORDER BY seq")]


async def fail_for(world: World, deliveries: Deliveries, hours: float) -> None:
    await world.set(
        "UPDATE webhook_endpoints SET failures = 3, failing_since = last_attempt_at - ?",
        round(hours * HOUR_MS),
    )
    await deliveries.tick()
    await asyncio.sleep(0.15)


async def test_a_failing_receiver_is_told_of_after_1_24_and_72_hours_once_each(
    world: World, sending: Sending
) -> None:
    async with receiving(answer(500)) as receiver, sending(delays=(3_600_000,)) as deliveries:
        endpoint = await world.endpoint(receiver.url)
        await world.happens()
        await settled_log(world, endpoint)
        words = []
        for hours in (0.9, 1.1, 2, 25, 26, 73):
            await fail_for(world, deliveries, hours)
            words += [each for _, each in await said(world, endpoint) if each not in words]
        assert [each.partition(" for ")[2] for each in words] == [
            "an hour.",
            "a day.",
            "three days.",
        ]
        assert len(await said(world, endpoint)) == 1
        assert (await world.db.read(acts)).count("notice.webhook_failing") == 3
        receiver.manners = answer()
        await world.db.write(actions.test, world.ours, BOX, endpoint.id)
        await receiver.got(2)
        await asyncio.sleep(0.1)
    assert await said(world, endpoint) == [], "it works again"


async def test_a_410_is_told_and_tried_on_all_the_same(world: World, sending: Sending) -> None:
    async with receiving(answer(410)) as receiver, sending(delays=(200,)):
        endpoint = await world.endpoint(receiver.url)
        await world.happens()
        await receiver.got(2)
        await settled_log(world, endpoint, 2)
        ((kind, words),) = await said(world, endpoint)
        assert (kind, "answers 410" in words) == ("webhook_gone", True)
        await world.db.write(
            actions.update, world.ours, BOX, endpoint.id, url=f"{receiver.url}/new"
        )
        assert await said(world, endpoint) == []


async def test_the_pause_for_failing_is_told_and_resuming_ends_it(
    world: World, sending: Sending
) -> None:
    async with receiving(answer(500)) as receiver, sending():
        endpoint = await world.endpoint(receiver.url)
        await world.set(
            "UPDATE webhook_endpoints SET failures = 19, failing_since = created_at - ?",
            72 * HOUR_MS,
        )
        await world.happens()
        await settled(world, endpoint, "held")
        ((_, words),) = await said(world, endpoint)
        assert "It is paused" in words
        receiver.manners = answer()
        await world.db.write(actions.resume, world.ours, BOX, endpoint.id)
        await settled(world, endpoint, "delivered")
    assert await said(world, endpoint) == []


async def test_a_row_without_a_body_is_set_aside_with_a_notice_until_somebody_acts(
    world: World, sending: Sending
) -> None:
    async with receiving() as receiver:
        endpoint = await world.endpoint(receiver.url)
        poison = await world.happens()
        await world.happens()
        await world.set("UPDATE events SET body = NULL WHERE seq = ?", poison.seq)
        async with sending():
            await settled_log(world, endpoint, 2)
            assert {row["state"] for row in await world.rows(endpoint)} == {
                "exhausted",
                "delivered",
            }
            assert [kind for kind, _ in await said(world, endpoint)] == ["webhook_set_aside"]
            await world.db.write(actions.begin_replay, world.ours, BOX, endpoint.id)
            assert await said(world, endpoint) == []


async def test_what_we_ourselves_fail_to_send_three_times_is_set_aside(
    world: World, sending: Sending
) -> None:
    async with receiving() as receiver, sending(delays=(20,)):
        endpoint = await world.endpoint(receiver.url)
        await world.set("UPDATE webhook_endpoints SET secret = 'whsec_not base64!'")
        await world.happens()
        await settled(world, endpoint, "exhausted")
    assert [row.outcome for row in await world.logs(endpoint)] == (
        ["internal_error"] * claims.OWN_FAULTS_MAX
    )
    assert [kind for kind, _ in await said(world, endpoint)] == ["webhook_set_aside"]
    assert (await world.again(endpoint)).failures == 0, "not the receiver's fault"


async def test_notices_of_a_deleted_webhook_are_gone(world: World, sending: Sending) -> None:
    async with receiving(answer(410)) as receiver, sending():
        endpoint = await world.endpoint(receiver.url)
        await world.happens()
        await settled_log(world, endpoint)
        assert await said(world, endpoint)
        await world.db.write(actions.delete, world.ours, BOX, endpoint.id)
    assert await said(world, endpoint) == []
