"""Routes made by hand: put on, take off, move, hand over, cancel; one door is one stop."""

import asyncio

import httpx
import pytest

from scriptrun_box.delivery.recall import recall
from scriptrun_box.drivers import actions as drivers
from scriptrun_box.kernel.errors import Conflict, NotFound
from scriptrun_box.packages import actions as packages
from scriptrun_box.packages.store import moves, these
from scriptrun_box.routes import actions, stops
from scriptrun_box.routes.sheet import read
from tests.drivers.people import post
from tests.world import World

from .people import ANA, BO, driver, order_of, parcels, step, told

pytestmark = pytest.mark.anyio


async def test_packages_of_one_door_are_one_stop_and_have_the_route_s_driver(
    client: httpx.AsyncClient, world: World
) -> None:
    who = await driver(client, world.live)
    one, two = await parcels(client, world.live, 2)
    (same,) = await parcels(client, world.live, 1)
    given = {"driver_id": who, "package_ids": [one, two, same]}
    sheet = await world.db.write(actions.create, world.scope, ANA, given)
    assert order_of(sheet) == [[one, same], [two]]
    assert {package.status for package in sheet.packages} == {"assigned"}
    assert {package.driver_id for package in sheet.packages} == {who}


async def test_whatever_takes_a_package_away_takes_it_off_its_route(
    client: httpx.AsyncClient, world: World
) -> None:
    who, other = [await driver(client, world.live) for _ in range(2)]
    first, second, third = await parcels(client, world.live, 3)
    given = {"driver_id": who, "package_ids": [first, second, third]}
    route = (await world.db.write(actions.create, world.scope, ANA, given)).route
    await world.db.write(packages.unassign, world.scope, BO, first)
    await world.db.write(packages.cancel, world.scope, BO, second, "other")
    sheet = await world.db.read(read, world.scope, route.id)
    assert order_of(sheet) == [[third]], "empty stops disappear"
    elsewhere = {"driver_id": other, "package_ids": [third]}
    second_route = await world.db.write(actions.create, world.scope, BO, elsewhere)
    assert order_of(second_route) == [[third]], "handed to another driver in one step"
    assert order_of(await world.db.read(read, world.scope, route.id)) == []


async def test_a_stop_moved_by_hand_stays_fixed_and_can_be_freed(
    client: httpx.AsyncClient, world: World
) -> None:
    a, b, c = await parcels(client, world.live, 3)
    given = {"driver_id": await driver(client, world.live), "package_ids": [a, b, c]}
    sheet = await world.db.write(actions.create, world.scope, ANA, given)
    last = sheet.visits[2].stop.id
    route_id = sheet.route.id
    sheet = await world.db.write(stops.move_stop, world.scope, ANA, route_id, last, 1)
    assert order_of(sheet) == [[c], [a], [b]]
    assert [visit.stop.fixed for visit in sheet.visits] == [True, False, False]
    sheet = await world.db.write(stops.move_stop, world.scope, ANA, route_id, last, None)
    assert order_of(sheet) == [[c], [a], [b]]
    assert not any(visit.stop.fixed for visit in sheet.visits)


async def test_of_two_dispatchers_one_wins_and_the_other_hears_who(
    client: httpx.AsyncClient, world: World
) -> None:
    a, b = await parcels(client, world.live, 2)
    given = {"driver_id": await driver(client, world.live), "package_ids": [a]}
    route = (await world.db.write(actions.create, world.scope, ANA, given)).route
    both = await asyncio.gather(
        world.db.write(stops.put, world.scope, BO, route.id, [b], version=route.version),
        world.db.write(stops.take_off, world.scope, ANA, route.id, [a], route.version),
        return_exceptions=True,
    )
    (refusal,) = [each for each in both if isinstance(each, BaseException)]
    assert isinstance(refusal, Conflict)
    assert "was faster" in refusal.sentence
    assert refusal.details[0]["actor"] == BO.id


