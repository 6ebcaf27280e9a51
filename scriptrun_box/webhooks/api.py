"""Webhooks over HTTP: endpoints, their secrets, their log, and sending again."""

import base64
import re
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from scriptrun_box.kernel import clock, notices, outbox
from scriptrun_box.kernel.addresses import MAX_URL_LENGTH
from scriptrun_box.kernel.clock import DAY_MS
from scriptrun_box.kernel.db import Reader
from scriptrun_box.kernel.errors import Forbidden
from scriptrun_box.kernel.http import Call, json_answer, read_model
from scriptrun_box.kernel.scope import Scope
from scriptrun_box.packages.api import bad, limit_of

from . import actions, journal, store
from .delivery import Deliveries
from .model import (
    EVENT_NAMES,
    OUTCOMES,
    PING,
    Endpoint,
    EventName,
    LogRow,
    invalid,
    moment,
    subscription,
)
from .why import why

REPLAY_PORTION = 500  # events queued in one transaction
ENDPOINT_ID = re.compile(r"whk_[0-9a-f]{32}")
DELIVERY_ID = re.compile(r"dlv_[0-9a-f]{32}")
ATTEMPT_ID = re.compile(r"att_[0-9a-f]{32}")
SPAN = ("since", "until")
LOG_PLACE = re.compile(r"([0-9]{1,18})\.(att_[0-9a-f]{32})")


class EndpointIn(BaseModel):
    """The body of a new webhook."""

    model_config = ConfigDict(strict=True, extra="forbid")

    url: str = Field(min_length=1, max_length=MAX_URL_LENGTH)
    events: list[EventName] = Field(min_length=1, max_length=20)
    ordered: bool = False


class EndpointChangeIn(BaseModel):
    """The body of a change: what is absent stays."""

    model_config = ConfigDict(strict=True, extra="forbid")

    url: str = Field("", min_length=1, max_length=MAX_URL_LENGTH)
    events: list[EventName] = Field([], min_length=1, max_length=20)
    ordered: bool | None = None


class RotationIn(BaseModel):
    """The body of a rotation."""

    model_config = ConfigDict(strict=True, extra="forbid")

    finish_now: bool = False


class ReplayIn(BaseModel):
    """The body of a replay: ISO 8601 times with a zone; without `until`, up to now."""

    model_config = ConfigDict(strict=True, extra="forbid")

    since: str = Field(max_length=40)
    until: str | None = Field(None, max_length=40)


async def list_endpoints(call: Call) -> Response:
    """A page of webhooks, newest first."""
    limit, cursor = limit_of(call), call.query_params.get("cursor")
    before = _decode(cursor, ENDPOINT_ID)[0] if cursor else None
    found = await call.box.db.read(store.endpoints, _whose(call), limit + 1, before)
    following = _encode(found[limit - 1].id) if len(found) > limit else None
    data = [endpoint_shape(each) for each in found[:limit]]
    return json_answer({"data": data, "next_cursor": following})


async def create_endpoint(call: Call) -> Response:
    """A new webhook; its secret is in this answer and never again."""
    scope = _whose(call)
    wish = read_model(call, EndpointIn)
    url = await deliveries_of(call).check(wish.url, scope.tenant_id)
    made, secret = await call.box.db.write(
        actions.create,
        scope,
        call.caller.actor,
        url=url,
        events=subscription(wish.events),
        ordered=wish.ordered,
    )
    return json_answer({**endpoint_shape(made), "secret": secret}, 201)


async def read_endpoint(call: Call) -> Response:
    """One webhook, with how much waits for it."""
    return json_answer(await call.box.db.read(_shape, _whose(call), endpoint_id_of(call)))


async def change_endpoint(call: Call) -> Response:
    """Another URL, other events, or both."""
    scope, endpoint_id = _whose(call), endpoint_id_of(call)
    wish = read_model(call, EndpointChangeIn)
    await call.box.db.read(actions.find, scope, endpoint_id)
    changed = await call.box.db.write(
        actions.update,
        scope,
        call.caller.actor,
        endpoint_id,
        url=await deliveries_of(call).check(wish.url, scope.tenant_id) if wish.url else None,
        events=subscription(wish.events) or None,
        ordered=wish.ordered,
    )
    return json_answer(endpoint_shape(changed))


