"""One package: what its page shows, and what can be done there."""

import re
from datetime import date, timedelta
from typing import Any

import httpx
import pytest

from scriptrun_box.packages import store
from scriptrun_box.packages.model import Package
from tests.ui.conftest import PAGE, Push, Visit, Visitor
from tests.world import World, header

pytestmark = pytest.mark.anyio
FULL = {
    "patient_name": "Bartholomew Featherstonehaugh-Constantinopoulos III",
    "patient_address": "1 Ocean Dr, Apt 4B, Miami Beach, FL 33139",
    "medications": ["Oxycodone 5 mg", "Insulin glargine"],
    "copay_amount": 4,
    "priority": "stat",
    "delivery_date": (date.today() + timedelta(40)).isoformat(),
    "cold_chain": True,
    "controlled_substance": True,
    "dea_schedule": "II",
    "external_patient_id": "PMS-9081",
    "notes": "Ring twice",
    "barcode": "PKG-77",
    "fill_number": "3",
    "fill_date": "2026-01-31",
    "deliver_after": "09:00",
    "deliver_by": "11:30",
}


async def stored(world: World, package_id: str, test: bool = False) -> Package:
    scope = world.sandbox_scope if test else world.scope
    found = await world.db.read(store.get, scope, package_id)
    assert found is not None
    return found


def form_of(page: str) -> dict[str, str]:
    """The edit form as a browser would send it back untouched."""
    text = page[page.index("/edit") : page.index("</form>", page.index("/edit"))]
    fields = {}
    for tag in re.findall(r"<input[^>]+>", text):
        name = re.search(r'name="([^"]+)"', tag)
        assert name
        if 'type="checkbox"' in tag and " checked" not in tag:
            continue
        value = re.search(r' value="([^"]*)"', tag)
        fields[name[1]] = value[1] if value else "on"
    for name, value in re.findall(r'<textarea[^>]*name="([^"]+)"[^>]*>([^<]*)<', text):
        fields[name] = value
    for name, options in re.findall(r'<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', text, re.S):
        chosen = re.search(r'value="([^"]*)" selected', options)
        fields[name] = chosen[1] if chosen else ""
    return fields


async def save(visitor: Visitor, package_id: str, **changes: str) -> httpx.Response:
    fields = form_of(await visitor.see(f"/packages/{package_id}")) | changes
    return await visitor.http.post(f"/packages/{package_id}/edit", data=fields, headers=PAGE)


async def test_the_page_shows_everything_the_order_said(visit: Visit, push: Push) -> None:
    (package_id,) = await push(FULL)
    page = await (await visit("pharmacist")).see(f"/packages/{package_id}")
    for text in (
        FULL["patient_name"], FULL["patient_address"], "+13055551234", "RX-8872341",
        "Oxycodone 5 mg", "Insulin glargine", "$ 4.00", "STAT", "schedule II", "cold chain",
        "PMS-9081", "Ring twice", "PKG-77", "fill 3", "not before 09:00", "by 11:30",
        "Pack first", "Arrived (pharmacy software)", "pharmacy software", package_id,
    ):  # fmt: skip
        assert str(text) in page, text


async def test_looking_is_one_row_of_the_audit(
    visit: Visit, push: Push, app: Any, world: World
) -> None:
    (package_id,) = await push({})
    await (await visit("teammate")).see(f"/packages/{package_id}")
    (look,) = app.state.box.looks.take()
    assert (look.act, look.subject) == ("package.read", package_id)
    assert look.actor == f"user:{world.teammate.id}"


async def test_nobody_elses_package_is_there(visit: Visit, push: Push, world: World) -> None:
    (theirs,) = await push({}, key=world.stranger)
    (sandbox,) = await push({}, key=world.sandbox)
    owner = await visit("owner")
    for package_id in (theirs, sandbox, "0" * 32, "nonsense"):
        assert "no such package" in await owner.see(f"/packages/{package_id}", 404)
    for act, fields in (
        ("edit", {"patient_name": "X"}),
        ("cancel", {"reason": "other"}),
        ("decide", {"keep": "one"}),
        ("after-failure", {"act": "return"}),
    ):
        answer = await owner.send(f"/packages/{theirs}/{act}", **fields)
        assert answer.status_code in (404, 409), act
    assert (await world.db.read(_status, theirs)) == "created"


