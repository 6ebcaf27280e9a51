"""One route: its stops in order, what can be done with them, start and finish."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from scriptrun_box.accounts.gates import form, form_lists
from scriptrun_box.drivers import store as drivers
from scriptrun_box.drivers.actions import ACTIVE_MAX
from scriptrun_box.drivers.model import Driver
from scriptrun_box.kernel import clock
from scriptrun_box.kernel.db import Reader, Writer
from scriptrun_box.kernel.errors import Conflict, Invalid, NotFound, Refusal
from scriptrun_box.kernel.http import Call
from scriptrun_box.kernel.scope import Scope
from scriptrun_box.kernel.shapes import checked
from scriptrun_box.packages import store as packages
from scriptrun_box.packages.api import look
from scriptrun_box.packages.model import Package
from scriptrun_box.routes import actions, nearest, plans, sheet, stops
from scriptrun_box.routes.api import ROUTE_ID
from scriptrun_box.routes.model import Route, RouteChangeIn, Sheet
from scriptrun_box.ui import pages, routing
from scriptrun_box.ui.queries import actor_names
from scriptrun_box.ui.settings.tables import csv_answer

from .routes import PATH

WAITING_SHOWN = 100  # packages that can be put on, the newest first
DONE = {
    "made": "The route is there.",
    "saved": "Saved.",
    "put": "They are on the route.",
    "off": "Taken off: it waits to be assigned.",
    "moved": "Moved.",
    "handed": "Handed over.",
    "ordered": "In nearest-first order.",
    "used": "The plan is in use.",
    "started": "On the way.",
    "finished": "Finished.",
    "cancelled": "Cancelled: its packages wait to be assigned.",
}
COLUMNS = (
    "position", "address", "packages", "rx_numbers", "deliver_after", "deliver_by", "arrives_at",
    "late", "approximate", "fixed", "done_at", "hold_until", "past_hold",
)  # fmt: skip
Act = Callable[[Writer], Sheet]


@dataclass(frozen=True, slots=True)
class Whole:
    """A route with everything its page shows."""

    sheet: Sheet
    driver: Driver
    others: list[Driver]  # whom it can be handed to
    waiting: list[Package]  # what can be put on it
    names: dict[str, str]  # of who took it over from whom, and who did that


async def route(call: Call) -> Response:
    """GET /routes/{id}."""
    return await _page(call, notice=pages.done(call, DONE))


async def live_route(call: Call) -> Response:
    """GET /live/routes/{id}: the changing parts of the same page."""
    whole = await call.box.db.read(_whole, call.whose, _id(call))
    return await pages.render(call, "desk/route_live.html", **_values(whole))


async def export(call: Call) -> Response:
    """GET /routes/{id}/stops.csv."""
    found = await call.box.db.read(sheet.read, call.whose, _id(call))
    look(call, "route.exported", found.route.id)
    return csv_answer(f"route-{found.route.date}.csv", COLUMNS, _cells(found))


async def edit(call: Call) -> Response:
    """POST /routes/{id}: date, when it leaves, where it ends."""
    fields, whose, actor, route_id = form(call), call.whose, call.caller.actor, _id(call)
    given: dict[str, Any] = {
        "ends_at_start": "ends_at_start" in fields,
        "leaves_at": fields.get("leaves_at", "").strip() or None,
    }
    if fields.get("date", "").strip():
        given["date"] = fields["date"].strip()
    pauses = [fields.get(name, "").strip() for name in ("break_after", "break_before")]
    minutes = fields.get("break_minutes", "").strip()
    given["breaks"] = []
    if minutes.isascii() and minutes.isdecimal() and all(pauses):
        given["breaks"] = [{"after": pauses[0], "before": pauses[1], "minutes": int(minutes[:9])}]
    try:
        named = checked(RouteChangeIn, given).model_dump(exclude_unset=True)
    except Invalid as refusal:
        return await _page(call, 400, problem=f"Nothing was saved: {refusal.sentence}")
    seen = _stamp(call)
    return await _do(call, "saved", lambda w: actions.edit(w, whose, actor, route_id, named, seen))


async def put(call: Call) -> Response:
    """POST /routes/{id}/put: packages that wait."""
    whose, actor, route_id = call.whose, call.caller.actor, _id(call)
    chosen = form_lists(call).get("package_ids", [])
    if not chosen:
        return await _page(call, 400, problem="Choose what goes on the route.")
    return await _do(call, "put", lambda w: stops.put(w, whose, actor, route_id, chosen))


async def take_off(call: Call) -> Response:
    """POST /routes/{id}/take-off: one package."""
    whose, actor, route_id = call.whose, call.caller.actor, _id(call)
    package_id = form(call).get("package_id", "")
    return await _do(call, "off", lambda w: stops.take_off(w, whose, actor, route_id, [package_id]))


async def move(call: Call) -> Response:
    """POST /routes/{id}/move: a stop up, down, to a place, or free again."""
    whose, actor, route_id, fields = call.whose, call.caller.actor, _id(call), form(call)
    stop_id, to = fields.get("stop_id", ""), fields.get("to", "")
    place = int(to[:4]) if to.isascii() and to.isdecimal() else None
    seen = _stamp(call)
    return await _do(
        call,
        "moved",
        lambda w: stops.move_stop(w, whose, actor, route_id, stop_id, place, seen),
        at=f"#{stop_id}",
    )


async def hand_over(call: Call) -> Response:
    """POST /routes/{id}/hand-over."""
    whose, actor, route_id = call.whose, call.caller.actor, _id(call)
    driver_id, seen = form(call).get("driver_id", ""), _stamp(call)
    return await _do(
        call, "handed", lambda w: stops.hand_over(w, whose, actor, route_id, driver_id, seen)
    )


async def order(call: Call) -> Response:
    """POST /routes/{id}/nearest."""
    whose, actor, route_id, seen = call.whose, call.caller.actor, _id(call), _stamp(call)
    return await _do(call, "ordered", lambda w: nearest.order(w, whose, actor, route_id, seen))


async def optimize(call: Call) -> Response:
    """POST /routes/{id}/optimize: on to the plan's page."""
    call.box.disk.check()
    try:
        plans.need_optimiser()
        made = await call.box.db.write(
            plans.ask_for_route, call.whose, call.caller.actor, _id(call), _stamp(call)
        )
    except Conflict as refusal:
        return await _page(call, 409, problem=refusal.sentence)
    return pages.redirect(f"/plans/{made.id}")


