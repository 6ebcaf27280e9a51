"""The SQL of webhooks: endpoints and deliveries."""

import json
from dataclasses import asdict
from typing import Any

from scriptrun_box.kernel.db import Reader, Writer
from scriptrun_box.kernel.scope import Scope

from .model import Due, Endpoint, Parcel, endpoint_from

# Triggers 'manual' and 'test' are somebody's wish: they wait neither for Retry-After nor, a test,
# for the end of a pause.

# Which deliveries `cancel` is about.
HELD = ("state = 'held'",)
PINGS = ("state = 'pending' AND trigger = 'test'",)
UNFINISHED = (
    "state = 'pending'",
    "state = 'sending'",
    *HELD,
)  # each has an index, all together none

# endpoints --------------------------------------------------------------------------------------


def insert_endpoint(w: Writer, made: Endpoint) -> None:
    """Store a new endpoint."""
    w.run(
        "INSERT INTO webhook_endpoints (id, tenant_id, test, url, events, state, secret,"
        " ca_pem, check_name, since_seq, max_in_flight, created_at, created_by) VALUES (:id,"
        " :tenant_id, :test, :url, :events, :state, :secret, :ca_pem, :check_name, :since_seq,"
        " :max_in_flight, :created_at, :created_by)",
        asdict(made) | {"events": json.dumps(made.events)},
    )


def endpoint(r: Reader, endpoint_id: str) -> Endpoint | None:
    """One endpoint that was not deleted, whosever it is."""
    row = r.one(
        "SELECT * FROM webhook_endpoints WHERE id = ? AND deleted_at IS NULL", (endpoint_id,)
    )
    return endpoint_from(row) if row else None


def endpoint_of(r: Reader, scope: Scope, endpoint_id: str) -> Endpoint | None:
    """One endpoint of a tenant's live side or of its sandbox."""
    found = endpoint(r, endpoint_id)
    ours = found is not None and (found.tenant_id, found.test) == (scope.tenant_id, scope.test)
    return found if ours else None


def endpoints(
    r: Reader, scope: Scope, limit: int = -1, before: str | None = None
) -> list[Endpoint]:
    """A tenant's endpoints, newest first, those behind `before`; ids increase with time."""
    rows = r.all(
        "SELECT * FROM webhook_endpoints WHERE tenant_id = ? AND test = ? AND deleted_at IS NULL"
        " AND (? IS NULL OR id < ?) ORDER BY id DESC LIMIT ?",
        (scope.tenant_id, scope.test, before, before, limit),
    )
    return [endpoint_from(row) for row in rows]


def every_endpoint(r: Reader) -> list[Endpoint]:
    """The endpoints of all tenants."""
    rows = r.all("SELECT * FROM webhook_endpoints WHERE deleted_at IS NULL")
    return [endpoint_from(row) for row in rows]


def set_subscription(w: Writer, now: Endpoint) -> None:
    """Another URL, other events, in order or not."""
    w.run(
        "UPDATE webhook_endpoints SET url = ?, events = ?, max_in_flight = ? WHERE id = ?",
        (now.url, json.dumps(now.events), now.max_in_flight, now.id),
    )


def pin(w: Writer, endpoint_id: str, ca_pem: str | None, check_name: bool) -> None:
    """Trust this certificate or authority and no other; None: whom everybody trusts."""
    w.run(
        "UPDATE webhook_endpoints SET ca_pem = ?, check_name = ? WHERE id = ?",
        (ca_pem, check_name, endpoint_id),
    )


def forgive(w: Writer, endpoint_id: str) -> None:
    """Forget past failures: the URL is another one, or somebody says it works now."""
    w.run(
        "UPDATE webhook_endpoints SET failures = 0, failing_since = NULL, releasing = 0,"
        " retry_after_until = NULL WHERE id = ?",
        (endpoint_id,),
    )


def failing_since(r: Reader, at: int) -> list[Endpoint]:
    """The endpoints that have taken nothing since that time or longer."""
    rows = r.all(
        "SELECT * FROM webhook_endpoints WHERE failing_since <= ? AND deleted_at IS NULL", (at,)
    )
    return [endpoint_from(row) for row in rows]


