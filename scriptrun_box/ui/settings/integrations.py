"""Settings → Integrations: API keys and webhooks on one page, and what is shown just once."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from scriptrun_box.accounts import plans
from scriptrun_box.accounts import store as accounts
from scriptrun_box.accounts.actions import NewKey
from scriptrun_box.accounts.gates import form, person_of_call
from scriptrun_box.accounts.model import KEY_SCOPES, Key, Location, Person
from scriptrun_box.kernel import notices
from scriptrun_box.kernel.db import Reader
from scriptrun_box.kernel.errors import Invalid
from scriptrun_box.kernel.http import Call
from scriptrun_box.kernel.notices import Notice
from scriptrun_box.ui import pages
from scriptrun_box.ui.docs.curl import push_curl
from scriptrun_box.ui.docs.words import EVENTS
from scriptrun_box.webhooks import networks
from scriptrun_box.webhooks import store as webhooks
from scriptrun_box.webhooks.model import Endpoint

from . import queries
from .once import FIELD, forms, new_form_id

PATH = "/settings/integrations"
DONE = {
    "revoked": "Revoked. The next call with this key is refused.",
    "key-once": "This form was sent before: its key was made then, and is shown only once.",
    "hook-once": "This form was sent before: its webhook was made then; a secret is shown once.",
    "deleted": "Deleted. Nothing more is sent there.",
    "forbidden": "Forbidden. Nothing is sent into that network any more.",
}
SCOPE_WORDS = {
    "orders:write": "push orders",
    "packages:read": "read packages",
    "packages:write": "change packages",
    "webhooks:manage": "manage webhooks",
    "dispatch:manage": "drivers and routes",
    "labels:scan": "scan labels",
}


@dataclass(frozen=True, slots=True)
class View:
    """What the page lists."""

    keys: list[Key]
    locations: list[Location]
    endpoints: list[Endpoint]
    names: Mapping[str, str]
    notices: list[Notice]
    networks: tuple[str, ...]
    owns_box: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """What the answer to a form shows beside the lists, in this one answer only."""

    key: NewKey | None = None
    endpoint: Endpoint | None = None
    secret: str = ""
    wrong: Mapping[str, str] | None = None  # by field, with its form's name before a dot
    filled: Mapping[str, Any] | None = None  # what was typed, to be mended


async def integrations(call: Call) -> Response:
    """GET /settings/integrations."""
    return await show(call, Shown())


async def back(call: Call) -> Response:
    """GET where a form was posted: whoever goes there again is led to the page itself."""
    return pages.redirect(PATH)


async def show(call: Call, shown: Shown, status: int = 200) -> Response:
    """The page, with what a form just made or refused."""
    person = person_of_call(call)
    query = call.query_params.get("q", "").strip()
    view = await call.box.db.read(_view, person)
    base = call.box.public_url
    return await pages.render(
        call,
        "settings/integrations.html",
        status,
        view=view,
        keys=[
            key for key in view.keys if query.casefold() in f"{key.name} {key.prefix}".casefold()
        ],
        places={place.id: place.name for place in view.locations},
        query=query,
        shown=shown,
        wrong=shown.wrong or {},
        filled=shown.filled or {},
        opened=call.query_params.get("new", ""),
        form_id=new_form_id(),
        owns_box=view.owns_box,
        may_change=person.user.role == "owner",
        can_hook="webhooks" in plans.plan_of(call.box.settings.plans, person.tenant).features,
        curl=push_curl(base, shown.key.secret) if shown.key else push_curl(base, "$KEY"),
        base=base,
        scopes=KEY_SCOPES,
        scope_words=SCOPE_WORDS,
        events=EVENTS,
        in_demo=getattr(call.app.state, "demo", None) is not None,
        notice=pages.done(call, DONE),
    )


def came_before(call: Call) -> bool:
    """Whether this very form made its thing already: a reload of the answer sends it again."""
    return not forms(call).first(form(call).get(FIELD, ""))


async def refused(call: Call, refusal: Invalid, name: str, filled: Mapping[str, Any]) -> Response:
    """The page again with what was typed and, at its field, what is wrong with it."""
    forms(call).release(form(call).get(FIELD, ""))
    wrong = {f"{name}.{item['field']}": item["message"] for item in refusal.details}
    return await show(call, Shown(wrong=wrong, filled=filled), refusal.status)


def _view(r: Reader, person: Person) -> View:
    tenant_id = person.user.tenant_id
    keys = accounts.keys(r, tenant_id)
    return View(
        keys=sorted(keys, key=lambda key: (key.revoked_at is not None, -key.created_at)),
        locations=accounts.locations(r, tenant_id),
        endpoints=webhooks.endpoints(r, person.scope),
        names=queries.names(r, tenant_id),
        notices=notices.open_notices(r, person.scope),
        networks=networks.allowed(r, tenant_id),
        owns_box=queries.owns_box(r, person.scope),
    )
