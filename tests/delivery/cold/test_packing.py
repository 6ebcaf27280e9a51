"""Packing cold: the gate for leaving, the bag's time, and who was first."""

import asyncio

import httpx
import pytest

from scriptrun_box.delivery.cold import bags, packing, store
from scriptrun_box.kernel.clock import MINUTE_MS
from scriptrun_box.kernel.errors import Conflict, Invalid
from scriptrun_box.packages import actions as packages
from scriptrun_box.packages import store as stored
from scriptrun_box.patients.driver_view import for_driver
from scriptrun_box.routes import actions as routes
from scriptrun_box.routes import posing, sheet
from scriptrun_box.routes.plan import Plan
from tests.drivers.people import parcel
from tests.routes.people import ANA, SHOP, at_places, driver, step
from tests.world import World

from .people import PACKED, bag, cold_parcel, long_ago, out, packed

pytestmark = pytest.mark.anyio


async def test_a_packed_package_may_leave_and_its_bags_time_runs(
    client: httpx.AsyncClient, world: World
) -> None:
    package_id, bag_id = await cold_parcel(client, world), await bag(world, 90)
    await world.db.write(step, world.scope, package_id, "assign")
    with pytest.raises(Conflict) as refusal:
        await world.db.write(packages.move_on, world.scope, ANA, package_id, "start")
    assert refusal.value.code == "not_packed"
    given = {"bag_id": bag_id, **PACKED}
    package = await world.db.write(packing.pack, world.scope, ANA, package_id, given)
    assert package.packed_at is not None
    assert package.hold_until == package.packed_at + 90 * MINUTE_MS
    pack = (await world.db.read(store.packs_of, [package_id]))[package_id]
    assert (pack.bag_id, pack.gel_packs, pack.celsius) == (bag_id, 2, 4.5)
    assert (pack.indicator_id, pack.packed_by) == ("WM-1042", ANA.id)
    started = await world.db.write(packages.move_on, world.scope, ANA, package_id, "start")
    assert for_driver(started, None).hold_until == package.hold_until
    acts = [move.act for move in await world.db.read(stored.moves, started)]
    assert acts == ["create", "assign", "pack", "start"]


async def test_of_two_who_pack_it_at_once_one_is_told_that_it_is_packed(
    client: httpx.AsyncClient, world: World
) -> None:
    package_id, given = await cold_parcel(client, world), {"bag_id": await bag(world), **PACKED}
    both = (
        world.db.write(packing.pack, world.scope, ANA, package_id, given),
        world.db.write(packing.pack, world.scope, ANA, package_id, given),
    )
    ended = await asyncio.gather(*both, return_exceptions=True)
    (lost,) = [each for each in ended if isinstance(each, Conflict)]
    assert lost.code == "packed_already"
    assert len(await world.db.read(store.packs, package_id)) == 1


async def test_what_was_unpacked_or_comes_back_is_packed_anew(
    client: httpx.AsyncClient, world: World
) -> None:
    package = await packed(client, world)
    bare = await world.db.write(packing.unpack, world.scope, ANA, package.id)
    assert (bare.packed_at, bare.hold_until) == (None, None)
    given = {"bag_id": await bag(world), **PACKED}
    await world.db.write(packing.pack, world.scope, ANA, package.id, given)
    for act in ("assign", "start", "fail"):
        await world.db.write(step, world.scope, package.id, act, "no_answer")
    back = await world.db.write(packages.redeliver, world.scope, ANA, package.id)
    assert (back.status, back.packed_at, back.hold_until) == ("created", None, None)
    again = await world.db.write(packing.pack, world.scope, ANA, package.id, given)
    assert again.packed_at is not None
    ends = [pack.ended_at for pack in await world.db.read(store.packs, package.id)]
    assert [end is None for end in ends] == [False, False, True]


