"""Cold packages for these tests: a bag, packed, out with a driver; all made up."""

from typing import Any

import httpx

from scriptrun_box.delivery.cold import bags, logger, packing, readings
from scriptrun_box.delivery.cold.model import LoggerFile, Quarantine
from scriptrun_box.kernel.clock import MINUTE_MS, iso
from scriptrun_box.kernel.db import Writer
from scriptrun_box.kernel.scope import Scope
from scriptrun_box.packages import actions as packages
from scriptrun_box.packages.model import Package
from tests.drivers.people import NUMBERS, parcel
from tests.routes.people import ANA, step
from tests.world import World

PACKED: dict[str, Any] = {"gel_packs": 2, "celsius": 4.5, "indicator_id": "WM-1042"}


async def bag(world: World, minutes: int = 240) -> str:
    """The id of a new bag."""
    given = {"name": f"Blue {next(NUMBERS)}", "hold_minutes": minutes}
    made = await world.db.write(bags.add, world.scope, ANA, given)
    return made.id


async def cold_parcel(client: httpx.AsyncClient, world: World, **fields: Any) -> str:
    """A new package that travels cold."""
    return await parcel(client, world.live, cold_chain=True, **fields)


async def packed(client: httpx.AsyncClient, world: World, minutes: int = 240) -> Package:
    """The same, in a new bag."""
    package_id = await cold_parcel(client, world)
    given = {"bag_id": await bag(world, minutes), **PACKED}
    return await world.db.write(packing.pack, world.scope, ANA, package_id, given)


async def out(client: httpx.AsyncClient, world: World, minutes: int = 240) -> Package:
    """The same, out with a driver."""
    package = await packed(client, world, minutes)
    for act in ("assign", "start"):
        await world.db.write(step, world.scope, package.id, act)
    return await world.db.write(packages.find, world.scope, package.id)


def recording(celsius: list[float], from_ms: int, every_minutes: int = 10) -> str:
    """A logger's file, the first reading one interval later."""
    lines = [
        f"{iso(from_ms + n * every_minutes * MINUTE_MS)},{degrees}"
        for n, degrees in enumerate(celsius, 1)
    ]
    return "\n".join(["time,temperature (°C)", *lines])


def read_in(
    w: Writer, scope: Scope, package_id: str, text: str
) -> tuple[LoggerFile, Quarantine | None]:
    """Store a logger's file."""
    found = logger.read(text, "America/New_York")
    readings.need_importable(w, scope, package_id, found)
    added = readings.store_part(w, scope, ANA, package_id, found.points)
    return readings.finish_import(w, scope, ANA, package_id, found, added, "a digest")


def long_ago(w: Writer, package_id: str, minutes: int) -> None:
    """It was packed that long ago."""
    by = minutes * MINUTE_MS
    w.run(
        "UPDATE packages SET packed_at = packed_at - ?, hold_until = hold_until - ? WHERE id = ?",
        (by, by, package_id),
    )
    w.run(
        "UPDATE cold_packs SET packed_at = packed_at - ?, hold_until = hold_until - ?"
        " WHERE package_id = ?",
        (by, by, package_id),
    )
    w.run("UPDATE cold_readings SET at = at - ? WHERE package_id = ?", (by, package_id))