async def test_a_route_is_handed_over_whole_and_cancelled_whole(
    client: httpx.AsyncClient, world: World
) -> None:
    who, other = [await driver(client, world.live) for _ in range(2)]
    (cold,) = await parcels(client, world.live, 1)
    route = (
        await world.db.write(
            actions.create, world.scope, ANA, {"driver_id": who, "package_ids": [cold]}
        )
    ).route
    sheet = await world.db.write(stops.hand_over, world.scope, ANA, route.id, other)
    assert (sheet.route.driver_id, sheet.packages[0].driver_id) == (other, other)
    assert order_of(sheet) == [[cold]]
    sheet = await world.db.write(actions.cancel, world.scope, ANA, route.id)
    assert (sheet.route.status, order_of(sheet)) == ("cancelled", [])
    package = await world.db.write(packages.find, world.scope, cold)
    assert (package.status, package.driver_id, package.route_id) == ("created", None, None)
    with pytest.raises(Conflict) as refused:
        await world.db.write(stops.put, world.scope, ANA, route.id, [cold])
    assert refused.value.code == "route_over"


async def test_nobody_loses_the_leave_to_carry_on_the_way_to_another_driver(
    client: httpx.AsyncClient, world: World
) -> None:
    who = await driver(client, world.live, capabilities=["cold_chain"])
    other = await driver(client, world.live)
    warm, cold = [
        (await parcels(client, world.live, 1, cold_chain=kind))[0] for kind in (False, True)
    ]
    given = {"driver_id": who, "package_ids": [warm, cold]}
    route = (await world.db.write(actions.create, world.scope, ANA, given)).route
    with pytest.raises(Conflict) as refused:
        await world.db.write(stops.hand_over, world.scope, ANA, route.id, other)
    assert refused.value.code == "driver_not_cold_chain"
    sheet = await world.db.read(read, world.scope, route.id)
    assert {package.driver_id for package in sheet.packages} == {who}, "all or nothing"


async def test_a_route_under_way_goes_whole_to_another_driver_and_keeps_its_story(
    client: httpx.AsyncClient, world: World
) -> None:
    scope = world.scope
    who, other = [await driver(client, world.live) for _ in range(2)]
    done, left, recalled = ids = await parcels(client, world.live, 3)
    given = {"driver_id": who, "package_ids": ids}
    route_id = (await world.db.write(actions.create, scope, ANA, given)).route.id
    await world.db.write(actions.start, scope, ANA, route_id)
    await world.db.write(step, scope, done, "deliver")
    await world.db.write(recall, scope, ANA, recalled, "patient_request")
    answer = await post(client, world.live, f"/api/routes/{route_id}/hand-over", driver_id=other)
    assert answer.status_code == 200, answer.text
    shape = answer.json()
    assert (shape["status"], shape["driver_id"]) == ("started", other)
    (made,) = shape["hand_overs"]
    assert (made["from_driver_id"], made["driver_id"]) == (who, other)
    assert made["by"] == f"key:{world.live.key.id}" and made["at"].endswith("Z")
    found = {each.id: each for each in await world.db.read(these, scope, ids)}
    assert {each: found[each].driver_id for each in ids} == {
        done: who,
        left: other,
        recalled: other,
    }
    assert {found[each].route_id for each in ids} == {route_id}
    out = [await world.db.read(drivers.find, scope, each) for each in (who, other)]
    assert [each.route_id for each in out] == [None, route_id]
    (line,) = [e for e in await world.db.read(moves, found[left]) if e.act == "pass_on"]
    assert line.detail == {"driver_id": other, "from_driver_id": who}
    await world.db.write(step, scope, left, "deliver")
    (told_once,) = await world.db.read(told, route_id, "route.completed")
    assert told_once["driver_id"] == other
    with pytest.raises(Conflict) as over:
        await world.db.write(stops.hand_over, scope, ANA, route_id, who)
    assert over.value.code == "route_completed"


