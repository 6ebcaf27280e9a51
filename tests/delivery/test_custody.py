"""From hand to hand: two people, the right seal, and what nobody can do meanwhile."""

from collections.abc import Callable
from typing import Any

import pytest

from scriptrun_box.delivery.controlled import custody, store
from scriptrun_box.delivery.controlled.custody import hand_over, take_back
from scriptrun_box.delivery.controlled.disposition import decide
from scriptrun_box.delivery.controlled.model import Check, Party
from scriptrun_box.delivery.controlled.release import release
from scriptrun_box.delivery.recall import recall
from scriptrun_box.drivers import actions as drivers
from scriptrun_box.drivers import dispatch
from scriptrun_box.kernel.errors import Conflict, Forbidden, Invalid
from scriptrun_box.kernel.scope import CLI
from scriptrun_box.packages import actions as packages
from scriptrun_box.patients.driver_view import for_driver
from scriptrun_box.routes import actions as routes
from tests.world import World

from .hands import (
    back,
    driver_id,
    failed,
    find,
    given,
    move_to,
    new_driver,
    new_seal,
    owner,
    pharmacist,
    released,
    teammate,
)

pytestmark = pytest.mark.anyio
WHOLE = {"intact": True, "count_ok": True}


async def test_a_hand_over_names_both_and_opens_the_gate(world: World) -> None:
    who = pharmacist(world)
    driver = await world.db.write(new_driver, world.scope)
    package_id, seal = await world.db.write(released, world.scope, who, driver)
    route = await world.db.write(
        routes.create,
        world.scope,
        CLI,
        {"driver_id": driver_id(driver), "package_ids": [package_id]},
    )
    with pytest.raises(Conflict) as refused:
        await world.db.write(routes.start, world.scope, CLI, route.route.id)
    assert refused.value.details[0]["code"] == "not_handed_over"
    await world.db.write(
        hand_over, world.scope, who, driver, [package_id], {package_id: seal.lower()}
    )
    (row,) = await world.db.read(store.chain, package_id)
    assert (row.giver, row.giver_by, row.taker, row.taker_by) == (
        who.id,
        "session",
        driver.id,
        "pin",
    )
    assert (row.seal, row.kind, row.employment) == (seal, "out", "employee")
    assert custody.holder([row], "assigned") == driver.id
    await world.db.write(routes.start, world.scope, CLI, route.route.id)
    out = await world.db.read(find, world.scope, package_id)
    assert out.status == "out_for_delivery"


async def test_all_bags_are_handed_over_or_none(world: World) -> None:
    who = pharmacist(world)
    driver = await world.db.write(new_driver, world.scope)
    bags = dict([await world.db.write(released, world.scope, who, driver) for _ in range(3)])
    wrong = {**bags, list(bags)[-1]: new_seal()}
    with pytest.raises(Conflict) as refused:
        await world.db.write(hand_over, world.scope, who, driver, list(bags), wrong)
    assert refused.value.code == "seal_mismatch"
    for package_id in bags:
        assert (await world.db.read(find, world.scope, package_id)).handed_over_at is None
        assert await world.db.read(store.chain, package_id) == []
    await world.db.write(hand_over, world.scope, who, driver, list(bags), bags)


async def test_who_cannot_be_one_of_the_two_is_refused(world: World) -> None:
    who = pharmacist(world)
    driver = await world.db.write(new_driver, world.scope)
    other = await world.db.write(new_driver, world.scope)
    package_id, seal = await world.db.write(released, world.scope, who, driver)
    seals = {package_id: seal}
    for giver, taker in ((teammate(world), driver), (who, owner(world)), (driver, driver)):
        with pytest.raises(Forbidden):
            await world.db.write(hand_over, world.scope, giver, taker, [package_id], seals)
    with pytest.raises(Conflict) as refused:
        await world.db.write(hand_over, world.scope, who, other, [package_id], seals)
    assert refused.value.code == "not_assigned"
    stranger = Party(f"user:{world.other_owner.id}", "session")
    with pytest.raises(Forbidden):
        await world.db.write(hand_over, world.scope, stranger, driver, [package_id], seals)
    with pytest.raises(Invalid):
        await world.db.write(hand_over, world.scope, who, driver, [], {})


