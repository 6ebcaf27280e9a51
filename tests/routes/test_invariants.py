"""Whatever people do in whatever order, routes, packages and events never contradict each other."""

import random
from typing import Any

import httpx
import pytest

from scriptrun_box.drivers import dispatch
from scriptrun_box.kernel.db import Reader, Writer
from scriptrun_box.kernel.errors import Refusal
from scriptrun_box.kernel.scope import Scope
from scriptrun_box.packages import actions as packages
from scriptrun_box.packages import store as package_store
from scriptrun_box.routes import actions, nearest, sheet, stops, store
from tests.world import World

from .people import ANA, driver, parcels, step

pytestmark = pytest.mark.anyio
ACTS = 60  # of one story
DRIVERS, PARCELS = 3, 12


def act(w: Writer, scope: Scope, dice: random.Random, cast: dict[str, Any]) -> None:
    """One thing that somebody at the desk or at a door may do."""
    who, package_id = dice.choice(cast["drivers"]), dice.choice(cast["packages"])
    if not cast["routes"] or dice.random() < 0.08:
        made = actions.create(w, scope, ANA, {"driver_id": who, "package_ids": [package_id]})
        cast["routes"].append(made.route.id)
        return
    route_id = dice.choice(cast["routes"])
    found = sheet.read(w, scope, route_id)
    stop_id = dice.choice(found.visits).stop.id if found.visits else "stp_none"
    some = dice.sample(cast["packages"], 3)
    ways: list[Any] = [
        lambda: stops.put(w, scope, ANA, route_id, some, position=dice.choice((None, 1, 2))),
        lambda: stops.take_off(w, scope, ANA, route_id, [package_id]),
        lambda: stops.move_stop(w, scope, ANA, route_id, stop_id, dice.choice((None, 1, 9))),
        lambda: stops.hand_over(w, scope, ANA, route_id, who),
        lambda: nearest.order(w, scope, ANA, route_id),
        lambda: actions.start(w, scope, ANA, route_id, some),
        lambda: actions.finish(w, scope, ANA, route_id),
        lambda: actions.cancel(w, scope, ANA, route_id),
        lambda: dispatch.assign(w, scope, ANA, package_id, who, None),
        lambda: packages.unassign(w, scope, ANA, package_id),
        lambda: packages.redeliver(w, scope, ANA, package_id),
        lambda: step(w, scope, package_id, "deliver"),
        lambda: step(w, scope, package_id, "deliver"),
        lambda: step(w, scope, package_id, "fail", "no_answer"),
    ]
    dice.choice(ways)()


def contradictions(r: Reader, scope: Scope, cast: dict[str, Any]) -> list[str]:
    """What must never be so."""
    wrong = []
    for route_id in cast["routes"]:
        found = sheet.read(r, scope, route_id)
        route = found.route
        on_it = [package.id for package in found.packages]
        stored = package_store.on_route(r, scope, route_id)
        if sorted(on_it) != sorted(package.id for package in stored):
            wrong.append("a package is on a route and on none of its stops")
        for package in found.packages:
            if package.driver_id != route.driver_id:
                wrong.append("a package on a route is with another driver")
        places = [visit.stop.position for visit in found.visits]
        if places != sorted(set(places)):
            wrong.append("two stops have one place")
        done = [visit for visit in found.visits if visit.stop.done_at is not None]
        for visit in done:
            if any(package.status == "out_for_delivery" for package in visit.packages):
                wrong.append("a done stop has a package that is out")
        events = r.value("SELECT count(*) FROM events WHERE subject_id = ?", (route_id,))
        if events != (route.completed_at is not None):
            wrong.append("route.completed was not sent exactly once")
        if route.status == "finished" and len(done) != len(found.visits):
            wrong.append("a finished route has an open stop")
    for driver_id in cast["drivers"]:
        out = [
            route.id
            for route in store.page(r, scope, store.Filter(driver_id=driver_id), None, 1_000)
            if route.status == "started"
        ]
        said = r.value("SELECT route_id FROM drivers WHERE id = ?", (driver_id,))
        if out != ([said] if said else []):
            wrong.append("a driver is out with another route than it says")
    return wrong


@pytest.mark.parametrize("seed", range(6))
async def test_no_story_ends_in_a_contradiction(
    client: httpx.AsyncClient, world: World, seed: int
) -> None:
    dice = random.Random(seed)
    cast: dict[str, Any] = {
        "drivers": [await driver(client, world.live) for _ in range(DRIVERS)],
        "packages": await parcels(client, world.live, PARCELS),
        "routes": [],
    }
    done = 0
    for _ in range(ACTS):
        try:
            await world.db.write(act, world.scope, dice, cast)
            done += 1
        except Refusal:
            cast["routes"] = [
                each for each in cast["routes"] if await world.db.read(exists, world.scope, each)
            ]
        assert await world.db.read(contradictions, world.scope, cast) == []
    assert done > ACTS / 5, "hardly anything was possible: that proves nothing"


def exists(r: Reader, scope: Scope, route_id: str) -> bool:
    return store.get(r, scope, route_id) is not None
