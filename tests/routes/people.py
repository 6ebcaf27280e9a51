"""Routes for these tests: a driver, packages at doors around the pharmacy, all made up."""

import json
from typing import Any

import httpx

from scriptrun_box.accounts.actions import NewKey
from scriptrun_box.delivery import sandbox
from scriptrun_box.kernel.db import Reader, Writer
from scriptrun_box.kernel.links import Links
from scriptrun_box.kernel.scope import BOX, Actor, Scope
from scriptrun_box.packages import store as packages
from scriptrun_box.packages.model import Location
from scriptrun_box.routes.model import Sheet
from tests.drivers.people import hire, parcel

ANA, BO = Actor("key:ana"), Actor("key:bo")
LINKS = Links("http://127.0.0.1:8787", "a secret of tests")
SHOP = (25.7743, -80.1937)


async def driver(client: httpx.AsyncClient, key: NewKey, **fields: Any) -> str:
    """The id of a new driver."""
    return str((await hire(client, key, **fields))["id"])


async def parcels(client: httpx.AsyncClient, key: NewKey, count: int, **fields: Any) -> list[str]:
    """New packages, each at a door of its own."""
    return [
        await parcel(client, key, **{"patient_address": f"{n} Ocean Dr, Miami, FL 33139", **fields})
        for n in range(1, count + 1)
    ]


def at_places(w: Writer, scope: Scope, places: dict[str, tuple[float, float]]) -> None:
    """Say where packages are."""
    for package_id, (lat, lng) in places.items():
        package = packages.get(w, scope, package_id)
        assert package is not None
        place = Location(lat, lng, "pin", "exact")
        packages.set_location(w, package_id, package.content.patient_address.upper(), place)


def step(w: Writer, scope: Scope, package_id: str, act: Any, reason: str = "") -> None:
    """A package is delivered or fails, with a made-up proof."""
    sandbox.make_up(w, scope, BOX, package_id, act, reason, LINKS)


def shop_at(w: Writer, location_id: str, place: tuple[float, float] = SHOP) -> None:
    """A location lies here."""
    w.run("UPDATE locations SET lat = ?, lng = ? WHERE id = ?", (*place, location_id))


def order_of(sheet: Sheet) -> list[list[str]]:
    """The packages of each stop, in order."""
    return [[package.id for package in visit.packages] for visit in sheet.visits]


def told(r: Reader, subject: str, event: str) -> list[dict[str, Any]]:
    """The data of every event of a kind about a subject, oldest first."""
    rows = r.all(
        "SELECT body FROM events WHERE subject_id = ? AND event = ? ORDER BY seq", (subject, event)
    )
    return [json.loads(row["body"])["data"] for row in rows]
