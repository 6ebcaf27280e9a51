"""The desk's addresses: what is to check and why, the drawing, and what is decided about each."""

import csv
import html
import io
import itertools
import re
from typing import Any
from urllib.parse import urlencode

import pytest

from scriptrun_box.geocoding import actions, store
from scriptrun_box.geocoding.model import Place, Point
from scriptrun_box.geocoding.reading import Parts, Read, km
from scriptrun_box.kernel.db import Reader, Writer
from scriptrun_box.kernel.scope import CLI, Scope
from scriptrun_box.packages import actions as packages
from scriptrun_box.packages import store as packages_store
from tests.ui.conftest import Push, Visit, Visitor
from tests.world import World

pytestmark = pytest.mark.anyio

NUMBERS = itertools.count(101)
MIDDLE = (25.7825, -80.2397)
STAMP = re.compile(r'name="stamp" value="(\d+)"')
IMAGE = re.compile(r'src="(/addresses/[^"]+drawing\.svg[^"]*)"')


def make(w: Writer, scope: Scope, text: str = "", problem: str = "", **parts: str) -> Place:
    """An address that is to check; its number is nobody else's."""
    number = str(next(NUMBERS))
    told = Parts(**{"number": number, "street": "Elm St", "zip": "33125", **parts})
    door = f"{told.number} elm st, 33125"
    text = text or f"{told.number} Elm St, Miami, FL 33125"
    made = store.insert(w, scope, text, Read(told, door, door, "", MIDDLE))
    actions.settle(w, made, ask=False, problem=problem)
    return actions.find(w, scope, made.id)


async def to_check(world: World, text: str = "", problem: str = "", **parts: str) -> Place:
    return await world.db.write(make, world.scope, text, problem, **parts)


async def sent(visitor: Visitor, place: Place, act: str, **fields: str) -> Any:
    """A form of the address's own page."""
    stamp = STAMP.search(await visitor.see(f"/addresses/{place.id}"))
    assert stamp
    return await visitor.send(f"/addresses/{place.id}/{act}", stamp=stamp[1], **fields)


async def now(world: World, place: Place) -> Place:
    return await world.db.read(actions.find, world.scope, place.id)


async def test_the_list_says_why_each_is_to_check_and_counts_them_in_the_navigation(
    visit: Visit, world: World
) -> None:
    await to_check(world, "Pier <b>4</b>", "no_street")
    await to_check(world, "PO Box 44, Miami FL 33101", "po_box")
    teammate, stranger = await visit("teammate"), await visit("other_owner")
    page = await teammate.see("/addresses")
    assert "Pier &lt;b&gt;4" in page and "There is no street in it." in page
    assert "A post office box has no door" in page
    assert "No address points are loaded" in page
    found = await teammate.see("/addresses?q=box+44")
    assert "PO Box 44" in found and "Pier" not in found
    assert "1 address<" in found
    assert "Nothing to check" in await stranger.see("/addresses")
    assert 'data-count="/addresses" hidden' in await stranger.see("/")
    assert 'data-count="/addresses">' in await teammate.see("/")


async def test_a_pin_is_put_by_typing_degrees_and_moves_the_packages(
    visit: Visit, world: World, push: Push
) -> None:
    place = await to_check(world)
    (package_id,) = await push({"patient_address": place.text})
    await world.db.write(packages.locate, world.scope, [package_id], place.door, place.location)
    teammate = await visit("teammate")
    page = await teammate.see(f"/addresses/{place.id}")
    assert package_id in page and "only the middle of its ZIP" in page
    answer = await sent(teammate, place, "pin", lat=" 25.77713", lng="-80.23456")
    assert (answer.status_code, answer.headers["location"]) == (303, "/addresses?done=pin")
    package = await world.db.read(packages_store.get, world.scope, package_id)
    assert package is not None and package.location is not None
    assert (package.location.lat, package.location.lng) == (25.77713, -80.23456)
    after = await teammate.see(f"/addresses/{place.id}")
    assert "pinned here at the desk" in after and "Decided by" in after