async def test_before_a_release_nothing_is_handed_over_and_after_it_once(world: World) -> None:
    who = owner(world)
    driver = await world.db.write(new_driver, world.scope)
    package_id, seal = await world.db.write(given, world.scope, who, driver)
    with pytest.raises(Conflict) as refused:
        await world.db.write(hand_over, world.scope, who, driver, [package_id], {package_id: seal})
    assert refused.value.code == "already_handed_over"


Act = Callable[[World, str, Party], tuple[Any, ...]]
DESK: dict[str, Act] = {
    "assign": lambda world, one, other: (dispatch.assign, one, driver_id(other), None),
    "unassign": lambda world, one, other: (packages.unassign, one),
    "cancel": lambda world, one, other: (packages.cancel, one, "other"),
}


@pytest.mark.parametrize("act", DESK)
async def test_no_desk_can_say_that_a_driver_does_not_have_it(world: World, act: str) -> None:
    who = owner(world)
    driver, other = [await world.db.write(new_driver, world.scope) for _ in range(2)]
    package_id, seal = await world.db.write(given, world.scope, who, driver)
    move, *values = DESK[act](world, package_id, other)
    with pytest.raises(Conflict) as refused:
        await world.db.write(move, world.scope, CLI, *values)
    assert refused.value.code == "still_with_driver"
    checks = {package_id: Check(seal, **WHOLE)}
    await world.db.write(take_back, world.scope, driver, who, checks)
    after = await world.db.read(find, world.scope, package_id)
    assert (after.status, after.handed_over_at) == ("assigned", None)
    assert after.released_at is not None
    moved = await world.db.write(move, world.scope, CLI, *values)
    assert moved.handed_over_at is None
    if act == "assign":
        seals = {package_id: seal}
        await world.db.write(hand_over, world.scope, who, other, [package_id], seals)
        chain = await world.db.read(store.chain, package_id)
        assert [row.kind for row in chain] == ["out", "back", "out"]
        assert custody.holder(chain, "assigned") == other.id


async def test_what_failed_comes_back_through_a_pharmacist_only(world: World) -> None:
    who = pharmacist(world)
    driver = await world.db.write(new_driver, world.scope)
    package_id, seal = await world.db.write(failed, world.scope, who, driver)
    for step in (packages.redeliver, packages.give_back):
        with pytest.raises(Conflict) as refused:
            await world.db.write(step, world.scope, CLI, package_id)
        assert refused.value.code == "still_with_driver"
    with pytest.raises(Forbidden):
        await world.db.write(
            take_back,
            world.scope,
            driver,
            teammate(world),
            {package_id: Check(seal, **WHOLE)},
        )
    await world.db.write(take_back, world.scope, driver, who, {package_id: Check(seal, **WHOLE)})
    for step in (packages.redeliver, packages.give_back):
        with pytest.raises(Conflict) as refused:
            await world.db.write(step, world.scope, CLI, package_id)
        assert refused.value.code == "pharmacist_decides"
    with pytest.raises(Forbidden):
        await world.db.write(decide, world.scope, teammate(world), package_id, "redeliver")
    again = await world.db.write(decide, world.scope, who, package_id, "redeliver")
    assert (again.status, again.driver_id, again.handed_over_at) == ("created", None, None)
    assert again.released_at is not None, "the seal is whole: the release still holds"
    with pytest.raises(Conflict) as refused:
        await world.db.write(decide, world.scope, who, package_id, "redeliver")
    assert refused.value.code == "nothing_to_decide"


async def test_a_recalled_one_comes_back_the_same_way(world: World) -> None:
    who = pharmacist(world)
    driver = await world.db.write(new_driver, world.scope)
    package_id, seal = await world.db.write(given, world.scope, who, driver)
    await world.db.write(packages.move_on, world.scope, CLI, package_id, "start")
    checks = {package_id: Check(seal, **WHOLE)}
    with pytest.raises(Conflict) as refused:
        await world.db.write(take_back, world.scope, driver, who, checks)
    assert refused.value.code == "take_back_not_allowed"
    await world.db.write(recall, world.scope, CLI, package_id, "patient_request")
    await world.db.write(take_back, world.scope, driver, who, checks)
    kept = await world.db.write(decide, world.scope, who, package_id, "destroy", "Spilled")
    assert kept.status == "returned"


