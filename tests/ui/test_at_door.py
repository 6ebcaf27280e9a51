"""The page of a package's door: recorded by hand where no phone did, its proof, added words."""

import html
import re
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from scriptrun_box.delivery import door
from scriptrun_box.packages import proofs
from tests.delivery.doors import DRIVER, LINKS, SEEN, at_door, hand_over, out, photo
from tests.pushing import get
from tests.routes.people import told
from tests.ui.conftest import CSRF, PAGE, Visit, Visitor
from tests.world import World

pytestmark = pytest.mark.anyio
ACT = re.compile(r'name="act" value="([0-9a-f]{32})"')
IMAGE = re.compile(r'<img src="([^"]+)" alt="([^"]+)"')
ZONE = ZoneInfo("America/New_York")


async def upload(
    visitor: Visitor, path: str, files: dict[str, Any], **fields: str
) -> httpx.Response:
    """Post a form with files, with the token of the page one is on."""
    page = await visitor.see(path.rpartition("/")[0] + "/door")
    token, act = CSRF.search(page), ACT.search(page)
    assert token and act
    form = {"csrf": token[1], "act": act[1], "when": now(), **fields}
    return await visitor.http.post(path, data=form, files=files, headers=PAGE)


def now() -> str:
    """This minute, as a form has it."""
    return f"{datetime.now(ZONE):%Y-%m-%dT%H:%M}"


def said(answer: httpx.Response) -> str:
    """The sentence of a refused form."""
    found = re.search(r'role="alert">([^<]+)<', answer.text)
    assert found, answer.text
    return html.unescape(found[1])


HANDED = {"how": "to_person", "recipient": "Maria Rodriguez", "relation": "patient"}
PAID = {"method1": "check", "amount1": "10.00", "proof1": "1042", "method2": "cash"}


async def test_what_a_driver_brings_on_paper_becomes_a_whole_proof(
    visit: Visit, client: httpx.AsyncClient, world: World
) -> None:
    package_id = await out(client, world.db, world.scope, world.live)
    teammate = await visit("teammate")
    files = {"sheet": ("sheet.jpg", photo()), "photo": ("porch.png", photo(type="PNG"))}
    fields = {**HANDED, **PAID, "amount2": "2.50"}
    answer = await upload(teammate, f"/packages/{package_id}/delivered", files, **fields)
    assert answer.headers["location"] == f"/packages/{package_id}/door?done=delivered"
    page = await teammate.see(answer.headers["location"])
    assert "Recorded as delivered." in page
    assert "Maria Rodriguez, the patient" in page and "check 1042" in page
    images = {alt: html.unescape(source) for source, alt in IMAGE.findall(page)}
    for alt in ("The signature", "The photo"):
        picture = await teammate.http.get(images[alt])
        assert (picture.status_code, picture.headers["content-type"]) == (200, "image/jpeg")
    (data,) = await world.db.read(told, package_id, "delivery.completed")
    assert (data["copay_collected"], data["copay_method"]) == (12.5, "split")
    assert data["proof"]["photo_url"] and data["proof"]["signature_url"]
    shape = (await get(client, world.live, f"packages/{package_id}")).json()
    assert shape["status"] == "delivered"


async def test_a_form_that_is_sent_twice_records_once(
    visit: Visit, client: httpx.AsyncClient, world: World
) -> None:
    package_id = await out(client, world.db, world.scope, world.live)
    teammate = await visit("teammate")
    form = {"act": "c" * 32, "when": now(), "reason": "refused"}
    for _ in range(2):
        answer = await teammate.send(f"/packages/{package_id}/failed", **form)
        assert answer.status_code == 303
    assert len(await world.db.read(told, package_id, "delivery.failed")) == 1
    page = await teammate.see(f"/packages/{package_id}/door")
    assert "Not delivered" in page and "refused" in page and "Record as" not in page


