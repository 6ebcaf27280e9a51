"""Orders go first: while they pour in, their addresses wait, though not for ever."""

import asyncio
from typing import Any

import pytest

from scriptrun_box.geocoding import finder
from scriptrun_box.geocoding.finder import Finder
from scriptrun_box.kernel.config import GeocodingSettings

pytestmark = pytest.mark.anyio


class Rushing:
    """A file whose commits are counted: so many more whenever somebody looks, `looks` times."""

    def __init__(self, looks: int) -> None:
        self.left = looks
        self._commits = 0

    @property
    def commits(self) -> int:
        self.left -= 1
        self._commits += 1_000 if self.left > 0 else 0
        return self._commits

    def listen(self, listener: Any) -> None:
        """Nobody is told anything."""


async def test_a_rush_of_commits_holds_addresses_up_until_it_is_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(finder, "REST_SECONDS", 0.001)
    db = Rushing(20)
    await asyncio.wait_for(Finder(db, GeocodingSettings(), 0)._let_orders_pass(), 5)  # type: ignore[arg-type]
    assert db.left in (0, -1)


async def test_beside_a_rush_without_an_end_addresses_still_come_to_their_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(finder, "REST_SECONDS", 0.001)
    monkeypatch.setattr(finder, "RUSH_SECONDS", 0.05)
    db = Rushing(1_000_000)
    await asyncio.wait_for(Finder(db, GeocodingSettings(), 0)._let_orders_pass(), 5)  # type: ignore[arg-type]
    assert 0 < db.left < 1_000_000
