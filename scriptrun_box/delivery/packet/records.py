"""What a packet tells of a package: its record, its line in the log, its pictures, its acts.

A record is made of SECTIONS. A slice that keeps something of a package adds a line to them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from scriptrun_box.accounts import store as accounts
from scriptrun_box.accounts.model import Location
from scriptrun_box.accounts.names import actor_name
from scriptrun_box.delivery import store as door
from scriptrun_box.delivery.cold import story
from scriptrun_box.delivery.cold.model import story_wire
from scriptrun_box.delivery.controlled.api import custody_shape
from scriptrun_box.delivery.model import ID_KINDS
from scriptrun_box.drivers import store as drivers
from scriptrun_box.kernel import audit, blobs, clock
from scriptrun_box.kernel.db import Reader
from scriptrun_box.kernel.scope import Scope
from scriptrun_box.packages import proofs
from scriptrun_box.packages import store as packages
from scriptrun_box.packages.model import Package, move_wire, wire
from scriptrun_box.packages.proofs import Proof
from scriptrun_box.patients import store as patients

from .model import Line, Sheet

LEFT_OUT = (  # of a proof: what the packet says in other words, and the whole number of an ID
    "package_id",
    "id_number",
    "strokes",
    "photo_digest",
    "signature_digest",
    "told_at",
)
TIMES = ("acted_at", "device_at", "received_at")
ENDINGS = {"image/jpeg": "jpg", "image/png": "png"}

Section = Callable[[Reader, Package], Any]


def _timeline(r: Reader, package: Package) -> Any:
    moves = packages.moves(r, package)
    names = {move.actor: actor_name(r, package.tenant_id, move.actor) for move in moves}
    return [{**move_wire(move), "name": names[move.actor]} for move in moves]


def _attempts(r: Reader, package: Package) -> Any:
    found = proofs.every(r, package.id)
    names = drivers.names(r, package.tenant_id, [each.driver_id for each in found])
    return [_attempt(r, each, names) for each in found] or None


def _attempt(r: Reader, proof: Proof, names: Mapping[str, str]) -> dict[str, Any]:
    told = {name: value for name, value in asdict(proof).items() if name not in LEFT_OUT}
    for name in TIMES:
        told[name] = clock.iso_or_none(told[name])
    told["driver"] = names.get(proof.driver_id, "a made-up driver")
    told["photo_file"] = _picture_name(r, proof.photo_digest)
    told["signature_file"] = _picture_name(r, proof.signature_digest)
    return told


def _payments(r: Reader, package: Package) -> Any:
    return [asdict(each) for each in door.payments(r, package.id)] or None


def _amendments(r: Reader, package: Package) -> Any:
    return [
        {
            **asdict(each),
            "at": clock.iso(each.at),
            "name": actor_name(r, package.tenant_id, each.actor),
        }
        for each in door.amendments(r, package.id)
    ] or None


def _cold_chain(r: Reader, package: Package) -> Any:
    if not package.content.cold_chain:
        return None
    scope = Scope(package.tenant_id, package.test)
    return story_wire(story.read(r, scope, package.id, clock.now_ms()))


def _custody(r: Reader, package: Package) -> Any:
    if not package.content.controlled_substance:
        return None
    return custody_shape(r, Scope(package.tenant_id, package.test), package.id)


SECTIONS: dict[str, Section] = {
    "timeline": _timeline,
    "attempts": _attempts,
    "payments": _payments,
    "amendments": _amendments,
    "cold_chain": _cold_chain,
    "custody": _custody,
}


def gather(r: Reader, scope: Scope, package_ids: Sequence[str], first: int) -> list[Sheet]:
    """The sheets of these packages in this order; `first` is the number of the first one."""
    places = {each.id: each for each in accounts.locations(r, scope.tenant_id)}
    found = {each.id: each for each in packages.these(r, scope, package_ids)}
    wanted = [found[each] for each in package_ids if each in found]
    return [
        _sheet(r, package, places[package.content.location_id], number)
        for number, package in enumerate(wanted, first)
    ]


def _sheet(r: Reader, package: Package, place: Location, number: int) -> Sheet:
    acts = _acts(r, package)
    record: dict[str, Any] = {
        "package": wire(package),
        "address": package.address,
        "pharmacy": {"name": place.name, "address": place.address, "time_zone": place.time_zone},
    }
    for name, section in SECTIONS.items():
        told = section(r, package)
        if told is not None:
            record[name] = told
    names = {each["actor"]: actor_name(r, package.tenant_id, each["actor"]) for each in acts}
    record["audit"] = [
        {
            "seq": each["seq"],
            "at": clock.iso(each["at"]),
            "act": each["act"],
            "actor": each["actor"],
            "name": names[each["actor"]],
        }
        for each in acts
    ]
    attempts = proofs.every(r, package.id)
    line = _line(r, package, attempts, place.time_zone, f"records/{number:04}-{package.id}.json")
    return Sheet(package.id, record, line, _pictures(r, attempts), acts)


def _acts(r: Reader, package: Package) -> list[dict[str, Any]]:
    """The audit's rows about a package, and about the patient it is for."""
    subjects = [package.id]
    patient = patients.for_package(r, package)
    if patient is not None:
        subjects.append(patient.id)
    return audit.about(r, package.tenant_id, subjects)


