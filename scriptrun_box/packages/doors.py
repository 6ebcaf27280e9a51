"""The SQL of where packages go: which wait to be looked up, and which go to one door."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from scriptrun_box.kernel.db import Reader, Writer
from scriptrun_box.kernel.scope import Scope

OPEN_SQL = "('created', 'assigned', 'out_for_delivery', 'failed')"
COLUMNS = "seq, id, tenant_id, test, patient_address"


@dataclass(frozen=True, slots=True)
class Addressed:
    """A package whose address nobody has looked up yet."""

    seq: int
    id: str
    scope: Scope
    address: str


def behind(r: Reader, seq: int, limit: int) -> tuple[list[Addressed], int]:
    """(open packages of every tenant behind `seq` in their order, how far that goes)."""
    rows = r.all(
        f"SELECT {COLUMNS} FROM packages WHERE seq > ? AND status IN {OPEN_SQL}"  # noqa: S608
        " ORDER BY seq LIMIT ?",
        (seq, limit),
    )
    found = [_addressed(row) for row in rows]
    if len(found) == limit:
        return found, found[-1].seq
    newest = r.value("SELECT seq FROM packages ORDER BY seq DESC LIMIT 1")
    return found, max(seq, newest or 0)


def readdressed(r: Reader, limit: int) -> list[Addressed]:
    """Packages whose address was changed since it was looked up."""
    rows = r.all(
        f"SELECT {COLUMNS} FROM packages WHERE readdressed IS NOT NULL ORDER BY seq LIMIT ?",  # noqa: S608
        (limit,),
    )
    return [_addressed(row) for row in rows]


def at(r: Reader, scope: Scope, door: str) -> list[str]:
    """The ids of the open packages that go to a door."""
    rows = r.all(
        f"SELECT id FROM packages INDEXED BY packages_door WHERE status IN {OPEN_SQL}"  # noqa: S608
        " AND tenant_id = ? AND test = ? AND door = ?",
        (scope.tenant_id, scope.test, door),
    )
    return [row["id"] for row in rows]


def forget(w: Writer, package_id: str) -> None:
    """The address changed: where it was is no longer where it is, until it was looked up again."""
    w.run(
        "UPDATE packages SET door = NULL, corrected_address = NULL, lat = NULL, lng = NULL,"
        " location_source = NULL, location_confidence = NULL, readdressed = 1 WHERE id = ?",
        (package_id,),
    )


def correct(w: Writer, package_ids: Iterable[str], address: str) -> None:
    """Say what drivers read instead of the address that these packages' orders had wrong."""
    w.many(
        "UPDATE packages SET corrected_address = ?, address_incomplete = 0 WHERE id = ?",
        [(address, package_id) for package_id in package_ids],
    )


def _addressed(row: Any) -> Addressed:
    return Addressed(
        row["seq"], row["id"], Scope(row["tenant_id"], bool(row["test"])), row["patient_address"]
    )
