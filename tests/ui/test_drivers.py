"""The desk's drivers: the list, its CSV file, the forms, the buttons for shift and online."""

import csv
import html
import io
import re
from typing import Any

import httpx
import pytest

from scriptrun_box.kernel.db import Reader
from tests.ui.conftest import PAGE, Push, Visit, Visitor
from tests.world import World, header

pytestmark = pytest.mark.anyio
DRIVER = re.compile(r'data-key="(drv_[0-9a-f]{32})"')


async def take_on(visitor: Visitor, **fields: str) -> str:
    """Fill in the form; the id of the new driver."""
    before = set(DRIVER.findall(await visitor.see("/drivers")))
    answer = await visitor.send("/drivers", **fields)
    assert (answer.status_code, answer.headers["location"]) == (303, "/drivers?done=added")
    (made,) = set(DRIVER.findall(await visitor.see("/drivers"))) - before
    return made


def value(page: str, name: str) -> str:
    """What a field of a form holds."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, name
    return html.unescape(found[1])


async def test_an_empty_list_offers_the_first_step(visit: Visit) -> None:
    page = await (await visit("teammate")).see("/drivers")
    assert "No drivers yet" in page and "Add the first driver" in page
    assert "<details open>" in await (await visit("teammate")).see("/drivers?new=driver")


async def test_who_is_taken_on_by_one_is_seen_by_the_other_and_by_no_stranger(
    visit: Visit, client: httpx.AsyncClient, world: World
) -> None:
    owner, teammate, stranger = [await visit(who) for who in ("owner", "teammate", "other_owner")]
    made = await take_on(
        teammate,
        name="Zoë <b>Ortega</b>",
        phone="305 555 0142",
        employment="contractor",
        vehicle="Van 3",
        capacity="40",
        capabilities="cold_chain",
    )
    page = await owner.see("/drivers")
    for shown in ("Zoë &lt;b&gt;Ortega", "+13055550142", "Contractor", "Van 3", "Cold chain"):
        assert shown in page, shown
    assert "room for 40" in page and "1 driver<" in page
    assert "Ortega" not in await stranger.see("/drivers")
    await stranger.see(f"/drivers/{made}", 404)
    await owner.show_sandbox()
    assert "No sandbox drivers yet" in await owner.see("/drivers")
    await owner.see(f"/drivers/{made}", 404)
    told = await client.get(f"/api/drivers/{made}", headers=header(world.live))
    assert told.json()["capabilities"] == ["cold_chain"]


@pytest.mark.parametrize(
    ("field", "text", "words"),
    [
        ("name", "  ", "A driver needs a name."),
        ("phone", "12345", "Write it with its area code, such as 305 555 1234."),
        ("capacity", "many", "Write a whole number of packages, such as 40."),
        ("capacity", "0", "At least one package goes in, or leave it empty."),
        ("capacity", "9999999999", "That is more than one vehicle takes."),
    ],
)
async def test_a_form_that_is_wrong_says_where_and_keeps_what_was_typed(
    visit: Visit, field: str, text: str, words: str
) -> None:
    owner = await visit("owner")
    good = {"name": "Luis Ortega", "vehicle": "Blue hatchback", "employment": "agency"}
    driver = await take_on(owner, **good)
    for path in ("/drivers", f"/drivers/{driver}"):
        stamp = {"stamp": "1"} if path != "/drivers" else {}
        answer = await owner.send(
            path, **{**good, "vehicle": "Kept hatchback", field: text}, **stamp
        )
        assert answer.status_code == 400
        assert words in answer.text and 'aria-invalid="true"' in answer.text
        assert value(answer.text, "vehicle") == "Kept hatchback"
        assert '<option value="agency" selected>' in answer.text
    assert "Kept hatchback" not in await owner.see(f"/drivers/{driver}")


async def test_a_change_is_saved_and_an_older_page_does_not_write_over_it(visit: Visit) -> None:
    owner, teammate = await visit("owner"), await visit("teammate")
    driver = await take_on(owner, name="Luis Ortega", capabilities="controlled")
    stamp = value(await teammate.see(f"/drivers/{driver}"), "stamp")
    saved = await owner.send(
        f"/drivers/{driver}", stamp=stamp, name="Luis Ortega", vehicle="Van", phone=""
    )
    assert saved.headers["location"] == f"/drivers/{driver}?done=saved"
    page = await owner.see(f"/drivers/{driver}?done=saved")
    assert "Saved." in page and "nothing special" in page, "a box unticked is taken away"
    late = await teammate.send(f"/drivers/{driver}", stamp=stamp, name="Luis", vehicle="Truck")
    assert late.status_code == 409
    assert "Somebody changed this driver while you were typing" in late.text
    assert value(late.text, "vehicle") == "Van"


async def test_the_buttons_start_and_end_a_shift_and_come_back_to_the_list_as_it_was(
    visit: Visit, world: World
) -> None:
    teammate = await visit("teammate")
    driver = await take_on(teammate, name="Luis Ortega")
    page = await teammate.see("/drivers?q=luis")
    assert "Off shift" in page and value(page, "next") == "/drivers?q=luis"
    assert "Set online" not in page, "only on shift"
    for path, act, done in (
        ("shift", {"shift": "start"}, "started"),
        ("shift", {"shift": "start"}, "started"),
        ("status", {"status": "offline"}, "offline"),
        ("status", {"status": "online"}, "online"),
        ("shift", {"shift": "end"}, "ended"),
    ):
        answer = await teammate.send(f"/drivers/{driver}/{path}", **act, next="/drivers?q=luis")
        assert answer.headers["location"] == f"/drivers?q=luis&done={done}"
    assert "The shift has ended." in await teammate.see("/drivers?q=luis&done=ended")
    assert await world.db.read(events_about, driver) == 4
    refused = await teammate.send(f"/drivers/{driver}/status", status="online")
    assert refused.status_code == 409 and "Start this driver&#39;s shift first." in refused.text


def events_about(r: Reader, driver_id: str) -> int:
    number: int = r.value("SELECT count(*) FROM events WHERE subject_id = ?", (driver_id,))
    return number


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "/packages", ""])
async def test_a_button_leads_nowhere_but_to_drivers(visit: Visit, elsewhere: str) -> None:
    owner = await visit("owner")
    driver = await take_on(owner, name="Luis Ortega")
    answer = await owner.send(f"/drivers/{driver}/shift", shift="start", next=elsewhere)
    assert answer.headers["location"] == f"/drivers/{driver}?done=started"


async def test_the_list_is_narrowed_by_search_and_state(visit: Visit) -> None:
    owner = await visit("owner")
    luis = await take_on(owner, name="Luis Ortega", vehicle="Van 3")
    ana = await take_on(owner, name="Ána Núñez")
    await owner.send(f"/drivers/{ana}/shift", shift="start")
    for query, found in (
        ("", [ana, luis]),
        ("q=nunez", [ana]),
        ("q=van+3", [luis]),
        ("state=on_shift", [ana]),
        ("state=online", [ana]),
        ("state=offline", []),
        ("state=off_shift", [luis]),
        ("state=left", []),
        ("state=nonsense&q=luis", [luis]),
    ):
        for path in ("/drivers", "/live/drivers"):
            assert DRIVER.findall(await owner.see(f"{path}?{query}")) == found, query
    assert "No driver fits" in await owner.see("/drivers?q=nobody")


async def test_who_left_is_kept_apart_and_may_come_back(visit: Visit, push: Push) -> None:
    owner = await visit("owner")
    driver = await take_on(owner, name="Luis Ortega")
    left = await owner.send(f"/drivers/{driver}/active", active="no")
    assert left.headers["location"] == f"/drivers/{driver}?done=left"
    assert "Luis Ortega" not in await owner.see("/drivers")
    assert "Luis" in await owner.see("/drivers?state=left")
    assert "Start shift" not in await owner.see(f"/drivers/{driver}")
    await owner.send(f"/drivers/{driver}/active", active="yes")
    assert "Luis" in await owner.see("/drivers")


async def test_who_has_packages_cannot_leave_and_their_page_lists_them(
    visit: Visit, push: Push, client: httpx.AsyncClient, world: World
) -> None:
    owner = await visit("owner")
    driver = await take_on(owner, name="Luis Ortega")
    (package_id,) = await push({"patient_name": "Maria Rodriguez"})
    body = {"driver_id": driver}
    path = f"/api/packages/{package_id}/assign"
    await client.post(path, json=body, headers=header(world.live))
    page = await owner.see(f"/drivers/{driver}")
    assert "Maria Rodriguez" in page and "1 assigned" in page
    refused = await owner.send(f"/drivers/{driver}/active", active="no")
    assert refused.status_code == 409
    assert "This driver still has 1 package; give them to somebody else first." in refused.text


async def test_a_tick_that_a_package_needs_cannot_be_taken_away(
    visit: Visit, push: Push, client: httpx.AsyncClient, world: World
) -> None:
    owner = await visit("owner")
    driver = await take_on(owner, name="Luis Ortega", capabilities="cold_chain")
    (package_id,) = await push({"cold_chain": True})
    path = f"/api/packages/{package_id}/assign"
    await client.post(path, json={"driver_id": driver}, headers=header(world.live))
    refused = await owner.send(f"/drivers/{driver}", stamp="1", name="Luis", vehicle="New van")
    assert refused.status_code == 409
    assert "This driver has packages that need it" in refused.text
    assert value(refused.text, "vehicle") == "New van", "what was typed is kept"


async def test_the_file_holds_the_filtered_list_and_nothing_a_spreadsheet_would_run(
    visit: Visit,
) -> None:
    owner = await visit("owner")
    await take_on(owner, name="=HYPERLINK(1)", phone="305 555 0142", vehicle="@van")
    other = await take_on(owner, name="Ána, with a comma", capabilities="card_reader")
    await owner.send(f"/drivers/{other}/shift", shift="start")

    async def rows(query: str) -> list[dict[str, Any]]:
        answer = await owner.http.get(f"/drivers.csv{query}", headers=PAGE)
        assert answer.headers["content-type"].startswith("text/csv")
        assert 'filename="drivers-' in answer.headers["content-disposition"]
        assert answer.text.startswith("\ufeff")
        return list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))

    first, second = await rows("")
    assert (first["name"], first["status"], first["on_shift"]) == (
        "Ána, with a comma",
        "online",
        "true",
    )
    assert first["capabilities"] == "card_reader" and first["shift_started_at"].endswith("Z")
    assert (second["name"], second["phone"], second["vehicle"]) == (
        "'=HYPERLINK(1)",
        "'+13055550142",
        "'@van",
    )
    assert [row["name"] for row in await rows("?state=on_shift")] == ["Ána, with a comma"]
