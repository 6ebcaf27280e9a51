"""The SQL of drivers' phones: codes, phones, what they told, loads, places, silences."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from scriptrun_box.kernel.db import Reader, Writer
from scriptrun_box.kernel.scope import Actor

from .model import Phone, Place, StoodIn, Told, phone_of


@dataclass(frozen=True, slots=True)
class Filter:
    """What a list of acts is narrowed to."""

    driver_id: str = ""
    odd: bool = False  # only what did not count as it was told
    unseen: bool = False  # of those, what nobody has looked at


# Codes and phones --------------------------------------------------------------------------------


def insert_code(
    w: Writer, digest: bytes, tenant_id: str, driver_id: str, actor: Actor, expires_at: int
) -> None:
    """Store a driver's code; an earlier one that nobody used is void."""
    w.run("DELETE FROM phone_codes WHERE driver_id = ?", (driver_id,))
    w.insert(
        "phone_codes (digest, tenant_id, driver_id, made_by, expires_at)",
        [(digest, tenant_id, driver_id, actor.id, expires_at)],
    )


def code(r: Reader, digest: bytes, now: int) -> Any:
    """Whose phone a code adds, while it is good."""
    return r.one(
        "SELECT tenant_id, driver_id, made_by FROM phone_codes WHERE digest = ? AND expires_at > ?",
        (digest, now),
    )


def delete_code(w: Writer, digest: bytes) -> None:
    """A code is used once."""
    w.run("DELETE FROM phone_codes WHERE digest = ?", (digest,))


def insert(w: Writer, made: Phone, cookie_digest: bytes, added_by: str) -> None:
    """Store a new phone."""
    w.insert(
        "phones (id, tenant_id, driver_id, name, cookie_digest, page_digest, joined_at, added_by,"
        " heard_at)",
        [
            (
                made.id,
                made.tenant_id,
                made.driver_id,
                made.name,
                cookie_digest,
                made.page_digest,
                made.joined_at,
                added_by,
                made.heard_at,
            )
        ],
    )


def by_cookie(r: Reader, digest: bytes) -> Phone | None:
    """The phone with this credential, revoked or not."""
    row = r.one("SELECT * FROM phones WHERE cookie_digest = ?", (digest,))
    return phone_of(row) if row else None


def get(r: Reader, tenant_id: str, phone_id: str) -> Phone | None:
    """One phone."""
    row = r.one("SELECT * FROM phones WHERE id = ? AND tenant_id = ?", (phone_id, tenant_id))
    return phone_of(row) if row else None


def of_driver(r: Reader, driver_id: str) -> list[Phone]:
    """A driver's phones that are not revoked, the newest first."""
    rows = r.all(
        "SELECT * FROM phones WHERE driver_id = ? AND revoked_at IS NULL ORDER BY joined_at DESC",
        (driver_id,),
    )
    return [phone_of(row) for row in rows]


def set_revoked(w: Writer, phone: Phone, actor: Actor) -> bool:
    """Note who took a phone's rights away, while it has them."""
    sql = "UPDATE phones SET revoked_at = ?, revoked_by = ? WHERE id = ? AND revoked_at IS NULL"
    return bool(w.run(sql, (w.now, actor.id, phone.id)))


def set_heard(w: Writer, heard: Mapping[str, int]) -> None:
    """When phones were last heard of, by id."""
    w.many(
        "UPDATE phones SET heard_at = max(heard_at, ?) WHERE id = ?",
        [(at, phone_id) for phone_id, at in heard.items()],
    )


def set_ahead(w: Writer, phone_id: str, ahead_ms: int) -> None:
    """What a phone's clock shows beside ours."""
    w.run("UPDATE phones SET ahead_ms = ? WHERE id = ?", (ahead_ms, phone_id))


# Acts --------------------------------------------------------------------------------------------


def add_act(w: Writer, tenant_id: str, told: Told) -> None:
    """Store an act and what became of it; the place in the list is given here."""
    seq = (w.value("SELECT max(seq) FROM phone_acts") or 0) + 1
    w.insert(
        "phone_acts (seq, id, tenant_id, driver_id, phone_id, kind, package_ids, digest, device_at,"
        " acted_at, received_at, outcome, code, sentence)",
        [
            (
                seq,
                told.id,
                tenant_id,
                told.driver_id,
                told.phone_id,
                told.kind,
                json.dumps(told.package_ids),
                told.digest,
                told.device_at,
                told.acted_at,
                told.received_at,
                told.outcome,
                told.code,
                told.sentence,
            )
        ],
    )


def act(r: Reader, act_id: str) -> Told | None:
    """What was told under this id, whoever told it."""
    row = r.one("SELECT * FROM phone_acts WHERE id = ?", (act_id,))
    return _told(row) if row else None


def acts(r: Reader, tenant_id: str, wanted: Filter, before: int | None, limit: int) -> list[Told]:
    """What phones told, newest first, behind the `seq` of the last one shown."""
    where: list[str] = ["tenant_id = ?"]
    values: list[Any] = [tenant_id]
    if wanted.odd or wanted.unseen:
        where.append("outcome <> 'taken'")
    if wanted.unseen:
        where.append("seen_at IS NULL")
    if wanted.driver_id:
        where.append("driver_id = ?")
        values.append(wanted.driver_id)
    if before is not None:
        where.append("seq < ?")
        values.append(before)
    sql = f"SELECT * FROM phone_acts WHERE {' AND '.join(where)} ORDER BY seq DESC LIMIT ?"  # noqa: S608
    return [_told(row) for row in r.all(sql, [*values, limit])]


