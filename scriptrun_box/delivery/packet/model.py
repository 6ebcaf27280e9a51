"""The words of packets: what one covers, how far it is, and a line of its delivery log."""

from dataclasses import dataclass
from typing import Any, Literal

from scriptrun_box.kernel.clock import HOUR_MS

Kind = Literal["package", "patient", "rx", "dates"]
PACKAGES_MAX = 1_000  # in one packet
OPEN_MAX = 10  # packets of a tenant that are being made, or wait to be
KEPT_MS = HOUR_MS  # how long a file can be downloaded

# Why a packet was not made: what stands in packets.reason, in words.
REASON_WORDS = {
    "disk_full": "The disk of the box is too full for it.",
    "internal": "It could not be made. Try it again.",
}


@dataclass(frozen=True, slots=True)
class Packet:
    """A packet as stored; times in unix milliseconds."""

    seq: int
    id: str
    tenant_id: str
    test: bool
    kind: str
    package_ids: tuple[str, ...]
    packages: int
    done: int
    state: str  # queued, working, ready, gone, failed
    reason: str | None
    bytes: int | None
    digest: str | None
    created_at: int
    created_by: str
    finished_at: int | None


@dataclass(frozen=True, slots=True)
class Line:
    """A package as the delivery log tells it: what payers' audits ask for."""

    record: str  # the name of its file
    patient: str
    rx: str
    filled: str
    delivered: str
    address: str
    received: str
    signature: str  # the name of its file, or empty
    copay: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """Everything of one package on its way into a packet."""

    package_id: str
    record: dict[str, Any]
    line: Line
    pictures: dict[str, bytes]  # by the names of their files
    acts: list[dict[str, Any]]  # rows of the audit


@dataclass(frozen=True, slots=True)
class Cover:
    """What stands on a packet: whose it is, who asked for it and when."""

    packet: str
    kind: str
    pharmacy: str
    made_at: str
    made_by: str
    sandbox: bool
    time_zone: str