def set_state(w: Writer, endpoint_id: str, state: str, paused_at: int | None) -> None:
    """Pause or resume."""
    w.run(
        "UPDATE webhook_endpoints SET state = ?, paused_at = ? WHERE id = ?",
        (state, paused_at, endpoint_id),
    )


def delete_endpoint(w: Writer, endpoint_id: str) -> None:
    """Forget an endpoint and its secrets; its log stays."""
    w.run(
        "UPDATE webhook_endpoints SET deleted_at = ?, secret = '', next_secret = NULL,"
        " ca_pem = NULL WHERE id = ?",
        (w.now, endpoint_id),
    )


def set_secrets(
    w: Writer, endpoint_id: str, secret: str, next_secret: str | None, ends_at: int | None
) -> None:
    """The secret in use, and during a rotation the next one."""
    w.run(
        "UPDATE webhook_endpoints SET secret = ?, next_secret = ?, rotation_ends_at = ?"
        " WHERE id = ?",
        (secret, next_secret, ends_at, endpoint_id),
    )


def note_ok(w: Writer, endpoint_id: str) -> None:
    """The receiver took something."""
    w.run(
        "UPDATE webhook_endpoints SET failures = 0, failing_since = NULL, last_attempt_at = ?,"
        " last_ok_at = ? WHERE id = ?",
        (w.now, w.now, endpoint_id),
    )


def begin_release(w: Writer, endpoint_id: str) -> None:
    """The receiver is back: nothing waits for its next try any more."""
    w.run(
        "UPDATE webhook_endpoints SET releasing = 1, retry_after_until = NULL WHERE id = ?",
        (endpoint_id,),
    )


def end_release(w: Writer, endpoint_id: str) -> None:
    """Everything was let go, or the receiver fails again."""
    w.run("UPDATE webhook_endpoints SET releasing = 0 WHERE id = ?", (endpoint_id,))


def gate(w: Writer, endpoint_id: str, until: int | None) -> None:
    """Send nothing of the schedule's before then."""
    w.run("UPDATE webhook_endpoints SET retry_after_until = ? WHERE id = ?", (until, endpoint_id))


def note_failure(w: Writer, endpoint_id: str, failed: bool, retry_after_until: int | None) -> None:
    """An attempt came to nothing; `failed` counts it against the receiver."""
    w.run(
        "UPDATE webhook_endpoints SET last_attempt_at = :now, failures = failures + :failed,"
        " releasing = CASE WHEN :failed THEN 0 ELSE releasing END,"
        " failing_since = CASE WHEN :failed THEN coalesce(failing_since, :now)"
        " ELSE failing_since END,"
        " retry_after_until = coalesce(max(:until, coalesce(retry_after_until, 0)),"
        " retry_after_until) WHERE id = :id",
        {"now": w.now, "failed": failed, "until": retry_after_until, "id": endpoint_id},
    )


# deliveries -------------------------------------------------------------------------------------


def insert_deliveries(w: Writer, rows: list[tuple[Any, ...]]) -> None:
    """Store new deliveries: id, event_seq, endpoint_id, state, trigger, next_at, deadline_at,
    created_at. What the endpoint already has stays.
    """
    w.insert(
        "webhook_deliveries (id, event_seq, endpoint_id, state, trigger, next_at, deadline_at,"
        " created_at)",
        rows,
        "ON CONFLICT (event_seq, endpoint_id) DO NOTHING",
    )


def insert_ping(w: Writer, delivery_id: str, endpoint_id: str, body: bytes) -> None:
    """Store a test ping, due now."""
    w.run(
        "INSERT INTO webhook_deliveries (id, ping, endpoint_id, state, trigger, next_at,"
        " deadline_at, created_at) VALUES (?, ?, ?, 'pending', 'test', ?, ?, ?)",
        (delivery_id, body, endpoint_id, w.now, w.now, w.now),
    )


def delivery(r: Reader, delivery_id: str) -> Any:
    """One delivery's row, or None."""
    return r.one("SELECT * FROM webhook_deliveries WHERE id = ?", (delivery_id,))


def delivery_of_event(r: Reader, event_seq: int, endpoint_id: str) -> Any:
    """An endpoint's delivery of one event, or None."""
    return r.one(
        "SELECT * FROM webhook_deliveries WHERE event_seq = ? AND endpoint_id = ?",
        (event_seq, endpoint_id),
    )


