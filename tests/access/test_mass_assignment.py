"""Fields nobody may set are refused or ignored, wherever a caller sends them."""

from typing import Any

import pytest

from scriptrun_box.kernel.db import Reader
from scriptrun_box.orders.reading import UNKNOWN_FIELDS_SHOWN
from tests.world import ORDER, orders

from .people import Scene, changed
from .table import ROWS, Row

pytestmark = pytest.mark.anyio
SLY: dict[str, Any] = {
    "id": "0" * 32,
    "tenant_id": "ten_sly-and-unasked",
    "status": "delivered",
    "test": True,
    "created_at": 1,
    "updated_at": 1,
    "delivered_at": 1,
    "created_by": "user:sly-and-unasked",
    "source": "manual",
    "driver_id": "drv_sly-and-unasked",
    "location_id": "loc_sly-and-unasked",
    "duplicate_of": "0" * 32,
    "packed_at": 1,
    "released_at": 1,
    "attempts": 99,
    "copay_collected_cents": 9999,
    "plan": "enterprise",
    "overage": True,
    "is_admin": True,
    "price": 0,
    "seq": 1,
    "secret": "whsec_sly-and-unasked",
    "state": "paused_by_user",
    "revoked_at": None,
    "disabled_at": None,
}


COLD = {  # what only these forms do to a package
    "/packages/{id}/pack": {"packed_at", "hold_until"},
    "/packages/{id}/unpack": {"packed_at", "hold_until"},
    "/packages/{id}/disposition": {"quarantined_at"},
}


def row_of(text: str) -> Row:
    (row,) = [row for row in ROWS if str(row) == text]
    return row


def one(r: Reader, table: str, column: str, value: str) -> dict[str, Any]:
    found = r.one(f"SELECT * FROM {table} WHERE {column} = ?", (value,))
    return dict(zip(found.keys(), found, strict=True))


async def test_an_order_with_columns_of_ours_makes_an_ordinary_package(scene: Scene) -> None:
    row = row_of("POST /api/webhook/orders")
    caller = await scene.caller(row, "live key")
    got = await scene.client.post(row.path, json=orders(SLY), headers=caller.headers)
    assert got.status_code == 200
    warned = [each["field"] for each in got.json()["warnings"] if each["code"] == "unknown_field"]
    assert len(warned) == UNKNOWN_FIELDS_SHOWN and set(warned) <= SLY.keys()
    (package_id,) = got.json()["package_ids"]
    assert package_id != SLY["id"]
    stored = await scene.world.db.read(one, "packages", "id", package_id)
    assert stored["tenant_id"] == scene.world.pharmacy.tenant.id
    assert stored["location_id"] == scene.world.pharmacy.location.id
    assert (stored["status"], stored["source"], stored["test"]) == ("created", "api", 0)
    assert stored["created_by"].startswith("key:key_")
    assert stored["created_at"] == stored["updated_at"] > 1_700_000_000_000
    for name in ("driver_id", "delivered_at", "duplicate_of", "packed_at", "released_at"):
        assert stored[name] is None
    assert (stored["attempts"], stored["copay_collected_cents"]) == (0, None)


async def test_an_edit_changes_fields_of_the_order_and_nothing_else(scene: Scene) -> None:
    row = row_of("PATCH /api/packages/{id}")
    caller = await scene.caller(row, "live key")
    subject = await scene.subject("package", caller.scope)
    before = await scene.world.db.read(one, "packages", "id", subject.id)
    got = await scene.client.patch(
        f"/api/packages/{subject.id}", json={**SLY, "notes": "Ring twice"}, headers=caller.headers
    )
    assert got.status_code == 200
    after = await scene.world.db.read(one, "packages", "id", subject.id)
    differing = {name for name in before if before[name] != after[name]}
    assert differing == {"notes", "updated_at"}


