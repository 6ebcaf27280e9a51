"""Numbers as small drawings: plain geometry for the templates' inline SVG."""

from collections.abc import Sequence
from dataclasses import dataclass

from .queries import Hour

WIDTH, HEIGHT = 480, 72  # of the drawing's own units, without its line of text
GAP = 3


@dataclass(frozen=True, slots=True)
class Bar:
    """One upright bar, with the second colour on top of the first."""

    x: float
    width: float
    low_y: float
    low_height: float
    high_y: float
    high_height: float
    hour: Hour


def outcome_bars(hours: Sequence[Hour]) -> list[Bar]:
    """Attempts by hour: what went well below, what did not above."""
    most = max((hour.ok + hour.failed for hour in hours), default=0) or 1
    return [
        _bar(place, len(hours), hour, hour.ok / most, hour.failed / most)
        for place, hour in enumerate(hours)
    ]


def latency_bars(hours: Sequence[Hour]) -> list[Bar]:
    """The middle answer time by hour."""
    most = max((hour.median_ms or 0 for hour in hours), default=0) or 1
    return [
        _bar(place, len(hours), hour, (hour.median_ms or 0) / most, 0)
        for place, hour in enumerate(hours)
    ]


def success_rate(hours: Sequence[Hour]) -> float | None:
    """The share of attempts that went well, 0 to 1; None without attempts."""
    ok = sum(hour.ok for hour in hours)
    tries = ok + sum(hour.failed for hour in hours)
    return ok / tries if tries else None


def median_of(hours: Sequence[Hour]) -> int | None:
    """The middle of the hours' middle answer times, in milliseconds."""
    times = sorted(hour.median_ms for hour in hours if hour.median_ms is not None)
    return times[len(times) // 2] if times else None


def _bar(place: int, places: int, hour: Hour, low: float, high: float) -> Bar:
    step = WIDTH / places
    low_height, high_height = round(low * HEIGHT, 1), round(high * HEIGHT, 1)
    return Bar(
        x=round(place * step, 1),
        width=round(step - GAP, 1),
        low_y=round(HEIGHT - low_height, 1),
        low_height=low_height,
        high_y=round(HEIGHT - low_height - high_height, 1),
        high_height=high_height,
        hour=hour,
    )
