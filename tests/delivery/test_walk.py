"""POST /api/test/packages/{id}/…: the sandbox's walk to the door and the events it fires."""

import json
from typing import Any

import httpx
import pytest

from scriptrun_box.kernel import outbox
from scriptrun_box.packages.lifecycle import FAILURE_REASONS
from tests.pushing import get, push, walk
from tests.world import World, header

pytestmark = pytest.mark.anyio
V1_COMPLETED = [
    "package_id",
    "external_patient_id",
    "rx_number",
    "driver_id",
    "delivered_at",
    "proof",
    "copay_collected",
    "copay_method",
]
STEPS = ["assign", "start", "deliver", "fail", "return"]
PATIENT = ["Maria", "Rodriguez", "123 Main", "+13055551234", "Metformin", "Ring twice"]


async def new(client: httpx.AsyncClient, world: World, barcode: str, **fields: Any) -> str:
    """A sandbox package with everything an event must not tell."""
    order = {"medications": ["Metformin"], "notes": "Ring twice", "barcode": barcode, **fields}
    return (await push(client, world.sandbox, order))[0]


async def events(world: World, since: int) -> list[dict[str, Any]]:
    """The bodies of the events behind a place."""
    found = await world.db.read(outbox.after, since, 100)
    assert all(event.test for event in found)
    return [json.loads(event.body or b"") for event in found]


async def test_a_delivery_is_told_with_the_published_keys_in_their_order(
    client: httpx.AsyncClient, world: World
) -> None:
    package_id = await new(client, world, "done", external_patient_id="PMS-9081")
    since = await world.db.read(outbox.last_seq)
    shape = await walk(client, world.sandbox, package_id, "assign", "start", "deliver")
    (event,) = await events(world, since)
    assert list(event) == ["id", "event", "created_at", "data", "test"]
    assert event["event"] == "delivery.completed"
    assert event["test"] is True
    data = event["data"]
    assert list(data) == V1_COMPLETED
    assert list(data["proof"]) == ["photo_url", "signature_url", "lat", "lng"]
    assert data["package_id"] == package_id
    assert data["external_patient_id"] == "PMS-9081"
    assert data["rx_number"] == "RX-8872341"
    assert data["driver_id"].startswith("drv_")
    assert data["delivered_at"] == shape["delivered_at"]
    assert (data["copay_collected"], data["copay_method"]) == (12.5, "card")
    assert not [word for word in PATIENT if word in json.dumps(event)]
    assert shape["status"] == "delivered"
    assert shape["copay"] == {"due": 12.5, "collected": 12.5, "method": "card"}
    assert set(shape["proof"]) == {"photo_url", "signature_url", "lat", "lng"}


@pytest.mark.parametrize("copay", [None, 0])
async def test_without_a_copay_its_keys_are_there_and_null(
    client: httpx.AsyncClient, world: World, copay: int | None
) -> None:
    package_id = await new(client, world, f"free {copay}", copay_amount=copay)
    since = await world.db.read(outbox.last_seq)
    await walk(client, world.sandbox, package_id, "assign", "start", "deliver")
    data = (await events(world, since))[0]["data"]
    assert list(data) == V1_COMPLETED
    assert (data["copay_collected"], data["copay_method"]) == (None, None)


@pytest.mark.parametrize("reason", [None, *FAILURE_REASONS])
async def test_a_failure_is_told_with_its_reason(
    client: httpx.AsyncClient, world: World, reason: str | None
) -> None:
    package_id = await new(client, world, f"failed {reason}")
    await walk(client, world.sandbox, package_id, "assign", "start")
    since = await world.db.read(outbox.last_seq)
    path = f"/api/test/packages/{package_id}/fail"
    body = {} if reason is None else {"json": {"reason": reason}}
    answer = await client.post(path, headers=header(world.sandbox), **body)  # type: ignore[arg-type]
    shape = answer.json()
    (event,) = await events(world, since)
    assert event["event"] == "delivery.failed"
    assert event["test"] is True
    assert list(event["data"]) == [
        "package_id",
        "external_patient_id",
        "rx_number",
        "driver_id",
        "failed_at",
        "reason",
        "attempt",
        "proof",
    ]
    assert list(event["data"]["proof"]) == ["photo_url", "lat", "lng"]
    assert event["data"]["reason"] == (reason or "no_answer")
    assert event["data"]["attempt"] == 1
    assert not [word for word in PATIENT if word in json.dumps(event)]
    assert shape["failure"] == {"reason": reason or "no_answer", "note": None}
    assert shape["status"] == "failed"
    assert shape["delivered_at"] is None


