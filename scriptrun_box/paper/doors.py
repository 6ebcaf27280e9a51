"""An address as it is read at the door: street, then unit and gate code, then town."""

import re
from dataclasses import dataclass

# A unit is named and then numbered ("Apt 4B", "# 12", "Unit C"); a gate code is a number.
_UNIT = re.compile(
    r"(?<![\w-])(?:"
    r"(?:apartment|apt|unit|suite|ste|room|rm|bldg|building|lot|spc|trlr)\b\.?\s*#?\s*"
    r"(?:[\w-]*\d[\w-]*|[a-z]\b)"
    r"|(?:floor\s+\d+|\d+(?:st|nd|rd|th)\s+floor)\b"
    r"|\#\s*[\w-]+"
    r"|(?:gate|door|entry|access)\s*(?:code)?\s*[:#]?\s*[#*]?\d[\w#*]*"
    r")",
    re.IGNORECASE,
)
TOWN_PARTS = 2  # "Miami, FL 33178"


@dataclass(frozen=True, slots=True)
class Door:
    """The lines of an address; together they hold every word of it."""

    street: str
    unit: str  # empty where it names none
    town: str


def door_of(address: str) -> Door:
    """Take an address apart without losing anything of it."""
    units: list[str] = []
    parts: list[str] = []
    for part in address.split(","):
        units += [found[0].strip() for found in _UNIT.finditer(part)]
        left = " ".join(_UNIT.sub(" ", part).split())
        if left:
            parts.append(left)
    street = max(1, len(parts) - TOWN_PARTS)
    return Door(", ".join(parts[:street]), ", ".join(units), ", ".join(parts[street:]))
