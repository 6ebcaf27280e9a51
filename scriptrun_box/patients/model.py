"""The words of patients: one as stored, what callers may send, one on the wire."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from scriptrun_box.kernel.clock import iso, iso_or_none
from scriptrun_box.packages.model import Package

INSTRUCTIONS_MAX, NOTES_MAX = 500, 2_000  # characters
RECEIVERS_MAX, RECEIVER_MAX = 20, 200  # people, and characters of each
NUMBER_MAX, ID_MAX = 128, 64  # characters
LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}")  # BCP 47: es, pt-BR, zh-Hant


def _language(text: str) -> str:
    if not LANGUAGE.fullmatch(text):
        raise PydanticCustomError("bad_format", "is a language tag such as es or pt-BR")
    return text


Receiver = Annotated[str, Field(min_length=1, max_length=RECEIVER_MAX)]


class PatientChangeIn(BaseModel):
    """A change of a patient: what is absent stays; `version` is the one the caller has seen."""

    model_config = ConfigDict(strict=True, extra="forbid")

    instructions: Annotated[str, Field(max_length=INSTRUCTIONS_MAX)] | None = None
    may_receive: Annotated[list[Receiver], Field(max_length=RECEIVERS_MAX)] = []
    leave_at_door: bool = False
    language: Annotated[str, AfterValidator(_language)] | None = None
    messages_consent: bool | None = None
    notes: Annotated[str, Field(max_length=NOTES_MAX)] | None = None
    version: int | None = None


class MergeIn(BaseModel):
    """The body of a merge: who turned out to be the same person."""

    model_config = ConfigDict(strict=True, extra="forbid")

    patient_id: str = Field(max_length=ID_MAX)
    version: int | None = None


class SplitIn(BaseModel):
    """The body of a split: the number that is somebody else's after all."""

    model_config = ConfigDict(strict=True, extra="forbid")

    external_patient_id: str = Field(max_length=NUMBER_MAX)
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Consent:
    """Whether messages may be sent, and who noted that when; `given` None was never asked."""

    given: bool | None = None
    at: int | None = None
    by: str | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """What people say of a patient, checked."""

    instructions: str | None = None
    may_receive: tuple[str, ...] = ()
    leave_at_door: bool = False
    language: str | None = None
    messages: Consent = Consent()
    notes: str | None = None


@dataclass(frozen=True, slots=True)
class Patient:
    """A patient number with what is known of whom it names; times in unix milliseconds.

    One that is merged into another keeps its own words, for the day it is split off again.
    """

    seq: int
    id: str
    tenant_id: str
    test: bool
    location_id: str
    number: str | None
    merged_into: str | None
    profile: Profile
    version: int
    created_at: int
    updated_at: int
    erased_at: int | None


@dataclass(frozen=True, slots=True)
class Shown:
    """A living patient with all their numbers, their own first, and their newest package."""

    patient: Patient
    numbers: tuple[str, ...]
    last: Package | None


def may_leave_at_door(package: Package, patient: Patient | None) -> bool:
    """Whether a package may be left without handing it over.

    Never where it needs a signature, is cold or controlled, or has a copay to collect; of the rest
    only where the patient allows it, and who never said so does not.
    """
    content = package.content
    handed_over = (
        content.requires_signature
        or content.controlled_substance
        or content.cold_chain
        or bool(content.copay_cents)
    )
    return not handed_over and patient is not None and patient.profile.leave_at_door


def both(kept: Profile, other: Profile) -> Profile:
    """What is known of two who are the same person: the kept one's words, the other's in the gaps.

    What one of them forbids stays forbidden.
    """
    refused = next((each for each in (kept.messages, other.messages) if each.given is False), None)
    asked = kept.messages if kept.messages.given is not None else other.messages
    return Profile(
        instructions=kept.instructions or other.instructions,
        may_receive=kept.may_receive or other.may_receive,
        leave_at_door=kept.leave_at_door and other.leave_at_door,
        language=kept.language or other.language,
        messages=refused or asked,
        notes=kept.notes or other.notes,
    )


def wire(shown: Shown) -> dict[str, Any]:
    """A patient as callers see one."""
    patient, profile, last = shown.patient, shown.patient.profile, shown.last
    return {
        "id": patient.id,
        "external_patient_ids": list(shown.numbers),
        "pharmacy_id": patient.location_id or None,
        "name": last and last.content.patient_name,
        "address": last and last.content.patient_address,
        "phone": last and last.content.patient_phone,
        "last_order_at": last and iso(last.created_at),
        "instructions": profile.instructions,
        "may_receive": list(profile.may_receive),
        "leave_at_door": profile.leave_at_door,
        "language": profile.language,
        "messages_consent": profile.messages.given,
        "messages_consent_at": iso_or_none(profile.messages.at),
        "messages_consent_by": profile.messages.by,
        "notes": profile.notes,
        "test": patient.test,
        "version": patient.version,
        "created_at": iso(patient.created_at),
        "updated_at": iso(patient.updated_at),
    }


def columns_of(profile: Profile) -> dict[str, Any]:
    """A profile as its columns hold it."""
    return {
        "instructions": profile.instructions,
        "receivers": json.dumps(profile.may_receive),
        "leave_at_door": profile.leave_at_door,
        "language": profile.language,
        "messages": profile.messages.given,
        "messages_at": profile.messages.at,
        "messages_by": profile.messages.by,
        "notes": profile.notes,
    }


def patient_of(row: Mapping[str, Any]) -> Patient:
    """A stored row as a patient."""
    given = None if row["messages"] is None else bool(row["messages"])
    return Patient(
        seq=row["seq"],
        id=row["id"],
        tenant_id=row["tenant_id"],
        test=bool(row["test"]),
        location_id=row["location_id"],
        number=row["number"],
        merged_into=row["merged_into"],
        profile=Profile(
            instructions=row["instructions"],
            may_receive=tuple(json.loads(row["receivers"])),
            leave_at_door=bool(row["leave_at_door"]),
            language=row["language"],
            messages=Consent(given, row["messages_at"], row["messages_by"]),
            notes=row["notes"],
        ),
        version=row["version"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        erased_at=row["erased_at"],
    )
