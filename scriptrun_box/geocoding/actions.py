"""What can be done with addresses: take them in, place them, decide about them, learn from drivers.

A door is looked for in this order: what people or drivers said of it or of its building, the loaded
points, the geocoder the owner set, the middle of its ZIP. What stays unsure waits for a person.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from scriptrun_box.accounts import lying
from scriptrun_box.accounts import store as accounts
from scriptrun_box.accounts.lying import Addressed
from scriptrun_box.kernel import audit, ids, outbox
from scriptrun_box.kernel.clock import HOUR_MS, MINUTE_MS
from scriptrun_box.kernel.db import Reader, Signal, Writer
from scriptrun_box.kernel.errors import Conflict, Invalid, NotFound
from scriptrun_box.kernel.scope import Actor, Scope
from scriptrun_box.packages import actions as packages
from scriptrun_box.packages import doors
from scriptrun_box.packages.model import Location
from scriptrun_box.packages.proofs import Stood
from scriptrun_box.routes import stops

from . import points, store
from .model import REASONS, Place
from .provider import Answer
from .reading import Read, km
from .store import PointFile

CHANGED = "addresses"
CONSUMER = "addresses"  # the cursor over packages
DOORS_CONSUMER = "doors"  # over proofs, by the microsecond they were made at
ACCURATE_M = 50.0  # a phone that is less sure of its place says nothing of a door
BACK_OFF_MS = (MINUTE_MS, 5 * MINUTE_MS, 30 * MINUTE_MS, 2 * HOUR_MS, 6 * HOUR_MS)
ZIP_ANSWER_MAX_KM = 40  # from the ZIP's middle to what a geocoder says
SAME_POINT_MAX = 3  # buildings that may share one answer of a geocoder
SIGHTINGS_BELIEVED = 3
FIELD_OF = {"no_number": "number", "no_town": "town", "zip_unknown": "zip", "zip_state": "zip",
            "zip_town": "zip"}  # fmt: skip
SIGHTINGS_APART_KM = 0.06  # of sightings that agree


# taken in -----------------------------------------------------------------------------------------


def take_in(
    w: Writer, found: list[tuple[doors.Addressed, Read]], cursor: int | None, ask: bool
) -> None:
    """Give packages their doors; `ask` says whether there is a geocoder to ask about new ones."""
    changed: dict[tuple[Scope, str], list[str]] = {}
    for package, read in found:
        place = door_of(w, package.scope, package.address, read, ask)
        if place.corrected:
            doors.correct(w, [package.id], place.corrected)
        changed.setdefault((package.scope, _real(w, place).door), []).append(package.id)
    for (scope, door), package_ids in changed.items():
        now = store.at_door(w, scope, door)
        _send_there(w, scope, package_ids, door, now.location if now else None)
    if cursor is not None:
        outbox.move_cursor(w, CONSUMER, cursor)


def _send_there(
    w: Writer, scope: Scope, package_ids: list[str], door: str, location: Location | None
) -> None:
    """Packages hear where their door is, and the routes they are on are timed anew."""
    packages.locate(w, scope, package_ids, door, location)
    stops.relocated(w, scope, package_ids)


def door_of(w: Writer, scope: Scope, text: str, read: Read, ask: bool) -> Place:
    """The place of an address: known, or new and looked for in the box."""
    known = store.at_door(w, scope, read.door)
    if known is not None:
        return known
    made = store.insert(w, scope, text, read)
    settle(w, made, ask, read.problem)
    _tell(w, made)
    return find(w, scope, made.id)


def misplaced(r: Reader, found: list[tuple[Addressed, Read]]) -> list[tuple[Addressed, Read]]:
    """Of pharmacies, each with its address as read, those that lie elsewhere than is said."""
    return [(place, read) for place, read in found if _is_misplaced(r, place, read)]


def _is_misplaced(r: Reader, pharmacy: Addressed, read: Read) -> bool:
    place = store.at_door(r, Scope(pharmacy.tenant_id), read.door)
    return place is None or _point(_real(r, place)) != pharmacy.point


def place_pharmacies(w: Writer, found: list[tuple[Addressed, Read]], ask: bool) -> None:
    """Say where pharmacies lie."""
    for pharmacy, read in found:
        place = door_of(w, Scope(pharmacy.tenant_id), pharmacy.address, read, ask)
        lying.set_point(w, pharmacy.id, _point(_real(w, place)))


def _point(place: Place) -> tuple[float, float] | None:
    return (place.location.lat, place.location.lng) if place.location else None


def settle(w: Writer, place: Place, ask: bool, problem: str = "") -> bool:
    """Look for a place in the box itself; whether it still has to be asked for elsewhere."""
    if problem:
        _to_check(w, place, problem)
        return False
    found = store.neighbour(w, place) or points.look_up(w, place.parts)
    if found is not None:
        _locate(w, place, found)
        return False
    if ask:  # on the map as well as it is known, meanwhile
        at = {"next_at": w.now, "tries": place.tries}
        _need(store.set_state(w, place, "waiting", "queued", _middle(place), **at))
        return True
    _to_check(w, place, "only_zip" if place.middle else "nowhere")
    return False


def look_again(w: Writer, place_id: str, scope: Scope, ask: bool) -> Place | None:
    """A place that is due: looked for in the box; what comes back has to be asked for elsewhere."""
    place = find(w, scope, place_id)
    if place.state != "waiting" or not settle(w, place, ask):
        return None
    return find(w, scope, place_id)


# asked elsewhere ----------------------------------------------------------------------------------


def answered(w: Writer, place: Place, answer: Answer) -> None:
    """What a geocoder said, or that it said nothing of use."""
    now = store.get(w, place.scope, place.id)
    if now is None or now.version != place.version:
        return  # somebody decided meanwhile
    if answer.failed:
        _try_later(w, now)
    elif answer.point is None:
        _to_check(w, now, "not_found")
    elif now.middle and km(now.middle, answer.point) > ZIP_ANSWER_MAX_KM:
        _to_check(w, now, "far_from_zip")
    else:
        _believe(w, now, Location(*answer.point, "geocoder", "near"))


def _try_later(w: Writer, place: Place) -> None:
    if place.tries >= len(BACK_OFF_MS):
        _to_check(w, place, "no_answer")
        return
    later = w.now + BACK_OFF_MS[place.tries]
    store.set_state(
        w, place, "waiting", "no_answer", place.location, next_at=later, tries=place.tries + 1
    )
    _tell(w, place)


def _believe(w: Writer, place: Place, location: Location) -> None:
    """Take an answer, unless too many other buildings got the same one: then believe none."""
    store.set_answer(w, place, location.lat, location.lng)
    same = store.same_answer(w, location.lat, location.lng)
    if len({each.building for each in same}) <= SAME_POINT_MAX:
        _locate(w, place, location)
        return
    for each in same:
        believed = each.location is not None and each.location.source == "geocoder"
        if each.id == place.id or (believed and each.decided_at is None):
            _to_check(w, each, "same_point")


# decided by people --------------------------------------------------------------------------------


def find(r: Reader, scope: Scope, place_id: str) -> Place:
    """The place, or NotFound: another tenant's is as unknown as one that never was."""
    place = store.get(r, scope, place_id)
    if place is None:
        raise NotFound("There is no such address.")
    return place


