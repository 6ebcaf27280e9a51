"""Proof of what happened at a door: one row per attempt, its pictures behind signed links."""

from dataclasses import dataclass
from typing import Any

from scriptrun_box.kernel import ids
from scriptrun_box.kernel.db import Reader, Writer
from scriptrun_box.kernel.links import Links


@dataclass(frozen=True, slots=True)
class Proof:
    """One attempt: `photo` and `signature` say whether there is such a picture."""

    package_id: str
    attempt: int
    outcome: str
    driver_id: str
    acted_at: int
    lat: float | None
    lng: float | None
    photo: bool
    signature: bool
    made_up: bool


def insert(w: Writer, proof: Proof) -> None:
    """Store the proof of an attempt."""
    w.run(
        "INSERT INTO proofs (id, package_id, attempt, outcome, driver_id, acted_at, lat, lng,"
        " photo, signature, made_up) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            ids.prefixed("prf"),
            proof.package_id,
            proof.attempt,
            proof.outcome,
            proof.driver_id,
            proof.acted_at,
            proof.lat,
            proof.lng,
            proof.photo,
            proof.signature,
            proof.made_up,
        ),
    )


def latest(r: Reader, package_id: str) -> Proof | None:
    """The proof of the last attempt."""
    row = r.one(
        "SELECT * FROM proofs WHERE package_id = ? ORDER BY attempt DESC, id DESC LIMIT 1",
        (package_id,),
    )
    if row is None:
        return None
    return Proof(
        row["package_id"],
        row["attempt"],
        row["outcome"],
        row["driver_id"],
        row["acted_at"],
        row["lat"],
        row["lng"],
        bool(row["photo"]),
        bool(row["signature"]),
        bool(row["made_up"]),
    )


def wire(proof: Proof | None, links: Links, now: int) -> dict[str, Any] | None:
    """A proof on the wire, with fresh links."""
    if proof is None:
        return None
    path = f"/proof/{proof.package_id}"
    return {
        "photo_url": links.make(f"{path}/photo", now) if proof.photo else None,
        "signature_url": links.make(f"{path}/signature", now) if proof.signature else None,
        "lat": proof.lat,
        "lng": proof.lng,
    }
