"""The log of attempts: one row each, there before the attempt begins. Owns `webhook_logs`."""

from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any

from scriptrun_box.kernel import ids, outbox
from scriptrun_box.kernel.db import Reader, Writer
from scriptrun_box.kernel.outgoing import Result

from .model import Endpoint, LogRow, Parcel, log_from

PRUNED = "webhook_logs"  # the cursor: microseconds of the last attempt whose answer was dropped


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a list of attempts is narrowed to; empty and None narrow nothing."""

    event: str = ""
    outcome: str = ""
    since: int | None = None
    until: int | None = None


def begin(w: Writer, target: Endpoint, parcel: Parcel) -> None:
    """An attempt begins."""
    w.run(
        "INSERT INTO webhook_logs (id, tenant_id, test, endpoint_id, delivery_id, event_id, event,"
        " attempt, trigger, outcome, started_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'in_flight',"
        " ?)",
        (
            parcel.log_id,
            target.tenant_id,
            target.test,
            target.id,
            parcel.delivery_id,
            parcel.event_id,
            parcel.event,
            parcel.attempt,
            parcel.trigger,
            w.now,
        ),
    )


def end(w: Writer, parcel: Parcel, result: Result, next_at: int | None) -> None:
    """An attempt is over: how it went, and when the next one is due."""
    w.run(
        "UPDATE webhook_logs SET outcome = ?, status = ?, error_class = ?, address = ?,"
        " answer_head = ?, answer = ?, retry_after = ?, duration_ms = ?, next_at = ? WHERE id = ?",
        (
            result.outcome,
            result.status,
            result.error_class,
            result.address,
            result.head,
            result.answer,
            result.retry_after,
            result.duration_ms,
            next_at,
            parcel.log_id,
        ),
    )


def failures_since(r: Reader, delivery_id: str, since: int) -> int:
    """How many attempts of the schedule's failed since then: manual ones do not count."""
    failures: int = r.value(
        "SELECT count(*) FROM webhook_logs WHERE delivery_id = ? AND started_at >= ?"
        " AND outcome IN ('failed', 'blocked', 'internal_error') AND trigger IN ('auto', 'replay')",
        (delivery_id, since),
    )
    return failures


def own_faults(r: Reader, delivery_id: str) -> int:
    """How many attempts at a delivery failed for a reason of ours."""
    faults: int = r.value(
        "SELECT count(*) FROM webhook_logs WHERE delivery_id = ? AND outcome = 'internal_error'",
        (delivery_id,),
    )
    return faults


def attempt(r: Reader, log_id: str) -> LogRow | None:
    """One attempt, whosever it is."""
    row = r.one("SELECT * FROM webhook_logs WHERE id = ?", (log_id,))
    return log_from(row) if row else None


def health(r: Reader, endpoint_id: str, since: int) -> dict[str, Any]:
    """How many attempts were made since then and accepted, and their middle answer time."""
    rows = r.all(
        "SELECT outcome = 'ok' AS ok, duration_ms FROM webhook_logs WHERE endpoint_id = ?"
        " AND started_at >= ? AND outcome != 'in_flight' ORDER BY duration_ms",
        (endpoint_id, since),
    )
    accepted = sum(row["ok"] for row in rows)
    times = [row["duration_ms"] for row in rows if row["duration_ms"] is not None]
    return {
        "attempts": len(rows),
        "accepted": accepted,
        "success_rate": round(accepted / len(rows), 4) if rows else None,
        "median_ms": times[len(times) // 2] if times else None,
    }


def latest(r: Reader, endpoint_id: str) -> LogRow | None:
    """An endpoint's newest attempt that is over, tests aside."""
    row = r.one(
        "SELECT * FROM webhook_logs WHERE endpoint_id = ? AND outcome != 'in_flight'"
        " AND trigger != 'test' ORDER BY started_at DESC, id DESC LIMIT 1",
        (endpoint_id,),
    )
    return log_from(row) if row else None


def of_delivery(r: Reader, delivery_id: str) -> LogRow | None:
    """The newest attempt at a delivery."""
    row = r.one(
        "SELECT * FROM webhook_logs WHERE delivery_id = ? ORDER BY attempt DESC LIMIT 1",
        (delivery_id,),
    )
    return log_from(row) if row else None


def logs(
    r: Reader,
    endpoint_id: str,
    limit: int,
    before: tuple[int, str] | None = None,
    wanted: Wanted = Wanted(),
) -> list[LogRow]:
    """An endpoint's attempts, newest first, those behind `before` (started_at, id)."""
    at, log_id = before or (None, None)
    rows = r.all(
        "SELECT * FROM webhook_logs WHERE endpoint_id = :endpoint"
        " AND (:at IS NULL OR (started_at, id) < (:at, :id))"
        " AND (:since IS NULL OR started_at >= :since) AND (:until IS NULL OR started_at < :until)"
        " AND (:event = '' OR event = :event) AND (:outcome = '' OR outcome = :outcome)"
        " ORDER BY started_at DESC, id DESC LIMIT :limit",
        asdict(wanted) | {"endpoint": endpoint_id, "at": at, "id": log_id, "limit": limit},
    )
    return [log_from(row) for row in rows]


def forget_answers(w: Writer, before: int, limit: int) -> bool:
    """Drop answers of attempts before that time; their hash, size and status stay. More to do?

    Ids of attempts begin with their time, so a cursor over them finds the next ones at once.
    """
    done = outbox.cursor(w, PRUNED)
    rows = w.all(
        "SELECT id, started_at, answer FROM webhook_logs WHERE id > ? AND id < ?"
        " ORDER BY id LIMIT ?",
        (ids.first_at("att", done + 1), ids.first_at("att", before * 1000), limit),
    )
    w.many(
        "UPDATE webhook_logs SET answer_head = NULL, answer = NULL, answer_hash = ?,"
        " answer_size = ? WHERE id = ?",
        [(sha256(each["answer"]).digest(), len(each["answer"]), each["id"])
         for each in rows if each["answer"] is not None],
    )  # fmt: skip
    if rows:
        outbox.move_cursor(w, PRUNED, ids.moment_of(rows[-1]["id"]))
    return len(rows) == limit


def interrupt(w: Writer, delivery_id: str | None = None) -> None:
    """Attempts of one delivery, or of all, that nobody is making any more were interrupted."""
    w.run(
        "UPDATE webhook_logs SET outcome = 'interrupted' WHERE outcome = 'in_flight'"
        " AND (? IS NULL OR delivery_id = ?)",
        (delivery_id, delivery_id),
    )