async def start(call: Call) -> Response:
    """POST /routes/{id}/start; what may not leave is shown, to be left behind or not."""
    whose, actor, route_id = call.whose, call.caller.actor, _id(call)
    left, seen = form_lists(call).get("leave_behind", []), _stamp(call)
    return await _do(
        call, "started", lambda w: actions.start(w, whose, actor, route_id, left, seen)
    )


async def finish(call: Call) -> Response:
    """POST /routes/{id}/finish."""
    whose, actor, route_id, seen = call.whose, call.caller.actor, _id(call), _stamp(call)
    return await _do(call, "finished", lambda w: actions.finish(w, whose, actor, route_id, seen))


async def cancel(call: Call) -> Response:
    """POST /routes/{id}/cancel."""
    whose, actor, route_id, seen = call.whose, call.caller.actor, _id(call), _stamp(call)
    return await _do(call, "cancelled", lambda w: actions.cancel(w, whose, actor, route_id, seen))


async def _do(call: Call, word: str, act: Act, at: str = "") -> Response:
    """Do it and come back; where it cannot be done, the page says why."""
    call.box.disk.check()
    try:
        await call.box.db.write(act)
    except (Invalid, Conflict) as refusal:
        return await _page(call, refusal.status, problem=refusal.sentence, refusal=refusal)
    return pages.redirect(f"{PATH}/{_id(call)}?done={word}{at}")


async def _page(
    call: Call,
    status: int = 200,
    *,
    problem: str = "",
    notice: str = "",
    refusal: Refusal | None = None,
) -> Response:
    whole = await call.box.db.read(_whole, call.whose, _id(call))
    look(call, "route.read", whole.sheet.route.id)
    left: list[tuple[str, str, str]] = []
    if refusal is not None and refusal.code == "packages_cannot_leave":
        left = routing.stuck(list(refusal.details), whole.sheet)
    return await pages.render(
        call,
        "desk/route.html",
        status,
        **_values(whole),
        problem=problem,
        notice=notice,
        stuck=left,
        extra="" if plans.available() else plans.EXTRA,
    )


def _values(whole: Whole) -> dict[str, Any]:
    found = whole.sheet
    leaves = found.route.leaves_at
    return {
        "whole": whole,
        "sheet": found,
        "route": found.route,
        "stop_state": lambda visit: routing.stop_state(found, visit),
        "leaves": "" if leaves is None else clock.local_time(leaves, found.time_zone),
        "late": sum(found.late(visit) for visit in found.visits),
        "warm": sum(found.past_hold(visit) for visit in found.visits),
        "open": sum(visit.stop.done_at is None for visit in found.visits),
        "rough": sum(visit.approximate for visit in found.visits if visit.packages),
    }


def _whole(r: Reader, scope: Scope, route_id: str) -> Whole:
    found = sheet.read(r, scope, route_id)
    route = found.route
    active = drivers.by_name(r, scope, drivers.Filter(active=True), ACTIVE_MAX)
    driver = drivers.get(r, scope, route.driver_id)
    if driver is None:
        raise NotFound("There is no such route.")
    wanted = packages.Filter(statuses=("created",), location_id=route.location_id)
    return Whole(
        found,
        driver,
        [each for each in active if each.id != route.driver_id],
        packages.page(r, scope, wanted, None, WAITING_SHOWN),
        actor_names(r, scope.tenant_id, (each.by for each in route.hand_overs))
        | drivers.names(r, scope.tenant_id, _took_over(route)),
    )


def _took_over(route: Route) -> Iterable[str]:
    for each in route.hand_overs:
        yield from (each.from_driver_id, each.driver_id)


def _cells(found: Sheet) -> Sequence[list[object]]:
    return [
        [
            number,
            visit.address,
            len(visit.packages),
            "; ".join(each.content.rx_number or each.id for each in visit.packages),
            clock.iso_or_none(found.due_after(visit)),
            clock.iso_or_none(found.due_by(visit)),
            clock.iso_or_none(visit.stop.arrives_at),
            found.late(visit),
            visit.approximate,
            visit.stop.fixed,
            clock.iso_or_none(visit.stop.done_at),
            clock.iso_or_none(found.hold_until(visit)),
            found.past_hold(visit),
        ]
        for number, visit in enumerate(found.visits, 1)
    ]


def _stamp(call: Call) -> int | None:
    """The version that the page showed."""
    text = form(call).get("stamp", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None


def _id(call: Call) -> str:
    route_id: str = call.path_params["id"]
    if not ROUTE_ID.fullmatch(route_id):
        raise NotFound("There is no such route.")
    return route_id