@pytest.mark.parametrize(
    ("act", "fields", "sentence"),
    [
        ("delivered", {"recipient": ""}, "Say who took it, and who that is to the patient."),
        ("delivered", {"when": "yesterday"}, "Say when it happened."),
        ("delivered", {"when": "2019-01-01T10:00"}, "after the order came in"),
        ("delivered", {"when": "2099-01-01T10:00"}, "before now"),
        ("delivered", {"act": "x"}, "reload it"),
        ("delivered", {}, "This package needs a signature."),
        ("delivered", {"how": "left_at_door"}, "may not be left at the door"),
        ("delivered", {"method1": "check", "amount1": "5"}, "A check needs its number."),
        ("delivered", {"method1": "card", "amount1": "5"}, "last four digits"),
        ("delivered", {"method1": "cash", "amount1": "5.001"}, "Write dollars and cents"),
        ("delivered", {"method1": "cash", "amount1": "NaN"}, "Write dollars and cents"),
        ("delivered", {"method1": "waived"}, "Say who approved"),
        ("delivered", {"id_number": "123", "id_kind": "x"}, "which kind of ID"),
        ("failed", {"reason": ""}, "Say why it was not delivered."),
        ("failed", {"reason": "no_id", "note": "x" * 201}, "at most 200 characters"),
    ],
)
async def test_what_is_missing_is_said_and_nothing_is_recorded(
    visit: Visit,
    client: httpx.AsyncClient,
    world: World,
    act: str,
    fields: dict[str, str],
    sentence: str,
) -> None:
    package_id = await out(client, world.db, world.scope, world.live)
    teammate = await visit("teammate")
    wish = {"act": "d" * 32, "when": now(), **HANDED, **fields}
    answer = await teammate.send(f"/packages/{package_id}/{act}", **wish)
    assert answer.status_code in (400, 409)
    assert said(answer).startswith("Nothing was recorded: ") and sentence in said(answer)
    assert await world.db.read(proofs.every, package_id) == []


async def test_a_file_that_is_no_picture_is_refused(
    visit: Visit, client: httpx.AsyncClient, world: World
) -> None:
    package_id = await out(client, world.db, world.scope, world.live)
    teammate = await visit("teammate")
    files = {"sheet": ("sheet.jpg", b"<html>not a picture</html>")}
    answer = await upload(teammate, f"/packages/{package_id}/delivered", files, **HANDED)
    assert answer.status_code == 415 and "JPEG, PNG or WebP" in said(answer)


async def test_corrections_stand_beside_the_record_and_an_id_shows_its_last_four(
    visit: Visit, client: httpx.AsyncClient, world: World
) -> None:
    package_id = await out(client, world.db, world.scope, world.live, controlled_substance=True)
    await world.db.write(hand_over, world.scope, [package_id], at_door(), to=SEEN, whole_ids=True)
    pharmacist = await visit("pharmacist")
    path = f"/packages/{package_id}"
    sent = await pharmacist.send(f"{path}/amend", about="recipient", words="It was her aunt.")
    assert sent.status_code == 303
    page = await pharmacist.see(f"{path}/door")
    assert "About who took it: " in page and "It was her aunt." in page
    assert "driver license, FL, ending in 23-0" in page and "R362" not in page
    refused = await pharmacist.send(f"{path}/amend", about="recipient", words=" ")
    assert refused.status_code == 400


async def test_a_photo_on_a_lost_phone_is_given_up_on_the_page(
    visit: Visit, client: httpx.AsyncClient, world: World
) -> None:
    package_id = await out(client, world.db, world.scope, world.live)
    await world.db.write(
        door.fail, world.scope, DRIVER, [package_id], at_door(photo=True), "no_answer", LINKS
    )
    proof = await world.db.read(proofs.latest, package_id)
    assert proof is not None
    teammate = await visit("teammate")
    assert "still on the driver" in await teammate.see(f"/packages/{package_id}/door")
    fields = {"proof": proof.id, "words": "The phone is in the canal."}
    assert (await teammate.send(f"/packages/{package_id}/no-photo", **fields)).status_code == 303
    assert "The phone is in the canal." in await teammate.see(f"/packages/{package_id}/door")
    assert (await teammate.send(f"/packages/{package_id}/no-photo", **fields)).status_code == 409