async def test_a_failure_needs_one_of_the_reasons(client: httpx.AsyncClient, world: World) -> None:
    package_id = await new(client, world, "reasons")
    await walk(client, world.sandbox, package_id, "assign", "start")
    path = f"/api/test/packages/{package_id}/fail"
    for body in ({"reason": "rain"}, {"reason": 1}, {"why": "no_id"}, []):
        answer = await client.post(path, json=body, headers=header(world.sandbox))
        assert answer.status_code == 400
    assert (await walk(client, world.sandbox, package_id, "fail"))["status"] == "failed"


async def test_the_gates_are_opened_on_the_way_and_written_down(
    client: httpx.AsyncClient, world: World
) -> None:
    package_id = await new(client, world, "gates", cold_chain=True, dea_schedule="II")
    shape = await walk(client, world.sandbox, package_id, "assign", "start", "deliver")
    assert shape["status"] == "delivered"
    timeline = (await get(client, world.sandbox, f"packages/{package_id}/timeline")).json()["data"]
    assert [each["act"] for each in timeline] == ["create", "assign", "gates", "start", "deliver"]
    assert timeline[2]["detail"] == {"facts": ["packed_at", "released_at", "handed_over_at"]}


async def test_a_failed_package_comes_back(client: httpx.AsyncClient, world: World) -> None:
    package_id = await new(client, world, "back")
    since = await world.db.read(outbox.last_seq)
    shape = await walk(client, world.sandbox, package_id, "assign", "start", "fail", "return")
    assert shape["status"] == "returned"
    assert [each["event"] for each in await events(world, since)] == ["delivery.failed"]


@pytest.mark.parametrize("step", STEPS)
async def test_a_live_key_walks_nothing(client: httpx.AsyncClient, world: World, step: str) -> None:
    (package_id,) = await push(client, world.live, {"barcode": step})
    before = await world.db.read(outbox.last_seq)
    path = f"/api/test/packages/{package_id}/{step}"
    answer = await client.post(path, headers=header(world.live))
    assert (answer.status_code, answer.json()["code"]) == (403, "sandbox_only")
    assert (await get(client, world.live, f"packages/{package_id}")).json()["status"] == "created"
    assert await world.db.read(outbox.last_seq) == before


@pytest.mark.parametrize(
    ("before", "step"),
    [
        ((), "start"),
        ((), "deliver"),
        ((), "fail"),
        (("assign",), "deliver"),
        (("assign", "start"), "assign"),
        (("assign", "start", "deliver"), "deliver"),
        (("assign", "start", "deliver"), "return"),
        (("cancel",), "assign"),
    ],
)
async def test_a_step_out_of_turn_is_a_conflict_and_fires_nothing(
    client: httpx.AsyncClient, world: World, before: tuple[str, ...], step: str
) -> None:
    package_id = await new(client, world, f"turn {before} {step}"[:60])
    await walk(client, world.sandbox, package_id, *before)
    since = await world.db.read(outbox.last_seq)
    path = f"/api/test/packages/{package_id}/{step}"
    answer = await client.post(path, headers=header(world.sandbox))
    assert (answer.status_code, answer.json()["code"]) == (409, f"{step}_not_allowed")
    assert len(answer.json()["details"]) == 1
    assert await world.db.read(outbox.last_seq) == since


async def test_a_tenants_made_up_driver_is_always_the_same_and_nobody_elses(
    client: httpx.AsyncClient, world: World
) -> None:
    drivers = []
    for key in (world.sandbox, world.sandbox, world.stranger_sandbox):
        (package_id,) = await push(client, key, {"barcode": f"driver {len(drivers)}"})
        drivers.append((await walk(client, key, package_id, "assign"))["driver_id"])
    assert drivers[0] == drivers[1] != drivers[2]
