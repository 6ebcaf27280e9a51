"""The SQL of the cold chain: bags, the rule, pack-outs, readings, files and quarantines."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from scriptrun_box.kernel.db import Reader, Writer
from scriptrun_box.kernel.scope import Actor, Scope
from scriptrun_box.packages.model import Package, package_of

from .model import (
    Bag,
    Finding,
    LoggerFile,
    Pack,
    Quarantine,
    Reading,
    Rule,
    bag_of,
    findings_text,
    quarantine_of,
)

PACK = (
    "SELECT c.*, b.name AS bag FROM cold_packs AS c JOIN cold_bags AS b ON b.id = c.bag_id"
    " WHERE c.package_id"
)

# Bags ---------------------------------------------------------------------------------------------


def insert_bag(w: Writer, scope: Scope, actor: Actor, bag: Bag) -> None:
    """Store a new bag."""
    values = (bag.id, scope.tenant_id, scope.test, bag.name, bag.hold_minutes, 1, w.now, actor.id)
    w.insert(
        "cold_bags (id, tenant_id, test, name, hold_minutes, version, created_at, created_by)",
        [values],
    )


def bag(r: Reader, scope: Scope, bag_id: str) -> Bag | None:
    """One bag of the tenant's."""
    row = r.one(
        "SELECT * FROM cold_bags WHERE id = ? AND tenant_id = ? AND test = ?",
        (bag_id, scope.tenant_id, scope.test),
    )
    return bag_of(row) if row else None


def bags(r: Reader, scope: Scope, *, retired: bool = False) -> list[Bag]:
    """The tenant's bags by name; with `retired` those that are no longer used, too."""
    rows = r.all(
        "SELECT * FROM cold_bags WHERE tenant_id = ? AND test = ? AND (? OR retired_at IS NULL)"
        " ORDER BY retired_at IS NOT NULL, name, created_at",
        (scope.tenant_id, scope.test, retired),
    )
    return [bag_of(row) for row in rows]


def bag_named(r: Reader, scope: Scope, name: str) -> Bag | None:
    """The bag in use with that name."""
    row = r.one(
        "SELECT * FROM cold_bags WHERE tenant_id = ? AND test = ? AND name = ?"
        " AND retired_at IS NULL",
        (scope.tenant_id, scope.test, name),
    )
    return bag_of(row) if row else None


def set_bag(w: Writer, bag: Bag, name: str, hold_minutes: int, retired_at: int | None) -> bool:
    """Change a bag that is as it was read."""
    return bool(
        w.run(
            "UPDATE cold_bags SET name = ?, hold_minutes = ?, retired_at = ?, version = version + 1"
            " WHERE id = ? AND version = ?",
            (name, hold_minutes, retired_at, bag.id, bag.version),
        )
    )


# The rule -----------------------------------------------------------------------------------------


def rule(r: Reader, tenant_id: str) -> Rule:
    """What counts as an excursion for a tenant."""
    row = r.one(
        "SELECT low, low_minutes, high, high_minutes FROM cold_rules WHERE tenant_id = ?",
        (tenant_id,),
    )
    return Rule(*row) if row else Rule()


def set_rule(w: Writer, tenant_id: str, actor: Actor, rule: Rule) -> None:
    """Say what counts from now on."""
    values = (tenant_id, rule.low, rule.low_minutes, rule.high, rule.high_minutes, w.now, actor.id)
    w.insert(
        "cold_rules (tenant_id, low, low_minutes, high, high_minutes, changed_at, changed_by)",
        [values],
        "ON CONFLICT DO UPDATE SET low = excluded.low, low_minutes = excluded.low_minutes,"
        " high = excluded.high, high_minutes = excluded.high_minutes,"
        " changed_at = excluded.changed_at, changed_by = excluded.changed_by",
    )


# Pack-outs ----------------------------------------------------------------------------------------


def insert_pack(w: Writer, pack: Pack) -> None:
    """Store a pack-out."""
    w.insert(
        "cold_packs (id, package_id, bag_id, gel_packs, celsius, indicator_id, packed_at,"
        " packed_by, hold_until)",
        [
            (
                pack.id,
                pack.package_id,
                pack.bag_id,
                pack.gel_packs,
                pack.celsius,
                pack.indicator_id,
                pack.packed_at,
                pack.packed_by,
                pack.hold_until,
            )
        ],
    )


def end_packs(w: Writer, package_id: str, actor: Actor) -> None:
    """Whatever a package is packed in, it no longer is."""
    w.run(
        "UPDATE cold_packs SET ended_at = ?, ended_by = ? WHERE package_id = ?"
        " AND ended_at IS NULL",
        (w.now, actor.id, package_id),
    )


def packs(r: Reader, package_id: str) -> list[Pack]:
    """A package's pack-outs, oldest first."""
    rows = r.all(f"{PACK} = ? ORDER BY c.packed_at", (package_id,))
    return [_pack_of(row) for row in rows]


def packs_of(r: Reader, package_ids: Iterable[str]) -> dict[str, Pack]:
    """{package: how it is packed now}; absent is not at all, or made up."""
    rows = r.all(
        f"{PACK} IN (SELECT value FROM json_each(?)) AND c.ended_at IS NULL",  # noqa: S608
        (json.dumps(sorted(set(package_ids))),),
    )
    return {row["package_id"]: _pack_of(row) for row in rows}


# Readings and files -------------------------------------------------------------------------------


