"""The simple order of stops, for a box without the optimiser: always on to the nearest one."""

from collections.abc import Sequence

from scriptrun_box.kernel.db import Writer
from scriptrun_box.kernel.scope import Actor, Scope

from . import store, times
from .model import Sheet, Visit
from .sheet import find, need_open, need_version, read, whole
from .stops import arrange


def order(
    w: Writer, scope: Scope, actor: Actor, route_id: str, version: int | None = None
) -> Sheet:
    """Put a route's open stops in nearest-first order, stat before all others.

    What somebody put where it is by hand stays there; a stop without a place goes last.
    """
    route = find(w, scope, route_id)
    need_version(w, route, version)
    need_open(route)
    sheet = whole(w, scope, route)
    done = [visit for visit in sheet.visits if visit.stop.done_at is not None]
    left = [visit for visit in sheet.visits if visit.stop.done_at is None]
    start = next(
        (point for point in map(times.point_of, reversed(done)) if point),
        store.start_of(w, route.location_id),
    )
    ordered = [*done, *around_fixed(left, nearest_first(left, start))]
    arrange(w, scope, actor, sheet, ordered, "put_in_order", by="nearest first")
    return read(w, scope, route.id)


def nearest_first(visits: Sequence[Visit], start: times.Point | None) -> list[Visit]:
    """From the start always on to the nearest, stat stops first; those without a place last."""
    lost = [visit for visit in visits if times.point_of(visit) is None]
    left, here, found = [visit for visit in visits if visit not in lost], start, []
    while left:
        near = min(left, key=lambda visit: (not visit.stat, _far(here, visit)))
        left.remove(near)
        found.append(near)
        here = times.point_of(near)
    return [*found, *lost]


def around_fixed(before: Sequence[Visit], wished: Sequence[Visit]) -> list[Visit]:
    """The wished order, with every stop that is fixed at the place it had before."""
    free = iter([visit for visit in wished if not visit.stop.fixed])
    return [visit if visit.stop.fixed else next(free) for visit in before]


def _far(here: times.Point | None, visit: Visit) -> float:
    there = times.point_of(visit)
    return times.straight_meters(here, there) if here and there else 0.0
