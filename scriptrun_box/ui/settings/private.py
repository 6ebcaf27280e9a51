"""A receiver on the pharmacy's own network: the owner allows it and pins its certificate.

Three steps on the screen: the address with the owner's password; what is there, to be compared and
confirmed; the webhook. What was seen waits in memory for the confirmation: nothing that the browser
sends can change it.
"""

from collections import OrderedDict
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any

from starlette.responses import Response

from scriptrun_box.accounts import passwords, plans, signin
from scriptrun_box.accounts.gates import client, form, person_of_call
from scriptrun_box.kernel import clock, ids
from scriptrun_box.kernel.addresses import AddressRefused
from scriptrun_box.kernel.clock import MINUTE_MS
from scriptrun_box.kernel.db import Writer
from scriptrun_box.kernel.errors import Forbidden, Invalid, RateLimited, Unauthorized
from scriptrun_box.kernel.http import Call
from scriptrun_box.kernel.pinning import NothingThere, Seen
from scriptrun_box.kernel.resolver import NameNotFound
from scriptrun_box.kernel.scope import Actor, Scope
from scriptrun_box.ui import pages
from scriptrun_box.ui.docs.words import EVENTS
from scriptrun_box.webhooks import actions
from scriptrun_box.webhooks.api import deliveries_of
from scriptrun_box.webhooks.model import Endpoint, Pin, invalid

from . import queries
from .hooks import FEATURE, back_to, events_of, filled_of
from .integrations import PATH, Shown, show

START = f"{PATH}/webhooks/private"
KEPT_MS = 10 * MINUTE_MS  # between seeing and confirming
REMEMBERED = 100
NEIGHBOURS = {4: 24, 6: 64}  # bits of the network around an address


@dataclass(frozen=True, slots=True)
class Pending:
    """What an owner saw and has not confirmed yet."""

    user_id: str
    scope: Scope
    filled: dict[str, Any]
    endpoint_id: str  # empty for a new webhook
    seen: Seen
    blocked: str  # why events may not be sent there yet; empty where only the pin is missing
    at: int


async def start(call: Call) -> Response:
    """GET …/webhooks/private: address, events, password."""
    _require_box_owner(call)
    given = call.query_params
    filled = {"url": given.get("url", ""), "events": ["*"], "ordered": False}
    endpoint_id = given.get("hook", "")
    if endpoint_id:
        found = await call.box.db.read(actions.find, call.whose, endpoint_id)
        filled = _filled_from(found) | ({"url": filled["url"]} if filled["url"] else {})
    return await _start(call, filled, endpoint_id, {})


async def look(call: Call) -> Response:
    """POST …/webhooks/private: the password is right, so look what is there and show it."""
    _require_box_owner(call)
    person, filled = person_of_call(call), filled_of(call)
    plans.require_feature(call.box.settings.plans, person.tenant, FEATURE)
    endpoint_id = form(call).get("hook", "")
    if endpoint_id:
        await call.box.db.read(actions.find, call.whose, endpoint_id)
    try:
        events_of(filled)
        if not filled["url"].lower().startswith("https://"):
            raise invalid("url", "not_allowed", "The URL must start with https://.")
        await _confirm_password(call)
        seen = await _see(call, filled["url"])
    except Invalid as refusal:
        wrong = {item["field"]: item["message"] for item in refusal.details}
        return await _start(call, filled, endpoint_id, wrong)
    token, blocked = ids.token(), await _blocked(call, filled["url"])
    kept, now = _kept(call), clock.now_ms()
    kept[token] = Pending(person.user.id, call.whose, filled, endpoint_id, seen, blocked, now)
    while len(kept) > REMEMBERED:
        kept.popitem(last=False)
    return await pages.render(
        call,
        "settings/private_seen.html",
        token=token,
        seen=seen,
        url=filled["url"],
        blocked=blocked,
        choices=choices_of(seen),
        start=START,
    )


async def confirm(call: Call) -> Response:
    """POST …/webhooks/private/confirm: allow, pin, and make the webhook or change it."""
    _require_box_owner(call)
    person = person_of_call(call)
    found = _kept(call).pop(form(call).get("token", ""), None)
    if (
        found is None
        or found.at + KEPT_MS < clock.now_ms()
        or (found.user_id, found.scope) != (person.user.id, call.whose)
    ):
        return pages.redirect(START)
    wide = form(call).get("network") == "wide"
    made, secret = await call.box.db.write(_store, person.actor, found, wide)
    if secret:
        return await show(call, Shown(endpoint=made, secret=secret))
    return back_to(made.id, "done=pinned")


