"""A route on paper: its manifest, its labels, and its stops on the pick list."""

import itertools
import re
from dataclasses import dataclass

import httpx
import pytest
from starlette.applications import Starlette

from scriptrun_box.kernel.db import Writer
from scriptrun_box.kernel.scope import CLI, Scope
from scriptrun_box.packages import actions as packages
from scriptrun_box.packages import doors
from scriptrun_box.paper import gather
from scriptrun_box.routes import actions as routes
from tests.drivers.people import hire, parcel, post
from tests.patients.people import change, patient
from tests.routes.people import step
from tests.ui.visits import Visitor
from tests.world import World, header

from .reading import codes_of, fields_of, pages_of

pytestmark = pytest.mark.anyio
DAYS = (f"2026-05-{day:02}" for day in itertools.count(1))  # one each: nobody's duplicate
EVERYTHING = ["cold_chain", "controlled", "card_reader"]


@dataclass
class Made:
    """A route of three bags at two doors."""

    id: str
    day: str
    bags: list[str]
    http: httpx.AsyncClient
    world: World

    async def label(self, package_id: str) -> list[str]:
        path = f"/api/packages/{package_id}/label?format=zpl"
        answer = await self.http.get(path, headers=header(self.world.live))
        return [field.text for field in fields_of(answer.content)]


@pytest.fixture
async def route(client: httpx.AsyncClient, world: World) -> Made:
    day = next(DAYS)
    luis = await hire(
        client, world.live, name="Luis Ortega", vehicle="Van 3", capabilities=EVERYTHING
    )
    together = {"patient_address": "9 Door St Apt 2, Miami, FL 33139", "delivery_date": day}
    secret = {"rx_number": "ZZRX99", "medications": ["Zzmorphine"], "barcode": "ZZBAR9"}
    bags = [
        await parcel(client, world.live, patient_name="Ann Lee", copay_amount=12.5, **together),
        await parcel(client, world.live, patient_name="Bob Lee", **together, **secret),
        await parcel(
            client,
            world.live,
            patient_name="Cy Poe",
            patient_address="1 Far Rd, Miami, FL 33139",
            delivery_date=day,
            controlled_substance=True,
            notes="Zzmorphine inside",
            copay_amount=10,
            **secret,
        ),
    ]
    wish = {"driver_id": luis["id"], "date": day, "package_ids": bags}
    answer = await post(client, world.live, "/api/routes", **wish)
    assert answer.status_code == 201, answer.text
    return Made(answer.json()["id"], day, bags, client, world)


@pytest.fixture
def owner(client: httpx.AsyncClient, world: World) -> Visitor:
    return Visitor(client, world, "owner")


async def test_a_label_says_the_stop_and_counts_the_bags_of_the_door(route: Made) -> None:
    first = await route.label(route.bags[1])
    assert first[first.index("STOP") + 1] == "1"
    assert "of 2" in first and "BAG 2 OF 2" in first
    second = await route.label(route.bags[2])
    assert second[second.index("STOP") + 1] == "2"
    assert not any(text.startswith("BAG") for text in second)


async def test_the_manifest_lists_stops_with_codes_and_nothing_a_driver_may_not_see(
    route: Made, owner: Visitor
) -> None:
    answer = await owner.get(f"/routes/{route.id}/manifest.pdf")
    text = " ".join(pages_of(answer.content))
    page = (await owner.get(f"/routes/{route.id}/manifest")).text
    page = page[page.index('<article class="paper sheet"') : page.index("</main>")]
    for paper in (text, page):
        for part in (
            "Luis Ortega", "Van 3", "2 stops, 3 bags", "$35.00 to collect", "9 Door St", "Apt 2",
            "Ann Lee", "Bob Lee", "Cy Poe", "ID CHECK", "Signature, required",
        ):  # fmt: skip
            assert part in re.sub(r"<[^>]+>", "", paper), part
        assert not re.search("zzrx|zzmorphine|zzbar|controlled", paper, re.IGNORECASE)
    (codes,) = codes_of(answer.content)
    bags = [f"SRB:P:{each.upper()}" for each in route.bags]
    assert codes == sorted([*bags, "SRB:R:" + route.id.removeprefix("rte_").upper()])