@pytest.mark.parametrize(
    ("lat", "lng"), [("", ""), ("here", "-80"), ("91", "-80"), ("nan", "-80"), ("25", "inf")]
)
async def test_degrees_that_are_none_are_told_and_nothing_is_saved(
    visit: Visit, world: World, lat: str, lng: str
) -> None:
    place = await to_check(world)
    answer = await sent(await visit("teammate"), place, "pin", lat=lat, lng=lng)
    assert answer.status_code == 400
    assert "Write degrees such as" in html.unescape(answer.text)
    assert await now(world, place) == place


async def test_accepting_keeps_it_where_it_stands_and_asking_keeps_it_to_check(
    visit: Visit, world: World
) -> None:
    one, two = await to_check(world), await to_check(world)
    owner = await visit("owner")
    assert (await sent(owner, one, "accept")).status_code == 303
    accepted = await now(world, one)
    assert (accepted.state, accepted.location) == ("located", one.location)
    assert accepted.decided_by == f"user:{world.owner.id}"
    assert (await sent(owner, two, "ask")).status_code == 303
    asked = await now(world, two)
    assert asked.state == "to_check" and asked.asked_at is not None
    assert "asked" in await owner.see("/addresses")


async def test_of_two_who_decide_at_once_one_wins_and_the_other_hears_it(
    visit: Visit, world: World
) -> None:
    place = await to_check(world)
    one, two = await visit("owner"), await visit("teammate")
    stamp = str(place.version)
    path = f"/addresses/{place.id}/pin"
    first = await one.send(path, stamp=stamp, lat="25.7", lng="-80.2")
    second = await two.send(path, stamp=stamp, lat="25.8", lng="-80.3")
    assert (first.status_code, second.status_code) == (303, 409)
    assert "changed meanwhile" in second.text
    at = (await now(world, place)).location
    assert at is not None and at.lat == 25.7


async def test_correcting_leads_to_the_right_door_and_wrong_parts_are_told_where_they_are(
    visit: Visit, world: World
) -> None:
    place = await to_check(world, street="Eml St")
    teammate = await visit("teammate")
    parts = {"number": "7", "street": "Elm Street", "town": "Miami", "state": "FL"}
    wrong = await sent(teammate, place, "correct", **parts, zip="90210")
    assert wrong.status_code == 400 and "The ZIP belongs to another state." in wrong.text
    assert 'value="Elm Street"' in wrong.text
    strange = await sent(teammate, place, "correct", **{**parts, "state": "Atlantis"}, zip="33125")
    assert strange.status_code == 400 and "state is two letters" in strange.text
    right = await sent(teammate, place, "correct", **parts, zip="33125")
    assert right.status_code == 303
    assert (await now(world, place)).same_as == "7 elm st, 33125"
    listed = await teammate.see("/addresses?q=elm")
    assert place.id not in listed and "7 Elm Street" in listed


async def test_a_package_says_where_its_door_is_and_what_its_address_was_corrected_to(
    visit: Visit, world: World, push: Push
) -> None:
    place = await to_check(world, street="Eml St")
    (package_id,) = await push({"patient_address": place.text})
    teammate = await visit("teammate")
    assert "/addresses/adr_" not in await teammate.see(f"/packages/{package_id}")
    await world.db.write(packages.locate, world.scope, [package_id], place.door, place.location)
    page = await teammate.see(f"/packages/{package_id}")
    assert f"/addresses/{place.id}" in page and "to check" in page
    parts = {"number": "9", "street": "Elm Street", "town": "Miami", "state": "FL", "zip": "33125"}
    assert (await sent(teammate, place, "correct", **parts)).status_code == 303
    page = await teammate.see(f"/packages/{package_id}")
    assert "9 Elm Street, Miami, FL 33125, as corrected at the desk" in page


