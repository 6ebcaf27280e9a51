"""The retry schedule: pure arithmetic, walked from the event to the end."""

from itertools import pairwise

from scriptrun_box.kernel.clock import HOUR_MS, MINUTE_MS, SECOND_MS
from scriptrun_box.kernel.config import WebhooksSettings
from scriptrun_box.webhooks.schedule import SPREAD, Schedule, any_spread

DAY = 24 * HOUR_MS


def plain(**settings: object) -> Schedule:
    made = Schedule.of(WebhooksSettings.model_validate(settings))
    return Schedule(made.delays_ms, made.give_up_ms, spread=lambda: 1.0)


def walk(schedule: Schedule, deadline: int = DAY, attempt_ms: int = 0) -> list[int]:
    """The moments of every attempt at a receiver that never answers well."""
    moments, now = [0], 0
    while True:
        now += attempt_ms
        due = schedule.next_at(now, len(moments), deadline)
        if due is None:
            return moments
        assert due > now
        now = due
        moments.append(due)


def test_retries_come_quickly_at_first_then_hourly_then_once_before_the_deadline() -> None:
    moments = walk(plain())
    gaps = [(b - a) // SECOND_MS for a, b in pairwise(moments)]
    assert gaps[:7] == [5, 30, 120, 600, 1800, 3600, 3600]
    assert set(gaps[6:-1]) == {3600}
    assert moments[-1] == DAY - MINUTE_MS
    assert len(moments) == 30


def test_no_attempt_begins_behind_the_deadline_whatever_the_spread() -> None:
    for factor in SPREAD:
        schedule = Schedule(plain().delays_ms, DAY, spread=lambda factor=factor: factor)
        moments = walk(schedule, attempt_ms=15_000)
        assert moments[-1] == DAY - MINUTE_MS
        assert 24 <= len(moments) <= 36


def test_the_spread_is_between_0_8_and_1_2() -> None:
    factors = [any_spread() for _ in range(1000)]
    assert 0.8 <= min(factors) < 0.85
    assert 1.15 < max(factors) <= 1.2


def test_the_receivers_hint_counts_when_it_is_later_than_the_schedule() -> None:
    schedule = plain()
    assert schedule.next_at(0, 1, DAY, not_before=60_000) == 60_000
    assert schedule.next_at(0, 4, DAY, not_before=60_000) == 600_000
    assert schedule.next_at(DAY - HOUR_MS, 20, DAY, not_before=DAY + 1) == DAY - MINUTE_MS


def test_a_row_whose_deadline_passed_while_the_box_was_off_gets_one_attempt_and_no_other() -> None:
    assert plain().next_at(DAY + HOUR_MS, 1, DAY) is None
    assert plain().next_at(DAY - MINUTE_MS, 1, DAY) is None


def test_the_owners_delays_and_give_up_time_are_followed() -> None:
    moments = walk(plain(retry_delays=[1, 2], give_up_after=60), deadline=60_000)
    assert moments[:4] == [0, 1000, 3000, 5000]
    assert moments[-1] == 54_000


def test_no_planned_row_lies_further_ahead_than_the_schedule_can_put_it() -> None:
    schedule = plain()
    for failures in range(1, 40):
        due = schedule.next_at(0, failures, DAY, not_before=HOUR_MS)
        assert due is not None and due < schedule.furthest_ms
