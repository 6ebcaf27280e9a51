"""Orders' addresses become places: from points, from people and drivers, or as a question."""

import asyncio
import csv
import io
import json
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from scriptrun_box.accounts import actions as accounts
from scriptrun_box.cli import main
from scriptrun_box.delivery import door as door_acts
from scriptrun_box.delivery.model import AtTheDoor, Handed, Recipient, Stood
from scriptrun_box.geocoding import actions, store
from scriptrun_box.geocoding.loading import Progress, portions
from scriptrun_box.geocoding.reading import km
from scriptrun_box.kernel import ids, outbox
from scriptrun_box.kernel.db import Reader, Writer
from scriptrun_box.kernel.links import Links
from scriptrun_box.kernel.scope import CLI, Scope
from scriptrun_box.packages import actions as packages
from scriptrun_box.packages import proofs
from scriptrun_box.packages.model import Package
from tests.geocoding.boxes import Box, a_box, load, until
from tests.geocoding.real import WAYS, drawn, point_file, written
from tests.shared_box import client_of
from tests.world import header

pytestmark = pytest.mark.anyio

SEED = 120


@pytest.fixture(scope="module")
async def box(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Box]:
    async with a_box(tmp_path_factory.mktemp("box") / "data") as made:
        yield made


async def test_of_120_real_addresses_nine_in_ten_stand_within_150_metres_and_the_rest_is_to_check(
    tmp_path: Path,
) -> None:
    rows, rng = drawn(120, SEED), random.Random(SEED)
    async with a_box(tmp_path / "data") as box:
        texts = [written(each, rng.randrange(WAYS), rng.randrange(1, 400))[0] for each in rows]
        told = await asyncio.to_thread(load, tmp_path / "data", point_file(rows))
        found = await box.looked_up(await box.order(*texts))
        near = rest = 0
        for row, package in zip(rows, found, strict=True):
            at, place = package.location, await box.place(str(package.door))
            if at and at.source == "points" and km((at.lat, at.lng), (row.lat, row.lng)) <= 0.15:
                near += 1
            else:
                rest += 1
                assert place.state == "to_check", package.door
        print(f"within 150 m: {near} of 120, to check: {rest}; {told}")
        assert near >= 108
        assert near + rest == 120


async def test_without_points_an_address_stands_in_the_middle_of_its_zip_and_is_to_check(
    box: Box,
) -> None:
    (package,) = await box.looked_up(await box.order("123 Main St Apt 4B, Miami, FL 33178"))
    assert package.location is not None
    assert (package.location.source, package.location.confidence) == ("zip", "approximate")
    place = await box.place("123 main st, 33178 #4b")
    assert (place.state, place.reason) == ("to_check", "only_zip")
    assert package.created_at == package.updated_at


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("200 Biscayne, Miami FL", "nowhere"),
        ("Pier 4", "no_street"),
        ("PO Box 44, Miami FL 33101", "po_box"),
        ("10 Downing Street, London SW1A 2AA", "abroad"),
        ("Maria Rodriguez", "no_street"),
        ("9" * 500, "too_long"),
        ("22 Oak St, Miami, FL 90210", "zip_state"),
    ],
)
async def test_an_address_nobody_can_find_stays_an_order_and_is_to_check_with_the_reason(
    box: Box, address: str, reason: str
) -> None:
    (package,) = await box.looked_up(await box.order(address))
    assert package.status == "created"
    assert package.location is None
    place = await box.place(str(package.door))
    assert (place.state, place.reason) == ("to_check", reason)


async def test_a_pin_is_remembered_for_the_door_and_moves_every_open_package_of_it(
    box: Box,
) -> None:
    ids = await box.order("24 Oak St #3, Miami, FL 33125", "24 OAK STREET APT 3, MIAMI FL 33125")
    one, two = await box.looked_up(ids)
    assert one.door == two.door
    place = await box.place(str(one.door))
    await box.db.write(actions.pin, box.scope, CLI, place.id, 25.77, -80.23, place.version)
    moved = await box.packages(ids)
    (later,) = await box.looked_up(await box.order("24 Oak St, Unit 3, Miami FL 33125"))
    for package in (*moved, later):
        assert package.location is not None
        assert (package.location.lat, package.location.lng) == (25.77, -80.23)
        assert (package.location.source, package.location.confidence) == ("pin", "exact")
    (neighbour,) = await box.looked_up(await box.order("24 Oak St, Unit 9, Miami FL 33125"))
    assert neighbour.location is not None
    assert (neighbour.location.source, neighbour.location.confidence) == ("known", "near")


