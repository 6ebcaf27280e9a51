"""What /docs and OpenAPI tell of controlled substances."""

from scriptrun_box.kernel.http import Doc

from .bodies import DecideIn, HandOverIn, ReleaseIn, TakeBackIn
from .model import AT_ONCE_MAX

GROUP = "Controlled substances"
REFUSALS = (400, 403, 404, 409, 429)
WHO = '"pharmacist": {"email": "\'"$PHARMACIST_EMAIL"\'", "password": "\'"$PHARMACIST_PASSWORD"\'"}'
SECOND = '"second": {"email": "\'"$SECOND_EMAIL"\'", "password": "\'"$SECOND_PASSWORD"\'"}'
DRIVER = '"driver": {"driver_id": "\'"$DRIVER_ID"\'", "pin": "\'"$DRIVER_PIN"\'"}'
RELEASE = {
    "released_at": "2026-04-20T14:00:00Z",
    "released_by": "user:usr_00000000000000000000000000000000",
    "second_by": None,
    "dea_schedule": "IV",
    "seal": "TB-000123",
    "ended_at": None,
}
OUT = {
    "at": "2026-04-20T14:10:00Z",
    "kind": "out",
    "from": "user:usr_00000000000000000000000000000000",
    "to": "driver:drv_00000000000000000000000000000000",
    "seal": "TB-000123",
    "seal_intact": True,
    "count_ok": True,
}
CUSTODY = {
    "package_id": "00000000000000000000000000000000",
    "status": "assigned",
    "holder": "pharmacy",
    "releases": [RELEASE],
    "transfers": [],
    "dispositions": [],
    "incident_ids": [],
}
LINE = {
    "package_id": "00000000000000000000000000000000",
    "outcome": "delivered",
    "dea_schedule": "IV",
    "seal": "TB-000123",
    "recipient": {"AIR03": "FL", "AIR04": "06", "AIR05": "8123", "AIR06": "01"},
}


def _curl(path: str, *parts: str) -> str:
    return (
        f'curl -X POST "{{base}}{path}" \\\n'
        '  -H "X-API-Key: $KEY" \\\n'
        '  -H "Content-Type: application/json" \\\n'
        f"  -d '{{{', '.join(parts)}}}'"
    )


RELEASE_IT = Doc(
    group=GROUP,
    summary="Release a controlled package",
    text="By a pharmacist or owner, who confirms with their own e-mail and password: a key is no"
    " person. seal is the serial of the tamper bag, used once. dea_schedule is needed where the"
    " order did not say it. Where the state's rule wants it (as delivered: schedule II), second"
    " names somebody else of the staff who counted again.",
    body=ReleaseIn,
    curl=_curl("/api/packages/$PACKAGE_ID/release", WHO, SECOND, '"seal": "TB-000123"'),
    answer=CUSTODY,
    refusals=REFUSALS,
)
HAND_OVER = Doc(
    group=GROUP,
    summary="Hand controlled packages over to their driver",
    text=f"Up to {AT_ONCE_MAX}, all of them or none: assigned to this driver, released, and each"
    " with the serial it was released with. The pharmacist confirms with their password, the driver"
    " with the PIN they chose at the desk. Only then may the packages leave; from then on they can"
    " be neither assigned to somebody else nor cancelled before they are taken back.",
    body=HandOverIn,
    curl=_curl(
        "/api/controlled/hand-over",
        WHO,
        DRIVER,
        '"packages": [{"package_id": "\'"$PACKAGE_ID"\'", "seal": "\'"$SEAL"\'"}]',
    ),
    answer={"data": [{**CUSTODY, "holder": OUT["to"], "transfers": [OUT]}]},
    refusals=REFUSALS,
)
TAKE_BACK = Doc(
    group=GROUP,
    summary="Take a controlled package back from its driver",
    text="One that has not left yet, or one that failed or was recalled. seal is what is read from"
    " the bag; a broken seal or a wrong count ends the release.",
    body=TakeBackIn,
    curl=_curl(
        "/api/packages/$PACKAGE_ID/take-back",
        WHO,
        DRIVER,
        '"seal": "\'"$SEAL"\'"',
        '"seal_intact": true',
        '"count_ok": true',
    ),
    answer={**CUSTODY, "status": "failed", "transfers": [OUT, {**OUT, "kind": "back"}]},
    refusals=REFUSALS,
)
DECIDE = Doc(
    group=GROUP,
    summary="Decide what becomes of a controlled package that is back",
    text="redeliver, restock (only what never left the hands of the pharmacy's own employees, and"
    " only where the state's rule lets it: then reverse the claim and void the PDMP date sold),"
    " destroy, or discrepancy, which opens an incident. The last two need a note.",
    body=DecideIn,
    curl=_curl("/api/packages/$PACKAGE_ID/disposition", WHO, '"decision": "redeliver"'),
    answer={**CUSTODY, "status": "created"},
    refusals=REFUSALS,
)
READ = Doc(
    group=GROUP,
    summary="Read a package's custody",
    text="Releases, hand-overs and decisions, oldest first. holder is pharmacy, driver:…, recipient"
    " or nobody (of what is lost).",
    answer=CUSTODY,
    refusals=(400, 404),
)
LOG = Doc(
    group=GROUP,
    summary="Read the controlled log",
    text="Every hand-over to a driver and what became of it: delivered, returned, incident or out;"
    " newest first, page by page. recipient has the fields a prescription monitoring program is"
    " told (ASAP AIR03 to AIR08); of an ID number only its last four unless the box's file is"
    " encrypted.",
    query={
        "from": "YYYY-MM-DD at the location",
        "until": "YYYY-MM-DD, included",
        "dea_schedule": "II or III-V",
        "pharmacy_id": "a location's id",
        "limit": "1 to 200, default 50",
        "cursor": "next_cursor of the page before",
    },
    answer={"data": [LINE], "next_cursor": None},
    refusals=(400, 404),
)
