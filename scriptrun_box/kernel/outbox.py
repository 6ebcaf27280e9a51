"""The outbox: an event is a row with its exact bytes, written by what made it true."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from . import clock, ids, strict_json
from .db import Reader, Signal, Writer
from .scope import Scope

TOPIC = "events"
RETENTION = "retention"  # the cursor up to which bodies are no longer kept
HEAD = "seq, feed_seq, tenant_id, test, event, created_at"


@dataclass(frozen=True, slots=True)
class Event:
    """A row of the outbox: `body` is the bytes every receiver gets, None once pruned.

    `seq` is its place in the file, `feed_seq` its place in the feed of its tenant's live side or
    sandbox, which counts 1, 2, 3 without a gap.
    """

    seq: int
    feed_seq: int
    id: str
    tenant_id: str
    test: bool
    event: str
    created_at: int
    body: bytes | None


@dataclass(frozen=True, slots=True)
class Head:
    """What a consumer needs to know of an event before it wants the body."""

    seq: int
    feed_seq: int
    tenant_id: str
    test: bool
    event: str
    created_at: int


def append(w: Writer, scope: Scope, event: str, subject_id: str, data: Mapping[str, Any]) -> str:
    """Write one event; its id."""
    return append_many(w, scope, event, [(subject_id, data)])[0]


def append_many(
    w: Writer, scope: Scope, event: str, facts: Sequence[tuple[str, Mapping[str, Any]]]
) -> list[str]:
    """Write one event for each (subject id, data); consumers are woken once, after the commit."""
    created = clock.iso(w.now)
    event_ids, rows = [], []
    place = newest(w, scope)
    for subject_id, data in facts:
        event_id = ids.prefixed("evt")
        body: dict[str, Any] = {"id": event_id, "event": event, "created_at": created, "data": data}
        if scope.test:
            body["test"] = True
        raw = strict_json.dumps(body)
        event_ids.append(event_id)
        place += 1
        rows.append((place, event_id, scope.tenant_id, scope.test, event, subject_id, w.now, raw))
    w.insert("events (feed_seq, id, tenant_id, test, event, subject_id, created_at, body)", rows)
    w.after_commit(Signal(TOPIC, scope.tenant_id, scope.test))
    return event_ids


def after(r: Reader, seq: int, limit: int) -> list[Event]:
    """Events of every tenant behind `seq`, oldest first: what a consumer reads from its cursor."""
    rows = r.all("SELECT * FROM events WHERE seq > ? ORDER BY seq LIMIT ?", (seq, limit))
    return [_event(row) for row in rows]


def heads(r: Reader, seq: int, limit: int) -> list[Head]:
    """As `after`, without the bodies."""
    rows = r.all(
        f"SELECT {HEAD} FROM events WHERE seq > ? ORDER BY seq LIMIT ?",  # noqa: S608
        (seq, limit),
    )
    return [_head(row) for row in rows]


def window(r: Reader, scope: Scope, since: int, until: int, place: int, limit: int) -> list[Head]:
    """One tenant's events behind `place` (a feed_seq) that still have their body, of that time."""
    rows = r.all(
        f"SELECT {HEAD} FROM events WHERE tenant_id = ? AND test = ? AND feed_seq > ?"  # noqa: S608
        " AND created_at BETWEEN ? AND ? AND body IS NOT NULL ORDER BY feed_seq LIMIT ?",
        (scope.tenant_id, scope.test, place, since, until, limit),
    )
    return [_head(row) for row in rows]


def last_seq(r: Reader) -> int:
    """The place of the newest event; 0 before the first."""
    return r.value("SELECT max(seq) FROM events") or 0


# The feed: each tenant's live side and its sandbox count their own events, 1, 2, 3, … ------------


def newest(r: Reader, scope: Scope) -> int:
    """The feed_seq of a feed's newest event; 0 before the first."""
    return (
        r.value(
            "SELECT max(feed_seq) FROM events WHERE tenant_id = ? AND test = ?",
            (scope.tenant_id, scope.test),
        )
        or 0
    )


def feed(r: Reader, scope: Scope, place: int, limit: int) -> list[Event]:
    """A feed's events behind `place`, oldest first."""
    rows = r.all(
        "SELECT * FROM events WHERE tenant_id = ? AND test = ? AND feed_seq > ?"
        " ORDER BY feed_seq LIMIT ?",
        (scope.tenant_id, scope.test, place, limit),
    )
    return [_event(row) for row in rows]


def pruned_through(r: Reader, scope: Scope) -> int:
    """The feed_seq up to which a feed is no longer kept; 0 where it is kept from its first event.

    Bisected: a feed has no gap, and its places grow with the file's.
    """
    boundary = cursor(r, RETENTION)
    low, high = 0, newest(r, scope) if boundary else 0
    while low < high:
        middle = (low + high + 1) // 2
        seq = r.value(
            "SELECT seq FROM events WHERE tenant_id = ? AND test = ? AND feed_seq = ?",
            (scope.tenant_id, scope.test, middle),
        )
        low, high = (middle, high) if seq <= boundary else (low, middle - 1)
    return low


# Retention ----------------------------------------------------------------------------------------


def old_seqs(r: Reader, before: int, through: int, limit: int) -> tuple[int, int]:
    """(from, to): the next events whose bodies may go, from the cursor's place on; to >= from.

    They were made before that time, and lie at or before `through`. An event that a wrong clock
    stamped in the future holds up those behind it: kept too long is better than lost too early.
    """
    start = cursor(r, RETENTION)
    young = r.value(
        "SELECT min(seq) FROM (SELECT seq, created_at FROM events WHERE seq > ? ORDER BY seq"
        " LIMIT ?) WHERE created_at >= ?",
        (start, limit, before),
    )
    end = young - 1 if young else min(start + limit, last_seq(r))
    return start, max(start, min(end, through))


def forget_bodies(w: Writer, seqs: Sequence[int]) -> None:
    """Drop the bodies of these events; hash and size stay, to prove what it was."""
    rows = []
    for seq in seqs:
        body = w.value("SELECT body FROM events WHERE seq = ?", (seq,))
        if body is not None:
            rows.append((sha256(body).digest(), len(body), seq))
    w.many("UPDATE events SET body = NULL, body_hash = ?, body_size = ? WHERE seq = ?", rows)


def get(r: Reader, seq: int) -> Event | None:
    """The event at that place."""
    row = r.one("SELECT * FROM events WHERE seq = ?", (seq,))
    return None if row is None else _event(row)


def cursor(r: Reader, consumer: str) -> int:
    """How far a consumer has read; 0 before its first event."""
    return r.value("SELECT seq FROM cursors WHERE consumer = ?", (consumer,)) or 0


def move_cursor(w: Writer, consumer: str, seq: int) -> None:
    """Remember how far a consumer has read, in the transaction of what it did with it."""
    w.run(
        "INSERT INTO cursors (consumer, seq) VALUES (?, ?)"
        " ON CONFLICT (consumer) DO UPDATE SET seq = excluded.seq",
        (consumer, seq),
    )


def _head(row: Any) -> Head:
    return Head(
        row["seq"],
        row["feed_seq"],
        row["tenant_id"],
        bool(row["test"]),
        row["event"],
        row["created_at"],
    )


def _event(row: Any) -> Event:
    return Event(
        row["seq"],
        row["feed_seq"],
        row["id"],
        row["tenant_id"],
        bool(row["test"]),
        row["event"],
        row["created_at"],
        row["body"],
    )