def accept(w: Writer, scope: Scope, actor: Actor, place_id: str, version: int | None) -> Place:
    """It is right as it is: where it stands now is good enough to go there."""
    place = _as_seen(w, scope, place_id, version)
    if place.location is None:
        raise Conflict("It stands nowhere yet: put a pin, or correct it.")
    return _decide(w, scope, actor, place, "accepted", place.location)


def pin(
    w: Writer,
    scope: Scope,
    actor: Actor,
    place_id: str,
    lat: float,
    lng: float,
    version: int | None,
) -> Place:
    """It is exactly here."""
    place = _as_seen(w, scope, place_id, version)
    return _decide(w, scope, actor, place, "pinned", Location(lat, lng, "pin", "exact"))


def correct(
    w: Writer,
    scope: Scope,
    actor: Actor,
    place_id: str,
    text: str,
    read: Read,
    ask: bool,
    version: int | None,
) -> Place:
    """It should have been another address; the place of that one, to which its packages now go."""
    place = _as_seen(w, scope, place_id, version)
    if read.problem:
        field = FIELD_OF.get(read.problem, "street")
        message = REASONS[read.problem]
        raise Invalid(message, details=[{"field": field, "code": "conflict", "message": message}])
    if read.door == place.door:
        _need(store.set_read(w, place, text, read))
        settle(w, find(w, scope, place_id), ask)
        real = find(w, scope, place_id)
    else:
        real = _real(w, door_of(w, scope, text, read, ask))
        if real.id == place.id:
            raise Conflict("That address was corrected to this one before.")
        decided = {"same_as": real.door, "decided_at": w.now, "decided_by": actor.id}
        _need(store.set_state(w, place, "located", "", place.location, **decided))
    store.follow(w, scope, place.door, real.door, text)
    waiting = doors.at(w, scope, place.door)
    doors.correct(w, waiting, text)
    _send_there(w, scope, waiting, real.door, real.location)
    audit.record(w, scope.tenant_id, actor, "address.corrected", place.id)
    _tell(w, place)
    return real


