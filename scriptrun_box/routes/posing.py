"""A day as the optimiser is asked about it: doors, windows and cars, and which package is which."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from scriptrun_box.drivers import store as drivers
from scriptrun_box.drivers.model import Driver
from scriptrun_box.kernel import clock
from scriptrun_box.kernel.clock import SECOND_MS
from scriptrun_box.kernel.db import Reader
from scriptrun_box.kernel.scope import Scope
from scriptrun_box.packages import store as packages
from scriptrun_box.packages.model import Package
from scriptrun_box.packages.store import Filter

from . import store, times
from .model import Route, Sheet, door_of
from .plan import PLANNED_MAX, Plan
from .problem import Car, Door, Problem
from .sheet import load, time_zone_of

RANKS = {"stat": 2, "urgent": 1, "routine": 0}
WAITING = ("created", "assigned")


@dataclass(slots=True)
class Posed:
    """A problem, and what its numbers stand for."""

    problem: Problem
    zero: int  # unix milliseconds of the problem's second 0
    drivers: list[Driver]
    sheets: list[Sheet | None]  # the route each driver has already
    doors: list[list[Package]]
    left_out: list[tuple[str, str]] = field(default_factory=list)  # package, why

    @property
    def seen(self) -> dict[str, tuple[str, str | None]]:
        """{package: (status, driver)} as they were looked at."""
        return {p.id: (p.status, p.driver_id) for door in self.doors for p in door}


def pose(r: Reader, scope: Scope, plan: Plan, now: int) -> Posed:
    """The problem of a plan as things stand now."""
    zone = time_zone_of(r, plan.tenant_id, plan.location_id)
    who = _drivers(r, scope, plan.request["driver_ids"])
    sheets = [_sheet(r, scope, plan, driver) for driver in who]
    on_routes = [p for sheet in sheets if sheet for p in _open(sheet)]
    pool = {p.id: p for p in (*on_routes, *_wanted(r, scope, plan))}
    mine = {sheet.route.id for sheet in sheets if sheet}
    doors, left_out = _doors(pool.values(), mine, plan.location_id, who)
    leaving = [_leaves(sheet, plan.date, zone, now) for sheet in sheets]
    zero = min(leaving)
    number_of = {p.id: number for number, door in enumerate(doors) for p in door}
    cars = [
        _car(driver, sheet, at, zero, zone, number_of)
        for driver, sheet, at in zip(who, sheets, leaving, strict=True)
    ]
    start = _start(sheets) or store.start_of(r, plan.location_id) or _middle(doors)
    problem = Problem(
        start=start,
        doors=tuple(_door(door, who, plan.date, zone, zero) for door in doors),
        cars=tuple(cars),
        pace=times.pace_of(r, plan.location_id),
    )
    return Posed(problem, zero, who, sheets, doors, left_out)


def _drivers(r: Reader, scope: Scope, driver_ids: Iterable[str]) -> list[Driver]:
    found = [drivers.get(r, scope, driver_id) for driver_id in driver_ids]
    return [driver for driver in found if driver and driver.active]


def _sheet(r: Reader, scope: Scope, plan: Plan, driver: Driver) -> Sheet | None:
    """The route that a driver's part of the plan goes into, where there is one already."""
    route: Route | None
    if plan.route_id is not None:
        route = store.get(r, scope, plan.route_id)
    else:
        route = store.planned_for(r, scope, driver.id, plan.location_id, plan.date)
    return None if route is None else load(r, scope, route)


def _open(sheet: Sheet) -> list[Package]:
    return [
        package
        for visit in sheet.visits
        if visit.stop.done_at is None
        for package in visit.packages
        if package.id not in sheet.outcomes
    ]


def _wanted(r: Reader, scope: Scope, plan: Plan) -> list[Package]:
    """The packages asked for: named, or all of the day that wait; of one route only its own."""
    if plan.route_id is not None:
        return []
    named: Sequence[str] | None = plan.request["package_ids"]
    if named is not None:
        return [p for p in (packages.get(r, scope, each) for each in named) if p]
    waiting = Filter(statuses=("created",), delivery_date=plan.date, location_id=plan.location_id)
    return packages.page(r, scope, waiting, None, PLANNED_MAX)


def _doors(
    pool: Iterable[Package], mine: set[str], location_id: str, who: Sequence[Driver]
) -> tuple[list[list[Package]], list[tuple[str, str]]]:
    """(packages by door, those that cannot be planned and why)."""
    doors: dict[str, list[Package]] = {}
    left_out = []
    for package in pool:
        if package.status not in WAITING and package.route_id not in mine:
            left_out.append((package.id, "not_waiting"))
        elif package.duplicate_of is not None:
            left_out.append((package.id, "possible_duplicate"))
        elif package.content.location_id != location_id:
            left_out.append((package.id, "other_location"))
        elif package.location is None:
            left_out.append((package.id, "no_place"))
        elif not any(_may(driver, package) for driver in who):
            left_out.append((package.id, "no_driver_may"))
        else:
            doors.setdefault(door_of(package), []).append(package)
    return list(doors.values()), left_out


