"""Patients over HTTP: list, read, change, merge, split; the certificate of who was erased."""

import re

from starlette.responses import Response

from scriptrun_box.kernel.http import Call, json_answer, read_model
from scriptrun_box.packages.api import (
    Q_MAX,
    bad,
    decode_cursor,
    encode_cursor,
    limit_of,
    look,
)

from . import actions, erasing, store
from .model import MergeIn, PatientChangeIn, SplitIn, wire

PATIENT_ID = re.compile(r"pat_[0-9a-f]{32}")


async def list_patients(call: Call) -> Response:
    """A page of patients, newest first."""
    query = call.query_params
    limit, cursor = limit_of(call), query.get("cursor")
    before = decode_cursor(cursor, 1)[0] if cursor else None
    q, number = query.get("q", "")[:Q_MAX], query.get("external_patient_id")
    found = await call.box.db.read(store.page, call.whose, q, number, before, limit + 1)
    following = encode_cursor((found[limit - 1].seq,)) if len(found) > limit else None
    shown = await call.box.db.read(store.show, found[:limit])
    look(call, "patients.listed", None, count=len(shown))
    return json_answer({"data": [wire(each) for each in shown], "next_cursor": following})


async def read_patient(call: Call) -> Response:
    """One patient; of one that was merged, the one they are now."""
    return await _answer(call, patient_id_of(call))


async def change_patient(call: Call) -> Response:
    """Change what is said of a patient."""
    patient_id = patient_id_of(call)
    given = read_model(call, PatientChangeIn).model_dump(exclude_unset=True)
    version = given.pop("version", None)
    await call.box.db.write(
        actions.change, call.whose, call.caller.actor, patient_id, given, version
    )
    return await _answer(call, patient_id)


async def merge_patients(call: Call) -> Response:
    """Say that another patient is the same person."""
    patient_id, wish = patient_id_of(call), read_model(call, MergeIn)
    await call.box.db.write(
        actions.merge, call.whose, call.caller.actor, patient_id, wish.patient_id, wish.version
    )
    return await _answer(call, patient_id)


async def split_patient(call: Call) -> Response:
    """Say that a number is somebody else's; the answer is that patient."""
    patient_id, wish = patient_id_of(call), read_model(call, SplitIn)
    made = await call.box.db.write(
        actions.split,
        call.whose,
        call.caller.actor,
        patient_id,
        wish.external_patient_id,
        wish.version,
    )
    return await _answer(call, made.id)


async def read_erasure(call: Call) -> Response:
    """The certificate of a patient that was erased."""
    found = await call.box.db.read(erasing.find, call.whose, patient_id_of(call))
    return json_answer(erasing.wire(found))


def patient_id_of(call: Call) -> str:
    """The id in the path: 400 when it cannot be one."""
    patient_id: str = call.path_params["id"]
    if not PATIENT_ID.fullmatch(patient_id):
        raise bad("id", "A patient id is pat_ and 32 hexadecimal digits.")
    return patient_id


async def _answer(call: Call, patient_id: str) -> Response:
    shown = await call.box.db.read(actions.shown, call.whose, patient_id)
    look(call, "patient.read", shown.patient.id)
    return json_answer(wire(shown))
