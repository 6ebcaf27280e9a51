"""The audit: who did what and when, each row's hash covering the row before it.

`record` writes in the transaction of the act itself. Looking at a patient is an act too, but nobody
waits for its row: `Looks` gathers them and a heartbeat writes them.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from . import clock, strict_json
from .db import Reader, Writer
from .scope import Actor

GENESIS = "0" * 64
LOOKS_MAX = 100_000  # looks that wait for a disk that is full


@dataclass(frozen=True, slots=True)
class Entry:
    """One act: its subject is an id, its detail never holds a patient's data."""

    tenant_id: str | None
    actor: str
    act: str
    subject: str | None
    detail: str
    at: int


def record(
    w: Writer,
    tenant_id: str | None,
    actor: Actor,
    act: str,
    subject: str | None = None,
    **detail: Any,
) -> None:
    """Write one act into the chain, in the transaction that makes it true."""
    w.before_commit(_append, _entry(tenant_id, actor, act, subject, w.now, detail))


def _entry(
    tenant_id: str | None,
    actor: Actor,
    act: str,
    subject: str | None,
    at: int,
    detail: dict[str, Any],
) -> Entry:
    text = strict_json.dumps(detail).decode() if detail else "{}"
    return Entry(tenant_id, actor.id, act, subject, text, at)


def _append(w: Writer, entries: list[Entry]) -> None:
    """Chain the acts of one commit behind the last row of the file."""
    seq, previous = head(w)
    rows = []
    for entry in entries:
        seq += 1
        previous = chain(previous, seq, entry)
        rows.append(
            (
                seq,
                entry.at,
                entry.tenant_id,
                entry.actor,
                entry.act,
                entry.subject,
                entry.detail,
                previous,
            )
        )
    w.insert("audit (seq, at, tenant_id, actor, act, subject, detail, hash)", rows)


def chain(previous: str, seq: int, entry: Entry) -> str:
    """The hash of a row: SHA-256 over the hash before it and its own fields as a JSON array."""
    fields = [
        previous,
        seq,
        entry.at,
        entry.tenant_id,
        entry.actor,
        entry.act,
        entry.subject,
        entry.detail,
    ]
    return hashlib.sha256(strict_json.dumps(fields)).hexdigest()


def verify(r: Reader) -> int | None:
    """The number of the first row whose hash does not fit, or None when the chain is whole."""
    previous, expected_seq = GENESIS, 1
    for row in rows(r):
        entry = Entry(
            row["tenant_id"], row["actor"], row["act"], row["subject"], row["detail"], row["at"]
        )
        previous = chain(previous, row["seq"], entry)
        if row["seq"] != expected_seq or row["hash"] != previous:
            return int(row["seq"])
        expected_seq += 1
    return None


def rows(r: Reader) -> Iterator[Any]:
    """The whole chain from its first row on, without holding it in memory."""
    yield from r.connection.execute("SELECT * FROM audit ORDER BY seq")


def about(r: Reader, tenant_id: str, subjects: Iterable[str]) -> list[dict[str, Any]]:
    """Each act on one of these subjects, with its hash and the one before it; oldest first."""
    found = r.all(
        "SELECT coalesce(b.hash, ?) AS previous, a.* FROM audit AS a INDEXED BY audit_subject"
        " LEFT JOIN audit AS b ON b.seq = a.seq - 1"
        " WHERE a.subject IN (SELECT value FROM json_each(?)) AND a.tenant_id = ? ORDER BY a.seq",
        (GENESIS, json.dumps(sorted(set(subjects))), tenant_id),
    )
    return [dict(row) for row in found]


def head(r: Reader) -> tuple[int, str]:
    """The number and the hash of the chain's last row."""
    row = r.one("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1")
    return (row["seq"], row["hash"]) if row else (0, GENESIS)


class Looks:
    """Acts of looking, gathered in memory for the next heartbeat."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []

    def add(
        self, tenant_id: str, actor: Actor, act: str, subject: str | None, **detail: Any
    ) -> None:
        """Note that somebody looked; written within a second."""
        now = clock.now_ms()
        self._entries.append(_entry(tenant_id, actor, act, subject, now, detail))

    def take(self) -> list[Entry]:
        """What waits to be written; it is the caller's to write now."""
        entries, self._entries = self._entries, []
        return entries

    def put_back(self, entries: list[Entry]) -> None:
        """What could not be written waits on, up to a bound: memory is not a second file."""
        self._entries = (entries + self._entries)[-LOOKS_MAX:]


def write_looks(w: Writer, entries: list[Entry]) -> None:
    """Chain gathered looks."""
    for entry in entries:
        w.before_commit(_append, entry)
