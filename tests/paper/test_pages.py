"""Paper on screen and over HTTP: labels, pick list, printers; with the extra and without it."""

import csv
import io
import re
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from scriptrun_box.app import _write_behind
from scriptrun_box.paper import press
from tests.drivers.people import EVERYTHING, audited, hire, parcel, post
from tests.ui.visits import Visitor
from tests.world import World, header

from .reading import codes_of, fields_of, pages_of

pytestmark = pytest.mark.anyio
DAY = "2026-05-04"
Package = Callable[..., Awaitable[str]]


@pytest.fixture
def owner(client: httpx.AsyncClient, world: World) -> Visitor:
    return Visitor(client, world, "owner")


@pytest.fixture
def package(client: httpx.AsyncClient, world: World) -> Package:
    async def made(**fields: Any) -> str:
        return await parcel(client, world.live, **{"delivery_date": DAY, **fields})

    return made


@pytest.fixture
def without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(press, "can_draw", lambda: False)
    monkeypatch.setattr("scriptrun_box.ui.paper.sheets.can_draw", lambda: False)


async def get(client: httpx.AsyncClient, world: World, path: str) -> httpx.Response:
    return await client.get(path, headers=header(world.live))


async def test_a_program_gets_a_label_as_pdf_or_for_a_printer(
    client: httpx.AsyncClient, world: World, package: Package
) -> None:
    package_id = await package(patient_name="Ada Lane", rx_number="ZZRX1", medications=["Zzdrug"])
    answer = await get(client, world, f"/api/packages/{package_id}/label")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf")
    assert "Ada Lane" in pages_of(answer.content)[0]
    assert codes_of(answer.content) == [[f"SRB:P:{package_id.upper()}"]]
    zpl = await get(client, world, f"/api/packages/{package_id}/label?format=zpl&dpi=300")
    assert zpl.headers["content-type"] == "text/plain; charset=utf-8"
    assert "Ada Lane" in [field.text for field in fields_of(zpl.content)]
    assert "^PW1200" in zpl.text
    assert not re.search("zzrx1|zzdrug", zpl.text + pages_of(answer.content)[0], re.IGNORECASE)


