"""The SQL of routes, their stops and what became of their packages."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from scriptrun_box.kernel.db import Reader, Writer
from scriptrun_box.kernel.scope import Actor, Scope
from scriptrun_box.packages.redaction import ERASED
from scriptrun_box.packages.words import fold

from .model import Count, Route, Stop, breaks_wire, route_of, stop_of
from .plan import Plan, plan_of

COLUMNS = (
    "routes (seq, id, tenant_id, test, location_id, driver_id, date, status, ends_at_start,"
    " leaves_at, breaks, version, created_at, created_by, updated_at, updated_by)"
)
PACES = 20  # finished routes that say how fast one gets on around a location


@dataclass(frozen=True, slots=True)
class Filter:
    """What a list of routes is narrowed to; None where it does not matter."""

    date: str | None = None
    statuses: tuple[str, ...] = ()
    driver_id: str | None = None
    location_id: str | None = None
    q: str = ""  # parts of the driver's name


def insert(w: Writer, made: Route) -> None:
    """Store a new route without stops; the place in the list is given here."""
    seq = (w.value("SELECT max(seq) FROM routes") or 0) + 1
    values = (
        seq,
        made.id,
        made.tenant_id,
        made.test,
        made.location_id,
        made.driver_id,
        made.date,
        made.status,
        made.ends_at_start,
        made.leaves_at,
        json.dumps(breaks_wire(made.breaks)),
        made.version,
        made.created_at,
        made.created_by,
        made.updated_at,
        made.updated_by,
    )
    w.insert(COLUMNS, [values])


def get(r: Reader, scope: Scope, route_id: str) -> Route | None:
    """One route, where the scope may see it."""
    row = r.one(
        "SELECT * FROM routes WHERE id = ? AND tenant_id = ? AND test = ?"
        " AND (? IS NULL OR location_id = ?)",
        (route_id, scope.tenant_id, scope.test, scope.location_id, scope.location_id),
    )
    return route_of(row) if row else None


def page(r: Reader, scope: Scope, wanted: Filter, before: int | None, limit: int) -> list[Route]:
    """Routes newest first, behind the `seq` of the last one shown."""
    where, values = _where(scope, wanted)
    if before is not None:
        where.append("r.seq < ?")
        values.append(before)
    sql = (
        f"SELECT r.* FROM routes AS r WHERE {' AND '.join(where)}"  # noqa: S608
        " ORDER BY r.seq DESC LIMIT ?"
    )
    return [route_of(row) for row in r.all(sql, [*values, limit])]


def _where(scope: Scope, wanted: Filter) -> tuple[list[str], list[Any]]:
    where, values = ["r.tenant_id = ?", "r.test = ?"], [scope.tenant_id, scope.test]
    for column, value in (
        ("location_id", scope.location_id),
        ("location_id", wanted.location_id),
        ("date", wanted.date),
        ("driver_id", wanted.driver_id),
    ):
        if value is not None:
            where.append(f"r.{column} = ?")
            values.append(value)
    if wanted.statuses:
        where.append(f"r.status IN ({', '.join('?' * len(wanted.statuses))})")
        values += wanted.statuses
    for word in fold(wanted.q).split():
        where.append(
            "EXISTS (SELECT 1 FROM drivers AS d WHERE d.id = r.driver_id"
            " AND instr(d.found_by, ?) > 0)"
        )
        values.append(word)
    return where, values


def planned_for(
    r: Reader, scope: Scope, driver_id: str, location_id: str, date: str
) -> Route | None:
    """The first route of a driver on a day that has not started yet."""
    row = r.one(
        "SELECT * FROM routes INDEXED BY routes_date WHERE tenant_id = ? AND test = ? AND date = ?"
        " AND driver_id = ? AND location_id = ? AND status = 'planned' ORDER BY seq LIMIT 1",
        (scope.tenant_id, scope.test, date, driver_id, location_id),
    )
    return route_of(row) if row else None


def count_open(r: Reader, scope: Scope, date: str) -> int:
    """How many routes of a day are planned or on the way."""
    number: int = r.value(
        "SELECT count(*) FROM routes INDEXED BY routes_date"
        " WHERE tenant_id = ? AND test = ? AND date = ? AND status IN ('planned', 'started')",
        (scope.tenant_id, scope.test, date),
    )
    return number


def set_columns(w: Writer, was: Route, actor: Actor, **columns: Any) -> bool:
    """Change a route while it is as it was read; breaks as `Break`s, so its hand-overs."""
    for name in ("breaks", "hand_overs"):
        if name in columns:
            columns[name] = json.dumps([asdict(each) for each in columns[name]])
    named = "".join(f"{name} = ?, " for name in columns)
    return bool(
        w.run(
            f"UPDATE routes SET {named}updated_at = ?, updated_by = ?, version = version + 1"  # noqa: S608
            " WHERE id = ? AND version = ?",
            (*columns.values(), w.now, actor.id, was.id, was.version),
        )
    )


def set_completed(w: Writer, route_id: str) -> bool:
    """Note that the last stop is done; whether nobody had noted it before."""
    return bool(
        w.run(
            "UPDATE routes SET completed_at = ?, updated_at = ?"
            " WHERE id = ? AND status = 'started' AND completed_at IS NULL",
            (w.now, w.now, route_id),
        )
    )


def paces(r: Reader, location_id: str) -> list[float]:
    """How the last finished routes of a location went: driven time over estimated time."""
    rows = r.all(
        "SELECT pace FROM routes WHERE location_id = ? AND pace IS NOT NULL"
        " ORDER BY finished_at DESC LIMIT ?",
        (location_id, PACES),
    )
    return [row["pace"] for row in rows]


def routes_of(r: Reader, package_ids: Iterable[str]) -> list[str]:
    """The routes that some of these packages are on."""
    rows = r.all(
        "SELECT DISTINCT p.route_id FROM json_each(?) AS j CROSS JOIN packages AS p"
        " ON p.id = j.value WHERE p.route_id IS NOT NULL",
        (json.dumps(list(package_ids)),),
    )
    return [row["route_id"] for row in rows]


def start_of(r: Reader, location_id: str) -> tuple[float, float] | None:
    """(lat, lng) of the location where a route begins; None while nobody knows it."""
    row = r.one("SELECT lat, lng FROM locations WHERE id = ?", (location_id,))
    return None if row is None or row["lat"] is None else (row["lat"], row["lng"])


# Stops --------------------------------------------------------------------------------------------


def stops(r: Reader, route_id: str) -> list[Stop]:
    """Every stop of a route in order, those without a package left among them."""
    rows = r.all("SELECT * FROM stops WHERE route_id = ? ORDER BY position", (route_id,))
    return [stop_of(row) for row in rows]


def route_of_stop(r: Reader, scope: Scope, stop_id: str) -> str | None:
    """The route a stop belongs to, where the scope may see it."""
    route_id: str | None = r.value("SELECT route_id FROM stops WHERE id = ?", (stop_id,))
    return route_id if route_id and get(r, scope, route_id) else None


def write_stops(w: Writer, route_id: str, ordered: Sequence[Stop]) -> None:
    """Make these the stops of a route, in this order."""
    w.run("DELETE FROM stops WHERE route_id = ?", (route_id,))
    rows = [
        (stop.id, route_id, number, stop.door, stop.fixed, stop.arrives_at, stop.done_at)
        for number, stop in enumerate(ordered, 1)
    ]
    w.insert("stops (id, route_id, position, door, fixed, arrives_at, done_at)", rows)


def forget_doors(w: Writer, scope: Scope, doors: Iterable[str]) -> None:
    """Overwrite these doors at stops whose packages were all erased: they were somebody's."""
    with w.leaving_no_trace():
        w.run(
            "UPDATE stops SET door = '' WHERE id IN (SELECT s.id FROM routes AS t"
            " CROSS JOIN stops AS s ON s.route_id = t.id WHERE t.tenant_id = ? AND t.test = ?"
            " AND s.door IN (SELECT value FROM json_each(?)) AND NOT EXISTS (SELECT 1"
            " FROM packages AS p WHERE p.route_id = s.route_id AND p.stop_id = s.id"
            " AND p.patient_name <> ?))",
            (scope.tenant_id, scope.test, json.dumps(sorted(set(doors))), ERASED),
        )


