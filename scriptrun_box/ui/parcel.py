"""A package as screens say it: what it needs, what stands in its way, what happened to it."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from scriptrun_box.packages.model import Move, Package

from . import words

SOURCE_WORDS = {
    "api": "pharmacy software",
    "csv": "CSV file",
    "manual": "typed in",
    "folder": "watched folder",
    "recurring": "recurring",
    "shopify": "Shopify",
    "label": "label scan",
}
FAILURE_WORDS = {
    "wrong_address": "wrong address",
    "refused": "refused",
    "no_answer": "no answer",
    "no_id": "no ID",
    "copay_not_paid": "copay not paid",
    "temperature": "too warm or too cold",
    "damaged": "damaged",
    "unsafe": "not safe there",
    "other": "another reason",
}
CANCEL_WORDS = {
    "picked_up": "picked up at the counter",
    "patient_request": "the patient asked",
    "entered_in_error": "entered in error",
    "other": "another reason",
}
FIELD_WORDS = {
    "patient_name": "Patient",
    "patient_address": "Address",
    "patient_phone": "Phone",
    "rx_number": "Rx number",
    "medications": "Medications",
    "copay_amount": "Copay",
    "priority": "Priority",
    "delivery_date": "Delivery date",
    "requires_signature": "Signature",
    "cold_chain": "Cold chain",
    "controlled_substance": "Controlled substance",
    "dea_schedule": "DEA schedule",
    "external_patient_id": "Patient number",
    "notes": "Notes",
    "barcode": "Barcode",
    "fill_number": "Fill number",
    "fill_date": "Fill date",
    "deliver_after": "Not before",
    "deliver_by": "Not after",
    "pharmacy_id": "Location",
}
DISPOSITION_WORDS = {
    "release": "released",
    "redeliver": "to be packed and delivered again",
    "return": "returned to the pharmacy",
    "destroy": "destroyed",
}
GATE_WORDS = {
    "packed_at": "packed cold",
    "released_at": "released",
    "handed_over_at": "handed over",
}
NOBODY: Mapping[str, str] = MappingProxyType({})
WAITING = ("created", "assigned")
OPEN = ("created", "assigned", "out_for_delivery", "failed")


def needs(package: Package) -> list[tuple[str, str]]:
    """(tone, word) of each tag: what a package needs on its way."""
    content = package.content
    tags = []
    if content.priority != "routine":
        tags.append((content.priority, content.priority.upper()))
    if content.cold_chain:
        tags.append(("cold", "Insulated bag"))
    if content.controlled_substance:
        schedule = f" C-{content.dea_schedule}" if content.dea_schedule else ""
        tags.append(("", f"ID{schedule}"))
    if content.requires_signature:
        tags.append(("", "Signature"))
    return tags


def handling(package: Package) -> str:
    """What has to be done with it, in words."""
    content = package.content
    said = []
    if content.controlled_substance:
        said.append(f"controlled substance, schedule {content.dea_schedule or 'not given'}")
    if content.cold_chain:
        said.append("cold chain")
    if content.requires_signature:
        said.append("signature")
    return ", ".join(said) or "nothing special"


def standing(package: Package) -> tuple[str, str]:
    """(word, tone) of the pill: first what somebody has to do, else where the package is."""
    if package.quarantined_at is not None:
        return "Quarantine", "bad"
    if package.status in WAITING:
        content = package.content
        if package.duplicate_of is not None:
            return "Possible duplicate", "bad"
        if content.address_incomplete:
            return "Check address", "bad"
        if content.cold_chain and package.packed_at is None:
            return "Pack first", "warn"
        if content.controlled_substance and package.released_at is None:
            return "Release first", "warn"
    if package.status == "out_for_delivery" and package.recalled_at is not None:
        return "Recalled", "bad"
    return words.STATUS_WORDS[package.status], words.STATUS_TONES[package.status]


def address_lines(address: str) -> tuple[str, str]:
    """Street over town; the second is empty where the address has no comma."""
    parts = [part.strip() for part in address.split(",")]
    street = max(1, len(parts) - 2)
    return ", ".join(parts[:street]), ", ".join(parts[street:])


def event(move: Move, names: Mapping[str, str] = NOBODY) -> str:
    """A line of the timeline in words; `names` are those of drivers, by id."""
    detail = move.detail
    driver = names.get(detail.get("driver_id", ""))
    before = names.get(detail.get("from_driver_id") or "")
    if move.act == "assign" and driver:
        return f"Handed on from {before} to {driver}" if before else f"Assigned to {driver}"
    if move.act == "pass_on" and driver and before:
        return f"On the way handed on from {before} to {driver}"
    if move.act == "unassign" and before:
        return f"Taken back from {before}"
    if move.act == "edit":
        fields = [FIELD_WORDS.get(name, name).lower() for name in detail.get("fields", [])]
        return f"Changed: {', '.join(fields)}"
    if move.act == "gates":
        if "no_longer" in detail:
            gone = [GATE_WORDS.get(name, name) for name in detail["no_longer"]]
            return f"No longer {' and '.join(gone)}"
        gates = [GATE_WORDS.get(name, name) for name in detail.get("facts", [])]
        return ", ".join(gates).capitalize()
    if move.act == "disposition":
        return f"Pharmacist's decision: {DISPOSITION_WORDS[detail['disposition']]}"
    if move.act == "create":
        return f"Arrived ({SOURCE_WORDS.get(detail['source'], detail['source'])})"
    reason = str(detail.get("reason"))
    if move.act == "fail":
        return f"Could not be delivered: {FAILURE_WORDS.get(reason, 'no reason given')}"
    if move.act == "recall":
        return f"Recalled: {CANCEL_WORDS.get(reason, 'no reason')}"
    if move.act == "cancel":
        why = "a duplicate" if "duplicate_of" in detail else CANCEL_WORDS.get(reason, "no reason")
        return f"Cancelled: {why}"
    return EVENT_WORDS[move.act]


EVENT_WORDS = {
    "assign": "Assigned to a driver",
    "unassign": "Taken back from the driver",
    "start": "Out for delivery",
    "pass_on": "Handed on to another driver on the way",
    "deliver": "Delivered",
    "redeliver": "To be delivered again",
    "return": "Returned to the pharmacy",
    "restore": "No longer cancelled",
    "both": "Kept: no duplicate",
    "erase": "The patient's data was erased on request",
    "pack": "Packed cold",
    "temperatures": "Temperatures of a logger read in",
    "unpack": "Taken out of its bag",
    "quarantine": "In quarantine: a pharmacist decides",
}

FILTERS: dict[str, Callable[..., Any]] = {
    "needs": needs,
    "standing": standing,
    "handling": handling,
    "address_lines": address_lines,
    "event": event,
    "source_word": lambda source: SOURCE_WORDS.get(source, source),
    "failure_word": lambda reason: FAILURE_WORDS.get(reason, "no reason given"),
}
