"""The sliding limit: whatever the times, no sixty seconds let more through, and waiting helps."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scriptrun_box.kernel import clock
from scriptrun_box.kernel.errors import RateLimited
from scriptrun_box.kernel.limiter import IDLE_SECONDS, Limiter, whole_seconds

steps = st.lists(st.floats(0, 45, allow_nan=False), max_size=60)


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The moment it is, in the one place of the list, on the clock that never steps."""
    moment = [1_000.0]
    monkeypatch.setattr(clock, "monotonic", lambda: moment[0])
    return moment


def take(box: Limiter, limit: int, name: str = "key") -> int:
    """Seconds to wait, or 0 for a request that was let through."""
    try:
        box.take(name, "read", limit)
    except RateLimited as refusal:
        return int(refusal.headers["Retry-After"])
    return 0


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(limit=st.integers(1, 8), waits=steps)
def test_no_sixty_seconds_let_more_through_and_none_is_refused_needlessly(
    now: list[float], limit: int, waits: list[float]
) -> None:
    box, seen = Limiter(), []
    for wait in waits:
        now[0] += wait
        seen.append((now[0], take(box, limit)))
    through = [moment for moment, wait in seen if wait == 0]
    for begin in through:
        assert sum(begin <= moment < begin + 60 for moment in through) <= limit
    for moment, wait in seen:
        if wait:
            assert sum(moment - 60 < earlier <= moment for earlier in through) == limit
            # after the wait there is room, if nobody else took it
            later = moment + wait
            still = [each for each in through if later - 60 < each <= moment]
            assert len(still) < limit
            assert 1 <= wait <= 60


def test_each_key_and_each_kind_of_request_has_its_own_log(now: list[float]) -> None:
    box = Limiter()
    assert [take(box, 1, name) for name in ("a", "b", "a")] == [0, 0, 60]
    box.take("a", "write", 1)


def test_what_is_told_is_what_is_left(now: list[float]) -> None:
    box = Limiter()
    assert box.peek("key", "read", 3).remaining == 3
    first = box.take("key", "read", 3)
    assert (first.limit, first.remaining, first.reset_seconds) == (3, 2, 60)
    now[0] += 59.5
    second = box.take("key", "read", 3)
    assert (second.remaining, second.reset_seconds) == (1, 1)
    assert box.peek("key", "read", 3).remaining == 1
    now[0] += 0.5
    assert box.peek("key", "read", 3).remaining == 2


def test_a_refused_request_is_not_counted(now: list[float]) -> None:
    box = Limiter()
    assert take(box, 1) == 0
    for _ in range(59):
        now[0] += 1
        assert take(box, 1) > 0
    now[0] += 1
    assert take(box, 1) == 0


def test_logs_of_quiet_keys_are_forgotten_and_no_others(now: list[float]) -> None:
    box = Limiter()
    take(box, 1, "quiet")
    now[0] += IDLE_SECONDS
    take(box, 1, "busy")
    box.forget_idle()
    assert take(box, 1, "busy") == 60
    assert take(box, 1, "quiet") == 0
    assert len(box._logs) == 2


@pytest.mark.parametrize(
    ("seconds", "whole"), [(0, 1), (0.1, 1), (1, 1), (1.01, 2), (59.999, 60), (60, 60)]
)
def test_seconds_are_told_whole_and_rounded_up(seconds: float, whole: int) -> None:
    assert whole_seconds(seconds) == whole