def count_unseen(r: Reader, tenant_id: str, driver_id: str) -> int:
    """How many acts of a driver did not count, and nobody has looked at."""
    number: int = r.value(
        "SELECT count(*) FROM phone_acts INDEXED BY phone_acts_unseen WHERE tenant_id = ?"
        " AND driver_id = ? AND outcome <> 'taken' AND seen_at IS NULL",
        (tenant_id, driver_id),
    )
    return number


def set_seen(w: Writer, tenant_id: str, driver_id: str, actor: Actor) -> int:
    """Note who looked at a driver's acts that did not count."""
    return w.run(
        "UPDATE phone_acts SET seen_at = ?, seen_by = ? WHERE tenant_id = ? AND driver_id = ?"
        " AND outcome <> 'taken' AND seen_at IS NULL",
        (w.now, actor.id, tenant_id, driver_id),
    )


def _told(row: Any) -> Told:
    return Told(
        seq=row["seq"],
        id=row["id"],
        driver_id=row["driver_id"],
        phone_id=row["phone_id"],
        kind=row["kind"],
        package_ids=tuple(json.loads(row["package_ids"])),
        digest=row["digest"],
        device_at=row["device_at"],
        acted_at=row["acted_at"],
        received_at=row["received_at"],
        outcome=row["outcome"],
        code=row["code"],
        sentence=row["sentence"],
        seen_at=row["seen_at"],
        seen_by=row["seen_by"],
    )


# Loads, places, silences -------------------------------------------------------------------------


def set_loaded(
    w: Writer, driver_id: str, package_ids: Iterable[str], at: int, missing: bool
) -> None:
    """Packages are in a driver's car, or were not there; the last word counts."""
    w.insert(
        "phone_loads (package_id, driver_id, at, missing)",
        [(package_id, driver_id, at, missing) for package_id in package_ids],
        "ON CONFLICT DO UPDATE SET driver_id = excluded.driver_id, at = excluded.at,"
        " missing = excluded.missing",
    )


def loaded(r: Reader, driver_id: str, package_ids: Iterable[str]) -> dict[str, bool]:
    """{package: whether it is in this driver's car}; absent is not looked for yet.

    What came back and goes out again is loaded again.
    """
    rows = r.all(
        "SELECT package_id, missing FROM phone_loads AS l"
        " WHERE package_id IN (SELECT value FROM json_each(?)) AND driver_id = ?"
        " AND NOT EXISTS (SELECT 1 FROM package_moves AS m WHERE m.package_id = l.package_id"
        " AND m.act = 'redeliver' AND m.at > l.at)",
        (json.dumps(sorted(set(package_ids))), driver_id),
    )
    return {row["package_id"]: not row["missing"] for row in rows}


def set_place(w: Writer, tenant_id: str, driver_id: str, at: int, stood: StoodIn) -> None:
    """Where a driver was last; an older word does not count."""
    w.insert(
        "phone_places (driver_id, tenant_id, at, lat, lng, accuracy_m)",
        [(driver_id, tenant_id, at, stood.lat, stood.lng, stood.accuracy_m)],
        "ON CONFLICT DO UPDATE SET at = excluded.at, lat = excluded.lat, lng = excluded.lng,"
        " accuracy_m = excluded.accuracy_m WHERE excluded.at > at",
    )


def place(r: Reader, driver_id: str) -> Place | None:
    """Where a driver was last."""
    row = r.one(
        "SELECT at, lat, lng, accuracy_m FROM phone_places WHERE driver_id = ?", (driver_id,)
    )
    return Place(*row) if row else None


def silent(r: Reader, since: int, limit: int) -> list[tuple[str, str]]:
    """(tenant, driver) of who is online by their own word, and whose phones say nothing since."""
    rows = r.all(
        "SELECT d.tenant_id, d.id FROM drivers AS d WHERE d.online = 1 AND d.status_changed_at < ?"
        " AND EXISTS (SELECT 1 FROM phones AS p WHERE p.driver_id = d.id AND p.revoked_at IS NULL)"
        " AND NOT EXISTS (SELECT 1 FROM phones AS p WHERE p.driver_id = d.id"
        " AND p.revoked_at IS NULL AND p.heard_at >= ?) LIMIT ?",
        (since, since, limit),
    )
    return [(row["tenant_id"], row["id"]) for row in rows]


def set_silenced(w: Writer, driver_id: str) -> None:
    """The box put a driver offline."""
    w.insert(
        "phone_silences (driver_id, at)",
        [(driver_id, w.now)],
        "ON CONFLICT DO UPDATE SET at = excluded.at",
    )


def silenced_at(r: Reader, driver_id: str) -> int | None:
    """When the box put a driver offline; None where it did not."""
    at: int | None = r.value("SELECT at FROM phone_silences WHERE driver_id = ?", (driver_id,))
    return at


def delete_silence(w: Writer, driver_id: str) -> None:
    """The driver is heard again."""
    w.run("DELETE FROM phone_silences WHERE driver_id = ?", (driver_id,))
