"""The SQL of what is kept of a door beside its proof: payments, and what people add later."""

from scriptrun_box.kernel import ids
from scriptrun_box.kernel.db import Reader, Writer
from scriptrun_box.kernel.scope import Actor
from scriptrun_box.packages.model import Package

from .model import Amendment, Payment


def insert_payments(w: Writer, package: Package, at: int, payments: list[Payment]) -> None:
    """Store what was said of money at a door; `package` as it stands after the attempt."""
    w.many(
        "INSERT INTO copay_payments (id, package_id, attempt, driver_id, at, method, cents,"
        " check_number, card_last_four, authorization, approved_by, reason)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                ids.prefixed("pay"),
                package.id,
                package.attempts,
                package.driver_id,
                at,
                each.method,
                each.cents,
                each.check_number,
                each.card_last_four,
                each.authorization,
                each.approved_by,
                each.reason,
            )
            for each in payments
        ],
    )


def payments(r: Reader, package_id: str) -> list[Payment]:
    """What was said of money at a package's door, oldest first."""
    rows = r.all(
        "SELECT * FROM copay_payments WHERE package_id = ? ORDER BY attempt, id", (package_id,)
    )
    return [
        Payment(
            row["method"],
            row["cents"],
            row["check_number"],
            row["card_last_four"],
            row["authorization"],
            row["approved_by"],
            row["reason"],
        )
        for row in rows
    ]


def insert_amendment(w: Writer, actor: Actor, package_id: str, amendment: Amendment) -> None:
    """Store words beside a record."""
    w.run(
        "INSERT INTO amendments (id, package_id, proof_id, at, actor, about, words)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            ids.prefixed("amd"),
            package_id,
            amendment.proof_id,
            amendment.at,
            actor.id,
            amendment.about,
            amendment.words,
        ),
    )


def amendments(r: Reader, package_id: str) -> list[Amendment]:
    """What people added to a package's record, oldest first."""
    rows = r.all("SELECT * FROM amendments WHERE package_id = ? ORDER BY at, id", (package_id,))
    return [
        Amendment(row["about"], row["words"], row["at"], row["actor"], row["proof_id"])
        for row in rows
    ]
