"""How many attempts may be under way at once, and who may take the last places.

Without rules eight receivers that hang would take all 32 places and hold up everybody else for as
long as an attempt lasts. So the last places go only to receivers with nothing under way, and those
whose last attempt failed share half of all.
"""

import asyncio

IN_FLIGHT = 32  # attempts in all
RESERVED = 8  # of these for a receiver's only attempt
FAILING_MOST = 16  # for all receivers together whose last attempt failed


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