async def test_what_cannot_be_packed_is_said_why(client: httpx.AsyncClient, world: World) -> None:
    scope, bag_id = world.scope, await bag(world)
    retired = await bag(world)
    await world.db.write(bags.change, scope, ANA, retired, {"retired": True})
    warm, gone = await parcel(client, world.live), await out(client, world)
    cold, given = await cold_parcel(client, world), {"bag_id": bag_id, **PACKED}
    for package_id, wish, code in (
        (warm, given, "not_cold"),
        (gone.id, given, "pack_not_allowed"),
        (cold, {**given, "bag_id": retired}, "bag_retired"),
        (cold, {**given, "bag_id": "bag_none"}, "validation_failed"),
        (cold, {**given, "celsius": 8.1}, "validation_failed"),
    ):
        with pytest.raises((Conflict, Invalid)) as refusal:
            await world.db.write(packing.pack, scope, ANA, package_id, wish)
        assert refusal.value.code == code
    with pytest.raises(Conflict) as refusal:
        await world.db.write(packing.unpack, scope, ANA, cold)
    assert refusal.value.code == "not_packed"


async def test_a_changed_bag_leaves_what_is_packed_in_it_alone_and_names_stay_apart(
    client: httpx.AsyncClient, world: World
) -> None:
    scope, package = world.scope, await packed(client, world, 60)
    pack = (await world.db.read(store.packs_of, [package.id]))[package.id]
    given = {"hold_minutes": 30, "version": 1}
    changed = await world.db.write(bags.change, scope, ANA, pack.bag_id, given)
    assert (changed.hold_minutes, changed.version) == (30, 2)
    assert (await world.db.write(packages.find, scope, package.id)).hold_until == package.hold_until
    with pytest.raises(Conflict):
        await world.db.write(bags.change, scope, ANA, pack.bag_id, given)
    with pytest.raises(Invalid):
        await world.db.write(bags.add, scope, ANA, {"name": pack.bag, "hold_minutes": 5})
    await world.db.write(bags.change, scope, ANA, pack.bag_id, {"retired": True})
    await world.db.write(bags.add, scope, ANA, {"name": pack.bag, "hold_minutes": 5})


async def test_the_bags_limit_is_a_latest_arrival_for_routes_and_said_where_it_is_missed(
    client: httpx.AsyncClient, world: World
) -> None:
    scope, luis = world.scope, await driver(client, world.live, capabilities=["cold_chain"])
    package = await packed(client, world, 60)
    far = await parcel(client, world.live, patient_address="9 Far St, Miami, FL 33101")
    place = (SHOP[0] + 1.0, SHOP[1])  # two hours away
    await world.db.write(at_places, scope, {package.id: place, far: place})
    wish = {"driver_id": luis, "package_ids": [package.id, far]}
    made = await world.db.write(routes.create, scope, ANA, wish)
    request = {"driver_ids": [luis], "package_ids": [package.id, far]}
    route = made.route
    plan = Plan(
        0, "pln_1", scope.tenant_id, False, route.location_id, route.date, route.id,
        "queued", 0, request, None, None, 0, ANA.id, 0,
    )  # fmt: skip
    assert package.hold_until is not None
    now = package.hold_until - 60 * MINUTE_MS
    posed = await world.db.read(posing.pose, scope, plan, now)
    limits = {
        door[0].id: stop.by for door, stop in zip(posed.doors, posed.problem.doors, strict=True)
    }
    assert limits == {package.id: (package.hold_until - posed.zero) // 1000, far: None}
    await world.db.write(
        lambda w: w.run(
            "UPDATE stops SET arrives_at = ? WHERE route_id = ?",
            (package.hold_until + MINUTE_MS, route.id),
        )
    )
    seen = await world.db.read(sheet.read, scope, route.id)
    assert [seen.past_hold(visit) for visit in seen.visits] == [True, False]


async def test_nothing_leaves_in_a_bag_whose_time_is_over(
    client: httpx.AsyncClient, world: World
) -> None:
    package = await packed(client, world, 60)
    await world.db.write(step, world.scope, package.id, "assign")
    await world.db.write(long_ago, package.id, 61)
    with pytest.raises(Conflict) as refusal:
        await world.db.write(packages.move_on, world.scope, ANA, package.id, "start")
    assert refusal.value.code == "hold_passed"
