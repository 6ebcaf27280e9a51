"""The published copy: renewed when writes go quiet, at the latest when it would become too old.

`scriptrun-box.sqlite` is always a whole, checked file of a moment ago: built beside it from one
snapshot, checked, on disk, then renamed. All of it runs on a thread and outside the GIL.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass

from . import clock, copies
from .config import Settings
from .db import Database
from .file_errors import CannotUse, Damaged, NoRoom
from .folder import DataFolder, has_room
from .log import log

QUIET_SECONDS = 2.0  # after the last write, a copy is worth making
RETRY_SECONDS = 30.0  # after a copy could not be made
LAST_COPY_SECONDS = 5.0  # a copy that takes longer is not made at a stop: that ends in 10 s
POLL_SECONDS = 0.5
POLLS_PER_STALE = 20  # a short copies.max_stale_seconds is looked after more often
LEAD_FACTOR = 1.5  # a copy begins this many times its own duration before it is due,
SPARE_SECONDS = 5.0  # and this much earlier still, at most a quarter of the time allowed:
SPARE_SHARE = 0.25  # a busy disk must not break the promise
DAILY_WRITE_BYTES = 20_000_000_000  # what copies may wear out of a disk in a day
BYTES_PER_SECOND = DAILY_WRITE_BYTES / 86_400


@dataclass(frozen=True, slots=True)
class CopyState:
    """How old the published copy is: for the System page, readiness and doctor."""

    published_at: int | None  # unix milliseconds; None before the first copy
    event_seq: int  # the last event in it
    size_bytes: int
    took_ms: int
    commits_behind: int  # of this process since the copy
    stale_seconds: float  # since the oldest change that is not in it; 0 when it has everything
    stretched: bool  # it may get older than the setting: the day's budget of writes is used up
    error: str | None  # one sentence: why the last attempt failed
    damaged: bool  # the last attempt found damage in the live file


class Publisher:
    """Keeps the published copy fresh while the box runs."""

    def __init__(self, db: Database, folder: DataFolder, settings: Settings) -> None:
        self._db = db
        self._folder = folder
        self._min_free_mb = settings.storage.min_free_mb
        self._max_stale = float(settings.copies.max_stale_seconds)
        self._poll = min(POLL_SECONDS, self._max_stale / POLLS_PER_STALE)
        now = clock.monotonic()
        self._seen = -1  # the file's data version when last looked at
        self._looked_at = self._changed_at = now
        self._dirty_since: float | None = now  # what is on disk from before is not known
        self._not_before = now
        self._budget, self._budget_at = float(DAILY_WRITE_BYTES), now
        self._took = 0.0
        self._commits = 0
        self._error: Exception | None = None
        self._facts = copies.describe(folder.published, db.key)
        self._busy = asyncio.Lock()
        self._making_since: float | None = None
        self._making: asyncio.Task[None] | None = None
        self._watch: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to watch the file, on the running event loop."""
        self._watch = asyncio.create_task(self._run(), name="publisher")

    async def stop(self) -> None:
        """End, before the database is closed; after a last copy, if that can be made in time.

        Of a file so large that it cannot, the next start makes it.
        """
        if self._watch is not None:
            async with self._busy:  # what is being made is finished, not made twice
                self._watch.cancel()
            with suppress(asyncio.CancelledError):
                await self._watch
            self._watch = None
        self._look()
        if self._dirty_since is None:
            return
        if self._took > LAST_COPY_SECONDS:
            log.warning("no copy was made at the stop: it would have taken too long")
            return
        await self.publish()

    async def publish(self) -> None:
        """Make a copy of this moment now. A failure is logged and kept in the state."""
        # A thread cannot be cancelled: whoever waits here may be, the making goes on to its end.
        self._making = asyncio.create_task(self._publish(), name="publication")
        await asyncio.shield(self._making)

    async def _publish(self) -> None:
        async with self._busy:
            self._look()
            commits, began = self._db.commits, clock.monotonic()
            self._making_since, self._dirty_since = self._dirty_since or began, None
            try:
                facts = await asyncio.to_thread(self._make)
            except Exception as error:
                self._failed(error)
                self._dirty_since = self._making_since
            else:
                self._facts, self._commits, self._error = facts, commits, None
                self._took = clock.monotonic() - began
                self._budget -= facts.size_bytes
            finally:
                self._making_since = None

    def state(self) -> CopyState:
        """How things stand right now."""
        facts, since = self._facts, self._making_since or self._dirty_since
        return CopyState(
            published_at=facts.published_at if facts else None,
            event_seq=facts.event_seq if facts else 0,
            size_bytes=facts.size_bytes if facts else 0,
            took_ms=round(self._took * 1000),
            commits_behind=self._db.commits - self._commits,
            stale_seconds=clock.monotonic() - since if since is not None else 0.0,
            stretched=self._budget <= 0,
            error=_sentence(self._error),
            damaged=isinstance(self._error, Damaged),
        )

    # Deciding when --------------------------------------------------------------------------------

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._poll)
            try:
                await self._tick()
            except Exception as error:  # the file cannot even be looked at: others will say so
                log.failure("the published copy is not being looked after", error)
                await asyncio.sleep(RETRY_SECONDS)

    async def _tick(self) -> None:
        self._look()
        now = clock.monotonic()
        if self._is_quiet(now):
            # Folded first: a checkpoint moves the data version, and must not look like a write.
            await self._db.checkpoint()
            await self.publish()
        elif self._is_due(now):
            await self.publish()

    def _look(self) -> None:
        """Notice what was committed since the last look, by this process or any other."""
        now = clock.monotonic()
        version = self._db.peek(lambda r: r.value("PRAGMA data_version"))
        if version != self._seen:
            self._seen, self._changed_at = version, now
            if self._dirty_since is None:
                self._dirty_since = self._looked_at  # it may be as old as the look before
        self._looked_at = now
        refill = (now - self._budget_at) * BYTES_PER_SECOND
        self._budget = min(self._budget + refill, float(DAILY_WRITE_BYTES))
        self._budget_at = now

    def _is_quiet(self, now: float) -> bool:
        """Fresher than promised, while that leaves half of the day's writes for the promise."""
        if self._dirty_since is None or now < self._not_before:
            return False
        return now - self._changed_at >= QUIET_SECONDS and self._budget > DAILY_WRITE_BYTES / 2

    def _is_due(self, now: float) -> bool:
        if self._dirty_since is None or now < self._not_before or self._budget <= 0:
            return False
        spare = min(SPARE_SECONDS, self._max_stale * SPARE_SHARE)
        due = self._dirty_since + self._max_stale - LEAD_FACTOR * self._took - spare
        return now >= due - self._poll

    # On a thread ----------------------------------------------------------------------------------

    def _make(self) -> copies.Facts:
        size = self._folder.file.stat().st_size
        if not has_room(self._folder.path, size, self._min_free_mb):
            raise NoRoom("The disk has too little room for a new copy: the last one is kept.")
        return copies.backup_to(self._folder.file, self._db.key, self._folder.published)

    def _failed(self, error: Exception) -> None:
        if type(self._error) is not type(error):
            log.failure("the published copy could not be renewed", error)
        self._error = error
        self._not_before = clock.monotonic() + RETRY_SECONDS


def _sentence(error: Exception | None) -> str | None:
    if error is None:
        return None
    return error.sentence if isinstance(error, CannotUse) else "The copy could not be written."
