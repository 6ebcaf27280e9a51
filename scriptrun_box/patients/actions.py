"""What can be done with patients: know their numbers, say things of them, merge, split."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from scriptrun_box.kernel import audit
from scriptrun_box.kernel.db import Reader, Signal, Writer
from scriptrun_box.kernel.errors import Conflict, Invalid, NotFound
from scriptrun_box.kernel.scope import Actor, Scope
from scriptrun_box.kernel.texts import clean

from . import store
from .model import Consent, Patient, Profile, Shown, both

CHANGED = "patients"


def know(w: Writer, after: int, through: int) -> int:
    """Make the rows that packages in (after, through] need; how many there were."""
    unknown = store.unknown(w, after, through)
    for number, patient_id in zip(unknown, store.insert(w, unknown), strict=True):
        w.after_commit(Signal(CHANGED, number.tenant_id, number.test, (patient_id,)))
    return len(unknown)


def find(r: Reader, scope: Scope, patient_id: str) -> Patient:
    """The living patient behind an id, also behind that of one merged into them, or NotFound."""
    patient = store.get(r, scope, patient_id)
    if patient is not None and patient.merged_into is not None:
        patient = store.get(r, scope, patient.merged_into)
    if patient is None or patient.erased_at is not None:
        raise NotFound("There is no such patient.")
    return patient


def shown(r: Reader, scope: Scope, patient_id: str) -> Shown:
    """The same with their numbers and newest package."""
    return store.show(r, [find(r, scope, patient_id)])[0]


def change(
    w: Writer,
    scope: Scope,
    actor: Actor,
    patient_id: str,
    given: Mapping[str, Any],
    version: int | None = None,
) -> Patient:
    """Change checked fields of `PatientChangeIn`.

    `version` is the one that was seen; without it the change goes by what is there.
    """
    patient = need_living(w, scope, patient_id, version)
    profile = _profile(w, actor, patient.profile, given)
    fields = [
        name
        for name in Profile.__dataclass_fields__
        if getattr(profile, name) != getattr(patient.profile, name)
    ]
    if fields:
        _need(store.set_profile(w, patient, profile))
        note(w, scope, actor, patient, "changed", fields=fields)
    return find(w, scope, patient_id)


def merge(
    w: Writer,
    scope: Scope,
    actor: Actor,
    patient_id: str,
    other_id: str,
    version: int | None = None,
) -> Patient:
    """Say that another patient is the same person: their numbers become this one's.

    What the other one's row says stays in it, for the day it is split off again.
    """
    kept = need_living(w, scope, patient_id, version)
    other = store.get(w, scope, other_id)
    if other is None or other.erased_at is not None:
        raise invalid("patient_id", "unknown_patient", "There is no such patient.")
    if other.merged_into == kept.id:
        return kept
    if other.id == kept.id or other.location_id != kept.location_id:
        raise invalid("patient_id", "not_allowed", "Name another patient of the same pharmacy.")
    _need_unmerged(other)
    _need(store.set_merged(w, other, kept.id))
    _need(store.set_profile(w, kept, both(kept.profile, other.profile)))
    note(w, scope, actor, kept, "merged", other=other.id)
    return find(w, scope, kept.id)


def split(
    w: Writer,
    scope: Scope,
    actor: Actor,
    patient_id: str,
    number: str,
    version: int | None = None,
) -> Patient:
    """Say that a number is somebody else's after all; the patient it is now again.

    They have the words they had before the merge. The number the patient came with stays theirs.
    """
    patient = need_living(w, scope, patient_id, version)
    found = [each for each in store.all_of(w, patient)[1:] if each.number == number]
    if not found:
        raise invalid(
            "external_patient_id", "not_allowed", "Only a number that was merged can be split off."
        )
    (other,) = found
    _need(store.set_merged(w, other, None))
    note(w, scope, actor, patient, "split", other=other.id)
    return find(w, scope, other.id)


def need_living(r: Reader, scope: Scope, patient_id: str, version: int | None) -> Patient:
    """The patient to be changed, as the caller saw them; raises NotFound or Conflict."""
    patient = store.get(r, scope, patient_id)
    if patient is None or patient.erased_at is not None:
        raise NotFound("There is no such patient.")
    _need_unmerged(patient)
    if version is not None and version != patient.version:
        raise Conflict(
            "Somebody else changed this patient meanwhile; nothing was saved.",
            details=[{"version": patient.version}],
        )
    return patient


def _need_unmerged(patient: Patient) -> None:
    if patient.merged_into is not None:
        raise Conflict(
            "This patient was merged into another one.",
            code="patient_merged",
            details=[{"patient_id": patient.merged_into}],
        )


def _profile(w: Writer, actor: Actor, was: Profile, given: Mapping[str, Any]) -> Profile:
    """A profile with the given fields in the place of its own; raises Invalid."""
    changed: dict[str, Any] = {
        name: given[name] for name in ("leave_at_door", "language") if name in given
    }
    for name in ("instructions", "notes"):
        if name in given:
            changed[name] = _text(name, given[name] or "", lines=True) or None
    if "may_receive" in given:
        names = [_text("may_receive", each) for each in given["may_receive"]]
        changed["may_receive"] = tuple(dict.fromkeys(name for name in names if name))
    if "messages_consent" in given and given["messages_consent"] != was.messages.given:
        consent = given["messages_consent"]
        changed["messages"] = Consent(consent, w.now, actor.id)
    return replace(was, **changed)


def _text(field: str, text: str, *, lines: bool = False) -> str:
    made = clean(text, lines=lines)
    if made is None:
        raise invalid(field, "bad_characters", f"{field} has characters that cannot be shown.")
    return made[0]


def invalid(field: str, code: str, message: str) -> Invalid:
    """A refusal about one field."""
    return Invalid(message, details=[{"field": field, "code": code, "message": message}])


def _need(written: bool) -> None:
    if not written:
        raise Conflict("Somebody else was faster; look again.", code="conflict")


def note(w: Writer, scope: Scope, actor: Actor, patient: Patient, act: str, **detail: Any) -> None:
    """The who-and-when of a change, without a word of what was said; a word to open screens."""
    audit.record(w, scope.tenant_id, actor, f"patient.{act}", patient.id, **detail)
    w.after_commit(Signal(CHANGED, scope.tenant_id, scope.test, (patient.id,)))
