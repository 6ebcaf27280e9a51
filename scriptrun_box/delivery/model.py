"""The words of what happens at a door: who stood where, what was handed over, what was paid."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

How = Literal["to_person", "left_at_door"]
# To whom a package may be handed. Codes as dispensing records have them (ASAP's AIR06).
Relation = Literal["patient", "parent", "spouse", "caregiver", "facility", "other"]
Method = Literal[
    "cash",
    "check",
    "card",
    "card_on_file",
    "hsa_fsa",
    "house_charge",
    "prepaid",
    "waived",
    "not_collected",
]
# Kinds of identification by ASAP's codes (AIR04).
IdKind = Literal["01", "02", "03", "04", "05", "06", "08", "99"]

RELATIONS: tuple[str, ...] = get_args(Relation)
METHODS: tuple[str, ...] = get_args(Method)
TAKEN_AT_DOOR = ("cash", "check", "card", "card_on_file", "hsa_fsa")  # money that was collected
ID_KINDS: dict[str, str] = {
    "06": "driver license",
    "02": "state ID",
    "05": "passport",
    "01": "military ID",
    "04": "permanent resident card",
    "08": "tribal ID",
    "03": "other unique number",
    "99": "other",
}
ABOUT = ("recipient", "time", "place", "copay", "picture", "reason", "other")  # to be amended
LAST_FOUR = 4


@dataclass(frozen=True, slots=True)
class Stood:
    """Where a phone was: degrees, and how sure it is, in metres."""

    lat: float
    lng: float
    accuracy_m: float | None = None


@dataclass(frozen=True, slots=True)
class AtTheDoor:
    """An act at a door, whichever way it went. Times in unix milliseconds.

    `id` is made by who acted, so that the act happens once however often it is sent. `acted_at`
    is the moment by the box's clock, `device_at` what the phone's clock said.
    """

    id: str
    driver_id: str
    acted_at: int
    device_at: int
    received_at: int
    place: Stood | None = None
    no_place: str | None = None
    photo: bool = False  # one was taken; it comes with `attach`
    no_photo: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Identification:
    """A document that was looked at; `number` as it stands on it."""

    kind: str
    jurisdiction: str
    number: str


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who took it."""

    name: str
    relation: str
    identification: Identification | None = None


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture out of the box's own encoder."""

    type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature as it was drawn (JSON; None where it is on a sheet of paper), and its picture."""

    strokes: str | None
    picture: Picture


@dataclass(frozen=True, slots=True)
class Handed:
    """How packages left the driver's hands."""

    how: How
    recipient: Recipient | None = None
    signature: Signature | None = None
    no_signature: str | None = None


@dataclass(frozen=True, slots=True)
class Payment:
    """One payment of a copay, in cents; what proves it depends on the method."""

    method: str
    cents: int
    check_number: str | None = None
    card_last_four: str | None = None
    authorization: str | None = None
    approved_by: str | None = None
    reason: str | None = None


def collected(payments: Sequence[Payment]) -> tuple[int, str] | None:
    """(cents taken at the door, the method to tell); None where nothing was said of money.

    Several methods are told as `split`: which and how much stands in the payments.
    """
    if not payments:
        return None
    methods = {payment.method for payment in payments}
    cents = sum(each.cents for each in payments if each.method in TAKEN_AT_DOOR)
    return cents, methods.pop() if len(methods) == 1 else "split"


@dataclass(frozen=True, slots=True)
class Amendment:
    """What somebody added to a record afterwards; the record itself stays as it was."""

    about: str  # one of ABOUT
    words: str
    at: int
    actor: str
    proof_id: str | None
