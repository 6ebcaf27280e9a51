"""Writes that wait for the same commit: who waits for what, and who is called together."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .rows import Writer


@dataclass(slots=True)
class Waiting:
    """A write in the queue: what to run, and whom to answer.

    With `each` the action takes a list of items and gives as many outcomes: what waits for the same
    action runs in one call of it.
    """

    action: Callable[..., Any]
    future: "asyncio.Future[Any]"
    each: bool = False
    item: Any = None
    result: Any = None
    error: BaseException | None = None


class ActionFailed(Exception):
    """An action raised within its group's transaction."""


def calls_of(group: list[Waiting]) -> list[list[Waiting]]:
    """The group as calls of actions: those that take several items are called once for all."""
    calls: list[list[Waiting]] = []
    together: dict[Callable[..., Any], list[Waiting]] = {}
    for waiting in group:
        if waiting.each and waiting.action in together:
            together[waiting.action].append(waiting)
            continue
        calls.append([waiting])
        if waiting.each:
            together[waiting.action] = calls[-1]
    return calls


def run_call(writer: Writer, call: list[Waiting]) -> None:
    """Run an action and give each of those who wait for it their outcome."""
    action = call[0].action
    if not call[0].each:
        call[0].result = action(writer)
        return
    for waiting, outcome in zip(call, action(writer, [each.item for each in call]), strict=True):
        failed = isinstance(outcome, BaseException)  # an earlier attempt's outcome is forgotten
        waiting.result, waiting.error = (None, outcome) if failed else (outcome, None)
