"""The SQL of addresses: places, where drivers stood, and the loaded points."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from scriptrun_box.kernel import ids
from scriptrun_box.kernel.db import Reader, Writer
from scriptrun_box.kernel.errors import Conflict
from scriptrun_box.kernel.scope import Scope
from scriptrun_box.packages.doors import OPEN_SQL
from scriptrun_box.packages.model import Location
from scriptrun_box.packages.words import fold

from .model import Place, Point, place_of
from .reading import Read

SIGHTINGS_KEPT = 10  # of one door
ANSWERS_COMPARED = 1_000  # places that a geocoder put at one point
POINTS_LOOKED_AT = 200  # of one number and street, over all its ZIPs and units
STREET_SHOWN = 400  # points of one street that are drawn

PLACES = (
    "places (id, tenant_id, test, door, building, text, number, street, unit, extra, town,"
    " state_code, zip, zip_lat, zip_lng, found_by, state, reason, next_at, version, created_at,"
    " updated_at)"
)
POINTS = "address_points (file, street, number, zip, town, unit, lat, lng)"


@dataclass(frozen=True, slots=True)
class PointFile:
    """A load of address points; `loaded_at` is None until it is whole."""

    id: int
    name: str
    points: int
    bad_rows: int
    loaded_at: int | None


# places -------------------------------------------------------------------------------------------


def insert(w: Writer, scope: Scope, text: str, read: Read) -> Place:
    """Store a new door, due to be looked for now."""
    parts, middle = read.parts, read.middle or (None, None)
    place_id = ids.prefixed("adr")
    values = (
        place_id,
        scope.tenant_id,
        scope.test,
        read.door,
        read.building,
        text,
        parts.number,
        parts.street,
        parts.unit,
        parts.extra,
        parts.town,
        parts.state,
        parts.zip,
        *middle,
        fold(text),
        "waiting",
        "queued",
        w.now,
        1,
        w.now,
        w.now,
    )
    w.insert(PLACES, [values])
    made = get(w, scope, place_id)
    assert made is not None
    return made


def get(r: Reader, scope: Scope, place_id: str) -> Place | None:
    """One place of the tenant."""
    row = r.one(
        "SELECT * FROM places WHERE id = ? AND tenant_id = ? AND test = ?",
        (place_id, scope.tenant_id, scope.test),
    )
    return place_of(row) if row else None


def at_door(r: Reader, scope: Scope, door: str) -> Place | None:
    """The place of a door in its one spelling."""
    row = r.one(
        "SELECT * FROM places WHERE tenant_id = ? AND test = ? AND door = ?",
        (scope.tenant_id, scope.test, door),
    )
    return place_of(row) if row else None


def page(
    r: Reader, scope: Scope, state: str, q: str, before: int | None, limit: int
) -> list[Place]:
    """Places newest first, behind the `seq` of the last one shown; corrected ones are left out."""
    where, values = _where(scope, state, q)
    if before is not None:
        where += " AND seq < ?"
        values.append(before)
    sql = f"SELECT * FROM places WHERE {where} ORDER BY seq DESC LIMIT ?"  # noqa: S608
    return [place_of(row) for row in r.all(sql, [*values, limit])]


def count(r: Reader, scope: Scope, state: str, q: str = "") -> int:
    """How many such places there are."""
    where, values = _where(scope, state, q)
    number: int = r.value(f"SELECT count(*) FROM places WHERE {where}", values)  # noqa: S608
    return number


def _where(scope: Scope, state: str, q: str) -> tuple[str, list[Any]]:
    where = "tenant_id = ? AND test = ? AND state = ? AND same_as IS NULL"
    values: list[Any] = [scope.tenant_id, scope.test, state]
    for word in fold(q).split():
        where += " AND instr(found_by, ?) > 0"
        values.append(word)
    return where, values


def due(r: Reader, now: int, limit: int) -> list[Place]:
    """Places of every tenant that wait to be looked for, longest first."""
    rows = r.all(
        "SELECT * FROM places WHERE next_at IS NOT NULL AND next_at <= ? ORDER BY next_at LIMIT ?",
        (now, limit),
    )
    return [place_of(row) for row in rows]


def next_due(r: Reader) -> int | None:
    """When the next place is due."""
    found: int | None = r.value("SELECT min(next_at) FROM places WHERE next_at IS NOT NULL")
    return found


def neighbour(r: Reader, place: Place) -> Location | None:
    """Where people or drivers found another door of the same building."""
    row = r.one(
        "SELECT lat, lng FROM places WHERE tenant_id = ? AND test = ? AND building = ? AND id <> ?"
        " AND source IN ('pin', 'known') AND state = 'located' ORDER BY seq LIMIT 1",
        (place.tenant_id, place.test, place.building, place.id),
    )
    return Location(row["lat"], row["lng"], "known", "near") if row else None


def set_state(
    w: Writer, was: Place, state: str, reason: str, location: Location | None, **columns: Any
) -> bool:
    """Say how it stands with a place, while it is as it was read; what is decided has no next."""
    more = {"tries": 0, "next_at": None, **columns}
    names = "".join(f"{name} = ?, " for name in more)
    return bool(
        w.run(
            f"UPDATE places SET {names}state = ?, reason = ?, lat = ?, lng = ?, source = ?,"  # noqa: S608
            " confidence = ?, updated_at = ?, version = version + 1 WHERE id = ? AND version = ?",
            (
                *more.values(),
                state,
                reason,
                location and location.lat,
                location and location.lng,
                location and location.source,
                location and location.confidence,
                w.now,
                was.id,
                was.version,
            ),
        )
    )


def set_read(w: Writer, was: Place, text: str, read: Read) -> bool:
    """Replace the parts of a place whose door stays the same."""
    parts = read.parts
    return bool(
        w.run(
            "UPDATE places SET text = ?, number = ?, street = ?, unit = ?, extra = ?, town = ?,"
            " state_code = ?, zip = ?, found_by = ?, updated_at = ?, version = version + 1"
            " WHERE id = ? AND version = ?",
            (
                text,
                parts.number,
                parts.street,
                parts.unit,
                parts.extra,
                parts.town,
                parts.state,
                parts.zip,
                fold(text),
                w.now,
                was.id,
                was.version,
            ),
        )
    )


def forget(w: Writer, scope: Scope, doors: Sequence[str]) -> None:
    """Delete what is known of these doors, with what was corrected to them, for good.

    Those that a package needs which is not over stay: somebody else lives there too.
    """
    named = json.dumps(sorted(set(doors)))
    rows = w.all(
        "SELECT id FROM places AS a WHERE tenant_id = ? AND test = ?"  # noqa: S608
        " AND (door IN (SELECT value FROM json_each(?))"
        " OR same_as IN (SELECT value FROM json_each(?))) AND NOT EXISTS (SELECT 1"
        " FROM packages AS p INDEXED BY packages_door WHERE p.tenant_id = a.tenant_id"
        " AND p.test = a.test AND p.door = coalesce(a.same_as, a.door)"
        f" AND p.status IN {OPEN_SQL})",
        (scope.tenant_id, scope.test, named, named),
    )
    found = [(row["id"],) for row in rows]
    with w.leaving_no_trace():
        w.many("DELETE FROM sightings WHERE place_id = ?", found)
        w.many("DELETE FROM places WHERE id = ?", found)


def rebuild(w: Writer) -> None:
    """Write the indexes of places anew: a page they once split may have a stale address."""
    with w.leaving_no_trace():
        w.run("REINDEX places")


def set_asked(w: Writer, was: Place) -> bool:
    """Note that somebody asked the patient."""
    return bool(
        w.run(
            "UPDATE places SET asked_at = ?, updated_at = ?, version = version + 1"
            " WHERE id = ? AND version = ?",
            (w.now, w.now, was.id, was.version),
        )
    )


def follow(w: Writer, scope: Scope, door: str, real_door: str, text: str) -> None:
    """A door, and what was corrected to it, is now corrected to the door it turned out to be."""
    w.run(
        "UPDATE places SET same_as = ?, corrected = ?, version = version + 1"
        " WHERE tenant_id = ? AND test = ? AND same_as = ?",
        (real_door, text, scope.tenant_id, scope.test, door),
    )
    w.run(
        "UPDATE places SET corrected = ? WHERE tenant_id = ? AND test = ? AND door = ?",
        (text, scope.tenant_id, scope.test, door),
    )


def set_answer(w: Writer, place: Place, lat: float, lng: float) -> None:
    """Remember what a geocoder said, whether it is believed or not."""
    w.run("UPDATE places SET answer_lat = ?, answer_lng = ? WHERE id = ?", (lat, lng, place.id))


def same_answer(r: Reader, lat: float, lng: float) -> list[Place]:
    """The places for which the geocoder said exactly this point."""
    rows = r.all(
        "SELECT * FROM places WHERE answer_lat = ? AND answer_lng = ? ORDER BY seq LIMIT ?",
        (lat, lng, ANSWERS_COMPARED),
    )
    return [place_of(row) for row in rows]


def look_again(w: Writer) -> int:
    """Make every place due again that could be read and was not found; how many."""
    return w.run(
        "UPDATE places SET state = 'waiting', reason = 'queued', tries = 0, next_at = ?,"
        " updated_at = ?, version = version + 1 WHERE state <> 'located' AND reason IN"
        " ('queued', 'only_zip', 'nowhere', 'not_found', 'no_answer', 'same_point',"
        " 'far_from_zip')",
        (w.now, w.now),
    )


# where drivers stood ------------------------------------------------------------------------------


def add_sighting(w: Writer, place: Place, lat: float, lng: float) -> list[tuple[float, float]]:
    """Note where a driver stood; the newest of that door with it, oldest first."""
    w.insert("sightings (place_id, at, lat, lng)", [(place.id, w.now, lat, lng)])
    rows = w.all(
        "SELECT seq, lat, lng FROM sightings WHERE place_id = ? ORDER BY seq DESC", (place.id,)
    )
    if len(rows) > SIGHTINGS_KEPT:
        oldest = rows[SIGHTINGS_KEPT - 1]["seq"]
        w.run("DELETE FROM sightings WHERE place_id = ? AND seq < ?", (place.id, oldest))
    return [(row["lat"], row["lng"]) for row in reversed(rows[:SIGHTINGS_KEPT])]


# points -------------------------------------------------------------------------------------------


def begin_file(w: Writer, name: str) -> int:
    """A new, still empty load."""
    w.insert("point_files (name, points, bad_rows, started_at)", [(name, 0, 0, w.now)])
    made: int = w.value("SELECT max(id) FROM point_files")
    return made


def add_points(w: Writer, file: int, points: Sequence[Point]) -> None:
    """Store a portion of a load; of two points for one address the first one counts."""
    rows = [(file, p.street, p.number, p.zip, p.town, p.unit, p.lat, p.lng) for p in points]
    w.insert(POINTS, rows, "ON CONFLICT DO NOTHING")


def finish_file(w: Writer, file: int, bad_rows: int) -> int:
    """The load is whole: it is used from now on; how many points it has."""
    points: int = w.value("SELECT count(*) FROM address_points WHERE file = ?", (file,))
    written = w.run(
        "UPDATE point_files SET points = ?, bad_rows = ?, loaded_at = ? WHERE id = ?",
        (points, bad_rows, w.now, file),
    )
    if not written:
        raise Conflict("Another file was loaded meanwhile; load this one again.")
    return points


def forget_points(w: Writer, file: int, limit: int) -> int:
    """Take a portion of a load away, and the load with its last one; how many went."""
    gone = w.run(
        "DELETE FROM address_points WHERE (file, street, number, zip, town, unit) IN"
        " (SELECT file, street, number, zip, town, unit FROM address_points WHERE file = ?"
        " LIMIT ?)",
        (file, limit),
    )
    if gone < limit:
        w.run("DELETE FROM point_files WHERE id = ?", (file,))
    return gone


def withdraw_others(w: Writer, file: int) -> None:
    """From now on only this load is used."""
    w.run("UPDATE point_files SET loaded_at = NULL WHERE id <> ?", (file,))


def unused_files(r: Reader) -> list[int]:
    """The loads that are not whole, or no longer used."""
    return [row["id"] for row in r.all("SELECT id FROM point_files WHERE loaded_at IS NULL")]


def files(r: Reader) -> list[PointFile]:
    """The loads that are used."""
    rows = r.all("SELECT * FROM point_files WHERE loaded_at IS NOT NULL ORDER BY id")
    return [
        PointFile(row["id"], row["name"], row["points"], row["bad_rows"], row["loaded_at"])
        for row in rows
    ]


def points_of(r: Reader, street: str, number: str) -> list[Point]:
    """The points of a street in its one spelling and a number, of every ZIP."""
    rows = r.all(
        "SELECT p.* FROM point_files AS f CROSS JOIN address_points AS p"
        " ON p.file = f.id AND p.street = ? AND p.number = ?"
        " WHERE f.loaded_at IS NOT NULL LIMIT ?",
        (street, number, POINTS_LOOKED_AT),
    )
    return [_point(row) for row in rows]


def points_begun(r: Reader, street: str, number: str) -> list[Point]:
    """The same for streets whose spelling only begins like this, with a type of street behind."""
    rows = r.all(
        "SELECT p.* FROM point_files AS f CROSS JOIN address_points AS p"
        " ON p.file = f.id AND p.street > ? AND p.street < ? AND p.number = ?"
        " WHERE f.loaded_at IS NOT NULL LIMIT ?",
        (f"{street} ", f"{street}!", number, POINTS_LOOKED_AT),
    )
    return [_point(row) for row in rows]


def points_along(r: Reader, street: str, zip_code: str) -> list[Point]:
    """Points of a street in a ZIP, for a drawing."""
    rows = r.all(
        "SELECT p.* FROM point_files AS f CROSS JOIN address_points AS p"
        " ON p.file = f.id AND p.street = ? WHERE f.loaded_at IS NOT NULL"
        " AND (? = '' OR p.zip IN ('', ?)) AND p.unit = '' LIMIT ?",
        (street, zip_code, zip_code, STREET_SHOWN),
    )
    return [_point(row) for row in rows]


def _point(row: Any) -> Point:
    return Point(
        row["street"], row["number"], row["zip"], row["town"], row["unit"], row["lat"], row["lng"]
    )