@pytest.mark.parametrize("seen", ["broken", "short", "another"])
async def test_a_broken_seal_or_a_wrong_count_ends_the_release(world: World, seen: str) -> None:
    who = pharmacist(world)
    driver = await world.db.write(new_driver, world.scope)
    package_id, seal = await world.db.write(failed, world.scope, who, driver)
    check = Check(
        new_seal() if seen == "another" else seal,
        intact=seen != "broken",
        count_ok=seen != "short",
    )
    await world.db.write(take_back, world.scope, driver, who, {package_id: check})
    after = await world.db.read(find, world.scope, package_id)
    assert after.released_at is None
    for decision in ("redeliver", "restock"):
        with pytest.raises(Conflict) as refused:
            await world.db.write(decide, world.scope, who, package_id, decision)
        assert refused.value.code == "decision_not_allowed"
    with pytest.raises(Invalid):
        await world.db.write(decide, world.scope, who, package_id, "discrepancy")
    await world.db.write(decide, world.scope, who, package_id, "discrepancy", "Two are missing")
    (incident,) = await world.db.read(store.incidents_of, package_id)
    assert (incident.kind, incident.words) == (
        "count" if seen == "short" else "seal",
        "Two are missing",
    )


async def test_before_it_left_a_broken_seal_means_a_new_release(world: World) -> None:
    who = pharmacist(world)
    driver = await world.db.write(new_driver, world.scope)
    package_id, seal = await world.db.write(given, world.scope, who, driver)
    check = Check(seal, intact=False, count_ok=True)
    await world.db.write(take_back, world.scope, driver, who, {package_id: check})
    again = new_seal()
    await world.db.write(release, world.scope, who, package_id, again)
    await world.db.write(hand_over, world.scope, who, driver, [package_id], {package_id: again})
    both = await world.db.read(store.releases, package_id)
    assert [each.ended_at is None for each in both] == [False, True]


@pytest.mark.parametrize(
    ("address", "employment", "may"),
    [
        ("1 Main St, Philadelphia, PA 19103", "employee", True),
        ("1 Main St, Philadelphia, PA 19103", "contractor", False),
        ("1 Main St, Baltimore, MD 21201", "employee", False),
        ("", "employee", False),
    ],
)
async def test_back_to_stock_only_by_the_rule_and_from_the_staffs_own_hands(
    world: World, address: str, employment: str, may: bool
) -> None:
    who = pharmacist(world)
    driver = await world.db.write(new_driver, world.scope, employment)
    await world.db.write(move_to, world, address)
    package_id, _ = await world.db.write(back, world.scope, who, driver)
    if may:
        kept = await world.db.write(decide, world.scope, who, package_id, "restock")
        assert kept.status == "returned"
    else:
        with pytest.raises(Conflict) as refused:
            await world.db.write(decide, world.scope, who, package_id, "restock")
        assert refused.value.code == "decision_not_allowed"
    await world.db.write(move_to, world, "")


async def test_a_driver_with_something_in_hand_stays_able_to_have_it(world: World) -> None:
    driver = await world.db.write(new_driver, world.scope)
    await world.db.write(given, world.scope, owner(world), driver)
    with pytest.raises(Conflict):
        await world.db.write(drivers.change, world.scope, CLI, driver_id(driver), {"active": False})


async def test_a_driver_is_told_to_check_the_id_and_never_why(world: World) -> None:
    who = owner(world)
    driver = await world.db.write(new_driver, world.scope)
    package_id, seal = await world.db.write(given, world.scope, who, driver, medications=["Xanax"])
    package = await world.db.read(find, world.scope, package_id)
    seen, rx = for_driver(package, None), package.content.rx_number
    assert rx
    assert (seen.check_id, seen.sign) == (True, True)
    text = repr(seen).casefold()
    for word in ("controlled", "schedule", "released", seal.casefold(), "xanax", rx.casefold()):
        assert word not in text
