"""A package's temperatures as a drawing: plain geometry for the template's inline SVG."""

from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from scriptrun_box.delivery.cold.model import Story
from scriptrun_box.delivery.cold.temperature import Point, points_of
from scriptrun_box.ui.words import clock_text

WIDTH, HEIGHT = 720, 200  # of the drawing's own units, without its line of times
ABOVE = 1.0  # °C around what is drawn
BUCKETS = 240  # of a long recording each shows its coldest and its warmest
DOTS_MAX = 100


@dataclass(frozen=True, slots=True)
class Dot:
    """A reading by hand."""

    x: float
    y: float
    celsius: float
    at: int


@dataclass(frozen=True, slots=True)
class Chart:
    """The drawing: the limits as a band, the logger as a line, readings by hand as dots."""

    line: str  # of an SVG polyline
    dots: list[Dot]
    high_y: float
    low_y: float
    high: float
    low: float
    hold_x: float | None
    ticks: list[tuple[float, str]]
    coldest: float
    warmest: float


def drawn(told: Story, zone: ZoneInfo, now: int) -> Chart | None:
    """The drawing of what counts; None where there is nothing to draw."""
    points = points_of(told.counted)
    if not points:
        return None
    rule, until = told.rule, told.package.keeps_until
    ends = [points[0].at, points[-1].at, *([until] if until is not None else [])]
    first, last = min(ends), max(*ends, min(ends) + 1)
    degrees = [point.celsius for point in points]
    bottom, top = min(*degrees, rule.low) - ABOVE, max(*degrees, rule.high) + ABOVE

    def x(at: int) -> float:
        return round((at - first) / (last - first) * WIDTH, 1)

    def y(celsius: float) -> float:
        return round((top - celsius) / (top - bottom) * HEIGHT, 1)

    by_hand = [each for each in told.counted if each.series == "hand"][-DOTS_MAX:]
    recorded = _thinned(points_of(each for each in told.counted if each.series == "logger"))
    return Chart(
        line=" ".join(f"{x(point.at)},{y(point.celsius)}" for point in recorded),
        dots=[
            Dot(x(each.at), y(each.celsius), each.celsius, each.at) for each in points_of(by_hand)
        ],
        high_y=y(rule.high),
        low_y=y(rule.low),
        high=rule.high,
        low=rule.low,
        hold_x=None if until is None else x(until),
        ticks=[
            (round(share * WIDTH, 1), clock_text(round(first + share * (last - first)), now, zone))
            for share in (0.0, 0.5, 1.0)
        ],
        coldest=min(degrees),
        warmest=max(degrees),
    )


def _thinned(points: Sequence[Point]) -> list[Point]:
    """Of a long recording the coldest and the warmest of each stretch, so that none is lost."""
    if len(points) <= 2 * BUCKETS:
        return list(points)
    found: list[Point] = []
    for n in range(BUCKETS):
        part = points[n * len(points) // BUCKETS : (n + 1) * len(points) // BUCKETS]
        extremes = {
            min(part, key=lambda point: point.celsius),
            max(part, key=lambda point: point.celsius),
        }
        found += sorted(extremes, key=lambda point: point.at)
    return found
