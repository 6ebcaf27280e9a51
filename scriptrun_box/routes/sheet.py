"""A route as a whole: read with its stops and packages, told apart from what somebody saw."""

from dataclasses import replace

from scriptrun_box.accounts import store as accounts
from scriptrun_box.accounts.names import actor_name
from scriptrun_box.kernel import clock
from scriptrun_box.kernel.db import Reader
from scriptrun_box.kernel.errors import Conflict, NotFound
from scriptrun_box.kernel.scope import Scope
from scriptrun_box.packages import store as packages
from scriptrun_box.packages.model import Package

from . import store
from .model import OVER, Route, Sheet, Visit


def find(r: Reader, scope: Scope, route_id: str) -> Route:
    """The route, or NotFound: another tenant's is as unknown as one that never was."""
    route = store.get(r, scope, route_id)
    if route is None:
        raise NotFound("There is no such route.")
    return route


def load(r: Reader, scope: Scope, route: Route) -> Sheet:
    """A route with its stops, of the packages that the scope may see."""
    on_it: dict[str, list[Package]] = {}
    for package in packages.on_route(r, scope, route.id):
        on_it.setdefault(package.stop_id or "", []).append(package)
    visits = [Visit(stop, tuple(on_it.get(stop.id, ()))) for stop in store.stops(r, route.id)]
    return Sheet(
        route=route,
        visits=tuple(visit for visit in visits if visit.packages or visit.stop.done_at),
        outcomes=store.outcomes(r, route.id),
        time_zone=time_zone_of(r, route.tenant_id, route.location_id),
    )


def read(r: Reader, scope: Scope, route_id: str) -> Sheet:
    """The same by its id."""
    return load(r, scope, find(r, scope, route_id))


def whole(r: Reader, scope: Scope, route: Route) -> Sheet:
    """A route with everything on it, for who changes it."""
    return load(r, replace(scope, location_id=None), route)


def time_zone_of(r: Reader, tenant_id: str, location_id: str) -> str:
    """The time zone that times of day are meant in there."""
    places = accounts.locations(r, tenant_id)
    return next(place.time_zone for place in places if place.id == location_id)


def need_version(r: Reader, route: Route, version: int | None) -> None:
    """Raise Conflict, with who was faster, where a route is no longer as it was seen."""
    if version is None or version == route.version:
        return
    who = actor_name(r, route.tenant_id, route.updated_by)
    raise Conflict(
        f"{who[:1].upper()}{who[1:]} was faster: the route was changed meanwhile.",
        code="conflict",
        details=[
            {
                "version": route.version,
                "status": route.status,
                "actor": route.updated_by,
                "at": clock.iso(route.updated_at),
            }
        ],
    )


def need_open(route: Route) -> None:
    """Raise Conflict where a route takes no more changes."""
    if route.status in OVER:
        raise Conflict(
            f"This route is {route.status}; nothing on it can be changed.",
            code="route_over",
            details=[{"status": route.status}],
        )
    if route.completed_at is not None:
        raise Conflict(
            "Every stop of this route is done; finish it and make a new one.",
            code="route_completed",
            details=[{"status": route.status}],
        )


def need_planned(route: Route) -> None:
    """Raise Conflict where the driver is on the way already, or back."""
    need_open(route)
    if route.status != "planned":
        raise Conflict(
            "This route has started already.",
            code="route_started",
            details=[{"status": route.status}],
        )
