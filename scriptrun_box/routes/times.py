"""When a driver will be where, as far as it can be known: roads are estimated, not looked up.

The way by road is the straight line times a factor: 1.417 on average over the United States
(Boscoe, Henry, Zdeb: A Nationwide Comparison of Driving Distance Versus Straight-Line Distance to
Hospitals, The Professional Geographer 64, 2012). What finished routes took around a location
corrects it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import asin, cos, radians, sin, sqrt
from statistics import median

from scriptrun_box.kernel import clock
from scriptrun_box.kernel.clock import MINUTE_MS, SECOND_MS
from scriptrun_box.kernel.db import Reader

from . import store
from .model import Break, Route, Sheet, Visit

EARTH_METERS = 6_371_000
DETOUR = 1.417  # road over straight line
METERS_A_SECOND = 10.0  # in town, lights and parking included: 36 km/h
DOOR_SECONDS = 180  # at a door: park, walk, ring, hand over, sign
LEAVES_AT = "09:00"  # where nobody said when the route leaves
PACE_MIN, PACE_MAX = 0.5, 3.0  # beyond it something else than the traffic was measured
PACES_MIN = 3  # finished routes before they count

Point = tuple[float, float]  # lat, lng in degrees


@dataclass(frozen=True, slots=True)
class Window:
    """What the order of stops is timed with: where and when it begins, and how fast it goes."""

    start: Point | None
    leaves_at: int
    breaks: tuple[tuple[int, int, int], ...]  # from, until, how long: milliseconds
    pace: float


def straight_meters(a: Point, b: Point) -> float:
    """The great circle between two points."""
    lat_a, lat_b = radians(a[0]), radians(b[0])
    across = sin((lat_b - lat_a) / 2) ** 2
    along = cos(lat_a) * cos(lat_b) * sin(radians(b[1] - a[1]) / 2) ** 2
    return 2 * EARTH_METERS * asin(sqrt(min(1.0, across + along)))


def road_meters(a: Point, b: Point) -> float:
    """About how far it is by road."""
    return straight_meters(a, b) * DETOUR


def pace_of(r: Reader, location_id: str) -> float:
    """What the estimate is multiplied with, as finished routes of a location teach."""
    learned = store.paces(r, location_id)
    return median(learned) if len(learned) >= PACES_MIN else 1.0


def window(r: Reader, route: Route, time_zone: str, now: int) -> Window:
    """What a route is timed with, as it stands."""
    return Window(
        start=store.start_of(r, route.location_id),
        leaves_at=route.started_at or leaves(route.leaves_at, route.date, time_zone, now),
        breaks=tuple(break_times(each, route.date, time_zone) for each in route.breaks),
        pace=pace_of(r, route.location_id),
    )


def leaves(planned: int | None, date: str, time_zone: str, now: int) -> int:
    """When a route leaves: as planned, else in the morning, today not before now."""
    if planned is not None:
        return planned
    morning = clock.moment(date, LEAVES_AT, time_zone)
    return max(morning, now) if date == clock.local_date(now, time_zone) else morning


def break_times(pause: Break, date: str, time_zone: str) -> tuple[int, int, int]:
    """A break's (from, until, how long) in milliseconds."""
    after = clock.moment(date, pause.after, time_zone)
    before = clock.moment(date, pause.before, time_zone)
    return after, max(after, before), pause.minutes * MINUTE_MS


def arrivals(sheet: Sheet, visits: Sequence[Visit], known: Window) -> list[int | None]:
    """When the driver will be at each of these stops, in this order; None without a place.

    They wait where they may not be there yet, and take a break as soon as its time has come.
    """
    found: list[int | None] = []
    at, here, pauses = known.leaves_at, known.start, sorted(known.breaks)
    for visit in visits:
        if visit.stop.done_at is not None:
            at, here = max(at, visit.stop.done_at), point_of(visit) or here
            found.append(visit.stop.arrives_at)
            continue
        there = point_of(visit)
        if here and there:
            at += round(road_meters(here, there) / METERS_A_SECOND * known.pace * SECOND_MS)
        while pauses and at >= pauses[0][0]:
            at += pauses.pop(0)[2]
        at = max(at, sheet.due_after(visit) or at)
        found.append(at if there else None)
        at += DOOR_SECONDS * SECOND_MS
        here = there or here
    return found


def meters(visits: Sequence[Visit], start: Point | None, ends_at_start: bool) -> int | None:
    """About how far the whole way is; None where no stop has a place."""
    points = [point for point in map(point_of, visits) if point]
    if not points:
        return None
    if start:
        points = [start, *points, *([start] if ends_at_start else [])]
    return round(sum(road_meters(a, b) for a, b in pairwise(points)))


def pace_driven(visits: Sequence[Visit]) -> float | None:
    """How long the ways between two doors took, over the estimate; None where too little is known.

    A driver's stay at the door is taken off; the median keeps out lunch and traffic jams.
    """
    done = sorted((v for v in visits if v.stop.done_at), key=lambda v: v.stop.done_at or 0)
    ratios = []
    for a, b in pairwise(done):
        here, there = point_of(a), point_of(b)
        if not (here and there and a.stop.done_at and b.stop.done_at):
            continue
        estimated = road_meters(here, there) / METERS_A_SECOND
        driven = (b.stop.done_at - a.stop.done_at) / SECOND_MS - DOOR_SECONDS
        if estimated and driven > 0:
            ratios.append(driven / estimated)
    return min(max(median(ratios), PACE_MIN), PACE_MAX) if len(ratios) >= PACES_MIN else None


def point_of(visit: Visit) -> Point | None:
    """Where a stop is, as far as anybody knows."""
    place = visit.location
    return None if place is None else (place.lat, place.lng)
