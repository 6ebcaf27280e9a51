"""An erasure reaches every slice: stops of routes that are over, and what was learned of a door."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from scriptrun_box.drivers import notes
from scriptrun_box.geocoding import actions as places
from scriptrun_box.geocoding.reading import read
from scriptrun_box.kernel.db import Database, Reader
from scriptrun_box.kernel.scope import CLI
from scriptrun_box.packages.doors import Addressed
from tests.ui.conftest import Push, Visit
from tests.world import World, header

pytestmark = pytest.mark.anyio
HOME = "77 Whisperwood Ter, Miami, FL 33178"
SHARED = "12 Gumbolimbo Ave Apt 4, Miami, FL 33178"


def traces(r: Reader, word: str) -> list[str]:
    """The tables of the file that hold a word, in any spelling."""
    tables = [
        row["name"]
        for row in r.all(
            "SELECT name FROM sqlite_master WHERE type = 'table'"
            " AND sql NOT LIKE 'CREATE VIRTUAL%' AND name NOT LIKE 'package_search%'"
        )
    ]
    return [
        name
        for name in tables
        if any(word in str(tuple(row)).lower() for row in r.all(f"SELECT * FROM {name}"))
    ]


def bytes_of(db: Database) -> bytes:
    log = Path(f"{db.path}-wal")
    return (db.path.read_bytes() + (log.read_bytes() if log.exists() else b"")).lower()


async def delivered(
    client: httpx.AsyncClient, world: World, push: Push, address: str, number: str
) -> str:
    """A sandbox package that was placed, driven on a route and delivered."""
    order = {"patient_address": address, "external_patient_id": number, "barcode": number}
    (package_id,) = await push({**order, "rx_number": f"RX-{number}"}, key=world.sandbox)
    found = [(Addressed(0, package_id, world.sandbox_scope, address), read(address))]
    await world.db.write(places.take_in, found, None, False)
    driver = await post(client, world, "drivers", {"name": "Luis Ortega"})
    wish = {"driver_id": driver["id"], "package_ids": [package_id]}
    route = await post(client, world, "routes", wish)
    await post(client, world, f"routes/{route['id']}/start", {})
    await world.db.write(
        notes.send, world.sandbox_scope, CLI, driver["id"], package_id, f"Nobody at {address}"
    )
    await post(client, world, f"test/packages/{package_id}/deliver", {})
    return package_id


async def post(client: httpx.AsyncClient, world: World, path: str, body: Any) -> Any:
    answer = await client.post(f"/api/{path}", json=body, headers=header(world.sandbox))
    assert answer.is_success, answer.text
    return answer.json()


async def test_the_address_goes_from_routes_and_places_too_and_neighbours_stay(
    app: Starlette, client: httpx.AsyncClient, world: World, visit: Visit, push: Push
) -> None:
    await delivered(client, world, push, HOME, "GONE-1")
    await delivered(client, world, push, SHARED, "STAYS-1")
    await app.state.arrivals.catch_up()
    assert set(await world.db.read(traces, "whisperwood")) >= {
        "packages",
        "stops",
        "places",
        "driver_notes",
    }
    kept = await world.db.read(traces, "gumbolimbo")
    answer = await client.get(
        "/api/patients?external_patient_id=GONE-1", headers=header(world.sandbox)
    )
    (one,) = answer.json()["data"]
    owner = await visit("owner")
    await owner.show_sandbox()
    done = await owner.send(f"/patients/{one['id']}/erase", stamp="1", sure="yes")
    assert done.status_code == 303, done.text
    await app.state.erasing.tick()
    assert await world.db.read(traces, "whisperwood") == []
    assert b"whisperwood" not in bytes_of(world.db)
    assert await world.db.read(traces, "gumbolimbo") == kept


async def test_a_door_that_an_open_package_needs_is_still_known(
    app: Starlette, client: httpx.AsyncClient, world: World, visit: Visit, push: Push
) -> None:
    await delivered(client, world, push, HOME, "GONE-1")
    order = {"patient_address": HOME, "patient_name": "The Neighbour", "barcode": "N"}
    (open_one,) = await push({**order, "rx_number": "RX-N"}, key=world.sandbox)
    found = [(Addressed(0, open_one, world.sandbox_scope, HOME), read(HOME))]
    await world.db.write(places.take_in, found, None, False)
    await app.state.arrivals.catch_up()
    answer = await client.get("/api/patients", headers=header(world.sandbox))
    (one,) = answer.json()["data"]
    owner = await visit("owner")
    await owner.show_sandbox()
    await owner.send(f"/patients/{one['id']}/erase", stamp="1", sure="yes")
    assert set(await world.db.read(traces, "whisperwood")) == {"packages", "places"}


async def test_a_cancellation_before_the_erasure_cannot_be_taken_back_after_it(
    app: Starlette, client: httpx.AsyncClient, world: World, visit: Visit, push: Push
) -> None:
    owner = await visit("owner")
    (package_id,) = await push({"external_patient_id": "GONE-1"})
    await app.state.arrivals.catch_up()
    answer = await client.get("/api/patients", headers=header(world.live))
    (one,) = answer.json()["data"]
    path = f"/packages/{package_id}"
    cancelled = await owner.send(f"{path}/cancel", reason="patient_request")
    number = cancelled.headers["location"].partition("undo=")[2]
    assert number
    await owner.send(f"/patients/{one['id']}/erase", stamp="1", sure="yes")
    await owner.send("/undo", undo=number, next=path)
    package = await client.get(f"/api{path}", headers=header(world.live))
    assert package.json()["status"] == "cancelled"
