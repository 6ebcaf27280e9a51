"""One box for all of the access tests, with nothing going on in it but what they do."""

from collections.abc import AsyncIterator

import pytest

from tests.shared_box import LIMITS, client_of, running
from tests.world import build_world

from .people import Scene

LOOPBACK = {"allow_networks": ["127.0.0.1/32"], "allow_http": True}


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
async def box(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    """The whole app with generous limits, and everybody; nothing is sent, no limit is met."""
    folder = tmp_path_factory.mktemp("access") / "data"
    async with running(folder, limits=LIMITS, webhooks=LOOPBACK) as app:
        await app.state.deliveries.stop()
        await app.state.planner.stop()
        await app.state.spooler.stop()
        async with client_of(app) as client:
            yield Scene(app, await build_world(app.state.box.db), client)


@pytest.fixture
async def scene(box: Scene) -> Scene:
    """The same, without what earlier tests left."""
    await box.tidy()
    return box
