"""Mean kinetic temperature and excursions: plain functions over readings, wherever they came from.

Between two readings of a series the temperature is on the straight line between them, as the drawn
chart shows it: how long it was too warm does not depend on how often a logger wakes up.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby, pairwise
from math import exp, log
from operator import attrgetter
from typing import NamedTuple

from scriptrun_box.kernel.clock import MINUTE_MS

from .model import Finding, Reading, Rule

ACTIVATION_KELVIN = 10_000.0  # 83.144 kJ/mol over the gas constant, as USP takes it
KELVIN = 273.15  # of 0 °C


class Point(NamedTuple):
    """A temperature at a time."""

    at: int
    celsius: float


def mean_kinetic(points: Sequence[Point]) -> float | None:
    """The one temperature that would have done what these did (°C); None without any.

    Each stands for the time that is nearer to it than to the others; at equal intervals all count
    alike.
    """
    if not points:
        return None
    ordered = sorted(points, key=attrgetter("at"))
    weights = _weights([point.at for point in ordered])
    coldest = min(point.celsius for point in ordered) + KELVIN
    # Relative to the coldest, so that no power of e underflows.
    mean = sum(
        weight * exp(ACTIVATION_KELVIN / coldest - ACTIVATION_KELVIN / (point.celsius + KELVIN))
        for weight, point in zip(weights, ordered, strict=True)
    ) / sum(weights)
    return ACTIVATION_KELVIN / (ACTIVATION_KELVIN / coldest - log(mean)) - KELVIN


def _weights(times: Sequence[int]) -> list[float]:
    """How long each reading stands for; all alike where there is no time between them."""
    if times[0] == times[-1]:
        return [1.0] * len(times)
    gaps = [later - earlier for earlier, later in pairwise(times)]
    around = [gaps[0], *gaps, gaps[-1]]  # the first and the last reach as far out as in
    return [(before + after) / 2 for before, after in pairwise(around)]


def points_of(readings: Iterable[Reading]) -> list[Point]:
    """The temperatures among readings, in the order of time."""
    found = [Point(each.at, each.celsius) for each in readings if each.celsius is not None]
    return sorted(found, key=attrgetter("at"))


def excursions(readings: Iterable[Reading], rule: Rule) -> list[Finding]:
    """What was too warm or too cold for too long, in each series; and indicators that changed."""
    found = []
    ordered = sorted(readings, key=attrgetter("series", "at"))
    for _, series in groupby(ordered, key=attrgetter("series")):
        points = points_of(series)
        found += _beyond("warm", points, rule.high, rule.high_minutes)
        mirrored = [Point(point.at, -point.celsius) for point in points]
        for run in _beyond("cold", mirrored, -rule.low, rule.low_minutes):
            assert run.worst is not None
            found.append(Finding(run.kind, run.began_at, run.ended_at, -run.worst))
    changed = [each.at for each in ordered if each.indicator == "changed"]
    if changed:
        found.append(Finding("indicator", min(changed), min(changed), None))
    return sorted(found, key=lambda each: (each.began_at, each.kind))


def _beyond(kind: str, points: Sequence[Point], limit: float, minutes: int) -> list[Finding]:
    """Each stretch above a limit that lasted at least so long."""
    found = []
    for above, run in groupby(range(len(points)), key=lambda n: points[n].celsius > limit):
        if not above:
            continue
        inside = list(run)
        first, last = inside[0], inside[-1]
        began, ended = points[first].at, points[last].at
        if first > 0:
            began = _crossing(points[first - 1], points[first], limit)
        if last + 1 < len(points):
            ended = _crossing(points[last], points[last + 1], limit)
        if ended - began >= minutes * MINUTE_MS:
            worst = max(points[n].celsius for n in inside)
            found.append(Finding(kind, began, ended, worst))
    return found


def _crossing(one: Point, other: Point, limit: float) -> int:
    """When the line between two readings meets the limit."""
    share = (limit - one.celsius) / (other.celsius - one.celsius)
    return round(one.at + share * (other.at - one.at))
