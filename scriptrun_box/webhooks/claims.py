"""What the box does with deliveries, as plain actions: fan out, claim, finish, give back, mend.

No transaction spans a network call: `claim` leases rows and notes the attempts, `finish` settles
them by their lease. In between lies an attempt that any crash may cut short.
"""

import random
from typing import Any

from scriptrun_box.kernel import audit, ids, notices, outbox, restoring, strict_json
from scriptrun_box.kernel.clock import HOUR_MS, MINUTE_MS, SECOND_MS
from scriptrun_box.kernel.db import Reader, Signal, Writer
from scriptrun_box.kernel.errors import Invalid
from scriptrun_box.kernel.outgoing import Result
from scriptrun_box.kernel.scope import BOX

from . import journal, networks, store, troubles
from .actions import TOPIC
from .model import Endpoint, Parcel
from .schedule import Schedule

CONSUMER = "webhooks"
FAN_OUT_EVENTS = 500  # in one transaction
LEASE_SLACK_MS = 30 * SECOND_MS  # beyond the longest attempt, for writing its result down
PROBE_AFTER_FAILURES = 5  # and at least so long, one attempt at a time, until one succeeds
PROBE_AFTER_MS = 2 * MINUTE_MS
PAUSE_AFTER_FAILURES = 20  # and at least so long without success, the endpoint is paused
PAUSE_AFTER_MS = 72 * HOUR_MS
RELEASE_ROWS = 200  # of a backlog at a time: 100,000 rows in one transaction would hold up orders
OWN_FAULTS_MAX = 3  # a delivery that we fail to send so often is set aside
GONE = 410
ATTEMPTED = "webhook_attempted"  # signalled when an attempt is over: for screens


def fan_out(w: Writer, give_up_ms: int, hold: bool = False) -> tuple[bool, int]:
    """Read on from the cursor and make a delivery for every endpoint that hears an event.

    (whether there are endpoints at all, how many events were read: FAN_OUT_EVENTS where there may
    be more); `hold` sends none of them.
    """
    cursor = outbox.cursor(w, CONSUMER)
    listening: dict[tuple[str, bool], list[Endpoint]] = {}
    for each in store.every_endpoint(w):
        listening.setdefault((each.tenant_id, each.test), []).append(each)
    if not listening:
        last = outbox.last_seq(w)
        if last > cursor:
            outbox.move_cursor(w, CONSUMER, last)
        return False, 0
    heads = outbox.heads(w, cursor, FAN_OUT_EVENTS)
    if not heads:
        return True, 0
    rows: list[tuple[Any, ...]] = []
    for head in heads:
        for each in listening.get((head.tenant_id, head.test), ()):
            # What was before the endpoint comes only by replay; seq, as clocks can be set back.
            if head.seq > each.since_seq and each.hears(head.event):
                state = "pending" if each.state == "active" and not hold else "held"
                due = min(head.created_at, w.now)
                deadline = (w.now if hold else head.created_at) + give_up_ms
                delivery_id = ids.prefixed("dlv")
                rows.append((delivery_id, head.seq, each.id, state, "auto", due, deadline, w.now))
    store.insert_deliveries(w, rows)
    outbox.move_cursor(w, CONSUMER, heads[-1].seq)
    return True, len(heads)


def claim(w: Writer, endpoint_id: str, in_flight: int, limit: int, attempt_ms: int) -> list[Parcel]:
    """Lease what is due of an endpoint, as much as it may have in flight; note the attempts."""
    target = store.endpoint(w, endpoint_id)
    if target is None:
        return []
    target = _with_ended_rotation(w, target)
    most = 1 if is_probing(target, w.now) else target.max_in_flight
    free = min(limit, most - in_flight)
    if free <= 0:
        return []
    if target.releasing and not store.release_some(w, endpoint_id, RELEASE_ROWS):
        store.end_release(w, endpoint_id)
    gated = target.state != "active" or (target.retry_after_until or 0) > w.now
    until = w.now + attempt_ms + LEASE_SLACK_MS
    rows = store.lease_due(w, endpoint_id, ids.prefixed("lease"), until, free, gated)
    allowed = networks.allowed(w, target.tenant_id) if rows else ()
    parcels = []
    for row in rows:
        parcel = _parcel(w, target, row, allowed)
        journal.begin(w, target, parcel)
        if parcel.body:
            parcels.append(parcel)
        else:  # one row that cannot be sent must not stop the ones behind it
            journal.end(w, parcel, Result("internal_error"), None)
            store.settle(w, parcel, "exhausted", row["next_at"], w.now)
            troubles.set_aside(w, target, row["id"])
    return parcels


