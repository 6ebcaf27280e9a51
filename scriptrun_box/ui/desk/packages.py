"""Every package: the list with its search and filters, and the same as a CSV file."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response, StreamingResponse

from scriptrun_box.kernel import clock
from scriptrun_box.kernel.db import Reader
from scriptrun_box.kernel.http import Call
from scriptrun_box.kernel.scope import Scope
from scriptrun_box.packages import store
from scriptrun_box.packages.api import Q_MAX, look
from scriptrun_box.packages.lifecycle import STATUSES
from scriptrun_box.packages.store import Filter
from scriptrun_box.ui import pages, parcel, queries, words

from . import sheet

ROWS = 50  # of a page
EXPORT_ROWS = 200  # read and sent at a time
SEQ_MAX_DIGITS = 18

STATUS_CHOICES = {
    "": "Any status",
    "open": "Not finished",
    **words.STATUS_WORDS,
    "delivered_today": "Delivered today",
}
NEEDS_CHOICES = {
    "": "Any needs",
    "stat": "STAT",
    "urgent": "Urgent",
    "signature": "Signature",
    "controlled": "ID (controlled)",
    "cold": "Insulated bag",
    "copay": "Copay due",
    "address": "Check address",
    "duplicate": "Possible duplicate",
}
SOURCE_CHOICES = {"": "Any source", **parcel.SOURCE_WORDS}


@dataclass(frozen=True, slots=True)
class Choice:
    """What the address of the list asks for; anything it cannot mean is left out."""

    q: str
    status: str
    date: str
    needs: str
    source: str

    def wanted(self, today: int) -> Filter:
        """The same for the query; `today` is when the day began at the place."""
        statuses: tuple[str, ...] = ()
        if self.status == "open":
            statuses = parcel.OPEN
        elif self.status in STATUSES:
            statuses = (self.status,)
        return Filter(
            self.q,
            statuses,
            self.date or None,
            needs=self.needs,
            source=self.source,
            delivered_since=today if self.status == "delivered_today" else None,
        )

    def query(self, **more: object) -> str:
        """The address's query for this choice: `?…`, or nothing."""
        fields = {
            "q": self.q,
            "status": self.status,
            "date": self.date,
            "needs": self.needs,
            "source": self.source,
            **more,
        }
        given = {name: value for name, value in fields.items() if value}
        return f"?{urlencode(given)}" if given else ""


async def packages(call: Call) -> Response:
    """GET /packages."""
    return await pages.render(call, "desk/packages.html", **await _list(call))


async def live_packages(call: Call) -> Response:
    """GET /live/packages: the changing parts of the same list."""
    return await pages.render(call, "desk/packages_live.html", **await _list(call))


async def export(call: Call) -> Response:
    """GET /packages.csv: all of the current filter, read and sent piece by piece."""
    name = f"packages-{clock.local_date(clock.now_ms(), 'UTC')}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    wanted = choice_of(call).wanted(await call.box.db.read(_today, call.whose))
    return StreamingResponse(_pieces(call, wanted), headers=headers, media_type="text/csv")


def choice_of(call: Call) -> Choice:
    """The filters in the address."""
    query = call.query_params
    return Choice(
        q=query.get("q", "").strip()[:Q_MAX],
        status=_one_of(query.get("status", ""), STATUS_CHOICES),
        date=_date(query.get("date", "")),
        needs=_one_of(query.get("needs", ""), NEEDS_CHOICES),
        source=_one_of(query.get("source", ""), SOURCE_CHOICES),
    )


async def _list(call: Call) -> dict[str, Any]:
    choice = choice_of(call)
    text = call.query_params.get("before", "")
    before = int(text) if text.isdecimal() and len(text) <= SEQ_MAX_DIGITS else None
    wanted = choice.wanted(await call.box.db.read(_today, call.whose))
    page = await call.box.db.read(queries.package_page, call.whose, wanted, before, ROWS)
    look(call, "packages.listed", None, count=len(page.packages))
    return {
        "choice": choice,
        "page": page,
        "before": before,
        "statuses": STATUS_CHOICES,
        "needs_choices": NEEDS_CHOICES,
        "sources": SOURCE_CHOICES,
    }


async def _pieces(call: Call, wanted: Filter) -> AsyncIterator[str]:
    sent, before = 0, None
    try:
        yield sheet.head()
        while True:
            count, before, text = await call.box.db.read(_piece, call.whose, wanted, before)
            if not count:
                return
            yield text
            sent += count
    finally:
        look(call, "packages.exported", None, count=sent)


def _piece(
    r: Reader, scope: Scope, wanted: Filter, before: int | None
) -> tuple[int, int | None, str]:
    """How many rows, the place the next ones start behind, and the rows as CSV."""
    rows = store.page(r, scope, wanted, before, EXPORT_ROWS)
    return len(rows), rows[-1].seq if rows else None, sheet.lines(rows)


def _today(r: Reader, scope: Scope) -> int:
    return words.day_start(clock.now_ms(), queries.zone_of(r, scope))


def _one_of(text: str, choices: dict[str, str]) -> str:
    return text if text in choices else ""


def _date(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        return ""
