"""A package's driver on its panel: given, handed on, taken back, and two dispatchers at once."""

import html
import re
from typing import Any

import httpx
import pytest

from tests.ui.conftest import Push, Visit, Visitor
from tests.world import World, header

pytestmark = pytest.mark.anyio
OPTION = re.compile(r'<option value="(drv_[^"]+)"( disabled)?>([^<]*)</option>')
UNDO = re.compile(r'name="undo" value="(\d+)"')
SEEN = re.compile(r'name="seen" value="([^"]*)"')


async def hire(client: httpx.AsyncClient, key: Any, name: str, *may: str) -> str:
    body = {"name": name, "capabilities": may}
    answer = await client.post("/api/drivers", json=body, headers=header(key))
    return str(answer.json()["id"])


async def see(visitor: Visitor, package_id: str) -> tuple[str, str]:
    """The page of a package, and how it says the package stood."""
    page = await visitor.see(f"/packages/{package_id}")
    found = SEEN.search(page)
    return page, found[1] if found else ""


async def test_without_drivers_the_panel_leads_to_where_they_are_made(
    visit: Visit, push: Push
) -> None:
    (package_id,) = await push({})
    page, _ = await see(await visit("teammate"), package_id)
    assert "Nobody drives here yet." in page and 'href="/drivers?new=driver#add-driver"' in page


async def test_a_package_is_given_handed_on_and_taken_back(
    visit: Visit, push: Push, client: httpx.AsyncClient, world: World
) -> None:
    luis, ana = [await hire(client, world.live, name) for name in ("Luis Ortega", "Ana Núñez")]
    (package_id,) = await push({})
    teammate = await visit("teammate")
    steps: list[tuple[str, dict[str, str], str, str]] = [
        ("assign", {"driver_id": luis}, "assigned", "Assigned to Luis Ortega"),
        ("assign", {"driver_id": ana}, "assigned", "Handed on from Luis Ortega to Ana Núñez"),
        ("unassign", {}, "unassigned", "Taken back from Ana Núñez"),
    ]
    for act, fields, done, told in steps:
        _, seen = await see(teammate, package_id)
        answer = await teammate.send(f"/packages/{package_id}/{act}", seen=seen, **fields)
        assert answer.headers["location"].startswith(f"/packages/{package_id}?done={done}&undo=")
        page, _ = await see(teammate, package_id)
        assert told in page
    page, _ = await see(teammate, package_id)
    assert [found[0] for found in OPTION.findall(page)] == [ana, luis]


async def test_who_may_not_carry_it_is_shown_and_cannot_be_chosen(
    visit: Visit, push: Push, client: httpx.AsyncClient, world: World
) -> None:
    may = await hire(client, world.live, "Ana", "cold_chain")
    may_not = await hire(client, world.live, "Bo", "controlled", "card_reader")
    (package_id,) = await push({"cold_chain": True})
    owner = await visit("owner")
    page, seen = await see(owner, package_id)
    options = {found[0]: (bool(found[1]), found[2]) for found in OPTION.findall(page)}
    assert options[may] == (False, "Ana · off shift · nothing")
    assert options[may_not][0] and options[may_not][1].endswith("may not carry cold packages")
    forced = await owner.send(f"/packages/{package_id}/assign", seen=seen, driver_id=may_not)
    assert forced.status_code == 409
    assert "This driver may not carry cold packages." in forced.text


async def test_the_slower_of_two_dispatchers_hears_who_was_faster(
    visit: Visit, push: Push, client: httpx.AsyncClient, world: World
) -> None:
    luis, ana = [await hire(client, world.live, name) for name in ("Luis Ortega", "Ana Núñez")]
    (package_id,) = await push({})
    owner, teammate = await visit("owner"), await visit("teammate")
    _, seen = await see(owner, package_id)
    path = f"/packages/{package_id}/assign"
    assert (await owner.send(path, seen=seen, driver_id=luis)).status_code == 303
    late = await teammate.send(path, seen=seen, driver_id=ana)
    assert late.status_code == 409
    sentence = f"{world.owner.name} was faster: the package is assigned to Luis Ortega."
    assert sentence in html.unescape(late.text)
    assert "Luis Ortega</a> has it." in late.text
    same = await teammate.send(path, seen=seen, driver_id=luis)
    assert same.status_code == 303, "it is as wished"
    back = await teammate.send(f"/packages/{package_id}/unassign", seen=seen)
    assert back.status_code == 409, "what this page showed was nobody's"


@pytest.mark.parametrize(
    ("driver", "status", "words"),
    [("", 400, "Choose a driver"), ("drv_nobody", 400, "There is no such driver.")],
)
async def test_no_driver_or_a_strangers_is_refused_in_words(
    visit: Visit, push: Push, client: httpx.AsyncClient, world: World,
    driver: str, status: int, words: str,
) -> None:  # fmt: skip
    theirs = await hire(client, world.stranger, "A stranger's")
    (package_id,) = await push({})
    owner = await visit("owner")
    for driver_id in {driver, theirs if driver else ""}:
        answer = await owner.send(f"/packages/{package_id}/assign", driver_id=driver_id)
        assert answer.status_code == status and words in answer.text
    assert "A stranger" not in (await see(owner, package_id))[0]


async def test_a_possible_duplicate_and_what_is_out_offer_no_driver(
    visit: Visit, push: Push, client: httpx.AsyncClient, world: World
) -> None:
    await hire(client, world.sandbox, "Luis")
    _, second = await push({}, {}, key=world.sandbox)
    owner = await visit("owner")
    await owner.show_sandbox()
    assert not OPTION.findall((await see(owner, second))[0])
    (out,) = await push({"rx_number": "RX-OUT"}, key=world.sandbox)
    for step in ("assign", "start"):
        await client.post(f"/api/test/packages/{out}/{step}", headers=header(world.sandbox))
    page, _ = await see(owner, out)
    assert not OPTION.findall(page) and "A made-up driver" in page


async def test_the_last_move_is_taken_back_from_its_toast_and_only_while_it_fits(
    visit: Visit, push: Push, client: httpx.AsyncClient, world: World
) -> None:
    luis, ana = [await hire(client, world.live, name) for name in ("Luis Ortega", "Ana Núñez")]
    (package_id,) = await push({})
    owner, teammate = await visit("owner"), await visit("teammate")
    path = f"/packages/{package_id}"
    given = await owner.send(f"{path}/assign", driver_id=luis)
    page = await owner.see(given.headers["location"])
    assert "Assigned." in page and 'action="/undo"' in page
    number = UNDO.search(page)
    assert number
    back = await owner.send("/undo", undo=number[1], next=path)
    assert back.headers["location"] == f"{path}?done=undone"
    page = await owner.see(back.headers["location"])
    assert "Undone." in page and "Taken back from Luis Ortega" in page
    again = await owner.send("/undo", undo=number[1], next=path)
    assert again.status_code == 409 and "This can no longer be undone." in again.text
    given = await owner.send(f"{path}/assign", driver_id=luis)
    number = UNDO.search(await owner.see(given.headers["location"]))
    assert number
    foreign = await teammate.send("/undo", undo=number[1], next=path)
    assert foreign.status_code == 409, "it was not theirs"
    await teammate.send(f"{path}/assign", driver_id=ana)
    late = await owner.send("/undo", undo=number[1], next=path)
    assert late.status_code == 409
    sentence = f"{world.teammate.name} was faster: the package is assigned to Ana Núñez."
    assert f"Nothing was undone. {sentence}" in html.unescape(late.text)