async def test_an_edited_address_is_forgotten_at_once_and_looked_up_again(box: Box) -> None:
    (package_id,) = await box.order("26 Oak St, Miami, FL 33125")
    (before,) = await box.looked_up([package_id])
    async with client_of(box.app) as client:
        got = await client.patch(
            f"/api/packages/{package_id}",
            json={"patient_address": "450 Collins Ave, Miami Beach, FL 33139"},
            headers=header(box.world.live),
        )
    assert got.status_code == 200
    await until(lambda: _has_door(box, package_id, "450 collins ave, 33139"))
    (after,) = await box.packages([package_id])
    assert before.location != after.location


async def _has_door(box: Box, package_id: str, door: str) -> bool:
    (package,) = await box.packages([package_id])
    return package.door == door


async def test_points_that_are_loaded_later_place_what_waits_for_a_person(tmp_path: Path) -> None:
    (row,) = drawn(1, 3)
    text = f"{row.street}, {row.town}, {row.state} {row.zip}"
    async with a_box(tmp_path / "data") as box:
        (package,) = await box.looked_up(await box.order(text))
        assert (await box.place(str(package.door))).state == "to_check"
        told = await asyncio.to_thread(load, tmp_path / "data", point_file([row]))
        assert told["looked_for_again"] == 1
        await until(lambda: _is_located(box, str(package.door)))
        (after,) = await box.packages([package.id])
        assert after.location is not None
        assert (after.location.lat, after.location.lng) == (row.lat, row.lng)


async def _is_located(box: Box, door: str) -> bool:
    return (await box.place(door)).state == "located"


async def test_a_corrected_address_sends_its_packages_and_the_next_order_to_the_right_door(
    box: Box,
) -> None:
    (wrong, right) = await box.order("28 Oka St, Miami, FL 90210", "28 Oak St, Miami, FL 33125")
    found = await box.looked_up([wrong, right])
    mistaken = await box.place(str(found[0].door))
    real = await box.place(str(found[1].door))
    read = (await box.app.state.finder.helper.read(["28 Oak St, Miami, FL 33125"]))[0]
    done = await box.db.write(
        actions.correct, box.scope, CLI, mistaken.id, real.text, read, False, mistaken.version
    )
    assert done.id == real.id
    await box.db.write(actions.pin, box.scope, CLI, real.id, 25.77, -80.23, None)
    (next_month,) = await box.order("28 Oka St, Miami, FL 90210")
    for package in (*await box.packages([wrong, right]), *await box.looked_up([next_month])):
        assert package.door == real.door
        assert package.location is not None and package.location.source == "pin"
        assert package.address == "28 Oak St, Miami, FL 33125"


async def test_what_the_desk_wrote_last_is_what_drivers_read_until_the_order_is_changed(
    box: Box,
) -> None:
    sent = "40 Elm St #3, Miami, FL 33125"
    (package_id,) = await box.order("40 Elm, Miami FL")
    (neighbour,) = await box.looked_up(await box.order(sent))
    (before,) = await box.looked_up([package_id])
    for text in ("40 Elm St Apt 3, Miami, FL 33125", "40 Elm St Apt 3, code 12, Miami, FL 33125"):
        (found,) = await box.packages([package_id])
        (read,) = await box.app.state.finder.helper.read([text])
        place = await box.place(str(found.door))
        await box.db.write(actions.correct, box.scope, CLI, place.id, text, read, False, None)
        (found,) = await box.packages([package_id])
        assert (found.address, found.door) == (text, neighbour.door)
        assert found.content.patient_address == before.content.patient_address
        assert not found.content.address_incomplete, "nobody has to check it any more"
    (later,) = await box.looked_up(await box.order("40 Elm, Miami FL"))
    assert later.address == text
    for change, address in (({"notes": "Ring"}, text), ({"patient_address": sent}, sent)):
        async with client_of(box.app) as client:
            path, key = f"/api/packages/{package_id}", header(box.world.live)
            assert (await client.patch(path, json=change, headers=key)).status_code == 200
        (found,) = await box.packages([package_id])
        assert found.address == address and not found.content.address_incomplete


