"""The words of packages: a package as stored, a new one, a move, and each on the wire."""

import json
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from scriptrun_box.kernel.clock import iso, iso_or_none

from .lifecycle import Facts

# Fields of an order under their own names; what PATCH may change and `package.edited` may name.
ORDER_FIELDS = (
    "patient_name",
    "patient_address",
    "patient_phone",
    "rx_number",
    "medications",
    "copay_amount",
    "priority",
    "delivery_date",
    "requires_signature",
    "cold_chain",
    "controlled_substance",
    "dea_schedule",
    "external_patient_id",
    "notes",
    "barcode",
    "fill_number",
    "fill_date",
    "deliver_after",
    "deliver_by",
)


@dataclass(slots=True)
class Content:
    """What an order says of a package, checked and normalised; money in cents."""

    location_id: str
    patient_name: str
    patient_address: str
    patient_phone: str | None
    rx_number: str | None
    medications: list[str] | None
    copay_cents: int | None
    priority: str
    delivery_date: str
    requires_signature: bool
    cold_chain: bool
    controlled_substance: bool
    dea_schedule: str | None
    external_patient_id: str | None
    notes: str | None
    notes_withheld: bool
    barcode: str | None
    fill_number: str | None
    fill_date: str | None
    deliver_after: str | None
    deliver_by: str | None
    address_incomplete: bool


@dataclass(frozen=True, slots=True)
class Location:
    """Where a package's door is, in degrees; who says so, and how sure that is."""

    lat: float
    lng: float
    source: str  # known, points, geocoder, zip, pin
    confidence: str  # exact, near, approximate


@dataclass(frozen=True, slots=True)
class Package:
    """A package as stored; times in unix milliseconds."""

    seq: int
    id: str
    tenant_id: str
    test: bool
    status: str
    content: Content
    duplicate_of: str | None
    source: str
    created_by: str
    created_at: int
    updated_at: int
    driver_id: str | None
    packed_at: int | None
    released_at: int | None
    handed_over_at: int | None
    hold_until: int | None  # packed cold: how long its bag keeps it so
    quarantined_at: int | None  # it was too warm or too cold: a pharmacist decides
    recalled_at: int | None  # it is out, and is to come back
    attempts: int
    delivered_at: int | None
    failure_reason: str | None
    failure_note: str | None
    copay_collected_cents: int | None
    copay_method: str | None
    door: str | None  # its address in one spelling; None until somebody looked it up
    corrected_address: str | None  # as the desk wrote it, where the order had it wrong
    location: Location | None
    route_id: str | None
    stop_id: str | None

    @property
    def address(self) -> str:
        """Where it really goes."""
        return self.corrected_address or self.content.patient_address

    @property
    def keeps_until(self) -> int | None:
        """Until when a package that needs it is kept cold; None where nothing limits it."""
        return self.hold_until if self.content.cold_chain else None

    def facts(self, at: int, **of_the_act: bool) -> Facts:
        """What the state machine's gates look at: the package's own, and those of an act.

        `at` is when the act was done: what was handed over before anybody knew better stays so.
        """
        return Facts(
            status=self.status,
            requires_signature=self.content.requires_signature,
            cold_chain=self.content.cold_chain,
            controlled_substance=self.content.controlled_substance,
            undecided_duplicate=self.duplicate_of is not None,
            packed=self.packed_at is not None,
            released=self.released_at is not None,
            handed_over=self.handed_over_at is not None,
            recalled=self.recalled_at is not None and self.recalled_at <= at,
            quarantined=self.quarantined_at is not None and self.quarantined_at <= at,
            hold_passed=self.keeps_until is not None and self.keeps_until < at,
            **of_the_act,
        )


@dataclass(frozen=True, slots=True)
class Move:
    """One line of a package's timeline."""

    at: int
    actor: str
    act: str
    from_status: str
    to_status: str
    detail: dict[str, Any]


def dollars(cents: int | None) -> float | None:
    """Cents as the wire shows money: dollars with at most two decimals."""
    return None if cents is None else cents / 100


def cents(amount: Decimal | None) -> int | None:
    """Dollars with at most two decimals as whole cents."""
    return None if amount is None else int(amount * 100)


