"""The SQL of packages and their moves."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from scriptrun_box.kernel import strict_json
from scriptrun_box.kernel.db import Reader, Writer
from scriptrun_box.kernel.scope import Actor, Scope

from . import words
from .model import Content, Location, Move, Package, content_of, package_of

COLUMNS = (
    "packages (status, seq, id, tenant_id, test, location_id, patient_name, patient_address,"
    " patient_phone, rx_number, medications, copay_cents, priority, delivery_date,"
    " requires_signature, cold_chain, controlled_substance, dea_schedule, external_patient_id,"
    " notes, notes_withheld, barcode, fill_number, fill_date, deliver_after, deliver_by,"
    " address_incomplete, name_key, duplicate_of, source, created_by, created_at, updated_at)"
)

COUNT_MAX = 20_000  # longer lists are "more than"
FOUND_MAX = 1_000  # and so are longer lists of what a search found

# What a list can be narrowed to by `needs`, and the condition behind each.
NEEDS = {
    "stat": "p.priority = 'stat'",
    "urgent": "p.priority = 'urgent'",
    "signature": "p.requires_signature = 1",
    "controlled": "p.controlled_substance = 1",
    "cold": "p.cold_chain = 1",
    "copay": "p.copay_cents > 0",
    "address": "p.address_incomplete = 1 AND p.status IN ('created', 'assigned')",
    "duplicate": "p.duplicate_of IS NOT NULL AND p.status IN ('created', 'assigned')",
}
OF_WAITING = ("address", "duplicate")


@dataclass(frozen=True, slots=True)
class Filter:
    """What a list of packages is narrowed to."""

    q: str = ""
    statuses: tuple[str, ...] = ()
    delivery_date: str | None = None
    external_patient_id: str | None = None
    rx_number: str | None = None
    barcode: str | None = None
    driver_id: str | None = None
    location_id: str | None = None
    needs: str = ""  # one of NEEDS
    source: str = ""
    delivered_since: int | None = None  # unix milliseconds; only what is delivered


@dataclass(frozen=True, slots=True)
class Carried:
    """How many packages a driver has right now."""

    assigned: int = 0
    out: int = 0


def insert_many(
    w: Writer,
    scope: Scope,
    actor: Actor,
    source: str,
    made: list[tuple[str, Content, str, str | None]],
) -> None:
    """Store new packages, each (id, content, name_key, duplicate_of)."""
    seq = (w.value("SELECT max(seq) FROM packages") or 0) + 1
    rows, found_by = [], []
    for number, (package_id, content, name_key, duplicate_of) in enumerate(made, seq):
        rows.append(
            (
                "created",
                number,
                package_id,
                scope.tenant_id,
                scope.test,
                content.location_id,
                *_values(content),
                name_key,
                duplicate_of,
                source,
                actor.id,
                w.now,
                w.now,
            )
        )
        found_by.append((number, words.index_words(content)))
    w.insert(COLUMNS, rows)
    w.before_commit(index, found_by)


def index(w: Writer, batches: list[list[tuple[int, str]]]) -> None:
    """The search index is written once per commit: it writes a segment at every savepoint.

    Of a package that was changed more than once in this commit the last words count.
    """
    rows = dict(row for batch in batches for row in batch)
    w.insert("package_search (rowid, words)", list(rows.items()))


def _values(content: Content) -> tuple[Any, ...]:
    return (
        content.patient_name,
        content.patient_address,
        content.patient_phone,
        content.rx_number,
        None if content.medications is None else json.dumps(content.medications),
        content.copay_cents,
        content.priority,
        content.delivery_date,
        content.requires_signature,
        content.cold_chain,
        content.controlled_substance,
        content.dea_schedule,
        content.external_patient_id,
        content.notes,
        content.notes_withheld,
        content.barcode,
        content.fill_number,
        content.fill_date,
        content.deliver_after,
        content.deliver_by,
        content.address_incomplete,
    )


def same_name_and_date(
    r: Reader, scope: Scope, wanted: list[tuple[str, str, str | None]]
) -> list[tuple[str, str, Content]]:
    """(id, name_key, content) of packages not yet out with a wanted (date, name_key, rx).

    Only of those the scope may see: who may not see a package does not hear of it either.
    """
    with_rx = [each for each in wanted if each[2] is not None]
    without = [each for each in wanted if each[2] is None]
    rows = _waiting(r, scope, "packages_rx", "p.rx_number = (j.value ->> 2)", with_rx)
    rows += _waiting(r, scope, "packages_without_rx", "p.rx_number IS NULL", without)
    return [(row["id"], row["name_key"], content_of(row)) for row in rows]


def _waiting(
    r: Reader, scope: Scope, index: str, has_rx: str, wanted: list[tuple[str, str, str | None]]
) -> list[Any]:
    if not wanted:
        return []
    sql = (
        f"SELECT p.* FROM json_each(?) AS j CROSS JOIN packages AS p INDEXED BY {index}"  # noqa: S608
        f" ON p.tenant_id = ? AND p.test = ? AND {has_rx}"
        " AND p.delivery_date = j.value ->> 0 AND p.name_key = j.value ->> 1"
        " AND p.status IN ('created', 'assigned') AND (? IS NULL OR p.location_id = ?)"
    )
    return r.all(sql, (strict_json.dumps(wanted).decode(), *_whose(scope)))


def get(r: Reader, scope: Scope, package_id: str) -> Package | None:
    """One package, where the scope may see it."""
    row = r.one(
        "SELECT * FROM packages WHERE id = ? AND tenant_id = ? AND test = ?"
        " AND (? IS NULL OR location_id = ?)",
        (package_id, *_whose(scope)),
    )
    return package_of(row) if row else None


def these(r: Reader, scope: Scope, package_ids: Iterable[str]) -> list[Package]:
    """Those of the named packages the scope may see."""
    rows = r.all(
        "SELECT * FROM packages WHERE id IN (SELECT value FROM json_each(?))"
        " AND tenant_id = ? AND test = ? AND (? IS NULL OR location_id = ?)",
        (json.dumps(sorted(set(package_ids))), *_whose(scope)),
    )
    return [package_of(row) for row in rows]


def page(r: Reader, scope: Scope, wanted: Filter, before: int | None, limit: int) -> list[Package]:
    """Packages newest first, behind the `seq` of the last one shown."""
    searched = bool(words.typed_words(wanted.q))
    if len(wanted.statuses) > 1 and not searched:  # each status has its order in the index
        each = [replace(wanted, statuses=(status,)) for status in wanted.statuses]
        found = [package for one in each for package in page(r, scope, one, before, limit)]
        return sorted(found, key=lambda package: -package.seq)[:limit]
    source, where, values = _narrowed(scope, wanted)
    newest_first = "s.rowid" if searched else "p.seq"
    if before is not None:
        where += f" AND {newest_first} < ?"
        values.append(before)
    sql = f"SELECT p.* FROM {source} WHERE {where} ORDER BY {newest_first} DESC LIMIT ?"  # noqa: S608
    return [package_of(row) for row in r.all(sql, [*values, limit])]


def count(r: Reader, scope: Scope, wanted: Filter) -> tuple[int, int]:
    """(how many packages there are, the most that are counted: a larger number is "more than")."""
    source, where, values = _narrowed(scope, wanted)
    most = FOUND_MAX if words.typed_words(wanted.q) else COUNT_MAX
    sql = f"SELECT count(*) FROM (SELECT 1 FROM {source} WHERE {where} LIMIT {most + 1})"  # noqa: S608
    return r.value(sql, values), most


def changed_since(
    r: Reader, scope: Scope, wanted: Filter, after: tuple[int, int], limit: int
) -> list[Package]:
    """Packages by ascending (updated_at, seq), behind that of the last one shown."""
    source, where, values = _narrowed(scope, wanted)
    sql = (
        f"SELECT p.* FROM {source} WHERE {where}"  # noqa: S608
        " AND (p.updated_at, p.seq) > (?, ?) ORDER BY p.updated_at, p.seq LIMIT ?"
    )
    return [package_of(row) for row in r.all(sql, [*values, *after, limit])]


def _whose(scope: Scope) -> tuple[Any, ...]:
    return scope.tenant_id, scope.test, scope.location_id, scope.location_id


def _narrowed(scope: Scope, wanted: Filter) -> tuple[str, str, list[Any]]:
    """FROM and WHERE of a list, with the values; with a search, what was found drives it."""
    source = "packages AS p"
    where, values = ["p.tenant_id = ?", "p.test = ?"], [scope.tenant_id, scope.test]
    typed = words.typed_words(wanted.q)
    if typed:
        source = "package_search AS s CROSS JOIN packages AS p ON p.seq = s.rowid"
        where.append("s.package_search MATCH ?")
        values.append(words.match(typed))
    if scope.location_id:
        where.append("p.location_id = ?")
        values.append(scope.location_id)
    if wanted.statuses:
        where.append(f"p.status IN ({', '.join('?' * len(wanted.statuses))})")
        values += wanted.statuses
    for column in (
        "delivery_date",
        "external_patient_id",
        "rx_number",
        "barcode",
        "driver_id",
        "location_id",
    ):
        value = getattr(wanted, column)
        if value is not None:
            where.append(f"p.{column} = ?")
            values.append(value)
    if wanted.delivered_since is not None:
        # What was delivered since then was changed since then: that is what the index knows.
        where.append("p.status = 'delivered' AND p.updated_at >= ? AND p.delivered_at >= ?")
        values += [wanted.delivered_since] * 2
    if wanted.needs:
        where.append(NEEDS[wanted.needs])
        if wanted.needs in OF_WAITING and not typed:
            source += " INDEXED BY packages_status"  # few rows, while the list's order is all
    if wanted.source:
        where.append("p.source = ?")
        values.append(wanted.source)
        if wanted.source != "api":
            where.append("p.source != 'api'")  # as the index of those says it
    return source, " AND ".join(where), values


def carried(r: Reader, scope: Scope, driver_ids: Iterable[str]) -> dict[str, Carried]:
    """What each of these drivers has right now, of what the scope may see; absent is nothing."""
    rows = r.all(
        "SELECT driver_id, sum(status = 'assigned') AS assigned,"
        " sum(status = 'out_for_delivery') AS out FROM packages INDEXED BY packages_carried"
        " WHERE driver_id IN (SELECT value FROM json_each(?))"
        " AND status IN ('assigned', 'out_for_delivery') AND tenant_id = ? AND test = ?"
        " AND (? IS NULL OR location_id = ?) GROUP BY driver_id",
        (json.dumps(sorted(set(driver_ids))), *_whose(scope)),
    )
    return {row["driver_id"]: Carried(row["assigned"], row["out"]) for row in rows}


def on_route(r: Reader, scope: Scope, route_id: str) -> list[Package]:
    """Every package that is on a route now, or ended on it, of what the scope may see."""
    rows = r.all(
        "SELECT * FROM packages WHERE route_id = ? AND tenant_id = ? AND test = ?"
        " AND (? IS NULL OR location_id = ?) ORDER BY seq",
        (route_id, *_whose(scope)),
    )
    return [package_of(row) for row in rows]


def count_on_routes(r: Reader, route_ids: Iterable[str]) -> dict[str, int]:
    """{route: how many packages are on it}; absent is none."""
    rows = r.all(
        "SELECT route_id, count(*) AS number FROM packages INDEXED BY packages_route"
        " WHERE route_id IN (SELECT value FROM json_each(?)) GROUP BY route_id",
        (json.dumps(sorted(set(route_ids))),),
    )
    return {row["route_id"]: row["number"] for row in rows}


def carried_needs(r: Reader, tenant_id: str, driver_id: str) -> tuple[bool, bool]:
    """Whether a driver has anything cold, and anything controlled, right now."""
    row = r.one(
        "SELECT max(cold_chain) AS cold, max(controlled_substance) AS controlled"
        " FROM packages INDEXED BY packages_carried WHERE driver_id = ?"
        " AND status IN ('assigned', 'out_for_delivery') AND tenant_id = ?",
        (driver_id, tenant_id),
    )
    return bool(row["cold"]), bool(row["controlled"])


def set_status(w: Writer, package: Package, to_status: str, **facts: Any) -> bool:
    """Compare and set: move on only from the status that was read; further columns with it."""
    columns = "".join(f", {name} = ?" for name in facts)
    return bool(
        w.run(
            f"UPDATE packages SET status = ?, updated_at = ?{columns} WHERE id = ? AND status = ?",  # noqa: S608
            (to_status, w.now, *facts.values(), package.id, package.status),
        )
    )


def set_facts(w: Writer, package: Package, **facts: Any) -> bool:
    """Set columns of a package that is still in the status that was read."""
    return set_status(w, package, package.status, **facts)


def set_location(w: Writer, package_id: str, door: str, location: Location | None) -> None:
    """Say where a package's door is. No change of the order: its time of change stays."""
    w.run(
        "UPDATE packages SET door = ?, lat = ?, lng = ?, location_source = ?,"
        " location_confidence = ?, readdressed = NULL WHERE id = ?",
        (
            door,
            location and location.lat,
            location and location.lng,
            location and location.source,
            location and location.confidence,
            package_id,
        ),
    )