async def delete_endpoint(call: Call) -> Response:
    """Send nothing more there."""
    await call.box.db.write(actions.delete, _whose(call), call.caller.actor, endpoint_id_of(call))
    return Response(status_code=204)


async def pause_endpoint(call: Call) -> Response:
    """Hold what waits and what comes."""
    paused = await call.box.db.write(
        actions.pause, _whose(call), call.caller.actor, endpoint_id_of(call)
    )
    return json_answer(endpoint_shape(paused))


async def resume_endpoint(call: Call) -> Response:
    """Send what was held and go on."""
    resumed = await call.box.db.write(
        actions.resume, _whose(call), call.caller.actor, endpoint_id_of(call)
    )
    return json_answer(endpoint_shape(resumed))


async def rotate_secret(call: Call) -> Response:
    """A new secret, or the end of the time in which both sign."""
    wish = read_model(call, RotationIn)
    rotated = await call.box.db.write(
        actions.rotate_secret,
        _whose(call),
        call.caller.actor,
        endpoint_id_of(call),
        finish_now=wish.finish_now,
    )
    return json_answer(
        {
            "secret": rotated.secret,
            "previous_valid_until": clock.iso(rotated.previous_valid_until),
        }
    )


async def test_endpoint(call: Call) -> Response:
    """Send one ping, once."""
    delivery_id = await call.box.db.write(
        actions.test, _whose(call), call.caller.actor, endpoint_id_of(call)
    )
    return json_answer({"delivery_id": delivery_id}, 202)


async def replay(call: Call) -> Response:
    """Send the events of a span of time again, also those never attempted."""
    scope, endpoint_id = _whose(call), endpoint_id_of(call)
    wish = read_model(call, ReplayIn)
    since = moment("since", wish.since)
    until = clock.now_ms() if wish.until is None else moment("until", wish.until)
    if until < since:
        raise invalid("until", "too_small", "until must not lie before since.")
    queued = await queue_replay(call, scope, endpoint_id, since, until)
    return json_answer({"queued": queued}, 202)


async def queue_replay(call: Call, scope: Scope, endpoint_id: str, since: int, until: int) -> int:
    """Queue what happened in that time, in portions so that orders need not wait; how much."""
    db, give_up_ms = call.box.db, deliveries_of(call).give_up_ms
    await db.write(actions.begin_replay, scope, call.caller.actor, endpoint_id)
    queued, place = 0, await db.read(outbox.pruned_through, scope)
    while heads := await db.read(outbox.window, scope, since, until, place, REPLAY_PORTION):
        queued += await db.write(actions.replay, endpoint_id, heads, give_up_ms)
        place = heads[-1].feed_seq
    return queued


async def read_attempt(call: Call) -> Response:
    """One attempt with what was sent and what came back."""
    attempt_id: str = call.path_params["id"]
    if not ATTEMPT_ID.fullmatch(attempt_id):
        raise bad("id", "An attempt id is att_ and 32 hexadecimal digits.")
    return json_answer(await call.box.db.read(_attempt, _whose(call), attempt_id))


def _attempt(r: Reader, scope: Scope, attempt_id: str) -> dict[str, Any]:
    found = actions.exchange(r, scope, attempt_id)
    row, kept = found.attempt, found.attempt.answer_size is None
    answer = (row.answer or b"").decode("utf-8", "replace") if kept else None
    return {
        **log_shape(row),
        "address": row.address,
        "retry_after": row.retry_after,
        "request": {"url": found.url, "body": found.body},
        "answer": {"head": row.answer_head, "body": answer, "size": row.answer_size},
    }


async def list_logs(call: Call) -> Response:
    """A page of a webhook's attempts, newest first."""
    limit, cursor = limit_of(call), call.query_params.get("cursor")
    before = None
    if cursor:
        place = _decode(cursor, LOG_PLACE)
        before = int(place[1]), place[2]
    found = await call.box.db.read(
        _logs, _whose(call), endpoint_id_of(call), limit + 1, before, _wanted(call)
    )
    following = None
    if len(found) > limit:
        last = found[limit - 1]
        following = _encode(f"{last.started_at}.{last.id}")
    data = [log_shape(row) for row in found[:limit]]
    return json_answer({"data": data, "next_cursor": following})