async def test_where_drivers_stood_is_believed_once_three_agree_but_never_over_a_pin(
    box: Box,
) -> None:
    (package,) = await box.looked_up(await box.order("30 Oak St, Miami, FL 33125"))
    door = str(package.door)
    for lat in (25.8, 25.7701, 25.7702):
        await box.db.write(actions.learn, box.scope, door, lat, -80.23)
        assert (await box.place(door)).state == "to_check"
    await box.db.write(actions.learn, box.scope, door, 25.77, -80.23)
    place = await box.place(door)
    assert place.state == "located" and place.location is not None
    assert (place.location.source, place.location.confidence) == ("known", "exact")
    assert km((place.location.lat, place.location.lng), (25.7701, -80.23)) < 0.02
    await box.db.write(actions.pin, box.scope, CLI, place.id, 25.9, -80.1, place.version)
    for _ in range(3):
        await box.db.write(actions.learn, box.scope, door, 25.77, -80.23)
    pinned = (await box.place(door)).location
    assert pinned is not None and pinned.source == "pin"


async def test_the_box_learns_from_where_drivers_were_when_they_handed_something_over(
    box: Box,
) -> None:
    address = "32 Oak St, Miami, FL 33125"
    found = await box.looked_up(await box.order(*[address] * 5, requires_signature=False))
    door = str(found[0].door)
    stood = [(25.77, 8.0), (25.9, 400.0), (25.7701, 12.0), (25.7702, 5.0)]
    for package, (lat, accuracy) in zip(found, stood, strict=False):
        await box.db.write(_hand_over, box.scope, package.id, Stood(lat, -80.23, accuracy))

    async def learned() -> bool:
        return (await box.place(door)).state == "located"

    await until(learned)
    place = (await box.place(door)).location
    assert place is not None and place.source == "known"
    assert km((place.lat, place.lng), (25.7701, -80.23)) < 0.02
    cursor = await box.db.read(outbox.cursor, actions.DOORS_CONSUMER)
    last = await box.db.read(proofs.latest, found[3].id)
    assert last is not None and cursor == ids.moment_of(last.id)


def _hand_over(w: Writer, scope: Scope, package_id: str, stood: Stood) -> None:
    packages.move_on(w, scope, CLI, package_id, "assign", driver_id="drv_luis")
    packages.move_on(w, scope, CLI, package_id, "start")
    at = AtTheDoor(ids.hex_id(), "drv_luis", w.now, w.now, w.now, place=stood)
    handed = Handed("to_person", Recipient("Ann", "patient"))
    links = Links("http://127.0.0.1:8787", "a secret of tests")
    (outcome,) = door_acts.deliver(
        w, scope, CLI, [package_id], at, handed, {}, links, whole_ids=False
    ).values()
    assert isinstance(outcome, Package)


async def test_a_pharmacy_stands_where_its_address_is_and_moves_with_it(tmp_path: Path) -> None:
    rows = drawn(2, 9)
    async with a_box(tmp_path / "data") as box:
        await asyncio.to_thread(load, tmp_path / "data", point_file(rows))
        for row in rows:
            await _move_pharmacy(box, f"{row.street}, {row.town}, {row.state} {row.zip}")
            await until(lambda row=row: _pharmacy_is_at(box, (row.lat, row.lng)))


async def _move_pharmacy(box: Box, address: str) -> None:
    place = box.world.pharmacy.location
    await box.db.write(
        accounts.change_location,
        place.tenant_id,
        CLI,
        place.id,
        name=place.name,
        address=address,
        time_zone=place.time_zone,
    )


async def _pharmacy_is_at(box: Box, point: tuple[float, float]) -> bool:
    def at(r: Reader) -> tuple[float, float]:
        row = r.one(
            "SELECT lat, lng FROM locations WHERE id = ?", (box.world.pharmacy.location.id,)
        )
        return row["lat"], row["lng"]

    return await box.db.read(at) == point


