"""POST /api/webhook/orders, as the published docs tell it."""

import json
from typing import Any

import httpx
import pytest

from scriptrun_box.accounts import actions
from scriptrun_box.accounts.model import Location
from scriptrun_box.kernel import clock, outbox
from scriptrun_box.kernel.scope import CLI
from tests.world import World, header, orders

pytestmark = pytest.mark.anyio
URL = "/api/webhook/orders"
TODAY = clock.local_date(clock.now_ms(), "America/New_York")
V1_CURL = """{ "orders": [{ "patient_name": "Maria Rodriguez",
  "patient_address": "123 Main St, Miami, FL 33178", "patient_phone": "+13055551234",
  "rx_number": "RX-8872341", "copay_amount": 12.50, "priority": "routine",
  "requires_signature": true }] }"""


async def push(
    client: httpx.AsyncClient, key: actions.NewKey, *changes: dict[str, Any]
) -> dict[str, Any]:
    """The answer to a push that is taken."""
    answer = await client.post(URL, json=orders(*changes), headers=header(key))
    assert answer.status_code == 200, answer.text
    shape: dict[str, Any] = answer.json()
    return shape


async def package(client: httpx.AsyncClient, key: actions.NewKey, package_id: str) -> Any:
    """A package as the key sees it."""
    answer = await client.get(f"/api/packages/{package_id}", headers=header(key))
    return answer.json() if answer.status_code == 200 else answer.status_code


async def branch(world: World, time_zone: str = "America/Los_Angeles") -> Location:
    """Another location of Corner Drug."""
    return await world.db.write(
        lambda w: actions.add_location(
            w, world.pharmacy.tenant.id, CLI, name="West", address="", time_zone=time_zone
        )
    )


async def test_the_published_curl_is_answered_with_exactly_the_published_keys(
    client: httpx.AsyncClient, world: World
) -> None:
    headers = {**header(world.live), "Content-Type": "application/json"}
    answer = await client.post(URL, content=V1_CURL, headers=headers)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    shape = answer.json()
    assert list(shape) == ["created", "package_ids", "warnings"]
    assert shape["created"] == 1
    assert shape["warnings"] == []
    assert len(shape["package_ids"][0]) == 32
    stored = await package(client, world.live, shape["package_ids"][0])
    for name, value in json.loads(V1_CURL)["orders"][0].items():
        assert stored[name] == value


async def test_an_order_with_every_field_comes_back_with_every_field(
    client: httpx.AsyncClient, world: World
) -> None:
    order = {
        "patient_name": "Nguyễn Văn A",
        "patient_address": "450 Collins Ave, Miami Beach, FL 33139",
        "patient_phone": "+13055559876",
        "rx_number": "RX-1",
        "medications": ["Metformin 500 mg", "Lisinopril"],
        "copay_amount": 0.29,
        "priority": "stat",
        "delivery_date": TODAY,
        "requires_signature": True,
        "cold_chain": True,
        "controlled_substance": True,
        "dea_schedule": "II",
        "external_patient_id": "PMS-9081",
        "pharmacy_id": world.pharmacy.location.id,
        "notes": "Ring twice\nthen wait",
        "barcode": "0012345",
        "fill_number": "2",
        "fill_date": "2026-04-01",
        "deliver_after": "09:30",
        "deliver_by": "17:00",
    }
    answer = await client.post(URL, json={"orders": [order]}, headers=header(world.live))
    assert answer.json()["warnings"] == []
    stored = await package(client, world.live, answer.json()["package_ids"][0])
    assert {name: stored[name] for name in order} == order
    assert stored["copay"] == {"due": 0.29, "collected": None, "method": None}
    assert (stored["status"], stored["source"], stored["test"]) == ("created", "api", False)


async def test_the_good_orders_of_a_batch_are_stored_and_the_others_told_by_position(
    client: httpx.AsyncClient, world: World
) -> None:
    shape = await push(
        client,
        world.live,
        {"rx_number": "P-0", "colour": "red"},
        {"patient_name": ""},
        {"rx_number": "P-2"},
        {"patient_phone": "call", "priority": "soon"},
    )
    assert list(shape) == ["created", "package_ids", "warnings", "errors"]
    assert shape["created"] == 2
    seen = [await package(client, world.live, each) for each in shape["package_ids"]]
    assert [each["rx_number"] for each in seen] == ["P-0", "P-2"]
    assert [(error["index"], len(error["details"])) for error in shape["errors"]] == [
        (1, 1),
        (3, 1),
    ]
    assert set(shape["errors"][0]) == {"index", "details"}
    assert shape["errors"][0]["details"] == [
        {"field": "patient_name", "code": "too_short", "message": "patient_name must not be empty."}
    ]
    assert shape["warnings"] == [
        {
            "index": 0,
            "field": "colour",
            "code": "unknown_field",
            "message": "This field is not known and was ignored.",
        }
    ]


