"""How patients appear: by the orders' numbers, after the commit, once each, and never by name."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from scriptrun_box.accounts import actions as accounts
from scriptrun_box.kernel import outbox
from scriptrun_box.kernel.db import Reader
from scriptrun_box.kernel.scope import CLI
from scriptrun_box.patients import arrivals, store
from scriptrun_box.patients.arrivals import CONSUMER
from tests.shared_box import LIMITS, client_of, running
from tests.world import World, build_world, header, orders

from .people import listed, number, order, patient

pytestmark = pytest.mark.anyio


async def test_a_number_makes_one_patient_however_often_it_comes(
    app: Starlette, client: httpx.AsyncClient, world: World
) -> None:
    named = number()
    for street in ("1 First St, Miami, FL 33178", "2 Second St, Miami, FL 33178"):
        one = await patient(
            app, client, world.live, external_patient_id=named, patient_address=street
        )
    assert one["external_patient_ids"] == [named]
    assert (one["name"], one["address"], one["phone"]) == (
        "Maria Rodriguez",
        "2 Second St, Miami, FL 33178",
        "+13055551234",
    )
    assert (one["leave_at_door"], one["messages_consent"]) == (False, None)
    assert one["may_receive"] == [] and one["instructions"] is None and one["test"] is False


async def test_the_same_name_is_not_the_same_patient_and_no_number_is_none(
    app: Starlette, client: httpx.AsyncClient, world: World
) -> None:
    twins = [await patient(app, client, world.live, patient_name="Twin Name") for _ in range(2)]
    assert twins[0]["id"] != twins[1]["id"]
    await order(client, world.live, patient_name="Twin Name")
    await app.state.arrivals.catch_up()
    assert len(await listed(client, world.live, q="twin name")) == 2


async def test_the_sandbox_and_the_strangers_have_the_same_number_for_themselves(
    app: Starlette, client: httpx.AsyncClient, world: World
) -> None:
    named = number()
    keys = (world.live, world.sandbox, world.stranger)
    found = [await patient(app, client, key, external_patient_id=named) for key in keys]
    assert len({each["id"] for each in found}) == 3
    assert [each["test"] for each in found] == [False, True, False]


async def test_a_signal_is_enough_and_nobody_has_to_ask(
    client: httpx.AsyncClient, world: World
) -> None:
    named = number()
    await order(client, world.live, external_patient_id=named)
    async with asyncio.timeout(5):
        while not await listed(client, world.live, external_patient_id=named):
            await asyncio.sleep(0.02)


async def test_a_number_that_is_corrected_has_its_patient_at_once(
    app: Starlette, client: httpx.AsyncClient, world: World
) -> None:
    wrong, right = number(), number()
    first = await patient(app, client, world.live, external_patient_id=wrong)
    package_id = await order(client, world.live, external_patient_id=wrong, patient_name="New One")
    await app.state.arrivals.catch_up()
    changed = await client.patch(
        f"/api/packages/{package_id}",
        json={"external_patient_id": right},
        headers=header(world.live),
    )
    assert changed.status_code == 200
    (other,) = await listed(client, world.live, external_patient_id=right)
    assert other["id"] != first["id"] and other["name"] == "New One"


async def test_clients_of_a_dispatcher_have_numbers_of_their_own(
    app: Starlette, client: httpx.AsyncClient, world: World
) -> None:
    db = world.db
    made = await db.write(
        lambda w: accounts.create_tenant(
            w, CLI, name="Fast Wheels", kind="dispatch", plan="enterprise", time_zone="UTC"
        )
    )
    tenant_id = made.tenant.id
    second = await db.write(
        lambda w: accounts.add_location(
            w, tenant_id, CLI, name="Client two", address="", time_zone="UTC"
        )
    )
    places = (made.location.id, second.id)
    whole = await db.write(lambda w: accounts.create_key(w, tenant_id, CLI, name="all"))
    bound = [
        await db.write(
            lambda w, place=place: accounts.create_key(
                w, tenant_id, CLI, name="one", location_id=place
            )
        )
        for place in places
    ]
    for place, name in zip(places, ("Ann One", "Bo Two"), strict=True):
        await order(client, whole, pharmacy_id=place, external_patient_id="1001", patient_name=name)
    await app.state.arrivals.catch_up()
    both = await listed(client, whole, external_patient_id="1001")
    assert {(each["pharmacy_id"], each["name"]) for each in both} == {
        (places[0], "Ann One"),
        (places[1], "Bo Two"),
    }
    assert [each["name"] for each in await listed(client, whole, q="bo two")] == ["Bo Two"]
    for key, name in zip(bound, ("Ann One", "Bo Two"), strict=True):
        assert [each["name"] for each in await listed(client, key)] == [name]
    theirs = next(each["id"] for each in both if each["name"] == "Bo Two")
    answer = await client.get(f"/api/patients/{theirs}", headers=header(bound[0]))
    assert answer.status_code == 404
    merging = await client.post(
        f"/api/patients/{both[0]['id']}/merge",
        json={"patient_id": both[1]["id"]},
        headers=header(whole),
    )
    assert merging.json()["details"][0]["code"] == "not_allowed", "two clients' people stay two"


async def test_in_a_pharmacys_account_a_key_of_one_location_sees_no_patients(
    app: Starlette, client: httpx.AsyncClient, world: World
) -> None:
    bound = await world.key(location_id=world.pharmacy.location.id)
    known = await patient(app, client, world.live)
    assert await listed(client, bound) == []
    answer = await client.get(f"/api/patients/{known['id']}", headers=header(bound))
    assert answer.status_code == 404


async def test_known_patients_cost_the_writer_nothing(
    app: Starlette, client: httpx.AsyncClient, world: World
) -> None:
    named = number()
    await patient(app, client, world.live, external_patient_id=named)
    await order(client, world.live, external_patient_id=named)
    before = world.db.commits
    await app.state.arrivals.catch_up()
    assert world.db.commits == before


async def test_what_was_not_read_before_a_stop_is_read_at_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "data"
    many: list[dict[str, Any]] = [
        {"external_patient_id": f"N{place}", "barcode": f"C{place}"} for place in range(20)
    ]
    with monkeypatch.context() as patched:
        patched.setattr(arrivals.Arrivals, "_round", _asleep)
        async with running(folder, limits=LIMITS) as app, client_of(app) as client:
            world = await build_world(app.state.box.db)
            await client.post("/api/webhook/orders", json=orders(*many), headers=header(world.live))
            assert await listed(client, world.live) == []
    monkeypatch.setattr(arrivals, "PACKAGES_A_ROUND", 3)
    async with running(folder, limits=LIMITS) as app, client_of(app) as client:
        await app.state.arrivals.catch_up()
        found = await listed(client, world.live)
        assert sorted(each["external_patient_ids"] for each in found) == sorted(
            [f"N{place}"] for place in range(20)
        )
        assert await app.state.box.db.read(_cursor) == 20


async def _asleep(_: Any) -> bool:
    return False


def _cursor(r: Reader) -> int:
    assert store.newest_package(r) == 20
    return outbox.cursor(r, CONSUMER)