async def unpin(call: Call) -> Response:
    """POST …/webhooks/{id}/unpin."""
    endpoint_id = str(call.path_params["id"])
    await call.box.db.write(actions.pin, call.whose, call.caller.actor, endpoint_id, None)
    return back_to(endpoint_id, "done=unpinned")


async def forbid(call: Call) -> Response:
    """POST /settings/integrations/networks/forbid."""
    _require_box_owner(call)
    await call.box.db.write(
        actions.forbid, call.whose, call.caller.actor, form(call).get("network", "")[:64]
    )
    return pages.redirect(f"{PATH}?done=forbidden")


async def back(call: Call) -> Response:
    """GET where a form was posted: to the beginning."""
    return pages.redirect(START)


def choices_of(seen: Seen) -> tuple[list[str], list[str]]:
    """What can be allowed: just the addresses, or the networks around them (CIDR)."""
    narrow = [str(ip_network(address)) for address in seen.addresses]
    wide = [
        str(ip_network((str(address), NEIGHBOURS[address.version]), strict=False))
        for address in seen.addresses
    ]
    return narrow, list(dict.fromkeys(wide))


def _store(w: Writer, actor: Actor, found: Pending, wide: bool) -> tuple[Endpoint, str]:
    """The webhook, and its secret where it is a new one."""
    scope, filled, seen = found.scope, found.filled, found.seen
    for network in choices_of(seen)[wide] if found.blocked else ():
        actions.allow(w, scope, actor, network)
    pinned = None
    if seen.trust != "public":
        pinned = Pin(seen.pem, check_name=seen.trust == "pinned")
    url, events, ordered = filled["url"], events_of(filled), filled["ordered"]
    if not found.endpoint_id:
        return actions.create(
            w, scope, actor, url=url, events=events, ordered=ordered, pinned=pinned
        )
    actions.update(w, scope, actor, found.endpoint_id, url=url, events=events, ordered=ordered)
    return actions.pin(w, scope, actor, found.endpoint_id, pinned), ""


async def _see(call: Call, url: str) -> Seen:
    """What the receiver shows; raises Invalid at the URL, in words."""
    try:
        seen = await deliveries_of(call).look(url)
    except AddressRefused as refused:
        raise invalid("url", "not_allowed", refused.sentence) from None
    except NameNotFound:
        raise invalid("url", "not_allowed", "The URL's host name does not resolve.") from None
    except NothingThere:
        words = "Nothing answers there over TLS. Is the receiver running, is the port right?"
        raise invalid("url", "not_allowed", words) from None
    if seen.trust == "unusable":
        words = "Its certificate is expired or malformed: give the receiver a new one first."
        raise invalid("url", "not_allowed", words)
    return seen


async def _confirm_password(call: Call) -> None:
    given = form(call).get("password", "")[: passwords.MAX_CHARS + 1]
    try:
        await signin.confirm(
            call.box.db, call.app.state.sign_ins, person_of_call(call), given, client(call)
        )
    except (Unauthorized, RateLimited) as refusal:
        raise invalid("password", "not_allowed", refusal.sentence) from None


async def _blocked(call: Call, url: str) -> str:
    """Why events may not be sent there as things stand; empty where they may."""
    try:
        await deliveries_of(call).check(url, call.whose.tenant_id)
    except Invalid as refusal:
        return str(refusal.details[0]["message"])
    return ""


async def _start(
    call: Call, filled: dict[str, Any], endpoint_id: str, wrong: dict[str, str]
) -> Response:
    return await pages.render(
        call,
        "settings/private.html",
        400 if wrong else 200,
        filled=filled,
        endpoint_id=endpoint_id,
        wrong=wrong,
        events=EVENTS,
        start=START,
    )


def _filled_from(found: Endpoint) -> dict[str, Any]:
    return {"url": found.url, "events": list(found.events), "ordered": found.ordered}


def _kept(call: Call) -> OrderedDict[str, Pending]:
    kept: OrderedDict[str, Pending] = call.app.state.pending_pins
    return kept


def _require_box_owner(call: Call) -> None:
    """The local network is that of the pharmacy the box was set up for."""
    if not call.box.db.peek(queries.owns_box, call.whose):
        raise Forbidden("Ask the owner of this box to allow a network for you.")
