"""The SQL of patients, and what is asked of their packages."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from scriptrun_box.kernel import ids
from scriptrun_box.kernel.db import Reader, Writer
from scriptrun_box.kernel.scope import Scope
from scriptrun_box.packages import words
from scriptrun_box.packages.model import Package, package_of

from .model import Patient, Profile, Shown, columns_of, patient_of

COLUMNS = (
    "patients (seq, id, tenant_id, test, location_id, number, receivers, version, created_at,"
    " updated_at)"
)
FOUND_MAX = 2_000  # packages a search looks at, the newest first
COUNT_MAX = 20_000  # longer lists are "more than"
OPEN_SQL = "('created', 'assigned', 'out_for_delivery', 'failed')"
# A dispatch account's locations are its clients, each with numbers of its own.
CLIENT = "CASE t.kind WHEN 'dispatch' THEN p.location_id ELSE '' END"


@dataclass(frozen=True, slots=True)
class Number:
    """A patient number as the orders carry it; `location_id` is empty but for a dispatch client."""

    tenant_id: str
    test: bool
    location_id: str
    number: str


# How rows appear ---------------------------------------------------------------------------------


def unknown(r: Reader, after: int, through: int) -> list[Number]:
    """Numbers of the packages in (after, through] that have no row yet."""
    rows = r.all(
        f"SELECT DISTINCT p.tenant_id, p.test, {CLIENT} AS client, p.external_patient_id AS number"  # noqa: S608
        " FROM packages AS p CROSS JOIN tenants AS t ON t.id = p.tenant_id"
        " WHERE p.seq > ? AND p.seq <= ? AND p.external_patient_id IS NOT NULL"
        " AND NOT EXISTS (SELECT 1 FROM patients AS known WHERE known.tenant_id = p.tenant_id"
        f" AND known.test = p.test AND known.location_id = {CLIENT}"
        " AND known.number = p.external_patient_id)",
        (after, through),
    )
    return [
        Number(row["tenant_id"], bool(row["test"]), row["client"], row["number"]) for row in rows
    ]


def insert(w: Writer, numbers: Sequence[Number]) -> list[str]:
    """A row for each of these numbers that has none; the ids of the new ones."""
    seq = w.value("SELECT max(seq) FROM patients") or 0
    receivers = json.dumps([])
    made = []
    for place, each in enumerate(numbers, seq + 1):
        patient_id = ids.prefixed("pat")
        made.append(
            (
                place,
                patient_id,
                each.tenant_id,
                each.test,
                each.location_id,
                each.number,
                receivers,
                1,
                w.now,
                w.now,
            )
        )
    w.insert(COLUMNS, made, "ON CONFLICT DO NOTHING")
    return [row[1] for row in made]


def newest_package(r: Reader) -> int:
    """The place of the newest package in the file; 0 before the first."""
    return r.value("SELECT max(seq) FROM packages") or 0


# One patient -------------------------------------------------------------------------------------


def get(r: Reader, scope: Scope, patient_id: str) -> Patient | None:
    """One patient, living or not, where the scope may see them."""
    row = r.one(
        "SELECT * FROM patients WHERE id = ? AND tenant_id = ? AND test = ?"
        " AND (? IS NULL OR location_id = ?)",
        (patient_id, scope.tenant_id, scope.test, scope.location_id, scope.location_id),
    )
    return patient_of(row) if row else None


def for_package(r: Reader, package: Package) -> Patient | None:
    """The living patient a package is for; None where its order names no number."""
    if package.content.external_patient_id is None:
        return None
    row = r.one(
        "SELECT living.* FROM tenants AS t CROSS JOIN patients AS own ON own.tenant_id = t.id"
        " AND own.test = ? AND own.number = ?"
        " AND own.location_id = CASE t.kind WHEN 'dispatch' THEN ? ELSE '' END"
        " CROSS JOIN patients AS living ON living.id = coalesce(own.merged_into, own.id)"
        " WHERE t.id = ?",
        (
            package.test,
            package.content.external_patient_id,
            package.content.location_id,
            package.tenant_id,
        ),
    )
    return patient_of(row) if row else None


def all_of(r: Reader, patient: Patient) -> list[Patient]:
    """A living patient and everybody merged into them."""
    rows = r.all("SELECT * FROM patients WHERE merged_into = ? ORDER BY seq", (patient.id,))
    return [patient, *(patient_of(row) for row in rows)]


def set_profile(w: Writer, was: Patient, profile: Profile) -> bool:
    """Replace what is said of a patient, while they are as they were read."""
    return _set(w, was, **columns_of(profile))


def set_merged(w: Writer, was: Patient, into: str | None) -> bool:
    """Merge a patient, with everybody merged into them, into another; or split one off (None)."""
    if into is not None:
        w.run(
            "UPDATE patients SET merged_into = ?, updated_at = ?, version = version + 1"
            " WHERE merged_into = ?",
            (into, w.now, was.id),
        )
    return _set(w, was, merged_into=into)


def _set(w: Writer, was: Patient, **columns: Any) -> bool:
    names = "".join(f"{name} = ?, " for name in columns)
    return bool(
        w.run(
            f"UPDATE patients SET {names}updated_at = ?, version = version + 1"  # noqa: S608
            " WHERE id = ? AND version = ?",
            (*columns.values(), w.now, was.id, was.version),
        )
    )


# Lists -------------------------------------------------------------------------------------------


def page(
    r: Reader, scope: Scope, q: str, number: str | None, before: int | None, limit: int
) -> list[Patient]:
    """Living patients newest first, behind the `seq` of the last one shown."""
    where, values = _where(scope, q, number)
    if before is not None:
        where += " AND n.seq < ?"
        values.append(before)
    sql = f"SELECT n.* FROM patients AS n WHERE {where} ORDER BY n.seq DESC LIMIT ?"  # noqa: S608
    return [patient_of(row) for row in r.all(sql, [*values, limit])]


def count(r: Reader, scope: Scope, q: str) -> int:
    """How many there are, at most COUNT_MAX + 1."""
    where, values = _where(scope, q, None)
    sql = f"SELECT count(*) FROM (SELECT 1 FROM patients AS n WHERE {where} LIMIT {COUNT_MAX + 1})"  # noqa: S608
    found: int = r.value(sql, values)
    return found


def _where(scope: Scope, q: str, number: str | None) -> tuple[str, list[Any]]:
    where = "n.tenant_id = ? AND n.test = ? AND n.merged_into IS NULL AND n.erased_at IS NULL"
    values: list[Any] = [scope.tenant_id, scope.test]
    if scope.location_id is not None:
        where += " AND n.location_id = ?"
        values.append(scope.location_id)
    if number is not None:
        where += (
            " AND n.id IN (SELECT coalesce(own.merged_into, own.id) FROM patients AS own"
            " WHERE own.tenant_id = ? AND own.test = ? AND own.number = ?)"
        )
        values += [scope.tenant_id, scope.test, number]
    typed = words.typed_words(q)
    if typed:
        where += f" AND n.id IN ({_FOUND})"
        values += [words.match(typed), scope.tenant_id, scope.test, FOUND_MAX]
    return where, values


# Patients whose packages have the words: any name they ever came under, phones, numbers.
_FOUND = (
    "SELECT coalesce(own.merged_into, own.id) FROM ("  # noqa: S608
    " SELECT p.tenant_id, p.test, p.location_id, p.external_patient_id"
    " FROM package_search AS s CROSS JOIN packages AS p ON p.seq = s.rowid"
    " WHERE s.package_search MATCH ? AND p.tenant_id = ? AND p.test = ?"
    " AND p.external_patient_id IS NOT NULL ORDER BY s.rowid DESC LIMIT ?) AS p"
    " CROSS JOIN tenants AS t ON t.id = p.tenant_id"
    " CROSS JOIN patients AS own ON own.tenant_id = p.tenant_id AND own.test = p.test"
    f" AND own.location_id = {CLIENT} AND own.number = p.external_patient_id"
)


def show(r: Reader, patients: Sequence[Patient]) -> list[Shown]:
    """Living patients with their numbers and newest packages."""
    others: dict[str, list[Patient]] = {}
    rows = r.all(
        "SELECT * FROM patients WHERE merged_into IN (SELECT value FROM json_each(?)) ORDER BY seq",
        (json.dumps([each.id for each in patients]),),
    )
    for row in rows:
        others.setdefault(row["merged_into"], []).append(patient_of(row))
    shown = []
    for patient in patients:
        numbers = numbers_of([patient, *others.get(patient.id, ())])
        newest = packages_of(r, patient, numbers, None, 1)
        shown.append(Shown(patient, numbers, newest[0] if newest else None))
    return shown


def numbers_of(rows: Sequence[Patient]) -> tuple[str, ...]:
    """The numbers of these rows, in their order."""
    return tuple(each.number for each in rows if each.number is not None)


# Their packages ----------------------------------------------------------------------------------

_OF = (
    "FROM packages AS p INDEXED BY packages_patient WHERE p.tenant_id = ?"
    " AND p.external_patient_id = ? AND p.test = ? AND (? = '' OR p.location_id = ?)"
)


def packages_of(
    r: Reader, patient: Patient, numbers: Sequence[str], before: int | None, limit: int
) -> list[Package]:
    """A patient's packages newest first, behind the `seq` of the last one shown."""
    found = []
    for number in numbers:
        values: list[Any] = _whose(patient, number)
        behind = ""
        if before is not None:
            behind = " AND p.seq < ?"
            values.append(before)
        sql = f"SELECT p.* {_OF}{behind} ORDER BY p.seq DESC LIMIT ?"
        found += [package_of(row) for row in r.all(sql, [*values, limit])]
    return sorted(found, key=lambda package: -package.seq)[:limit]


