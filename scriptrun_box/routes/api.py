"""Routes over HTTP: list, make, read, change, start, finish; packages on and off, stops moved."""

import re
from collections.abc import Sequence
from typing import Any

from starlette.responses import Response

from scriptrun_box.kernel import clock
from scriptrun_box.kernel.db import Reader
from scriptrun_box.kernel.errors import NotFound
from scriptrun_box.kernel.http import Call, json_answer, read_model
from scriptrun_box.kernel.scope import Scope
from scriptrun_box.packages import store as packages
from scriptrun_box.packages.api import (
    PACKAGE_ID,
    Q_MAX,
    bad,
    decode_cursor,
    encode_cursor,
    limit_of,
    location_id_of,
    look,
)
from scriptrun_box.packages.seen import Seen, at_arrival

from . import actions, nearest, sheet, stops, store
from .model import (
    STATUSES,
    Count,
    HandOverIn,
    MoveStopIn,
    PackagesIn,
    PutIn,
    Route,
    RouteChangeIn,
    RouteIn,
    Sheet,
    StartIn,
    VersionIn,
    sheet_wire,
    wire,
)

ROUTE_ID = re.compile(r"rte_[0-9a-f]{32}")
STOP_ID = re.compile(r"stp_[0-9a-f]{32}")


async def list_routes(call: Call) -> Response:
    """A page of routes, newest first."""
    wanted, limit, cursor = filter_of(call), limit_of(call), call.query_params.get("cursor")
    before = decode_cursor(cursor, 1)[0] if cursor else None
    found, counts = await call.box.db.read(page_of, call.whose, wanted, before, limit + 1)
    following = encode_cursor((found[limit - 1].seq,)) if len(found) > limit else None
    data = [wire(each, counts.get(each.id, Count())) for each in found[:limit]]
    return json_answer({"data": data, "next_cursor": following})


async def create_route(call: Call) -> Response:
    """Make a route."""
    given = read_model(call, RouteIn).model_dump()
    _check_packages(given["package_ids"])
    made = await call.box.db.write(actions.create, call.whose, call.caller.actor, given)
    return _answer(call, made, 201)


async def read_route(call: Call) -> Response:
    """One route with its stops in order."""
    found = await call.box.db.read(sheet.read, call.whose, route_id_of(call))
    return _answer(call, found)


async def change_route(call: Call) -> Response:
    """Change a route that has not started, or hand all of it to another driver."""
    route_id = route_id_of(call)
    given = read_model(call, RouteChangeIn).model_dump(exclude_unset=True)
    version = given.pop("version", None)
    changed = await call.box.db.write(
        actions.edit, call.whose, call.caller.actor, route_id, given, version
    )
    return _answer(call, changed)


async def hand_over_route(call: Call) -> Response:
    """Another driver takes a route over; of two who ask at once the second hears of the first."""
    route_id, wish = route_id_of(call), read_model(call, HandOverIn)
    seen = call.box.db.peek(sheet.find, call.whose, route_id).version
    version = seen if wish.version is None else wish.version
    changed = await call.box.db.write(
        stops.hand_over, call.whose, call.caller.actor, route_id, wish.driver_id, version
    )
    return _answer(call, changed)


async def put_packages(call: Call) -> Response:
    """Put packages on a route."""
    route_id, wish = route_id_of(call), read_model(call, PutIn)
    _check_packages(wish.package_ids)
    seen = await call.box.db.read(_seen, call.whose, wish.package_ids)
    changed = await call.box.db.write(
        stops.put,
        call.whose,
        call.caller.actor,
        route_id,
        wish.package_ids,
        seen=seen,
        position=wish.position,
        version=wish.version,
    )
    return _answer(call, changed)


async def take_packages_off(call: Call) -> Response:
    """Take packages off a route."""
    route_id, wish = route_id_of(call), read_model(call, PackagesIn)
    _check_packages(wish.package_ids)
    changed = await call.box.db.write(
        stops.take_off,
        call.whose,
        call.caller.actor,
        route_id,
        wish.package_ids,
        wish.version,
    )
    return _answer(call, changed)


