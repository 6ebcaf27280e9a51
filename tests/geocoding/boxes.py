"""A box that looks addresses up, its orders, and what became of them."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from click.testing import CliRunner
from starlette.applications import Starlette

from scriptrun_box.cli import main
from scriptrun_box.geocoding import store
from scriptrun_box.geocoding.model import Place
from scriptrun_box.kernel.db import Database
from scriptrun_box.kernel.scope import Scope
from scriptrun_box.packages import store as packages
from scriptrun_box.packages.model import Package
from tests.shared_box import LIMITS, client_of, running
from tests.world import World, build_world, header, orders

WAIT_SECONDS = 20.0


class Box:
    """A box with its people, and what its file says."""

    def __init__(self, app: Starlette, world: World) -> None:
        self.app = app
        self.world = world
        self.db: Database = app.state.box.db
        self.scope: Scope = world.scope

    async def order(self, *addresses: str, **fields: Any) -> list[str]:
        """New packages to these addresses."""
        ids: list[str] = []
        for at in range(0, len(addresses), 100):
            lines = [
                {"patient_address": each, "barcode": f"B{random.random()}", **fields}
                for each in addresses[at : at + 100]
            ]
            async with client_of(self.app) as client:
                got = await client.post(
                    "/api/webhook/orders", json=orders(*lines), headers=header(self.world.live)
                )
            assert got.status_code == 200, got.text
            ids += got.json()["package_ids"]
        return ids

    async def packages(self, ids: list[str]) -> list[Package]:
        found = [await self.db.read(packages.get, self.scope, each) for each in ids]
        return [each for each in found if each is not None]

    async def looked_up(self, ids: list[str]) -> list[Package]:
        """These packages, once all have a door."""
        await until(lambda: self._all_have_doors(ids))
        return await self.packages(ids)

    async def _all_have_doors(self, ids: list[str]) -> bool:
        return all(each.door for each in await self.packages(ids))

    async def place(self, address_door: str) -> Place:
        found = await self.db.read(store.at_door, self.scope, address_door)
        assert found is not None
        return found


async def until(holds: Callable[[], Any]) -> None:
    """Wait for something to become true."""
    async with asyncio.timeout(WAIT_SECONDS):
        while not await holds():
            await asyncio.sleep(0.02)


@asynccontextmanager
async def a_box(folder: Path, **sections: Any) -> AsyncIterator[Box]:
    async with running(folder, limits=LIMITS, **sections) as app:
        yield Box(app, await build_world(app.state.box.db))


def load(folder: Path, text: str, *options: str) -> dict[str, Any]:
    """`geocode load` as typed, beside a running box."""
    file = folder.parent / "points.csv"
    file.write_text(text)
    words = ["geocode", "load", str(file), "--data", str(folder), "--json", *options]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    result: dict[str, Any] = json.loads(done.output)
    return result
