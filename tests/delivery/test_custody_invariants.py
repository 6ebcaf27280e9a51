"""Whatever people do in whatever order: one holder at any time, and out is always accounted for."""

import random
from typing import Any

import pytest

from scriptrun_box.accounts import actions as accounts
from scriptrun_box.delivery import sandbox
from scriptrun_box.delivery.controlled import closing, custody, incidents, store
from scriptrun_box.delivery.controlled.disposition import decide
from scriptrun_box.delivery.controlled.model import DECISIONS, OUTCOMES, Check, Party
from scriptrun_box.delivery.controlled.release import release
from scriptrun_box.delivery.recall import recall
from scriptrun_box.drivers import dispatch
from scriptrun_box.kernel.db import Reader, Writer
from scriptrun_box.kernel.errors import Refusal
from scriptrun_box.kernel.scope import CLI, Scope
from scriptrun_box.packages import actions as packages
from tests.world import World

from .hands import LINKS, driver_id, new_driver, new_seal, parcel, pharmacist

pytestmark = pytest.mark.anyio
ACTS, PARCELS, DRIVERS = 400, 8, 2


def act(w: Writer, scope: Scope, dice: random.Random, cast: dict[str, Any]) -> None:
    """One thing somebody may try, sensible or not."""
    who: Party = cast["pharmacist"]
    each = dice.choice(cast["packages"])
    has = packages.find(w, scope, each).driver_id
    driver: Party = dice.choice(cast["drivers"])
    if has and dice.random() < 0.8:
        driver = Party(f"driver:{has}", "pin")
    found = store.release(w, each)
    seal = found.seal if found and dice.random() < 0.9 else new_seal()
    check = Check(seal, dice.random() < 0.8, dice.random() < 0.8)
    second = Party(cast["owner"], "password")
    seals = {each: seal}
    decisions = (*DECISIONS, *["redeliver"] * 4)
    often: list[Any] = [
        lambda: dispatch.assign(w, scope, CLI, each, driver_id(driver), None),
        lambda: release(w, scope, who, each, new_seal(), None, second),
        lambda: custody.hand_over(w, scope, who, driver, [each], seals),
        lambda: packages.move_on(w, scope, CLI, each, "start"),
        lambda: sandbox.make_up(w, scope, CLI, each, "fail", "no_id", LINKS),
        lambda: custody.take_back(w, scope, driver, who, {each: check}),
        lambda: decide(w, scope, who, each, dice.choice(decisions), "As seen"),
    ]
    seldom: list[Any] = [
        lambda: sandbox.make_up(w, scope, CLI, each, "deliver", "", LINKS),
        lambda: recall(w, scope, CLI, each, "other"),
        lambda: incidents.open_incident(w, scope, who, each, "missing", "Not there"),
        lambda: _close_one(w, scope, who, each, dice.random() < 0.7),
        lambda: packages.unassign(w, scope, CLI, each),
        lambda: packages.redeliver(w, scope, CLI, each),
        lambda: packages.give_back(w, scope, CLI, each),
        lambda: packages.cancel(w, scope, CLI, each, "other"),
        lambda: packages.restore(w, scope, CLI, each, None),
        lambda: cast["packages"].append(_parcel_at(w, scope, cast["place"])),
        lambda: closing.close(w, scope, who, cast["place"]),
    ]
    dice.choice(often if dice.random() < 0.85 else seldom)()


def _place(w: Writer, scope: Scope, seed: int) -> str:
    """A location of this story's own."""
    return accounts.add_location(
        w, scope.tenant_id, CLI, name=f"Story {seed}", address="", time_zone="America/New_York"
    ).id


def _parcel_at(w: Writer, scope: Scope, place: str) -> str:
    return parcel(w, scope, "II", pharmacy_id=place)


def _close_one(w: Writer, scope: Scope, who: Party, package_id: str, gone: bool) -> None:
    for found in store.incidents_of(w, package_id):
        if found.closed_at is None:
            incidents.close(w, scope, who, found.id, "It is over", gone)


def contradictions(r: Reader, scope: Scope, cast: dict[str, Any]) -> list[str]:
    """What must never be so."""
    wrong = []
    for package_id in cast["packages"]:
        package = packages.find(r, scope, package_id)
        chain = store.chain(r, package_id)
        kinds = [row.kind for row in chain]
        if kinds != ["out" if n % 2 == 0 else kinds[n] for n in range(len(kinds))]:
            wrong.append("it was handed over by somebody who did not have it")
        for out, later in zip(chain[::2], chain[1::2], strict=False):
            if later.kind == "out" or later.giver != out.taker:
                wrong.append("it came back from somebody else than who had it")
        holder = custody.holder(chain, package.status)
        with_driver = bool(chain) and chain[-1].kind == "out"
        if with_driver != (package.handed_over_at is not None):
            wrong.append("the gate says something else than the chain")
        if with_driver and package.driver_id != chain[-1].driver_id:
            wrong.append("it is assigned to somebody else than who has it")
        under_way = package.status == "out_for_delivery" and package.recalled_at is None
        if under_way and holder != f"driver:{package.driver_id}":
            wrong.append("it is on its way, and its driver does not have it")
        if package.status == "delivered" and holder != "recipient":
            wrong.append("it is delivered, and the recipient does not have it")
        if package.status in ("created", "returned", "cancelled") and with_driver:
            wrong.append("a driver has what is said to be here")
    lines = store.log(r, scope, store.Filter(location_id=cast["place"]), 10_000)
    outs = [row for each in cast["packages"] for row in store.chain(r, each) if row.kind == "out"]
    counted = {outcome: sum(line.outcome == outcome for line in lines) for outcome in OUTCOMES}
    if sum(counted.values()) != len(outs) or {each.seq for each in lines} != {
        each.seq for each in outs
    }:
        wrong.append("out is not delivered + returned + incidents + still out")
    return wrong


@pytest.mark.parametrize("seed", range(4))
async def test_no_story_loses_a_package(world: World, seed: int) -> None:
    dice = random.Random(seed)
    scope = Scope(world.pharmacy.tenant.id)
    place = await world.db.write(_place, scope, seed)
    cast: dict[str, Any] = {
        "pharmacist": pharmacist(world),
        "owner": f"user:{world.owner.id}",
        "drivers": [await world.db.write(new_driver, scope) for _ in range(DRIVERS)],
        "place": place,
        "packages": [],
    }
    cast["packages"] = [await world.db.write(_parcel_at, scope, place) for _ in range(PARCELS)]
    done = 0
    for _ in range(ACTS):
        before = list(cast["packages"])
        try:
            await world.db.write(act, scope, dice, cast)
            done += 1
        except Refusal:
            cast["packages"] = before
        assert await world.db.read(contradictions, scope, cast) == []
    assert done > ACTS / 10, "hardly anything was possible: that proves nothing"
    outs = [
        row
        for each in cast["packages"]
        for row in await world.db.read(store.chain, each)
        if row.kind == "out"
    ]
    assert len(outs) > 5, "hardly anything was handed over: that proves nothing"