async def test_drivers_read_a_corrected_address_and_what_their_patient_asks_for_every_time(
    app: Starlette, client: httpx.AsyncClient, world: World
) -> None:
    day, number = next(DAYS), "ZZPMS-4"
    luis = await hire(client, world.live, name="Luis Ortega")
    plain = {"external_patient_id": number, "requires_signature": False, "copay_amount": 0}
    wrong = {"patient_address": "12 Oka St, Miami, FL 33125", **plain}
    older = await parcel(
        client, world.live, **wrong, delivery_date="2026-01-02", medications=["Zzozempic"]
    )
    bag = await parcel(client, world.live, **wrong, delivery_date=day)
    one = await patient(app, client, world.live, external_patient_id=number)
    said = {"instructions": "Ring twice", "may_receive": ["Jorge", "Zzozempic nurse"]}
    await change(client, world.live, one["id"], **said, leave_at_door=True)
    await world.db.write(doors.correct, [bag], "12 Oak St Apt 9, Miami, FL 33125")
    wish = {"driver_id": luis["id"], "date": day, "package_ids": [bag]}
    route_id = (await post(client, world.live, "/api/routes", **wish)).json()["id"]
    sheet = await world.db.read(gather.manifest, world.scope, route_id)
    label = await world.db.read(gather.label, world.scope, bag)
    for door in (sheet.stops[0].door, label.door):
        assert (door.street, door.unit) == ("12 Oak St", "Apt 9")
    assert sheet.stops[0].bags[0].notes == ("Ring twice", "May receive it: Jorge")
    assert sheet.stops[0].bags[0].words == ("MAY BE LEFT AT DOOR",)
    kept = (await client.get(f"/api/packages/{bag}", headers=header(world.live))).json()
    assert kept["patient_address"] == wrong["patient_address"], "the order's own words stay"
    assert older != bag


async def test_labels_of_a_route_come_in_the_order_of_its_stops(
    route: Made, owner: Visitor
) -> None:
    pages = pages_of((await owner.get(f"/routes/{route.id}/labels.pdf")).content)
    names = ("Ann Lee", "Bob Lee", "Cy Poe")
    assert [name in page for name, page in zip(names, pages, strict=True)] == [True] * 3
    assert "Cy Poe" in (await owner.get(f"/routes/{route.id}/labels")).text


async def test_the_manifest_of_a_route_under_way_lists_what_is_left_under_its_number(
    route: Made, world: World
) -> None:
    scope, cy = world.scope, route.bags[2]
    await world.db.write(_drive, scope, route.id, route.bags, route.bags[:2])
    left = await world.db.read(gather.manifest, scope, route.id)
    assert [(stop.number, [bag.name for bag in stop.bags]) for stop in left.stops] == [
        (2, ["Cy Poe"])
    ]
    assert left.collect == "$10.00"
    assert await world.db.read(gather.ids_of_route, scope, route.id) == [cy]


def _drive(w: Writer, scope: Scope, route_id: str, bags: list[str], done: list[str]) -> None:
    """Start with everything handed over, and deliver some."""
    for package_id in bags:
        gates = ["packed_at", "released_at", "handed_over_at"]
        packages.set_gates(w, scope, CLI, packages.find(w, scope, package_id), gates)
    routes.start(w, scope, CLI, route_id)
    for package_id in done:
        step(w, scope, package_id, "deliver")


async def test_the_pick_list_names_stops(route: Made, owner: Visitor) -> None:
    page = (await owner.get(f"/pick-list?date={route.day}")).text
    assert "Luis Ortega: 3 bags" in page
    assert "stop 1 bag 2 of 2" in " ".join(page.split())
    assert f'href="/routes/{route.id}/manifest"' in page
    assert f'href="/routes/{route.id}/labels"' in page


@pytest.mark.parametrize("route_id", ["nonsense", "rte_" + "0" * 32])
@pytest.mark.parametrize("what", ["manifest", "manifest.pdf", "labels", "labels.pdf"])
async def test_a_route_that_is_none_has_no_paper(owner: Visitor, route_id: str, what: str) -> None:
    assert (await owner.get(f"/routes/{route_id}/{what}")).status_code == 404
