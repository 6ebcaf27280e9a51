"""People at the screens: signed-in visitors of the app, and the same app behind a real server."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from scriptrun_box.kernel.server import build_server
from tests.world import World, cookie, header, orders

HOST = "http://127.0.0.1:8787"
PAGE = {"Accept": "text/html"}
CSRF = re.compile(r'name="csrf" value="([^"]+)"')
PACKAGE = re.compile(r'data-key="([0-9a-f]{32})"')


@dataclass
class Visitor:
    """Somebody with a browser without JavaScript."""

    http: httpx.AsyncClient

    async def see(self, path: str, status: int = 200) -> str:
        """The text of a page."""
        answer = await self.http.get(path, headers=PAGE)
        assert answer.status_code == status, answer.text
        return answer.text

    async def send(self, path: str, **fields: str) -> httpx.Response:
        """Post a form with the token of the page one is on."""
        token = CSRF.search(await self.see("/"))
        assert token
        return await self.http.post(path, data={"csrf": token[1], **fields}, headers=PAGE)

    async def show_sandbox(self) -> None:
        """Turn the screens to the sandbox."""
        answer = await self.send("/sandbox", test="1", next="/")
        assert answer.status_code == 303


Visit = Callable[[str], Awaitable[Visitor]]
Push = Callable[..., Awaitable[list[str]]]


@pytest.fixture
async def visit(app: Starlette, world: World) -> AsyncIterator[Visit]:
    """visit("owner"): the browser of one of the world's people."""
    async with AsyncExitStack() as open_clients:

        async def open_client(who: str) -> Visitor:
            transport = httpx.ASGITransport(app)
            made = httpx.AsyncClient(transport=transport, base_url=HOST, cookies=cookie(world, who))
            return Visitor(await open_clients.enter_async_context(made))

        yield open_client


@pytest.fixture
def push(client: httpx.AsyncClient, world: World) -> Push:
    """push({...}, {...}, key=world.live): orders by the API; the packages' ids."""

    async def send(*changes: dict[str, Any], key: Any = None) -> list[str]:
        answer = await client.post(
            "/api/webhook/orders", json=orders(*changes), headers=header(key or world.live)
        )
        assert answer.status_code == 200, answer.text
        ids: list[str] = answer.json()["package_ids"]
        return ids

    return send


@pytest.fixture
async def address(app: Starlette) -> AsyncIterator[str]:
    """The address of the app behind a real server: streams need one."""
    server = build_server(
        _running(app), host="127.0.0.1", port=0, on_exit=lambda: app.state.close_streams()
    )
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    yield f"http://127.0.0.1:{server.port}"
    server.should_exit = True
    await serving


def _running(app: Starlette) -> Any:
    """The app without its lifespan, which the fixture `app` already holds."""

    async def served(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
        else:
            await app(scope, receive, send)

    return served