WAITING = (
    "SELECT e.id, e.state, e.retry_after_until, e.releasing, e.failures,"
    " (SELECT min(next_at) FROM webhook_deliveries d WHERE d.endpoint_id = e.id"
    " AND d.state = 'pending') AS any_at,"
    " (SELECT min(next_at) FROM webhook_deliveries d WHERE d.endpoint_id = e.id"
    " AND d.state = 'pending' AND d.trigger IN ('manual', 'test')) AS asked_at"
    " FROM webhook_endpoints e WHERE e.deleted_at IS NULL"
)


def waiting(r: Reader) -> list[Due]:
    """Every endpoint with something to send, and when its next row is due."""
    rows = [(row, _due_at(row)) for row in r.all(WAITING)]
    return [Due(row["id"], at, row["failures"] > 0) for row, at in rows if at is not None]


def next_attempt(r: Reader, endpoint_id: str) -> int | None:
    """When the next attempt at one endpoint may begin; None where nothing waits."""
    row = r.one(f"{WAITING} AND e.id = ?", (endpoint_id,))
    return _due_at(row) if row else None


def _due_at(row: Any) -> int | None:
    due: int | None = row["asked_at"]
    if row["state"] == "active" and row["any_at"] is not None:
        at = 0 if row["releasing"] else row["any_at"]
        scheduled = max(at, row["retry_after_until"] or 0)
        due = scheduled if due is None else min(due, scheduled)
    return due


def lease_due(
    w: Writer, endpoint_id: str, lease: str, until: int, limit: int, asked_only: bool
) -> list[Any]:
    """Lease up to `limit` due rows of an endpoint, the longest due first; the leased rows."""
    rows = w.all(
        "UPDATE webhook_deliveries SET state = 'sending', attempts = attempts + 1,"
        " lease = :lease, lease_until = :until WHERE id IN (SELECT id FROM webhook_deliveries"
        " WHERE endpoint_id = :endpoint AND state = 'pending' AND next_at <= :now"
        " AND (NOT :asked_only OR trigger IN ('manual', 'test'))"
        " ORDER BY next_at, event_seq LIMIT :limit) RETURNING *",
        {
            "lease": lease,
            "until": until,
            "endpoint": endpoint_id,
            "now": w.now,
            "limit": limit,
            "asked_only": asked_only,
        },
    )
    return sorted(rows, key=lambda row: (row["next_at"], row["event_seq"] or 0))


def settle(w: Writer, parcel: Parcel, state: str, next_at: int, finished_at: int | None) -> bool:
    """Give a leased row its new state; whether the lease was still ours."""
    return bool(
        w.run(
            "UPDATE webhook_deliveries SET state = ?, trigger = 'auto', next_at = ?,"
            " finished_at = ?, back_state = NULL, back_at = NULL, lease = NULL, lease_until = NULL"
            " WHERE id = ? AND lease = ?",
            (state, next_at, finished_at, parcel.delivery_id, parcel.lease),
        )
    )


def ask_again(w: Writer, delivery_id: str) -> None:
    """A person wants it sent now, wherever the schedule stands."""
    w.run(
        "UPDATE webhook_deliveries SET state = 'pending', trigger = 'manual', next_at = ?,"
        " back_state = state, back_at = next_at WHERE id = ?",
        (w.now, delivery_id),
    )


def start_over(w: Writer, delivery_id: str, deadline_at: int) -> None:
    """Send it as if it had just happened, with a whole schedule of its own."""
    w.run(
        "UPDATE webhook_deliveries SET state = 'pending', trigger = 'replay', next_at = ?,"
        " deadline_at = ?, finished_at = NULL WHERE id = ?",
        (w.now, deadline_at, delivery_id),
    )


def hold(w: Writer, endpoint_id: str) -> None:
    """What waits is held; a manual attempt that had not begun is called off."""
    w.run(
        "UPDATE webhook_deliveries SET state = back_state, next_at = back_at, trigger = 'auto',"
        " back_state = NULL, back_at = NULL WHERE endpoint_id = ? AND state = 'pending'"
        " AND trigger = 'manual'",
        (endpoint_id,),
    )
    w.run(
        "UPDATE webhook_deliveries SET state = 'held' WHERE endpoint_id = ? AND state = 'pending'"
        " AND trigger != 'test'",
        (endpoint_id,),
    )


