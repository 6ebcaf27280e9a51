"""Webhooks on the screen: make, change, pause, resume, test, delete, and each one's own page."""

from typing import Any

from starlette.responses import Response

from scriptrun_box.accounts import plans
from scriptrun_box.accounts.gates import form, form_lists, person_of_call
from scriptrun_box.kernel import clock
from scriptrun_box.kernel.db import Reader
from scriptrun_box.kernel.errors import Invalid
from scriptrun_box.kernel.http import Call
from scriptrun_box.kernel.scope import Scope
from scriptrun_box.ui import pages, words
from scriptrun_box.ui.docs.words import EVENTS
from scriptrun_box.webhooks import actions
from scriptrun_box.webhooks.api import deliveries_of
from scriptrun_box.webhooks.model import EVERY_EVENT, Endpoint, invalid, subscription

from . import charts, queries
from .integrations import PATH, Shown, came_before, refused, show
from .tables import csv_answer

FEATURE = "webhooks"
SHOWN_ATTEMPTS = 50
EXPORTED_ATTEMPTS = 100_000
OUTCOMES = ("ok", "failed", "blocked", "interrupted", "internal_error", "in_flight")
COLUMNS = (
    "started_at", "event", "event_id", "delivery_id", "attempt", "trigger", "outcome", "status",
    "error_class", "duration_ms", "next_at",
)  # fmt: skip
DONE = {
    "changed": "Saved.",
    "paused": "Paused. What happens meanwhile is held and sent on resuming.",
    "resumed": "Resumed. What was held is on its way.",
    "tested": "A test event is on its way; its attempt appears below.",
}


async def create_hook(call: Call) -> Response:
    """POST /settings/integrations/webhooks: the secret is in this answer and nowhere else."""
    if came_before(call):
        return pages.redirect(f"{PATH}?done=hook-once")
    person = person_of_call(call)
    plans.require_feature(call.box.settings.plans, person.tenant, FEATURE)
    filled = _filled(call)
    try:
        url, events = await _checked(call, filled)
    except Invalid as refusal:
        return await refused(call, refusal, "hook", filled)
    made, secret = await call.box.db.write(
        actions.create, person.scope, person.actor, url=url, events=events
    )
    return await show(call, Shown(endpoint=made, secret=secret))


async def hook(call: Call) -> Response:
    """GET /settings/integrations/webhooks/{id}."""
    return await _page(call, {}, {})


async def change_hook(call: Call) -> Response:
    """POST /settings/integrations/webhooks/{id}: another URL, other events."""
    person = person_of_call(call)
    filled = _filled(call)
    try:
        url, events = await _checked(call, filled)
    except Invalid as refusal:
        wrong = {item["field"]: item["message"] for item in refusal.details}
        return await _page(call, wrong, filled, refusal.status)
    await call.box.db.write(
        actions.update, person.scope, person.actor, _id(call), url=url, events=events
    )
    return _back(call, "changed")


async def pause_hook(call: Call) -> Response:
    """POST …/pause."""
    person = person_of_call(call)
    await call.box.db.write(actions.pause, person.scope, person.actor, _id(call))
    return _back(call, "paused")


async def resume_hook(call: Call) -> Response:
    """POST …/resume."""
    person = person_of_call(call)
    await call.box.db.write(actions.resume, person.scope, person.actor, _id(call))
    return _back(call, "resumed")


async def test_hook(call: Call) -> Response:
    """POST …/test: one ping, also to a paused webhook."""
    person = person_of_call(call)
    await call.box.db.write(actions.test, person.scope, person.actor, _id(call))
    return _back(call, "tested")


async def delete_hook(call: Call) -> Response:
    """POST …/delete: the log stays."""
    person = person_of_call(call)
    await call.box.db.write(actions.delete, person.scope, person.actor, _id(call))
    return pages.redirect(f"{PATH}?done=deleted")


async def export_log(call: Call) -> Response:
    """GET …/log.csv: the attempts as the filter shows them, all that are kept."""
    _, rows, _, _ = await call.box.db.read(
        _read, person_of_call(call).scope, _id(call), _outcome(call), EXPORTED_ATTEMPTS
    )
    table = [
        [clock.iso(row.started_at), row.event, row.event_id, row.delivery_id, row.attempt,
         row.trigger, row.outcome, row.status, row.error_class, row.duration_ms,
         clock.iso_or_none(row.next_at)]
        for row in rows
    ]  # fmt: skip
    return csv_answer("webhook-log.csv", COLUMNS, table)


async def _page(
    call: Call, wrong: dict[str, str], filled: dict[str, Any], status: int = 200
) -> Response:
    person = person_of_call(call)
    outcome = _outcome(call)
    found, rows, hours, waiting = await call.box.db.read(
        _read, person.scope, _id(call), outcome, SHOWN_ATTEMPTS
    )
    return await pages.render(
        call,
        "settings/webhook.html",
        status,
        hook=found,
        rows=rows,
        waiting=waiting,
        outcome=outcome,
        outcomes=OUTCOMES,
        shown_attempts=SHOWN_ATTEMPTS,
        outcome_bars=charts.outcome_bars(hours),
        latency_bars=charts.latency_bars(hours),
        success_rate=charts.success_rate(hours),
        median_ms=charts.median_of(hours),
        at=words.clock_text,
        now=clock.now_ms(),
        wrong=wrong,
        filled=filled or {"url": found.url, "events": found.events},
        events=EVENTS,
        may_change=person.user.role == "owner",
        notice=pages.done(call, DONE),
    )


def _read(
    r: Reader, scope: Scope, endpoint_id: str, outcome: str, limit: int
) -> tuple[Endpoint, list[queries.Attempt], list[queries.Hour], queries.Waiting]:
    found = actions.find(r, scope, endpoint_id)
    rows = queries.attempts(r, endpoint_id, outcome, limit)
    hours = queries.hours(r, endpoint_id, clock.now_ms())
    return found, rows, hours, queries.waiting(r, endpoint_id)


async def _checked(call: Call, filled: dict[str, Any]) -> tuple[str, tuple[str, ...]]:
    """URL and events as they may be stored; raises Invalid."""
    events = subscription(filled["events"])
    if not events:
        raise invalid("events", "missing", "Choose at least one event.")
    return await deliveries_of(call).check(filled["url"], call.whose.tenant_id), events


def _filled(call: Call) -> dict[str, Any]:
    chosen = form_lists(call).get("events", [])
    return {
        "url": form(call).get("url", "").strip(),
        "events": [EVERY_EVENT] if EVERY_EVENT in chosen else chosen,
    }


def _outcome(call: Call) -> str:
    asked = call.query_params.get("outcome", "")
    return asked if asked in OUTCOMES else ""


def _id(call: Call) -> str:
    endpoint_id: str = call.path_params["id"]
    return endpoint_id


def _back(call: Call, done: str) -> Response:
    return pages.redirect(f"{PATH}/webhooks/{_id(call)}?done={done}")
