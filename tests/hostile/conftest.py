"""One box with everybody in it, and generous limits, for each module of hostile input."""

from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.applications import Starlette

from tests.access.people import Scene
from tests.shared_box import LIMITS, anyio_backend, client, running, world
from tests.world import World

__all__ = ["anyio_backend", "app", "client", "scene", "world"]


@pytest.fixture(scope="module")
async def app(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Starlette]:
    """The whole app over a fresh folder; webhooks may be made, and no event is sent."""
    webhooks = {"allow_networks": ["127.0.0.1/32"], "allow_http": True}
    folder = tmp_path_factory.mktemp("hostile") / "data"
    async with running(folder, limits=LIMITS, webhooks=webhooks) as made:
        await made.state.planner.stop()
        await made.state.deliveries.stop()  # so that nothing changes but by what a test does
        await made.state.spooler.stop()
        yield made


@pytest.fixture(scope="module")
async def scene(app: Starlette, world: World, client: httpx.AsyncClient) -> Scene:
    """The callers of the access matrix in this box."""
    return Scene(app, world, client)