def asked(w: Writer, scope: Scope, actor: Actor, place_id: str, version: int | None) -> Place:
    """Somebody asked the patient, and waits for an answer."""
    place = _as_seen(w, scope, place_id, version)
    _need(store.set_asked(w, place))
    audit.record(w, scope.tenant_id, actor, "address.asked", place.id)
    _tell(w, place)
    return find(w, scope, place_id)


# learned from drivers -----------------------------------------------------------------------------


def learn_from(w: Writer, seen: Sequence[Stood]) -> None:
    """Learn from attempts at doors, and remember how far one has come."""
    for each in seen:
        near = each.accuracy_m is not None and each.accuracy_m <= ACCURATE_M
        if each.delivered and each.door and each.place and near:
            learn(w, each.scope, each.door, *each.place)
    outbox.move_cursor(w, DOORS_CONSUMER, ids.moment_of(seen[-1].proof_id))


def learn(w: Writer, scope: Scope, door: str, lat: float, lng: float) -> None:
    """A driver stood at this door; several who agree are believed, over all but a person's pin."""
    place = store.at_door(w, scope, door)
    if place is None:
        return
    seen = store.add_sighting(w, place, lat, lng)[-SIGHTINGS_BELIEVED:]
    if len(seen) < SIGHTINGS_BELIEVED or (place.location and place.location.source == "pin"):
        return
    centre = (sum(at[0] for at in seen) / len(seen), sum(at[1] for at in seen) / len(seen))
    if all(km(centre, each) <= SIGHTINGS_APART_KM for each in seen):
        _locate(w, place, Location(*centre, "known", "exact"))


# how it then stands ------------------------------------------------------------------------------


def _decide(
    w: Writer, scope: Scope, actor: Actor, place: Place, act: str, location: Location
) -> Place:
    who = {"decided_at": w.now, "decided_by": actor.id}
    _need(store.set_state(w, place, "located", "", location, **who))
    _apply(w, place, location)
    audit.record(w, scope.tenant_id, actor, f"address.{act}", place.id)
    return find(w, scope, place.id)


def _locate(w: Writer, place: Place, location: Location) -> None:
    _need(store.set_state(w, place, "located", "", location))
    _apply(w, place, location)


def _to_check(w: Writer, place: Place, reason: str) -> None:
    """A person looks at it; on the map as well as its ZIP is known, where the ZIP is its own."""
    middle = None if reason in ("zip_state", "zip_town", "po_box") else _middle(place)
    _need(store.set_state(w, place, "to_check", reason, middle))
    _apply(w, place, middle)


def _apply(w: Writer, place: Place, location: Location | None) -> None:
    """Every open package of the door goes where the door is."""
    _send_there(w, place.scope, doors.at(w, place.scope, place.door), place.door, location)
    _tell(w, place)


def _middle(place: Place) -> Location | None:
    return Location(*place.middle, "zip", "approximate") if place.middle else None


def _real(r: Reader, place: Place) -> Place:
    """The place that a corrected one really is."""
    if place.same_as is None:
        return place
    return store.at_door(r, place.scope, place.same_as) or place


def _as_seen(r: Reader, scope: Scope, place_id: str, version: int | None) -> Place:
    place = find(r, scope, place_id)
    if version is not None and version != place.version:
        raise Conflict(
            "This address changed meanwhile; nothing was saved.",
            details=[{"version": place.version}],
        )
    return place


def _need(written: bool) -> None:
    if not written:
        raise Conflict("Somebody else was faster; look again.", code="conflict")


def _tell(w: Writer, place: Place) -> None:
    w.after_commit(Signal(CHANGED, place.tenant_id, place.test, (place.id,)))


@dataclass(frozen=True, slots=True)
class Standing:
    """What `geocode status` and the System page show."""

    files: list[PointFile]
    located: int
    waiting: int
    to_check: int
    next_at: int | None  # when the longest waiting one is looked for


def standing(r: Reader) -> Standing:
    """The loaded points, and the addresses of every tenant by state."""
    sides = [Scope(each.id, test) for each in accounts.tenants(r) for test in (False, True)]
    located, waiting, to_check = (
        sum(store.count(r, side, state) for side in sides)
        for state in ("located", "waiting", "to_check")
    )
    return Standing(store.files(r), located, waiting, to_check, store.next_due(r))
