"""The file of a temperature logger: its heading is found, its times and degrees are read.

Loggers put what they like above the table (a serial number, a unit), name the columns as they like
and write dates in four ways. A line that cannot be read is told with its reason, and left out; the
others count. Each line is read by itself, so a file may come in parts.
"""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

from scriptrun_box.kernel.errors import Invalid

from .model import COLDEST, WARMEST, celsius_of

LINES_MAX = 5_000  # three days of a reading a minute
HEADING_LINES = 60  # above the table
PROBLEMS_TOLD = 20  # of the lines that cannot be read
DELIMITERS = "\t;,"  # a comma last: where it is no decimal point

_TIME = re.compile(r"time|timestamp|recorded|hora", re.IGNORECASE)
_DATE = re.compile(r"date|day|fecha", re.IGNORECASE)
_DEGREES = re.compile(
    r"temp|celsius|fahrenheit|°|º|\bch(annel)?\s*1\b|\bvalue\b|\breading\b", re.IGNORECASE
)
_OTHER = re.compile(r"humid|\brh\b|dew|alarm|limit|\bmax|\bmin\b|mkt|mean", re.IGNORECASE)
_FAHRENHEIT = re.compile(r"fahrenheit|[°º(\[ ]\s*f\b|\bdeg\s*f\b|^f$", re.IGNORECASE)
_CELSIUS = re.compile(r"celsius|[°º(\[ ]\s*c\b|\bdeg\s*c\b|^c$", re.IGNORECASE)
_NUMBER = re.compile(r"([+-]?\d{1,4}(?:[.,]\d{1,6})?)\s*(?:[°º]?\s*([CF]))?", re.IGNORECASE)
_CLOCK = r"(?:[T ]+(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,]\d+)?)?\s*([AP])?\.?M?\.?)?"
_YEAR_FIRST = re.compile(rf"(\d{{4}})[-/.](\d{{1,2}})[-/.](\d{{1,2}}){_CLOCK}", re.IGNORECASE)
_MONTH_FIRST = re.compile(
    rf"(\d{{1,2}})[/-](\d{{1,2}})[/-](\d{{4}}|\d{{2}}){_CLOCK}", re.IGNORECASE
)
_DAY_FIRST = re.compile(rf"(\d{{1,2}})\.(\d{{1,2}})\.(\d{{4}}|\d{{2}}){_CLOCK}", re.IGNORECASE)


@dataclass(slots=True)
class Read:
    """What a file says: (unix milliseconds, °C) of each line, and the lines that say nothing."""

    unit: str
    points: list[tuple[int, float]] = field(default_factory=list)
    problems: list[tuple[int, str]] = field(default_factory=list)
    bad: int = 0

    def skip(self, line: int, why: str) -> None:
        """A line that cannot be read."""
        self.bad += 1
        if len(self.problems) < PROBLEMS_TOLD:
            self.problems.append((line, why))


@dataclass(frozen=True, slots=True)
class _Table:
    """Where the table begins, and which of its columns are which."""

    first_line: int  # counted from 0
    times: tuple[int, ...]  # one column, or a date and a time
    degrees: int
    unit: str | None