def _may(driver: Driver, package: Package) -> bool:
    content = package.content
    return (not content.cold_chain or driver.may("cold_chain")) and (
        not content.controlled_substance or driver.may("controlled")
    )


def _door(door: Sequence[Package], who: Sequence[Driver], date: str, zone: str, zero: int) -> Door:
    place = door[0].location
    assert place is not None
    after = max((p.content.deliver_after for p in door if p.content.deliver_after), default=None)
    by = min((p.content.deliver_by for p in door if p.content.deliver_by), default=None)

    def of_problem(text: str | None) -> int | None:
        return None if text is None else (clock.moment(date, text, zone) - zero) // SECOND_MS

    able = tuple(n for n, driver in enumerate(who) if all(_may(driver, p) for p in door))
    opens, promised = of_problem(after), of_problem(by)
    cold = ((p.keeps_until - zero) // SECOND_MS for p in door if p.keeps_until is not None)
    limits = [each for each in (promised, *cold) if each is not None]
    return Door(
        point=(place.lat, place.lng),
        size=len(door),
        seconds=times.DOOR_SECONDS,
        after=None if opens is None else max(0, opens),
        by=min(limits, default=None),
        rank=max(RANKS[p.content.priority] for p in door),
        drivers=None if len(able) == len(who) else able,
    )


def _leaves(sheet: Sheet | None, date: str, zone: str, now: int) -> int:
    if sheet is not None and sheet.route.status == "started":
        return now
    return times.leaves(sheet.route.leaves_at if sheet else None, date, zone, now)


def _car(
    driver: Driver,
    sheet: Sheet | None,
    leaves: int,
    zero: int,
    zone: str,
    number_of: Mapping[str, int],
) -> Car:
    """A driver's day; a route under way goes on from where the driver is, and ends out there."""
    leaving = (leaves - zero) // SECOND_MS
    if sheet is None:
        return Car(leaving, driver.profile.capacity)
    pauses = (times.break_times(each, sheet.route.date, zone) for each in sheet.route.breaks)
    in_seconds = [
        ((a - zero) // SECOND_MS, (b - zero) // SECOND_MS, c // SECOND_MS) for a, b, c in pauses
    ]
    return Car(
        leaves=leaving,
        capacity=driver.profile.capacity,
        ends_at_start=sheet.route.ends_at_start and sheet.route.status == "planned",
        breaks=tuple(in_seconds),
        fixed=tuple(_fixed(sheet, number_of)),
    )


def _fixed(sheet: Sheet, number_of: Mapping[str, int]) -> list[tuple[int, int]]:
    """(door, place) of the stops that somebody put where they are, the last ones from the end."""
    left = [visit for visit in sheet.visits if visit.stop.done_at is None]
    free = [n for n, visit in enumerate(left) if not visit.stop.fixed]
    last_free = free[-1] if free else len(left)
    found = []
    for place, visit in enumerate(left):
        door = next((number_of[p.id] for p in visit.packages if p.id in number_of), None)
        if visit.stop.fixed and door is not None:
            found.append((door, place if place < last_free else place - len(left)))
    return found


def _start(sheets: Sequence[Sheet | None]) -> times.Point | None:
    """Where a route under way goes on: at the last door that is done."""
    for sheet in sheets:
        if sheet is not None and sheet.route.status == "started":
            done = [visit for visit in sheet.visits if visit.stop.done_at is not None]
            done.sort(key=lambda visit: visit.stop.done_at or 0)
            return times.point_of(done[-1]) if done else None
    return None


def _middle(doors: Sequence[Sequence[Package]]) -> times.Point:
    """Where nobody said where the pharmacy lies: in the midst of its doors."""
    places = [door[0].location for door in doors]
    known = [(place.lat, place.lng) for place in places if place is not None] or [(0.0, 0.0)]
    return sum(p[0] for p in known) / len(known), sum(p[1] for p in known) / len(known)


def told(posed: Posed, answer: Mapping[str, Any]) -> dict[str, Any]:
    """The optimiser's answer with packages in the place of numbers, times in milliseconds."""
    left = [(package.id, why) for door, why in answer["left_out"] for package in posed.doors[door]]
    return {
        "routes": [
            _route_told(posed, number, order, answer["arrivals"][number])
            for number, order in enumerate(answer["routes"])
        ],
        "left_out": [
            {"package_id": package_id, "reason": why}
            for package_id, why in (*posed.left_out, *left)
        ],
        "driving_seconds": answer["driving"],
        "distances": answer["source"],
        "seen": posed.seen,
    }


def _route_told(
    posed: Posed, number: int, order: Sequence[int], arrivals: Sequence[int]
) -> dict[str, Any]:
    sheet = posed.sheets[number]
    return {
        "driver_id": posed.drivers[number].id,
        "route_id": sheet and sheet.route.id,
        "version": sheet and sheet.route.version,
        "stops": [
            {
                "package_ids": [package.id for package in posed.doors[door]],
                "arrives_at": posed.zero + at * SECOND_MS,
                "late": _late(posed.problem.doors[door], at),
            }
            for door, at in zip(order, arrivals, strict=True)
        ],
    }


def _late(door: Door, at: int) -> bool:
    return door.by is not None and at > door.by
