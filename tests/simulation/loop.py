"""An event loop on invented time: nothing sleeps, and the same seed makes the same story."""

import asyncio
import selectors
from collections.abc import Callable
from contextvars import ContextVar
from random import Random
from typing import Any

START_SECONDS = 1_000.0
THREAD_SECONDS = 0.002  # a thread answers within this, at some moment of its own


class NothingLeftToDo(Exception):
    """Everything waits, and nothing will ever wake it: a deadlock, or a story that has ended."""


# The set that new tasks join; a killed process takes all of its tasks with it.
FAMILY: ContextVar[set["asyncio.Task[Any]"] | None] = ContextVar("FAMILY", default=None)


class _Jump(selectors.SelectSelector):
    """Where a loop would wait for the time to come, the time comes."""

    loop: "VirtualLoop"

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise NothingLeftToDo
        if timeout > 0:
            self.loop.now += timeout
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """asyncio's own loop, with a clock that jumps to whatever is due next."""

    def __init__(self, random: Random) -> None:
        selector = _Jump()
        selector.loop = self
        self.now = START_SECONDS
        self.random = random
        super().__init__(selector)
        self.set_task_factory(_join_family)

    def time(self) -> float:
        return self.now

    def call_soon_threadsafe(
        self, callback: Callable[..., Any], *args: Any, context: Any = None
    ) -> asyncio.TimerHandle:
        """What another thread says arrives a moment later: a kill may come in between."""
        return self.call_later(
            self.random.uniform(0, THREAD_SECONDS), callback, *args, context=context
        )

    def run_in_executor(
        self, executor: Any, func: Callable[..., Any], *args: Any
    ) -> "asyncio.Future[Any]":
        """There are no threads here; the work is done at once."""
        future = self.create_future()
        future.set_result(func(*args))
        return future


def _join_family(loop: Any, coroutine: Any, **more: Any) -> "asyncio.Task[Any]":
    task: asyncio.Task[Any] = asyncio.Task(coroutine, loop=loop, **more)
    family = FAMILY.get()
    if family is not None:
        family.add(task)
        task.add_done_callback(family.discard)
    return task
