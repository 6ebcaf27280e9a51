"""Settings → Users: who works here, with which role; links to set a password are shown once."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from scriptrun_box.accounts import actions, store
from scriptrun_box.accounts.gates import form, person_of_call
from scriptrun_box.accounts.model import ROLES, User
from scriptrun_box.kernel import clock
from scriptrun_box.kernel.errors import Conflict, Invalid, NotFound
from scriptrun_box.kernel.http import Call
from scriptrun_box.ui import pages

from .integrations import came_before
from .once import FIELD, forms, new_form_id
from .tables import csv_answer

PATH = "/settings/users"
ROLE_WORDS = {
    "owner": "everything",
    "dispatcher": "packages, routes, drivers, imports",
    "pharmacist": "as dispatcher, and releases controlled substances",
    "driver": "the phone only",
}
DONE = {
    "role": "Saved. The person has to sign in again.",
    "out": "Locked out. Every session of theirs has ended.",
    "in": "Let in again.",
    "once": "This form was sent before: its link was made then, and is shown only once.",
}


async def users(call: Call) -> Response:
    """GET /settings/users."""
    return await _page(call)


async def back(call: Call) -> Response:
    """GET where a form was posted: to the page itself."""
    return pages.redirect(PATH)


async def export_users(call: Call) -> Response:
    """GET /settings/users.csv."""
    people = await _people(call)
    rows = [
        [each.name, each.email, each.role, state_of(each), clock.iso(each.created_at),
         clock.iso_or_none(each.last_sign_in_at)]
        for each in people
    ]  # fmt: skip
    columns = ("name", "email", "role", "state", "created_at", "last_sign_in_at")
    return csv_answer("users.csv", columns, rows)


async def add_user(call: Call) -> Response:
    """POST /settings/users: the link to set a password is in this answer and nowhere else."""
    if came_before(call):
        return pages.redirect(f"{PATH}?done=once")
    person = person_of_call(call)
    given = form(call)
    filled = {name: given.get(name, "") for name in ("name", "email", "role")}
    try:
        made, token = await call.box.db.write(
            actions.add_user, person.user.tenant_id, person.actor, **filled
        )
    except Invalid as refusal:
        forms(call).release(given.get(FIELD, ""))
        wrong = {item["field"]: item["message"] for item in refusal.details}
        return await _page(call, refusal.status, wrong=wrong, filled=filled)
    return await _page(call, link=_link(call, token), link_for=made)


async def reset_password(call: Call) -> Response:
    """POST /settings/users/{id}/reset: a new link; the person is signed out everywhere."""
    if came_before(call):
        return pages.redirect(f"{PATH}?done=once")
    person = person_of_call(call)
    user_id = call.path_params["id"]
    token = await call.box.db.write(
        actions.reset_password, person.user.tenant_id, person.actor, user_id
    )
    found = await call.box.db.read(store.user, user_id)
    return await _page(call, link=_link(call, token), link_for=found)


async def change_role(call: Call) -> Response:
    """POST /settings/users/{id}/role."""
    person = person_of_call(call)
    try:
        await call.box.db.write(
            actions.set_role,
            person.user.tenant_id,
            person.actor,
            call.path_params["id"],
            form(call).get("role", ""),
        )
    except Conflict as refusal:
        return await _page(call, refusal.status, problem=refusal.sentence)
    return pages.redirect(f"{PATH}?done=role")


async def lock_out(call: Call) -> Response:
    """POST /settings/users/{id}/lock-out."""
    return await _set_disabled(call, True)


async def let_in(call: Call) -> Response:
    """POST /settings/users/{id}/let-in."""
    return await _set_disabled(call, False)


def state_of(user: User) -> str:
    """A person's state in one word."""
    if user.disabled_at is not None:
        return "locked out"
    return "active" if user.has_password else "invited"


async def _set_disabled(call: Call, disabled: bool) -> Response:
    person = person_of_call(call)
    try:
        await call.box.db.write(
            actions.set_disabled,
            person.user.tenant_id,
            person.actor,
            call.path_params["id"],
            disabled,
        )
    except Conflict as refusal:
        return await _page(call, refusal.status, problem=refusal.sentence)
    except NotFound:
        pass  # it is as wished already, or nobody of ours: the list shows what is
    return pages.redirect(f"{PATH}?done={'out' if disabled else 'in'}")


async def _page(
    call: Call,
    status: int = 200,
    *,
    wrong: Mapping[str, str] | None = None,
    filled: Mapping[str, str] | None = None,
    **shown: Any,
) -> Response:
    person = person_of_call(call)
    return await pages.render(
        call,
        "settings/users.html",
        status,
        **{
            "people": await _people(call),
            "query": _query(call),
            "roles": ROLES,
            "role_words": ROLE_WORDS,
            "state_of": state_of,
            "wrong": wrong or {},
            "filled": filled or {},
            "link": "",
            "link_for": None,
            "problem": "",
            "form_id": new_form_id,
            "opened": call.query_params.get("new", ""),
            "may_change": person.user.role == "owner",
            "notice": pages.done(call, DONE),
            **shown,
        },
    )


async def _people(call: Call) -> list[User]:
    people = await call.box.db.read(store.users, person_of_call(call).user.tenant_id)
    query = _query(call).casefold()
    return [each for each in people if query in f"{each.name} {each.email} {each.role}".casefold()]


def _query(call: Call) -> str:
    return call.query_params.get("q", "").strip()


def _link(call: Call, token: str) -> str:
    return f"{call.box.public_url}/link?token={token}"
