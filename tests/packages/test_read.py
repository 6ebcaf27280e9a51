"""GET /api/packages/{id}, its timeline and its cancellation: who sees what, and who looked."""

from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from scriptrun_box.accounts.actions import NewKey
from scriptrun_box.app import _write_behind
from scriptrun_box.kernel.db import Reader
from tests.pushing import get, post, push, walk
from tests.world import World, header

pytestmark = pytest.mark.anyio
KEYS = (
    "id status patient_name patient_address patient_phone rx_number medications copay_amount"
    " priority delivery_date requires_signature cold_chain controlled_substance dea_schedule"
    " external_patient_id notes barcode fill_number fill_date deliver_after deliver_by pharmacy_id"
    " driver_id route_id source import_id test created_at updated_at delivered_at failure copay"
    " proof location"
).split()
READS = ["packages/{}", "packages/{}/timeline"]
NOWHERE = "0" * 32


async def test_a_package_has_every_key_of_the_contract(
    client: httpx.AsyncClient, world: World
) -> None:
    (package_id,) = await push(client, world.live, {})
    shape = (await get(client, world.live, f"packages/{package_id}")).json()
    assert set(KEYS) <= set(shape)
    assert shape["id"] == package_id
    for name in ("driver_id", "route_id", "import_id", "delivered_at", "failure", "proof"):
        assert shape[name] is None
    assert shape["copay"] == {"due": 12.5, "collected": None, "method": None}


async def test_the_timeline_tells_who_did_what_when_and_no_values(
    client: httpx.AsyncClient, world: World
) -> None:
    key = world.sandbox
    (package_id,) = await push(client, key, {})
    path = f"/api/packages/{package_id}"
    await client.patch(path, json={"notes": "Ring", "patient_name": "A"}, headers=header(key))
    await walk(client, key, package_id, "assign")
    await post(client, key, f"packages/{package_id}/cancel", {"reason": "picked_up"})
    entries = (await get(client, key, f"packages/{package_id}/timeline")).json()["data"]
    assert [(each["act"], each["from"], each["to"]) for each in entries] == [
        ("create", None, "created"),
        ("edit", "created", "created"),
        ("assign", "created", "assigned"),
        ("cancel", "assigned", "cancelled"),
    ]
    assert [each["detail"] for each in entries] == [
        {"source": "api"},
        {"fields": ["patient_name", "notes"]},
        {},
        {"reason": "picked_up"},
    ]
    assert {each["actor"] for each in entries} == {f"key:{key.key.id}"}
    assert all(each["at"].endswith("Z") for each in entries)


@pytest.mark.parametrize("path", READS)
@pytest.mark.parametrize("bad", ["1", "x" * 32, "0" * 31, "0" * 33, "A" * 32, "%00", "..", "é"])
async def test_an_id_that_cannot_be_one_is_a_400(
    client: httpx.AsyncClient, world: World, path: str, bad: str
) -> None:
    answer = await get(client, world.live, path.format(bad))
    if answer.status_code == 404:  # the address itself became another one
        assert bad == ".."
        return
    assert answer.status_code == 400
    assert answer.json()["details"][0]["field"] == "id"


CALLS = [
    ("GET", "packages/{}", None),
    ("GET", "packages/{}/timeline", None),
    ("PATCH", "packages/{}", {"notes": "x"}),
    ("POST", "packages/{}/cancel", None),
    ("POST", "test/packages/{}/assign", None),
    ("POST", "test/packages/{}/start", None),
    ("POST", "test/packages/{}/deliver", None),
    ("POST", "test/packages/{}/fail", None),
    ("POST", "test/packages/{}/return", None),
]


@pytest.mark.parametrize(("method", "path", "body"), CALLS)
async def test_a_stranger_gets_the_same_404_as_for_a_package_that_never_was(
    client: httpx.AsyncClient, world: World, method: str, path: str, body: Any
) -> None:
    (package_id,) = await push(client, world.sandbox, {"barcode": method + path})
    before = (await get(client, world.sandbox, f"packages/{package_id}/timeline")).json()

    async def answer(key: NewKey, which: str) -> tuple[int, dict[str, Any]]:
        url = f"/api/{path.format(which)}"
        got = await client.request(method, url, json=body, headers=header(key))
        return got.status_code, {**got.json(), "request_id": ""}

    unknown = await answer(world.stranger_sandbox, NOWHERE)
    assert unknown[0] == 404
    assert await answer(world.stranger_sandbox, package_id) == unknown
    if not path.startswith("test/"):
        assert await answer(world.live, package_id) == await answer(world.live, NOWHERE)
        assert await answer(world.stranger, package_id) == unknown
    after = (await get(client, world.sandbox, f"packages/{package_id}/timeline")).json()
    assert after == before