@pytest.mark.parametrize(
    "text",
    [
        "POST /api/webhooks",
        "PATCH /api/webhooks/{id}",
        "POST /api/webhooks/{id}/rotate-secret",
        "POST /api/webhooks/{id}/replay",
        "POST /api/packages/{id}/cancel",
        "POST /api/packages/{id}/assign",
        "POST /api/packages/{id}/unassign",
        "POST /api/packages/{id}/return",
        "POST /api/packages/{id}/release",
        "POST /api/packages/{id}/take-back",
        "POST /api/packages/{id}/disposition",
        "POST /api/controlled/hand-over",
        "PATCH /api/patients/{id}",
        "POST /api/patients/{id}/merge",
        "POST /api/patients/{id}/split",
        "POST /api/packages/{id}/recall",
        "POST /api/drivers",
        "PATCH /api/drivers/{id}",
        "POST /api/drivers/{id}/shift",
        "POST /api/drivers/{id}/status",
        "POST /api/addresses/{id}/pin",
        "POST /api/addresses/{id}/accept",
        "POST /api/addresses/{id}/correct",
        "POST /api/addresses/{id}/ask",
        "POST /api/routes",
        "PATCH /api/routes/{id}",
        "POST /api/routes/{id}/packages",
        "POST /api/routes/{id}/take-off",
        "POST /api/routes/{id}/nearest",
        "POST /api/routes/{id}/optimize",
        "POST /api/routes/{id}/start",
        "POST /api/routes/{id}/finish",
        "POST /api/routes/{id}/cancel",
        "POST /api/routes/optimize",
        "POST /api/stops/{id}",
        "POST /api/plans/{id}/commit",
        "POST /api/plans/{id}/cancel",
        "POST /api/test/packages/{id}/fail",
    ],
)
async def test_small_bodies_take_their_own_fields_only(scene: Scene, text: str) -> None:
    row = row_of(text)
    caller = await scene.caller(row, "sandbox key" if row.sandbox else "live key")
    subject = await scene.subject(row.subject, caller.scope)
    before = await scene.everything()
    for name, value in SLY.items():
        send = {**row.send, name: value}
        sly = Row(row.method, row.path, row.who, send=send, scope=row.scope)
        answer = await scene.call(sly, caller, subject)
        assert (answer.status, answer.code) == (400, "validation_failed"), name
        assert "sly-and-unasked" not in answer.body
    assert changed(before, await scene.everything()) == []


FORMS = [row for row in ROWS if row.changes and row.usual == "owner" and row.subject != "link"]
OWN_FIELDS = {"/settings/integrations/keys": {"test", "location_id"}, "/sandbox": {"test"}}
KEPT = {  # what a form of each kind may make or change
    "packages": {"notes", "status", "updated_at", "driver_id", "duplicate_of", "copay_cents"}
    | {"requires_signature", "failure_reason", "recalled_at", "route_id", "stop_id"}
    | {"attempts", "delivered_at"}  # what happened at a door, told by hand
    | {"released_at"}
    # An erasure overwrites these, and with nothing that was sent:
    | {"patient_name", "patient_address", "patient_phone", "name_key", "external_patient_id"}
    | {"medications", "notes_withheld", "barcode", "address_incomplete"},
    "webhook_endpoints": {"url", "events", "state", "paused_at", "deleted_at", "secret"}
    | {"next_secret", "rotation_ends_at"},
    "drivers": {"name", "phone", "employment", "vehicle", "capacity", "capabilities", "found_by"}
    | {"location_id", "shift_started_at", "online", "status_changed_at", "left_at", "version"}
    | {"updated_at", "route_id"},
    "routes": {"date", "status", "driver_id", "ends_at_start", "leaves_at", "breaks", "meters"}
    | {"started_at", "finished_at", "pace", "version", "updated_at", "updated_by", "hand_overs"},
    "patients": {
        "number",
        "erased_at",
        "merged_into",
        "instructions",
        "receivers",
        "leave_at_door",
        "language",
    }
    | {"messages", "messages_at", "messages_by", "notes", "version", "updated_at"},
    "users": {"role", "password", "disabled_at", "failures", "last_sign_in_at"},
    "api_keys": {"revoked_at", "revoked_by"},
}


@pytest.mark.parametrize("row", FORMS, ids=str)
async def test_a_form_with_columns_of_ours_does_what_it_says_and_nothing_else(
    scene: Scene, row: Row
) -> None:
    caller = await scene.caller(row, "owner")
    subject = await scene.subject(row.subject, caller.scope)
    fields = OWN_FIELDS.get(row.path, set()) | row.send.keys()
    own = {name: value for name, value in SLY.items() if name not in fields}
    sly = Row(row.method, row.path, row.who, row.ok, row.subject, {**own, **row.send})
    before = await scene.by_id(KEPT)
    answer = await scene.call(sly, caller, subject)
    assert answer.status == row.ok
    after = await scene.by_id(KEPT)
    for table, may_change in KEPT.items():
        for row_id, was in before[table].items():
            now = after[table][row_id]
            may = may_change | COLD.get(row.path, set())
            assert now.get("released_at") != SLY["released_at"]
            assert {name for name in was if was[name] != now[name]} <= may, table
        for row_id in after[table].keys() - before[table].keys():
            made = after[table][row_id]
            assert row_id != SLY["id"]
            assert made["tenant_id"] == scene.world.pharmacy.tenant.id
            assert made["created_at"] > 1_700_000_000_000
            assert "sly-and-unasked" not in str(made)
    assert "sly-and-unasked" not in str(await scene.everything())


async def test_no_order_field_is_called_like_a_column_nobody_may_set() -> None:
    assert not SLY.keys() & ORDER.keys()