async def test_a_route_under_way_goes_to_nobody_who_may_not_carry_it_or_is_out_already(
    client: httpx.AsyncClient, world: World
) -> None:
    scope = world.scope
    who = await driver(client, world.live, capabilities=["cold_chain"])
    plain, busy = [await driver(client, world.live) for _ in range(2)]
    (cold,) = await parcels(client, world.live, 1, cold_chain=True)
    warm, theirs = await parcels(client, world.live, 2)
    package = await world.db.write(packages.find, scope, cold)
    await world.db.write(packages.set_gates, scope, ANA, package, ["packed_at"])
    routes = {}
    for driver_id, ids in ((who, [warm, cold]), (busy, [theirs])):
        given = {"driver_id": driver_id, "package_ids": ids}
        routes[driver_id] = (await world.db.write(actions.create, scope, ANA, given)).route.id
        await world.db.write(actions.start, scope, ANA, routes[driver_id])
    for driver_id, code in ((plain, "driver_not_cold_chain"), (busy, "driver_under_way")):
        with pytest.raises(Conflict) as refused:
            await world.db.write(stops.hand_over, scope, ANA, routes[who], driver_id)
        assert refused.value.code == code
    sheet = await world.db.read(read, scope, routes[who])
    assert {each.driver_id for each in sheet.packages} == {who}, "all or nothing"
    assert (await world.db.read(drivers.find, scope, who)).route_id == routes[who]