def set_done(w: Writer, stop_id: str) -> None:
    """Note that a stop is done; the first time counts."""
    w.run("UPDATE stops SET done_at = ? WHERE id = ? AND done_at IS NULL", (w.now, stop_id))


def counts(r: Reader, route_ids: Iterable[str]) -> dict[str, Count]:
    """{route: how much is on it}, without packages; a stop that lost its packages is not one."""
    rows = r.all(
        "SELECT s.route_id, count(*) AS stops, sum(s.done_at IS NOT NULL) AS done"
        " FROM stops AS s WHERE s.route_id IN (SELECT value FROM json_each(?))"
        " AND (s.done_at IS NOT NULL OR EXISTS (SELECT 1 FROM packages AS p"
        " INDEXED BY packages_route WHERE p.route_id = s.route_id AND p.stop_id = s.id))"
        " GROUP BY s.route_id",
        (json.dumps(sorted(set(route_ids))),),
    )
    return {row["route_id"]: Count(row["stops"], row["done"]) for row in rows}


# Outcomes -----------------------------------------------------------------------------------------


def outcomes(r: Reader, route_id: str) -> dict[str, str]:
    """{package: how it ended on this route}, of those that ended."""
    rows = r.all("SELECT package_id, outcome FROM outcomes WHERE route_id = ?", (route_id,))
    return {row["package_id"]: row["outcome"] for row in rows}


