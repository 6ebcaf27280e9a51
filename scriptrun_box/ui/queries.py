"""Read-only joins for the screens: the frame, the list of packages, one package with its story."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from scriptrun_box.accounts import store as accounts
from scriptrun_box.accounts.model import Location
from scriptrun_box.accounts.names import actor_name
from scriptrun_box.drivers import store as drivers
from scriptrun_box.drivers.model import Note
from scriptrun_box.geocoding import store as places
from scriptrun_box.geocoding.model import Place
from scriptrun_box.kernel.db import Reader
from scriptrun_box.kernel.scope import Scope
from scriptrun_box.packages import proofs, store
from scriptrun_box.packages.model import Move, Package
from scriptrun_box.packages.proofs import Proof
from scriptrun_box.packages.store import Filter

OPEN_SQL = "('created', 'assigned', 'out_for_delivery', 'failed')"


@dataclass(frozen=True, slots=True)
class Frame:
    """What the frame of every page shows: the place's time zone, and counts by path."""

    time_zone: str
    counts: Mapping[str, int]


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
    notes: list[Note]  # what drivers said about it
    place: Place | None  # of its address, once somebody looked it up


DRIVERS_OF_A_MOVE = ("driver_id", "from_driver_id")
NO_FRAME = Frame("UTC", {})


def frame(r: Reader, scope: Scope) -> Frame:
    """The frame of a signed-in person's pages."""
    waiting = r.value(
        f"SELECT count(*) FROM packages WHERE tenant_id = ? AND test = ? AND status IN {OPEN_SQL}",  # noqa: S608
        (scope.tenant_id, scope.test),
    )
    quarantined = r.value(
        "SELECT count(*) FROM packages INDEXED BY packages_quarantined"
        " WHERE tenant_id = ? AND test = ? AND quarantined_at IS NOT NULL",
        (scope.tenant_id, scope.test),
    )
    counts = {
        "/packages": waiting,
        "/board": drivers.count_unread(r, scope),
        "/cold": quarantined,
        "/addresses": places.count(r, scope, "to_check"),
    }
    return Frame(zone_of(r, scope).key, counts)


def zone_of(r: Reader, scope: Scope) -> ZoneInfo:
    """The time zone of the tenant's first location."""
    name = r.value(
        "SELECT time_zone FROM locations WHERE tenant_id = ? ORDER BY created_at, id LIMIT 1",
        (scope.tenant_id,),
    )
    return ZoneInfo(name or "UTC")


def package_page(r: Reader, scope: Scope, wanted: Filter, before: int | None, limit: int) -> Page:
    """Packages newest first, behind the `seq` of the last one shown, and how many there are."""
    found = store.page(r, scope, wanted, before, limit + 1)
    shown = found[:limit]
    count, most = store.count(r, scope, wanted)
    return Page(shown, shown[-1].seq if len(found) > limit else None, count, most)


def whole(r: Reader, scope: Scope, package_id: str) -> Whole | None:
    """One package with its timeline, proof and the names its page needs."""
    package = store.get(r, scope, package_id)
    if package is None:
        return None
    moves = store.moves(r, package)
    other = store.get(r, scope, package.duplicate_of) if package.duplicate_of else None
    notes = drivers.notes_about(r, scope, package.id)
    place = places.at_door(r, scope, package.door) if package.door else None
    return Whole(
        package=package,
        moves=moves,
        proof=proofs.latest(r, package.id) if package.attempts else None,
        other=other,
        names=names_in(
            r, scope.tenant_id, moves, package.driver_id, *(note.driver_id for note in notes)
        ),
        locations=accounts.locations(r, scope.tenant_id),
        notes=notes,
        place=place,
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
    """What people call each actor: the name of a person, a key or a driver."""
    known = {*actors, "cli", "box"}
    found = {actor: actor_name(r, tenant_id, actor) for actor in known}
    by_driver = {actor.partition(":")[2]: actor for actor in known if actor.startswith("driver:")}
    named = drivers.names(r, tenant_id, by_driver) if by_driver else {}
    return found | {by_driver[driver_id]: name for driver_id, name in named.items()}
