"""The demonstration's orders and drivers: invented people, every situation a desk meets."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

PEOPLE = (
    "Maria Rodriguez, Alex Kim, Dolores Abernathy, Winston Okafor, Lucía Peña, Harold Brightwater,"
    " Nguyen Thi Mai, Siobhan O'Rourke, Terrence Vale, Beatriz Fontaine, Omar Haddadin, Greta Lund,"
    " Ezekiel Marsh, Pilar Quintero, Rosalind Achebe, Jonas Weatherby, Imani Duvall, Pavel Novotny,"
    " Coralie Dubois, Samuel Reyes-Whitlock, Anneliese Hartmann, Desmond Ferreira, Yuki Tanabe,"
    " Marguerite Delacroix-Montgomery, Luis Cabrera, Fatima Zahrani, Otis Pemberton, Clara Nyström,"
    " Ivan Petrosyan, Josephine Adeyemi, Raul Montenegro, Bettina Kowalski, Amos Greenleaf,"
    " Soledad Ibarra, Cedric Umber, Hana Kobayashi, Miriam Goldfarb, Theo Castellanos,"
    " Vivian Ashgrove, Bernard Quill"
).split(", ")
STREETS = (
    "Coral Vine Ave, Banyan Ct, NW 47th Ter, Sandpiper Ln, SW 132nd Pl, Mangrove Blvd, Poinciana St"
    ", Old Ferry Rd, Sea Grape Dr, NE 9th Way, Gumbo Limbo Pl, Pelican Row"
).split(", ")
TOWNS = ("Miami, FL 33178", "Miami Beach, FL 33139", "Hialeah, FL 33012", "Coral Gables, FL 33134")
MIDDLES = ((25.832, -80.372), (25.787, -80.136), (25.863, -80.302), (25.752, -80.271))  # of TOWNS
SCATTER = 0.0006  # degrees, about 60 m: between two invented doors of a town
UNKNOWN_EVERY = 9  # addresses: one of them is not among the points
PHARMACY_ADDRESS = "1400 Coral Vine Ave, Miami, FL 33178"
DRUGS = ("lisinopril", "metformin", "atorvastatin", "amoxicillin", "levothyroxine", "sertraline")
OUT = ("assign", "start")


@dataclass(frozen=True, slots=True)
class Story:
    """What befalls a package after it came in, and what its order says beside the usual."""

    steps: tuple[str, ...] = ()
    reason: str = ""
    more: dict[str, Any] = field(default_factory=dict)
    drop: tuple[str, ...] = ()


DELIVERED = Story((*OUT, "deliver"))
UNDERWAY = Story(OUT)
ASSIGNED = Story(("assign",))
COLD = {"cold_chain": True}
CONTROLLED = {"controlled_substance": True, "dea_schedule": "II"}
STORIES = (
    *(DELIVERED,) * 6,
    Story((*OUT, "deliver"), more=COLD),
    Story((*OUT, "deliver"), more=CONTROLLED),
    Story((*OUT, "fail"), reason="no_answer"),
    *(DELIVERED,) * 4,
    Story(("cancel",), reason="patient_request"),
    Story((*OUT, "fail", "return"), reason="refused"),
    *(UNDERWAY,) * 5,
    Story(OUT, more=COLD),
    Story((*OUT, "fail"), reason="wrong_address"),
    *(UNDERWAY,) * 2,
    *(ASSIGNED,) * 4,
    Story(("assign",), more={"priority": "urgent"}),
    *(Story(),) * 4,
    Story(more={"priority": "stat", **COLD}),
    Story(more=CONTROLLED),
    Story(more={"priority": "urgent", "deliver_by": "18:00"}),
    Story(more={"patient_address": "Sea Grape Dr, Miami"}),
    Story(more={"notes": "Gate code at the desk; ring twice, the bell is quiet"}),
    Story(drop=("copay_amount", "patient_phone")),
    Story(more={"patient_name": "Theo Castellanos", "rx_number": "RX-8815069"}),  # sent twice?
)


DRIVERS: tuple[dict[str, Any], ...] = (
    {
        "name": "Luis Ortega",
        "phone": "+13055550142",
        "vehicle": "White van 3",
        "capacity": 40,
        "capabilities": ["cold_chain", "controlled", "card_reader"],
    },
    {
        "name": "Ana Núñez",
        "phone": "+13055550177",
        "employment": "contractor",
        "vehicle": "Blue hatchback",
        "capacity": 25,
        "capabilities": ["card_reader"],
    },
    {
        "name": "Wendell Achterberg",
        "phone": "+13055550119",
        "employment": "volunteer",
        "vehicle": "Cargo bike",
        "capacity": 12,
    },
)
ON_SHIFT = 2  # the first of them
PATIENTS: dict[str, dict[str, Any]] = {  # what the desk knows of some of them, by number
    "PMS-9000": {
        "instructions": "Ring twice, she is slow on the stairs. The dog is friendly.",
        "may_receive": ["Jorge Rodriguez, son", "The doorman, until 6 pm"],
        "language": "es",
        "messages_consent": True,
    },
    "PMS-9001": {"leave_at_door": True, "messages_consent": True},
    "PMS-9005": {"messages_consent": False, "notes": "Calls if nobody came by noon."},
    "PMS-9023": {"instructions": "Side entrance, the front door sticks.", "leave_at_door": True},
}


def order(number: int, story: Story) -> dict[str, Any]:
    """The order of the demonstration with this number, counted from 0."""
    made: dict[str, Any] = {
        "patient_name": PEOPLE[number % len(PEOPLE)],
        "patient_address": (
            f"{1200 + 317 * number} {STREETS[number % len(STREETS)]}, {TOWNS[number % len(TOWNS)]}"
        ),
        "patient_phone": f"+1305555{1000 + 73 * number}",
        "rx_number": f"RX-{8810000 + 137 * number}",
        "medications": [DRUGS[number % len(DRUGS)]],
        "copay_amount": number * 5 % 8 * Decimal("2.50"),
        "requires_signature": number % 3 == 0,
        "external_patient_id": f"PMS-{9000 + number}",
        **story.more,
    }
    return {name: value for name, value in made.items() if name not in story.drop}


def points(count: int) -> str:
    """Where the addresses of so many orders would be, as a county's file says it."""
    lines = ["lon,lat,number,street,city,postcode", "-80.371,25.83,1400,Coral Vine Ave,Miami,33178"]
    for number in range(count):
        if number % UNKNOWN_EVERY:
            place = number % len(TOWNS)
            lat, lng = (round(at, 5) for at in _scattered(MIDDLES[place], number))
            town, _, code = TOWNS[place].partition(", FL ")
            street = STREETS[number % len(STREETS)]
            lines.append(f"{lng},{lat},{1200 + 317 * number},{street},{town},{code}")
    return "\n".join(lines)


def _scattered(middle: tuple[float, float], number: int) -> tuple[float, float]:
    north, east = number * 37 % 61 - 30, number * 53 % 67 - 33
    return middle[0] + north * SCATTER, middle[1] + east * SCATTER
