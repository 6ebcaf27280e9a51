"""What was done last: to a package, and by a person, who can take it back; owns `last_acts`."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from scriptrun_box.kernel.clock import MINUTE_MS
from scriptrun_box.kernel.db import Reader, Writer
from scriptrun_box.kernel.errors import Conflict
from scriptrun_box.kernel.scope import Actor, Scope

from .model import Package

UNDO_MS = 2 * MINUTE_MS
CAN_BE_UNDONE = frozenset(("assign", "unassign", "cancel"))
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Made:
    """A move that was made, by its place in the list of all of them."""

    seq: int
    at: int
    package_id: str
    act: str
    from_status: str
    detail: dict[str, Any]


def keeping(w: Writer, scope: Scope, actor: Actor, act: Callable[[], T]) -> tuple[T, int]:
    """Do something and note what it moved: with the number handed back it can be taken back.

    The number is 0 where nothing was moved, or something that stays.
    """
    behind = _last(w)
    result = act()
    until = _last(w)
    stays = any(move.act not in CAN_BE_UNDONE for move in _moves(w, behind, until))
    if until == behind or stays:
        forget(w, scope, actor)
        return result, 0
    w.insert(
        "last_acts (tenant_id, test, actor, at, behind, until)",
        [(scope.tenant_id, scope.test, actor.id, w.now, behind, until)],
        "ON CONFLICT DO UPDATE SET at = excluded.at, behind = excluded.behind,"
        " until = excluded.until",
    )
    return result, until


def take(w: Writer, scope: Scope, actor: Actor, number: int) -> list[Made]:
    """The moves behind a number; raises Conflict where it is not, or no longer, the last act."""
    row = w.one(
        "SELECT at, behind, until FROM last_acts WHERE tenant_id = ? AND test = ? AND actor = ?",
        (scope.tenant_id, scope.test, actor.id),
    )
    if row is None or row["until"] != number or w.now - row["at"] > UNDO_MS:
        raise Conflict("This can no longer be undone.", code="undo_too_late")
    forget(w, scope, actor)
    return _moves(w, row["behind"], row["until"])


def forget(w: Writer, scope: Scope, actor: Actor) -> None:
    """Whatever a person did last stays as it is."""
    w.run(
        "DELETE FROM last_acts WHERE tenant_id = ? AND test = ? AND actor = ?",
        (scope.tenant_id, scope.test, actor.id),
    )


def last_step(r: Reader, package: Package) -> tuple[int, str, int]:
    """(seq, actor, time) of a package's last move elsewhere, of its recall or its erasure."""
    row = r.one(
        "SELECT seq, actor, at FROM package_moves WHERE package_id = ?"
        " AND (from_status <> to_status OR act IN ('assign', 'pass_on', 'recall', 'erase'))"
        " ORDER BY seq DESC LIMIT 1",
        (package.id,),
    )
    return tuple(row) if row else (0, package.created_by, package.created_at)


def _last(r: Reader) -> int:
    number: int = r.value("SELECT max(seq) FROM package_moves") or 0
    return number


def _moves(r: Reader, behind: int, until: int) -> list[Made]:
    rows = r.all(
        "SELECT seq, at, package_id, act, from_status, detail FROM package_moves"
        " WHERE seq > ? AND seq <= ? ORDER BY seq",
        (behind, until),
    )
    return [
        Made(
            row["seq"],
            row["at"],
            row["package_id"],
            row["act"],
            row["from_status"],
            json.loads(row["detail"]),
        )
        for row in rows
    ]
