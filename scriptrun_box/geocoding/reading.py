"""Reads an address as people write it: number, street, unit, gate code, town, state and ZIP.

Only ever called in the helper process: usaddress and zipcodes are slow to load and hold on to the
interpreter while they do.
"""

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from math import asin, cos, radians, sin, sqrt
from typing import Any

from . import words
from .words import short, state_code

TEXT_MAX = 200  # characters; longer ones hold more than an address
ZIP_TOWN_MAX_KM = 40  # from the ZIP's middle to the nearest ZIP of the town beside it
KNOWN_MAX = 4_096  # ZIPs and towns kept at hand
EARTH_KM = 6_371.0
UNIT_WORDS = "apartment|apt|unit|suite|ste|room|rm|lot|trailer|trlr|space|spc|slip|bldg|building"

_SPACE = re.compile(r"\s+")
_COUNTRY = re.compile(r"[\s,]*\b(?:USA|U\.S\.A\.?|United States(?: of America)?)\s*\.?$", re.I)
# A code for a gate or a door: such a word, and something with a digit that is no street's name.
_EXTRA = re.compile(
    r"[\s,;(]+((?<!golden )\b(?:(?:gate|door|entry|entrance|access|buzzer|call ?box|lock ?box"
    r"|key ?pad|security)\b(?:\s+code)?|code)\b(?:\s*(?:is\b|no\.?|number\b|[:#=]))*"
    rf"\s*[\w*#-]*\d[\w*#]*)(?!\s+(?:{'|'.join(sorted(words.STREET_TYPES))})\b)\)?",
    re.I,
)
_UNIT = re.compile(
    rf"(?:^|[\s,;(]+)(#?\s*(?:(?:{UNIT_WORDS})\b\.?\s*(?:no\.?\s*)?#?\s*"
    r"(?:\w*\d[\w/-]*|[a-z]{1,2}\b(?![-\w]))"
    r"|(?:floor|fl)\b\.?\s*\d{1,2}\b|\d+(?:st|nd|rd|th)\s+(?:floor|fl)\b|(?:penthouse|ph)\b\s*\d*)"
    r"|#+\s*\w[\w/-]*)\)?",
    re.I,
)
_BARE_UNIT = re.compile(r",\s*([a-z]|[a-z]?-?\d{1,5}[a-z]?)\s*(?=,)", re.I)
_ZIP = re.compile(r"[\s,]+([0-9]{5})(?:[-\s]?[0-9]{4})?\s*$")
_FIVE_DIGITS = re.compile(r"[0-9]{5}")
_BOX = re.compile(r"\b(?:p\.?\s*o\.?\s*box|post office box|p\.?o\.?b\.?\s+\d)", re.I)
_ABROAD = re.compile(r"\b[A-Z]\d[A-Z] ?\d[A-Z]\d\s*$|\b[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}\s*$", re.I)
_NUMBER = re.compile(r"[NSEW]?\d[\w.-]*(?:\s+\d/\d)?", re.I)
_STARTS_WITH_NUMBER = re.compile(rf"\s*({_NUMBER.pattern})\s+(\S.*)", re.I)

_STREET = (
    "StreetNamePreModifier", "StreetNamePreDirectional", "StreetNamePreType", "StreetName",
    "StreetNamePostType", "StreetNamePostDirectional",
)  # fmt: skip
_HOUSE = ("AddressNumberPrefix", "AddressNumber", "AddressNumberSuffix")


@dataclass(frozen=True, slots=True)
class Parts:
    """An address taken apart, each part as it was written; empty where there is none."""

    number: str = ""
    street: str = ""
    unit: str = ""
    extra: str = ""  # a gate code and its like
    town: str = ""
    state: str = ""  # two letters
    zip: str = ""  # five digits


@dataclass(frozen=True, slots=True)
class Read:
    """What was read in a text; `problem` is the code of why nobody need look for it as it is.

    `door` is the address in one spelling with its unit, `building` without; `middle` is the middle
    of the ZIP, where there is such a ZIP.
    """

    parts: Parts
    door: str
    building: str
    problem: str = ""
    middle: tuple[float, float] | None = None


def read(text: str) -> Read:
    """Read a text of any kind; never raises."""
    parts, problem = _take_apart(_SPACE.sub(" ", text).strip())
    return judge(parts, text, problem or ("too_long" if len(text) > TEXT_MAX else ""))


