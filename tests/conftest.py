"""Fixtures for every test: a box with two pharmacies, reached through its app or a real server."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import httpx
import pytest
from hypothesis import HealthCheck, settings
from playwright.async_api import expect
from starlette.applications import Starlette

from scriptrun_box.app import create_app
from scriptrun_box.geocoding import finder
from scriptrun_box.kernel.opening import open_folder
from tests.boxes import settings_for
from tests.world import World, build_world

# A busy machine is no failure: examples may take their time, but every run tries the same ones.
settings.register_profile(
    "box", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("box")
expect.set_options(timeout=15_000)  # ms until a page must show something


@pytest.fixture(autouse=True, scope="session")
def nobody_looks_up_addresses() -> Iterator[None]:
    """What a box does behind an order waits for the tests that are about it."""
    with patch.object(finder, "GATHER_SECONDS", 3_600.0):
        yield


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def founded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, World]:
    """A data folder in which everybody stands already: copying it is quicker than making one."""
    folder = tmp_path_factory.mktemp("founded") / "data"
    settings = settings_for(folder)

    async def found() -> World:
        made = create_app(settings, open_folder(settings))
        async with made.router.lifespan_context(made):
            return await build_world(made.state.box.db)

    return folder, asyncio.run(found())


@pytest.fixture
def folder(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """The data folder of this test; everybody stands in it where the test asks for the world."""
    if "founded" in request.fixturenames:
        shutil.copytree(request.getfixturevalue("founded")[0], tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture
async def app(folder: Path) -> AsyncIterator[Starlette]:
    """The whole app over a folder of its own, inside its lifespan."""
    settings = settings_for(folder)
    made = create_app(settings, open_folder(settings))
    async with made.router.lifespan_context(made):
        yield made


@pytest.fixture
async def client(app: Starlette) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody without a key or a session, on this machine."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8787") as made:
        yield made


@pytest.fixture
def world(app: Starlette, founded: tuple[Path, World]) -> World:
    """Two pharmacies with people and keys: owner, teammate, and a stranger of the other one."""
    return replace(founded[1], db=app.state.box.db)
