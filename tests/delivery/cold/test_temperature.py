"""Mean kinetic temperature and excursions: DOMAIN.md's vectors, and what holds for any readings."""

import itertools
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scriptrun_box.delivery.cold.model import Finding, Reading, Rule
from scriptrun_box.delivery.cold.temperature import Point, excursions, mean_kinetic, points_of
from scriptrun_box.kernel.clock import MINUTE_MS

TEMPERATURES = st.floats(-40, 60).map(lambda degrees: round(degrees, 2))
GAPS = st.integers(1, 600)


def every(minutes: int, celsius: Sequence[float], series: str = "logger") -> list[Reading]:
    """Readings at equal intervals from time 0 on."""
    return [
        Reading(series, n * minutes * MINUTE_MS, series, degrees, None, "box", 0)
        for n, degrees in enumerate(celsius)
    ]


@st.composite
def recordings(draw: st.DrawFn) -> list[Reading]:
    """A logger's readings at intervals as they come."""
    celsius = draw(st.lists(TEMPERATURES, min_size=1, max_size=40))
    gaps = draw(st.lists(GAPS, min_size=len(celsius), max_size=len(celsius)))
    ends = itertools.accumulate(gaps)
    return [
        Reading("logger", at * MINUTE_MS, "logger", degrees, None, "box", 0)
        for at, degrees in zip(ends, celsius, strict=True)
    ]


@pytest.mark.parametrize(
    ("celsius", "expected"),
    [
        ([5, 5, 5, 12, 14, 6], 8.718),
        ([4] * 20 + [15] * 4, 7.119),
        ([4] * 18 + [15] * 6, 8.326),
        ([2, 8, 2, 8], 5.536),
        ([5] * 6, 5.0),
    ],
)
def test_the_mean_kinetic_temperature_is_that_of_the_vectors(
    celsius: list[float], expected: float
) -> None:
    found = mean_kinetic(points_of(every(10, celsius)))
    assert found == pytest.approx(expected, abs=0.0005)


def test_a_reading_weighs_as_long_as_it_stands() -> None:
    # Ten hours at 4 °C told once an hour, then an hour at 15 °C told every minute.
    cold = [Point(n * 60 * MINUTE_MS, 4.0) for n in range(11)]
    warm = [Point((600 + n) * MINUTE_MS, 15.0) for n in range(1, 61)]
    weighed, counted = mean_kinetic([*cold, *warm]), mean_kinetic([Point(0, 4.0), Point(1, 15.0)])
    assert weighed is not None and counted is not None
    assert weighed < 6 < counted
    assert mean_kinetic([]) is None


@given(recordings())
def test_the_mean_kinetic_temperature_lies_between_the_coldest_and_the_warmest(
    readings: list[Reading],
) -> None:
    celsius = [each.celsius for each in readings if each.celsius is not None]
    found = mean_kinetic(points_of(readings))
    assert found is not None
    assert min(celsius) - 1e-6 <= found <= max(celsius) + 1e-6


@given(recordings(), st.data())
def test_one_warmer_reading_never_lowers_it(readings: list[Reading], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(readings) - 1))
    warmer = list(readings)
    warmer[place] = readings[place]._replace(celsius=(readings[place].celsius or 0) + 5)
    before, after = mean_kinetic(points_of(readings)), mean_kinetic(points_of(warmer))
    assert before is not None and after is not None
    assert after >= before - 1e-9


WARM_FOR_AN_HOUR = [5.0, 8.5, 9.0, 9.5, 9.0, 8.5, 8.5, 5.0]


def test_an_hour_above_eight_degrees_is_an_excursion_and_less_is_none() -> None:
    (found,) = excursions(every(12, WARM_FOR_AN_HOUR), Rule())
    assert (found.kind, found.worst) == ("warm", 9.5)
    assert found.minutes is not None and 60 <= found.minutes < 84
    assert excursions(every(8, WARM_FOR_AN_HOUR), Rule()) == []
    assert excursions(every(60, [8.0, 8.0, 8.0]), Rule()) == []


def test_below_two_degrees_no_time_is_short_enough() -> None:
    (found,) = excursions(every(1, [4, 1.9, 4]), Rule())
    assert (found.kind, found.worst) == ("cold", 1.9)
    assert excursions(every(1, [4, 2.0, 4]), Rule()) == []


def test_an_indicator_that_changed_is_one_however_cold_it_is() -> None:
    seen = Reading("hand", 5, "door", 4.0, "changed", "box", 0)
    assert excursions([*every(5, [4, 4]), seen], Rule()) == [Finding("indicator", 5, 5, None)]


def test_a_thermometer_in_a_hand_does_not_end_what_a_logger_recorded() -> None:
    by_hand = Reading("hand", 40 * MINUTE_MS, "desk", 5.0, None, "box", 0)
    (found,) = excursions([*every(20, [9, 9, 9, 9]), by_hand], Rule())
    assert (found.kind, found.minutes) == ("warm", 60)


def test_the_rule_decides() -> None:
    strict = Rule(low=3, low_minutes=30, high=7, high_minutes=10)
    assert [each.kind for each in excursions(every(10, [5, 7.5, 7.5, 5]), strict)] == ["warm"]
    assert excursions(every(10, [5, 2.5, 5, 5]), strict) == []
    assert [each.kind for each in excursions(every(20, [5, 1, 1, 1, 5]), strict)] == ["cold"]


@given(recordings())
def test_every_excursion_lasts_as_long_as_the_rule_wants_and_has_its_worst(
    readings: list[Reading],
) -> None:
    rule = Rule()
    for found in excursions(readings, rule):
        assert found.ended_at is not None and found.worst is not None
        assert readings[0].at <= found.began_at <= found.ended_at <= readings[-1].at
        if found.kind == "warm":
            assert found.worst > rule.high
            assert found.ended_at - found.began_at >= rule.high_minutes * MINUTE_MS
        else:
            assert found.worst < rule.low
    coldest = min(each.celsius for each in readings if each.celsius is not None)
    kinds = {each.kind for each in excursions(readings, rule)}
    assert ("cold" in kinds) is (coldest < rule.low)
