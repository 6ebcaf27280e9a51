"""The log: every hand-over and what became of it, to read, to print and as CSV; closed days."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from scriptrun_box.accounts import store as accounts
from scriptrun_box.accounts.gates import form
from scriptrun_box.delivery.controlled import closing, log
from scriptrun_box.delivery.controlled.model import Line
from scriptrun_box.delivery.controlled.store import Filter
from scriptrun_box.kernel import clock
from scriptrun_box.kernel.db import Reader
from scriptrun_box.kernel.errors import Invalid
from scriptrun_box.kernel.http import Call
from scriptrun_box.kernel.scope import Scope
from scriptrun_box.packages.api import look
from scriptrun_box.packages.words import squash
from scriptrun_box.ui import pages
from scriptrun_box.ui.settings.tables import csv_answer

from . import queries
from .desk import PATH, me, sentence_of

SHOWN_MAX, EXPORTED_MAX = 2_000, 20_000
DAYS = 7  # of the first view
Q_MAX = 100
DONE = {"amended": "It stands beside the day now."}


@dataclass(frozen=True, slots=True)
class Choice:
    """What the address of the log asks for."""

    since: str
    until: str  # including it
    schedule: str
    location_id: str
    q: str

    def query(self) -> str:
        """The address's query for this choice."""
        named = {
            "from": self.since,
            "until": self.until,
            "schedule": self.schedule,
            "pharmacy_id": self.location_id,
            "q": self.q,
        }
        return "?" + urlencode({name: text for name, text in named.items() if text})


async def show(call: Call) -> Response:
    """GET /controlled/log."""
    found = await _read(call, SHOWN_MAX)
    return await pages.render(
        call,
        "controlled/log.html",
        apart=True,
        **found,
        days=await call.box.db.read(queries.closed_days, call.whose, found["choice"].location_id),
        schedules=list(log.SCHEDULES_BY_WORD),
    )


async def export(call: Call) -> Response:
    """GET /controlled/log.csv: with the six fields of a pick-up record (ASAP AIR03 to AIR08)."""
    found = await _read(call, EXPORTED_MAX)
    choice: Choice = found["choice"]
    entries = await call.box.db.read(log.entries, found["lines"])
    name = f"controlled-log-{choice.since}-{choice.until}.csv"
    return csv_answer(name, log.COLUMNS, (log.cells(each, found["names"]) for each in entries))


async def close(call: Call) -> Response:
    """GET /controlled/closes/{id}."""
    return await _close(call, notice=pages.done(call, DONE))


async def amend(call: Call) -> Response:
    """POST /controlled/closes/{id}/amend."""
    close_id = str(call.path_params["id"])
    call.box.disk.check()
    try:
        await call.box.db.write(
            closing.amend, call.whose, me(call), close_id, form(call).get("words", "")
        )
    except Invalid as refusal:
        return await _close(call, 400, problem=sentence_of(refusal))
    return pages.redirect(f"{PATH}/closes/{close_id}?done=amended")


async def _close(call: Call, status: int = 200, *, problem: str = "", notice: str = "") -> Response:
    found = await call.box.db.read(queries.closed, call.whose, str(call.path_params["id"]))
    look(call, "controlled.day_read", found.close.id)
    return await pages.render(
        call, "controlled/close.html", status, closed=found, problem=problem, notice=notice
    )


async def _read(call: Call, limit: int) -> dict[str, Any]:
    places = await call.box.db.read(accounts.locations, call.whose.tenant_id)
    asked = call.query_params.get("pharmacy_id", "")
    place = next((each for each in places if each.id == asked), places[0])
    choice = _choice(call, place.time_zone)
    choice = replace(choice, location_id=asked if place.id == asked else "")
    wanted = log.wanted(
        choice.since, choice.until, choice.schedule, choice.location_id, place.time_zone
    )
    lines, names = await call.box.db.read(_lines, call.whose, wanted, limit + 1)
    kept = [line for line in lines[:limit] if _fits(line, choice.q)]
    look(call, "controlled.log_read", None, count=len(kept))
    return {
        "choice": choice,
        "lines": kept,
        "more": len(lines) > limit,
        "names": names,
        "places": places,
    }


def _lines(
    r: Reader, scope: Scope, wanted: Filter, limit: int
) -> tuple[list[Line], dict[str, str]]:
    found = log.lines(r, scope, wanted, limit)
    return found, queries.names_of(r, scope, queries.people_in(found))


def _choice(call: Call, time_zone: str) -> Choice:
    """What the address says; anything it cannot mean is left out."""
    query = call.query_params
    today = clock.local_date(clock.now_ms(), time_zone)
    first = str(date.fromisoformat(today) - timedelta(DAYS - 1))
    since, until = query.get("from", ""), query.get("until", "")
    schedule = query.get("schedule", "")
    return Choice(
        since if log.is_day(since) else first,
        until if log.is_day(until) else today,
        schedule if schedule in log.SCHEDULES_BY_WORD else "",
        "",
        query.get("q", "").strip()[:Q_MAX],
    )


def _fits(line: Line, q: str) -> bool:
    typed = squash(q)
    found = (line.patient_name, line.rx_number or "", line.seal, line.package_id)
    return not typed or any(typed in squash(text) for text in found)
