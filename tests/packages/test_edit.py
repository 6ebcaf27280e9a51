"""PATCH /api/packages/{id}: what may be changed, until when, and by the rules of a push."""

import json
from typing import Any

import httpx
import pytest

from tests.pushing import get, push, walk
from tests.world import World, header

pytestmark = pytest.mark.anyio
STEPS = {
    "created": (),
    "assigned": ("assign",),
    "out_for_delivery": ("assign", "start"),
    "delivered": ("assign", "start", "deliver"),
    "failed": ("assign", "start", "fail"),
    "returned": ("assign", "start", "fail", "return"),
    "cancelled": ("cancel",),
}
PATCHES: list[dict[str, Any]] = [
    {"patient_name": "Another Name"},
    {"patient_address": "9 Elm St, Miami, FL 33101"},
    {"patient_phone": "+13055550000"},
    {"rx_number": "RX-9"},
    {"medications": ["Lisinopril"]},
    {"copay_amount": 0.29},
    {"priority": "stat"},
    {"requires_signature": False},
    {"cold_chain": True},
    {"external_patient_id": "PMS-1"},
    {"notes": "Ring twice"},
    {"barcode": "0099"},
    {"fill_number": "3"},
    {"fill_date": "2026-01-02"},
    {"deliver_after": "10:00", "deliver_by": "12:00"},
    {"patient_phone": None},
]


async def patch(
    client: httpx.AsyncClient, world: World, package_id: str, body: Any
) -> httpx.Response:
    """PATCH as our sandbox."""
    path = f"/api/packages/{package_id}"
    return await client.patch(path, json=body, headers=header(world.sandbox))


async def one(client: httpx.AsyncClient, world: World, *steps: str, **fields: Any) -> str:
    """A sandbox package that was taken some steps on."""
    (package_id,) = await push(client, world.sandbox, {"barcode": "edit", **fields})
    await walk(client, world.sandbox, package_id, *steps)
    return package_id


@pytest.mark.parametrize("body", PATCHES, ids=str)
@pytest.mark.parametrize("status", ["created", "assigned"])
async def test_every_field_may_be_changed_until_the_package_leaves(
    client: httpx.AsyncClient, world: World, status: str, body: dict[str, Any]
) -> None:
    fresh = {"barcode": f"{status}{body}"[:100]}
    package_id = await one(client, world, *STEPS[status], **fresh)
    before = (await get(client, world.sandbox, f"packages/{package_id}")).json()
    answer = await patch(client, world, package_id, body)
    assert answer.status_code == 200, answer.text
    shape = answer.json()
    assert shape.pop("warnings") == []
    changed = {name: shape[name] for name in shape if shape[name] != before[name]}
    changed.pop("updated_at", None)
    if "copay_amount" in body:
        assert changed.pop("copay")["due"] == body["copay_amount"]
    assert changed == body
    assert (await get(client, world.sandbox, f"packages/{package_id}")).json() == shape


