"""The SQL of drivers and of what they tell the desk."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from scriptrun_box.kernel.db import Reader, Writer
from scriptrun_box.kernel.scope import Actor, Scope
from scriptrun_box.packages.words import fold

from .model import Driver, Note, Profile, driver_of

COLUMNS = (
    "drivers (seq, id, tenant_id, test, location_id, name, phone, employment, vehicle, capacity,"
    " capabilities, found_by, version, created_at, created_by, updated_at)"
)
NOTE = "id, driver_id, package_id, text, at, read_at, read_by"


@dataclass(frozen=True, slots=True)
class Filter:
    """What a list of drivers is narrowed to; None where it does not matter."""

    q: str = ""
    active: bool | None = None
    on_shift: bool | None = None
    online: bool | None = None
    location_id: str | None = None


def insert(w: Writer, made: Driver) -> None:
    """Store a new driver, off shift; the place in the list is given here."""
    seq = (w.value("SELECT max(seq) FROM drivers") or 0) + 1
    profile = made.profile
    values = (
        seq,
        made.id,
        made.tenant_id,
        made.test,
        profile.location_id,
        profile.name,
        profile.phone,
        profile.employment,
        profile.vehicle,
        profile.capacity,
        json.dumps(profile.capabilities),
        _found_by(profile),
        made.version,
        made.created_at,
        made.created_by,
        made.updated_at,
    )
    w.insert(COLUMNS, [values])


def get(r: Reader, scope: Scope, driver_id: str) -> Driver | None:
    """One driver, where the scope may see them."""
    row = r.one(
        "SELECT * FROM drivers WHERE id = ? AND tenant_id = ? AND test = ?"
        " AND (? IS NULL OR location_id = ?)",
        (driver_id, scope.tenant_id, scope.test, scope.location_id, scope.location_id),
    )
    return driver_of(row) if row else None


def page(r: Reader, scope: Scope, wanted: Filter, before: int | None, limit: int) -> list[Driver]:
    """Drivers newest first, behind the `seq` of the last one shown."""
    where, values = _where(scope, wanted)
    if before is not None:
        where += " AND seq < ?"
        values.append(before)
    sql = f"SELECT * FROM drivers WHERE {where} ORDER BY seq DESC LIMIT ?"  # noqa: S608
    return [driver_of(row) for row in r.all(sql, [*values, limit])]


def by_name(r: Reader, scope: Scope, wanted: Filter, limit: int) -> list[Driver]:
    """Drivers as people look for them: those on shift first, then by name."""
    where, values = _where(scope, wanted)
    sql = (
        f"SELECT * FROM drivers WHERE {where}"  # noqa: S608
        " ORDER BY left_at IS NOT NULL, shift_started_at IS NULL, found_by, seq LIMIT ?"
    )
    return [driver_of(row) for row in r.all(sql, [*values, limit])]


def count(r: Reader, scope: Scope, wanted: Filter) -> int:
    """How many there are."""
    where, values = _where(scope, wanted)
    number: int = r.value(f"SELECT count(*) FROM drivers WHERE {where}", values)  # noqa: S608
    return number


def names(r: Reader, tenant_id: str, driver_ids: Iterable[str]) -> dict[str, str]:
    """{id: name} of those there are."""
    rows = r.all(
        "SELECT id, name FROM drivers WHERE id IN (SELECT value FROM json_each(?))"
        " AND tenant_id = ?",
        (json.dumps(sorted(set(driver_ids))), tenant_id),
    )
    return {row["id"]: row["name"] for row in rows}


def set_profile(w: Writer, was: Driver, profile: Profile) -> bool:
    """Replace what is said of a driver, while they are as they were read."""
    return _set(
        w,
        was,
        location_id=profile.location_id,
        name=profile.name,
        phone=profile.phone,
        employment=profile.employment,
        vehicle=profile.vehicle,
        capacity=profile.capacity,
        capabilities=json.dumps(profile.capabilities),
        found_by=_found_by(profile),
    )


def set_state(w: Writer, was: Driver, *, shift_started_at: int | None, online: bool) -> bool:
    """Replace shift and online, while the driver is as they were read."""
    return _set(w, was, shift_started_at=shift_started_at, online=online, status_changed_at=w.now)


def set_left(w: Writer, was: Driver, left_at: int | None) -> bool:
    """Note that a driver left, or came back, while they are as they were read."""
    return _set(w, was, left_at=left_at)


def set_route(w: Writer, was: Driver, route_id: str | None) -> bool:
    """Note which route a driver is out with, while they are as they were read."""
    return _set(w, was, route_id=route_id)


def add_note(w: Writer, scope: Scope, note: Note) -> None:
    """Store what a driver told the desk."""
    w.insert(
        "driver_notes (id, tenant_id, test, driver_id, package_id, text, at)",
        [
            (
                note.id,
                scope.tenant_id,
                scope.test,
                note.driver_id,
                note.package_id,
                note.text,
                note.at,
            )
        ],
    )


def note(r: Reader, scope: Scope, note_id: str) -> Note | None:
    """One note."""
    row = r.one(
        f"SELECT {NOTE} FROM driver_notes WHERE id = ? AND tenant_id = ? AND test = ?",  # noqa: S608
        (note_id, scope.tenant_id, scope.test),
    )
    return Note(*row) if row else None


def unread_notes(r: Reader, scope: Scope, limit: int) -> list[Note]:
    """What nobody has read yet, the oldest first."""
    rows = r.all(
        f"SELECT {NOTE} FROM driver_notes INDEXED BY driver_notes_unread"  # noqa: S608
        " WHERE read_at IS NULL AND tenant_id = ? AND test = ? ORDER BY at, id LIMIT ?",
        (scope.tenant_id, scope.test, limit),
    )
    return [Note(*row) for row in rows]


def count_unread(r: Reader, scope: Scope) -> int:
    """How many notes nobody has read yet."""
    number: int = r.value(
        "SELECT count(*) FROM driver_notes INDEXED BY driver_notes_unread"
        " WHERE read_at IS NULL AND tenant_id = ? AND test = ?",
        (scope.tenant_id, scope.test),
    )
    return number


def notes_about(r: Reader, scope: Scope, package_id: str) -> list[Note]:
    """What drivers said about a package, oldest first."""
    rows = r.all(
        f"SELECT {NOTE} FROM driver_notes WHERE package_id = ? AND tenant_id = ? AND test = ?"  # noqa: S608
        " ORDER BY at, id",
        (package_id, scope.tenant_id, scope.test),
    )
    return [Note(*row) for row in rows]


def forget_notes(w: Writer, package_ids: Iterable[str], words: str) -> None:
    """Put these words in the place of what drivers said about packages of somebody erased."""
    with w.leaving_no_trace():
        w.many(
            "UPDATE driver_notes SET text = ? WHERE package_id = ?",
            [(words, package_id) for package_id in package_ids],
        )


def set_read(w: Writer, note: Note, actor: Actor) -> bool:
    """Note who has read it, while nobody has."""
    sql = "UPDATE driver_notes SET read_at = ?, read_by = ? WHERE id = ? AND read_at IS NULL"
    return bool(w.run(sql, (w.now, actor.id, note.id)))


def _set(w: Writer, was: Driver, **columns: Any) -> bool:
    names_of_them = "".join(f"{name} = ?, " for name in columns)
    return bool(
        w.run(
            f"UPDATE drivers SET {names_of_them}updated_at = ?, version = version + 1"  # noqa: S608
            " WHERE id = ? AND version = ?",
            (*columns.values(), w.now, was.id, was.version),
        )
    )


def _where(scope: Scope, wanted: Filter) -> tuple[str, list[Any]]:
    where, values = ["tenant_id = ?", "test = ?"], [scope.tenant_id, scope.test]
    for location_id in (scope.location_id, wanted.location_id):
        if location_id is not None:
            where.append("location_id = ?")
            values.append(location_id)
    for word in fold(wanted.q).split():
        where.append("instr(found_by, ?) > 0")
        values.append(word)
    if wanted.active is not None:
        where.append(f"left_at IS {'' if wanted.active else 'NOT '}NULL")
    if wanted.on_shift is not None:
        where.append(f"shift_started_at IS {'NOT ' if wanted.on_shift else ''}NULL")
    if wanted.online is not None:
        where.append("online = ?")
        values.append(wanted.online)
    return " AND ".join(where), values


def _found_by(profile: Profile) -> str:
    return fold(" ".join(each for each in (profile.name, profile.phone, profile.vehicle) if each))
