"""Cold packages on the phone: until when they stay cold, and what is read of them at the door."""

from typing import Any

import httpx
import pytest

from scriptrun_box.delivery.cold import packing, readings, story
from scriptrun_box.delivery.cold.model import Story
from scriptrun_box.kernel import clock
from scriptrun_box.kernel.clock import MINUTE_MS
from scriptrun_box.kernel.scope import CLI
from tests.delivery.cold.people import PACKED, bag, long_ago
from tests.world import World

from .handset import Out, planned, status

pytestmark = pytest.mark.anyio
COLD = {"cold_chain": True, "copay_amount": None, "requires_signature": False}


async def on_the_way(client: httpx.AsyncClient, world: World, *orders: dict[str, Any]) -> Out:
    """A driver out with cold packages that were packed half an hour ago."""
    out = await planned(client, world, *orders)
    for package_id in out.package_ids:
        given = {"bag_id": await bag(world), **PACKED}
        await world.db.write(packing.pack, world.scope, CLI, package_id, given)
        await world.db.write(long_ago, package_id, 30)
    load = out.phone.act("load", package_ids=out.package_ids)
    answers = await out.phone.send(load, out.phone.act("start", route_id=out.route_id))
    assert [each["outcome"] for each in answers] == ["taken", "taken"]
    return out


async def known(world: World, package_id: str) -> Story:
    return await world.db.read(story.read, world.scope, package_id, clock.now_ms())


async def test_the_phone_knows_until_when_a_package_stays_cold_and_within_which_limits(
    client: httpx.AsyncClient, world: World
) -> None:
    out = await on_the_way(client, world, COLD)
    (package_id,) = out.package_ids
    told = await out.phone.shift()
    package = (await known(world, package_id)).package
    assert told["packages"][package_id]["cold_until"] == package.hold_until
    assert told["cold"] == {"low": 2.0, "high": 8.0}


async def test_a_reading_at_the_door_is_kept_with_the_delivery_however_often_it_is_told(
    client: httpx.AsyncClient, world: World
) -> None:
    out = await on_the_way(client, world, COLD)
    (package_id,) = out.package_ids
    shown = {"celsius": 5.25, "indicator": "unchanged"}
    act = out.phone.delivery(package_id, readings={package_id: shown})
    answers = await out.phone.send(act, act)
    assert [each["outcome"] for each in answers] == ["taken", "already"]
    taken = (await known(world, package_id)).readings[-1]
    assert (taken.place, taken.celsius, taken.indicator) == ("door", 5.25, "unchanged")
    assert (taken.at, taken.taken_by) == (act["at"], f"driver:{out.driver_id}")


@pytest.mark.parametrize("kind", ["deliver", "fail"])
async def test_a_changed_indicator_at_the_door_leads_to_a_quarantine_and_no_delivery(
    client: httpx.AsyncClient, world: World, kind: str
) -> None:
    out = await on_the_way(client, world, COLD, COLD)
    warm, fine = out.package_ids
    shown = {warm: {"indicator": "changed"}, fine: {"celsius": 4.0}}
    if kind == "deliver":
        act = out.phone.delivery(warm, fine, readings=shown)
    else:
        act = out.phone.act("fail", package_ids=[warm, fine], reason="temperature", readings=shown)
    (answer,) = await out.phone.send(act)
    if kind == "deliver":
        assert [(each["package_id"], each["code"]) for each in answer["details"]] == [
            (warm, "quarantined")
        ]
    else:
        assert answer["outcome"] == "taken"
    assert status(world, warm) == ("out_for_delivery" if kind == "deliver" else "failed")
    assert status(world, fine) == ("delivered" if kind == "deliver" else "failed")
    waiting = (await known(world, warm)).waiting
    assert waiting is not None and [each.kind for each in waiting.findings] == ["indicator"]
    assert (await known(world, fine)).waiting is None
    assert (await out.phone.shift())["packages"][warm]["recalled"] is True


async def test_only_who_carries_a_cold_package_reads_its_temperature(
    client: httpx.AsyncClient, world: World
) -> None:
    theirs = await on_the_way(client, world, COLD)
    mine = await on_the_way(client, world, COLD)
    changed = {"indicator": "changed"}
    for phone, package_id in (
        (mine.phone, theirs.package_ids[0]),  # another driver's
        (mine.phone, "0" * 32),  # nobody's
    ):
        act = phone.delivery(package_id, readings={package_id: changed})
        assert (await phone.send(act))[0]["outcome"] != "taken"
    told = await known(world, theirs.package_ids[0])
    assert (told.waiting, [each.place for each in told.readings]) == (None, ["pack"])


@pytest.mark.parametrize(
    "shown", [{}, {"celsius": 300}, {"indicator": "pink"}, {"celsius": "5"}, {"kelvin": 278.0}]
)
async def test_a_reading_that_is_none_is_refused_with_its_act(
    client: httpx.AsyncClient, world: World, shown: dict[str, Any]
) -> None:
    out = await on_the_way(client, world, COLD)
    (package_id,) = out.package_ids
    act = out.phone.delivery(package_id, readings={package_id: shown})
    (answer,) = await out.phone.send(act)
    assert answer["outcome"] == "refused" and answer["sentence"]
    assert status(world, package_id) == "out_for_delivery"
    assert len((await known(world, package_id)).readings) == 1


async def test_a_delivered_package_is_never_to_be_brought_back(
    client: httpx.AsyncClient, world: World
) -> None:
    """Its logger may tell of an excursion afterwards: that is the pharmacist's to decide."""
    out = await on_the_way(client, world, COLD)
    (package_id,) = out.package_ids
    await out.phone.send(out.phone.delivery(package_id))
    late = clock.now_ms() - 10 * MINUTE_MS
    reading = (readings.reading_at_door, world.scope, CLI, package_id, late, None, "changed")
    assert await world.db.write(*reading) is not None
    told = (await out.phone.shift())["packages"][package_id]
    assert (told["status"], told["recalled"]) == ("delivered", False)
