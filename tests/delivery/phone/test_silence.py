"""A driver whose phone says nothing for 15 minutes on shift is offline, until it speaks again."""

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

import httpx
import pytest
from starlette.applications import Starlette

from scriptrun_box.app import _write_behind
from scriptrun_box.delivery.phone import silence
from scriptrun_box.delivery.phone.silence import SILENT_MS, Silences
from scriptrun_box.drivers import store
from scriptrun_box.drivers.model import Driver
from scriptrun_box.kernel import clock
from tests.drivers.people import hire, post, told
from tests.world import World

from .handset import handset

pytestmark = pytest.mark.anyio


@contextmanager
def later(ms: int) -> Iterator[None]:
    """So much later by the wall."""
    now = clock.now_ms
    with patch.object(clock, "now_ms", lambda: now() + ms):
        yield


async def driver_of(world: World, driver_id: str) -> Driver:
    found = await world.db.read(store.get, world.scope, driver_id)
    assert found is not None
    return found


async def test_silence_puts_offline_once_and_a_word_brings_back(
    app: Starlette, client: httpx.AsyncClient, world: World
) -> None:
    silences: Silences = app.state.silences
    driver = await hire(client, world.live)
    phone = await handset(client, world, driver["id"])
    await phone.do("shift_start")
    await _write_behind(app)
    with later(SILENT_MS - 60_000):
        await silences.tick()
    assert (await driver_of(world, driver["id"])).online
    with later(SILENT_MS + 1_000):
        await silences.tick()
        await silences.tick()
        assert not (await driver_of(world, driver["id"])).online
        await phone.ask("POST", "/phone/here")
    assert (await driver_of(world, driver["id"])).online
    events = await world.db.read(told, driver["id"])
    assert [each["status"] for each in events] == ["online", "offline", "online"]


async def test_a_word_does_not_bring_back_who_went_offline_by_their_own_tap(
    app: Starlette, client: httpx.AsyncClient, world: World
) -> None:
    driver = await hire(client, world.live)
    phone = await handset(client, world, driver["id"])
    await phone.do("shift_start")
    await _write_behind(app)
    with later(SILENT_MS + 1_000):
        await app.state.silences.tick()
        await phone.do("offline")
        await phone.shift()
        assert not (await driver_of(world, driver["id"])).online


async def test_whoever_has_no_phone_is_never_silent(
    app: Starlette, client: httpx.AsyncClient, world: World
) -> None:
    driver = await hire(client, world.live)
    await post(client, world.live, f"/api/drivers/{driver['id']}/shift", shift="start")
    with later(SILENT_MS * 4):
        await app.state.silences.tick()
    assert (await driver_of(world, driver["id"])).online


async def test_of_two_phones_one_that_speaks_is_enough(
    app: Starlette, client: httpx.AsyncClient, world: World
) -> None:
    driver = await hire(client, world.live)
    phone, other = [await handset(client, world, driver["id"]) for _ in range(2)]
    await phone.do("shift_start")
    with later(SILENT_MS + 1_000):
        await other.ask("POST", "/phone/here")
        await _write_behind(app)
        await app.state.silences.tick()
    assert (await driver_of(world, driver["id"])).online


async def test_nobody_is_silent_while_the_box_itself_was_not_there(
    app: Starlette, client: httpx.AsyncClient, world: World
) -> None:
    driver = await hire(client, world.live)
    phone = await handset(client, world, driver["id"])
    await phone.do("shift_start")
    await _write_behind(app)
    with later(SILENT_MS + 1_000):
        started_now = silence.Silences(world.db)
        await started_now.tick()
    assert (await driver_of(world, driver["id"])).online
