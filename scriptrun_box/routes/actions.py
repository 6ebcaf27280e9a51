"""What can be done with routes: make, change, cancel, start and finish; and when a stop is done.

Putting packages on, taking them off and moving stops stands in `stops`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from scriptrun_box.accounts import store as accounts
from scriptrun_box.drivers import actions as drivers
from scriptrun_box.drivers.model import Driver
from scriptrun_box.kernel import audit, clock, ids, outbox
from scriptrun_box.kernel.db import Signal, Writer
from scriptrun_box.kernel.errors import Conflict
from scriptrun_box.kernel.scope import Actor, Scope
from scriptrun_box.packages import actions as packages
from scriptrun_box.packages import lifecycle
from scriptrun_box.packages.model import Package

from . import events, store, times
from .model import Break, Route, Sheet
from .sheet import find, need_planned, need_version, read, whole
from .stops import CHANGED, arrange, change, hand_over, need_driver, need_free, put, send_out

OPEN_PER_DAY_MAX = 500  # planned or started routes of a tenant on one day
OUTCOMES = {"delivered": "delivered", "failed": "failed"}  # by a package's status; else recalled


def create(w: Writer, scope: Scope, actor: Actor, given: Mapping[str, Any]) -> Sheet:
    """Make a route, with packages where they are named; `given` are checked fields of `RouteIn`."""
    location_id, time_zone = location_of(w, scope, given.get("pharmacy_id"))
    date = date_of(given.get("date") or clock.local_date(w.now, time_zone))
    need_driver(w, scope, given["driver_id"])
    if store.count_open(w, scope, date) >= OPEN_PER_DAY_MAX:
        raise Conflict(f"There are {OPEN_PER_DAY_MAX} routes on that day.", code="too_many_routes")
    leaves = given.get("leaves_at")
    made = Route(
        seq=0,
        id=ids.prefixed("rte"),
        tenant_id=scope.tenant_id,
        test=scope.test,
        location_id=location_id,
        driver_id=given["driver_id"],
        date=date,
        status="planned",
        ends_at_start=given.get("ends_at_start", True),
        leaves_at=None if leaves is None else clock.moment(date, leaves, time_zone),
        breaks=_breaks(given.get("breaks", ())),
        hand_overs=(),
        meters=None,
        started_at=None,
        completed_at=None,
        finished_at=None,
        version=1,
        created_at=w.now,
        created_by=actor.id,
        updated_at=w.now,
        updated_by=actor.id,
    )
    store.insert(w, made)
    audit.record(w, scope.tenant_id, actor, "route.created", made.id, driver_id=made.driver_id)
    w.after_commit(Signal(CHANGED, scope.tenant_id, scope.test, (made.id,)))
    return put(w, scope, actor, made.id, given.get("package_ids", ()))


def edit(
    w: Writer,
    scope: Scope,
    actor: Actor,
    route_id: str,
    given: Mapping[str, Any],
    version: int | None = None,
) -> Sheet:
    """Change checked fields of `RouteChangeIn`; another driver gets everything in one step."""
    route = find(w, scope, route_id)
    need_version(w, route, version)
    need_planned(route)
    if given.get("driver_id"):
        hand_over(w, scope, actor, route_id, given["driver_id"])
        route = find(w, scope, route_id)
    sheet = whole(w, scope, route)
    changed: dict[str, Any] = {}
    date = date_of(given.get("date") or route.date)
    if date != route.date:
        changed["date"] = date
    if "ends_at_start" in given:
        changed["ends_at_start"] = given["ends_at_start"]
    if "breaks" in given:
        changed["breaks"] = _breaks(given["breaks"])
    if "leaves_at" in given or (changed.get("date") and route.leaves_at is not None):
        text = given.get("leaves_at", _local_time(route.leaves_at, sheet.time_zone))
        changed["leaves_at"] = text and clock.moment(date, text, sheet.time_zone)
    if changed:
        change(w, scope, actor, route, "changed", {"fields": sorted(changed)}, **changed)
        now = whole(w, scope, find(w, scope, route_id))
        arrange(w, scope, actor, now, now.visits, "settled")
    return read(w, scope, route_id)


def cancel(
    w: Writer, scope: Scope, actor: Actor, route_id: str, version: int | None = None
) -> Sheet:
    """Drop a route that has not started: its packages wait to be assigned again."""
    route = find(w, scope, route_id)
    need_version(w, route, version)
    need_planned(route)
    for package in whole(w, scope, route).packages:
        packages.unassign(w, scope, actor, package.id)
    change(w, scope, actor, route, "cancelled", {}, status="cancelled", meters=None)
    store.write_stops(w, route.id, ())
    return read(w, scope, route_id)


def start(
    w: Writer,
    scope: Scope,
    actor: Actor,
    route_id: str,
    leave_behind: Sequence[str] = (),
    version: int | None = None,
) -> Sheet:
    """The driver leaves with every package of a route, each through the gates of a start.

    Where one may not leave, nothing starts, and `details` says for each why; those named in
    `leave_behind` go back to be assigned again if, and only if, they may not leave.
    """
    route = find(w, scope, route_id)
    need_version(w, route, version)
    need_planned(route)
    driver = drivers.find(w, replace(scope, location_id=None), route.driver_id)
    need_free(driver)
    stuck = _stuck(driver, whole(w, scope, route), w.now)
    for package, _ in stuck:
        if package.id in leave_behind:
            packages.unassign(w, scope, actor, package.id)
    refused = [(package, why) for package, why in stuck if package.id not in leave_behind]
    if refused:
        raise Conflict(
            f"{len(refused)} package{'' if len(refused) == 1 else 's'} cannot leave yet;"
            " nothing was started.",
            code="packages_cannot_leave",
            details=[
                {"package_id": package.id, "code": why.code, "message": why.sentence}
                for package, why in refused
            ],
        )
    sheet = whole(w, scope, route)
    if not any(visit.stop.done_at is None for visit in sheet.visits):
        raise Conflict("There is nothing to deliver on this route.", code="route_empty")
    for package in sheet.packages:
        if package.status == "assigned":
            send_out(w, scope, actor, route, package)
    drivers.set_route(w, driver, route.id)
    left = [package.id for package, _ in stuck]
    change(w, scope, actor, route, "started", {"left": left}, status="started", started_at=w.now)
    settled = whole(w, scope, find(w, scope, route_id))
    arrange(w, scope, actor, settled, settled.visits, "settled")
    return read(w, scope, route_id)


def finish(
    w: Writer, scope: Scope, actor: Actor, route_id: str, version: int | None = None
) -> Sheet:
    """The driver is back, or done: a route without open stops is over."""
    route = find(w, scope, route_id)
    need_version(w, route, version)
    if route.status != "started":
        raise Conflict(
            "Only a route that has started can be finished.",
            code="route_not_started",
            details=[{"status": route.status}],
        )
    sheet = whole(w, scope, route)
    still = [visit for visit in sheet.visits if visit.stop.done_at is None]
    if still:
        raise Conflict(
            f"{len(still)} stop{' is' if len(still) == 1 else 's are'} still open.",
            code="stops_open",
            details=[
                {"stop_id": visit.stop.id, "package_ids": [each.id for each in visit.packages]}
                for visit in still
            ],
        )
    driver = drivers.find(w, replace(scope, location_id=None), route.driver_id)
    drivers.set_route(w, driver, None)
    pace = times.pace_driven(sheet.visits)
    change(w, scope, actor, route, "finished", {}, status="finished", finished_at=w.now, pace=pace)
    return read(w, scope, route_id)


def note_done(w: Writer, scope: Scope, package: Package) -> None:
    """A package was just delivered, failed or recalled: its stop may be done, and its route.

    `package` is as it stands after that. Without a route this is nothing. `route.completed` is
    written once, with the last open stop.
    """
    route = package.route_id and store.get(w, replace(scope, location_id=None), package.route_id)
    if not route or package.stop_id is None:
        return
    outcome = OUTCOMES.get(package.status, "recalled")
    store.add_outcome(w, route.id, package.id, package.stop_id, outcome)
    sheet = whole(w, scope, route)
    for visit in sheet.visits:
        if visit.stop.id == package.stop_id and all(p.id in sheet.outcomes for p in visit.packages):
            store.set_done(w, visit.stop.id)
    w.after_commit(Signal(CHANGED, scope.tenant_id, scope.test, (route.id,)))
    complete(w, scope, route)


def complete(w: Writer, scope: Scope, route: Route) -> None:
    """Say that a route under way has no open stop left, the first time that it is so."""
    sheet = whole(w, scope, route)
    if any(visit.stop.done_at is None for visit in sheet.visits):
        return
    if store.set_completed(w, route.id):
        data = events.completed(route, w.now, len(sheet.visits), sheet.outcomes)
        outbox.append(w, scope, "route.completed", route.id, data)


def _stuck(driver: Driver, sheet: Sheet, now: int) -> list[tuple[Package, lifecycle.Refused]]:
    """The packages that may not leave with a driver, and why."""
    found = []
    for package in sheet.packages:
        if package.status != "assigned":
            continue  # out already, or even there
        facts = package.facts(
            now,
            driver_cold_chain=driver.may("cold_chain"),
            driver_controlled=driver.may("controlled"),
        )
        why = lifecycle.move("start", facts)
        if isinstance(why, lifecycle.Refused):
            found.append((package, why))
    return found


def location_of(w: Writer, scope: Scope, location_id: str | None) -> tuple[str, str]:
    """(id, time zone) of where a route begins: as named, or the caller's first location."""
    known = {
        place.id: place.time_zone
        for place in accounts.locations(w, scope.tenant_id)
        if scope.location_id in (None, place.id)
    }
    wanted = location_id or next(iter(known))
    if wanted not in known:
        raise drivers.invalid("pharmacy_id", "unknown_location", "There is no such location.")
    return wanted, known[wanted]


def date_of(text: str) -> str:
    """A day of the calendar as it was given; raises Invalid."""
    if not clock.is_date(text):
        raise drivers.invalid("date", "bad_format", "date is written YYYY-MM-DD.")
    return text


def _breaks(given: Sequence[Mapping[str, Any]]) -> tuple[Break, ...]:
    made = tuple(Break(**each) for each in given)
    if any(each.before < each.after for each in made):
        raise drivers.invalid("breaks", "conflict", "A break's before lies behind its after.")
    return made


def _local_time(ms: int | None, time_zone: str) -> str | None:
    return None if ms is None else clock.local_time(ms, time_zone)
