"""Runs stories by seed and says which one failed and why."""

import random
from collections.abc import Callable

from . import breaks
from .checks import check
from .people import act
from .story import Story

Tell = Callable[[str], None]


def run(seed: int, tell: Tell | None = None) -> Story:
    """One story, and then what must be true of it; raises Broken, or whatever the product did."""
    random.seed(seed)  # the product's own jitter
    story = Story(seed, tell)
    with story.in_place():
        try:
            story.loop.run_until_complete(act(story))
        finally:
            story.end()
    check(story)
    return story


def failure(seed: int, broken: str | None = None, tell: Tell | None = None) -> str | None:
    """What went wrong with a seed, or None; `broken` names a mutation of the product."""
    try:
        with breaks.broken(broken):
            run(seed, tell).file.close()
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return None


def first_failure(seeds: range, broken: str | None = None) -> tuple[int, str] | None:
    """The first seed that fails, and why; None when all hold."""
    for seed in seeds:
        why = failure(seed, broken)
        if why is not None:
            return seed, why
    return None