def text_of(content: bytes) -> str:
    """The text of a file as loggers and spreadsheets save one."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", "replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


def read(text: str, time_zone: str, unit: str | None = None) -> Read:
    """The readings of a logger's file; times without a zone are the pharmacy's. Raises Invalid."""
    lines = text.replace("\0", "").splitlines()
    if len(lines) > LINES_MAX:
        raise Invalid(
            f"A logger file has at most {LINES_MAX:,} lines; split it.", code="too_many_lines"
        )
    delimiter = max(DELIMITERS, key=lambda sign: sum(sign in line for line in lines))
    rows = list(_rows(lines, delimiter))
    table = _table(rows, unit)
    if table is None:
        raise Invalid(
            "No column of times and no column of temperatures was found in this file.",
            code="no_table",
        )
    found_unit = table.unit or unit
    if found_unit is None:
        raise Invalid("The file does not say °C or °F; say which it is.", code="unit_missing")
    found, zone = Read(found_unit), ZoneInfo(time_zone)
    for number, row in rows[table.first_line :]:
        if any(row):
            _line(found, number, row, table, zone)
    return found


def _rows(lines: Sequence[str], delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """(line as an editor counts it, its cells)."""
    reader = csv.reader((f"{line}\n" for line in lines), delimiter=delimiter)
    try:
        for row in reader:
            yield reader.line_num, [cell.strip() for cell in row]
    except csv.Error:
        raise Invalid("This is no table of text.", code="no_table") from None


def _table(rows: Sequence[tuple[int, list[str]]], unit: str | None) -> _Table | None:
    """The heading of the table, else the first line that looks like a reading."""
    said = None  # a unit above the table
    for index, (_, row) in enumerate(rows[:HEADING_LINES]):
        degrees = [n for n, cell in enumerate(row) if _names_degrees(cell)]
        times = [n for n, cell in enumerate(row) if n not in degrees and _TIME.search(cell)]
        dates = [n for n, cell in enumerate(row) if n not in degrees and _DATE.search(cell)]
        if degrees and (times or dates):
            both = [n for n in times if n in dates] or [
                *dates[:1],
                *[n for n in times if n not in dates][:1],
            ]
            here = _unit_in(row[degrees[0]])
            return _Table(index + 1, tuple(both[:2]), degrees[0], here or said)
        if len(row) >= 2 and _moment(row[0], UTC) and _NUMBER.fullmatch(row[1]):
            return _Table(index, (0,), 1, _unit_in(row[1]) or said or unit)
        said = said or next(filter(None, map(_unit_in, row)), None)
    return None


def _names_degrees(cell: str) -> bool:
    return bool(_DEGREES.search(cell)) and not _OTHER.search(cell) and not _NUMBER.fullmatch(cell)


def _unit_in(cell: str) -> str | None:
    if _FAHRENHEIT.search(cell):
        return "F"
    return "C" if _CELSIUS.search(cell) else None


def _line(found: Read, number: int, row: Sequence[str], table: _Table, zone: ZoneInfo) -> None:
    if max(*table.times, table.degrees) >= len(row):
        found.skip(number, "a column is missing")
        return
    at = _moment(" ".join(row[n] for n in table.times), zone)
    if at is None:
        found.skip(number, "its time cannot be read")
        return
    said = _NUMBER.fullmatch(row[table.degrees])
    if said is None:
        found.skip(number, "its temperature is no number")
        return
    celsius = celsius_of(float(said[1].replace(",", ".")), (said[2] or found.unit).upper())
    if not COLDEST <= celsius <= WARMEST:
        found.skip(number, "no thermometer shows that")
        return
    found.points.append((at, celsius))


def _moment(text: str, zone: tzinfo) -> int | None:
    """Unix milliseconds of a time as loggers write it; None where it is none."""
    try:
        if (match := _YEAR_FIRST.fullmatch(text)) is not None:
            return _at(match[1], match[2], match[3], match.groups()[3:], zone)
        if (match := _MONTH_FIRST.fullmatch(text)) is not None:
            return _at(match[3], match[1], match[2], match.groups()[3:], zone)
        if (match := _DAY_FIRST.fullmatch(text)) is not None:
            return _at(match[3], match[2], match[1], match.groups()[3:], zone)
        exact = datetime.fromisoformat(text)  # with a zone of its own
        return round(exact.timestamp()) * 1000 if exact.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _at(year: str, month: str, day: str, clock: Sequence[str | None], zone: tzinfo) -> int | None:
    hour, minute, second, half = clock
    if hour is None or minute is None:
        return None  # a day is no time
    hours = int(hour)
    if half is not None:
        if not 1 <= hours <= 12:
            return None
        hours = hours % 12 + (12 if half.upper() == "P" else 0)
    full = int(year) + (2000 if len(year) == 2 else 0)
    there = datetime(full, int(month), int(day), hours, int(minute), int(second or 0), tzinfo=zone)
    return round(there.timestamp()) * 1000