async def move_stop(call: Call) -> Response:
    """Put a stop somewhere else in its route, or free it again."""
    stop_id: str = call.path_params["id"]
    if not STOP_ID.fullmatch(stop_id):
        raise bad("id", "A stop id is stp_ and 32 hexadecimal digits.")
    wish = read_model(call, MoveStopIn)
    route_id = await call.box.db.read(store.route_of_stop, call.whose, stop_id)
    if route_id is None:
        raise NotFound("There is no such stop.")
    changed = await call.box.db.write(
        stops.move_stop,
        call.whose,
        call.caller.actor,
        route_id,
        stop_id,
        wish.position,
        wish.version,
    )
    return _answer(call, changed)


async def order_nearest_first(call: Call) -> Response:
    """Put a route's stops in the simple order: always on to the nearest one."""
    route_id, wish = route_id_of(call), read_model(call, VersionIn)
    changed = await call.box.db.write(
        nearest.order, call.whose, call.caller.actor, route_id, wish.version
    )
    return _answer(call, changed)


async def start_route(call: Call) -> Response:
    """The driver leaves."""
    route_id, wish = route_id_of(call), read_model(call, StartIn)
    changed = await call.box.db.write(
        actions.start, call.whose, call.caller.actor, route_id, wish.leave_behind, wish.version
    )
    return _answer(call, changed)


async def finish_route(call: Call) -> Response:
    """The driver is done."""
    route_id, wish = route_id_of(call), read_model(call, VersionIn)
    changed = await call.box.db.write(
        actions.finish, call.whose, call.caller.actor, route_id, wish.version
    )
    return _answer(call, changed)


async def cancel_route(call: Call) -> Response:
    """Drop a route that has not started."""
    route_id, wish = route_id_of(call), read_model(call, VersionIn)
    changed = await call.box.db.write(
        actions.cancel, call.whose, call.caller.actor, route_id, wish.version
    )
    return _answer(call, changed)


def route_id_of(call: Call) -> str:
    """The id in the path: 400 when it cannot be one."""
    route_id: str = call.path_params["id"]
    if not ROUTE_ID.fullmatch(route_id):
        raise bad("id", "A route id is rte_ and 32 hexadecimal digits.")
    return route_id


def filter_of(call: Call) -> store.Filter:
    """What the query narrows the list to; raises Invalid for what cannot be meant."""
    query = call.query_params
    statuses = tuple(status for status in query.get("status", "").split(",") if status)
    if any(status not in STATUSES for status in statuses):
        raise bad("status", f"status is one of {', '.join(STATUSES)}.")
    date = query.get("date")
    if date is not None and not clock.is_date(date):
        raise bad("date", "date is written YYYY-MM-DD.")
    return store.Filter(
        date=date,
        statuses=statuses,
        driver_id=query.get("driver_id"),
        location_id=location_id_of(query.get("pharmacy_id")),
        q=query.get("q", "")[:Q_MAX],
    )


def page_of(
    r: Reader, scope: Scope, wanted: store.Filter, before: int | None, limit: int
) -> tuple[list[Route], dict[str, Count]]:
    """Routes newest first, and how much is on each."""
    found = store.page(r, scope, wanted, before, limit)
    ids = [each.id for each in found]
    on_them, counts = packages.count_on_routes(r, ids), store.counts(r, ids)
    return found, {
        route_id: Count(
            counts[route_id].stops, counts[route_id].stops_done, on_them.get(route_id, 0)
        )
        for route_id in counts
    }


def _seen(r: Reader, scope: Scope, package_ids: Sequence[str]) -> dict[str, Seen | None]:
    return {package_id: at_arrival(r, scope, package_id) for package_id in package_ids}


def _check_packages(package_ids: Sequence[str]) -> None:
    if not all(PACKAGE_ID.fullmatch(each) for each in package_ids):
        raise bad("package_ids", "A package id is 32 hexadecimal digits.")


def _answer(call: Call, found: Sheet, status: int = 200) -> Response:
    """A route on the wire, and the audit's note that somebody saw its addresses."""
    look(call, "route.read", found.route.id)
    shape: dict[str, Any] = sheet_wire(found)
    return json_answer(shape, status)