async def resend(call: Call) -> Response:
    """Send one delivery now."""
    delivery_id: str = call.path_params["id"]
    if not DELIVERY_ID.fullmatch(delivery_id):
        raise bad("id", "A delivery id is dlv_ and 32 hexadecimal digits.")
    await call.box.db.write(actions.resend, _whose(call), call.caller.actor, delivery_id)
    return json_answer({"delivery_id": delivery_id}, 202)


def endpoint_shape(shown: Endpoint) -> dict[str, Any]:
    """A webhook on the wire; never its secret."""
    return {
        "id": shown.id,
        "url": shown.url,
        "events": list(shown.events),
        "state": shown.state,
        "test": shown.test,
        "ordered": shown.ordered,
        "pinned": shown.ca_pem is not None,
        "created_at": clock.iso(shown.created_at),
        "last_attempt_at": clock.iso_or_none(shown.last_attempt_at),
        "last_ok_at": clock.iso_or_none(shown.last_ok_at),
        "failing_since": clock.iso_or_none(shown.failing_since),
        "rotation_ends_at": clock.iso_or_none(shown.rotation_ends_at),
    }


def log_shape(row: LogRow) -> dict[str, Any]:
    """An attempt on the wire."""
    return {
        "id": row.id,
        "delivery_id": row.delivery_id,
        "event_id": row.event_id,
        "event": row.event,
        "attempt": row.attempt,
        "trigger": row.trigger,
        "outcome": row.outcome,
        "status": row.status,
        "error_class": row.error_class,
        "started_at": clock.iso(row.started_at),
        "duration_ms": row.duration_ms,
        "next_at": clock.iso_or_none(row.next_at),
    }


def deliveries_of(call: Call) -> Deliveries:
    """The delivery loop of the running box."""
    deliveries: Deliveries = call.app.state.deliveries
    return deliveries


def endpoint_id_of(call: Call) -> str:
    """The id in the path: 400 when it cannot be one."""
    endpoint_id: str = call.path_params["id"]
    if not ENDPOINT_ID.fullmatch(endpoint_id):
        raise bad("id", "A webhook id is whk_ and 32 hexadecimal digits.")
    return endpoint_id


def _whose(call: Call) -> Scope:
    """Webhooks hear of every location, so a key bound to one may not touch them."""
    if call.whose.location_id is not None:
        raise Forbidden(
            "This key is bound to one location; webhooks hear of all of them.",
            code="scope_missing",
        )
    return call.whose


def _shape(r: Reader, scope: Scope, endpoint_id: str) -> dict[str, Any]:
    found = actions.find(r, scope, endpoint_id)
    now = clock.now_ms()
    waiting, next_at = store.counts(r, endpoint_id), store.next_attempt(r, endpoint_id)
    latest = journal.latest(r, endpoint_id)
    return {
        **endpoint_shape(found),
        "waiting": waiting,
        "next_attempt_at": clock.iso_or_none(next_at),
        "why": why(found, waiting, next_at, latest, now, lambda at: f"at {clock.iso(at)}"),
        "last_24h": journal.health(r, endpoint_id, now - DAY_MS),
        "notices": [each.words for each in notices.open_notices(r, scope, endpoint_id)],
    }


def _wanted(call: Call) -> journal.Wanted:
    """What the query narrows the log to; raises Invalid for what cannot be meant."""
    given = call.query_params
    event, outcome = given.get("event", ""), given.get("outcome", "")
    if event and event not in (*EVENT_NAMES, PING):
        raise bad("event", "event is the name of an event.")
    if outcome and outcome not in OUTCOMES:
        raise bad("outcome", f"outcome is one of {', '.join(OUTCOMES)}.")
    since, until = (moment(name, given[name]) if name in given else None for name in SPAN)
    return journal.Wanted(event, outcome, since, until)


def _logs(
    r: Reader,
    scope: Scope,
    endpoint_id: str,
    limit: int,
    before: tuple[int, str] | None,
    wanted: journal.Wanted,
) -> list[LogRow]:
    actions.find(r, scope, endpoint_id)
    return journal.logs(r, endpoint_id, limit, before, wanted)


def _encode(place: str) -> str:
    return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")


def _decode(cursor: str, form: re.Pattern[str]) -> re.Match[str]:
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        place = form.fullmatch(raw.decode("ascii"))
    except ValueError:  # binascii's and the decoder's are of this kind too
        place = None
    if place is None:
        raise bad("cursor", "This cursor is not one of ours; start from the first page.")
    return place
