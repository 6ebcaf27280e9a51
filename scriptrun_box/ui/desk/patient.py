"""One patient: what is said of them for good, their packages, merge, split, erase."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from scriptrun_box.accounts.gates import form
from scriptrun_box.accounts.names import actor_name
from scriptrun_box.kernel.db import Reader, Writer
from scriptrun_box.kernel.errors import Conflict, Invalid, NotFound
from scriptrun_box.kernel.http import Call
from scriptrun_box.kernel.scope import Scope
from scriptrun_box.kernel.shapes import checked
from scriptrun_box.packages.api import look
from scriptrun_box.packages.model import Package
from scriptrun_box.patients import actions, erasing, store
from scriptrun_box.patients.alike import alike
from scriptrun_box.patients.api import PATIENT_ID
from scriptrun_box.patients.erasing import Erasure
from scriptrun_box.patients.model import Patient, PatientChangeIn, Shown
from scriptrun_box.ui import pages
from scriptrun_box.ui.erasing import erase as erase_everywhere

from .patients import PATH

PACKAGES_SHOWN = 100
VERSION_MAX_DIGITS = 9
CONSENTS = {"": "Never asked", "yes": "Yes", "no": "No"}
ANSWERS = {"yes": True, "no": False}
DONE = {
    "saved": "Saved.",
    "merged": "They are one patient now.",
    "split": "This number is a patient of its own again.",
    "erased": "Erased.",
}
BETTER_WORDS = {
    ("instructions", "too_long"): "That is too long: 500 characters at most.",
    ("notes", "too_long"): "That is too long: 2,000 characters at most.",
    ("may_receive", "too_long"): "Too many or too long: 20 people, 200 characters each.",
    ("language", "bad_format"): "Write it as a short tag, such as es or pt-BR.",
    ("patient_id", "unknown_patient"): "No patient has this number.",
    ("patient_id", "not_allowed"): "That is not another patient of the same pharmacy.",
}


@dataclass(frozen=True, slots=True)
class Whole:
    """A patient with everything their page shows; `names` are those of who noted something."""

    shown: Shown
    merged: list[Patient]
    packages: list[Package]
    count: int
    alike: list[Shown]
    asked_by: str


async def patient(call: Call) -> Response:
    """GET /patients/{id}; of one that was erased, the certificate."""
    found = await call.box.db.read(_stored, call.whose, _id(call))
    if found.erased_at is not None:
        return await _certificate(call)
    if found.merged_into is not None:
        return pages.redirect(f"{PATH}/{found.merged_into}")
    return await _page(call, notice=pages.done(call, DONE))


async def edit(call: Call) -> Response:
    """POST /patients/{id}: the whole form, as it stood when the page was loaded."""
    whose, actor, patient_id = call.whose, call.caller.actor, _id(call)
    call.box.disk.check()
    try:
        given = checked(PatientChangeIn, _given(form(call))).model_dump(exclude_unset=True)
        await call.box.db.write(actions.change, whose, actor, patient_id, given, _version(call))
    except Invalid as refusal:
        return await _page(call, 400, filled=form(call), wrong=_wrong(refusal))
    except Conflict:
        sentence = (
            "Somebody changed this patient while you were typing; your changes are not saved."
            " Here is how it stands now."
        )
        return await _page(call, 409, problem=sentence)
    return pages.redirect(f"{PATH}/{patient_id}?done=saved")


async def merge(call: Call) -> Response:
    """POST /patients/{id}/merge: with the one offered, or the one whose number is typed."""
    fields, whose = form(call), call.whose
    other_id = fields.get("patient_id", "")
    if not other_id:
        number = fields.get("number", "").strip()
        found = await call.box.db.read(store.page, whose, "", number, None, 2)
        if len(found) != 1:
            return await _page(call, 400, problem="No patient has this number.")
        other_id = found[0].id
    version = _version(call)
    return await _do(
        call,
        "merged",
        lambda w: actions.merge(w, whose, call.caller.actor, _id(call), other_id, version),
    )


async def split(call: Call) -> Response:
    """POST /patients/{id}/split: a number is somebody else's after all."""
    number, whose, version = form(call).get("number", ""), call.whose, _version(call)
    return await _do(
        call,
        "split",
        lambda w: actions.split(w, whose, call.caller.actor, _id(call), number, version),
    )


async def erase(call: Call) -> Response:
    """POST /patients/{id}/erase: with the tick that says it is meant."""
    if form(call).get("sure") != "yes":
        return await _page(call, 400, problem="Tick that you mean it; nothing was erased.")
    whose, version = call.whose, _version(call)
    return await _do(
        call,
        "erased",
        lambda w: erase_everywhere(w, whose, call.caller.actor, _id(call), version),
        stay=True,
    )


