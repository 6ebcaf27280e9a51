"""The SQL of closed days and their amendments."""

from dataclasses import asdict

from scriptrun_box.kernel import ids
from scriptrun_box.kernel.db import Reader, Writer
from scriptrun_box.kernel.scope import Scope

from .model import Amendment, Close

CLOSE = ", ".join(Close.__dataclass_fields__)


def insert(w: Writer, scope: Scope, made: Close) -> bool:
    """Store a close; False where that day is closed already."""
    marks = ", ".join("?" * (len(Close.__dataclass_fields__) + 2))
    return bool(
        w.run(
            f"INSERT INTO day_closes (tenant_id, test, {CLOSE}) VALUES ({marks})"  # noqa: S608
            " ON CONFLICT DO NOTHING",
            (scope.tenant_id, scope.test, *asdict(made).values()),
        )
    )


def last(r: Reader, scope: Scope, location_id: str) -> Close | None:
    """The last closed day of a location."""
    row = r.one(
        f"SELECT {CLOSE} FROM day_closes WHERE tenant_id = ? AND test = ? AND location_id = ?"  # noqa: S608
        " ORDER BY date DESC LIMIT 1",
        (scope.tenant_id, scope.test, location_id),
    )
    return Close(*row) if row else None


def get(r: Reader, scope: Scope, close_id: str) -> Close | None:
    """One closed day, where the scope may see it."""
    row = r.one(
        f"SELECT {CLOSE} FROM day_closes WHERE id = ? AND tenant_id = ? AND test = ?",  # noqa: S608
        (close_id, scope.tenant_id, scope.test),
    )
    return Close(*row) if row else None


def page(r: Reader, scope: Scope, location_id: str, limit: int) -> list[Close]:
    """The closed days of a location, newest first."""
    rows = r.all(
        f"SELECT {CLOSE} FROM day_closes WHERE tenant_id = ? AND test = ? AND location_id = ?"  # noqa: S608
        " ORDER BY date DESC LIMIT ?",
        (scope.tenant_id, scope.test, location_id, limit),
    )
    return [Close(*row) for row in rows]


def add_amendment(w: Writer, close: Close, made: Amendment) -> None:
    """Put words beside a closed day."""
    w.insert(
        "close_amendments (id, close_id, words, at, by)",
        [(ids.prefixed("amd"), close.id, made.words, made.at, made.by)],
    )


def amendments(r: Reader, close: Close) -> list[Amendment]:
    """What was found out later, oldest first."""
    rows = r.all(
        "SELECT words, at, by FROM close_amendments WHERE close_id = ? ORDER BY at, id",
        (close.id,),
    )
    return [Amendment(*row) for row in rows]
