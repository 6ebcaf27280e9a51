"""The fixtures of conftest.py as one box for a whole module: for tables of single requests.

The conftest.py of a folder takes them by importing them; `running` is for a box of one's own.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from scriptrun_box.app import create_app
from scriptrun_box.kernel.opening import open_folder
from tests.boxes import settings_for
from tests.world import World, build_world

PLENTY = 1_000_000
LIMITS = dict.fromkeys(
    ("ingest_per_minute", "orders_per_hour", "reads_per_minute", "writes_per_minute"), PLENTY
)


@asynccontextmanager
async def running(folder: Path, **sections: Any) -> AsyncIterator[Starlette]:
    """The whole app over a data folder, inside its lifespan, with these settings."""
    settings = settings_for(folder, **sections)
    made = create_app(settings, open_folder(settings))
    async with made.router.lifespan_context(made):
        yield made


def client_of(app: Starlette) -> httpx.AsyncClient:
    """Somebody without a key or a session, on this machine; a failure is an answer, not raised."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8787")


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def app(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Starlette]:
    """The whole app over a fresh folder, with limits nobody meets."""
    async with running(tmp_path_factory.mktemp("box") / "data", limits=LIMITS) as made:
        yield made


@pytest.fixture(scope="module")
async def client(app: Starlette) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody without a key or a session."""
    async with client_of(app) as made:
        yield made


@pytest.fixture(scope="module")
async def world(app: Starlette) -> World:
    """Two pharmacies with people and keys."""
    return await build_world(app.state.box.db)