def insert_readings(w: Writer, package_id: str, readings: Sequence[Reading]) -> int:
    """Store readings; those that are there already are left alone. How many were new."""
    before = count_readings(w, package_id)
    w.insert(
        "cold_readings (package_id, series, at, place, celsius, indicator, taken_by, recorded_at)",
        [
            (
                package_id,
                each.series,
                each.at,
                each.place,
                each.celsius,
                each.indicator,
                each.taken_by,
                each.recorded_at,
            )
            for each in readings
        ],
        "ON CONFLICT DO NOTHING",
    )
    return count_readings(w, package_id) - before


def count_readings(r: Reader, package_id: str) -> int:
    """How many readings a package has."""
    found: int = r.value("SELECT count(*) FROM cold_readings WHERE package_id = ?", (package_id,))
    return found


def readings(r: Reader, package_id: str) -> list[Reading]:
    """A package's readings in the order of time."""
    rows = r.all(
        "SELECT series, at, place, celsius, indicator, taken_by, recorded_at FROM cold_readings"
        " WHERE package_id = ?",
        (package_id,),
    )
    return sorted((Reading(*row) for row in rows), key=lambda each: each.at)


def insert_file(w: Writer, package_id: str, file: LoggerFile, sha256: str) -> None:
    """Note that a file was read in."""
    w.insert(
        "cold_files (id, package_id, hash, unit, readings, added, bad, problems, imported_at,"
        " imported_by)",
        [
            (
                file.id,
                package_id,
                sha256,
                file.unit,
                file.readings,
                file.added,
                file.bad,
                json.dumps(file.problems),
                file.imported_at,
                file.imported_by,
            )
        ],
    )


def files(r: Reader, package_id: str) -> list[LoggerFile]:
    """The files of a package, the newest first."""
    rows = r.all(
        "SELECT * FROM cold_files WHERE package_id = ? ORDER BY imported_at DESC", (package_id,)
    )
    return [
        LoggerFile(
            id=row["id"],
            unit=row["unit"],
            readings=row["readings"],
            added=row["added"],
            bad=row["bad"],
            problems=tuple((line, why) for line, why in json.loads(row["problems"])),
            imported_at=row["imported_at"],
            imported_by=row["imported_by"],
        )
        for row in rows
    ]


# Quarantine ---------------------------------------------------------------------------------------


def insert_quarantine(w: Writer, scope: Scope, each: Quarantine) -> None:
    """Store a quarantine that waits for a pharmacist."""
    w.insert(
        "cold_quarantines (id, tenant_id, test, package_id, opened_at, opened_by, findings)",
        [
            (
                each.id,
                scope.tenant_id,
                scope.test,
                each.package_id,
                each.opened_at,
                each.opened_by,
                findings_text(each.findings),
            )
        ],
    )


def set_findings(w: Writer, each: Quarantine, findings: Sequence[Finding]) -> None:
    """Say what else was found, while nobody has decided."""
    w.run(
        "UPDATE cold_quarantines SET findings = ? WHERE id = ? AND decided_at IS NULL",
        (findings_text(findings), each.id),
    )


def decide(w: Writer, each: Quarantine, actor: Actor, disposition: str, words: str) -> bool:
    """Note the decision of a quarantine that has none yet."""
    return bool(
        w.run(
            "UPDATE cold_quarantines SET decided_at = ?, decided_by = ?, disposition = ?,"
            " words = ? WHERE id = ? AND decided_at IS NULL",
            (w.now, actor.id, disposition, words, each.id),
        )
    )


def quarantines(r: Reader, package_id: str) -> list[Quarantine]:
    """A package's quarantines, the newest first."""
    rows = r.all(
        "SELECT * FROM cold_quarantines WHERE package_id = ? ORDER BY opened_at DESC, id",
        (package_id,),
    )
    return [quarantine_of(row) for row in rows]


# Packages, read only ------------------------------------------------------------------------------


def past_hold(r: Reader, now: int, limit: int) -> list[Package]:
    """Packages that are not there yet although their bag keeps cold no longer."""
    rows = r.all(
        "SELECT * FROM packages INDEXED BY packages_hold WHERE hold_until < ?"
        " AND hold_until IS NOT NULL AND quarantined_at IS NULL"
        " AND status IN ('created', 'assigned', 'out_for_delivery', 'failed')"
        " ORDER BY hold_until LIMIT ?",
        (now, limit),
    )
    return [package_of(row) for row in rows]


def cold_of_day(r: Reader, scope: Scope, date: str, limit: int) -> list[Package]:
    """The cold packages of a delivery date, oldest first."""
    rows = r.all(
        "SELECT * FROM packages INDEXED BY packages_cold_day WHERE tenant_id = ? AND test = ?"
        " AND delivery_date = ? AND cold_chain = 1 AND (? IS NULL OR location_id = ?)"
        " ORDER BY seq LIMIT ?",
        (scope.tenant_id, scope.test, date, scope.location_id, scope.location_id, limit),
    )
    return [package_of(row) for row in rows]


def quarantined(r: Reader, scope: Scope, limit: int) -> list[Package]:
    """The packages that wait for a pharmacist, of whatever day."""
    rows = r.all(
        "SELECT * FROM packages INDEXED BY packages_quarantined WHERE tenant_id = ? AND test = ?"
        " AND quarantined_at IS NOT NULL AND (? IS NULL OR location_id = ?)"
        " ORDER BY seq LIMIT ?",
        (scope.tenant_id, scope.test, scope.location_id, scope.location_id, limit),
    )
    return [package_of(row) for row in rows]


def _pack_of(row: Mapping[str, Any]) -> Pack:
    return Pack(**{name: row[name] for name in Pack.__dataclass_fields__})
