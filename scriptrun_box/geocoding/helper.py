"""The process that reads addresses: what it loads would stop the event loop for half a second.

It speaks lines of JSON over its pipes, ends with the box whichever way that ends, and is ended when
it was not needed for a while.
"""

import asyncio
import json
import os
import subprocess
import sys
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from scriptrun_box.kernel import clock
from scriptrun_box.kernel.log import log

from .reading import Parts, Read, judge, read

ANSWER_SECONDS = 60.0  # for one portion, loading what it needs included
IDLE_SECONDS = 120.0
POLL_SECONDS = 0.1  # while one that was killed goes
NICENESS = 10
UNREADABLE = "unreadable"
SOURCE = Path(__file__).parents[2]


class Helper:
    """Reads texts and judges corrected parts, in a process that is there while it is needed."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._used_at = clock.monotonic()
        self._turn = asyncio.Lock()

    async def read(self, texts: list[str]) -> list[Read]:
        """Each text as it was read; one that breaks the reader is unreadable, others are not."""
        try:
            return await self._ask(texts)
        except HelperFailed:
            if len(texts) == 1:
                log.warning("an address could not be read")
                return [judge(Parts(), texts[0], UNREADABLE)]
            return [(await self.read([text]))[0] for text in texts]

    async def judge(self, parts: Parts) -> Read:
        """Corrected parts with their door; raises HelperFailed."""
        return (await self._ask([asdict(parts)]))[0]

    async def rest(self) -> None:
        """End the process if it was not needed for a while."""
        if clock.monotonic() - self._used_at > IDLE_SECONDS:
            await self.stop()

    async def stop(self) -> None:
        """End the process."""
        async with self._turn:
            await asyncio.to_thread(self._end)

    async def _ask(self, wishes: list[Any]) -> list[Read]:
        async with self._turn:
            self._used_at = clock.monotonic()
            # On a helper's thread: it may use any CPU, and what it starts inherits that.
            asking = asyncio.ensure_future(asyncio.to_thread(self._converse, wishes))
            try:
                await asyncio.wait([asking], timeout=ANSWER_SECONDS)
            finally:  # it takes too long, or the box stops
                while not asking.done():
                    if self._process is not None:
                        self._process.kill()
                    await asyncio.wait([asking], timeout=POLL_SECONDS)
            return asking.result()

    def _converse(self, wishes: list[Any]) -> list[Read]:
        """One line there, one line back; raises HelperFailed."""
        try:
            process = self._process or self._start()
            assert process.stdin is not None and process.stdout is not None
            process.stdin.write(json.dumps(wishes) + "\n")
            process.stdin.flush()
            return [_read_of(each) for each in json.loads(process.stdout.readline())]
        except (OSError, ValueError) as error:
            self._end()
            raise HelperFailed from error

    def _start(self) -> "subprocess.Popen[str]":
        paths = [str(SOURCE), os.environ.get("PYTHONPATH", "")]
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # what it would say might name an address
            text=True,
            encoding="utf-8",
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
        )
        return self._process

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        for pipe in (process.stdin, process.stdout):
            with suppress(OSError):
                if pipe is not None:
                    pipe.close()
        process.wait()


class HelperFailed(Exception):
    """The process gave no answer."""


def _read_of(given: dict[str, Any]) -> Read:
    middle = given.pop("middle")
    parts = Parts(**given.pop("parts"))
    return Read(parts, middle=tuple(middle) if middle else None, **given)


def main() -> None:
    """The process itself: until its input ends, which it does when the box is gone."""
    with suppress(OSError):
        os.nice(NICENESS)
    for line in sys.stdin:
        wishes = json.loads(line)
        found = [read(each) if isinstance(each, str) else judge(Parts(**each)) for each in wishes]
        print(json.dumps([asdict(each) for each in found]), flush=True)


if __name__ == "__main__":
    main()
