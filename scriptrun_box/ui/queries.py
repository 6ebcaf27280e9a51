"""Read-only joins for the screens: the frame, the list of packages, one package with its story."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from zoneinfo import ZoneInfo

from scriptrun_box.accounts import store as accounts
from scriptrun_box.accounts.model import Location
from scriptrun_box.accounts.names import actor_name
from scriptrun_box.drivers import store as drivers
from scriptrun_box.kernel import clock
from scriptrun_box.kernel.db import Reader
from scriptrun_box.kernel.scope import Scope
from scriptrun_box.packages import proofs, store
from scriptrun_box.packages import words as typed
from scriptrun_box.packages.model import Move, Package, package_of
from scriptrun_box.packages.proofs import Proof

from . import words

OPEN_SQL = "('created', 'assigned', 'out_for_delivery', 'failed')"
WAITING_SQL = "('created', 'assigned')"
COUNT_MAX = 20_000  # longer lists are "more than"
FOUND_MAX = 1_000  # and so are longer lists of what a search found

# What the filter "needs" can be narrowed to, and the condition behind each.
NEEDS = {
    "stat": "p.priority = 'stat'",
    "urgent": "p.priority = 'urgent'",
    "signature": "p.requires_signature = 1",
    "controlled": "p.controlled_substance = 1",
    "cold": "p.cold_chain = 1",
    "copay": "p.copay_cents > 0",
    "address": f"p.address_incomplete = 1 AND p.status IN {WAITING_SQL}",
    "duplicate": f"p.duplicate_of IS NOT NULL AND p.status IN {WAITING_SQL}",
}

OF_WAITING = ("address", "duplicate")


@dataclass(frozen=True, slots=True)
class Frame:
    """What the frame of every page shows: the place's time zone, and counts by path."""

    time_zone: str
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the list of packages is narrowed to."""

    q: str = ""
    statuses: tuple[str, ...] = ()
    delivered_today: bool = False
    date: str = ""
    needs: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the list; the next one starts behind `following`."""

    packages: list[Package]
    following: int | None
    count: int
    count_max: int  # a larger count is "more than" this


@dataclass(frozen=True, slots=True)
class Whole:
    """A package with everything its page shows; `names` are those of actors and drivers."""

    package: Package
    moves: list[Move]
    proof: Proof | None
    other: Package | None  # the one this may be a duplicate of
    names: Mapping[str, str]
    locations: list[Location]


DRIVERS_OF_A_MOVE = ("driver_id", "from_driver_id")
NO_FRAME = Frame("UTC", {})


def frame(r: Reader, scope: Scope) -> Frame:
    """The frame of a signed-in person's pages."""
    waiting = r.value(
        f"SELECT count(*) FROM packages WHERE tenant_id = ? AND test = ? AND status IN {OPEN_SQL}",  # noqa: S608
        (scope.tenant_id, scope.test),
    )
    return Frame(zone_of(r, scope).key, {"/packages": waiting})


def zone_of(r: Reader, scope: Scope) -> ZoneInfo:
    """The time zone of the tenant's first location."""
    name = r.value(
        "SELECT time_zone FROM locations WHERE tenant_id = ? ORDER BY created_at, id LIMIT 1",
        (scope.tenant_id,),
    )
    return ZoneInfo(name or "UTC")


def package_page(r: Reader, scope: Scope, wanted: Wanted, before: int | None, limit: int) -> Page:
    """Packages newest first, behind the `seq` of the last one shown, and how many there are."""
    found = package_rows(r, scope, wanted, before, limit + 1)
    shown = found[:limit]
    source, where, values = _narrowed(r, scope, wanted)
    most = FOUND_MAX if typed.typed_words(wanted.q) else COUNT_MAX
    count = r.value(
        f"SELECT count(*) FROM (SELECT 1 FROM {source} WHERE {where} LIMIT {most + 1})",  # noqa: S608
        values,
    )
    return Page(shown, shown[-1].seq if len(found) > limit else None, count, most)


