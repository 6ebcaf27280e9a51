"""The SQL of packets, and of finding the packages that one is to cover."""

import json
from typing import Any

from scriptrun_box.kernel.db import Reader, Writer
from scriptrun_box.kernel.scope import Scope

from .model import Packet


def insert(w: Writer, made: Packet) -> None:
    """Store a new packet; its place in the list is given here."""
    seq = (w.value("SELECT max(seq) FROM packets") or 0) + 1
    w.insert(
        "packets (seq, id, tenant_id, test, kind, package_ids, packages, state, created_at,"
        " created_by)",
        [
            (
                seq,
                made.id,
                made.tenant_id,
                made.test,
                made.kind,
                json.dumps(made.package_ids),
                made.packages,
                made.state,
                made.created_at,
                made.created_by,
            )
        ],
    )


def get(r: Reader, scope: Scope, packet_id: str) -> Packet | None:
    """One packet of the tenant's live side or sandbox."""
    row = r.one(
        "SELECT * FROM packets WHERE id = ? AND tenant_id = ? AND test = ?",
        (packet_id, scope.tenant_id, scope.test),
    )
    return _packet(row) if row else None


def page(r: Reader, scope: Scope, limit: int) -> list[Packet]:
    """The newest packets."""
    rows = r.all(
        "SELECT * FROM packets WHERE tenant_id = ? AND test = ? ORDER BY seq DESC LIMIT ?",
        (scope.tenant_id, scope.test, limit),
    )
    return [_packet(row) for row in rows]


def kept(r: Reader) -> list[Packet]:
    """Every packet of the box that waits, is being made, or can be downloaded; oldest first."""
    rows = r.all(
        "SELECT * FROM packets INDEXED BY packets_open"
        " WHERE state IN ('queued', 'working', 'ready') ORDER BY seq"
    )
    return [_packet(row) for row in rows]


def move(w: Writer, was: Packet, state: str, **columns: Any) -> bool:
    """Move a packet on from the state that was read; further columns with it."""
    named = "".join(f", {name} = ?" for name in columns)
    return bool(
        w.run(
            f"UPDATE packets SET state = ?{named} WHERE id = ? AND state = ?",  # noqa: S608
            (state, *columns.values(), was.id, was.state),
        )
    )


def ids_of_dates(r: Reader, scope: Scope, first: str, last: str, limit: int) -> list[str]:
    """The packages of these delivery dates, both included, in their order."""
    rows = r.all(
        "SELECT id FROM packages INDEXED BY packages_date WHERE tenant_id = ? AND test = ?"
        " AND delivery_date BETWEEN ? AND ? AND (? IS NULL OR location_id = ?)"
        " ORDER BY delivery_date, seq LIMIT ?",
        (
            scope.tenant_id,
            scope.test,
            first,
            last,
            scope.location_id,
            scope.location_id,
            limit,
        ),
    )
    return [row["id"] for row in rows]


def ids_of_rx(r: Reader, scope: Scope, rx_number: str, date: str | None) -> list[str]:
    """The packages of an Rx number; with a date only those filled or to be delivered that day."""
    rows = r.all(
        "SELECT id FROM packages INDEXED BY packages_rx WHERE tenant_id = ? AND rx_number = ?"
        " AND test = ? AND (? IS NULL OR delivery_date = ? OR fill_date = ?)"
        " AND (? IS NULL OR location_id = ?) ORDER BY seq",
        (
            scope.tenant_id,
            rx_number,
            scope.test,
            date,
            date,
            date,
            scope.location_id,
            scope.location_id,
        ),
    )
    return [row["id"] for row in rows]


def _packet(row: Any) -> Packet:
    values = {name: row[name] for name in Packet.__dataclass_fields__}
    values["test"] = bool(row["test"])
    values["package_ids"] = tuple(json.loads(row["package_ids"]))
    return Packet(**values)
