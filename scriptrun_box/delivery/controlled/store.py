"""The SQL of releases, custody, dispositions, incidents, closes, state rules and drivers' PINs."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from scriptrun_box.kernel import ids
from scriptrun_box.kernel.db import Reader, Writer
from scriptrun_box.kernel.scope import Scope

from .model import (
    Disposition,
    Incident,
    Line,
    Release,
    Rule,
    Transfer,
    line_of,
    release_of,
    transfer_of,
)

INCIDENT = ", ".join(Incident.__dataclass_fields__)
LOGGED = """
SELECT c.seq, c.at, c.package_id, c.location_id, c.driver_id, c.giver, c.seal,
  coalesce(r.schedule, p.dea_schedule, '') AS schedule, p.rx_number, p.fill_number, p.fill_date,
  p.patient_name, p.patient_address, p.status, r.at AS released_at, r.by AS released_by,
  r.second_by, p.delivered_at, b.at AS back_at, b.kind AS back_kind, b.status AS back_status,
  b.taker, b.seal_intact, b.count_ok, d.decision, d.at AS decided_at, d.by AS decided_by,
  (SELECT id FROM incidents AS i WHERE i.custody_seq = c.seq ORDER BY i.seq LIMIT 1) AS incident_id
FROM custody AS c INDEXED BY custody_days
CROSS JOIN packages AS p ON p.id = c.package_id
LEFT JOIN releases AS r ON r.seq = (SELECT max(seq) FROM releases AS o
  WHERE o.package_id = c.package_id AND o.at <= c.at)
LEFT JOIN custody AS b ON b.seq = (SELECT min(seq) FROM custody AS n
  WHERE n.package_id = c.package_id AND n.seq > c.seq)
LEFT JOIN dispositions AS d ON d.custody_seq = b.seq
WHERE c.kind = 'out' AND c.tenant_id = ? AND c.test = ?"""


@dataclass(frozen=True, slots=True)
class Filter:
    """What the log is narrowed to; times in unix milliseconds."""

    since: int = 0
    until: int | None = None  # not including it
    schedules: tuple[str, ...] = ()
    location_id: str | None = None
    after_seq: int = 0
    until_seq: int | None = None


# rules and PINs ---------------------------------------------------------------------------------


def own_rules(r: Reader, tenant_id: str) -> list[Rule]:
    """The rules an owner changed."""
    rows = r.all("SELECT * FROM state_rules WHERE tenant_id = ?", (tenant_id,))
    return [
        Rule(
            row["state"],
            row["ask_id"],
            row["min_age"],
            row["second_check"],
            bool(row["restock"]),
            row["signer"],
            row["source"],
            own=True,
        )
        for row in rows
    ]


def set_rule(w: Writer, tenant_id: str, rule: Rule, by: str) -> None:
    """Put a rule in the place of what was there for its state."""
    w.insert(
        "state_rules (tenant_id, state, ask_id, min_age, second_check, restock, signer, source,"
        " changed_at, changed_by)",
        [
            (
                tenant_id,
                rule.state,
                rule.ask_id,
                rule.min_age,
                rule.second_check,
                rule.restock,
                rule.signer,
                rule.source,
                w.now,
                by,
            )
        ],
        "ON CONFLICT DO UPDATE SET ask_id = excluded.ask_id, min_age = excluded.min_age,"
        " second_check = excluded.second_check, restock = excluded.restock,"
        " signer = excluded.signer, source = excluded.source, changed_at = excluded.changed_at,"
        " changed_by = excluded.changed_by",
    )


def drop_rule(w: Writer, tenant_id: str, state: str) -> bool:
    """Go back to what came with the box."""
    sql = "DELETE FROM state_rules WHERE tenant_id = ? AND state = ?"
    return bool(w.run(sql, (tenant_id, state)))


def set_pin(w: Writer, tenant_id: str, driver_id: str, pin: str, by: str) -> None:
    """Store a driver's (already hashed) PIN; wrong guesses are forgotten."""
    w.insert(
        "driver_pins (driver_id, tenant_id, pin, set_at, set_by)",
        [(driver_id, tenant_id, pin, w.now, by)],
        "ON CONFLICT DO UPDATE SET pin = excluded.pin, failures = 0, set_at = excluded.set_at,"
        " set_by = excluded.set_by",
    )


def pin(r: Reader, driver_id: str) -> Any:
    """A driver's PIN with its wrong guesses, or None."""
    return r.one("SELECT * FROM driver_pins WHERE driver_id = ?", (driver_id,))


