"""Looks addresses up after their orders are stored: a loop with a cursor, in nobody's way.

    commit ─┐
    due time ┼─> gather a moment ─> read new packages' addresses ─> doors ─> ask about what is due
    heartbeat┘

It takes portions with rests between them, and waits while orders pour in: they go first.
"""

import asyncio

from scriptrun_box.accounts import lying
from scriptrun_box.accounts.actions import KEYS_CHANGED
from scriptrun_box.kernel import clock, ids, outbox
from scriptrun_box.kernel.config import GeocodingSettings
from scriptrun_box.kernel.db import Database, Reader, Signal
from scriptrun_box.kernel.log import log
from scriptrun_box.packages import doors, proofs
from scriptrun_box.packages.actions import CHANGED as PACKAGES
from scriptrun_box.packages.doors import Addressed

from . import actions, store
from .helper import Helper
from .provider import Provider
from .reading import Read

GATHER_SECONDS = 1.0  # after a change, before it is looked at
REST_SECONDS = 0.2  # between two portions
PORTION = 50  # packages
RUSH_COMMITS = 20  # within a rest
RUSH_SECONDS = 30.0  # that addresses wait at most for a rush to be over
LONGEST_SLEEP_SECONDS = 60.0
STUMBLED_SECONDS = 10.0
TROUBLE_SECONDS = (5.0, 15.0, 60.0, 300.0)  # rests of a geocoder that failed once, twice, …
WAKING = (PACKAGES, KEYS_CHANGED, actions.CHANGED)


class Finder:
    """Gives every package its door and place. `start`, `tick` now and then, `stop`."""

    def __init__(self, db: Database, settings: GeocodingSettings, own_port: int) -> None:
        self.helper = Helper()
        self.asks = bool(settings.provider)
        self._db = db
        self._provider = Provider(settings, own_port)
        self._wake = asyncio.Event()
        self._asking_from = 0.0  # monotonic: not before, for the geocoder's sake
        self._failures = 0
        self._pharmacies: dict[str, Read] = {}  # by address, as long as the process lives
        self._tasks: list[asyncio.Task[None]] = []
        db.listen(self._heard)

    async def start(self) -> None:
        """Begin with what came in while the box was down."""
        self._tasks = [
            asyncio.create_task(self._take_in(), name="addresses"),
            asyncio.create_task(self._ask(), name="geocoder"),
        ]
        self._wake.set()

    async def tick(self) -> None:
        """The heartbeat: another process may have loaded points, or changed an address."""
        self._wake.set()

    async def stop(self) -> None:
        """What is under way is begun anew at the next start."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.helper.stop()

    def _heard(self, signals: list[Signal]) -> None:
        if any(signal.topic in WAKING for signal in signals):
            self._wake.set()

    # New addresses ------------------------------------------------------------------------------

    async def _take_in(self) -> None:
        while True:
            await self._wake.wait()
            await asyncio.sleep(GATHER_SECONDS)
            self._wake.clear()
            try:
                while await self._portion():
                    await self._let_orders_pass()
                await self._place_pharmacies()
                while seen := await self._db.read(_stood):
                    await self._db.write(actions.learn_from, seen)
            except Exception as error:
                log.failure("looking up addresses stumbled", error)
                await asyncio.sleep(STUMBLED_SECONDS)
                self._wake.set()

    async def _let_orders_pass(self) -> None:
        """Rest, and go on resting while orders pour in, but not for ever."""
        until = clock.monotonic() + RUSH_SECONDS
        busy = True
        while busy and clock.monotonic() < until:
            before = self._db.commits
            await asyncio.sleep(REST_SECONDS)
            busy = self._db.commits - before >= RUSH_COMMITS

    async def _portion(self) -> bool:
        """Take a portion of new and changed addresses in; whether there was one."""
        found, cursor = await self._db.read(_waiting)
        if not found and cursor is None:
            return False
        read = await self.helper.read([each.address for each in found]) if found else []
        pairs = list(zip(found, read, strict=True))
        await self._db.write(actions.take_in, pairs, cursor, self.asks)
        return bool(found)

    async def _place_pharmacies(self) -> None:
        found = await self._db.read(lying.addressed)
        unread = list({each.address for each in found} - self._pharmacies.keys())
        if unread:
            read = await self.helper.read(unread)
            self._pharmacies |= dict(zip(unread, read, strict=True))
        pairs = [(each, self._pharmacies[each.address]) for each in found]
        moved = await self._db.read(actions.misplaced, pairs)
        if moved:
            await self._db.write(actions.place_pharmacies, moved, self.asks)

    # The geocoder -------------------------------------------------------------------------------

    async def _ask(self) -> None:
        while True:
            try:
                seconds = await self._ask_next()
            except Exception as error:
                log.failure("asking the geocoder stumbled", error)
                seconds = STUMBLED_SECONDS
            await asyncio.sleep(seconds)

    async def _ask_next(self) -> float:
        """Look for the place that is due longest; the seconds until the next one."""
        now = clock.now_ms()
        due = await self._db.read(store.due, now, 1)
        if not due:
            next_at = await self._db.read(store.next_due)
            ahead = LONGEST_SLEEP_SECONDS if next_at is None else (next_at - now) / 1000
            return min(max(ahead, GATHER_SECONDS), 5 * GATHER_SECONDS)
        place = await self._db.write(actions.look_again, due[0].id, due[0].scope, self.asks)
        if place is None:
            return 0.0
        await asyncio.sleep(max(0.0, self._asking_from - clock.monotonic()))
        answer = await self._provider.ask(place.parts)
        await self._db.write(actions.answered, place, answer)
        rest = self._provider.gap_seconds
        self._failures = self._failures + 1 if answer.failed else 0
        if self._failures:
            rest = max(rest, TROUBLE_SECONDS[min(self._failures, len(TROUBLE_SECONDS)) - 1])
        self._asking_from = clock.monotonic() + rest
        return 0.0


def _stood(r: Reader) -> list[proofs.Stood]:
    """The next places where drivers stood at a door."""
    after = ids.first_at("prf", outbox.cursor(r, actions.DOORS_CONSUMER) + 1)
    return proofs.behind(r, after, PORTION)


def _waiting(r: Reader) -> tuple[list[Addressed], int | None]:
    """(the next packages to look at, where the cursor goes then; None where it stays)."""
    edited = doors.readdressed(r, PORTION)
    if edited:
        return edited, None
    cursor = outbox.cursor(r, actions.CONSUMER)
    found, through = doors.behind(r, cursor, PORTION)
    return found, through if through != cursor else None
