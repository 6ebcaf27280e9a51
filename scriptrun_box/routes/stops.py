"""What can be done with the stops of a route: put packages on, take them off, move by hand."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from scriptrun_box.drivers import actions as drivers
from scriptrun_box.drivers import dispatch
from scriptrun_box.drivers import store as driver_store
from scriptrun_box.drivers.model import Driver
from scriptrun_box.kernel import audit, ids
from scriptrun_box.kernel.db import Signal, Writer
from scriptrun_box.kernel.errors import Conflict, NotFound
from scriptrun_box.kernel.scope import BOX, Actor, Scope
from scriptrun_box.packages import actions as packages
from scriptrun_box.packages.model import Package
from scriptrun_box.packages.seen import Seen

from . import store, times
from .model import STOPS_MAX, HandOver, Route, Sheet, Stop, Visit, door_of
from .sheet import find, need_open, need_version, read, whole

CHANGED = "routes"
CARRIED = ("assigned", "out_for_delivery")
HAND_OVERS_KEPT = 20  # of a route, the newest


def put(
    w: Writer,
    scope: Scope,
    actor: Actor,
    route_id: str,
    package_ids: Sequence[str],
    *,
    seen: Mapping[str, Seen | None] | None = None,
    position: int | None = None,
    version: int | None = None,
) -> Sheet:
    """Put packages on a route, at its end or at a position from 1: its driver has them from now on.

    Each goes through the gates of an assignment, and out with a driver who is on the way already.
    One refusal is a refusal of all. `seen` is how each package stood when somebody decided this.
    """
    route = find(w, scope, route_id)
    need_version(w, route, version)
    need_open(route)
    sheet = whole(w, scope, route)
    there = {each.id for each in sheet.packages} - sheet.outcomes.keys()
    wanted = [each for each in dict.fromkeys(package_ids) if each not in there]
    if len(there) + len(wanted) > STOPS_MAX:
        raise Conflict(f"A route takes {STOPS_MAX} packages at most.", code="route_full")
    before = [packages.find(w, scope, package_id) for package_id in wanted]
    given = [_give(w, scope, actor, route, each, (seen or {}).get(each.id)) for each in before]
    if not given:
        return sheet
    added = [Visit(_new_stop(route, package), (package,)) for package in given]
    at = _place(sheet, position, any(visit.stat for visit in added))
    ordered = [*sheet.visits[:at], *added, *sheet.visits[at:]]
    arrange(w, scope, actor, sheet, ordered, "packages_put", packages=wanted)
    for other_id in {each.route_id for each in before if each.route_id} - {route.id}:
        settle(w, scope, actor, other_id)
    return read(w, scope, route.id)


def take_off(
    w: Writer,
    scope: Scope,
    actor: Actor,
    route_id: str,
    package_ids: Sequence[str],
    version: int | None = None,
) -> Sheet:
    """Take packages off a route and from its driver: they wait to be assigned again."""
    route = find(w, scope, route_id)
    need_version(w, route, version)
    need_open(route)
    taken = list(dict.fromkeys(package_ids))
    for package_id in taken:
        if packages.find(w, scope, package_id).route_id != route.id:
            raise Conflict("This package is not on the route.", code="not_on_route")
        packages.unassign(w, scope, actor, package_id)
    sheet = whole(w, scope, route)
    arrange(w, scope, actor, sheet, sheet.visits, "packages_taken_off", packages=taken)
    return read(w, scope, route.id)


def move_stop(
    w: Writer,
    scope: Scope,
    actor: Actor,
    route_id: str,
    stop_id: str,
    position: int | None,
    version: int | None = None,
) -> Sheet:
    """Put a stop at a position from 1: there it stays, whatever the optimiser finds.

    Without a position it stays where it is and is free again.
    """
    route = find(w, scope, route_id)
    need_version(w, route, version)
    need_open(route)
    sheet = whole(w, scope, route)
    moved = next((each for each in sheet.visits if each.stop.id == stop_id), None)
    if moved is None:
        raise NotFound("There is no such stop on this route.")
    if moved.stop.done_at is not None:
        raise Conflict("This stop is done already.", code="stop_done")
    now = replace(moved, stop=replace(moved.stop, fixed=position is not None))
    others = [each for each in sheet.visits if each is not moved]
    at = sheet.visits.index(moved)
    if position is not None:
        at = max(position - 1, sum(each.stop.done_at is not None for each in others))
    ordered = [*others[:at], now, *others[at:]]
    act = "stop_freed" if position is None else "stop_moved"
    arrange(w, scope, actor, sheet, ordered, act, stop=stop_id, position=position)
    return read(w, scope, route.id)


def put_in_order(
    w: Writer,
    scope: Scope,
    actor: Actor,
    route_id: str,
    package_ids: Sequence[str],
    *,
    by: str,
    version: int | None = None,
    arrivals: Mapping[str, int] | None = None,
) -> Sheet:
    """Order a route's stops by the first of their packages named; what is not named goes last.

    `arrivals` says when the driver comes to a package's door, where somebody knows it better than
    the estimate.
    """
    route = find(w, scope, route_id)
    need_version(w, route, version)
    need_open(route)
    sheet = whole(w, scope, route)
    places = {package_id: number for number, package_id in enumerate(package_ids)}

    def key(visit: Visit) -> tuple[bool, int]:
        named = [places[each.id] for each in visit.packages if each.id in places]
        return visit.stop.done_at is None, min(named, default=len(places))

    ordered = sorted(sheet.visits, key=key)
    arrange(w, scope, actor, sheet, ordered, "put_in_order", arrivals, by=by)
    return read(w, scope, route.id)


def settle(w: Writer, scope: Scope, actor: Actor, route_id: str) -> None:
    """Time a route anew after something else took packages from it, or looked their doors up."""
    route = store.get(w, replace(scope, location_id=None), route_id)
    if route is not None and route.status in ("planned", "started"):
        sheet = whole(w, scope, route)
        arrange(w, scope, actor, sheet, sheet.visits, "settled")


def relocated(w: Writer, scope: Scope, package_ids: Sequence[str]) -> None:
    """Somebody found out where packages go: what that means for the routes they are on."""
    for route_id in store.routes_of(w, package_ids):
        settle(w, scope, BOX, route_id)


def hand_over(
    w: Writer,
    scope: Scope,
    actor: Actor,
    route_id: str,
    driver_id: str,
    version: int | None = None,
) -> Sheet:
    """Give a route, with everything that is still on it, to another driver in one step.

    Each package goes through the gates for the new driver; one refusal is a refusal of all. Of a
    route under way, what was done stays the former driver's, who is free from now on.
    """
    route = find(w, scope, route_id)
    need_version(w, route, version)
    if driver_id == route.driver_id:
        return read(w, scope, route_id)
    need_open(route)
    driver = need_driver(w, scope, driver_id)
    left = [each for each in whole(w, scope, route).packages if each.status in CARRIED]
    if route.status == "started":
        need_free(driver)
        former = drivers.find(w, replace(scope, location_id=None), route.driver_id)
        drivers.set_route(w, former, None)
        drivers.set_route(w, driver, route.id)
        for package in left:
            dispatch.pass_on(w, scope, actor, package, driver)
    else:
        for package in left:
            given = dispatch.assign(w, scope, actor, package.id, driver_id, None)
            packages.set_stop(w, given, route.id, package.stop_id)
    detail = {"driver_id": driver_id, "from_driver_id": route.driver_id}
    made = HandOver(at=w.now, by=actor.id, **detail)
    kept = (*route.hand_overs, made)[-HAND_OVERS_KEPT:]
    change(w, scope, actor, route, "handed_over", detail, driver_id=driver_id, hand_overs=kept)
    return read(w, scope, route.id)


def arrange(
    w: Writer,
    scope: Scope,
    actor: Actor,
    sheet: Sheet,
    ordered: Sequence[Visit],
    act: str,
    known_arrivals: Mapping[str, int] | None = None,
    **detail: Any,
) -> None:
    """Write the stops of a route in this order, with one stop a door and the times that follow."""
    visits = _by_door(sheet.route, ordered)
    known = times.window(w, sheet.route, sheet.time_zone, w.now)
    planned = times.arrivals(sheet, visits, known)
    better = known_arrivals or {}
    if all(package.id in better for visit in visits for package in visit.packages):
        planned = [better[visit.packages[0].id] if visit.packages else None for visit in visits]
    store.write_stops(
        w,
        sheet.route.id,
        [replace(visit.stop, arrives_at=at) for visit, at in zip(visits, planned, strict=True)],
    )
    for visit in visits:
        for package in visit.packages:
            if (package.route_id, package.stop_id) != (sheet.route.id, visit.stop.id):
                packages.set_stop(w, package, sheet.route.id, visit.stop.id)
    far = times.meters(visits, known.start, sheet.route.ends_at_start)
    change(w, scope, actor, sheet.route, act, detail, meters=far)


def change(
    w: Writer,
    scope: Scope,
    actor: Actor,
    route: Route,
    act: str,
    detail: Mapping[str, Any],
    **columns: Any,
) -> None:
    """Set columns of a route that is as it was read, and say who did it."""
    if not store.set_columns(w, route, actor, **columns):
        raise Conflict("Somebody else was faster; look again.", code="conflict")
    audit.record(w, scope.tenant_id, actor, f"route.{act}", route.id, **detail)
    w.after_commit(Signal(CHANGED, scope.tenant_id, scope.test, (route.id,)))


def need_driver(w: Writer, scope: Scope, driver_id: str) -> Driver:
    """Who drives here; raises Invalid or Conflict where this is nobody."""
    driver = driver_store.get(w, scope, driver_id)
    if driver is None:
        raise drivers.invalid("driver_id", "unknown_driver", "There is no such driver.")
    if not driver.active:
        raise Conflict("This driver has left.", code="driver_left")
    return driver


def need_free(driver: Driver) -> None:
    """Raise Conflict where a driver cannot be out with one more route."""
    if not driver.active:
        raise Conflict("This driver has left.", code="driver_left")
    if driver.route_id is not None:
        raise Conflict(
            "This driver is still out on another route; finish it first.",
            code="driver_under_way",
            details=[{"route_id": driver.route_id}],
        )


def _give(
    w: Writer, scope: Scope, actor: Actor, route: Route, package: Package, seen: Seen | None
) -> Package:
    """The package as the route's driver has it; it may have ended on this very route before."""
    if package.content.location_id != route.location_id:
        raise Conflict(
            "This package starts from another location than the route.",
            code="other_location",
            details=[{"package_id": package.id}],
        )
    given = dispatch.assign(w, scope, actor, package.id, route.driver_id, seen)
    store.drop_outcome(w, route.id, package.id)
    return send_out(w, scope, actor, route, given) if route.status == "started" else given


