"""The demonstration's sandbox drivers: at each beat one of them takes one small step.

They are the sandbox's alone: a live package of the demonstration waits for somebody at its desk.
Of the sandbox they take their own packages, and those of others that somebody gives to them.
"""

from collections.abc import Callable, Sequence

from scriptrun_box.delivery import sandbox
from scriptrun_box.drivers import actions as drivers
from scriptrun_box.drivers import dispatch, notes
from scriptrun_box.drivers import store as drivers_store
from scriptrun_box.drivers.model import Driver
from scriptrun_box.kernel.clock import SECOND_MS
from scriptrun_box.kernel.db import Writer
from scriptrun_box.kernel.links import Links
from scriptrun_box.kernel.scope import BOX, Scope
from scriptrun_box.packages import store as packages
from scriptrun_box.packages.model import Package
from scriptrun_box.packages.store import Filter
from scriptrun_box.routes import actions as routes
from scriptrun_box.routes import sheet as routes_sheet
from scriptrun_box.routes import store as routes_store
from scriptrun_box.routes.model import Route
from scriptrun_box.ui.driving import problem

BEAT_SECONDS = 6.0
PATIENCE_MS = 40 * SECOND_MS  # what a person at the board may want to move first stays that long
WAITING = 6  # packages to assign that there always are
LOAD = 4  # packages a driver takes at once
FAILS_EVERY, TELLS_EVERY = 7, 5  # stops
NOTES = (
    "The gate is shut and nobody answers the intercom. Wait, or go on?",
    "Running 20 minutes late: the causeway is closed.",
    "The patient asks whether the second bag comes today too.",
)
LOOKED_AT = 50  # packages of a driver, or to assign


def step(w: Writer, tenant_id: str, links: Links, turn: int, order: Callable[[], str]) -> None:
    """One step of the driver whose turn it is; `order` brings a new sandbox package."""
    scope = Scope(tenant_id, test=True)
    on_shift = drivers_store.Filter(active=True, on_shift=True)
    there = drivers_store.by_name(w, scope, on_shift, LOOKED_AT)
    if not there:
        return
    driver = there[turn % len(there)]
    created = _those(w, scope, Filter(statuses=("created",)))
    waiting = [each for each in created if not each.duplicate_of and each.created_by == BOX.id]
    if len(waiting) < WAITING:
        order()
    if driver.route_id is not None:
        _drive(w, scope, driver, driver.route_id, turn, links)
        return
    planned = routes_store.Filter(statuses=("planned",), driver_id=driver.id)
    for route in routes_store.page(w, scope, planned, None, 1):
        _leave(w, scope, route)
        return
    has = _those(w, scope, Filter(statuses=("assigned",), driver_id=driver.id))
    if _long_enough(w, has):
        wish = {"driver_id": driver.id, "package_ids": [package.id for package in has]}
        routes.create(w, scope, BOX, wish)
    elif not has and _long_enough(w, waiting):
        able = [each for each in waiting if not problem(driver, each)]
        for package in able[-LOAD:]:
            dispatch.assign(w, scope, BOX, package.id, driver.id, None)


def _leave(w: Writer, scope: Scope, route: Route) -> None:
    """Out with everything: nobody packs, releases or hands over in the sandbox."""
    sheet = routes_sheet.whole(w, scope, route)
    if not sheet.packages:
        routes.cancel(w, scope, BOX, route.id)
        return
    for package in sheet.packages:
        sandbox.open_gates(w, scope, BOX, package.id)
    routes.start(w, scope, BOX, route.id)


def _drive(w: Writer, scope: Scope, driver: Driver, route_id: str, turn: int, links: Links) -> None:
    """The next stop of a route; behind the last one the driver is back."""
    sheet = routes_sheet.read(w, scope, route_id)
    still = [visit for visit in sheet.visits if visit.stop.done_at is None]
    if not still:
        routes.finish(w, scope, BOX, route_id)
        return
    at_door = [each for each in still[0].packages if each.status == "out_for_delivery"]
    for package in at_door:
        if package.recalled_at is not None:
            continue
        outcome: sandbox.Step = "fail" if package.seq % FAILS_EVERY == 0 else "deliver"
        sandbox.make_up(w, scope, BOX, package.id, outcome, "no_answer", links)
    if at_door and at_door[0].seq % TELLS_EVERY == 0 and not drivers_store.count_unread(w, scope):
        said = NOTES[turn % len(NOTES)]
        notes.send(w, scope, BOX, drivers.find(w, scope, driver.id).id, at_door[0].id, said)


def _those(w: Writer, scope: Scope, wanted: Filter) -> list[Package]:
    """Newest first."""
    return packages.page(w, scope, wanted, None, LOOKED_AT)


def _long_enough(w: Writer, found: Sequence[Package]) -> bool:
    """Whether somebody had the time to decide otherwise."""
    return bool(found) and max(each.updated_at for each in found) < w.now - PATIENCE_MS
