"""The SQL of paper: printers, what they are sent, and the packages that papers are made of."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from scriptrun_box.kernel.db import Reader, Writer
from scriptrun_box.kernel.scope import Scope
from scriptrun_box.packages.model import Package, package_of

from .model import Job, Printer

# Packages, read only ------------------------------------------------------------------------------


def several(r: Reader, scope: Scope, package_ids: Sequence[str]) -> list[Package]:
    """Those of these packages that the scope may see, in the order they are named in."""
    rows = r.all(
        "SELECT p.* FROM json_each(?) AS j CROSS JOIN packages AS p ON p.id = j.value"
        " AND p.tenant_id = ? AND p.test = ? AND (? IS NULL OR p.location_id = ?) ORDER BY j.key",
        (
            json.dumps(list(package_ids)),
            scope.tenant_id,
            scope.test,
            scope.location_id,
            scope.location_id,
        ),
    )
    return [package_of(row) for row in rows]


def of_days(
    r: Reader, scope: Scope, dates: Iterable[str], statuses: Sequence[str], limit: int
) -> list[Package]:
    """Packages of these delivery dates that are in one of the statuses, oldest first."""
    rows = r.all(
        "SELECT p.* FROM json_each(?) AS j CROSS JOIN packages AS p INDEXED BY packages_date"
        " ON p.tenant_id = ? AND p.test = ? AND p.delivery_date = j.value"
        " AND p.status IN (SELECT value FROM json_each(?)) AND (? IS NULL OR p.location_id = ?)"
        " ORDER BY j.key, p.seq LIMIT ?",
        (
            json.dumps(sorted(set(dates))),
            scope.tenant_id,
            scope.test,
            json.dumps(list(statuses)),
            scope.location_id,
            scope.location_id,
            limit,
        ),
    )
    return [package_of(row) for row in rows]


def doors(
    r: Reader, scope: Scope, dates: Iterable[str], statuses: Sequence[str]
) -> list[tuple[str, tuple[str, str, str]]]:
    """(id, (date, location, door)) of every package of these days that is on no route."""
    rows = r.all(
        "SELECT p.id, p.delivery_date, p.location_id, coalesce(p.door, p.patient_address) AS door"
        " FROM json_each(?) AS j CROSS JOIN packages AS p INDEXED BY packages_date"
        " ON p.tenant_id = ? AND p.test = ? AND p.delivery_date = j.value AND p.route_id IS NULL"
        " AND p.status IN (SELECT value FROM json_each(?)) ORDER BY p.seq",
        (
            json.dumps(sorted(set(dates))),
            scope.tenant_id,
            scope.test,
            json.dumps(list(statuses)),
        ),
    )
    return [(row["id"], (row["delivery_date"], row["location_id"], row["door"])) for row in rows]


# Printers -----------------------------------------------------------------------------------------


def printers(r: Reader, tenant_id: str) -> list[Printer]:
    """A tenant's printers, oldest first; without those that were removed."""
    rows = r.all(
        "SELECT * FROM printers WHERE tenant_id = ? AND removed_at IS NULL ORDER BY created_at, id",
        (tenant_id,),
    )
    return [_printer(row) for row in rows]


def printer(r: Reader, tenant_id: str, printer_id: str) -> Printer | None:
    """One printer, a removed one too."""
    row = r.one("SELECT * FROM printers WHERE id = ? AND tenant_id = ?", (printer_id, tenant_id))
    return _printer(row) if row else None


def printer_names(r: Reader, tenant_id: str) -> dict[str, str]:
    """{id: name} of all a tenant ever had."""
    rows = r.all("SELECT id, name FROM printers WHERE tenant_id = ?", (tenant_id,))
    return {row["id"]: row["name"] for row in rows}


def insert_printer(w: Writer, made: Printer, by: str) -> None:
    """Store a new printer."""
    w.insert(
        "printers (id, tenant_id, name, host, port, dpi, created_at, created_by)",
        [(made.id, made.tenant_id, made.name, made.host, made.port, made.dpi, w.now, by)],
    )


def update_printer(w: Writer, made: Printer) -> bool:
    """Change what is said of a printer that is still there."""
    return bool(
        w.run(
            "UPDATE printers SET name = ?, host = ?, port = ?, dpi = ?"
            " WHERE id = ? AND tenant_id = ? AND removed_at IS NULL",
            (made.name, made.host, made.port, made.dpi, made.id, made.tenant_id),
        )
    )


def remove_printer(w: Writer, tenant_id: str, printer_id: str) -> bool:
    """Note that a printer is no longer there; whether it was."""
    return bool(
        w.run(
            "UPDATE printers SET removed_at = ?"
            " WHERE id = ? AND tenant_id = ? AND removed_at IS NULL",
            (w.now, printer_id, tenant_id),
        )
    )


def _printer(row: Any) -> Printer:
    names = ("id", "tenant_id", "name", "host", "port", "dpi", "removed_at")
    return Printer(*(row[name] for name in names))


# Jobs ---------------------------------------------------------------------------------------------


def insert_job(w: Writer, made: Job) -> None:
    """Store a new job; the place in the list is given here."""
    seq = (w.value("SELECT max(seq) FROM print_jobs") or 0) + 1
    w.insert(
        "print_jobs (seq, id, tenant_id, test, printer_id, kind, package_ids, labels, state,"
        " queued_at, created_at, created_by)",
        [
            (
                seq,
                made.id,
                made.tenant_id,
                made.test,
                made.printer_id,
                made.kind,
                json.dumps(made.package_ids),
                made.labels,
                made.state,
                made.queued_at,
                made.created_at,
                made.created_by,
            )
        ],
    )


def job(r: Reader, scope: Scope, job_id: str) -> Job | None:
    """One job of the tenant's live side or sandbox."""
    row = r.one(
        "SELECT * FROM print_jobs WHERE id = ? AND tenant_id = ? AND test = ?",
        (job_id, scope.tenant_id, scope.test),
    )
    return _job(row) if row else None


def jobs(r: Reader, scope: Scope, limit: int) -> list[Job]:
    """The newest jobs."""
    rows = r.all(
        "SELECT * FROM print_jobs WHERE tenant_id = ? AND test = ? ORDER BY seq DESC LIMIT ?",
        (scope.tenant_id, scope.test, limit),
    )
    return [_job(row) for row in rows]


def open_jobs(r: Reader) -> list[Job]:
    """Every job of the box that is queued or being sent, oldest first."""
    rows = r.all(
        "SELECT * FROM print_jobs INDEXED BY print_jobs_open"
        " WHERE state IN ('queued', 'sending') ORDER BY seq"
    )
    return [_job(row) for row in rows]


def set_job(w: Writer, was: Job, *states: str, **columns: Any) -> bool:
    """Change a job while it is in one of these states."""
    named = ", ".join(f"{name} = ?" for name in columns)
    return bool(
        w.run(
            f"UPDATE print_jobs SET {named} WHERE id = ?"  # noqa: S608
            f" AND state IN ({', '.join('?' * len(states))})",
            (*columns.values(), was.id, *states),
        )
    )


def _job(row: Any) -> Job:
    values = {name: row[name] for name in Job.__dataclass_fields__}
    values["test"] = bool(row["test"])
    values["package_ids"] = tuple(json.loads(row["package_ids"]))
    return Job(**values)
