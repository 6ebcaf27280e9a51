"""Reads a file of address points: OpenAddresses' CSV, or a county's with its own column names."""

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TextIO

from .model import Point
from .reading import street_key
from .words import short

PORTION = 2_000  # points written in one transaction
HEAD_CHARS = 64 * 1024  # in which the separator is looked for
CELL_CHARS = 1_000_000  # what one cell of a stranger's file may hold at most

# What columns are called; compared in lower case without spaces and underscores.
COLUMNS: dict[str, tuple[str, ...]] = {
    "lng": ("lon", "lng", "long", "longitude", "x", "pointx", "xcoord", "xcoordinate"),
    "lat": ("lat", "latitude", "y", "pointy", "ycoord", "ycoordinate"),
    "number": (
        "number", "housenumber", "houseno", "addrnum", "addressnumber", "addressno", "addno",
        "addnumber", "stnum", "streetnumber", "hsenum", "housenum", "strnum",
    ),
    "street": (
        "street", "streetname", "fullstreet", "streetfull", "fullname", "roadname", "stname",
        "strname", "fullstname", "stfullname",
    ),
    "before": ("predir", "stpredir", "predirection", "dirprefix", "stprefix", "prefixdir"),
    "type": ("sttype", "streettype", "stpostyp", "posttype", "stposttype", "suffix", "stsuffix"),
    "behind": ("postdir", "stposdir", "stpostdir", "sufdir", "postdirection", "suffixdir"),
    "whole": ("address", "fulladdress", "fulladdr", "siteaddress", "siteaddr", "situsaddress"),
    "unit": ("unit", "unitid", "unitnumber", "unitnum", "apt", "apartment", "suite", "subaddress"),
    "town": ("city", "town", "municipality", "postcomm", "postalcity", "postcity", "community"),
    "zip": ("postcode", "zip", "zipcode", "zip5", "postalcode", "zipcd"),
}  # fmt: skip


class NotPoints(Exception):
    """The file cannot be used; the text is one sentence for a person."""


@dataclass(slots=True)
class Progress:
    """What was read so far; bad rows by what is wrong with them."""

    rows: int = 0
    bad: Counter[str] = field(default_factory=Counter)
    first_bad: dict[str, int] = field(default_factory=dict)  # the line of the first one of a kind

    @property
    def bad_rows(self) -> int:
        return self.bad.total()

    def refuse(self, why: str, line: int) -> None:
        """Count a bad row."""
        self.bad[why] += 1
        self.first_bad.setdefault(why, line)


def portions(file: TextIO, progress: Progress) -> Iterator[list[Point]]:
    """The points of a file, portion by portion, as it is read; raises NotPoints."""
    points = _points(file, progress)
    while portion := list(islice(points, PORTION)):
        yield portion


def open_points(path: Path) -> TextIO:
    """The file as text; what is not UTF-8 in it spoils its own row only."""
    return path.open(encoding="utf-8-sig", errors="replace", newline="")


def _points(file: TextIO, progress: Progress) -> Iterator[Point]:
    csv.field_size_limit(CELL_CHARS)
    head = file.read(HEAD_CHARS)
    file.seek(0)
    first = head.partition("\n")[0]
    separator = max((",", ";", "\t", "|"), key=first.count)
    reader = csv.DictReader(file, delimiter=separator)
    try:
        columns = _columns(reader.fieldnames or ())
        for row in reader:
            progress.rows += 1
            point = _point(row, columns)
            if isinstance(point, Point):
                yield point
            else:
                progress.refuse(point, reader.line_num)
    except csv.Error as error:
        raise NotPoints(f"Line {reader.line_num} is no CSV: {error}.") from None


def _columns(names: Sequence[str]) -> dict[str, str]:
    """{what a column is for: its name here}."""
    plain = {name.lower().replace("_", "").replace(" ", ""): name for name in names if name}
    found = {
        part: plain[each]
        for part, known in COLUMNS.items()
        for each in reversed(known)
        if each in plain
    }
    has_street = {"number", "street"} <= found.keys() or "whole" in found
    if not ({"lng", "lat"} <= found.keys() and has_street):
        raise NotPoints(
            "The first line must name the columns: LON, LAT, NUMBER, STREET, UNIT, CITY and"
            " POSTCODE, as OpenAddresses has them, or a county's own names for these."
        )
    return found


def _point(row: dict[str, str | None], columns: dict[str, str]) -> Point | str:
    """A point, or what is wrong with the row."""

    def cell(part: str) -> str:
        return (row.get(columns.get(part, "")) or "").strip()

    number, street = (
        cell("number"),
        " ".join(filter(None, map(cell, ("before", "street", "type", "behind")))),
    )
    if not (number and street):
        number, _, street = cell("whole").partition(" ")
    if not (number and street) or not any(sign.isdigit() for sign in number):
        return "no number and street"
    try:
        lat, lng = float(cell("lat")), float(cell("lng"))
    except ValueError:
        return "no coordinates"
    if not (-90 <= lat <= 90 and -180 <= lng <= 180) or (lat, lng) == (0, 0):
        return "coordinates that are no degrees"
    return Point(
        street_key(street), short(number), cell("zip")[:5], short(cell("town")), cell("unit"),
        lat, lng,
    )  # fmt: skip