def package_rows(
    r: Reader, scope: Scope, wanted: Wanted, before: int | None, limit: int
) -> list[Package]:
    """Packages newest first, behind the `seq` of the last one shown."""
    searched = bool(typed.typed_words(wanted.q))
    if len(wanted.statuses) > 1 and not searched:  # each status has its order in the index
        each = [replace(wanted, statuses=(status,)) for status in wanted.statuses]
        found = [row for one in each for row in package_rows(r, scope, one, before, limit)]
        return sorted(found, key=lambda package: -package.seq)[:limit]
    source, where, values = _narrowed(r, scope, wanted)
    newest_first = "s.rowid" if searched else "p.seq"
    if before is not None:
        where += f" AND {newest_first} < ?"
        values.append(before)
    sql = f"SELECT p.* FROM {source} WHERE {where} ORDER BY {newest_first} DESC LIMIT ?"  # noqa: S608
    return [package_of(row) for row in r.all(sql, [*values, limit])]


def _narrowed(r: Reader, scope: Scope, wanted: Wanted) -> tuple[str, str, list[Any]]:
    """FROM and WHERE of a list, with the values; with a search, what was found drives it."""
    source = "packages AS p"
    where, values = ["p.tenant_id = ?", "p.test = ?"], [scope.tenant_id, scope.test]
    if scope.location_id:
        where.append("p.location_id = ?")
        values.append(scope.location_id)
    sought = typed.typed_words(wanted.q)
    if sought:
        source = "package_search AS s CROSS JOIN packages AS p ON p.seq = s.rowid"
        where.append("s.package_search MATCH ?")
        values.append(typed.match(sought))
    if wanted.statuses:
        where.append(f"p.status IN ({', '.join('?' * len(wanted.statuses))})")
        values += wanted.statuses
    if wanted.delivered_today:
        # What was delivered today was changed today: that is what the index knows.
        today = words.day_start(clock.now_ms(), zone_of(r, scope))
        where.append("p.status = 'delivered' AND p.updated_at >= ? AND p.delivered_at >= ?")
        values += [today, today]
    if wanted.date:
        where.append("p.delivery_date = ?")
        values.append(wanted.date)
    if wanted.needs:
        where.append(NEEDS[wanted.needs])
        if wanted.needs in OF_WAITING and not sought:
            source += " INDEXED BY packages_status"  # few rows, while the list's order is all
    if wanted.source:
        where.append("p.source = ?")
        values.append(wanted.source)
        if wanted.source != "api":
            where.append("p.source != 'api'")  # as the index of those says it
    return source, " AND ".join(where), values


def whole(r: Reader, scope: Scope, package_id: str) -> Whole | None:
    """One package with its timeline, proof and the names its page needs."""
    package = store.get(r, scope, package_id)
    if package is None:
        return None
    moves = store.moves(r, package)
    other = store.get(r, scope, package.duplicate_of) if package.duplicate_of else None
    return Whole(
        package=package,
        moves=moves,
        proof=proofs.latest(r, package.id) if package.attempts else None,
        other=other,
        names=names_in(r, scope.tenant_id, moves, package.driver_id),
        locations=accounts.locations(r, scope.tenant_id),
    )


def names_in(
    r: Reader, tenant_id: str, moves: Iterable[Move], *driver_ids: str | None
) -> dict[str, str]:
    """The names of whoever acted in these moves, and of the drivers they and the ids are about."""
    moves = list(moves)
    about = {move.detail.get(name) for move in moves for name in DRIVERS_OF_A_MOVE}
    known = (each for each in {*about, *driver_ids} if each)
    return actor_names(r, tenant_id, (move.actor for move in moves)) | drivers.names(
        r, tenant_id, known
    )


def actor_names(r: Reader, tenant_id: str, actors: Iterable[str]) -> dict[str, str]:
    """What people call each actor: the name of a person or a key."""
    known = {*actors, "cli", "box"}
    return {actor: actor_name(r, tenant_id, actor) for actor in known}