def drivers_with_pin(r: Reader, tenant_id: str) -> set[str]:
    """Who can confirm at the counter."""
    rows = r.all("SELECT driver_id FROM driver_pins WHERE tenant_id = ?", (tenant_id,))
    return {row["driver_id"] for row in rows}


def count_failure(w: Writer, driver_id: str, right: bool) -> None:
    """One more wrong guess; the right one forgets them."""
    counted = "0" if right else "failures + 1"
    w.run(f"UPDATE driver_pins SET failures = {counted} WHERE driver_id = ?", (driver_id,))  # noqa: S608


# releases and the chain ---------------------------------------------------------------------------


def insert_release(w: Writer, scope: Scope, made: Release) -> bool:
    """Store a release; False where the seal was used before."""
    values = (
        scope.tenant_id,
        scope.test,
        made.package_id,
        made.schedule,
        made.seal,
        made.state,
        json.dumps(made.rule),
        made.at,
        made.by,
        made.second_by,
    )
    return bool(
        w.run(
            "INSERT INTO releases (tenant_id, test, package_id, schedule, seal, state, rule, at,"
            " by, second_by) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            values,
        )
    )


def release(r: Reader, package_id: str) -> Release | None:
    """The last release of a package, whether it still holds or not."""
    row = r.one(
        "SELECT * FROM releases WHERE package_id = ? ORDER BY seq DESC LIMIT 1", (package_id,)
    )
    return release_of(row) if row else None


def releases(r: Reader, package_id: str) -> list[Release]:
    """Every release of a package, oldest first."""
    rows = r.all("SELECT * FROM releases WHERE package_id = ? ORDER BY seq", (package_id,))
    return [release_of(row) for row in rows]


def end_release(w: Writer, found: Release) -> None:
    """What was released is no longer as it was."""
    w.run("UPDATE releases SET ended_at = ? WHERE seq = ? AND ended_at IS NULL", (w.now, found.seq))


def add_transfer(w: Writer, scope: Scope, made: Transfer) -> Transfer:
    """Add a row to the chain; with the number it got."""
    kept = [name for name in Transfer.__dataclass_fields__ if name != "seq"]
    values = asdict(made)
    marks = ", ".join("?" * (len(kept) + 2))
    w.run(
        f"INSERT INTO custody (tenant_id, test, {', '.join(kept)}) VALUES ({marks})",  # noqa: S608
        (scope.tenant_id, scope.test, *(values[name] for name in kept)),
    )
    row = w.one("SELECT * FROM custody WHERE seq = last_insert_rowid()")
    return transfer_of(row)


def chain(r: Reader, package_id: str) -> list[Transfer]:
    """The hands a package went through, oldest first."""
    rows = r.all("SELECT * FROM custody WHERE package_id = ? ORDER BY seq", (package_id,))
    return [transfer_of(row) for row in rows]


def add_disposition(w: Writer, made: Disposition) -> bool:
    """Store a decision; False where there is one about this return."""
    return bool(
        w.run(
            "INSERT INTO dispositions (custody_seq, package_id, decision, note, at, by)"
            " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            tuple(asdict(made).values()),
        )
    )


def dispositions(r: Reader, package_id: str) -> list[Disposition]:
    """What was decided about a package, oldest first."""
    rows = r.all(
        "SELECT custody_seq, package_id, decision, note, at, by FROM dispositions"
        " WHERE package_id = ? ORDER BY custody_seq",
        (package_id,),
    )
    return [Disposition(*row) for row in rows]


def log(r: Reader, scope: Scope, wanted: Filter, limit: int) -> list[Line]:
    """Hand-overs to drivers and what became of each, oldest first."""
    where, values = _narrowed(scope, wanted)
    rows = r.all(f"{LOGGED}{where} ORDER BY c.at, c.seq LIMIT ?", [*values, limit])
    return [line_of(row) for row in rows]


def newest(
    r: Reader, scope: Scope, wanted: Filter, before: tuple[int, ...] | None, limit: int
) -> list[Line]:
    """The same newest first, behind the (at, seq) of the last one shown."""
    where, values = _narrowed(scope, wanted)
    if before is not None:
        where += " AND (c.at, c.seq) < (?, ?)"
        values += before
    rows = r.all(f"{LOGGED}{where} ORDER BY c.at DESC, c.seq DESC LIMIT ?", [*values, limit])
    return [line_of(row) for row in rows]


