"""The routes of a day: the list with its search, the same as a CSV file, new ones, a whole plan."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from scriptrun_box.accounts import store as accounts
from scriptrun_box.accounts.gates import form, form_lists
from scriptrun_box.accounts.model import Location
from scriptrun_box.drivers import store as drivers
from scriptrun_box.drivers.actions import ACTIVE_MAX
from scriptrun_box.drivers.model import Driver
from scriptrun_box.kernel import clock
from scriptrun_box.kernel.db import Reader
from scriptrun_box.kernel.errors import Conflict, Invalid
from scriptrun_box.kernel.http import Call
from scriptrun_box.kernel.scope import Scope
from scriptrun_box.kernel.shapes import checked
from scriptrun_box.packages import store as packages
from scriptrun_box.packages.api import Q_MAX
from scriptrun_box.routes import actions, plans, store
from scriptrun_box.routes.api import page_of
from scriptrun_box.routes.model import Count, Route, RouteIn
from scriptrun_box.routes.plan import OptimizeIn
from scriptrun_box.ui import pages, queries
from scriptrun_box.ui.settings.tables import csv_answer

PATH = "/routes"
SHOWN_MAX = 200
EXPORTED_MAX = 20_000
STATES = {
    "": ("All", ()),
    "planned": ("Planned", ("planned",)),
    "started": ("On the way", ("started",)),
    "finished": ("Finished", ("finished",)),
    "cancelled": ("Cancelled", ("cancelled",)),
}
COLUMNS = (
    "id", "date", "status", "driver_id", "driver", "stops", "stops_done", "packages", "meters",
    "leaves_at", "started_at", "completed_at", "finished_at", "created_at",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Choice:
    """What the address of the list asks for; a date of "all" is every day."""

    date: str
    q: str
    state: str
    asked: bool  # for something else than today's

    def wanted(self) -> store.Filter:
        """The same for the query."""
        date = None if self.date == "all" else self.date
        return store.Filter(date=date, statuses=STATES[self.state][1], q=self.q)

    def query(self) -> str:
        """The address's query for this choice: `?…`, or nothing."""
        given = {"date": self.date if self.asked else "", "q": self.q, "state": self.state}
        kept = {name: value for name, value in given.items() if value}
        return f"?{urlencode(kept)}" if kept else ""


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the list."""

    route: Route
    count: Count
    driver: str


@dataclass(frozen=True, slots=True)
class Shown:
    """The list, who drives, and what waits to be planned."""

    lines: list[Line]
    drivers: list[Driver]
    locations: list[Location]
    waiting: int


async def routes(call: Call) -> Response:
    """GET /routes."""
    return await page(call)


async def live_routes(call: Call) -> Response:
    """GET /live/routes: the changing parts of the same list."""
    return await pages.render(call, "desk/routes_live.html", **await _list(call))


async def export(call: Call) -> Response:
    """GET /routes.csv: all of the current filter."""
    choice = await choice_of(call)
    shown = await call.box.db.read(_shown, call.whose, choice, EXPORTED_MAX)
    name = f"routes-{clock.local_date(clock.now_ms(), 'UTC')}.csv"
    return csv_answer(name, COLUMNS, (_cells(line) for line in shown.lines))


async def add(call: Call) -> Response:
    """POST /routes."""
    call.box.disk.check()
    fields = form(call)
    given: dict[str, Any] = {"driver_id": fields.get("driver_id", "")}
    for name in ("date", "leaves_at", "pharmacy_id"):
        given[name] = fields.get(name, "").strip() or None
    given["ends_at_start"] = "ends_at_start" in fields
    try:
        checked_given = checked(RouteIn, given).model_dump()
        made = await call.box.db.write(actions.create, call.whose, call.caller.actor, checked_given)
    except (Invalid, Conflict) as refusal:
        return await page(call, refusal.status, problem=_said(refusal))
    return pages.redirect(f"{PATH}/{made.route.id}?done=made")


async def plan(call: Call) -> Response:
    """POST /routes/plan: have the optimiser plan the day of these drivers."""
    call.box.disk.check()
    given: dict[str, Any] = {"driver_ids": form_lists(call).get("driver_ids", [])}
    given["date"] = form(call).get("date", "").strip() or None
    given["pharmacy_id"] = form(call).get("pharmacy_id", "").strip() or None
    if not given["driver_ids"]:
        return await page(call, 400, problem="Choose who drives.")
    try:
        plans.need_optimiser()
        made = await call.box.db.write(
            plans.ask, call.whose, call.caller.actor, checked(OptimizeIn, given).model_dump()
        )
    except (Invalid, Conflict) as refusal:
        return await page(call, refusal.status, problem=_said(refusal))
    return pages.redirect(f"/plans/{made.id}")


async def page(call: Call, status: int = 200, *, problem: str = "") -> Response:
    """The page of the list, with its two forms."""
    return await pages.render(
        call,
        "desk/routes.html",
        status,
        **await _list(call),
        states={name: word for name, (word, _) in STATES.items()},
        problem=problem,
        extra="" if plans.available() else plans.EXTRA,
    )


async def choice_of(call: Call) -> Choice:
    """The filters in the address; anything it cannot mean is left out, and it begins with today."""
    query = call.query_params
    date, state = query.get("date", ""), query.get("state", "")
    asked = date == "all" or clock.is_date(date)
    if not asked:
        zone = await call.box.db.read(queries.zone_of, call.whose)
        date = clock.local_date(clock.now_ms(), zone.key)
    return Choice(date, query.get("q", "").strip()[:Q_MAX], state if state in STATES else "", asked)


async def _list(call: Call) -> dict[str, Any]:
    choice = await choice_of(call)
    return {
        "choice": choice,
        "shown": await call.box.db.read(_shown, call.whose, choice, SHOWN_MAX),
    }


def _shown(r: Reader, scope: Scope, choice: Choice, limit: int) -> Shown:
    found, counts = page_of(r, scope, choice.wanted(), None, limit)
    names = drivers.names(r, scope.tenant_id, (route.driver_id for route in found))
    lines = [
        Line(route, counts.get(route.id, Count()), names.get(route.driver_id, "?"))
        for route in found
    ]
    day = None if choice.date == "all" else choice.date
    to_assign = packages.Filter(statuses=("created",), delivery_date=day)
    waiting, _ = packages.count(r, scope, to_assign)
    active = drivers.by_name(r, scope, drivers.Filter(active=True), ACTIVE_MAX)
    return Shown(lines, active, accounts.locations(r, scope.tenant_id), waiting)


def _said(refusal: Invalid | Conflict) -> str:
    """What is wrong, in one sentence."""
    words = {"driver_id": "Choose who drives.", "date": "Write the date as YYYY-MM-DD."}
    for item in refusal.details:
        field = str(item.get("field", "")).partition(".")[0]
        if field in words:
            return words[field]
    return refusal.sentence


def _cells(line: Line) -> list[object]:
    route = line.route
    return [
        route.id,
        route.date,
        route.status,
        route.driver_id,
        line.driver,
        line.count.stops,
        line.count.stops_done,
        line.count.packages,
        route.meters,
        clock.iso_or_none(route.leaves_at),
        clock.iso_or_none(route.started_at),
        clock.iso_or_none(route.completed_at),
        clock.iso_or_none(route.finished_at),
        clock.iso(route.created_at),
    ]
