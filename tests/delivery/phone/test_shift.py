"""What a phone is shown: its driver's packages and nothing that a driver may not know."""

import json

import httpx
import pytest
from starlette.applications import Starlette

from scriptrun_box.app import _write_behind
from scriptrun_box.delivery.phone.bundle import hashed
from scriptrun_box.kernel import audit
from tests.world import World, header

from .handset import planned, under_way

pytestmark = pytest.mark.anyio
HIDDEN = {
    "rx_number": "RX-ZZHIDDEN1",
    "medications": ["Zzhiddenvastatin 9 mg"],
    "external_patient_id": "PMS-ZZHIDDEN",
    "barcode": "ZZHIDDENBARCODE",
    "fill_number": "ZZHIDDENFILL",
    "controlled_substance": True,
    "dea_schedule": "II",
    "cold_chain": True,
    "copay_amount": 12.5,
    "notes": "Ring twice",
}
SECRETS = ("zzhidden", "controlled", "schedule", "rx_number", "medication", "dea", "external")


async def test_nothing_a_driver_may_not_know_is_on_any_path_of_the_phone(
    client: httpx.AsyncClient, world: World
) -> None:
    out = await planned(client, world, HIDDEN)
    phone, (package_id,) = out.phone, out.package_ids
    said = [await phone.ask("GET", "/phone/shift")]
    acts = [
        phone.act("load", package_ids=[package_id]),
        phone.act("start", route_id=out.route_id),
        phone.delivery(package_id),
        phone.act("fail", package_ids=[package_id], reason="no_id"),
        phone.act("note", package_id=package_id, text="Hm"),
        phone.act("finish", route_id=out.route_id),
    ]
    body = {"acts": acts, "sent_at": phone.now}
    said.append(await phone.ask("POST", "/phone/acts", json=body))
    said.append(await phone.ask("POST", "/phone/here"))
    said.append(await phone.ask("PUT", f"/phone/pictures/{acts[2]['id']}/photo", content=b"x"))
    for path in ("/phone", "/phone/help", "/phone/sw.js", "/phone/manifest.webmanifest"):
        said.append(await phone.ask("GET", path))
    for answer in said:
        # The worker's file names the app's modules, no package.
        told = answer.text.lower() + json.dumps(dict(answer.headers)).lower()
        found = [word for word in SECRETS if word in told]
        assert found == [], answer.request.url
    assert "Ring twice" in said[0].text


async def test_the_shift_has_exactly_these_words_of_a_package(
    client: httpx.AsyncClient, world: World
) -> None:
    out = await planned(client, world, {**HIDDEN, "patient_name": "Somebody else"})
    told = await out.phone.shift()
    shown = told["packages"][out.package_ids[0]]
    assert set(shown) == {
        "id", "status", "name", "address", "phone", "notes", "priority", "sign", "fridge",
        "cold_until", "check_id", "collect_cents", "recalled", "gate", "in_car", "scans",
        "instructions", "may_receive", "leave_at_door",
    }  # fmt: skip
    assert shown["scans"] == [hashed(bytes.fromhex(told["scan_key"]), HIDDEN["barcode"])]  # type: ignore[arg-type]
    assert shown["gate"] == "Not packed in its cold bag yet"
    again = await out.phone.shift()
    assert again["scan_key"] != told["scan_key"], "a key serves one answer"


async def test_a_phone_shows_nobody_elses_packages(client: httpx.AsyncClient, world: World) -> None:
    mine, theirs = await planned(client, world, {}), await under_way(client, world, {})
    told = await mine.phone.shift()
    assert list(told["packages"]) == mine.package_ids
    assert [each["id"] for each in told["routes"]] == [mine.route_id]
    assert theirs.package_ids[0] not in json.dumps(told)


async def test_what_is_known_of_the_patient_stands_beside_the_package(
    app: Starlette, client: httpx.AsyncClient, world: World
) -> None:
    number = {"external_patient_id": "PMS-STANDING", "copay_amount": None}
    plain = {**number, "requires_signature": False}
    out = await planned(client, world, {**number, "requires_signature": True}, plain)
    await app.state.arrivals.catch_up()
    patient_id = (
        await client.get(
            "/api/patients?external_patient_id=PMS-STANDING", headers=header(world.live)
        )
    ).json()["data"][0]["id"]
    change = {"instructions": "Side door", "may_receive": ["Ana"], "leave_at_door": True}
    await client.patch(f"/api/patients/{patient_id}", json=change, headers=header(world.live))
    told = (await out.phone.shift())["packages"]
    assert [told[each]["instructions"] for each in out.package_ids] == ["Side door"] * 2
    assert [told[each]["may_receive"] for each in out.package_ids] == [["Ana"]] * 2
    assert [told[each]["leave_at_door"] for each in out.package_ids] == [False, True]


async def test_looking_every_minute_is_one_line_of_the_audit(
    app: Starlette, client: httpx.AsyncClient, world: World
) -> None:
    out = await planned(client, world, {})
    for _ in range(3):
        await out.phone.shift()
    await _write_behind(app)
    rows = await world.db.read(lambda r: [(row["act"], row["actor"]) for row in audit.rows(r)])
    assert rows.count(("packages.on_phone", f"driver:{out.driver_id}")) == 1
