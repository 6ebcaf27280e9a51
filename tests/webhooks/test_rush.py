"""While orders come faster than they could be sent on, sending steps back; then it catches up."""

import asyncio

import pytest

from scriptrun_box.kernel import outbox
from scriptrun_box.webhooks import places
from tests.receivers import receiving

from .conftest import Sending, World
from .test_delivery import settled

pytestmark = pytest.mark.anyio


async def test_in_a_rush_attempts_are_few_and_afterwards_everything_arrives(
    world: World, sending: Sending, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "RUSH_EVENTS", 50)
    monkeypatch.setattr(places, "RUSH_WINDOW_SECONDS", 0.1)
    monkeypatch.setattr(places, "RUSH_GAP_SECONDS", 0.2)
    async with receiving() as receiver, sending():
        endpoint = await world.endpoint(receiver.url)
        happened = []
        for burst in range(30):
            facts = [(str(number), {"burst": burst}) for number in range(10)]
            happened += await world.db.write(
                outbox.append_many, world.ours, "package.created", facts
            )
            await asyncio.sleep(0.05)
        during = len(receiver.hits)
        await settled(world, endpoint, "delivered", seconds=15)
    assert during < 150, "half of what it could have sent"
    assert sorted(hit.header("webhook-id") for hit in receiver.hits) == sorted(happened)


async def test_a_quiet_box_is_in_no_rush(world: World, sending: Sending) -> None:
    async with receiving() as receiver, sending() as deliveries:
        await world.endpoint(receiver.url)
        for _ in range(5):
            await world.happens()
        await receiver.got(5)
        assert not deliveries._rush.on