async def test_another_tenant_and_the_sandbox_know_nothing_of_a_pin(box: Box) -> None:
    (package,) = await box.looked_up(await box.order("32 Oak St, Miami, FL 33125"))
    place = await box.place(str(package.door))
    await box.db.write(actions.pin, box.scope, CLI, place.id, 25.77, -80.23, None)
    for scope in (box.world.sandbox_scope, Scope(box.world.elsewhere.tenant.id)):
        assert await box.db.read(store.at_door, scope, place.door) is None
        assert await box.db.read(store.get, scope, place.id) is None


def test_a_file_of_points_is_loaded_again_in_place_of_itself_and_its_bad_rows_are_told(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "data"
    words = ["init", "--pharmacy", "Corner Drug", "--email", "owner@corner-drug.example",
             "--password-stdin", "--data", str(folder)]  # fmt: skip
    done = CliRunner().invoke(main, words, input="a dozen blue umbrellas\n")
    assert done.exit_code == 0, done.output
    rows = drawn(30, 4)
    bad = "no,lat,1,Oak St,,,,,,,\n500,100,1,Oak St,,,,,,,\n-80,25,,Oak St,,,,,,,\n"
    for _ in range(2):
        told = load(folder, point_file(rows) + bad)
        assert told["points"] == len({(r.street, r.zip, r.unit) for r in rows})
        assert told["bad_rows"] == 3
        assert sum(told["bad"].values()) == 3
    seen = CliRunner().invoke(main, ["geocode", "status", "--data", str(folder), "--json"])
    (file,) = json.loads(seen.output)["files"]
    assert (file["points"], file["bad_rows"]) == (told["points"], 3)
    beside = load(folder, point_file(drawn(5, 5)), "--add")
    seen = CliRunner().invoke(main, ["geocode", "status", "--data", str(folder)])
    assert f"{beside['points']} points" in seen.output and f"{told['points']} points" in seen.output


@pytest.mark.parametrize("text", ["", "a,b,c\n1,2,3\n", "LON,LAT,NUMBER,STREET\n", "\x00\xff"])
def test_a_file_without_points_is_refused_in_one_sentence_and_changes_nothing(
    tmp_path: Path, text: str
) -> None:
    folder = tmp_path / "data"
    CliRunner().invoke(
        main,
        ["init", "--pharmacy", "Corner Drug", "--email", "o@corner-drug.example",
         "--password-stdin", "--data", str(folder)],
        input="a dozen blue umbrellas\n",
    )  # fmt: skip
    before = load(folder, point_file(drawn(3, 6)))
    file = tmp_path / "bad.csv"
    file.write_text(text)
    done = CliRunner().invoke(main, ["geocode", "load", str(file), "--data", str(folder)])
    assert done.exit_code == 1
    assert done.output.count("\n") <= 2 and "Traceback" not in done.output
    seen = CliRunner().invoke(main, ["geocode", "status", "--data", str(folder), "--json"])
    assert [each["points"] for each in json.loads(seen.output)["files"]] == [before["points"]]


def test_a_county_s_own_column_names_are_understood(tmp_path: Path) -> None:
    out = io.StringIO()
    lines = csv.writer(out, delimiter=";")
    lines.writerow(("OBJECTID", "HSE_NUM", "PRE_DIR", "ST_NAME", "ST_TYPE", "ZIP5", "X", "Y"))
    lines.writerow((1, 2100, "SW", "8th", "Street", "33135", -80.23, 25.76))
    ((point,),) = portions(io.StringIO(out.getvalue()), Progress())
    assert (point.street, point.number, point.zip) == ("sw 8th st", "2100", "33135")
    assert (point.lat, point.lng) == (25.76, -80.23)


async def test_what_was_corrected_to_an_address_that_is_corrected_itself_goes_to_the_last_one(
    box: Box,
) -> None:
    texts = [f"{number} Birch St, Miami, FL 33125" for number in (1, 2, 3)]
    ids = await box.order(*texts)
    await box.looked_up(ids)
    doors = [f"{number} birch st, 33125" for number in (1, 2, 3)]
    for wrong, right in ((0, 1), (1, 2)):
        place = await box.place(doors[wrong])
        read = (await box.app.state.finder.helper.read([texts[right]]))[0]
        await box.db.write(
            actions.correct, box.scope, CLI, place.id, texts[right], read, False, None
        )
    later = await box.looked_up(await box.order(texts[0]))
    assert {each.door for each in (*await box.packages(ids), *later)} == {doors[2]}
