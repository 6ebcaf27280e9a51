"""What an owner does with webhooks on the screen: make, change, pause, test, send again, rotate."""

import asyncio
from typing import Any

from starlette.responses import Response

from scriptrun_box.accounts import plans
from scriptrun_box.accounts.gates import form, form_lists, person_of_call
from scriptrun_box.kernel import clock
from scriptrun_box.kernel.errors import Invalid
from scriptrun_box.kernel.http import Call
from scriptrun_box.ui import pages
from scriptrun_box.ui.queries import zone_of
from scriptrun_box.webhooks import actions, journal
from scriptrun_box.webhooks.api import deliveries_of, queue_replay
from scriptrun_box.webhooks.model import EVERY_EVENT, invalid, subscription

from . import hook_page
from .integrations import PATH, Shown, came_before, refused, show
from .once import FIELD, forms

FEATURE = "webhooks"
TEST_SECONDS = 4.0  # so long the answer to a test event waits for its outcome
POLL_SECONDS = 0.05


async def create_hook(call: Call) -> Response:
    """POST /settings/integrations/webhooks: the secret is in this answer and nowhere else."""
    if came_before(call):
        return pages.redirect(f"{PATH}?done=hook-once")
    person = person_of_call(call)
    plans.require_feature(call.box.settings.plans, person.tenant, FEATURE)
    filled = filled_of(call)
    try:
        events = events_of(filled)
        url = await deliveries_of(call).check(filled["url"], call.whose.tenant_id)
    except Invalid as refusal:
        return await refused(call, refusal, "hook", filled)
    made, secret = await call.box.db.write(
        actions.create,
        person.scope,
        person.actor,
        url=url,
        events=events,
        ordered=filled["ordered"],
    )
    return await show(call, Shown(endpoint=made, secret=secret))


async def change_hook(call: Call) -> Response:
    """POST /settings/integrations/webhooks/{id}: another URL, other events, in order or not."""
    person, filled = person_of_call(call), filled_of(call)
    try:
        events = events_of(filled)
        url = await deliveries_of(call).check(filled["url"], call.whose.tenant_id)
    except Invalid as refusal:
        wrong = {item["field"]: item["message"] for item in refusal.details}
        return await hook_page.show(call, status=refusal.status, wrong=wrong, filled=filled)
    await call.box.db.write(
        actions.update,
        person.scope,
        person.actor,
        _id(call),
        url=url,
        events=events,
        ordered=filled["ordered"],
    )
    return back_to(_id(call), "done=changed")


async def pause_hook(call: Call) -> Response:
    """POST …/pause."""
    await call.box.db.write(actions.pause, call.whose, call.caller.actor, _id(call))
    return back_to(_id(call), "done=paused")


async def resume_hook(call: Call) -> Response:
    """POST …/resume."""
    await call.box.db.write(actions.resume, call.whose, call.caller.actor, _id(call))
    return back_to(_id(call), "done=resumed")


async def test_hook(call: Call) -> Response:
    """POST …/test: one ping, also to a paused webhook; the page then says how it went."""
    db = call.box.db
    delivery_id = await db.write(actions.test, call.whose, call.caller.actor, _id(call))
    until = clock.monotonic() + TEST_SECONDS
    while clock.monotonic() < until:
        row = await db.read(journal.of_delivery, delivery_id)
        if row is not None and row.outcome != "in_flight":
            break
        await asyncio.sleep(POLL_SECONDS)
    return back_to(_id(call), f"tested={delivery_id}")


async def delete_hook(call: Call) -> Response:
    """POST …/delete: the log stays."""
    await call.box.db.write(actions.delete, call.whose, call.caller.actor, _id(call))
    return pages.redirect(f"{PATH}?done=deleted")


async def resend(call: Call) -> Response:
    """POST /settings/integrations/deliveries/{id}/resend."""
    endpoint_id = await call.box.db.write(actions.resend, call.whose, call.caller.actor, _id(call))
    return back_to(endpoint_id, "done=resent")


async def replay(call: Call) -> Response:
    """POST …/replay: the events of a span of time again, also those never attempted."""
    zone = await call.box.db.read(zone_of, call.whose)
    typed = {name: form(call).get(name, "") for name in ("since", "until")}
    since = hook_page.moment_of(typed["since"], zone)
    until = hook_page.moment_of(typed["until"], zone) or clock.now_ms()
    if since is None or until < since:
        wrong = {"since": "Say from when on; the end must not lie before it."}
        return await hook_page.show(call, status=400, wrong=wrong, filled=typed)
    queued = await queue_replay(call, call.whose, _id(call), since, until)
    return back_to(_id(call), f"replayed={queued}")


async def rotate(call: Call) -> Response:
    """POST …/rotate: the new secret is in this answer and nowhere else; both sign for a day."""
    if not forms(call).first(form(call).get(FIELD, "")):
        return back_to(_id(call), "done=rotated-once")
    rotated = await call.box.db.write(
        actions.rotate_secret, call.whose, call.caller.actor, _id(call)
    )
    return await hook_page.show(call, secret=rotated.secret)


async def finish_rotation(call: Call) -> Response:
    """POST …/finish-rotation: the old secret signs no more."""
    found = await call.box.db.read(actions.find, call.whose, _id(call))
    if found.next_secret is not None:
        await call.box.db.write(
            actions.rotate_secret, call.whose, call.caller.actor, _id(call), finish_now=True
        )
    return back_to(_id(call), "done=rotated")


def filled_of(call: Call) -> dict[str, Any]:
    """What was typed and chosen in the form of a webhook."""
    chosen = form_lists(call).get("events", [])
    return {
        "url": form(call).get("url", "").strip(),
        "events": [EVERY_EVENT] if EVERY_EVENT in chosen else chosen,
        "ordered": form(call).get("ordered") == "1",
    }


def events_of(filled: dict[str, Any]) -> tuple[str, ...]:
    """The events as they may be stored; raises Invalid."""
    events = subscription(filled["events"])
    if not events:
        raise invalid("events", "missing", "Choose at least one event.")
    return events


def back_to(endpoint_id: str, query: str) -> Response:
    """To a webhook's page, which says what was done."""
    return pages.redirect(f"{PATH}/webhooks/{endpoint_id}?{query}")


def _id(call: Call) -> str:
    return str(call.path_params["id"])
