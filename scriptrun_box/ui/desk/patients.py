"""Every patient: the list with its search, and the same as a CSV file."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response, StreamingResponse

from scriptrun_box.kernel import clock
from scriptrun_box.kernel.db import Reader
from scriptrun_box.kernel.http import Call
from scriptrun_box.kernel.scope import Scope
from scriptrun_box.packages.api import Q_MAX, look
from scriptrun_box.patients import erasing, store
from scriptrun_box.patients.model import Shown, wire
from scriptrun_box.patients.store import COUNT_MAX
from scriptrun_box.ui import pages
from scriptrun_box.ui.settings.tables import csv_answer
from scriptrun_box.ui.spreadsheet import BYTE_ORDER_MARK, csv_lines

PATH = "/patients"
ROWS = 50  # of a page
EXPORT_ROWS = 200  # read and sent at a time
SEQ_MAX_DIGITS = 18
COLUMNS = (
    "id", "external_patient_ids", "name", "address", "phone", "last_order_at", "instructions",
    "may_receive", "leave_at_door", "language", "messages_consent", "messages_consent_at",
    "messages_consent_by", "notes", "pharmacy_id", "created_at", "updated_at",
)  # fmt: skip
ERASED_COLUMNS = (
    "patient_id", "erased_at", "erased_by", "packages", "digest", "finished_at", "test",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Choice:
    """What the address of the list asks for."""

    q: str

    def query(self, **more: object) -> str:
        """The address's query for this choice: `?…`, or nothing."""
        given = {name: value for name, value in {"q": self.q, **more}.items() if value}
        return f"?{urlencode(given)}" if given else ""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the list; the next one starts behind `following`."""

    lines: list[Shown]
    following: int | None
    count: int


async def patients(call: Call) -> Response:
    """GET /patients."""
    return await pages.render(call, "desk/patients.html", **await _list(call))


async def live_patients(call: Call) -> Response:
    """GET /live/patients: the changing parts of the same list."""
    return await pages.render(call, "desk/patients_live.html", **await _list(call))


async def _list(call: Call) -> dict[str, Any]:
    choice = choice_of(call)
    text = call.query_params.get("before", "")
    before = int(text) if text.isdecimal() and len(text) <= SEQ_MAX_DIGITS else None
    page = await call.box.db.read(_page, call.whose, choice.q, before)
    look(call, "patients.listed", None, count=len(page.lines))
    return {"choice": choice, "page": page, "before": before, "count_max": COUNT_MAX}


async def export(call: Call) -> Response:
    """GET /patients.csv: all of the current search, read and sent piece by piece."""
    name = f"patients-{clock.local_date(clock.now_ms(), 'UTC')}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(
        _pieces(call, choice_of(call).q), headers=headers, media_type="text/csv"
    )


async def erased(call: Call) -> Response:
    """GET /patients/erased.csv: the certificate of everybody who was erased."""
    found = await call.box.db.read(erasing.every, call.whose)
    rows = [list(erasing.wire(each).values()) for each in found]
    name = f"erased-patients-{clock.local_date(clock.now_ms(), 'UTC')}.csv"
    return csv_answer(name, ERASED_COLUMNS, rows)


def choice_of(call: Call) -> Choice:
    """The search in the address."""
    return Choice(call.query_params.get("q", "").strip()[:Q_MAX])


def _page(r: Reader, scope: Scope, q: str, before: int | None) -> Page:
    found = store.page(r, scope, q, None, before, ROWS + 1)
    following = found[ROWS - 1].seq if len(found) > ROWS else None
    return Page(store.show(r, found[:ROWS]), following, store.count(r, scope, q))


async def _pieces(call: Call, q: str) -> AsyncIterator[str]:
    sent, before = 0, None
    try:
        yield BYTE_ORDER_MARK + csv_lines([COLUMNS])
        while True:
            count, before, text = await call.box.db.read(_piece, call.whose, q, before)
            if not count:
                return
            yield text
            sent += count
    finally:
        look(call, "patients.exported", None, count=sent)


def _piece(r: Reader, scope: Scope, q: str, before: int | None) -> tuple[int, int | None, str]:
    """How many rows, the place the next ones start behind, and the rows as CSV."""
    found = store.page(r, scope, q, None, before, EXPORT_ROWS)
    lines = csv_lines(_cells(each) for each in store.show(r, found))
    return len(found), found[-1].seq if found else None, lines


def _cells(shown: Shown) -> list[Any]:
    values = wire(shown)
    values["external_patient_ids"] = "; ".join(values["external_patient_ids"])
    values["may_receive"] = "; ".join(values["may_receive"])
    return [values[column] for column in COLUMNS]
