"""What /docs and OpenAPI tell of the cold chain."""

from scriptrun_box.kernel.http import Doc
from scriptrun_box.packages.doc import PACKAGE

from .logger import LINES_MAX
from .model import BagChangeIn, BagIn, LoggerIn, PackIn, ReadingIn

GROUP = "Cold chain"
BAG_ID = "bag_00000000000000000000000000000000"
BAG = {
    "id": BAG_ID,
    "name": "Blue 12 L",
    "hold_minutes": 240,
    "retired_at": None,
    "version": 1,
    "created_at": "2026-04-20T12:00:00Z",
}
STORY = {
    "package_id": PACKAGE["id"],
    "cold_chain": True,
    "packed_at": "2026-04-20T13:00:00Z",
    "hold_until": "2026-04-20T17:00:00Z",
    "quarantined_at": None,
    "pack": {
        "id": "pak_00000000000000000000000000000000",
        "bag_id": BAG_ID,
        "bag": "Blue 12 L",
        "gel_packs": 2,
        "celsius": 4.5,
        "indicator_id": "WM-1042",
        "packed_at": "2026-04-20T13:00:00Z",
        "packed_by": "key:key_00000000000000000000000000000000",
        "hold_until": "2026-04-20T17:00:00Z",
        "ended_at": None,
    },
    "mean_kinetic_celsius": 4.5,
    "excursions": [],
    "quarantines": [],
    "readings": [
        {
            "at": "2026-04-20T13:00:00Z",
            "place": "pack",
            "celsius": 4.5,
            "indicator": None,
            "taken_by": "key:key_00000000000000000000000000000000",
        }
    ],
}
PACK_CURL = (
    'curl -X POST "{base}/api/packages/$PACKAGE_ID/pack" \\\n'
    '  -H "X-API-Key: $KEY" -H "Content-Type: application/json" \\\n'
    """  -d '{"bag_id": "'"$COLD_BAG_ID"'", "gel_packs": 2, "celsius": 4.5}'"""
)
BAGS = Doc(
    group=GROUP,
    summary="List bags",
    text="Every bag, those in use first.",
    answer={"data": [BAG]},
)
ADD_BAG = Doc(
    group=GROUP,
    summary="Take a bag into use",
    text="hold_minutes is how long the bag was qualified to keep cold.",
    body=BagIn,
    example={"name": "Blue 12 L", "hold_minutes": 240},
    answer=BAG,
    status=201,
    refusals=(400, 409),
)
CHANGE_BAG = Doc(
    group=GROUP,
    summary="Change a bag",
    text="What is packed in it already keeps its limit. retired takes it out of use.",
    body=BagChangeIn,
    example={"hold_minutes": 200},
    answer={**BAG, "hold_minutes": 200, "version": 2},
    refusals=(400, 404, 409),
)
READ = Doc(
    group=GROUP,
    summary="Read a package's temperature",
    text="How it is packed, the readings since (the newest thousand), their mean kinetic"
    " temperature, and each excursion: warm and cold by the account's rule, indicator where one"
    " changed, hold where the bag's limit has passed. Quarantined, a package is not handed over"
    " until a pharmacist has decided on the screens.",
    answer=STORY,
    refusals=(400, 404),
)
PACK = Doc(
    group=GROUP,
    summary="Pack a cold package",
    text="Opens the gate for leaving, and starts the bag's time: hold_until is a latest arrival"
    " when routes are planned. Possible until the package is out.",
    body=PackIn,
    curl=PACK_CURL,
    answer=STORY,
    refusals=(400, 404, 409),
)
UNPACK = Doc(
    group=GROUP,
    summary="Take a package out of its bag",
    text="It is packed anew before it leaves.",
    answer={**STORY, "packed_at": None, "hold_until": None},
    refusals=(400, 404, 409),
)
READING = Doc(
    group=GROUP,
    summary="Note a temperature",
    text="A temperature, or whether the indicator has changed its colour, or both; `at` is an"
    " ISO 8601 time, without it now.",
    body=ReadingIn,
    example={"celsius": 5.5, "indicator": "unchanged"},
    answer=STORY,
    refusals=(400, 404, 409),
)
LOGGER = Doc(
    group=GROUP,
    summary="Read a logger's file in",
    text="The text of a CSV file: its heading, columns, °C or °F are found out; times without a"
    f" zone are the pharmacy's. At most {LINES_MAX:,} lines. A line that cannot be read is told"
    " and left out; the same file again adds nothing.",
    body=LoggerIn,
    example={"csv": "Time,Temperature (°C)\n2026-04-20 09:00,4.5\n2026-04-20 09:10,4.8\n"},
    answer={
        "id": "lgf_00000000000000000000000000000000",
        "unit": "C",
        "readings": 2,
        "added": 2,
        "bad": 0,
        "problems": [],
        "quarantined": False,
    },
    refusals=(400, 404, 409, 413),
)