def _pictures(r: Reader, attempts: Sequence[Proof]) -> dict[str, bytes]:
    """The pictures that are still kept, by the names of their files."""
    found = {}
    for digest in [d for each in attempts for d in (each.signature_digest, each.photo_digest) if d]:
        blob, name = blobs.get(r, digest), _picture_name(r, digest)
        if name is not None and blob is not None and blob.body is not None:
            found[name] = blob.body
    return found


def _picture_name(r: Reader, digest: bytes | None) -> str | None:
    kind = digest and blobs.type_of(r, digest)
    return f"pictures/{digest.hex()}.{ENDINGS[kind]}" if digest and kind else None


# A line of the log --------------------------------------------------------------------------------


def _line(r: Reader, package: Package, attempts: Sequence[Proof], zone: str, name: str) -> Line:
    content = package.content
    last = attempts[-1] if attempts else None
    filled = [content.fill_date, content.fill_number and f"fill {content.fill_number}"]
    return Line(
        record=name,
        patient=content.patient_name,
        rx=content.rx_number or "",
        filled=", ".join(each for each in filled if each),
        delivered=_delivered(package, last, zone),
        address=package.address,
        received=_received(last) if last else "",
        signature=(last and _picture_name(r, last.signature_digest)) or "",
        copay=_copay(package),
    )


def _delivered(package: Package, last: Proof | None, zone: str) -> str:
    """The day and time it was delivered, or how it stands. Never a day that was only planned."""
    if last is None or package.delivered_at is None:
        return f"not delivered ({package.status.replace('_', ' ')})"
    return f"{clock.local_date(last.acted_at, zone)} {clock.local_time(last.acted_at, zone)}"


def _received(last: Proof) -> str:
    if last.outcome == "failed":
        return f"nobody: {(last.reason or 'failed').replace('_', ' ')}"
    if last.how == "left_at_door":
        return "left at the door"
    taken = ", ".join(each for each in (last.recipient, last.relation) if each)
    if last.id_kind:
        document = ID_KINDS[last.id_kind]
        taken += f"; {document} of {last.id_jurisdiction} ending in {last.id_last_four}"
    return taken or ("made up in the sandbox" if last.made_up else "")


def _copay(package: Package) -> str:
    due, taken = package.content.copay_cents, package.copay_collected_cents
    said = "due unknown" if due is None else f"${due / 100:.2f} due"
    if taken is not None:
        how = (package.copay_method or "").replace("_", " ")
        said += f", ${taken / 100:.2f} collected ({how})"
    return said
