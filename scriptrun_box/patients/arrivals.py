"""Patients appear by themselves: a consumer reads on through the packages, after their commit.

It writes only where a number is new, so that orders of known patients cost the writer nothing. How
far it has read is kept with what it wrote; a start goes on from there and finds what is missing.
"""

import asyncio

from scriptrun_box.kernel import outbox
from scriptrun_box.kernel.db import Database, Reader, Signal, Writer
from scriptrun_box.kernel.log import log
from scriptrun_box.packages.actions import CHANGED as PACKAGES

from . import actions, store

CONSUMER = "patients"
PACKAGES_A_ROUND = 500
UNWRITTEN_MAX = 20_000  # packages that a start may have to read again
REST_SECONDS = 0.1  # between two rounds: orders come first


class Arrivals:
    """Reads on whenever packages changed. `start`, `tick` by the clock, `stop`."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._wake = asyncio.Event()
        self._place: int | None = None  # read up to here
        self._kept = 0  # and this far says the file
        self._task: asyncio.Task[None] | None = None
        db.listen(self._heard)

    async def start(self) -> None:
        """Begin to read on."""
        self._wake.set()
        self._task = asyncio.create_task(self._run(), name="patients")

    async def tick(self) -> None:
        """The heartbeat: look for what another process brought in. Waits for nothing."""
        self._wake.set()

    async def stop(self) -> None:
        """End; what was not read yet is read at the next start."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def catch_up(self) -> None:
        """Read on to the newest package."""
        while await self._round():
            await asyncio.sleep(REST_SECONDS)

    def _heard(self, signals: list[Signal]) -> None:
        if any(signal.topic == PACKAGES for signal in signals):
            self._wake.set()

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self.catch_up()
            except Exception as error:  # a full disk, say: the next beat tries again
                log.failure("the reader of patients stumbled", error)
            await asyncio.sleep(REST_SECONDS)

    async def _round(self) -> bool:
        """Read one portion; whether there is more."""
        if self._place is None:
            self._place = self._kept = await self._db.read(outbox.cursor, CONSUMER)
        after = self._place
        newest, unknown = await self._db.read(_look, after)
        through = min(newest, after + PACKAGES_A_ROUND)
        if unknown or through - self._kept > UNWRITTEN_MAX:
            await self._db.write(_take_in, after, through)
            self._kept = through
        self._place = max(after, through)
        return newest > through


def _look(r: Reader, after: int) -> tuple[int, int]:
    """(the newest package's place, how many numbers of the next portion are new)."""
    newest = store.newest_package(r)
    return newest, len(store.unknown(r, after, after + PACKAGES_A_ROUND)) if newest > after else 0


def _take_in(w: Writer, after: int, through: int) -> None:
    """Look once more, now that nobody else writes, and make what is missing."""
    actions.know(w, after, through)
    outbox.move_cursor(w, CONSUMER, through)
