"""Heartbeats: a handful of jobs that look for what is due, and go on whatever the clock does.

APScheduler plans by wall time, and stalls or floods when that steps: the trigger here never yields
more than one missed run, and a watch compares wall with monotonic time and plans anew after a step.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger

from . import clock
from .log import log

WATCH_SECONDS = 1.0
STEP_SECONDS = 2.0  # wall against monotonic time: more than this in one watch is a step
FIRST_RUN_SECONDS = 30.0  # a daily job of a box that is restarted daily must run, too
DRAIN_POLL_SECONDS = 0.01

# What goes wrong in a job is logged here, without its text; a skipped run is no news.
logging.getLogger("apscheduler").setLevel(logging.CRITICAL)


class Pulse(BaseTrigger):  # type: ignore[misc]
    """Every so many seconds, first after `first_seconds`; runs that were missed are not made up."""

    def __init__(self, seconds: float, first_seconds: float) -> None:
        self._every = timedelta(seconds=seconds)
        self._first = timedelta(seconds=first_seconds)

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime:
        """The next run, always after `now`: a clock set a year ahead owes no million runs."""
        if previous is None:
            return now + self._first
        due = previous + self._every
        return due if due > now else now + self._every


class Jobs:
    """The heartbeats of one process."""

    def __init__(self) -> None:
        self._scheduler = AsyncIOScheduler(
            timezone=UTC,
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        self._seconds: dict[str, float] = {}
        self._running = 0
        self._watch: asyncio.Task[None] | None = None

    def every(self, seconds: float, name: str, run: Callable[[], Awaitable[object]]) -> None:
        """Run `run` every so many seconds, never twice at once; a failure is only logged."""
        self._seconds[name] = seconds
        self._scheduler.add_job(
            self._beat, Pulse(seconds, min(seconds, FIRST_RUN_SECONDS)), (name, run), id=name
        )

    def start(self) -> None:
        """Begin, on the running event loop."""
        self._scheduler.start()
        self._watch = asyncio.create_task(self._watch_clock(), name="clock watch")

    async def stop(self) -> None:
        """Start nothing more, let what runs finish, end. (APScheduler would cancel it.)"""
        if self._watch is None:
            return
        self._watch.cancel()
        self._scheduler.pause()
        while self._running:
            await asyncio.sleep(DRAIN_POLL_SECONDS)
        self._scheduler.shutdown(wait=False)
        await asyncio.sleep(0)  # the shutdown itself runs on the loop's next turn
        self._watch = None

    async def _beat(self, name: str, run: Callable[[], Awaitable[object]]) -> None:
        self._running += 1
        try:
            await run()
        except Exception as error:
            log.failure("a heartbeat failed", error, job=name)
        finally:
            self._running -= 1

    async def _watch_clock(self) -> None:
        apart = _wall_minus_monotonic()
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            before, apart = apart, _wall_minus_monotonic()
            if abs(apart - before) > STEP_SECONDS:
                log.warning("the clock of this machine was set", seconds=round(apart - before))
                self._plan_anew()

    def _plan_anew(self) -> None:
        for name, seconds in self._seconds.items():
            self._scheduler.reschedule_job(
                name, trigger=Pulse(seconds, min(seconds, FIRST_RUN_SECONDS))
            )


def _wall_minus_monotonic() -> float:
    return clock.now_ms() / clock.SECOND_MS - clock.monotonic()