async def certificate_file(call: Call) -> Response:
    """GET /patients/{id}/erasure.json: the certificate to keep."""
    patient_id = _id(call)
    found = await call.box.db.read(erasing.find, call.whose, patient_id)
    text = json.dumps(erasing.wire(found), indent=2) + "\n"
    headers = {"Content-Disposition": f'attachment; filename="erased-{patient_id}.json"'}
    return Response(text, headers=headers, media_type="application/json")


async def _do(
    call: Call, word: str, act: Callable[[Writer], object], *, stay: bool = False
) -> Response:
    """Do it and go to who it made, or stay; where it cannot be done, the page says why."""
    call.box.disk.check()
    try:
        made = await call.box.db.write(act)
    except Conflict as refusal:
        return await _page(call, 409, problem=refusal.sentence)
    except Invalid as refusal:
        return await _page(call, 400, problem=next(iter(_wrong(refusal).values())))
    to = made.id if isinstance(made, Patient) and not stay else _id(call)
    return pages.redirect(f"{PATH}/{to}?done={word}")


async def _page(
    call: Call,
    status: int = 200,
    *,
    filled: dict[str, str] | None = None,
    wrong: dict[str, str] | None = None,
    problem: str = "",
    notice: str = "",
) -> Response:
    whole = await call.box.db.read(_whole, call.whose, _id(call))
    look(call, "patient.read", whole.shown.patient.id)
    return await pages.render(
        call,
        "desk/patient_page.html",
        status,
        whole=whole,
        patient=whole.shown.patient,
        form=filled or _form(whole.shown.patient),
        wrong=wrong or {},
        consents=CONSENTS,
        problem=problem,
        notice=notice,
    )


async def _certificate(call: Call) -> Response:
    erasure, by = await call.box.db.read(_erasure, call.whose, _id(call))
    return await pages.render(
        call,
        "desk/patient_erased.html",
        erasure=erasure,
        proof=erasing.wire(erasure),
        by=by,
        notice=pages.done(call, DONE),
        copies=call.box.settings.copies.keep,
        events_days=call.box.settings.retention.events_days,
    )


def _erasure(r: Reader, scope: Scope, patient_id: str) -> tuple[Erasure, str]:
    found = erasing.find(r, scope, patient_id)
    return found, actor_name(r, scope.tenant_id, found.by)


def _stored(r: Reader, scope: Scope, patient_id: str) -> Patient:
    found = store.get(r, scope, patient_id)
    if found is None:
        raise NotFound("There is no such patient.")
    return found


def _whole(r: Reader, scope: Scope, patient_id: str) -> Whole:
    shown = actions.shown(r, scope, patient_id)
    found, numbers = shown.patient, shown.numbers
    by = found.profile.messages.by
    return Whole(
        shown,
        store.all_of(r, found)[1:],
        store.packages_of(r, found, numbers, None, PACKAGES_SHOWN),
        store.count_packages(r, found, numbers),
        alike(r, scope, shown),
        actor_name(r, scope.tenant_id, by) if by else "",
    )


def _given(fields: dict[str, str]) -> dict[str, Any]:
    """The fields of a posted form as a program would send them; what is absent stays absent."""
    given: dict[str, Any] = {"leave_at_door": fields.get("leave_at_door") == "yes"}
    for name in ("instructions", "language", "notes"):
        if name in fields:
            given[name] = fields[name].strip() or None
    if "may_receive" in fields:
        lines = fields["may_receive"].splitlines()
        given["may_receive"] = [line.strip() for line in lines if line.strip()]
    if fields.get("messages_consent") in CONSENTS:
        given["messages_consent"] = ANSWERS.get(fields["messages_consent"])
    return given


def _form(found: Patient) -> dict[str, str]:
    """A patient as their form shows them."""
    profile = found.profile
    consent = {None: "", True: "yes", False: "no"}[profile.messages.given]
    return {
        "instructions": profile.instructions or "",
        "may_receive": "\n".join(profile.may_receive),
        "leave_at_door": "yes" if profile.leave_at_door else "",
        "language": profile.language or "",
        "messages_consent": consent,
        "notes": profile.notes or "",
        "stamp": str(found.version),
    }


def _wrong(refusal: Invalid) -> dict[str, str]:
    """What is wrong, by field, in the words of the form."""
    said = {}
    for item in refusal.details:
        name = str(item["field"]).partition(".")[0]
        said[name] = BETTER_WORDS.get((name, item["code"]), str(item["message"]))
    return said


def _version(call: Call) -> int:
    text = form(call).get("stamp", "")
    return int(text) if text.isdecimal() and len(text) <= VERSION_MAX_DIGITS else 0


def _id(call: Call) -> str:
    patient_id: str = call.path_params["id"]
    if not PATIENT_ID.fullmatch(patient_id):
        raise NotFound("There is no such patient.")
    return patient_id
