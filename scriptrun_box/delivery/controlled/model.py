"""The words of controlled substances: people, releases, the chain of hands, incidents, closes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from scriptrun_box.kernel.clock import iso, iso_or_none
from scriptrun_box.kernel.errors import Forbidden
from scriptrun_box.kernel.scope import Actor

SEAL_MAX = 64  # characters of a tamper bag's serial
WORDS_MAX = 2_000  # characters of what somebody says about something
AT_ONCE_MAX = 50  # packages of one hand-over
NOBODY = "nobody"

Schedule = Literal["II", "III", "IV", "V"]
Decision = Literal["redeliver", "restock", "destroy", "discrepancy"]
IncidentKind = Literal["missing", "theft", "count", "seal", "other"]
Outcome = Literal["delivered", "returned", "incident", "out"]

SCHEDULES: tuple[str, ...] = get_args(Schedule)
DECISIONS: tuple[str, ...] = get_args(Decision)
INCIDENT_KINDS: tuple[str, ...] = get_args(IncidentKind)
OUTCOMES: tuple[str, ...] = get_args(Outcome)


@dataclass(frozen=True, slots=True)
class Party:
    """One of the two people of a hand-over, and how they showed who they are.

    `id` is `user:usr_…` or `driver:drv_…`; `by` is session, password, pin, phone or made_up.
    """

    id: str
    by: str

    @property
    def actor(self) -> Actor:
        return Actor(self.id)


@dataclass(frozen=True, slots=True)
class Rule:
    """What a state wants; never hard law: the owner changes it, and `source` says where it is from.

    The box asks for ID and signature at every door of a controlled package, whatever `ask_id` says.
    """

    state: str  # FL, …; * is every state without a rule of its own
    ask_id: str  # always, unless_known (to the pharmacist)
    min_age: int  # years
    second_check: str  # who counts again before a release: none, II (only then), all
    restock: bool  # what never left the staff's hands may go back to stock
    signer: str  # patient, named (or whom they named), anyone (at the address)
    source: str
    own: bool = False  # the owner changed it

    def needs_second(self, schedule: str) -> bool:
        """Whether a second person counts and looks at the seal."""
        return self.second_check == "all" or self.second_check == schedule


@dataclass(frozen=True, slots=True)
class Release:
    """A pharmacist let a package go."""

    seq: int
    package_id: str
    schedule: str
    seal: str
    state: str
    rule: Mapping[str, Any]
    at: int
    by: str
    second_by: str | None
    ended_at: int | None


@dataclass(frozen=True, slots=True)
class Transfer:
    """One row of the chain: who gave a package to whom."""

    seq: int
    package_id: str
    location_id: str
    kind: str  # out, back, lost
    driver_id: str
    employment: str
    giver: str
    giver_by: str
    taker: str
    taker_by: str
    seal: str
    seal_intact: bool
    count_ok: bool
    status: str
    note: str
    at: int


@dataclass(frozen=True, slots=True)
class Check:
    """What a pharmacist sees of a package that comes back."""

    seal: str  # as it is read
    intact: bool
    count_ok: bool
    note: str = ""


@dataclass(frozen=True, slots=True)
class Disposition:
    """What became of a package that came back."""

    custody_seq: int
    package_id: str
    decision: str
    note: str
    at: int
    by: str


@dataclass(frozen=True, slots=True)
class Incident:
    """A discrepancy with its two clocks (dates at the location)."""

    seq: int
    id: str
    location_id: str
    package_id: str
    custody_seq: int | None
    kind: str
    words: str
    opened_at: int
    opened_by: str
    notice_due: str
    form_due: str
    notified_at: int | None
    notified_by: str | None
    filed_at: int | None
    filed_by: str | None
    closed_at: int | None
    closed_by: str | None
    closing_words: str | None


@dataclass(frozen=True, slots=True)
class Line:
    """One hand-over to a driver, and what became of it: a line of the log."""

    seq: int
    at: int
    package_id: str
    location_id: str
    driver_id: str
    giver: str
    seal: str
    schedule: str
    rx_number: str | None
    fill_number: str | None
    fill_date: str | None
    patient_name: str
    patient_address: str
    status: str
    released_at: int | None
    released_by: str | None
    second_by: str | None
    delivered_at: int | None
    back_at: int | None
    back_kind: str | None  # back, lost
    back_status: str | None
    taker: str | None
    seal_intact: bool | None
    count_ok: bool | None
    decision: str | None
    decided_at: int | None
    decided_by: str | None
    incident_id: str | None

    @property
    def outcome(self) -> Outcome:
        """Exactly one of four: that is why out = delivered + returned + incidents + still out."""
        if self.incident_id is not None:
            return "incident"
        if self.back_at is not None:
            return "returned"
        return "delivered" if self.was_delivered else "out"

    @property
    def was_delivered(self) -> bool:
        """Whether this hand-over ended at a door, whatever was found out later."""
        return self.back_at is None and self.status == "delivered"

    @property
    def undecided(self) -> bool:
        """Whether it came back from the road, and no pharmacist has said what becomes of it."""
        came = self.back_kind == "back" and self.back_status != "assigned"
        return came and self.decision is None

    @property
    def open(self) -> bool:
        """Whether a day cannot be closed over it."""
        return self.outcome == "out" or (self.outcome == "returned" and self.undecided)


@dataclass(frozen=True, slots=True)
class Close:
    """A day somebody closed: its figures as they then were."""

    id: str
    location_id: str
    date: str
    after_seq: int
    until_seq: int
    sent_out: int
    delivered: int
    returned: int
    incidents: int
    at: int
    by: str


@dataclass(frozen=True, slots=True)
class Amendment:
    """What was found out about a closed day later."""

    words: str
    at: int
    by: str


def not_confirmed() -> Forbidden:
    """The one answer to a wrong password, a wrong PIN and a role that may not."""
    return Forbidden(
        "This was not confirmed: e-mail, password or PIN is not right, or the role does not allow"
        " it.",
        code="not_confirmed",
    )


def release_of(row: Any) -> Release:
    """A stored row as a release."""
    return Release(
        row["seq"],
        row["package_id"],
        row["schedule"],
        row["seal"],
        row["state"],
        json.loads(row["rule"]),
        row["at"],
        row["by"],
        row["second_by"],
        row["ended_at"],
    )


def transfer_of(row: Any) -> Transfer:
    """A stored row as a transfer."""
    named = {name: row[name] for name in Transfer.__dataclass_fields__}
    flags = {name: bool(row[name]) for name in ("seal_intact", "count_ok")}
    return Transfer(**{**named, **flags})


def line_of(row: Any) -> Line:
    """A row of the log's query as a line."""
    named = {name: row[name] for name in Line.__dataclass_fields__}
    for name in ("seal_intact", "count_ok"):
        named[name] = None if row[name] is None else bool(row[name])
    return Line(**named)