def send_out(w: Writer, scope: Scope, actor: Actor, route: Route, package: Package) -> Package:
    """One package leaves with the route's driver, through the gates of a start."""
    driver = drivers.find(w, replace(scope, location_id=None), route.driver_id)
    return packages.move_on(
        w,
        scope,
        actor,
        package.id,
        "start",
        detail={"route_id": route.id},
        driver_cold_chain=driver.may("cold_chain"),
        driver_controlled=driver.may("controlled"),
    )


def _new_stop(route: Route, package: Package) -> Stop:
    return Stop(
        id=ids.prefixed("stp"),
        route_id=route.id,
        position=0,
        door=door_of(package),
        fixed=False,
        arrives_at=None,
        done_at=None,
    )


def _place(sheet: Sheet, position: int | None, stat: bool) -> int:
    """Where new stops go: as wished, else at the end; with stat the next the driver comes to."""
    done = sum(visit.stop.done_at is not None for visit in sheet.visits)
    if position is not None:
        return max(position - 1, done)
    return done if stat else len(sheet.visits)


def _by_door(route: Route, ordered: Sequence[Visit]) -> list[Visit]:
    """The same packages with one stop a door: doors are looked up while a route is made.

    A door stands where its first package is. Done stops stay what they were.
    """
    found: dict[str, Visit] = {}
    for visit in ordered:
        if visit.stop.done_at is not None:
            found[visit.stop.id] = visit
            continue
        free = True
        for package in visit.packages:
            door = door_of(package)
            if door in found:
                same = found[door]
                found[door] = replace(same, packages=(*same.packages, package))
                continue
            stop = replace(visit.stop, door=door) if free else _new_stop(route, package)
            found[door] = Visit(stop, (package,))
            free = False
    return list(found.values())
