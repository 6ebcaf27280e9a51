"""Labels on screen: of one package, of several, of a day; as PDF and to a label printer."""

from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from scriptrun_box.accounts.gates import form
from scriptrun_box.kernel.errors import NotFound
from scriptrun_box.kernel.http import Call
from scriptrun_box.packages.api import PACKAGE_ID, look
from scriptrun_box.paper import actions, gather
from scriptrun_box.paper.model import LABELS_MAX, Label
from scriptrun_box.ui import pages

from . import sheets
from .pick_list import PATH as PICK_LIST
from .pick_list import Choice, choice_of

PATH = "/labels"
JOBS = "/print-jobs"


async def label(call: Call) -> Response:
    """GET /packages/{id}/label."""
    made = await _label(call)
    back = f"/packages/{made.package_id}"
    return await show(call, [made], f"{back}/label.pdf", back)


async def label_pdf(call: Call) -> Response:
    """GET /packages/{id}/label.pdf."""
    return await sheets.as_pdf(call, (await _label(call),), "label")


async def labels(call: Call) -> Response:
    """GET /labels: of the packages named by id, else of a day."""
    package_ids, choice = await _asked(call)
    made = await _labels(call, package_ids, choice)
    if not made:
        return pages.redirect(PICK_LIST + (choice.query() if choice else ""))
    query = choice.query() if choice else f"?{urlencode([('id', each) for each in package_ids])}"
    back = f"{PICK_LIST}{query}" if choice else "/packages"
    return await show(call, made, f"{PATH}.pdf{query}", back)


async def labels_pdf(call: Call) -> Response:
    """GET /labels.pdf."""
    made = await _labels(call, *await _asked(call))
    if not made:
        raise NotFound("There is nothing to label.")
    return await sheets.as_pdf(call, tuple(made), "labels")


async def print_labels(call: Call) -> Response:
    """POST /labels/print: to a label printer, now or as soon as it is free."""
    fields = form(call)
    package_ids = _ids(fields.get("ids", "").split(","))
    call.box.disk.check()
    await call.box.db.write(
        actions.print_labels,
        call.whose,
        call.caller.actor,
        fields.get("printer", ""),
        package_ids,
    )
    return pages.redirect(f"{JOBS}?done=queued")


async def show(call: Call, made: list[Label], pdf: str, back: str) -> Response:
    """Labels as a page that prints as it stands."""
    return await sheets.show(
        call,
        "paper/labels.html",
        [each.code for each in made],
        labels=made,
        pdf=pdf,
        back=back,
        ids=",".join(each.package_id for each in made),
    )


async def _label(call: Call) -> Label:
    package_id: str = call.path_params["id"]
    if not PACKAGE_ID.fullmatch(package_id):
        raise NotFound("There is no such package.")
    made = await call.box.db.read(gather.label, call.whose, package_id)
    look(call, "package.label", package_id)
    return made


async def _labels(call: Call, package_ids: list[str], choice: Choice | None) -> list[Label]:
    """The labels that are asked for; none where a day has no packages left to go out."""
    if choice is not None:
        scope = choice.scope(call)
        package_ids = await call.box.db.read(gather.ids_of_day, scope, choice.date)
    return await read(call, package_ids) if package_ids else []


async def read(call: Call, package_ids: list[str]) -> list[Label]:
    """The labels of these packages, and the audit's note that somebody looked."""
    made = await call.box.db.read(gather.labels, call.whose, package_ids)
    look(call, "packages.labels", None, count=len(made))
    return made


async def _asked(call: Call) -> tuple[list[str], Choice | None]:
    """The packages the address names, or the day."""
    package_ids = _ids(call.query_params.getlist("id"))
    day = not package_ids and "date" in call.query_params
    return package_ids, await choice_of(call) if day else None


def _ids(given: Any) -> list[str]:
    """The packages named, each once; raises NotFound for what cannot be one."""
    named = list(dict.fromkeys(each.strip() for each in given if each.strip()))
    if any(not PACKAGE_ID.fullmatch(each) for each in named):
        raise NotFound("There is no such package.")
    return named[: LABELS_MAX + 1]