def release_wire(found: Release) -> dict[str, Any]:
    """A release on the wire."""
    return {
        "released_at": iso(found.at),
        "released_by": found.by,
        "second_by": found.second_by,
        "dea_schedule": found.schedule,
        "seal": found.seal,
        "ended_at": iso_or_none(found.ended_at),
    }


def transfer_wire(found: Transfer) -> dict[str, Any]:
    """A row of the chain on the wire."""
    return {
        "at": iso(found.at),
        "kind": found.kind,
        "from": found.giver,
        "to": found.taker,
        "seal": found.seal,
        "seal_intact": found.seal_intact,
        "count_ok": found.count_ok,
    }


def entry_wire(line: Line, recipient: Mapping[str, str | None]) -> dict[str, Any]:
    """A line of the log on the wire, with who took it."""
    return {
        "package_id": line.package_id,
        "pharmacy_id": line.location_id,
        "outcome": line.outcome,
        "rx_number": line.rx_number,
        "fill_number": line.fill_number,
        "fill_date": line.fill_date,
        "dea_schedule": line.schedule or None,
        "patient_name": line.patient_name,
        "patient_address": line.patient_address,
        "seal": line.seal,
        "released_at": iso_or_none(line.released_at),
        "released_by": line.released_by,
        "second_by": line.second_by,
        "handed_over_at": iso(line.at),
        "handed_over_by": line.giver,
        "driver_id": line.driver_id,
        "delivered_at": iso_or_none(line.delivered_at) if line.was_delivered else None,
        "recipient": dict(recipient) if line.was_delivered else None,
        "returned_at": iso_or_none(line.back_at),
        "returned_to": line.taker,
        "seal_intact": line.seal_intact,
        "count_ok": line.count_ok,
        "disposition": line.decision,
        "decided_at": iso_or_none(line.decided_at),
        "decided_by": line.decided_by,
        "incident_id": line.incident_id,
    }
