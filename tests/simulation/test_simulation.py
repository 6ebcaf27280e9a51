"""The short form of the simulation: some hundred seeds, and each promise shown to bite."""

import os
import subprocess
import sys

import pytest

from tests.house.source import ROOT

from .breaks import BREAKS, CONTROL_SEEDS
from .runner import first_failure, run

SEEDS = range(1, 151)
TOLD = 17  # a seed with several lives


def told(seed: int) -> list[str]:
    """A story, line by line."""
    lines: list[str] = []
    run(seed, lines.append).file.close()
    return lines


def test_every_promise_holds_whatever_goes_wrong() -> None:
    found = first_failure(SEEDS)
    assert found is None, f"python -m tests.simulation {found[0]} tells how: {found[1]}"


@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_promise_is_noticed(name: str) -> None:
    assert first_failure(CONTROL_SEEDS, name) is not None


def test_a_seed_tells_the_same_story_again_in_another_process() -> None:
    first = told(TOLD)
    assert len(first) > 50
    assert told(TOLD) == first
    again = subprocess.run(
        [sys.executable, "-m", "tests.simulation", str(TOLD)],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": "99"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert again.stdout.splitlines()[: len(first)] == first
