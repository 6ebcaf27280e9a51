"""The only place time comes from: wall time in unix milliseconds, and a clock that never steps."""

import time
from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

SECOND_MS = 1_000
MINUTE_MS = 60 * SECOND_MS
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS


def now_ms() -> int:
    """Wall time, unix milliseconds: what rows are stamped with."""
    return time.time_ns() // 1_000_000


def monotonic() -> float:
    """Seconds on a clock that never steps: for durations, deadlines and rate limits."""
    return time.monotonic()


def iso(ms: int) -> str:
    """A unix-millisecond time as the wire shows it: UTC to the second with Z."""
    return _iso(ms // 1000)


def iso_or_none(ms: int | None) -> str | None:
    """As `iso`, for a time that may not have come yet."""
    return None if ms is None else iso(ms)


def local_date(ms: int, time_zone: str) -> str:
    """The calendar date (YYYY-MM-DD) at that moment in an IANA time zone."""
    return _local_date(ms // MINUTE_MS, time_zone)


def moment(date: str, time: str, time_zone: str) -> int:
    """Unix milliseconds of a date (YYYY-MM-DD) and time of day (HH:MM) in an IANA time zone.

    A time that the start of daylight saving skips is as far behind it as it would have been; of
    one that comes twice it is the first.
    """
    there = datetime.fromisoformat(f"{date}T{time}").replace(tzinfo=ZoneInfo(time_zone))
    return round(there.timestamp()) * SECOND_MS


def local_time(ms: int, time_zone: str) -> str:
    """The time of day (HH:MM) at that moment in an IANA time zone."""
    there = datetime.fromtimestamp(ms // SECOND_MS, ZoneInfo(time_zone))
    return there.strftime("%H:%M")


def is_date(text: str) -> bool:
    """Whether this is a day of the calendar, as YYYY-MM-DD."""
    try:
        return datetime.strptime(text, "%Y-%m-%d").strftime("%Y-%m-%d") == text
    except ValueError:
        return False


def month(ms: int) -> str:
    """The month (YYYY-MM, UTC) that usage at that moment is counted in."""
    return iso(ms)[:7]


def is_time_zone(name: str) -> bool:
    """Whether this is the IANA name of a time zone, such as America/New_York."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # the last: a folder of zones, or too long
        return False
    return True


# Busy moments ask for the same second and the same minute thousands of times.


@lru_cache(maxsize=64)
def _iso(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@lru_cache(maxsize=64)
def _local_date(minutes: int, time_zone: str) -> str:
    return datetime.fromtimestamp(minutes * 60, ZoneInfo(time_zone)).strftime("%Y-%m-%d")
