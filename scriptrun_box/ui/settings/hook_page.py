"""A webhook's own page: how it is, why something is not there, its attempts, one attempt."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from starlette.responses import Response

from scriptrun_box.accounts.gates import person_of_call
from scriptrun_box.kernel import clock, notices
from scriptrun_box.kernel.db import Reader
from scriptrun_box.kernel.http import Call
from scriptrun_box.kernel.notices import Notice
from scriptrun_box.kernel.scope import Scope
from scriptrun_box.ui import pages, words
from scriptrun_box.ui.docs.words import EVENTS
from scriptrun_box.ui.queries import zone_of
from scriptrun_box.webhooks import actions, journal, store
from scriptrun_box.webhooks.journal import Wanted
from scriptrun_box.webhooks.model import OUTCOMES, PING, Endpoint, LogRow
from scriptrun_box.webhooks.why import reason, why

from . import charts, queries
from .once import new_form_id
from .tables import csv_answer

SHOWN_ATTEMPTS = 50
EXPORTED_ATTEMPTS = 100_000
LOCAL = "%Y-%m-%dT%H:%M"  # what a browser's field of a moment says
COLUMNS = (
    "started_at", "event", "event_id", "delivery_id", "attempt", "trigger", "outcome", "status",
    "error_class", "duration_ms", "next_at",
)  # fmt: skip
DONE = {
    "changed": "Saved.",
    "paused": "Paused. What happens meanwhile is held and sent on resuming.",
    "resumed": "Resumed. What was held is on its way.",
    "resent": "On its way again; its attempt appears below.",
    "rotated": "From now on only the new secret signs.",
    "rotated-once": "This form was sent before: its secret was made then, and is shown only once.",
    "pinned": "Pinned. Send a test event to see that it works.",
    "unpinned": "The pin is taken away: only certificates everybody trusts are accepted.",
}


@dataclass(frozen=True, slots=True)
class View:
    """What the page asks the file for."""

    hook: Endpoint
    rows: list[queries.Attempt]
    waiting: Mapping[str, int]
    next_at: int | None
    latest: LogRow | None
    tested: LogRow | None
    notices: list[Notice]
    hours: list[queries.Hour]
    zone: ZoneInfo


async def hook(call: Call) -> Response:
    """GET /settings/integrations/webhooks/{id}."""
    return await show(call)


async def live_hook(call: Call) -> Response:
    """GET /live/webhooks/{id}: the parts of the page that change while one looks."""
    view = await call.box.db.read(_view, call, SHOWN_ATTEMPTS)
    return await pages.render(call, "settings/webhook_live.html", **_values(call, view))


async def export_log(call: Call) -> Response:
    """GET …/log.csv: the attempts as the filter shows them, all that are kept."""
    view = await call.box.db.read(_view, call, EXPORTED_ATTEMPTS)
    table = [
        [clock.iso(row.started_at), row.event, row.event_id, row.delivery_id, row.attempt,
         row.trigger, row.outcome, row.status, row.error_class, row.duration_ms,
         clock.iso_or_none(row.next_at)]
        for row in view.rows
    ]  # fmt: skip
    return csv_answer("webhook-log.csv", COLUMNS, table)


async def attempt(call: Call) -> Response:
    """GET /settings/integrations/attempts/{id}: what was sent and what came back."""
    found = await call.box.db.read(actions.exchange, call.whose, call.path_params["id"])
    row = found.attempt
    return await pages.render(
        call,
        "settings/attempt.html",
        hook=found.endpoint,
        row=row,
        url=found.url,
        body=found.body,
        answer=(row.answer or b"").decode("utf-8", "replace"),
        reason=None if row.outcome in ("ok", "in_flight") else reason(row, found.endpoint),
        may_change=person_of_call(call).user.role == "owner",
    )


async def show(
    call: Call,
    *,
    status: int = 200,
    wrong: Mapping[str, str] | None = None,
    filled: Mapping[str, Any] | None = None,
    secret: str | None = None,
) -> Response:
    """The page, with what a form just refused, or a secret that is shown in this answer alone."""
    view = await call.box.db.read(_view, call, SHOWN_ATTEMPTS)
    now, found = clock.now_ms(), view.hook
    return await pages.render(
        call,
        "settings/webhook.html",
        status,
        **_values(call, view),
        outcome_bars=charts.outcome_bars(view.hours),
        latency_bars=charts.latency_bars(view.hours),
        highest_ms=max((hour.median_ms or 0 for hour in view.hours), default=0),
        at=words.clock_text,
        now=now,
        wrong=wrong or {},
        filled={**_unchanged(found, view.zone), **(filled or {})},
        secret=secret,
        form_id=new_form_id(),
        events=EVENTS,
        ping=PING,
        notice=_notice(call),
    )


def _unchanged(found: Endpoint, zone: ZoneInfo) -> dict[str, Any]:
    """What the forms say before anybody typed."""
    today = datetime.fromtimestamp(clock.now_ms() / 1000, zone).strftime("%Y-%m-%dT00:00")
    return {
        "url": found.url,
        "events": found.events,
        "ordered": found.ordered,
        "since": today,
        "until": "",
    }


def moment_of(text: str, zone: ZoneInfo) -> int | None:
    """A moment as a browser's field says it, in the place's time; None where it says none."""
    try:
        return int(datetime.strptime(text[:16], LOCAL).replace(tzinfo=zone).timestamp() * 1000)
    except (ValueError, OverflowError):
        return None


def _values(call: Call, view: View) -> dict[str, Any]:
    now = clock.now_ms()

    def say(at: int) -> str:
        return f"at {words.clock_text(at, now, view.zone, seconds=True)}"

    found = view.hook
    given = call.query_params
    return {
        "hook": found,
        "rows": view.rows,
        "waiting": view.waiting,
        "next_at": view.next_at,
        "why": why(found, view.waiting, view.next_at, view.latest, now, say),
        "tested": view.tested,
        "tested_reason": reason(view.tested, found) if view.tested else "",
        "notices": view.notices,
        "success_rate": charts.success_rate(view.hours),
        "median_ms": charts.median_of(view.hours),
        "outcomes": OUTCOMES,
        "narrowed": {name: given.get(name, "") for name in ("outcome", "event", "since", "until")},
        "query": f"?{call.url.query}" if call.url.query else "",
        "shown_attempts": SHOWN_ATTEMPTS,
        "may_change": person_of_call(call).user.role == "owner",
    }


def _view(r: Reader, call: Call, limit: int) -> View:
    scope, endpoint_id = call.whose, call.path_params["id"]
    found = actions.find(r, scope, endpoint_id)
    zone = zone_of(r, scope)
    return View(
        hook=found,
        rows=queries.attempts(r, endpoint_id, _wanted(call, zone), limit),
        waiting=store.counts(r, endpoint_id),
        next_at=store.next_attempt(r, endpoint_id),
        latest=journal.latest(r, endpoint_id),
        tested=_tested(r, scope, call),
        notices=notices.open_notices(r, scope, endpoint_id),
        hours=queries.hours(r, endpoint_id, clock.now_ms()),
        zone=zone,
    )


def _tested(r: Reader, scope: Scope, call: Call) -> LogRow | None:
    """The attempt of the test event somebody just sent."""
    row = journal.of_delivery(r, call.query_params.get("tested", ""))
    return row if row is not None and row.endpoint_id == call.path_params["id"] else None


def _wanted(call: Call, zone: ZoneInfo) -> Wanted:
    """What the form above the attempts narrows them to; what makes no sense narrows nothing."""
    given = call.query_params
    outcome = given.get("outcome", "")
    return Wanted(
        event=given.get("event", ""),
        outcome=outcome if outcome in OUTCOMES else "",
        since=moment_of(given.get("since", ""), zone),
        until=moment_of(given.get("until", ""), zone),
    )


def _notice(call: Call) -> str:
    queued = call.query_params.get("replayed", "")
    if queued.isascii() and queued.isdigit():
        return f"{words.many(int(queued[:9]), 'event', 'events')} on the way again."
    return pages.done(call, DONE)