def add_outcome(w: Writer, route_id: str, package_id: str, stop_id: str, outcome: str) -> None:
    """Note how a package ended on a route; the last word counts."""
    w.insert(
        "outcomes (route_id, package_id, stop_id, outcome, at)",
        [(route_id, package_id, stop_id, outcome, w.now)],
        "ON CONFLICT (route_id, package_id) DO UPDATE SET stop_id = excluded.stop_id,"
        " outcome = excluded.outcome, at = excluded.at",
    )


def drop_outcome(w: Writer, route_id: str, package_id: str) -> None:
    """A package goes out once more on the route it had ended on."""
    w.run("DELETE FROM outcomes WHERE route_id = ? AND package_id = ?", (route_id, package_id))


# Plans --------------------------------------------------------------------------------------------


def insert_plan(w: Writer, made: Plan) -> None:
    """Store a new plan; its place in the queue is given here."""
    seq = (w.value("SELECT max(seq) FROM route_plans") or 0) + 1
    values = (
        seq,
        made.id,
        made.tenant_id,
        made.test,
        made.location_id,
        made.date,
        made.route_id,
        made.status,
        made.progress,
        json.dumps(made.request),
        made.created_at,
        made.created_by,
        w.now,
    )
    w.insert(
        "route_plans (seq, id, tenant_id, test, location_id, date, route_id, status, progress,"
        " request, created_at, created_by, updated_at)",
        [values],
    )


def plan(r: Reader, scope: Scope, plan_id: str) -> Plan | None:
    """One plan, where the scope may see it."""
    row = r.one(
        "SELECT * FROM route_plans WHERE id = ? AND tenant_id = ? AND test = ?"
        " AND (? IS NULL OR location_id = ?)",
        (plan_id, scope.tenant_id, scope.test, scope.location_id, scope.location_id),
    )
    return plan_of(row) if row else None


def waiting_plans(r: Reader) -> list[Plan]:
    """Plans that are to be computed, of every tenant: the oldest first."""
    rows = r.all(
        "SELECT * FROM route_plans INDEXED BY route_plans_waiting"
        " WHERE status IN ('queued', 'running') ORDER BY seq"
    )
    return [plan_of(row) for row in rows]


def set_plan(w: Writer, was: Plan, **columns: Any) -> bool:
    """Change a plan while it has the status that was read; `result` as what JSON can hold."""
    if "result" in columns:
        columns["result"] = json.dumps(columns["result"])
    named = "".join(f"{name} = ?, " for name in columns)
    return bool(
        w.run(
            f"UPDATE route_plans SET {named}updated_at = ? WHERE id = ? AND status = ?",  # noqa: S608
            (*columns.values(), w.now, was.id, was.status),
        )
    )