@pytest.mark.parametrize("status", STEPS)
async def test_once_out_only_the_note_and_the_phone_and_later_nothing(
    client: httpx.AsyncClient, world: World, status: str
) -> None:
    package_id = await one(client, world, *STEPS[status], barcode=f"late {status}")
    free = status in ("created", "assigned")
    for body, allowed in [
        ({"notes": "Ring"}, free or status == "out_for_delivery"),
        ({"patient_phone": "+13055550000"}, free or status == "out_for_delivery"),
        ({"notes": "Knock", "patient_phone": "+13055550001"}, free or status == "out_for_delivery"),
        ({"patient_name": "Too Late"}, free),
        ({"notes": "Wait", "priority": "stat"}, free),
    ]:
        before = (await get(client, world.sandbox, f"packages/{package_id}")).json()
        answer = await patch(client, world, package_id, body)
        assert answer.status_code == (200 if allowed else 409), (status, body)
        if not allowed:
            assert answer.json()["code"] == "update_not_allowed"
            assert answer.json()["details"] == [{"status": status}]
            after = (await get(client, world.sandbox, f"packages/{package_id}")).json()
            # The links of a proof are made anew for each answer.
            assert after | {"proof": None} == before | {"proof": None}


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ({"patient_name": ""}, "patient_name", "too_short"),
        ({"patient_name": None}, "patient_name", "missing"),
        ({"patient_phone": "call"}, "patient_phone", "bad_format"),
        ({"copay_amount": -1}, "copay_amount", "too_small"),
        ({"priority": 1}, "priority", "not_allowed"),
        ({"delivery_date": "soon"}, "delivery_date", "bad_format"),
        (
            {"pharmacy_id": "7c0f8c1e-5a55-4a39-9d5c-2f6b3b1d0a99"},
            "pharmacy_id",
            "unknown_location",
        ),
        ({"controlled_substance": False, "dea_schedule": "II"}, "dea_schedule", "conflict"),
        ({"notes": "a\u0000"}, "notes", "bad_characters"),
    ],
)
async def test_a_change_keeps_the_rules_of_a_push(
    client: httpx.AsyncClient, world: World, body: dict[str, Any], field: str, code: str
) -> None:
    package_id = await one(client, world, barcode=f"rules {field} {code}")
    before = (await get(client, world.sandbox, f"packages/{package_id}")).json()
    answer = await patch(client, world, package_id, body)
    assert answer.status_code == 400
    assert (field, code) in [(each["field"], each["code"]) for each in answer.json()["details"]]
    assert (await get(client, world.sandbox, f"packages/{package_id}")).json() == before


@pytest.mark.parametrize("body", [[], "x", None, 1])
async def test_a_change_is_an_object(client: httpx.AsyncClient, world: World, body: Any) -> None:
    package_id = await one(client, world, barcode=f"object {body}")
    path = f"/api/packages/{package_id}"
    headers = {**header(world.sandbox), "Content-Type": "application/json"}
    raw = json.dumps(body)
    answer = await client.patch(path, content=raw, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "not_an_object")


async def test_what_is_not_an_orders_field_is_only_warned_of(
    client: httpx.AsyncClient, world: World
) -> None:
    package_id = await one(client, world, barcode="columns")
    answer = await patch(client, world, package_id, {"status": "delivered", "test": False})
    assert answer.status_code == 200
    assert (answer.json()["status"], answer.json()["test"]) == ("created", True)
    assert [(each["field"], each["code"]) for each in answer.json()["warnings"]] == [
        ("status", "unknown_field"),
        ("test", "unknown_field"),
    ]


async def test_a_change_that_makes_the_notes_tell_the_treatment_is_warned_of(
    client: httpx.AsyncClient, world: World
) -> None:
    package_id = await one(client, world, barcode="withheld", notes="give her the lisinopril")
    answer = await patch(client, world, package_id, {"medications": ["Lisinopril 10 mg"]})
    assert [each["code"] for each in answer.json()["warnings"]] == ["notes_withheld"]


async def test_a_package_becomes_controlled_and_stops_being_it(
    client: httpx.AsyncClient, world: World
) -> None:
    package_id = await one(client, world, barcode="control", requires_signature=False)
    answer = await patch(client, world, package_id, {"dea_schedule": "II"})
    shape = answer.json()
    assert (shape["controlled_substance"], shape["requires_signature"]) == (True, True)
    assert [each["code"] for each in shape["warnings"]] == ["controlled_substance_inferred"]
    answer = await patch(client, world, package_id, {"controlled_substance": False})
    assert answer.json()["details"][0]["code"] == "conflict"
    off = {"controlled_substance": False, "dea_schedule": None}
    assert (await patch(client, world, package_id, off)).json()["controlled_substance"] is False


async def test_nothing_to_change_leaves_no_line_in_the_timeline(
    client: httpx.AsyncClient, world: World
) -> None:
    package_id = await one(client, world, barcode="same")
    shape = (await get(client, world.sandbox, f"packages/{package_id}")).json()
    same = {"patient_name": shape["patient_name"], "copay_amount": shape["copay_amount"]}
    for body in ({}, same):
        assert (await patch(client, world, package_id, body)).status_code == 200
    timeline = await get(client, world.sandbox, f"packages/{package_id}/timeline")
    assert len(timeline.json()["data"]) == 1
    unchanged = (await get(client, world.sandbox, f"packages/{package_id}")).json()
    assert unchanged == shape
