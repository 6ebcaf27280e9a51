"""Incidents: all of them, one with its clocks and the fields of DEA Form 106, to print."""

from collections.abc import Awaitable, Callable

from starlette.responses import Response

from scriptrun_box.accounts import store as accounts
from scriptrun_box.accounts.gates import form
from scriptrun_box.delivery.controlled import incidents, store
from scriptrun_box.delivery.controlled.model import Incident
from scriptrun_box.kernel import clock
from scriptrun_box.kernel.db import Reader
from scriptrun_box.kernel.http import Call
from scriptrun_box.kernel.scope import Scope
from scriptrun_box.packages import actions as packages
from scriptrun_box.packages.api import look
from scriptrun_box.ui import pages
from scriptrun_box.ui.settings.tables import csv_answer

from . import queries
from .desk import PATH, REFUSED, me, sentence_of

EXPORTED_MAX = 20_000
DONE = {"noted": "Noted.", "closed": "The incident is closed."}
COLUMNS = (
    "incident_id", "package_id", "kind", "words", "opened_at", "opened_by", "notice_due",
    "notified_at", "form_106_due", "filed_at", "closed_at", "closed_by", "closing_words",
)  # fmt: skip


async def export(call: Call) -> Response:
    """GET /controlled/incidents.csv: every incident there ever was."""
    found, names = await call.box.db.read(_all, call.whose)
    look(call, "incident.listed", None, count=len(found))
    return csv_answer("incidents.csv", COLUMNS, (_cells(each, names) for each in found))


async def incident(call: Call) -> Response:
    """GET /controlled/incidents/{id}."""
    return await _page(call, notice=pages.done(call, DONE))


async def step(call: Call) -> Response:
    """POST /controlled/incidents/{id}/step: the DEA was told, or Form 106 is filed."""
    taken = form(call).get("step", "")
    return await _do(
        call,
        "noted",
        lambda: call.box.db.write(incidents.note_step, call.whose, me(call), _id(call), taken),
    )


async def close(call: Call) -> Response:
    """POST /controlled/incidents/{id}/close."""
    filled = form(call)
    given = (filled.get("words", ""), filled.get("gone") == "yes")
    return await _do(
        call,
        "closed",
        lambda: call.box.db.write(incidents.close, call.whose, me(call), _id(call), *given),
    )


async def _do(call: Call, word: str, act: Callable[[], Awaitable[object]]) -> Response:
    call.box.disk.check()
    try:
        await act()
    except REFUSED as refusal:
        return await _page(call, refusal.status, problem=sentence_of(refusal))
    return pages.redirect(f"{PATH}/incidents/{_id(call)}?done={word}")


async def _page(call: Call, status: int = 200, *, problem: str = "", notice: str = "") -> Response:
    found = await call.box.db.read(incidents.find, call.whose, _id(call))
    package = await call.box.db.read(packages.find, call.whose, found.package_id)
    whole = await call.box.db.read(queries.whole, call.whose, package)
    places = await call.box.db.read(accounts.locations, call.whose.tenant_id)
    people = (found.opened_by, found.notified_by, found.filed_by, found.closed_by)
    named = await call.box.db.read(queries.names_of, call.whose, [each or "" for each in people])
    place = next(each for each in places if each.id == found.location_id)
    look(call, "incident.read", found.id)
    recalled = package.status == "out_for_delivery" and package.recalled_at is not None
    return await pages.render(
        call,
        "controlled/incident.html",
        status,
        incident=found,
        package=package,
        whole=whole,
        place=place,
        names={**whole.names, **named},
        today=clock.local_date(clock.now_ms(), place.time_zone),
        may_be_gone=bool(package.handed_over_at) and (package.status == "failed" or recalled),
        problem=problem,
        notice=notice,
    )


def _all(r: Reader, scope: Scope) -> tuple[list[Incident], dict[str, str]]:
    found = store.incidents(r, scope, EXPORTED_MAX)
    people = {who for each in found for who in (each.opened_by, each.closed_by or "")}
    return found, queries.names_of(r, scope, people)


def _cells(each: Incident, names: dict[str, str]) -> tuple[object, ...]:
    return (
        each.id,
        each.package_id,
        each.kind,
        each.words,
        clock.iso(each.opened_at),
        names[each.opened_by],
        each.notice_due,
        clock.iso_or_none(each.notified_at),
        each.form_due,
        clock.iso_or_none(each.filed_at),
        clock.iso_or_none(each.closed_at),
        names.get(each.closed_by or ""),
        each.closing_words,
    )


def _id(call: Call) -> str:
    return str(call.path_params["id"])