def is_probing(target: Endpoint, now: int) -> bool:
    """Whether the receiver has failed for so long that it gets one attempt at a time."""
    return (
        target.failures >= PROBE_AFTER_FAILURES
        and target.failing_since is not None
        and now - target.failing_since >= PROBE_AFTER_MS
    )


def _parcel(w: Writer, target: Endpoint, row: Any, allowed: tuple[str, ...]) -> Parcel:
    event_id, event, body = _content(w, row)
    return Parcel(
        delivery_id=row["id"],
        log_id=ids.prefixed("att"),
        lease=row["lease"],
        endpoint_id=target.id,
        url=target.url,
        secret=target.secret,
        next_secret=target.next_secret,
        ca_pem=target.ca_pem,
        check_name=target.check_name,
        networks=allowed,
        event_id=event_id,
        event=event,
        body=body,
        attempt=row["attempts"],
        trigger=row["trigger"],
    )


def _content(w: Writer, row: Any) -> tuple[str, str, bytes]:
    """Event id, event name and the exact bytes; empty bytes where they are gone."""
    if row["ping"] is not None:
        try:
            ping = strict_json.load_object(row["ping"])
            return str(ping["id"]), str(ping["event"]), row["ping"]
        except (Invalid, KeyError):
            return "", "", b""
    event = outbox.get(w, row["event_seq"])
    return (event.id, event.event, event.body or b"") if event else ("", "", b"")


def _with_ended_rotation(w: Writer, target: Endpoint) -> Endpoint:
    if target.next_secret is None or (target.rotation_ends_at or 0) > w.now:
        return target
    store.set_secrets(w, target.id, target.next_secret, None, None)
    return store.endpoint(w, target.id) or target


def finish(w: Writer, parcel: Parcel, result: Result, schedule: Schedule) -> int | None:
    """Write down how an attempt went and what comes next; when that is, None for never."""
    target = store.endpoint(w, parcel.endpoint_id)
    row = store.delivery(w, parcel.delivery_id)
    next_at = None
    if target is not None and row is not None and row["lease"] == parcel.lease:
        if result.outcome == "ok":
            _succeed(w, target, parcel, row)
        else:
            target = _note_failure(w, target, parcel, result)
            next_at = _fail(w, target, parcel, result, row, schedule)
    journal.end(w, parcel, result, next_at)
    if target is not None:
        w.after_commit(Signal(ATTEMPTED, target.tenant_id, target.test, (target.id,)))
    return next_at


def _succeed(w: Writer, target: Endpoint, parcel: Parcel, row: Any) -> None:
    store.settle(w, parcel, "delivered", row["next_at"], w.now)
    store.note_ok(w, target.id)
    if is_probing(target, w.now):
        store.begin_release(w, target.id)
    elif target.ordered and target.failures:
        store.gate(w, target.id, None)
    if target.failures:
        notices.end(w, target.scope, target.id, troubles.FAILING, troubles.GONE)