def order_fields(content: Content) -> dict[str, Any]:
    """An order's fields under their own names, as the wire and the forms show them."""
    fields: dict[str, Any] = {}
    for name in ORDER_FIELDS:
        if name == "copay_amount":
            fields[name] = dollars(content.copay_cents)
        else:
            fields[name] = getattr(content, name)
    return fields


def wire(package: Package, proof: dict[str, Any] | None = None) -> dict[str, Any]:
    """A package as API.md 4 shows it; `proof` is filled in by who knows the proofs."""
    content = package.content
    failure = None
    if package.failure_reason:
        failure = {"reason": package.failure_reason, "note": package.failure_note}
    return {
        "id": package.id,
        "status": package.status,
        **order_fields(content),
        "pharmacy_id": content.location_id,
        "driver_id": package.driver_id,
        "route_id": package.route_id,
        "source": package.source,
        "import_id": None,
        "test": package.test,
        "duplicate_of": package.duplicate_of,
        "created_at": iso(package.created_at),
        "updated_at": iso(package.updated_at),
        "delivered_at": iso_or_none(package.delivered_at),
        "recalled_at": iso_or_none(package.recalled_at),
        "failure": failure,
        "copay": {
            "due": dollars(content.copay_cents),
            "collected": dollars(package.copay_collected_cents),
            "method": package.copay_method,
        },
        "proof": proof,
        "location": None if package.location is None else asdict(package.location),
    }


def move_wire(entry: Move) -> dict[str, Any]:
    """A line of the timeline on the wire."""
    return {
        "at": iso(entry.at),
        "actor": entry.actor,
        "act": entry.act,
        "from": entry.from_status or None,
        "to": entry.to_status,
        "detail": entry.detail,
    }


def content_of(row: Any) -> Content:
    """The order's part of a stored row."""
    return Content(
        location_id=row["location_id"],
        patient_name=row["patient_name"],
        patient_address=row["patient_address"],
        patient_phone=row["patient_phone"],
        rx_number=row["rx_number"],
        medications=None if row["medications"] is None else json.loads(row["medications"]),
        copay_cents=row["copay_cents"],
        priority=row["priority"],
        delivery_date=row["delivery_date"],
        requires_signature=bool(row["requires_signature"]),
        cold_chain=bool(row["cold_chain"]),
        controlled_substance=bool(row["controlled_substance"]),
        dea_schedule=row["dea_schedule"],
        external_patient_id=row["external_patient_id"],
        notes=row["notes"],
        notes_withheld=bool(row["notes_withheld"]),
        barcode=row["barcode"],
        fill_number=row["fill_number"],
        fill_date=row["fill_date"],
        deliver_after=row["deliver_after"],
        deliver_by=row["deliver_by"],
        address_incomplete=bool(row["address_incomplete"]),
    )


def location_of(row: Any) -> Location | None:
    """Where a stored row's door is, as far as it is known."""
    if row["lat"] is None:
        return None
    return Location(row["lat"], row["lng"], row["location_source"], row["location_confidence"])


def package_of(row: Any) -> Package:
    """A stored row as a package."""
    return Package(
        seq=row["seq"],
        id=row["id"],
        tenant_id=row["tenant_id"],
        test=bool(row["test"]),
        status=row["status"],
        content=content_of(row),
        duplicate_of=row["duplicate_of"],
        source=row["source"],
        created_by=row["created_by"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        driver_id=row["driver_id"],
        packed_at=row["packed_at"],
        released_at=row["released_at"],
        handed_over_at=row["handed_over_at"],
        hold_until=row["hold_until"],
        quarantined_at=row["quarantined_at"],
        recalled_at=row["recalled_at"],
        attempts=row["attempts"],
        delivered_at=row["delivered_at"],
        failure_reason=row["failure_reason"],
        failure_note=row["failure_note"],
        copay_collected_cents=row["copay_collected_cents"],
        copay_method=row["copay_method"],
        door=row["door"],
        corrected_address=row["corrected_address"],
        location=location_of(row),
        route_id=row["route_id"],
        stop_id=row["stop_id"],
    )
