"""The state machine of a package: one table of moves and one pure function.

    created ⇄ assigned → out_for_delivery → delivered
                                          ↘ failed → created (redeliver) | returned
    created, assigned → cancelled → created (restore: a cancellation is taken back)

Gates are facts on the package, not further statuses. So is a recall: a package that is out stays
out until it is back, is not delivered meanwhile, and then goes the way of a failed one. And so is
whose hands a controlled one is in: while it is handed over, no desk can say that it is not.
"""

from dataclasses import dataclass
from typing import Literal, get_args

Status = Literal[
    "created", "assigned", "out_for_delivery", "delivered", "failed", "returned", "cancelled"
]
Act = Literal[
    "assign",
    "unassign",
    "start",
    "deliver",
    "fail",
    "pass_on",
    "recall",
    "redeliver",
    "return",
    "cancel",
    "restore",
]
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
NEEDS_RECALL = ("redeliver", "return")  # of what is out
OUT_OF_HANDS = ("assign", "unassign", "pass_on", "cancel", "redeliver", "return")

MOVES: dict[str, tuple[tuple[Status, ...], Status]] = {
    "assign": (("created", "assigned"), "assigned"),
    "unassign": (("assigned",), "created"),
    "start": (("assigned",), "out_for_delivery"),
    "deliver": (("out_for_delivery",), "delivered"),
    "fail": (("out_for_delivery",), "failed"),
    "pass_on": (("out_for_delivery",), "out_for_delivery"),  # to another driver on the way
    "recall": (("out_for_delivery",), "out_for_delivery"),
    "redeliver": (("failed", "out_for_delivery"), "created"),  # from out only once recalled
    "return": (("failed", "out_for_delivery"), "returned"),
    "cancel": (("created", "assigned"), "cancelled"),
    "restore": (("cancelled",), "created"),
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
    recalled: bool = False
    quarantined: bool = False
    hold_passed: bool = False
    by_pharmacist: bool = False  # who decides what becomes of a controlled package that is back
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
    never = facts.status == "out_for_delivery" and act in NEEDS_RECALL and not facts.recalled
    if facts.status not in come_from or never:
        words = facts.status.replace("_", " ")
        return Refused(f"{act}_not_allowed", f"A package that is {words} cannot take this step.")
    return _gate(act, facts) or goes_to


def _gate(act: str, facts: Facts) -> Refused | None:
    if facts.controlled_substance:
        held = _custody(act, facts)
        if held:
            return held
    if act == "assign" and facts.undecided_duplicate:
        return Refused("possible_duplicate", "First decide whether this is a duplicate.")
    if facts.quarantined and act in ("assign", "start", "deliver", "redeliver"):
        return Refused("quarantined", "This package is in quarantine: a pharmacist decides first.")
    if facts.hold_passed and act in ("start", "deliver"):
        return Refused("hold_passed", "Its bag keeps it cold no longer: it may not be handed over.")
    if act in ("assign", "start", "pass_on"):
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
    if act == "recall" and facts.recalled:
        return Refused("recall_not_allowed", "This package is recalled already.")
    if act == "deliver":
        if facts.recalled:
            return Refused("recalled", "This package is recalled: it is not delivered any more.")
        if (facts.requires_signature or facts.controlled_substance) and not facts.signed:
            return Refused("signature_missing", "This package needs a signature.")
        if facts.controlled_substance and not facts.recipient_identified:
            return Refused("id_missing", "This package needs the recipient's name and ID.")
    return None


def _custody(act: str, facts: Facts) -> Refused | None:
    """What a controlled package's custody forbids."""
    if act in OUT_OF_HANDS and facts.handed_over:
        return Refused(
            "still_with_driver", "Its driver has it: first it is handed back to a pharmacist."
        )
    if act in NEEDS_RECALL and not facts.by_pharmacist:
        return Refused("pharmacist_decides", "A pharmacist decides what becomes of this package.")
    return None