@pytest.mark.parametrize("query", ["format=png", "format=zpl&dpi=600", "format="])
async def test_a_label_in_no_form_of_ours_is_refused(
    client: httpx.AsyncClient, world: World, package: Package, query: str
) -> None:
    answer = await get(client, world, f"/api/packages/{await package()}/label?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, "validation_failed")


async def test_what_goes_nowhere_any_more_has_no_label(
    client: httpx.AsyncClient, world: World, package: Package
) -> None:
    package_id = await package()
    await post(client, world.live, f"/api/packages/{package_id}/cancel")
    answer = await get(client, world, f"/api/packages/{package_id}/label")
    assert (answer.status_code, answer.json()["code"]) == (409, "label_not_allowed")
    assert answer.json()["details"] == [{"status": "cancelled"}]


async def test_bags_of_one_door_on_one_day_are_counted(
    client: httpx.AsyncClient, world: World, package: Package
) -> None:
    door = {"patient_address": "77 Count St, Miami, FL 33178", "delivery_date": "2026-05-05"}
    first, second = await package(**door), await package(**door, patient_name="Her Husband")
    other_day = await package(**{**door, "delivery_date": "2026-05-06"})
    said = {}
    for package_id in (first, second, other_day):
        answer = await get(client, world, f"/api/packages/{package_id}/label?format=zpl")
        texts = [field.text for field in fields_of(answer.content)]
        said[package_id] = [text for text in texts if text.startswith("BAG")]
    assert said == {first: ["BAG 1 OF 2"], second: ["BAG 2 OF 2"], other_day: []}


async def test_looking_at_a_label_is_noted(
    app: Starlette, client: httpx.AsyncClient, world: World, package: Package, owner: Visitor
) -> None:
    package_id = await package()
    await get(client, world, f"/api/packages/{package_id}/label?format=zpl")
    await owner.get(f"/packages/{package_id}/label")
    await owner.get(f"/packages/{package_id}/label.pdf")
    await owner.get("/pick-list")
    await _write_behind(app)
    acts = [(act, by.partition(":")[0]) for act, by, _ in await world.db.read(audited, package_id)]
    assert acts.count(("package.label", "key")) == 1
    assert acts.count(("package.label", "user")) == 2
    lists = "SELECT count(*) FROM audit WHERE act = 'packages.pick_list'"
    assert await world.db.read(lambda r: r.value(lists)) >= 1


async def test_a_label_prints_from_the_browser(owner: Visitor, package: Package) -> None:
    package_id = await package(
        patient_name="Eve <b>Ray</b>",
        patient_address="5 Elm St Apt 9, Miami, FL 33178",
        rx_number="ZZRX2",
        controlled_substance=True,
        barcode="ZZBAR2",
    )
    page = (await owner.get(f"/packages/{package_id}/label")).text
    sheet = page[page.index('<article class="paper label"') : page.index("</main>")]
    for part in ("Eve &lt;b&gt;Ray", "5 Elm St", "Apt 9", "Miami, FL 33178", "ID CHECK", "SIGN"):
        assert part in sheet
    assert "<svg" in sheet
    assert not re.search("zzrx2|zzbar2|controlled", sheet, re.IGNORECASE)
    assert f'href="/packages/{package_id}/label.pdf"' in page


async def test_labels_of_several_packages_and_of_a_day(owner: Visitor, package: Package) -> None:
    day = "2026-06-01"
    first = await package(patient_name="Labelled One", delivery_date=day)
    await package(patient_name="Labelled Two", delivery_date=day)
    some = await owner.get(f"/labels?id={first}")
    assert "Labelled One" in some.text and "Labelled Two" not in some.text
    both = await owner.get(f"/labels?date={day}")
    assert "Labelled One" in both.text and "Labelled Two" in both.text
    pages = pages_of((await owner.get(f"/labels.pdf?date={day}")).content)
    assert len(pages) == 2
    assert (await owner.get("/labels?date=2027-01-01")).headers["location"].startswith("/pick-list")
    assert (await owner.get("/labels?id=nonsense")).status_code == 404
    assert (await owner.get(f"/labels?id={'0' * 32}")).status_code == 404


async def test_without_the_extra_the_page_prints_and_the_pdf_names_what_is_missing(
    client: httpx.AsyncClient,
    world: World,
    owner: Visitor,
    package: Package,
    without_the_extra: None,
) -> None:
    package_id = await package(patient_name="Paper Still")
    page = await owner.get(f"/packages/{package_id}/label")
    assert "Paper Still" in page.text and "<svg" in page.text
    assert "scriptrun-box[pdf]" in page.text and "label.pdf" not in page.text
    answer = await get(client, world, f"/api/packages/{package_id}/label")
    assert (answer.status_code, answer.json()["code"]) == (409, "extra_missing")
    assert answer.json()["details"] == [{"extra": "pdf"}]
    zpl = await get(client, world, f"/api/packages/{package_id}/label?format=zpl")
    assert zpl.status_code == 200


async def test_a_pdf_that_takes_too_long_is_said_to_and_the_next_one_is_drawn(
    client: httpx.AsyncClient, world: World, package: Package, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"/api/packages/{await package()}/label"
    with monkeypatch.context() as hurried:
        hurried.setattr(press, "SECONDS", 0.001)
        answer = await get(client, world, path)
    assert (answer.status_code, answer.json()["code"]) == (503, "busy")
    assert "Retry-After" in answer.headers
    assert (await get(client, world, path)).status_code == 200


async def test_the_pick_list_says_who_takes_what_and_from_where(
    client: httpx.AsyncClient, world: World, owner: Visitor, package: Package
) -> None:
    day = "2026-06-02"
    luis = await hire(client, world.live, name="Luis Ortega", capabilities=EVERYTHING)
    given = await package(patient_name="Given Away", delivery_date=day, rx_number="RX-771")
    await post(client, world.live, f"/api/packages/{given}/assign", driver_id=luis["id"])
    await package(
        patient_name="In Fridge", delivery_date=day, cold_chain=True, medications=["Zzinsulin"]
    )
    await package(patient_name="In Safe", delivery_date=day, controlled_substance=True)
    gone = await package(patient_name="Gone Already", delivery_date=day)
    await post(client, world.live, f"/api/packages/{gone}/cancel")
    page = (await owner.get(f"/pick-list?date={day}")).text
    sheet = page[page.index('<div class="paper sheet">') :]
    assert sheet.index("Luis Ortega: 1 bag") < sheet.index("Not assigned yet: 2 bags")
    for part in ("Given Away", "RX-771", "fridge", "locked cabinet", "Stays in the pharmacy"):
        assert part in sheet
    assert "Gone Already" not in sheet and "Zzinsulin" not in sheet
    text = " ".join(pages_of((await owner.get(f"/pick-list.pdf?date={day}")).content))
    for part in ("Luis Ortega: 1 bag", "Given Away", "RX-771", "fridge", "Stays in the pharmacy"):
        assert part in text
    assert "Zzinsulin" not in text
    exported = (await owner.get(f"/pick-list.csv?date={day}")).text.lstrip("\ufeff")
    rows = list(csv.DictReader(io.StringIO(exported)))
    assert [(row["patient_name"], row["taken_from"], row["driver"]) for row in rows] == [
        ("Given Away", "shelf", "Luis Ortega"),
        ("In Fridge", "fridge", ""),
        ("In Safe", "locked cabinet", ""),
    ]


async def test_a_possible_duplicate_is_not_fetched_before_somebody_decides(
    owner: Visitor, client: httpx.AsyncClient, world: World
) -> None:
    twice = {"patient_name": "Twice Sent", "delivery_date": "2026-06-03", "rx_number": "RX-2"}
    for _ in range(2):
        body = {"orders": [{**twice, "patient_address": "1 Bay Rd, Miami, FL 33178"}]}
        await client.post("/api/webhook/orders", json=body, headers=header(world.live))
    page = (await owner.get("/pick-list?date=2026-06-03")).text
    assert page.count("Twice Sent</b>") == 1
    assert "1 possible duplicate is not on this list" in page


@pytest.mark.parametrize("date", ["", "2026-13-40", "yesterday", "0001-01-01", "9999-12-31"])
async def test_a_day_that_is_none_is_today(owner: Visitor, date: str) -> None:
    assert (await owner.get(f"/pick-list?date={date}")).status_code == 200


async def test_the_phone_of_a_location_stands_on_its_labels(
    world: World, owner: Visitor, package: Package
) -> None:
    (place,) = (await owner.get("/settings/locations")).text.split('action="/settings/locations/')[
        1:2
    ]
    fields: dict[str, str | list[str]] = {
        "name": "Corner Drug", "address": "1 First St", "time_zone": "America/New_York",
        "phone": "(305) 555-0142",
    }  # fmt: skip
    answer = await owner.post(f"/settings/locations/{place.partition(chr(34))[0]}", fields)
    assert answer.status_code == 303
    assert "(305) 555-0142" in (await owner.get(f"/packages/{await package()}/label")).text


async def test_a_printer_is_added_changed_tested_and_removed(world: World, owner: Visitor) -> None:
    wish: dict[str, str | list[str]] = {
        "name": "Front desk", "host": "192.168.44.55", "port": "9100", "dpi": "203",
    }  # fmt: skip
    assert (await owner.post("/settings/printers", wish)).status_code == 303
    page = (await owner.get("/settings/printers")).text
    assert "192.168.44.55:9100" in page
    (printer_id,) = set(re.findall(r"/settings/printers/(prn_\w+)/test", page))
    path = f"/settings/printers/{printer_id}"
    assert (await owner.post(path, {**wish, "name": "Back room", "dpi": "300"})).status_code == 303
    assert "Back room" in (await owner.get("/settings/printers?q=back")).text
    assert "Back room" not in (await owner.get("/settings/printers?q=front")).text
    assert (await owner.post(f"{path}/remove")).status_code == 303
    assert "Back room" not in (await owner.get("/settings/printers")).text
    assert (await owner.post(f"{path}/test")).status_code == 404
    assert (await owner.post(path, wish)).status_code == 404


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("host", "8.8.8.8"), ("host", "169.254.169.254"), ("host", "127.0.0.1"), ("host", ""),
        ("port", "22"), ("port", "x"), ("port", "99999"), ("dpi", "600"), ("name", " "),
    ],
)  # fmt: skip
async def test_a_printer_that_cannot_be_is_refused_at_its_field(
    owner: Visitor, field: str, value: str
) -> None:
    wish: dict[str, str | list[str]] = {
        "name": "Zebra", "host": "192.168.1.50", "port": "9100", "dpi": "203", field: value,
    }  # fmt: skip
    answer = await owner.post("/settings/printers", wish)
    assert answer.status_code == 400
    assert "Nothing was added" in answer.text
    assert "No label printer yet" in (await owner.get("/settings/printers")).text


