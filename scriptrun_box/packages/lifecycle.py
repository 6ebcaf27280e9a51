"""The state machine of a package: one table of moves and one pure function.

    created ⇄ assigned → out_for_delivery → delivered
                                          ↘ failed → created (redeliver) | returned
    created, assigned → cancelled

Gates are facts on the package, not further statuses.
"""

from dataclasses import dataclass
from typing import Literal, get_args

Status = Literal[
    "created", "assigned", "out_for_delivery", "delivered", "failed", "returned", "cancelled"
]
Act = Literal["assign", "unassign", "start", "deliver", "fail", "redeliver", "return", "cancel"]
FailureReason = Literal[
    "wrong_address",
    "refused",
    "no_answer",
    "no_id",
    "copay_not_paid",
    "temperature",
    "damaged",
    "unsafe",
    "other",
]
CancelReason = Literal["picked_up", "patient_request", "entered_in_error", "other"]

STATUSES: tuple[str, ...] = get_args(Status)
ACTS: tuple[str, ...] = get_args(Act)
FAILURE_REASONS: tuple[str, ...] = get_args(FailureReason)
CANCEL_REASONS: tuple[str, ...] = get_args(CancelReason)
NOT_YET_OUT = ("created", "assigned")

MOVES: dict[str, tuple[tuple[Status, ...], Status]] = {
    "assign": (("created", "assigned"), "assigned"),
    "unassign": (("assigned",), "created"),
    "start": (("assigned",), "out_for_delivery"),
    "deliver": (("out_for_delivery",), "delivered"),
    "fail": (("out_for_delivery",), "failed"),
    "redeliver": (("failed",), "created"),
    "return": (("failed",), "returned"),
    "cancel": (("created", "assigned"), "cancelled"),
}


@dataclass(frozen=True, slots=True)
class Facts:
    """What the gates look at."""

    status: str
    requires_signature: bool = False
    cold_chain: bool = False
    controlled_substance: bool = False
    undecided_duplicate: bool = False
    packed: bool = False
    released: bool = False
    handed_over: bool = False
    signed: bool = False
    recipient_identified: bool = False
    driver_cold_chain: bool = True  # the driver it is given to may carry such packages
    driver_controlled: bool = True


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a move cannot be made: a stable code and a sentence."""

    code: str
    sentence: str


def move(act: str, facts: Facts) -> Status | Refused:
    """The status a package comes to by an act, or why it cannot."""
    come_from, goes_to = MOVES[act]
    if facts.status not in come_from:
        words = facts.status.replace("_", " ")
        return Refused(f"{act}_not_allowed", f"A package that is {words} cannot take this step.")
    return _gate(act, facts) or goes_to


def _gate(act: str, facts: Facts) -> Refused | None:
    if act == "assign" and facts.undecided_duplicate:
        return Refused("possible_duplicate", "First decide whether this is a duplicate.")
    if act in ("assign", "start"):
        if facts.cold_chain and not facts.driver_cold_chain:
            return Refused("driver_not_cold_chain", "This driver may not carry cold packages.")
        if facts.controlled_substance and not facts.driver_controlled:
            return Refused(
                "driver_not_controlled", "This driver may not carry controlled substances."
            )
    if act == "start":
        if facts.cold_chain and not facts.packed:
            return Refused("not_packed", "The cold package is not packed in its bag yet.")
        if facts.controlled_substance and not facts.released:
            return Refused("not_released", "A pharmacist has not released this package yet.")
        if facts.controlled_substance and not facts.handed_over:
            return Refused("not_handed_over", "This package is not handed over to the driver yet.")
    if act == "deliver":
        if (facts.requires_signature or facts.controlled_substance) and not facts.signed:
            return Refused("signature_missing", "This package needs a signature.")
        if facts.controlled_substance and not facts.recipient_identified:
            return Refused("id_missing", "This package needs the recipient's name and ID.")
    return None
