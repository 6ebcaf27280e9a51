"""What a fault has shown: one figure beside its promise."""

from collections.abc import Iterable
from dataclasses import dataclass

TIMES = ("s", "ms")


@dataclass(frozen=True)
class Figure:
    """One promise and what became of it."""

    fault: str  # its number in the plan: R1, S2
    promise: str
    ran: str  # how often or how long
    measured: str
    must: str
    held: bool
    timed: bool = False  # it hangs on how busy the machine is


def none_of(fault: str, promise: str, count: int, ran: str) -> Figure:
    """A count that must be 0."""
    return Figure(fault, promise, ran, str(count), "0", count == 0)


def all_of(fault: str, promise: str, count: int, total: int, ran: str = "") -> Figure:
    """Something that must be so each time."""
    ran = ran or f"{total} times"
    return Figure(fault, promise, ran, f"{count} of {total}", "each", count == total > 0)


def at_most(
    fault: str, promise: str, value: float, must: float, unit: str, ran: str, digits: int = 2
) -> Figure:
    """A figure with an upper bound."""
    shown = f"{value:.{digits}f} {unit}"
    return Figure(fault, promise, ran, shown, f"≤ {must:g} {unit}", value <= must, unit in TIMES)


def at_least(fault: str, promise: str, rate: float, must: float, ran: str) -> Figure:
    """A speed with a lower bound."""
    return Figure(fault, promise, ran, f"{rate:,.0f}", f"≥ {must:,.0f}", rate >= must, timed=True)


def control(fault: str, promise: str, failed: int, ran: str) -> Figure:
    """The same fault with the protection taken away: it must fail, or the test proves nothing."""
    return Figure(fault, f"control: {promise}", ran, f"failed {failed} times", "fails", failed > 0)


def percentile(values: Iterable[float], share: float) -> float:
    """The value that `share` of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


def fallen_short(figures: Iterable[Figure]) -> list[str]:
    """Each promise that was not kept, in words; empty when all is well."""
    short = [each for each in figures if not each.held]
    return [f"{f.fault} {f.promise}: {f.measured}, must {f.must}" for f in short]