def judge(parts: Parts, text: str = "", problem: str = "") -> Read:
    """Parts with their keys, and what is wrong with them; `text` stands in where they are none."""
    middle = _middle(parts.zip)
    problem = problem or _problem(parts)
    if not (short(parts.number) and street_key(parts.street)):
        door = short(text) or "nothing"
        return Read(parts, door, door, problem, middle)
    where = parts.zip or f"{short(parts.town)} {parts.state.lower()}".strip()
    building = f"{short(parts.number)} {street_key(parts.street)}, {where}".rstrip(", ")
    unit = unit_key(parts.unit)
    return Read(parts, f"{building} #{unit}" if unit else building, building, problem, middle)


def street_key(street: str) -> str:
    """A street in the one spelling that point files are searched by."""
    return short(street)


def unit_key(unit: str) -> str:
    """What tells one unit from another, whatever it is called: apt 4B, #4b and unit 04B are one."""
    plain = re.sub(rf"\b(?:{UNIT_WORDS}|no)\b\.?|#", " ", unit.casefold())
    plain = re.sub(
        r"\b(\d+)(?:st|nd|rd|th)\s+(?:floor|fl)\b|\b(?:floor|fl)\s*(\d+)", r"fl\1\2", plain
    )
    return " ".join(word.lstrip("0") or word for word in plain.split())


def line(parts: Parts, *, whole: bool = False) -> str:
    """The parts as one line; without unit and gate code it is all a geocoder is ever sent."""
    unit, extra = (parts.unit, parts.extra) if whole else ("", "")
    street = " ".join(filter(None, (parts.number, parts.street, unit)))
    tail = " ".join(filter(None, (parts.state, parts.zip)))
    return ", ".join(filter(None, (street, extra, parts.town, tail)))


def _take_apart(text: str) -> tuple[Parts, str]:
    found = Parts()
    rest = _COUNTRY.sub("", text)
    if _is_abroad(rest):
        return found, "abroad"
    if _BOX.search(rest):
        return replace(_town_of(found, rest)[0], number="", street=""), "po_box"
    rest, extra = _cut(_EXTRA, rest)
    rest, unit = _cut(_UNIT, rest)
    bare = None if unit else _BARE_UNIT.search(rest)
    if bare and _STARTS_WITH_NUMBER.match(rest[: bare.start()]):
        rest, unit = f"{rest[: bare.start()]}{rest[bare.end() :]}", bare[1]
    found, rest = _town_of(replace(found, unit=unit, extra=extra), rest)
    number, street, town = _street_of(rest, found)
    return replace(found, number=number, street=street, town=found.town or town), ""


def _cut(pattern: re.Pattern[str], text: str) -> tuple[str, str]:
    """(the text without what the pattern finds, what it found), never the beginning's number."""
    pieces: list[str] = []

    def take(match: re.Match[str]) -> str:
        pieces.append(_SPACE.sub(" ", match[1]).strip(" ,"))
        return ", "

    rest = pattern.sub(take, text)
    rest = re.sub(r"\s*,(?:\s*,)+", ",", rest).strip(" ,;")
    return rest, " ".join(pieces)


def _is_abroad(text: str) -> bool:
    last = short(text.rpartition(",")[2])
    return bool(_ABROAD.search(text)) or any(
        last == each or last.endswith(f" {each}") for each in words.ABROAD
    )


def _town_of(found: Parts, rest: str) -> tuple[Parts, str]:
    """ZIP, state and, where it is plain, the town, taken off the end of a text."""
    code = _ZIP.search(rest)
    if code:
        found, rest = replace(found, zip=code[1]), rest[: code.start()]
    rest, state = _state_off(rest.rstrip(" ,."), sure=bool(code))
    found = replace(found, state=state)
    for town in sorted(_towns_of_zip(found.zip), key=len, reverse=True):
        begin = len(rest) - len(town)
        if short(rest).endswith(short(town)) and rest[begin:].casefold() == town.casefold():
            before = rest[:begin]
            if begin and before[-1] in " ," and _STARTS_WITH_NUMBER.match(f"{before}x"):
                return replace(found, town=rest[begin:]), before.rstrip(" ,")
    street, comma, town = rest.rpartition(",")
    if comma and town.strip() and not any(sign.isdigit() for sign in town):
        return replace(found, town=town.strip()), street.rstrip(" ,")
    return found, rest


