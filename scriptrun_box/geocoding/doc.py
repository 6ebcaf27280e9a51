"""What /docs and OpenAPI tell of addresses."""

from scriptrun_box.kernel.http import Doc

from .model import REASONS, STATES, AcceptIn, CorrectIn, PinIn

GROUP = "Addresses"
ADDRESS = {
    "id": "adr_00000000000000000000000000000000",
    "address": "12 Oka St Apt 3, Miami, FL 33125",
    "parts": {
        "number": "12",
        "street": "Oka St",
        "unit": "Apt 3",
        "extra": "",
        "town": "Miami",
        "state": "FL",
        "zip": "33125",
    },
    "door": "12 oka st, 33125 #3",
    "same_as": None,
    "state": "to_check",
    "reason": "only_zip",
    "location": {"lat": 25.7825, "lng": -80.2397, "source": "zip", "confidence": "approximate"},
    "asked_at": None,
    "decided_at": None,
    "decided_by": None,
    "test": False,
    "version": 2,
    "created_at": "2026-04-20T14:00:00Z",
    "updated_at": "2026-04-20T14:00:00Z",
}
DECIDED = {
    **ADDRESS,
    "state": "located",
    "reason": None,
    "location": {"lat": 25.77713, "lng": -80.23456, "source": "pin", "confidence": "exact"},
    "decided_at": "2026-04-20T14:05:00Z",
    "decided_by": "user:usr_00000000000000000000000000000000",
    "version": 3,
}
SEEN = "With version, the one that was read, what somebody else decided meanwhile stays: 409."

LIST = Doc(
    group=GROUP,
    summary="List addresses",
    text="Every address orders named is one row, kept for the next order: what was decided about it"
    " counts for every package that goes there. Newest first, page by page: hand next_cursor back"
    f" as cursor. reason says why one is to check or waits: {', '.join(REASONS)}. A corrected one"
    " is no longer listed. Not for keys that are bound to one location.",
    query={
        "state": f"one of {', '.join(STATES)}; to_check where it is absent",
        "q": "parts of the address",
        "limit": "1 to 200, default 50",
        "cursor": "next_cursor of the page before",
    },
    answer={"data": [ADDRESS], "next_cursor": None},
    refusals=(400,),
)
READ = Doc(
    group=GROUP,
    summary="Read an address",
    text="door is the address in one spelling: packages of one door are one stop. same_as is the"
    " door it was corrected to. location has source (known, points, geocoder, zip, pin) and"
    " confidence (exact, near, approximate).",
    answer=ADDRESS,
    refusals=(400, 404),
)
PIN = Doc(
    group=GROUP,
    summary="Put an address on the map",
    text="Exactly here, in degrees. It counts for every open package of the door and for later"
    f" ones. {SEEN}",
    body=PinIn,
    example={"lat": 25.77713, "lng": -80.23456},
    answer=DECIDED,
    refusals=(400, 404, 409),
)
ACCEPT = Doc(
    group=GROUP,
    summary="Accept an address as it stands",
    text=f"Where it stands is good enough to go there. {SEEN}",
    body=AcceptIn,
    example={},
    answer=DECIDED,
    refusals=(400, 404, 409),
)
CORRECT = Doc(
    group=GROUP,
    summary="Correct an address",
    text="What it should have been. Its open packages go to the right door, whose address is the"
    " answer, and so do later orders with the same mistake; what the order said is not written"
    f" over. {SEEN}",
    body=CorrectIn,
    example={
        "number": "12",
        "street": "Oak St",
        "unit": "Apt 3",
        "town": "Miami",
        "state": "FL",
        "zip": "33125",
    },
    answer=ADDRESS,
    refusals=(400, 404, 409, 503),
)
ASK = Doc(
    group=GROUP,
    summary="Note that the patient was asked",
    text=f"It stays to check; asked_at says since when an answer is awaited. {SEEN}",
    body=AcceptIn,
    example={},
    answer=ADDRESS,
    refusals=(400, 404, 409),
)