@pytest.mark.parametrize("reason", ["picked_up", "patient_request", "entered_in_error", "other"])
async def test_a_package_is_cancelled_for_a_reason(
    client: httpx.AsyncClient, world: World, reason: str
) -> None:
    (package_id,) = await push(client, world.live, {"barcode": reason})
    shape = await post(client, world.live, f"packages/{package_id}/cancel", {"reason": reason})
    assert (shape["id"], shape["status"]) == (package_id, "cancelled")
    again = await client.post(f"/api/packages/{package_id}/cancel", headers=header(world.live))
    assert (again.status_code, again.json()["code"]) == (409, "cancel_not_allowed")
    assert again.json()["details"] == [{"status": "cancelled"}]


@pytest.mark.parametrize("steps", [("assign", "start"), ("assign", "start", "deliver")])
async def test_what_is_out_or_done_is_not_cancelled(
    client: httpx.AsyncClient, world: World, steps: tuple[str, ...]
) -> None:
    (package_id,) = await push(client, world.sandbox, {"barcode": "out" + "".join(steps)})
    status = (await walk(client, world.sandbox, package_id, *steps))["status"]
    answer = await client.post(f"/api/packages/{package_id}/cancel", headers=header(world.sandbox))
    assert (answer.status_code, answer.json()["code"]) == (409, "cancel_not_allowed")
    assert answer.json()["details"] == [{"status": status}]


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ({"reason": "bored"}, "reason", "not_allowed"),
        ({"reason": None}, "reason", "not_allowed"),
        ({"reason": 1}, "reason", "not_allowed"),
        ({"note": "x"}, "note", "not_allowed"),
        ({"Maria Rodriguez": "x"}, "field_0", "not_allowed"),
        ({"reason": "other", "x" * 41: 1}, "field_1", "not_allowed"),
    ],
)
async def test_a_cancellation_that_cannot_be_meant_changes_nothing(
    client: httpx.AsyncClient, world: World, body: dict[str, Any], field: str, code: str
) -> None:
    (package_id,) = await push(client, world.live, {"barcode": f"c{body}"[:40]})
    url = f"/api/packages/{package_id}/cancel"
    answer = await client.post(url, json=body, headers=header(world.live))
    assert answer.status_code == 400
    assert [(each["field"], each["code"]) for each in answer.json()["details"]] == [(field, code)]
    assert "Maria" not in answer.text
    assert (await post(client, world.live, f"packages/{package_id}/cancel"))["id"] == package_id


def looks(r: Reader) -> list[tuple[str, str, str | None, str]]:
    """Who looked at what: the audit's rows of looking, oldest first."""
    rows = r.all(
        "SELECT actor, act, subject, detail FROM audit WHERE act IN"
        " ('packages.listed', 'package.read', 'package.timeline') ORDER BY seq"
    )
    return [tuple(row) for row in rows]


async def test_every_look_at_patients_is_one_row_of_the_audit(
    client: httpx.AsyncClient, world: World, app: Starlette
) -> None:
    one, _ = await push(client, world.live, {"rx_number": "look-1"}, {"rx_number": "look-2"})
    await _write_behind(app)
    before = len(await world.db.read(looks))
    await get(client, world.live, "packages", q="look")
    await get(client, world.live, f"packages/{one}")
    await get(client, world.live, f"packages/{one}/timeline")
    await get(client, world.stranger, f"packages/{one}")  # who sees nothing has not looked
    await _write_behind(app)
    actor = f"key:{world.live.key.id}"
    assert (await world.db.read(looks))[before:] == [
        (actor, "packages.listed", None, '{"count":2}'),
        (actor, "package.read", one, "{}"),
        (actor, "package.timeline", one, "{}"),
    ]
