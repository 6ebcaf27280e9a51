"""What a driver may see of a package: a model of its own, so that nothing else can leak.

There is no Rx number, no medication, no schedule and no pharmacy barcode in it (some pharmacies
print the Rx number as their barcode). Whatever a driver gets, paper or screen, is made of this.
"""

from dataclasses import dataclass

from .model import Location, Package


@dataclass(frozen=True, slots=True)
class DriverPackage:
    """A package as its driver knows it: who, where, when, and what is to be done at the door."""

    seq: int
    id: str
    test: bool
    status: str
    location_id: str  # the pharmacy it comes from
    name: str
    address: str
    phone: str | None
    notes: str | None  # None also where they name the treatment
    delivery_date: str  # YYYY-MM-DD at the pharmacy
    deliver_after: str | None  # HH:MM
    deliver_by: str | None
    priority: str
    sign: bool
    fridge: bool
    hold_until: int | None  # the bag keeps it cold until then, unix milliseconds
    quarantined: bool  # it is brought back, and not handed over
    check_id: bool  # which is all that a driver is told of why
    collect_cents: int | None  # None: not known; 0: nothing
    door: str  # packages of one door are one stop
    location: Location | None
    driver_id: str | None
    route_id: str | None
    stop_id: str | None


def for_driver(package: Package) -> DriverPackage:
    """The driver's view of a package."""
    content = package.content
    return DriverPackage(
        seq=package.seq,
        id=package.id,
        test=package.test,
        status=package.status,
        location_id=content.location_id,
        name=content.patient_name,
        address=content.patient_address,
        phone=content.patient_phone,
        notes=None if content.notes_withheld else content.notes,
        delivery_date=content.delivery_date,
        deliver_after=content.deliver_after,
        deliver_by=content.deliver_by,
        priority=content.priority,
        sign=content.requires_signature,
        fridge=content.cold_chain,
        hold_until=package.keeps_until,
        quarantined=package.quarantined_at is not None,
        check_id=content.controlled_substance,
        collect_cents=content.copay_cents,
        door=package.door or content.patient_address,
        location=package.location,
        driver_id=package.driver_id,
        route_id=package.route_id,
        stop_id=package.stop_id,
    )
