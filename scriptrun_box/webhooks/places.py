"""How many attempts may be under way at once, who gets the last places, when orders go first.

Without rules eight receivers that hang would take all 32 places and hold up everybody else for as
long as an attempt lasts. So the last places go only to receivers with nothing under way, and those
whose last attempt failed share half of all.
"""

import asyncio

from scriptrun_box.kernel import clock

IN_FLIGHT = 32  # attempts in all
RESERVED = 8  # of these for a receiver's only attempt
FAILING_MOST = 16  # for all receivers together whose last attempt failed
RUSH_EVENTS = 150  # a second: more is a rush
RUSH_WINDOW_SECONDS = 0.5
RUSH_OVER_SECONDS = 1.5  # without anything new: no round of the dispatcher has to say so
RUSH_GAP_SECONDS = 0.04  # between two attempts in a rush
RUSH_LEISURE = 8.0  # in a rush, fan-out rests for so many times as long as it took
RUSH_LEISURE_MOST_SECONDS = 0.5


class Places:
    """The places that all lanes share."""

    def __init__(self) -> None:
        self._free = IN_FLIGHT
        self._failing = 0
        self._waiting: list[asyncio.Future[None]] = []

    async def take(self, wanted: int, under_way: int, failing: bool) -> int:
        """Take up to `wanted` places for a lane that has so many attempts under way; how many.

        A lane without any waits for its first place; one with some is told 0 and asks again when
        one of them is over.
        """
        if wanted <= 0:
            return 0
        while self._room(under_way, failing) <= 0:
            if under_way:
                return 0
            turn = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            await turn
        first = 0 if under_way else 1
        taken = max(first, min(wanted, self._room(1, failing)))
        self._free -= taken
        self._failing += taken if failing else 0
        return taken

    def release(self, count: int, failing: bool) -> None:
        """Give places back; `failing` as they were taken."""
        self._free += count
        self._failing -= count if failing else 0
        waiting, self._waiting = self._waiting, []
        for turn in waiting:
            if not turn.done():
                turn.set_result(None)

    def _room(self, under_way: int, failing: bool) -> int:
        room = self._free - (RESERVED if under_way else 0)
        return min(room, FAILING_MOST - self._failing) if failing else room


class Rush:
    """Whether events come faster than anybody could be sent them: then taking orders goes first.

    What is not sent yet waits in the outbox, which is as safe and costs nothing.
    """

    def __init__(self) -> None:
        self._many = False
        self._since = clock.monotonic()
        self._events = 0
        self._next = 0.0

    @property
    def on(self) -> bool:
        """Whether it is so now."""
        return self._many and clock.monotonic() - self._since < RUSH_OVER_SECONDS

    def note(self, events: int) -> None:
        """So many events came since this was called last."""
        now = clock.monotonic()
        self._events += events
        passed = now - self._since
        if passed >= RUSH_WINDOW_SECONDS:
            self._many = self._events / passed > RUSH_EVENTS
            self._since, self._events = now, 0

    async def turn(self) -> None:
        """In a rush, wait until the next attempt may begin."""
        if self.on:
            now = clock.monotonic()
            at = max(self._next, now)
            self._next = at + RUSH_GAP_SECONDS
            await asyncio.sleep(at - now)

    async def rest(self, took_seconds: float) -> None:
        """In a rush, leave the file to others after having used it for so long."""
        if self.on:
            await asyncio.sleep(min(RUSH_LEISURE * took_seconds, RUSH_LEISURE_MOST_SECONDS))