def _narrowed(scope: Scope, wanted: Filter) -> tuple[str, list[Any]]:
    where, values = "", [scope.tenant_id, scope.test]
    conditions: Sequence[tuple[str, Any]] = (
        ("c.at >= ?", wanted.since or None),
        ("c.at < ?", wanted.until),
        ("c.seq > ?", wanted.after_seq or None),
        ("c.seq <= ?", wanted.until_seq),
        ("c.location_id = ?", scope.location_id),
        ("c.location_id = ?", wanted.location_id),
    )
    for condition, value in conditions:
        if value is not None:
            where += f" AND {condition}"
            values.append(value)
    if wanted.schedules:
        marks = ", ".join("?" * len(wanted.schedules))
        where += f" AND coalesce(r.schedule, p.dea_schedule, '') IN ({marks})"
        values += wanted.schedules
    return where, values


def last_out(r: Reader, scope: Scope, location_id: str, until: int) -> int:
    """The number of a location's last hand-over before a moment; 0 where there is none."""
    seq: int | None = r.value(
        "SELECT max(seq) FROM custody INDEXED BY custody_days WHERE kind = 'out'"
        " AND tenant_id = ? AND test = ? AND at < ? AND location_id = ?",
        (scope.tenant_id, scope.test, until, location_id),
    )
    return seq or 0


# incidents ----------------------------------------------------------------------------------------


def add_incident(w: Writer, scope: Scope, made: Mapping[str, Any]) -> str:
    """Store an incident; its id."""
    incident_id = ids.prefixed("inc")
    w.insert(
        "incidents (id, tenant_id, test, location_id, package_id, custody_seq, kind, words,"
        " opened_at, opened_by, notice_due, form_due)",
        [
            (
                incident_id,
                scope.tenant_id,
                scope.test,
                made["location_id"],
                made["package_id"],
                made["custody_seq"],
                made["kind"],
                made["words"],
                w.now,
                made["opened_by"],
                made["notice_due"],
                made["form_due"],
            )
        ],
    )
    return incident_id


def incident(r: Reader, scope: Scope, incident_id: str) -> Incident | None:
    """One incident, where the scope may see it."""
    row = r.one(
        f"SELECT {INCIDENT} FROM incidents WHERE id = ? AND tenant_id = ? AND test = ?"  # noqa: S608
        " AND (? IS NULL OR location_id = ?)",
        (incident_id, scope.tenant_id, scope.test, scope.location_id, scope.location_id),
    )
    return Incident(*row) if row else None


def incidents(r: Reader, scope: Scope, limit: int) -> list[Incident]:
    """Incidents, newest first."""
    rows = r.all(
        f"SELECT {INCIDENT} FROM incidents WHERE tenant_id = ? AND test = ?"  # noqa: S608
        " ORDER BY seq DESC LIMIT ?",
        (scope.tenant_id, scope.test, limit),
    )
    return [Incident(*row) for row in rows]


def incidents_of(r: Reader, package_id: str) -> list[Incident]:
    """A package's incidents, oldest first."""
    sql = f"SELECT {INCIDENT} FROM incidents WHERE package_id = ? ORDER BY seq"  # noqa: S608
    return [Incident(*row) for row in r.all(sql, (package_id,))]


def open_incidents(r: Reader) -> list[tuple[Scope, Incident]]:
    """What is not closed, of every tenant, with whose it is."""
    rows = r.all(
        f"SELECT tenant_id, test, {INCIDENT} FROM incidents INDEXED BY incidents_open"  # noqa: S608
        " WHERE closed_at IS NULL ORDER BY seq"
    )
    return [(Scope(row["tenant_id"], bool(row["test"])), Incident(*tuple(row)[2:])) for row in rows]


def mark_incident(w: Writer, found: Incident, step: str, by: str) -> bool:
    """Note who did a step (notified, filed, closed) and when; False where it was done before."""
    sql = (
        f"UPDATE incidents SET {step}_at = ?, {step}_by = ? WHERE id = ?"  # noqa: S608
        f" AND {step}_at IS NULL AND closed_at IS NULL"
    )
    return bool(w.run(sql, (w.now, by, found.id)))


def set_closing_words(w: Writer, found: Incident, words: str) -> None:
    """Say why an incident is closed."""
    w.run("UPDATE incidents SET closing_words = ? WHERE id = ?", (words, found.id))