async def test_jobs_are_listed_searched_and_exported(
    app: Starlette, world: World, owner: Visitor, package: Package
) -> None:
    app.state.spooler._stopping = True
    wish: dict[str, str | list[str]] = {
        "name": "Job printer", "host": "192.168.44.56", "port": "9100", "dpi": "203",
    }  # fmt: skip
    await owner.post("/settings/printers", wish)
    first, second = await package(), await package()
    page = (await owner.get(f"/labels?id={first}&id={second}")).text
    ids = re.search(r'name="ids" value="([^"]+)"', page)
    printer = re.search(r'<option value="(prn_\w+)">Job printer', page)
    assert ids and printer
    sent = await owner.post("/labels/print", {"ids": ids[1], "printer": printer[1]})
    assert sent.headers["location"] == "/print-jobs?done=queued"
    listed = (await owner.get("/print-jobs")).text
    assert "2 labels" in listed and "Job printer" in listed and "Waiting" in listed
    assert "2 labels" in (await owner.get("/live/print-jobs")).text
    assert "2 labels" in (await owner.get("/print-jobs?q=the+owner")).text
    assert "No print job fits" in (await owner.get("/print-jobs?q=zzz")).text
    exported = (await owner.get("/print-jobs.csv")).text.lstrip("\ufeff")
    row = next(csv.DictReader(io.StringIO(exported)))
    assert (row["printer"], row["labels"], row["state"]) == ("Job printer", "2", "queued")
    (job_id,) = set(re.findall(r"/print-jobs/(prj_\w+)/cancel", listed))
    assert (await owner.post(f"/print-jobs/{job_id}/cancel")).status_code == 303
    assert (await owner.post(f"/print-jobs/{job_id}/cancel")).status_code == 409
    assert "Stopped" in (await owner.get("/print-jobs")).text


async def test_labels_of_what_is_not_ones_own_are_not_printed(
    client: httpx.AsyncClient, world: World, owner: Visitor
) -> None:
    theirs = await parcel(client, world.stranger)
    mine = await parcel(client, world.live)
    for ids in (theirs, f"{mine},{theirs}", "", "nonsense"):
        answer = await owner.post("/labels/print", {"ids": ids, "printer": "prn_1"})
        assert answer.status_code == 404


async def test_a_package_of_the_sandbox_says_so_on_its_label(
    client: httpx.AsyncClient, world: World
) -> None:
    package_id = await parcel(client, world.sandbox)
    path = f"/api/packages/{package_id}/label?format=zpl"
    answer = await client.get(path, headers=header(world.sandbox))
    assert "SANDBOX" in answer.text


async def test_more_labels_than_are_made_at_a_time_are_refused(
    world: World, monkeypatch: pytest.MonkeyPatch, owner: Visitor, package: Package
) -> None:
    monkeypatch.setattr("scriptrun_box.paper.gather.LABELS_MAX", 1)
    first, second = await package(), await package()
    answer = await owner.get(f"/labels?id={first}&id={second}")
    assert answer.status_code == 409 and "At most" in answer.text
