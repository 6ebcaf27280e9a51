"""Notices: what somebody should look at, for as long as it is so.

Screens show the rows; raising one is an act in the audit, which keeps that it was.
"""

from dataclasses import dataclass

from . import audit
from .db import Reader, Signal, Writer
from .scope import BOX, Scope

TOPIC = "notices"


@dataclass(frozen=True, slots=True)
class Notice:
    """One sentence for a person about one thing; a later `step` of a kind replaces an earlier."""

    subject: str
    kind: str
    step: int
    words: str
    raised_at: int


def raise_notice(
    w: Writer, scope: Scope, subject: str, kind: str, words: str, step: int = 0
) -> bool:
    """Say something about a subject, unless it was said as far as this step; whether it is new."""
    new = w.run(
        "INSERT INTO notices (tenant_id, test, subject, kind, step, words, raised_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET step = excluded.step,"
        " words = excluded.words, raised_at = excluded.raised_at WHERE excluded.step > step",
        (scope.tenant_id, scope.test, subject, kind, step, words, w.now),
    )
    if new:
        audit.record(w, scope.tenant_id, BOX, f"notice.{kind}", subject, step=step)
        w.after_commit(Signal(TOPIC, scope.tenant_id, scope.test, (subject,)))
    return bool(new)


def end(w: Writer, scope: Scope, subject: str, *kinds: str) -> None:
    """It is over: forget what was said of a subject, all of it or of these kinds."""
    which = f" AND kind IN ({', '.join('?' * len(kinds))})" if kinds else ""
    ended = w.run(
        f"DELETE FROM notices WHERE tenant_id = ? AND test = ? AND subject = ?{which}",  # noqa: S608
        (scope.tenant_id, scope.test, subject, *kinds),
    )
    if ended:
        w.after_commit(Signal(TOPIC, scope.tenant_id, scope.test, (subject,)))


def step_of(r: Reader, scope: Scope, subject: str, kind: str) -> int | None:
    """How far a notice has gone; None where there is none."""
    step: int | None = r.value(
        "SELECT step FROM notices WHERE tenant_id = ? AND test = ? AND subject = ? AND kind = ?",
        (scope.tenant_id, scope.test, subject, kind),
    )
    return step


def open_notices(r: Reader, scope: Scope, subject: str | None = None) -> list[Notice]:
    """What there is to look at on one side of a tenant, newest first."""
    rows = r.all(
        "SELECT subject, kind, step, words, raised_at FROM notices WHERE tenant_id = ?"
        " AND test = ? AND (? IS NULL OR subject = ?) ORDER BY raised_at DESC, subject, kind",
        (scope.tenant_id, scope.test, subject, subject),
    )
    return [Notice(*row) for row in rows]
