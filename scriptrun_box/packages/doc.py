"""What /docs and OpenAPI tell of packages."""

from scriptrun_box.kernel.http import Doc

from .api import CancelIn, NothingIn

PACKAGE = {
    "id": "00000000000000000000000000000000",
    "status": "created",
    "patient_name": "Maria Rodriguez",
    "copay": {"due": 12.5, "collected": None, "method": None},
    "proof": None,
}
LIST = Doc(
    group="Packages",
    summary="List packages",
    text="Newest first, page by page: hand next_cursor back as cursor.",
    query={
        "q": "what the counter types: name, Rx, barcode, phone or patient id, also only begun",
        "status": "one or several, separated by commas",
        "delivery_date": "YYYY-MM-DD",
        "external_patient_id": "the pharmacy system's patient id",
        "rx_number": "exactly",
        "barcode": "exactly",
        "driver_id": "exactly",
        "pharmacy_id": "a location's id",
        "updated_since": "an ISO 8601 time: lists what changed since, oldest change first",
        "limit": "1 to 200, default 50",
        "cursor": "next_cursor of the page before",
    },
    answer={"data": [PACKAGE], "next_cursor": None},
    refusals=(400,),
)
READ = Doc(group="Packages", summary="Read a package", answer=PACKAGE, refusals=(400, 404))
TIMELINE = Doc(
    group="Packages",
    summary="Read a package's timeline",
    text="Everything that happened to it, with who and when, oldest first.",
    answer={
        "data": [
            {
                "at": "2026-04-20T14:00:00Z",
                "actor": "key:key_0000",
                "act": "create",
                "from": None,
                "to": "created",
                "detail": {"source": "api"},
            }
        ]
    },
    refusals=(400, 404),
)
CANCEL = Doc(
    group="Packages",
    summary="Cancel a package",
    text="Only while it is created or assigned.",
    body=CancelIn,
    example={"reason": "patient_request"},
    answer={**PACKAGE, "status": "cancelled"},
    refusals=(400, 404, 409),
)


def _move(summary: str, text: str, status: str) -> Doc:
    return Doc(
        group="Packages",
        summary=summary,
        text=text,
        body=NothingIn,
        example={},
        answer={**PACKAGE, "status": status},
        refusals=(400, 404, 409),
    )


UNASSIGN = _move(
    "Take a package back from its driver",
    "Only while it is assigned. Of two at the same time one wins, and the other is told who.",
    "created",
)
REDELIVER = _move(
    "Deliver a package again that came back",
    "A failed one, or a recalled one once its driver has handed it in. It is back among those to"
    " assign; the attempt or the recall stays in its timeline. What becomes of a controlled one is"
    " said by its disposition.",
    "created",
)
RETURN = _move(
    "Keep a package that came back",
    "A failed one, or a recalled one once its driver has handed it in. It stays at the pharmacy and"
    " is not delivered any more. What becomes of a controlled one is said by its disposition.",
    "returned",
)
