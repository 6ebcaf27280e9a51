"""What /docs and OpenAPI tell of patients."""

from scriptrun_box.kernel.http import Doc

from .model import MergeIn, PatientChangeIn, SplitIn

GROUP = "Patients"
PATIENT = {
    "id": "pat_00000000000000000000000000000000",
    "external_patient_ids": ["PMS-9081"],
    "pharmacy_id": None,
    "name": "Maria Rodriguez",
    "address": "123 Main St, Miami, FL 33178",
    "phone": "+13055551234",
    "last_order_at": "2026-04-20T14:00:00Z",
    "instructions": None,
    "may_receive": [],
    "leave_at_door": False,
    "language": None,
    "messages_consent": None,
    "messages_consent_at": None,
    "messages_consent_by": None,
    "notes": None,
    "test": False,
    "version": 1,
    "created_at": "2026-04-20T14:00:02Z",
    "updated_at": "2026-04-20T14:00:02Z",
}
CHANGED = {
    **PATIENT,
    "instructions": "Ring twice, she is slow on the stairs",
    "may_receive": ["Jorge Rodriguez, son"],
    "language": "es",
    "version": 2,
}
OTHER = "pat_11111111111111111111111111111111"

LIST = Doc(
    group=GROUP,
    summary="List patients",
    text="Newest first, page by page: hand next_cursor back as cursor. A patient appears by"
    " themselves, a moment after the first order with their external_patient_id; orders without one"
    " have no patient. Name, address and phone are those of the newest order. In an account of a"
    " dispatcher each client's numbers are its own, and pharmacy_id names the client; a key that is"
    " bound to a location sees the patients of that client, and in a pharmacy's account none.",
    query={
        "q": "parts of a name, phone or external_patient_id",
        "external_patient_id": "exactly this one",
        "limit": "1 to 200, default 50",
        "cursor": "next_cursor of the page before",
    },
    answer={"data": [PATIENT], "next_cursor": None},
    refusals=(400,),
)
READ = Doc(
    group=GROUP,
    summary="Read a patient",
    text="The id of one that was merged answers with the one they are now.",
    answer=PATIENT,
    refusals=(400, 404),
)
CHANGE = Doc(
    group=GROUP,
    summary="Change a patient",
    text="What is absent stays. instructions are the driver's: name no drug in them. leave_at_door"
    " counts only for packages without signature, cold chain, controlled substance or copay."
    " language is a BCP 47 tag such as es. Who set messages_consent, and when, is noted by itself."
    " With version, the one that was read, a change that somebody else made meanwhile is not"
    " written over: 409. Patients are erased by an owner on the screen; no key may do that.",
    body=PatientChangeIn,
    example={
        "instructions": CHANGED["instructions"],
        "may_receive": CHANGED["may_receive"],
        "language": "es",
    },
    answer=CHANGED,
    refusals=(400, 404, 409),
)
MERGE = Doc(
    group=GROUP,
    summary="Merge a patient into this one",
    text="Nobody is ever merged by themselves. The other one's numbers become this one's; where"
    " this one says nothing, the other's words are taken, and what one of them forbids stays"
    " forbidden.",
    body=MergeIn,
    example={"patient_id": OTHER},
    curl='curl -X POST "{base}/api/patients/$PATIENT_ID/merge" \\\n'
    '  -H "X-API-Key: $KEY" \\\n'
    '  -H "Content-Type: application/json" \\\n'
    """  -d '{"patient_id": "'"$OTHER_PATIENT_ID"'"}'""",
    answer={**PATIENT, "external_patient_ids": ["PMS-9081", "PMS-77"], "version": 2},
    refusals=(400, 404, 409),
)
ERASURE = Doc(
    group=GROUP,
    summary="Read the certificate of an erased patient",
    text="Only an owner erases, on the screen. digest is the SHA-256 of the patient's id,"
    " erased_at, erased_by and the ids of the packages in their order, one a line; finished_at is"
    " null until the last byte has left the box's file.",
    answer={
        "patient_id": OTHER,
        "erased_at": "2026-04-20T14:00:00Z",
        "erased_by": "user:usr_00000000000000000000000000000000",
        "packages": 3,
        "digest": "0" * 64,
        "finished_at": "2026-04-20T14:00:05Z",
        "test": False,
    },
    refusals=(400, 404),
)
SPLIT = Doc(
    group=GROUP,
    summary="Split a number off again",
    text="The answer is the patient it is now again, with the words from before the merge.",
    body=SplitIn,
    example={"external_patient_id": "PMS-77"},
    answer={**PATIENT, "id": OTHER, "external_patient_ids": ["PMS-77"], "version": 3},
    refusals=(400, 404, 409),
)
