"""Proof of what happened at a door: one row per attempt, its pictures behind signed links."""

from dataclasses import dataclass, fields
from typing import Any

from scriptrun_box.kernel.db import Reader, Writer
from scriptrun_box.kernel.links import Links
from scriptrun_box.kernel.scope import Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """One attempt, column by column; times in unix milliseconds, degrees, metres.

    `photo` and `signature` say that there is such a picture; a photo without a digest is still on
    its way from the phone (and of a made-up attempt there is none to have).
    """

    id: str
    package_id: str
    attempt: int
    outcome: str  # delivered, failed
    driver_id: str
    acted_at: int
    lat: float | None = None
    lng: float | None = None
    photo: bool = False
    signature: bool = False
    made_up: bool = False
    act_id: str | None = None
    device_at: int | None = None
    received_at: int | None = None
    accuracy_m: float | None = None
    no_place: str | None = None
    how: str | None = None
    recipient: str | None = None
    relation: str | None = None
    id_kind: str | None = None
    id_jurisdiction: str | None = None
    id_number: str | None = None
    id_last_four: str | None = None
    strokes: str | None = None
    photo_digest: bytes | None = None
    signature_digest: bytes | None = None
    no_photo: str | None = None
    no_signature: str | None = None
    reason: str | None = None
    note: str | None = None
    told_at: int | None = None

    @property
    def awaits_photo(self) -> bool:
        """Its photo was taken, and is not on the box yet."""
        return self.photo and self.photo_digest is None and not self.made_up


@dataclass(frozen=True, slots=True)
class Stood:
    """Where a driver stood at a door, and whether somebody was really handed something there."""

    proof_id: str
    scope: Scope
    door: str | None
    delivered: bool
    place: tuple[float, float] | None  # degrees
    accuracy_m: float | None


NAMES = tuple(each.name for each in fields(Proof))
FLAGS = ("photo", "signature", "made_up")


def insert(w: Writer, proof: Proof) -> None:
    """Store the proof of an attempt."""
    marks = ", ".join("?" * len(NAMES))
    w.run(
        f"INSERT INTO proofs ({', '.join(NAMES)}) VALUES ({marks})",  # noqa: S608
        [getattr(proof, name) for name in NAMES],
    )


def find(r: Reader, proof_id: str) -> Proof | None:
    """A proof by its id."""
    row = r.one("SELECT * FROM proofs WHERE id = ?", (proof_id,))
    return None if row is None else _proof_of(row)


def latest(r: Reader, package_id: str) -> Proof | None:
    """The proof of the last attempt."""
    row = r.one(
        "SELECT * FROM proofs WHERE package_id = ? ORDER BY attempt DESC, id DESC LIMIT 1",
        (package_id,),
    )
    return None if row is None else _proof_of(row)


def every(r: Reader, package_id: str) -> list[Proof]:
    """The proof of each attempt, the first one first."""
    rows = r.all(
        "SELECT * FROM proofs WHERE package_id = ? ORDER BY attempt, id",
        (package_id,),
    )
    return [_proof_of(row) for row in rows]


def of_act(r: Reader, act_id: str) -> list[Proof]:
    """What one act at a door left, a proof for each of its packages."""
    rows = r.all("SELECT * FROM proofs WHERE act_id = ? ORDER BY package_id", (act_id,))
    return [_proof_of(row) for row in rows]


def behind(r: Reader, proof_id: str, limit: int) -> list[Stood]:
    """Where drivers stood at the doors of attempts after this one, oldest first."""
    rows = r.all(
        "SELECT f.id, p.tenant_id, p.test, p.door, f.outcome, f.made_up, f.lat, f.lng, f.accuracy_m"
        " FROM proofs AS f CROSS JOIN packages AS p ON p.id = f.package_id"
        " WHERE f.id > ? ORDER BY f.id LIMIT ?",
        (proof_id, limit),
    )
    return [
        Stood(
            row["id"],
            Scope(row["tenant_id"], bool(row["test"])),
            row["door"],
            row["outcome"] == "delivered" and not row["made_up"],
            None if row["lat"] is None else (row["lat"], row["lng"]),
            row["accuracy_m"],
        )
        for row in rows
    ]


def set_photo(w: Writer, proof: Proof, digest: bytes) -> bool:
    """The photo has come; False where one was there already, or none is waited for any more."""
    changed = w.run(
        "UPDATE proofs SET photo_digest = ? WHERE id = ? AND photo = 1 AND photo_digest IS NULL",
        (digest, proof.id),
    )
    return bool(changed)


def give_photo_up(w: Writer, proof: Proof, reason: str) -> bool:
    """The photo will not come; False where it came meanwhile."""
    changed = w.run(
        "UPDATE proofs SET photo = 0, no_photo = ?"
        " WHERE id = ? AND photo = 1 AND photo_digest IS NULL",
        (reason, proof.id),
    )
    return bool(changed)


def set_told(w: Writer, proof_id: str) -> bool:
    """Its event is being written; False where it was before."""
    return bool(
        w.run(
            "UPDATE proofs SET told_at = ? WHERE id = ? AND told_at IS NULL",
            (w.now, proof_id),
        )
    )


def forget_notes(w: Writer, package_ids: list[str]) -> None:
    """What drivers wrote of packages whose patient asked to be forgotten."""
    w.many("UPDATE proofs SET note = NULL WHERE package_id = ?", [(each,) for each in package_ids])


def wire(proof: Proof | None, links: Links, now: int) -> dict[str, Any] | None:
    """A proof on the wire, with fresh links."""
    if proof is None:
        return None
    path = f"/proof/{proof.id}"
    return {
        "photo_url": links.make(f"{path}/photo", now) if proof.photo else None,
        "signature_url": links.make(f"{path}/signature", now) if proof.signature else None,
        "lat": proof.lat,
        "lng": proof.lng,
    }


def _proof_of(row: Any) -> Proof:
    columns: dict[str, Any] = {name: row[name] for name in NAMES}
    return Proof(**columns | {name: bool(row[name]) for name in FLAGS})
