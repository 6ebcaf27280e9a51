"""Addresses to check: the list with its search, the same as a CSV file, and what waits."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from scriptrun_box.geocoding import store
from scriptrun_box.geocoding.model import REASONS, Place
from scriptrun_box.kernel import clock
from scriptrun_box.kernel.db import Reader
from scriptrun_box.kernel.http import Call
from scriptrun_box.kernel.scope import Scope
from scriptrun_box.packages import doors
from scriptrun_box.packages.api import Q_MAX, look
from scriptrun_box.ui import pages
from scriptrun_box.ui.settings.tables import csv_answer

PATH = "/addresses"
SHOWN = 100  # on a page
EXPORTED_MAX = 20_000
STATES = {"to_check": "To check", "waiting": "Waiting", "located": "Placed"}
SOURCES = {
    "known": "known from before",
    "points": "from the loaded points",
    "geocoder": "from the geocoder",
    "zip": "only the middle of its ZIP",
    "pin": "pinned here at the desk",
}
DONE = {
    "accept": "Accepted: it stays where it stands.",
    "pin": "Pinned. Every package that goes there knows it.",
    "correct": "Corrected. Its packages go to the right door.",
    "ask": "Noted: you asked the patient.",
}
COLUMNS = (
    "id", "address", "number", "street", "unit", "extra", "town", "state_code", "zip", "state",
    "reason", "packages", "lat", "lng", "source", "confidence", "asked_at", "decided_at",
    "decided_by", "created_at",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Choice:
    """What the address of the list asks for."""

    q: str
    state: str
    before: int | None

    def query(self, before: int | None = None) -> str:
        """The address's query for this choice: `?…`, or nothing."""
        given = {"q": self.q, "state": "" if self.state == "to_check" else self.state}
        shown = {name: value for name, value in given.items() if value}
        if before is not None:
            shown["before"] = str(before)
        return f"?{urlencode(shown)}" if shown else ""


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the list, with how many open packages go there."""

    place: Place
    packages: int


@dataclass(frozen=True, slots=True)
class Shown:
    """A page of the list; the next one starts behind `following`."""

    lines: list[Line]
    count: int
    waiting: int
    following: int | None
    has_points: bool


async def addresses(call: Call) -> Response:
    """GET /addresses."""
    return await pages.render(
        call,
        "desk/addresses.html",
        **await _list(call),
        states=STATES,
        notice=pages.done(call, DONE),
    )


async def live_addresses(call: Call) -> Response:
    """GET /live/addresses: the changing parts of the same list."""
    return await pages.render(call, "desk/addresses_live.html", **await _list(call))


async def export(call: Call) -> Response:
    """GET /addresses.csv: all of the current filter."""
    shown = await call.box.db.read(_shown, call.whose, choice_of(call), EXPORTED_MAX)
    look(call, "addresses.exported", None, count=len(shown.lines))
    name = f"addresses-{clock.local_date(clock.now_ms(), 'UTC')}.csv"
    return csv_answer(name, COLUMNS, (_cells(line) for line in shown.lines))


def choice_of(call: Call) -> Choice:
    """The filters in the address; anything it cannot mean is left out."""
    query = call.query_params
    state, before = query.get("state", ""), query.get("before", "")
    known = before.isascii() and before.isdigit() and len(before) < 16
    return Choice(
        query.get("q", "").strip()[:Q_MAX],
        state if state in STATES else "to_check",
        int(before) if known else None,
    )


async def _list(call: Call) -> dict[str, Any]:
    choice = choice_of(call)
    shown = await call.box.db.read(_shown, call.whose, choice, SHOWN)
    look(call, "addresses.listed", None, count=len(shown.lines))
    asks = bool(call.box.settings.geocoding.provider)
    return {"choice": choice, "shown": shown, "reasons": REASONS, "sources": SOURCES, "asks": asks}


def _shown(r: Reader, scope: Scope, choice: Choice, limit: int) -> Shown:
    found = store.page(r, scope, choice.state, choice.q, choice.before, limit + 1)
    listed = found[:limit]
    return Shown(
        lines=[Line(place, len(doors.at(r, scope, place.door))) for place in listed],
        count=store.count(r, scope, choice.state, choice.q),
        waiting=store.count(r, scope, "waiting"),
        following=listed[-1].seq if len(found) > limit else None,
        has_points=bool(store.files(r)),
    )


def _cells(line: Line) -> list[object]:
    place, parts, at = line.place, line.place.parts, line.place.location
    return [
        place.id,
        place.text,
        parts.number,
        parts.street,
        parts.unit,
        parts.extra,
        parts.town,
        parts.state,
        parts.zip,
        place.state,
        place.reason,
        line.packages,
        at and at.lat,
        at and at.lng,
        at and at.source,
        at and at.confidence,
        clock.iso_or_none(place.asked_at),
        clock.iso_or_none(place.decided_at),
        place.decided_by,
        clock.iso(place.created_at),
    ]