async def test_when_no_order_is_good_it_is_a_400_with_every_problem_in_one_list(
    client: httpx.AsyncClient, world: World
) -> None:
    answer = await client.post(
        URL,
        json=orders({"patient_name": None}, {"patient_phone": "x"}, {"priority": 1, "notes": []}),
        headers=header(world.live),
    )
    assert answer.status_code == 400
    shape = answer.json()
    assert shape["code"] == "validation_failed"
    assert [(item["index"], item["field"], item["code"]) for item in shape["details"]] == [
        (0, "patient_name", "missing"),
        (1, "patient_phone", "bad_format"),
        (2, "priority", "not_allowed"),
        (2, "notes", "wrong_type"),
    ]
    assert all(set(item) == {"index", "field", "code", "message"} for item in shape["details"])


async def test_every_package_is_told_once_in_its_event(
    client: httpx.AsyncClient, world: World
) -> None:
    start = await world.db.read(outbox.last_seq)
    shape = await push(
        client,
        world.live,
        {"rx_number": "E-1", "external_patient_id": "PMS-1", "barcode": "0012"},
        {"patient_name": ""},
        {"rx_number": None, "priority": "urgent"},
    )
    events = [
        json.loads(event.body or b"") for event in await world.db.read(outbox.after, start, 9)
    ]
    assert [event["data"]["package_id"] for event in events] == shape["package_ids"]
    stored = await package(client, world.live, shape["package_ids"][0])
    assert list(events[0]) == ["id", "event", "created_at", "data"]
    assert events[0]["event"] == "package.created"
    assert events[0]["created_at"] == stored["created_at"]
    assert events[0]["data"] == {
        "package_id": shape["package_ids"][0],
        "external_patient_id": "PMS-1",
        "rx_number": "E-1",
        "barcode": "0012",
        "pharmacy_id": world.pharmacy.location.id,
        "source": "api",
        "status": "created",
        "priority": "routine",
        "delivery_date": stored["delivery_date"],
    }
    assert events[1]["data"]["rx_number"] is None


async def test_the_sandbox_is_another_world_with_the_same_rules(
    client: httpx.AsyncClient, world: World
) -> None:
    start = await world.db.read(outbox.last_seq)
    shape = await push(client, world.sandbox, {"rx_number": "S-1"})
    (package_id,) = shape["package_ids"]
    assert (await package(client, world.sandbox, package_id))["test"] is True
    assert await package(client, world.live, package_id) == 404
    (event,) = await world.db.read(outbox.after, start, 9)
    assert event.test
    body = json.loads(event.body or b"")
    assert list(body) == ["id", "event", "created_at", "data", "test"]
    assert body["test"] is True
    again = await push(client, world.live, {"rx_number": "S-1"})
    assert again["warnings"] == []  # the sandbox's order is no duplicate of a live one


async def test_an_order_goes_to_the_location_it_names_and_to_none_of_others(
    client: httpx.AsyncClient, world: World
) -> None:
    west = await branch(world)
    shape = await push(
        client,
        world.live,
        {"rx_number": "L-1", "pharmacy_id": west.id},
        {"rx_number": "L-2", "pharmacy_id": world.elsewhere.location.id},
        {"rx_number": "L-3"},
    )
    assert [each["details"][0]["code"] for each in shape["errors"]] == ["unknown_location"]
    seen = [await package(client, world.live, each) for each in shape["package_ids"]]
    home = world.pharmacy.location.id
    assert [each["pharmacy_id"] for each in seen] == [west.id, home]


async def test_a_key_of_one_location_sends_for_that_one_and_sees_that_one(
    client: httpx.AsyncClient, world: World
) -> None:
    west = await branch(world)
    bound = await world.key(location_id=west.id)
    shape = await push(
        client,
        bound,
        {"rx_number": "B-1"},
        {"rx_number": "B-2", "pharmacy_id": world.pharmacy.location.id},
    )
    assert shape["created"] == 1
    assert shape["errors"][0]["details"][0]["code"] == "unknown_location"
    own = await package(client, bound, shape["package_ids"][0])
    assert own["pharmacy_id"] == west.id
    (at_home,) = (await push(client, world.live, {"rx_number": "B-3"}))["package_ids"]
    assert await package(client, bound, at_home) == 404
    listed = (await client.get("/api/packages", headers=header(bound))).json()["data"]
    assert [each["id"] for each in listed] == shape["package_ids"]


async def test_a_key_of_one_location_learns_nothing_of_orders_at_another(
    client: httpx.AsyncClient, world: World
) -> None:
    """Of a dispatcher's clients none hears that another has the same patient."""
    west = await branch(world)
    bound = await world.key(location_id=west.id)
    await push(client, world.live, {"rx_number": "X-1"})
    assert (await push(client, bound, {"rx_number": "X-1"}))["warnings"] == []
    assert (await push(client, bound, {"rx_number": "X-1"}))["warnings"] != []