def _status(r: Any, package_id: str) -> str:
    return str(r.value("SELECT status FROM packages WHERE id = ?", (package_id,)))


async def test_saving_the_untouched_form_changes_nothing(
    visit: Visit, push: Push, world: World
) -> None:
    (package_id,) = await push(FULL)
    before = await stored(world, package_id)
    answer = await save(await visit("owner"), package_id)
    assert answer.headers["location"] == f"/packages/{package_id}?done=saved"
    assert await stored(world, package_id) == before


async def test_an_edit_is_kept_and_told_with_who(visit: Visit, push: Push, world: World) -> None:
    (package_id,) = await push({})
    teammate = await visit("teammate")
    await save(
        teammate, package_id, patient_phone="305 555 9876", copay_amount="$ 7.25",
        medications="Aspirin\r\n\r\nIbuprofen\r\n", notes="Back door", cold_chain="on",
    )  # fmt: skip
    content = (await stored(world, package_id)).content
    assert content.patient_phone == "+13055559876"
    assert content.copay_cents == 725
    assert content.medications == ["Aspirin", "Ibuprofen"]
    assert content.cold_chain and content.requires_signature
    page = await teammate.see(f"/packages/{package_id}?done=saved")
    assert "Saved." in page
    assert "Changed: phone, medications, copay, cold chain, notes" in page
    assert world.teammate.name in page


async def test_what_is_wrong_stands_at_its_field_and_what_was_typed_stays(
    visit: Visit, push: Push, world: World
) -> None:
    (package_id,) = await push({})
    before = await stored(world, package_id)
    answer = await save(
        await visit("owner"), package_id, patient_name="", patient_phone="12",
        copay_amount="a lot", notes="kept while mending",
    )  # fmt: skip
    assert answer.status_code == 400
    assert "Patient is required." in answer.text
    assert "Write dollars and cents" in answer.text
    assert "kept while mending" in answer.text
    assert '<details id="edit" open>' in answer.text
    assert await stored(world, package_id) == before


async def test_two_people_editing_do_not_overwrite_each_other(
    visit: Visit, push: Push, world: World
) -> None:
    (package_id,) = await push({})
    owner = await visit("owner")
    stale = form_of(await owner.see(f"/packages/{package_id}")) | {"notes": "mine"}
    stale["stamp"] = str(int(stale["stamp"]) - 1)
    answer = await owner.http.post(f"/packages/{package_id}/edit", data=stale, headers=PAGE)
    assert answer.status_code == 409
    assert "Somebody changed this package while you were typing" in answer.text
    assert (await stored(world, package_id)).content.notes is None


async def test_cancelling_needs_a_reason_and_is_the_end(
    visit: Visit, push: Push, world: World
) -> None:
    (package_id,) = await push({})
    owner = await visit("owner")
    answer = await owner.send(f"/packages/{package_id}/cancel", reason="")
    assert answer.status_code == 400 and "Say why" in answer.text
    answer = await owner.send(f"/packages/{package_id}/cancel", reason="picked_up")
    assert answer.status_code == 303
    page = await owner.see(f"/packages/{package_id}")
    assert "Cancelled: picked up at the counter" in page
    assert "/edit" not in page and "Cancel this package" not in page
    answer = await owner.send(f"/packages/{package_id}/cancel", reason="other")
    assert answer.status_code == 409
    assert "cannot take this step" in answer.text


