"""Everybody who drives: the list with its search, the same as a CSV file, and who is taken on."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from scriptrun_box.accounts import store as accounts
from scriptrun_box.accounts.gates import form, form_lists
from scriptrun_box.accounts.model import Location
from scriptrun_box.drivers import actions, store
from scriptrun_box.drivers.actions import ACTIVE_MAX
from scriptrun_box.drivers.model import CAPABILITIES, Driver, DriverIn
from scriptrun_box.kernel import clock
from scriptrun_box.kernel.db import Reader
from scriptrun_box.kernel.errors import Conflict, Invalid
from scriptrun_box.kernel.http import Call
from scriptrun_box.kernel.scope import Scope
from scriptrun_box.kernel.shapes import checked
from scriptrun_box.packages import store as packages
from scriptrun_box.packages.api import Q_MAX
from scriptrun_box.packages.store import Carried
from scriptrun_box.ui import driving, pages
from scriptrun_box.ui.settings.tables import csv_answer

PATH = "/drivers"
SHOWN_MAX = ACTIVE_MAX  # of those who left only as many as of those who drive
EXPORTED_MAX = 20_000
DONE = {
    "added": "The driver is there.",
    "started": "The shift has started.",
    "ended": "The shift has ended.",
    "online": "Online.",
    "offline": "Offline.",
}
STATES = {
    "": ("Everybody who drives", store.Filter(active=True)),
    "on_shift": ("On shift", store.Filter(active=True, on_shift=True)),
    "online": ("Online", store.Filter(active=True, online=True)),
    "offline": ("On shift, offline", store.Filter(active=True, on_shift=True, online=False)),
    "off_shift": ("Off shift", store.Filter(active=True, on_shift=False)),
    "left": ("Left", store.Filter(active=False)),
}
COLUMNS = (
    "id", "name", "phone", "employment", "vehicle", "capacity", "capabilities", "pharmacy_id",
    "location", "active", "on_shift", "shift_started_at", "status", "assigned",
    "out_for_delivery", "created_at", "left_at",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Choice:
    """What the address of the list asks for."""

    q: str
    state: str

    def wanted(self) -> store.Filter:
        """The same for the query."""
        known = STATES[self.state][1]
        return store.Filter(self.q, known.active, known.on_shift, known.online)

    def query(self) -> str:
        """The address's query for this choice: `?…`, or nothing."""
        given = {name: value for name, value in (("q", self.q), ("state", self.state)) if value}
        return f"?{urlencode(given)}" if given else ""


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the list."""

    driver: Driver
    carried: Carried
    home: str


@dataclass(frozen=True, slots=True)
class Shown:
    """The list, and how many there are of whom it shows."""

    lines: list[Line]
    count: int
    locations: list[Location]


async def drivers(call: Call) -> Response:
    """GET /drivers."""
    return await page(call, notice=pages.done(call, DONE))


async def live_drivers(call: Call) -> Response:
    """GET /live/drivers: the changing parts of the same list."""
    return await pages.render(call, "desk/drivers_live.html", **await _list(call))


async def export(call: Call) -> Response:
    """GET /drivers.csv: all of the current filter."""
    wanted = choice_of(call).wanted()
    shown = await call.box.db.read(_shown, call.whose, wanted, EXPORTED_MAX)
    name = f"drivers-{clock.local_date(clock.now_ms(), 'UTC')}.csv"
    return csv_answer(name, COLUMNS, (_cells(line) for line in shown.lines))


async def add(call: Call) -> Response:
    """POST /drivers."""
    call.box.disk.check()
    try:
        given = checked(DriverIn, given_of(call)).model_dump(exclude_unset=True)
        await call.box.db.write(actions.create, call.whose, call.caller.actor, given)
    except Invalid as refusal:
        return await page(call, 400, filled=filled_of(call), wrong=wrong_of(refusal))
    except Conflict as refusal:
        return await page(call, 409, filled=filled_of(call), problem=refusal.sentence)
    return pages.redirect(f"{PATH}?done=added")


async def page(
    call: Call,
    status: int = 200,
    *,
    filled: dict[str, Any] | None = None,
    wrong: dict[str, str] | None = None,
    problem: str = "",
    notice: str = "",
) -> Response:
    """The page of the list, with the form to take somebody on."""
    return await pages.render(
        call,
        "desk/drivers.html",
        status,
        **await _list(call),
        **form_words(),
        form=filled or {"employment": "employee", "capabilities": []},
        wrong=wrong or {},
        problem=problem,
        notice=notice,
        states={name: word for name, (word, _) in STATES.items()},
        opened=call.query_params.get("new", ""),
    )


def choice_of(call: Call) -> Choice:
    """The filters in the address; anything it cannot mean is left out."""
    query = call.query_params
    state = query.get("state", "")
    return Choice(query.get("q", "").strip()[:Q_MAX], state if state in STATES else "")


def given_of(call: Call) -> dict[str, Any]:
    """The fields of a posted form as a program would send them; what is absent stays absent."""
    fields, lists = form(call), form_lists(call)
    given: dict[str, Any] = {"capabilities": lists.get("capabilities", [])}
    for name in ("name", "employment"):
        if name in fields:
            given[name] = fields[name].strip()
    for name in ("phone", "vehicle", "pharmacy_id", "capacity"):
        if name in fields:
            given[name] = fields[name].strip() or None
    capacity = given.get("capacity")
    if capacity and capacity.isascii() and capacity.isdecimal():
        given["capacity"] = int(capacity[:9])
    return given


def filled_of(call: Call) -> dict[str, Any]:
    """A posted form as it was filled in, to show it again."""
    return {**form(call), "capabilities": form_lists(call).get("capabilities", [])}


def wrong_of(refusal: Invalid) -> dict[str, str]:
    """What is wrong, by field, in the words of the form."""
    said = {}
    for item in refusal.details:
        name = str(item["field"]).partition(".")[0]
        said[name] = driving.BETTER_WORDS.get((name, item["code"]), str(item["message"]))
    return said


def form_words() -> dict[str, Any]:
    """What the fields of a driver can be chosen from."""
    return {"employments": driving.EMPLOYMENT_WORDS, "capabilities": driving.CAPABILITY_WORDS}


async def _list(call: Call) -> dict[str, Any]:
    choice = choice_of(call)
    shown = await call.box.db.read(_shown, call.whose, choice.wanted(), SHOWN_MAX)
    return {"choice": choice, "shown": shown}


def _shown(r: Reader, scope: Scope, wanted: store.Filter, limit: int) -> Shown:
    found = store.by_name(r, scope, wanted, limit)
    carried = packages.carried(r, scope, (driver.id for driver in found))
    locations = accounts.locations(r, scope.tenant_id)
    homes = {place.id: place.name for place in locations}
    lines = [
        Line(driver, carried.get(driver.id, Carried()), homes[driver.profile.location_id])
        for driver in found
    ]
    return Shown(lines, store.count(r, scope, wanted), locations)


def _cells(line: Line) -> list[object]:
    driver, profile = line.driver, line.driver.profile
    return [
        driver.id,
        profile.name,
        profile.phone,
        profile.employment,
        profile.vehicle,
        profile.capacity,
        "; ".join(each for each in CAPABILITIES if each in profile.capabilities),
        profile.location_id,
        line.home,
        driver.active,
        driver.on_shift,
        clock.iso_or_none(driver.shift_started_at),
        driver.status,
        line.carried.assigned,
        line.carried.out,
        clock.iso(driver.created_at),
        clock.iso_or_none(driver.left_at),
    ]
