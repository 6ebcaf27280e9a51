"""What /docs and OpenAPI tell of drivers."""

from typing import Any

from scriptrun_box.kernel.http import Doc
from scriptrun_box.packages.doc import PACKAGE

from .model import (
    CAPABILITIES,
    EMPLOYMENTS,
    MANY_MAX,
    AssignIn,
    AssignManyIn,
    CancelManyIn,
    DriverChangeIn,
    DriverIn,
    ManyIn,
    ShiftIn,
    StatusIn,
)

GROUP = "Drivers"
DRIVER = {
    "id": "drv_00000000000000000000000000000000",
    "name": "Luis Ortega",
    "phone": "+13055550142",
    "employment": "employee",
    "vehicle": "White van 3",
    "capacity": 40,
    "capabilities": ["cold_chain", "card_reader"],
    "pharmacy_id": "00000000-0000-4000-8000-000000000000",
    "active": True,
    "left_at": None,
    "on_shift": False,
    "shift_started_at": None,
    "status": "offline",
    "status_changed_at": None,
    "route_id": None,
    "packages": {"assigned": 0, "out_for_delivery": 0},
    "test": False,
    "version": 1,
    "created_at": "2026-04-20T14:00:00Z",
    "updated_at": "2026-04-20T14:00:00Z",
}
ON_SHIFT = {
    **DRIVER,
    "on_shift": True,
    "shift_started_at": "2026-04-20T14:00:00Z",
    "status": "online",
    "status_changed_at": "2026-04-20T14:00:00Z",
    "version": 2,
}
NEW = {
    "name": "Luis Ortega",
    "phone": "+13055550142",
    "vehicle": "White van 3",
    "capacity": 40,
    "capabilities": ["cold_chain", "card_reader"],
}
FIELDS = (
    f"employment is one of {', '.join(EMPLOYMENTS)}; capabilities are some of"
    f" {', '.join(CAPABILITIES)}; capacity is how many packages go into the vehicle; pharmacy_id is"
    " the location they start from, the first one where it is absent."
)

LIST = Doc(
    group=GROUP,
    summary="List drivers",
    text="Newest first, page by page: hand next_cursor back as cursor. packages is what each one"
    " has right now, route_id the route they are out with. A key that is bound to one location"
    " knows the drivers of that one.",
    query={
        "q": "parts of name, phone or vehicle",
        "active": "true or false: whether they still drive here",
        "on_shift": "true or false",
        "status": "online or offline",
        "pharmacy_id": "the location they start from",
        "limit": "1 to 200, default 50",
        "cursor": "next_cursor of the page before",
    },
    answer={"data": [DRIVER], "next_cursor": None},
    refusals=(400,),
)
CREATE = Doc(
    group=GROUP,
    summary="Take a driver on",
    text=f"Off shift at first. {FIELDS}",
    body=DriverIn,
    example=NEW,
    answer=DRIVER,
    status=201,
    refusals=(400, 409),
)
READ = Doc(group=GROUP, summary="Read a driver", answer=DRIVER, refusals=(400, 404))
CHANGE = Doc(
    group=GROUP,
    summary="Change a driver",
    text="What is absent stays. With version, the one that was read, a change that somebody else"
    " made meanwhile is not written over: 409. active false says that they left, which ends their"
    " shift and needs their packages to be with somebody else; so does taking away a capability"
    " that one of their packages needs. Nobody is ever deleted, as packages go on naming them.",
    body=DriverChangeIn,
    example={"vehicle": "Blue hatchback", "capacity": 25},
    answer={**DRIVER, "vehicle": "Blue hatchback", "capacity": 25, "version": 2},
    refusals=(400, 404, 409),
)
SHIFT = Doc(
    group=GROUP,
    summary="Start or end a driver's shift",
    text="start or end. Whoever starts is online, whoever ends is offline: one"
    " driver.status_changed tells both. Said again it changes nothing and sends nothing.",
    body=ShiftIn,
    example={"shift": "start"},
    answer=ON_SHIFT,
    refusals=(400, 404, 409),
)
STATUS = Doc(
    group=GROUP,
    summary="Say that a driver is online or offline",
    text="Only on shift can somebody be online. Each real change sends one driver.status_changed.",
    body=StatusIn,
    example={"status": "offline"},
    answer=DRIVER,
    refusals=(400, 404, 409),
)
ASSIGN = Doc(
    group="Packages",
    summary="Assign a package to a driver",
    text="While it is created or assigned: an assigned one goes from its driver to this one in one"
    " step. Cold and controlled packages go only to drivers whose capabilities name them. Of two"
    " who assign the same package at the same time one wins; the other gets 409 with who was"
    " faster. expected_driver_id, null for nobody, is who has it as you saw it; without it that is"
    " whoever has it when the request arrives.",
    body=AssignIn,
    curl='curl -X POST "{base}/api/packages/$PACKAGE_ID/assign" \\\n'
    '  -H "X-API-Key: $KEY" \\\n'
    '  -H "Content-Type: application/json" \\\n'
    """  -d '{"driver_id": "'"$DRIVER_ID"'"}'""",
    answer={**PACKAGE, "status": "assigned", "driver_id": DRIVER["id"]},
    refusals=(400, 404, 409),
)


def _many(act: str, text: str, body: type[ManyIn], more: str, done: dict[str, Any]) -> Doc:
    return Doc(
        group="Packages",
        summary=f"{act} many packages at once",
        text=f"Up to {MANY_MAX}, in one transaction. {text} What can be done is done: results has a"
        " line for each package, in the order asked for, with its status and driver, or with the"
        " code and the error that kept it as it was.",
        body=body,
        curl=f'curl -X POST "{{base}}/api/packages/{act.lower()}" \\\n'
        '  -H "X-API-Key: $KEY" \\\n'
        '  -H "Content-Type: application/json" \\\n'
        f"""  -d '{{"package_ids": ["'"$PACKAGE_ID"'"]{more}}}'""",
        answer={
            "done": 1,
            "results": [
                {"package_id": PACKAGE["id"], **done},
                {
                    "package_id": "11111111111111111111111111111111",
                    "code": "possible_duplicate",
                    "error": "First decide whether this is a duplicate.",
                },
            ],
        },
        refusals=(400,),
    )


ASSIGN_MANY = _many(
    "Assign",
    "Each as by itself: from whoever has it to this driver in one step.",
    AssignManyIn,
    """, "driver_id": "'"$DRIVER_ID"'\"""",
    {"status": "assigned", "driver_id": DRIVER["id"]},
)
UNASSIGN_MANY = _many(
    "Unassign",
    "Each goes back to be assigned.",
    ManyIn,
    "",
    {"status": "created", "driver_id": None},
)
CANCEL_MANY = _many(
    "Cancel",
    "All with the same reason.",
    CancelManyIn,
    ', "reason": "patient_request"',
    {"status": "cancelled", "driver_id": None},
)
