"""GET /security, /baa, /terms, and the screen on which an owner of the box words them."""

from starlette.responses import Response

from scriptrun_box.accounts.gates import form, person_of_call
from scriptrun_box.kernel import audit
from scriptrun_box.kernel.db import Writer
from scriptrun_box.kernel.errors import Forbidden, NotFound
from scriptrun_box.kernel.http import Call
from scriptrun_box.kernel.scope import Actor
from scriptrun_box.ui import pages
from scriptrun_box.ui.settings import queries

from . import store
from .defaults import TITLES, default_text
from .markup import blocks

TEXT_MAX = 40_000  # characters
DONE = {"saved": "Saved. This is what everyone reads now.", "default": "The default text is back."}


async def show_security(call: Call) -> Response:
    """GET /security."""
    return await _show(call, "security")


async def show_baa(call: Call) -> Response:
    """GET /baa."""
    return await _show(call, "baa")


async def show_terms(call: Call) -> Response:
    """GET /terms."""
    return await _show(call, "terms")


async def edit(call: Call) -> Response:
    """GET /settings/texts/{name}: the text as it stands, ready to be changed."""
    name = _name(call)
    _require_box_owner(call)
    found = await call.box.db.read(store.get, name)
    body = found.body if found else default_text(name, call.box.settings)
    return await _form(call, name, body, found)


async def save(call: Call) -> Response:
    """POST /settings/texts/{name}: store the owner's wording; an empty one is refused."""
    name = _name(call)
    _require_box_owner(call)
    body = "\n".join(form(call).get("body", "").split("\r\n")).strip()
    if not body or len(body) > TEXT_MAX:
        wrong = f"A text has 1 to {TEXT_MAX:,} characters."
        found = await call.box.db.read(store.get, name)
        return await _form(call, name, body, found, status=400, wrong=wrong)
    person = person_of_call(call)
    await call.box.db.write(_put, person.user.tenant_id, person.actor, name, body)
    return pages.redirect(f"/{name}?done=saved")


async def reset(call: Call) -> Response:
    """POST /settings/texts/{name}/default: let the default stand again."""
    name = _name(call)
    _require_box_owner(call)
    person = person_of_call(call)
    await call.box.db.write(_reset, person.user.tenant_id, person.actor, name)
    return pages.redirect(f"/{name}?done=default")


async def _show(call: Call, name: str) -> Response:
    found = await call.box.db.read(store.get, name)
    person = pages.viewer(call)
    may_edit = (
        person is not None
        and person.user.role == "owner"
        and call.box.db.peek(queries.owns_box, person.scope)
    )
    return await pages.render(
        call,
        "texts/show.html",
        page=name,
        heading=TITLES[name],
        blocks=blocks(found.body if found else default_text(name, call.box.settings)),
        updated_at=found.updated_at if found else None,
        may_edit=may_edit,
        support=call.box.settings.support,
        notice=pages.done(call, DONE),
    )


async def _form(
    call: Call,
    name: str,
    body: str,
    found: store.Text | None,
    *,
    status: int = 200,
    wrong: str = "",
) -> Response:
    names = await call.box.db.read(queries.names, person_of_call(call).user.tenant_id)
    return await pages.render(
        call,
        "texts/edit.html",
        status,
        page=name,
        heading=TITLES[name],
        body=body,
        wrong=wrong,
        text_max=TEXT_MAX,
        updated_at=found.updated_at if found else None,
        updated_by=names.get(found.updated_by, found.updated_by) if found else "",
    )


def _name(call: Call) -> str:
    name: str = call.path_params["name"]
    if name not in TITLES:
        raise NotFound()
    return name


def _require_box_owner(call: Call) -> None:
    if not call.box.db.peek(queries.owns_box, person_of_call(call).scope):
        raise Forbidden("These pages belong to the pharmacy this box was set up for.")


def _put(w: Writer, tenant_id: str, actor: Actor, name: str, body: str) -> None:
    store.put(w, name, body, actor.id)
    audit.record(w, tenant_id, actor, "text.changed", name, characters=len(body))


def _reset(w: Writer, tenant_id: str, actor: Actor, name: str) -> None:
    if store.delete(w, name):
        audit.record(w, tenant_id, actor, "text.reset", name)