def _note_failure(w: Writer, target: Endpoint, parcel: Parcel, result: Result) -> Endpoint:
    """Count it against the receiver, unless it was a test or our own fault; the endpoint after."""
    counts = parcel.trigger != "test" and result.outcome != "internal_error"
    until = None if result.retry_after is None else w.now + result.retry_after * SECOND_MS
    store.note_failure(w, target.id, counts, until)
    if counts and result.status == GONE:
        troubles.note_gone(w, target)
    after = store.endpoint(w, target.id) or target
    since = after.failing_since
    if (
        after.state == "active"
        and after.failures >= PAUSE_AFTER_FAILURES
        and since is not None
        and w.now - since >= PAUSE_AFTER_MS
    ):
        store.set_state(w, after.id, "paused_failing", w.now)
        store.hold(w, after.id)
        troubles.note_failing(w, after, paused=True)
        audit.record(w, after.tenant_id, BOX, "webhook.paused_failing", after.id)
        w.after_commit(Signal(TOPIC, after.tenant_id, after.test, (after.id,)))
        after = store.endpoint(w, after.id) or after
    return after


def _fail(
    w: Writer, target: Endpoint, parcel: Parcel, result: Result, row: Any, schedule: Schedule
) -> int | None:
    """Settle a failed row; when its next try is due."""
    waiting = "pending" if target.state == "active" else "held"
    if parcel.trigger == "test":
        store.settle(w, parcel, "exhausted", row["next_at"], w.now)
        return None
    if parcel.trigger == "manual":
        back = row["back_state"]
        undecided = back == "held" and restoring.restored_at(w) is not None
        state = waiting if back in ("pending", "held") and not undecided else back
        store.settle(w, parcel, state, row["back_at"], row["finished_at"])
        return int(row["back_at"]) if state == "pending" else None
    if result.outcome == "internal_error" and (
        journal.own_faults(w, parcel.delivery_id) + 1 >= OWN_FAULTS_MAX
    ):
        store.settle(w, parcel, "exhausted", row["next_at"], w.now)
        troubles.set_aside(w, target, parcel.delivery_id)
        return None
    since = row["deadline_at"] - schedule.give_up_ms
    failures = journal.failures_since(w, parcel.delivery_id, since) + 1
    next_at = schedule.next_at(w.now, failures, row["deadline_at"], target.retry_after_until)
    if next_at is None:
        store.settle(w, parcel, "exhausted", row["next_at"], w.now)
    elif target.ordered:  # it stays the first in its row, and the whole row waits
        store.settle(w, parcel, waiting, row["next_at"], None)
        store.gate(w, target.id, next_at)
    else:
        store.settle(w, parcel, waiting, next_at, None)
    return next_at


def give_back(w: Writer, spread_ms: int = 0) -> int:
    """Nobody is sending any more: every lease goes back, uncharged; how many there were.

    Called when the box starts (a crash leaves leases) and when it stops (after the drain).
    """
    rows = store.leased(w)
    for row in rows:
        _give_back(w, row, w.now + random.randint(0, spread_ms))  # noqa: S311 - no secret
    journal.interrupt(w)
    return len(rows)


def _give_back(w: Writer, row: Any, next_at: int) -> None:
    sendable = row["endpoint_state"] == "active" or row["trigger"] == "test"
    if row["max_in_flight"] == 1:
        next_at = row["next_at"]  # the first in its row it stays
    store.give_back(w, row["id"], "pending" if sendable else "held", next_at)


def needs_mending(r: Reader, now: int, furthest_ms: int, sending: frozenset[str]) -> bool:
    """Whether a lease ran out that nobody holds, the clock has jumped back, or somebody has to be
    told that a receiver fails."""
    lost = any(row["lease_until"] < now and row["id"] not in sending for row in store.leased(r))
    return lost or store.too_far_ahead(r, now + furthest_ms) or troubles.unsaid(r, now)


def mend(w: Writer, furthest_ms: int, sending: frozenset[str]) -> None:
    """Give back leases that ran out, except those `sending` (a jump of the clock ends no attempt);
    make due what a wrong clock put too far ahead; say which receivers fail for long."""
    for row in store.leased(w):
        if row["lease_until"] < w.now and row["id"] not in sending:
            _give_back(w, row, w.now)
            journal.interrupt(w, row["id"])
    store.pull_back(w, w.now + furthest_ms)
    troubles.say(w)
