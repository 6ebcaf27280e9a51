"""One cold package: its temperatures drawn and listed, loggers' files, what was decided."""

from typing import Any

from starlette.responses import Response

from scriptrun_box.accounts.gates import PHARMACISTS, form, form_files, person_of_call
from scriptrun_box.delivery.cold import api, logger, quarantine, readings, story
from scriptrun_box.delivery.cold.model import INDICATORS, ReadingIn, Story, fahrenheit
from scriptrun_box.kernel import clock
from scriptrun_box.kernel.db import Reader
from scriptrun_box.kernel.errors import Conflict, Invalid, NotFound
from scriptrun_box.kernel.http import Call
from scriptrun_box.kernel.scope import Scope
from scriptrun_box.kernel.shapes import checked
from scriptrun_box.packages.api import PACKAGE_ID, look
from scriptrun_box.ui import chilling, pages
from scriptrun_box.ui.queries import actor_names, zone_of
from scriptrun_box.ui.settings.tables import csv_answer

from .cold_chart import drawn

FILE_BYTES = 1024 * 1024
LISTED = 500  # readings on the page, the newest; the CSV file has them all
DONE = {
    "read": "Noted.",
    "imported": "The file was read in.",
    "decided": "Decided, and noted with your name.",
}
COLUMNS = ("at", "place", "celsius", "fahrenheit", "indicator", "taken_by", "counts")


async def temperatures(call: Call) -> Response:
    """GET /packages/{id}/cold."""
    return await _page(call, notice=pages.done(call, DONE))


async def export(call: Call) -> Response:
    """GET /packages/{id}/cold.csv: every reading."""
    told, names = await call.box.db.read(_whole, call.whose, _id(call))
    look(call, "package.cold_exported", told.package.id)
    counted = set(told.counted)
    cells = [
        [
            clock.iso(each.at),
            each.place,
            each.celsius,
            None if each.celsius is None else round(fahrenheit(each.celsius), 2),
            each.indicator,
            names[each.taken_by],
            each in counted,
        ]
        for each in told.readings
    ]
    return csv_answer(f"temperatures-{told.package.id}.csv", COLUMNS, cells)


async def add_reading(call: Call) -> Response:
    """POST /packages/{id}/temperature: as somebody reads it now."""
    fields, whose, actor, package_id = form(call), call.whose, call.caller.actor, _id(call)
    given: dict[str, Any] = {"celsius": chilling.typed_degrees(fields.get("celsius", ""))}
    given["indicator"] = fields.get("indicator") or None
    call.box.disk.check()
    try:
        made = checked(ReadingIn, given)
        await call.box.db.write(
            readings.add, whose, actor, package_id, None, made.celsius, made.indicator
        )
    except (Invalid, Conflict) as refusal:
        return await _refused(call, refusal)
    return _back(call, "read")


async def import_logger(call: Call) -> Response:
    """POST /packages/{id}/logger: a file, or the text of one."""
    call.box.disk.check()
    fields, content = form(call), form_files(call).get("file", b"")
    text = logger.text_of(content) if content else fields.get("text", "")
    if not text.strip():
        return await _page(call, 400, problem="Choose the logger's file; nothing was stored.")
    unit = fields.get("unit") or None
    try:
        await api.read_in(call, _id(call), text, unit if unit in ("C", "F") else None)
    except (Invalid, Conflict) as refusal:
        return await _refused(call, refusal)
    return _back(call, "imported")


async def decide(call: Call) -> Response:
    """POST /packages/{id}/disposition: the pharmacist's word."""
    fields = form(call)
    call.box.disk.check()
    try:
        await call.box.db.write(
            quarantine.dispose,
            call.whose,
            call.caller.actor,
            _id(call),
            fields.get("quarantine", ""),
            fields.get("disposition", ""),
            fields.get("words", ""),
        )
    except (Invalid, Conflict) as refusal:
        return await _refused(call, refusal)
    return _back(call, "decided")


async def _refused(call: Call, refusal: Invalid | Conflict) -> Response:
    problem = chilling.said(refusal.details, refusal.sentence)
    if refusal.code != "validation_failed":
        problem = refusal.sentence
    return await _page(call, refusal.status, problem=problem)


async def _page(call: Call, status: int = 200, *, problem: str = "", notice: str = "") -> Response:
    told, names = await call.box.db.read(_whole, call.whose, _id(call))
    look(call, "package.cold_read", told.package.id)
    zone = await call.box.db.read(zone_of, call.whose)
    counted = set(told.counted)
    shown = sorted(told.readings, key=lambda each: -each.at)[:LISTED]
    return await pages.render(
        call,
        "desk/temperatures.html",
        status,
        told=told,
        package=told.package,
        chart=drawn(told, zone, clock.now_ms()),
        readings=[(each, each in counted) for each in shown],
        names=names,
        indicators=INDICATORS,
        choices=quarantine.choices(told.package),
        clinical=person_of_call(call).user.role in PHARMACISTS.roles,
        problem=problem,
        notice=notice,
        form=form(call) if problem else {},
    )


def _whole(r: Reader, scope: Scope, package_id: str) -> tuple[Story, dict[str, str]]:
    told = story.read(r, scope, package_id, clock.now_ms())
    acted = {each.taken_by for each in told.readings}
    acted |= {each.imported_by for each in told.files} | {each.packed_by for each in told.packs}
    acted |= {each.decided_by for each in told.quarantines if each.decided_by}
    return told, actor_names(r, scope.tenant_id, acted)


def _back(call: Call, word: str) -> Response:
    return pages.redirect(f"/packages/{_id(call)}/cold?done={word}")


def _id(call: Call) -> str:
    package_id: str = call.path_params["id"]
    if not PACKAGE_ID.fullmatch(package_id):
        raise NotFound("There is no such package.")
    return package_id
