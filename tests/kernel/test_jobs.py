"""Heartbeats: they go on after failures and clock steps, and finish before the box ends."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from scriptrun_box.kernel.jobs import Jobs, Pulse
from scriptrun_box.kernel.log import log

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Counted:
    """A job that counts its runs and how many of them overlapped."""

    def __init__(self, seconds: float = 0.0, error: Exception | None = None) -> None:
        self.runs = 0
        self.finished = 0
        self.at_once = 0
        self.most_at_once = 0
        self._seconds = seconds
        self._error = error

    async def __call__(self) -> None:
        self.runs += 1
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await asyncio.sleep(self._seconds)
            if self._error:
                raise self._error
        finally:
            self.at_once -= 1
        self.finished += 1


async def until(job: Counted, runs: int, seconds: float = 5.0) -> None:
    async with asyncio.timeout(seconds):
        while job.runs < runs:
            await asyncio.sleep(0.01)


async def test_jobs_beat_apart_from_each_other_and_never_twice_at_once() -> None:
    jobs, quick, slow = Jobs(), Counted(), Counted(seconds=0.2)
    jobs.every(0.05, "quick", quick)
    jobs.every(0.05, "slow", slow)
    jobs.start()
    await until(quick, 8)
    await jobs.stop()
    assert slow.most_at_once == 1
    assert 1 <= slow.runs < quick.runs


async def test_a_failing_job_goes_on_and_its_text_is_not_logged(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[str] = []
    monkeypatch.setattr(log, "error", lambda words, **facts: lines.append(f"{words} {facts}"))
    jobs, job = Jobs(), Counted(error=ValueError("Maria Rodriguez"))
    jobs.every(0.05, "doomed", job)
    jobs.start()
    await until(job, 3)
    await jobs.stop()
    assert "'kind': 'ValueError'" in lines[0]
    assert "'job': 'doomed'" in lines[0]
    assert "Maria" not in "".join(lines)
    assert "Maria" not in "".join(capfd.readouterr())


async def test_stopping_lets_a_running_job_finish_and_starts_no_other() -> None:
    jobs, slow = Jobs(), Counted(seconds=0.3)
    jobs.every(0.05, "slow", slow)
    jobs.start()
    await until(slow, 1)
    await jobs.stop()
    assert (slow.runs, slow.finished) == (1, 1)
    await asyncio.sleep(0.15)
    assert slow.runs == 1


async def test_stopping_what_never_started_is_fine() -> None:
    jobs = Jobs()
    jobs.every(1, "never", Counted())
    await jobs.stop()


@pytest.mark.parametrize("step", [timedelta(hours=-1), timedelta(days=366)], ids=str)
async def test_a_clock_step_stops_no_job_and_brings_no_flood(
    step: timedelta, monkeypatch: pytest.MonkeyPatch
) -> None:
    warnings: list[str] = []
    monkeypatch.setattr(log, "warning", lambda words, **facts: warnings.append(words))
    jobs, job = Jobs(), Counted()
    steps_seen: list[None] = []
    plan_anew = jobs._plan_anew

    def seen() -> None:
        steps_seen.append(None)
        plan_anew()

    monkeypatch.setattr(jobs, "_plan_anew", seen)
    jobs.every(0.2, "tick", job)
    with time_machine.travel(datetime(2026, 4, 19, 18, 42, tzinfo=UTC), tick=True) as clock:
        jobs.start()
        await until(job, 1)
        clock.shift(step)
        before = job.runs
        await asyncio.sleep(1.6)  # the watch looks once a second
        await jobs.stop()
    assert 2 <= job.runs - before <= 10
    assert len(steps_seen) == 1
    # Another box of this test run may have said it too.
    assert set(warnings) == {"the clock of this machine was set"}


async def test_a_day_that_begins_with_a_restart_still_has_its_daily_job() -> None:
    now = datetime(2026, 4, 19, tzinfo=UTC)
    daily = Pulse(86_400, 30)
    assert daily.get_next_fire_time(None, now) == now + timedelta(seconds=30)
    assert daily.get_next_fire_time(now, now) == now + timedelta(days=1)
    late = now + timedelta(days=400)
    assert daily.get_next_fire_time(now, late) == late + timedelta(days=1)
