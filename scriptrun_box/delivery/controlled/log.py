"""The controlled log as it is asked for and exported: by day, by schedule, with the pick-up record.

The six fields of who took a package are those a prescription monitoring program is told (ASAP 4.2:
AIR03 to AIR08). A whole ID number is there only where the file is encrypted; else its last four.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from scriptrun_box.kernel import clock
from scriptrun_box.kernel.clock import iso, iso_or_none
from scriptrun_box.kernel.db import Reader
from scriptrun_box.kernel.scope import Scope
from scriptrun_box.packages import proofs
from scriptrun_box.packages.proofs import Proof

from . import store
from .model import Line
from .store import Filter

SCHEDULES_BY_WORD: dict[str, tuple[str, ...]] = {
    "": (),
    "II": ("II",),
    "III-V": ("III", "IV", "V"),
}
RELATIONS = {  # AIR06
    "patient": "01",
    "parent": "02",
    "spouse": "03",
    "caregiver": "04",
    "facility": "99",
    "other": "99",
}
PICKED_UP = ("AIR03", "AIR04", "AIR05", "AIR06", "AIR07", "AIR08")
COLUMNS = (
    "handed_over_at", "handed_over_by", "driver", "package_id", "rx_number", "fill_number",
    "fill_date", "dea_schedule", "patient_name", "patient_address", "seal", "released_at",
    "released_by", "second_check_by", "outcome", "delivered_at", "AIR03_id_jurisdiction",
    "AIR04_id_qualifier", "AIR05_id_number", "AIR06_relationship", "AIR07_last_name",
    "AIR08_first_name", "returned_at", "returned_to", "seal_intact", "count_ok", "disposition",
    "decided_at", "decided_by", "incident_id",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Entry:
    """A line with the proof of its delivery, where it was delivered."""

    line: Line
    proof: Proof | None


def is_day(text: str) -> bool:
    """Whether this is a day that has a day after it."""
    return clock.is_date(text) and text < str(date.max)


def wanted(since: str, until: str, schedule: str, location_id: str, time_zone: str) -> Filter:
    """What a log of these days (both included) is narrowed to."""
    following = str(date.fromisoformat(until) + timedelta(1))
    return Filter(
        since=clock.moment(since, "00:00", time_zone),
        until=clock.moment(following, "00:00", time_zone),
        schedules=SCHEDULES_BY_WORD[schedule],
        location_id=location_id or None,
    )


def lines(r: Reader, scope: Scope, wanted: Filter, limit: int) -> list[Line]:
    """Hand-overs and what became of each, oldest first."""
    return store.log(r, scope, wanted, limit)


def entries(r: Reader, found: Sequence[Line]) -> list[Entry]:
    """The same with the proofs of what was delivered."""
    return [
        Entry(line, proofs.latest(r, line.package_id) if line.was_delivered else None)
        for line in found
    ]


def picked_up(proof: Proof | None) -> dict[str, str | None]:
    """Who took it: the six fields."""
    if proof is None:
        return dict.fromkeys(PICKED_UP)
    first, last = _names(proof.recipient)
    return {
        "AIR03": proof.id_jurisdiction,
        "AIR04": proof.id_kind,
        "AIR05": proof.id_number or proof.id_last_four,
        "AIR06": RELATIONS.get(proof.relation or ""),
        "AIR07": last,
        "AIR08": first,
    }


def cells(entry: Entry, names: Mapping[str, str]) -> list[Any]:
    """A row of the CSV file."""
    line = entry.line
    delivered = line.was_delivered
    return [
        iso(line.at),
        names.get(line.giver),
        names.get(f"driver:{line.driver_id}"),
        line.package_id,
        line.rx_number,
        line.fill_number,
        line.fill_date,
        line.schedule,
        line.patient_name,
        line.patient_address,
        line.seal,
        iso_or_none(line.released_at),
        names.get(line.released_by or ""),
        names.get(line.second_by or ""),
        line.outcome,
        iso_or_none(line.delivered_at) if delivered else None,
        *picked_up(entry.proof if delivered else None).values(),
        iso_or_none(line.back_at),
        names.get(line.taker or ""),
        line.seal_intact,
        line.count_ok,
        line.decision,
        iso_or_none(line.decided_at),
        names.get(line.decided_by or ""),
        line.incident_id,
    ]


def _names(recipient: str | None) -> tuple[str | None, str | None]:
    """(first, last) of a name as people write it: given names first, unless a comma says not."""
    if not recipient:
        return None, None
    last, comma, first = recipient.partition(",")
    if comma:
        return first.strip() or None, last.strip()
    first, _, last = recipient.strip().rpartition(" ")
    return first or None, last