async def test_a_click_on_the_drawing_is_a_place_and_the_houses_of_the_street_are_in_it(
    visit: Visit, world: World
) -> None:
    houses = [Point("elm st", str(n), "33125", "miami", "", 25.77 + n / 1e5, -80.23) for n in
              range(10, 60, 10)]  # fmt: skip

    def load(w: Writer) -> None:
        file = store.begin_file(w, "houses.csv")
        store.add_points(w, file, houses)
        store.finish_file(w, file, 0)

    await world.db.write(load)
    place = await to_check(world)
    teammate = await visit("teammate")
    page = await teammate.see(f"/addresses/{place.id}")
    image = IMAGE.search(page)
    assert image and "No address points are loaded" not in await teammate.see("/addresses")
    drawn = await teammate.http.get(html.unescape(image[1]))
    assert drawn.headers["content-type"].startswith("image/svg+xml")
    dots = dict(re.findall(r'<circle cx="[\d.]+" cy="([\d.]+)" r="3"[^>]*/><text[^>]*>(\d+)<',
                           drawn.text))  # fmt: skip
    numbers = {number: float(y) for y, number in dots.items()}
    assert numbers.keys() == {house.number for house in houses}
    view = re.search(r'name="at" value="([^"]+)"', page)
    assert view
    for house in houses:
        spot = {"at": view[1], "spot.x": "160", "spot.y": str(round(numbers[house.number]))}
        clicked = await teammate.see(f"/addresses/{place.id}?{urlencode(spot)}")
        lat, lng = (re.search(rf'name="{each}" value="([-\d.]+)"', clicked) for each in
                    ("lat", "lng"))  # fmt: skip
        assert lat and lng
        assert km((float(lat[1]), float(lng[1])), (house.lat, house.lng)) < 0.002


@pytest.mark.parametrize(
    "query", ["at=x", "at=1,2", "at=nan,0,100", "at=0,0,1e9", "spot.x=0&spot.y=0", "spot.x=9999999"]
)
async def test_an_address_of_a_drawing_that_makes_no_sense_shows_the_first_view(
    visit: Visit, world: World, query: str
) -> None:
    place = await to_check(world)
    teammate = await visit("teammate")
    await teammate.see(f"/addresses/{place.id}?{query}")
    await teammate.see(f"/addresses/{place.id}/drawing.svg?{query}")


async def test_the_csv_has_what_the_list_has_and_no_formula(visit: Visit, world: World) -> None:
    await to_check(world, "=1+1 Elm St", "no_number")
    teammate = await visit("teammate")
    answer = await teammate.http.get("/addresses.csv?q=elm")
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert len(rows) == await world.db.read(store.count, world.scope, "to_check", "elm")
    assert "'=1+1 Elm St" in {row["address"] for row in rows}
    assert {row["state"] for row in rows} == {"to_check"}


async def test_the_sandbox_has_addresses_of_its_own(visit: Visit, world: World) -> None:
    place = await to_check(world, "Somewhere live", "no_street")
    owner = await visit("owner")
    await owner.show_sandbox()
    try:
        assert "Somewhere live" not in await owner.see("/addresses")
        await owner.see(f"/addresses/{place.id}", 404)
    finally:
        await owner.send("/sandbox", test="0", next="/")


async def test_every_decision_is_in_the_audit_without_the_address(
    visit: Visit, world: World
) -> None:
    place = await to_check(world)
    await world.db.write(actions.pin, world.scope, CLI, place.id, 25.7, -80.2, place.version)

    def told(r: Reader) -> list[tuple[str, str, str]]:
        rows = r.all("SELECT act, actor, detail FROM audit WHERE subject = ?", (place.id,))
        return [(row["act"], row["actor"], row["detail"]) for row in rows]

    assert await world.db.read(told) == [("address.pinned", "cli", "{}")]
