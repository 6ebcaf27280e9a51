"""What a driver may see of a package: a model of its own, so that nothing else can leak.

There is no Rx number, no medication, no schedule and no pharmacy barcode in it (some pharmacies
print the Rx number as their barcode). Whatever a driver gets, paper or screen, is made of this.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from scriptrun_box.kernel.db import Reader
from scriptrun_box.packages.model import Location, Package
from scriptrun_box.packages.treatment import names_treatment

from . import store
from .model import Patient, may_leave_at_door

TREATMENTS_MAX = 50  # of a patient's packages, the newest, whose treatment is looked for in texts


@dataclass(frozen=True, slots=True)
class DriverPackage:
    """A package as its driver knows it: who, where, when, and what is to be done at the door."""

    seq: int
    id: str
    test: bool
    status: str
    location_id: str  # the pharmacy it comes from
    name: str
    address: str  # as corrected at the desk, else as ordered
    phone: str | None
    notes: str | None  # None also where they name the treatment
    instructions: str | None  # the patient's standing ones; None also where they name a treatment
    may_receive: tuple[str, ...]  # beside the patient
    leave_at_door: bool  # whether it may be left without handing it over
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


def for_drivers(r: Reader, packages: Sequence[Package]) -> list[DriverPackage]:
    """The driver's view of each of these packages, with what is known of their patients."""
    seen = []
    for package in packages:
        patient = store.for_package(r, package)
        seen.append(for_driver(package, patient, _others(r, patient)))
    return seen


def _others(r: Reader, patient: Patient | None) -> Sequence[Package]:
    """A patient's packages, where there is a text that could name what was in them."""
    if patient is None or not (patient.profile.instructions or patient.profile.may_receive):
        return ()
    numbers = store.numbers_of(store.all_of(r, patient))
    return store.packages_of(r, patient, numbers, None, TREATMENTS_MAX)


def for_driver(
    package: Package, patient: Patient | None, others: Sequence[Package] = ()
) -> DriverPackage:
    """The driver's view of a package; no text of the patient's may name what is in `others`."""
    content = package.content

    def plain(text: str) -> bool:
        treated = [each.content for each in (package, *others)]
        return not any(names_treatment(text, c.rx_number, c.medications) for c in treated)

    standing = (patient.profile.instructions if patient else None) or ""
    receivers = patient.profile.may_receive if patient else ()
    return DriverPackage(
        seq=package.seq,
        id=package.id,
        test=package.test,
        status=package.status,
        location_id=content.location_id,
        name=content.patient_name,
        address=package.address,
        phone=content.patient_phone,
        notes=None if content.notes_withheld else content.notes,
        instructions=standing if standing and plain(standing) else None,
        may_receive=tuple(each for each in receivers if plain(each)),
        leave_at_door=may_leave_at_door(package, patient),
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
