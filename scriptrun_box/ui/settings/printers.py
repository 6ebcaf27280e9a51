"""Settings → Printers: the label printers on the local network, each with a test label."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from scriptrun_box.accounts.gates import form, person_of_call
from scriptrun_box.kernel.errors import Conflict, Forbidden, Invalid
from scriptrun_box.kernel.http import Call
from scriptrun_box.paper import actions, store
from scriptrun_box.paper.spooler import Spooler
from scriptrun_box.ui import pages

from . import queries

PATH = "/settings/printers"
DONE = {
    "added": "The printer is there. Print a test label to see that it is reached.",
    "changed": "Saved.",
    "removed": "Removed. Nothing more is sent there.",
}


async def printers(call: Call) -> Response:
    """GET /settings/printers."""
    return await _page(call)


async def add(call: Call) -> Response:
    """POST /settings/printers."""
    await _need_box_owner(call)
    try:
        given = await _given(call)
        await call.box.db.write(
            actions.add_printer, call.whose.tenant_id, call.caller.actor, **given
        )
    except Invalid as refusal:
        return await _page(call, refusal.status, wrong=_wrong(refusal), filled=form(call))
    except Conflict as refusal:
        return await _page(call, refusal.status, problem=refusal.sentence, filled=form(call))
    return pages.redirect(f"{PATH}?done=added")


async def change(call: Call) -> Response:
    """POST /settings/printers/{id}."""
    await _need_box_owner(call)
    whose, actor = call.whose.tenant_id, call.caller.actor
    await call.box.db.read(actions.find_printer, whose, _id(call))
    try:
        given = await _given(call)
        await call.box.db.write(actions.change_printer, whose, actor, _id(call), **given)
    except Invalid as refusal:
        return await _page(call, refusal.status, problem=refusal.sentence)
    return pages.redirect(f"{PATH}?done=changed")


async def remove(call: Call) -> Response:
    """POST /settings/printers/{id}/remove."""
    await call.box.db.write(
        actions.remove_printer, call.whose.tenant_id, call.caller.actor, _id(call)
    )
    return pages.redirect(f"{PATH}?done=removed")


async def test(call: Call) -> Response:
    """POST /settings/printers/{id}/test: a label that shows that it is reached."""
    await call.box.db.write(actions.print_test, call.whose, call.caller.actor, _id(call))
    return pages.redirect("/print-jobs?done=queued")


async def back(call: Call) -> Response:
    """GET where a form was posted: to the page itself."""
    return pages.redirect(PATH)


async def _given(call: Call) -> dict[str, Any]:
    """A filled form, its address vetted; raises Invalid."""
    filled = {name: form(call).get(name, "").strip() for name in ("name", "host", "port", "dpi")}
    port = int(filled["port"]) if filled["port"].isdecimal() and len(filled["port"]) < 6 else 0
    dpi = int(filled["dpi"]) if filled["dpi"] in ("203", "300") else 0
    actions.check(filled["name"], port, dpi)
    spooler: Spooler = call.app.state.spooler
    await spooler.check(filled["host"], port)
    return {"name": filled["name"], "host": filled["host"], "port": port, "dpi": dpi}


async def _need_box_owner(call: Call) -> None:
    """The local network is the business of who the box was set up for."""
    if not await call.box.db.read(queries.owns_box, call.whose):
        raise Forbidden("Only the owner of this box may do that.", code="role_missing")


def _wrong(refusal: Invalid) -> dict[str, str]:
    return {item["field"]: item["message"] for item in refusal.details}


async def _page(
    call: Call,
    status: int = 200,
    *,
    wrong: Mapping[str, str] | None = None,
    filled: Mapping[str, str] | None = None,
    problem: str = "",
) -> Response:
    person = person_of_call(call)
    owns = await call.box.db.read(queries.owns_box, call.whose)
    query = call.query_params.get("q", "").strip()
    found = await call.box.db.read(store.printers, call.whose.tenant_id)
    return await pages.render(
        call,
        "settings/printers.html",
        status,
        printers=[p for p in found if query.casefold() in f"{p.name} {p.host}".casefold()],
        any_printer=bool(found),
        query=query,
        may_change=person.user.role == "owner" and owns,
        wrong=wrong or {},
        filled=filled or {"port": str(actions.RAW_PORT), "dpi": "203"},
        problem=problem,
        notice=pages.done(call, DONE),
    )


def _id(call: Call) -> str:
    return str(call.path_params["id"])