def _state_off(text: str, sure: bool) -> tuple[str, str]:
    """(the text without the state at its end, the state): what is also a street's type is not."""
    for size in (3, 2, 1):
        pieces = re.split(r"[\s,]+", text)
        if len(pieces) <= size:
            continue
        named = " ".join(pieces[-size:])
        code = state_code(named)
        if not code:
            continue
        is_type = named.casefold() in words.STREET_TYPES
        if is_type and not sure and "," not in text:
            continue
        at = re.search(r"[\s,]+".join(map(re.escape, pieces[-size:])) + "$", text)
        if at:
            return text[: at.start()].rstrip(" ,"), code
    return text, ""


def _street_of(rest: str, found: Parts) -> tuple[str, str, str]:
    """(number, street, town) of what is left; by usaddress where it is not plainly both."""
    plain = _STARTS_WITH_NUMBER.match(rest)
    if plain and found.town and "," not in rest:
        return plain[1], plain[2].strip(), ""
    tail = f", {found.town}, {found.state} {found.zip}".replace(", ,", ",") if found.state else ""
    tags = _tags(rest + tail)
    number = " ".join(tags[each] for each in _HOUSE if each in tags)
    street = " ".join(tags[each] for each in _STREET if each in tags)
    if not _NUMBER.fullmatch(number):
        number = ""
    return number, street, tags.get("PlaceName", "")


def _tags(text: str) -> dict[str, str]:
    """usaddress' labels, the first of each kind where it is not sure; empty for what has none."""
    import usaddress

    try:
        tagged, kind = usaddress.tag(text)
    except usaddress.RepeatedLabelError as error:
        tagged, kind = {}, ""
        for token, label in error.parsed_string:
            tagged.setdefault(label, token.strip(" ,"))
    return {} if kind == "Intersection" else dict(tagged)


def _problem(parts: Parts) -> str:
    """What keeps an address from being looked for at all."""
    if not street_key(parts.street):
        return "no_street"
    if not short(parts.number):
        return "no_number"
    if not parts.zip and not (parts.town and parts.state):
        return "no_town"
    if parts.zip:
        known = _zip(parts.zip)
        if not known:
            return "zip_unknown"
        if parts.state and parts.state not in {each["state"] for each in known}:
            return "zip_state"
        if _is_far(parts):
            return "zip_town"
    return ""


def _is_far(parts: Parts) -> bool:
    """Whether the town's own ZIPs all lie far from this one: one of the two is wrong."""
    if parts.town.casefold() in map(str.casefold, _towns_of_zip(parts.zip)):
        return False
    middle = _middle(parts.zip)
    state = parts.state or _zip(parts.zip)[0]["state"]
    places = [_at(each) for each in _zips_of_town(state, parts.town)]
    if middle is None or not places:
        return False
    return all(km(middle, each) > ZIP_TOWN_MAX_KM for each in places)


def km(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Kilometres between two points in degrees."""
    lat1, lng1 = map(radians, one)
    lat2, lng2 = map(radians, other)
    a = sin((lat2 - lat1) / 2) ** 2 + cos(lat1) * cos(lat2) * sin((lng2 - lng1) / 2) ** 2
    return 2 * EARTH_KM * asin(sqrt(a))


def _middle(code: str) -> tuple[float, float] | None:
    known = _zip(code)
    return _at(known[0]) if known else None


def _at(row: dict[str, Any]) -> tuple[float, float]:
    return float(row["lat"]), float(row["long"])


def _towns_of_zip(code: str) -> set[str]:
    return {
        name for each in _zip(code) for name in (each["city"], *each["acceptable_cities"]) if name
    }


@lru_cache(maxsize=KNOWN_MAX)
def _zip(code: str) -> list[dict[str, Any]]:
    """What is known of a ZIP; nothing of what is none."""
    import zipcodes

    if not _FIVE_DIGITS.fullmatch(code):
        return []
    found: list[dict[str, Any]] = zipcodes.matching(code)  # type: ignore[no-untyped-call]
    return found


@lru_cache(maxsize=KNOWN_MAX)
def _zips_of_town(state: str, town: str) -> list[dict[str, Any]]:
    """The ZIPs of which a town is the main one."""
    import zipcodes

    return list(zipcodes.filter_by(city=town.title(), state=state))  # type: ignore[no-untyped-call]