def count_packages(
    r: Reader, patient: Patient, numbers: Sequence[str], *, open_only: bool = False
) -> int:
    """How many packages a patient has, or of them those that are not over."""
    more = f" AND p.status IN {OPEN_SQL}" if open_only else ""
    return sum(
        r.value(f"SELECT count(*) {_OF}{more}", _whose(patient, number)) for number in numbers
    )


def _whose(patient: Patient, number: str) -> list[Any]:
    location_id = patient.location_id
    return [patient.tenant_id, number, patient.test, location_id, location_id]


# Erasure -----------------------------------------------------------------------------------------


def forget(w: Writer, patient: Patient) -> None:
    """Overwrite a patient, and delete who was merged into them."""
    w.run("DELETE FROM patients WHERE merged_into = ?", (patient.id,))
    _set(w, patient, **columns_of(Profile()), number=None, erased_at=w.now)


def insert_erasure(w: Writer, made: Any) -> None:
    """Keep the proof; `made` is an `erasing.Erasure`."""
    w.run(
        "INSERT INTO erasures (patient_id, tenant_id, test, at, by, packages, digest)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            made.patient_id,
            made.tenant_id,
            made.test,
            made.at,
            made.by,
            made.packages,
            made.digest,
        ),
    )


def erasure(r: Reader, scope: Scope, patient_id: str) -> Any:
    """The row of one erasure, where the scope may see the patient it was about; else None."""
    if get(r, scope, patient_id) is None:
        return None
    return r.one("SELECT * FROM erasures WHERE patient_id = ?", (patient_id,))


def erasures(r: Reader, scope: Scope) -> list[Any]:
    """The rows of every erasure, the newest first; none for a key of one location."""
    if scope.location_id is not None:
        return []
    return r.all(
        "SELECT * FROM erasures WHERE tenant_id = ? AND test = ? ORDER BY at DESC, patient_id",
        (scope.tenant_id, scope.test),
    )


def unfinished(r: Reader) -> list[str]:
    """Patients of whom the file may still have bytes."""
    rows = r.all("SELECT patient_id FROM erasures WHERE finished_at IS NULL")
    return [row["patient_id"] for row in rows]


def set_finished(w: Writer, patient_ids: Sequence[str], at: int) -> None:
    """Note that nothing of them is left in the file."""
    w.many(
        "UPDATE erasures SET finished_at = ? WHERE patient_id = ?",
        [(at, patient_id) for patient_id in patient_ids],
    )


def rebuild(w: Writer) -> None:
    """Write the index of numbers anew: pages it once split may have a stale one."""
    with w.leaving_no_trace():
        w.run("REINDEX patients_number")
