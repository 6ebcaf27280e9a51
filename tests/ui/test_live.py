"""The live wire: what a stream tells, how fast, to whom, and when it ends."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from scriptrun_box.accounts import actions, signin
from scriptrun_box.kernel import clock
from scriptrun_box.kernel.errors import RateLimited
from scriptrun_box.kernel.scope import CLI, Scope
from scriptrun_box.ui import live
from scriptrun_box.ui.live import NAMED_MAX, Stream
from tests.ui.conftest import PAGE, Push, Visit
from tests.world import World, cookie

pytestmark = pytest.mark.anyio
SOON = 1.0  # seconds a stream has to end within


class Listener:
    """An open stream, read as a browser reads it."""

    def __init__(self, lines: AsyncIterator[str]) -> None:
        self._lines = lines

    async def event(self, seconds: float = 5.0) -> tuple[str, Any]:
        """The next event's name and data."""
        async with asyncio.timeout(seconds):
            name = ""
            async for line in self._lines:
                if line.startswith("event: "):
                    name = line.removeprefix("event: ")
                elif line.startswith("data: "):
                    return name, json.loads(line.removeprefix("data: "))
        raise EOFError

    async def until_quiet(self) -> list[tuple[str, Any]]:
        """Every event until none comes for half a second."""
        told = []
        try:
            while True:
                told.append(await self.event(0.5))
        except TimeoutError:
            return told

    async def ends(self, seconds: float) -> list[str]:
        """The events still told before the stream is over."""
        told = []
        async with asyncio.timeout(seconds):
            try:
                while True:
                    told.append((await self.event())[0])
            except EOFError:
                return told


@asynccontextmanager
async def listening(address: str, world: World, who: str = "owner") -> AsyncIterator[Listener]:
    async with (
        httpx.AsyncClient(base_url=address, cookies=cookie(world, who), timeout=30) as http,
        http.stream("GET", "/live") as answer,
    ):
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        listener = Listener(answer.aiter_lines())
        assert await listener.event() == ("hello", {})
        yield listener


async def test_a_new_order_is_told_with_its_id(address: str, world: World, push: Push) -> None:
    async with listening(address, world) as listener:
        ids = await push({})
        assert await listener.event() == ("changed", {"topic": "packages", "ids": ids})


async def test_a_burst_is_told_in_a_few_messages(address: str, world: World, push: Push) -> None:
    async with listening(address, world) as listener:
        began = time.monotonic()
        for batch in range(10):
            await push(*({"patient_name": f"N {batch} {one}"} for one in range(100)))
        took = time.monotonic() - began
        told = await listener.until_quiet()
        assert 1 <= len(told) <= 2 + took / live.GAP_SECONDS
        assert ("changed", {"topic": "packages", "ids": None}) in told


async def test_other_pharmacies_and_the_sandbox_are_not_told(
    address: str, world: World, push: Push
) -> None:
    async with listening(address, world, "other_owner") as listener:
        await push({})
        await push({}, key=world.stranger_sandbox)
        with pytest.raises(TimeoutError):
            await listener.event(0.3)


async def test_a_stream_ends_soon_after_its_session(
    address: str, world: World, visit: Visit
) -> None:
    async with listening(address, world) as listener:
        await (await visit("owner")).send("/sign-out")
        assert await listener.ends(SOON) == ["end"]


async def test_a_stream_ends_soon_after_its_person_is_locked_out(
    address: str, world: World
) -> None:
    tenant_id = world.pharmacy.tenant.id
    async with (
        listening(address, world) as owner,
        listening(address, world, "teammate") as teammate,
    ):
        await world.db.write(actions.set_disabled, tenant_id, CLI, world.teammate.id, True)
        assert await teammate.ends(SOON) == ["end"]
        with pytest.raises(TimeoutError):
            await owner.event(0.2)


async def test_a_session_ended_by_another_process_is_noticed(
    address: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "HEARTBEAT_SECONDS", 0.2)
    async with listening(address, world) as listener:
        # Deleted without a signal, as the command line does it in a process of its own.
        await world.db.write(lambda w: w.run("DELETE FROM sessions"))
        assert await listener.ends(SOON) == ["end"]


async def test_every_stream_ends_when_the_server_stops(
    address: str, world: World, app: Starlette
) -> None:
    async with listening(address, world) as listener:
        app.state.close_streams()
        assert await listener.ends(SOON) == []
    async with httpx.AsyncClient(base_url=address, cookies=cookie(world, "owner")) as http:
        assert (await http.get("/live")).status_code == 503


async def test_turning_to_the_sandbox_ends_the_live_stream(
    address: str, world: World, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "HEARTBEAT_SECONDS", 0.2)
    async with listening(address, world) as listener:
        await (await visit("owner")).show_sandbox()
        assert await listener.ends(SOON) == ["end"]


async def test_a_page_left_open_does_not_keep_its_session_alive(
    app: Starlette, world: World, visit: Visit
) -> None:
    sign_ins = app.state.sign_ins
    owner = await visit("owner")
    digest = actions.digest_of(world.sessions["owner"])
    for before in (None, 1):
        sign_ins.seen = {} if before is None else {digest: before}
        await owner.see("/live/desk")
        assert sign_ins.seen.get(digest) == before
    await owner.see("/")
    assert sign_ins.seen[digest] > 1
    long_ago = clock.now_ms() - signin.IDLE_MS - 1
    sign_ins.seen = {}
    await world.db.write(lambda w: w.run("UPDATE sessions SET seen_at = ?", (long_ago,)))
    assert (await owner.http.get("/live/desk", headers=PAGE)).status_code == 303


async def test_a_session_has_so_many_streams_and_no_more(
    app: Starlette, world: World, visit: Visit
) -> None:
    token = world.sessions["owner"]
    person = world.db.peek(signin.person_of, token, app.state.sign_ins, clock.now_ms())
    assert person is not None
    hub = live.Hub(world.db, app.state.sign_ins)
    opened = [hub.open(person, token) for _ in range(live.STREAMS_PER_SESSION)]
    running = [hub.messages(stream) for stream in opened]
    for messages in running:
        await anext(messages)
    with pytest.raises(RateLimited):
        hub.open(person, token)
    await running[0].aclose()  # type: ignore[attr-defined]
    assert hub.open(person, token)
    for messages in running:
        await messages.aclose()  # type: ignore[attr-defined]


async def test_a_key_opens_no_stream_and_a_driver_none_either(
    client: httpx.AsyncClient, world: World, visit: Visit
) -> None:
    answer = await client.get("/live", headers={"X-API-Key": world.live.secret})
    assert answer.status_code == 401
    answer = await (await visit("driver")).http.get("/live")
    assert answer.status_code == 403


def test_more_ids_than_fit_are_told_as_many() -> None:
    stream = Stream(Scope("ten_1"), "usr_1", b"", "")
    stream.note("packages", [f"{number:032x}" for number in range(NAMED_MAX)])
    assert len(json.loads(stream.message().split(b"data: ")[1])["ids"]) == NAMED_MAX
    for number in range(10_000):
        stream.note("packages", [f"{number:032x}"] * 2)
    assert json.loads(stream.message().split(b"data: ")[1]) == {"topic": "packages", "ids": None}
    assert stream.message() == b""
