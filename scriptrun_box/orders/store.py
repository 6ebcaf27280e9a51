"""The SQL of orders: answers kept for requests that carried an id of their own.

A program sends it as Idempotency-Key; a person's page carries one, kept under who they are.
"""

from typing import Any

from scriptrun_box.kernel.clock import DAY_MS
from scriptrun_box.kernel.db import Reader, Writer

KEPT_MS = DAY_MS


def replay(r: Reader, key_id: str, idempotency_key: str, now: int) -> Any:
    """body_hash, answer of the earlier request with this key, or None."""
    return r.one(
        "SELECT body_hash, answer FROM idempotency"
        " WHERE key_id = ? AND idempotency_key = ? AND created_at > ?",
        (key_id, idempotency_key, now - KEPT_MS),
    )


def keep(w: Writer, key_id: str, idempotency_key: str, body_hash: bytes, answer: bytes) -> None:
    """Keep the answer for 24 hours."""
    w.run(
        "INSERT INTO idempotency (key_id, idempotency_key, body_hash, answer, created_at)"
        " VALUES (?, ?, ?, ?, ?) ON CONFLICT (key_id, idempotency_key) DO UPDATE SET"
        " body_hash = excluded.body_hash, answer = excluded.answer,"
        " created_at = excluded.created_at",
        (key_id, idempotency_key, body_hash, answer, w.now),
    )


def forget_old(w: Writer, limit: int) -> int:
    """Drop up to `limit` answers that are older than 24 hours; how many."""
    return w.run(
        "DELETE FROM idempotency WHERE (key_id, idempotency_key) IN"
        " (SELECT key_id, idempotency_key FROM idempotency WHERE created_at <= ? LIMIT ?)",
        (w.now - KEPT_MS, limit),
    )