@pytest.mark.parametrize(("keep", "status"), [("both", "created"), ("one", "cancelled")])
async def test_somebody_decides_about_a_possible_duplicate(
    visit: Visit, push: Push, world: World, keep: str, status: str
) -> None:
    first, second = await push({}, {})
    owner = await visit("owner")
    page = await owner.see(f"/packages/{second}")
    assert f'href="/packages/{first}"' in page and "Keep both" in page
    answer = await owner.send(f"/packages/{second}/decide", keep=keep)
    assert answer.status_code == 303
    decided = await stored(world, second)
    assert (decided.status, decided.duplicate_of) == (status, None)
    assert "Keep both" not in await owner.see(f"/packages/{second}")
    assert (await owner.send(f"/packages/{second}/decide", keep=keep)).status_code == 409


async def test_the_sandbox_walks_a_package_to_the_door_and_back(
    visit: Visit, push: Push, world: World
) -> None:
    (package_id,) = await push(FULL, key=world.sandbox)
    owner = await visit("owner")
    await owner.show_sandbox()
    path = f"/packages/{package_id}"
    for step, status in (("assign", "assigned"), ("start", "out_for_delivery"), ("fail", "failed")):
        assert (await owner.send(f"{path}/walk", step=step)).status_code == 303
        assert (await stored(world, package_id, test=True)).status == status
    page = await owner.see(path)
    assert "Could not be delivered: no answer" in page
    assert "A pharmacist decides what becomes of it." in page
    await owner.send(f"/controlled{path}/decide", decision="redeliver")
    again = await stored(world, package_id, test=True)
    assert (again.status, again.driver_id, again.failure_reason) == ("created", None, None)
    for step in ("assign", "start", "deliver"):
        assert (await owner.send(f"{path}/walk", step=step)).status_code == 303
    page = await owner.see(path)
    assert "$ 4.00 collected (card)" in page
    page = await owner.see(f"{path}/door")
    assert 'alt="The photo"' in page and 'alt="The signature"' in page
    answer = await owner.send(f"{path}/walk", step="deliver")
    assert answer.status_code == 409


async def test_nothing_walks_outside_the_sandbox(visit: Visit, push: Push, world: World) -> None:
    (package_id,) = await push({})
    owner = await visit("owner")
    assert "/walk" not in await owner.see(f"/packages/{package_id}")
    answer = await owner.send(f"/packages/{package_id}/walk", step="assign")
    assert answer.status_code == 403
    assert (await stored(world, package_id)).status == "created"


async def test_what_is_out_can_still_change_phone_and_notes_only(
    visit: Visit, push: Push, client: httpx.AsyncClient, world: World
) -> None:
    (package_id,) = await push({}, key=world.sandbox)
    for step in ("assign", "start"):
        path = f"/api/test/packages/{package_id}/{step}"
        await client.post(path, headers=header(world.sandbox))
    owner = await visit("owner")
    await owner.show_sandbox()
    page = await owner.see(f"/packages/{package_id}")
    assert 'name="patient_name"' not in page
    await save(owner, package_id, notes="Ring twice", patient_name="Somebody Else")
    content = (await stored(world, package_id, test=True)).content
    assert (content.notes, content.patient_name) == ("Ring twice", "Maria Rodriguez")
    assert content.requires_signature


async def test_what_is_out_is_recalled_and_decided_about_once_it_is_back(
    visit: Visit, push: Push, client: httpx.AsyncClient, world: World
) -> None:
    (package_id,) = await push({}, key=world.sandbox)
    owner = await visit("owner")
    await owner.show_sandbox()
    path = f"/packages/{package_id}"
    for step in ("assign", "start"):
        await owner.send(f"{path}/walk", step=step)
    assert "Recall this package" in await owner.see(path)
    silent = await owner.send(f"{path}/recall")
    assert silent.status_code == 400 and "Say why it is recalled" in silent.text
    done = await owner.send(f"{path}/recall", reason="picked_up")
    assert done.headers["location"] == f"{path}?done=recalled"
    page = await owner.see(path)
    assert "Recalled: picked up at the counter" in page and "Recall this package" not in page
    refused = await owner.send(f"{path}/walk", step="deliver")
    assert refused.status_code == 409 and "is not delivered any more" in refused.text
    await owner.send(f"{path}/after-failure", act="redeliver")
    page = await owner.see(path)
    assert "To be delivered again" in page and "Recalled <time" not in page