def release_held(w: Writer, endpoint_id: str, paused_at: int) -> int:
    """What was held is due now, and its deadline moves by the time it was held; how many."""
    return w.run(
        "UPDATE webhook_deliveries SET state = 'pending', next_at = :now,"
        " deadline_at = deadline_at + :now - max(:paused, created_at)"
        " WHERE endpoint_id = :endpoint AND state = 'held'",
        {"now": w.now, "paused": paused_at, "endpoint": endpoint_id},
    )


def release_some(w: Writer, endpoint_id: str, limit: int) -> int:
    """Of what waits for its next try some is due now; how many."""
    return w.run(
        "UPDATE webhook_deliveries SET next_at = :now WHERE id IN (SELECT id"
        " FROM webhook_deliveries WHERE endpoint_id = :endpoint AND state = 'pending'"
        " AND next_at > :now ORDER BY next_at LIMIT :limit)",
        {"now": w.now, "endpoint": endpoint_id, "limit": limit},
    )


def cancel(w: Writer, endpoint_id: str, which: tuple[str, ...] = UNFINISHED) -> int:
    """Send these deliveries of an endpoint no more; how many there were."""
    return sum(
        w.run(
            "UPDATE webhook_deliveries SET state = 'cancelled', finished_at = ?, lease = NULL,"  # noqa: S608
            f" lease_until = NULL WHERE endpoint_id = ? AND {some}",
            (w.now, endpoint_id),
        )
        for some in which
    )


def leased(r: Reader) -> list[Any]:
    """Every row that is being sent, with the state of its endpoint."""
    return r.all(
        "SELECT d.id, d.trigger, d.lease_until, d.next_at, e.state AS endpoint_state,"
        " e.max_in_flight"
        " FROM webhook_deliveries d JOIN webhook_endpoints e ON e.id = d.endpoint_id"
        " WHERE d.state = 'sending'"
    )


def give_back(w: Writer, delivery_id: str, state: str, next_at: int) -> None:
    """Undo a lease."""
    w.run(
        "UPDATE webhook_deliveries SET state = ?, next_at = ?, lease = NULL, lease_until = NULL"
        " WHERE id = ? AND state = 'sending'",
        (state, next_at, delivery_id),
    )


def too_far_ahead(r: Reader, beyond: int) -> bool:
    """Whether something is due only after `beyond`, where no schedule can have put it."""
    return bool(  # CROSS: each endpoint's own index is sought, never the whole table read
        r.value(
            "SELECT EXISTS (SELECT 1 FROM webhook_endpoints e CROSS JOIN webhook_deliveries d"
            " ON d.endpoint_id = e.id AND d.state = 'pending' AND d.next_at > :beyond)"
            " OR EXISTS (SELECT 1 FROM webhook_endpoints WHERE retry_after_until > :beyond)",
            {"beyond": beyond},
        )
    )


def pull_back(w: Writer, beyond: int) -> None:
    """Make due what lies too far ahead: the clock was wrong when it was put there."""
    w.run(
        "UPDATE webhook_deliveries SET next_at = ? WHERE state = 'pending' AND next_at > ?",
        (w.now, beyond),
    )
    w.run(
        "UPDATE webhook_endpoints SET retry_after_until = NULL WHERE retry_after_until > ?",
        (beyond,),
    )


def shift(w: Writer, by_ms: int) -> None:
    """The clock was set: nobody waits longer for what is planned, nor has less time left."""
    back = min(by_ms, 0)
    w.run(
        "UPDATE webhook_deliveries SET next_at = next_at + ?, deadline_at = deadline_at + ?"
        " WHERE state IN ('pending', 'sending')",
        (back, by_ms),
    )
    w.run("UPDATE webhook_endpoints SET retry_after_until = retry_after_until + ?", (back,))


def counts(r: Reader, endpoint_id: str) -> dict[str, int]:
    """How many deliveries of an endpoint wait: pending, sending and held."""
    sql = "SELECT count(*) FROM webhook_deliveries WHERE endpoint_id = ? AND state = '{}'"
    return {
        state: r.value(sql.format(state), (endpoint_id,))
        for state in ("pending", "sending", "held")
    }