async def test_of_two_dispatchers_who_hand_a_route_over_at_once_one_wins(
    client: httpx.AsyncClient, world: World
) -> None:
    who, ana, bo = [await driver(client, world.live) for _ in range(3)]
    ids = await parcels(client, world.live, 5)
    given = {"driver_id": who, "package_ids": ids}
    route_id = (await world.db.write(actions.create, world.scope, ANA, given)).route.id
    await world.db.write(actions.start, world.scope, ANA, route_id)
    path = f"/api/routes/{route_id}/hand-over"
    answers = await asyncio.gather(
        *(post(client, world.live, path, driver_id=each) for each in (ana, bo))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    won, lost = sorted(answers, key=lambda answer: answer.status_code)
    assert "was faster" in lost.json()["error"]
    winner = won.json()["driver_id"]
    assert len(won.json()["hand_overs"]) == 1
    sheet = await world.db.read(read, world.scope, route_id)
    assert {each.driver_id for each in sheet.packages} == {winner}
    out = [await world.db.read(drivers.find, world.scope, each) for each in (who, ana, bo)]
    assert [each.id for each in out if each.route_id] == [winner]


async def test_a_route_starts_whole_or_not_at_all(client: httpx.AsyncClient, world: World) -> None:
    who = await driver(client, world.live, capabilities=["cold_chain"])
    (warm,) = await parcels(client, world.live, 1)
    (cold,) = await parcels(client, world.live, 1, cold_chain=True)
    given = {"driver_id": who, "package_ids": [warm, cold]}
    route = (await world.db.write(actions.create, world.scope, ANA, given)).route
    with pytest.raises(Conflict) as refused:
        await world.db.write(actions.start, world.scope, ANA, route.id)
    assert refused.value.code == "packages_cannot_leave"
    assert [(d["package_id"], d["code"]) for d in refused.value.details] == [(cold, "not_packed")]
    sheet = await world.db.read(read, world.scope, route.id)
    assert (sheet.route.status, {p.status for p in sheet.packages}) == ("planned", {"assigned"})
    sheet = await world.db.write(actions.start, world.scope, ANA, route.id, [warm, cold])
    assert order_of(sheet) == [[warm]], "only what may not leave is left behind"
    assert sheet.packages[0].status == "out_for_delivery"
    left = await world.db.write(packages.find, world.scope, cold)
    assert (left.status, left.route_id) == ("created", None)


async def test_the_last_stop_completes_the_route_exactly_once(
    client: httpx.AsyncClient, world: World
) -> None:
    who = await driver(client, world.live)
    a, b, c = await parcels(client, world.live, 3)
    (same,) = await parcels(client, world.live, 1)
    given = {"driver_id": who, "package_ids": [a, b, c, same]}
    route = (await world.db.write(actions.create, world.scope, ANA, given)).route
    await world.db.write(actions.start, world.scope, ANA, route.id)
    with pytest.raises(Conflict) as left:
        await world.db.write(drivers.change, world.scope, ANA, who, {"active": False})
    assert left.value.code == "driver_under_way"
    for package_id, act in ((a, "deliver"), (b, "fail"), (c, "deliver")):
        await world.db.write(step, world.scope, package_id, act, "no_answer")
        assert await world.db.read(told, route.id, "route.completed") == []
    with pytest.raises(Conflict) as refused:
        await world.db.write(actions.finish, world.scope, ANA, route.id)
    assert refused.value.code == "stops_open"
    assert [detail["package_ids"] for detail in refused.value.details] == [[a, same]]
    await world.db.write(packages.redeliver, world.scope, ANA, b)
    await world.db.write(step, world.scope, same, "deliver")
    (data,) = await world.db.read(told, route.id, "route.completed")
    assert list(data) == [
        "route_id", "driver_id", "started_at", "completed_at", "stops", "delivered", "failed",
        "package_ids",
    ]  # fmt: skip
    assert (data["stops"], data["delivered"], data["failed"]) == (3, 3, 1)
    assert data["package_ids"] == sorted([a, b, c, same])
    sheet = await world.db.write(actions.finish, world.scope, ANA, route.id)
    assert sheet.route.status == "finished"
    assert (await world.db.write(drivers.find, world.scope, who)).route_id is None
    assert len(await world.db.read(told, route.id, "route.completed")) == 1


async def test_a_stat_package_joins_a_driver_on_the_way_as_the_next_stop(
    client: httpx.AsyncClient, world: World
) -> None:
    who = await driver(client, world.live)
    a, b = await parcels(client, world.live, 2)
    (stat,) = await parcels(client, world.live, 1, priority="stat", patient_address="9 Bay Rd")
    (cold,) = await parcels(client, world.live, 1, cold_chain=True)
    given = {"driver_id": who, "package_ids": [a, b]}
    route = (await world.db.write(actions.create, world.scope, ANA, given)).route
    await world.db.write(actions.start, world.scope, ANA, route.id)
    await world.db.write(step, world.scope, a, "deliver")
    sheet = await world.db.write(stops.put, world.scope, ANA, route.id, [stat])
    assert order_of(sheet) == [[a], [stat], [b]]
    assert {p.id: p.status for p in sheet.packages}[stat] == "out_for_delivery"
    with pytest.raises(Conflict) as refused:
        await world.db.write(stops.put, world.scope, ANA, route.id, [cold])
    assert refused.value.code == "driver_not_cold_chain"
    for package_id in (stat, b):
        await world.db.write(step, world.scope, package_id, "deliver")
    with pytest.raises(Conflict) as over:
        await world.db.write(stops.put, world.scope, ANA, route.id, [cold])
    assert over.value.code == "route_completed"


async def test_a_driver_is_out_with_one_route_at_a_time(
    client: httpx.AsyncClient, world: World
) -> None:
    who = await driver(client, world.live)
    routes = []
    for package_id in await parcels(client, world.live, 2):
        given = {"driver_id": who, "package_ids": [package_id]}
        routes.append((await world.db.write(actions.create, world.scope, ANA, given)).route.id)
    await world.db.write(actions.start, world.scope, ANA, routes[0])
    with pytest.raises(Conflict) as refused:
        await world.db.write(actions.start, world.scope, ANA, routes[1])
    assert refused.value.code == "driver_under_way"


async def test_a_stranger_s_packages_and_routes_are_unknown(
    client: httpx.AsyncClient, world: World
) -> None:
    (theirs,) = await parcels(client, world.stranger, 1)
    who = await driver(client, world.live)
    given = {"driver_id": who, "package_ids": [theirs]}
    with pytest.raises(NotFound):
        await world.db.write(actions.create, world.scope, ANA, given)
    route = (await world.db.write(actions.create, world.scope, ANA, {"driver_id": who})).route
    with pytest.raises(NotFound):
        await world.db.read(read, world.sandbox_scope, route.id)