def set_content(w: Writer, package: Package, content: Content, duplicate_of: str | None) -> bool:
    """Replace what the order said, while the package is in the status that was read."""
    changed = w.run(
        "UPDATE packages SET patient_name = ?, patient_address = ?, patient_phone = ?,"
        " rx_number = ?, medications = ?, copay_cents = ?, priority = ?, delivery_date = ?,"
        " requires_signature = ?, cold_chain = ?, controlled_substance = ?, dea_schedule = ?,"
        " external_patient_id = ?, notes = ?, notes_withheld = ?, barcode = ?, fill_number = ?,"
        " fill_date = ?, deliver_after = ?, deliver_by = ?, address_incomplete = ?, name_key = ?,"
        " location_id = ?, duplicate_of = ?, updated_at = ? WHERE id = ? AND status = ?",
        (
            *_values(content),
            words.name_key(content.patient_name),
            content.location_id,
            duplicate_of,
            w.now,
            package.id,
            package.status,
        ),
    )
    if changed:
        w.run("DELETE FROM package_search WHERE rowid = ?", (package.seq,))
        w.before_commit(index, [(package.seq, words.index_words(content))])
    return bool(changed)


def add_move(
    w: Writer, package: Package, actor: Actor, act: str, to_status: str, detail: dict[str, Any]
) -> None:
    """Write the who-and-when row of a change, in its transaction."""
    w.run(
        "INSERT INTO package_moves (package_id, at, actor, act, from_status, to_status, detail)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (package.id, w.now, actor.id, act, package.status, to_status, json.dumps(detail)),
    )


def moves(r: Reader, package: Package) -> list[Move]:
    """A package's timeline from its creation on, oldest first."""
    created = Move(
        package.created_at, package.created_by, "create", "", "created", {"source": package.source}
    )
    rows = r.all("SELECT * FROM package_moves WHERE package_id = ? ORDER BY seq", (package.id,))
    return [
        created,
        *(
            Move(
                row["at"],
                row["actor"],
                row["act"],
                row["from_status"],
                row["to_status"],
                json.loads(row["detail"]),
            )
            for row in rows
        ),
    ]
