"""The cold chain on the screens: packing, what is pressing, bags and the rule, a decision."""

import html
import re

import pytest

from scriptrun_box.delivery.cold import quarantine
from scriptrun_box.packages import actions as packages
from scriptrun_box.ui import chilling
from tests.delivery.cold.people import long_ago, recording
from tests.routes.people import step
from tests.ui.conftest import Push, Visit, Visitor
from tests.world import World

pytestmark = pytest.mark.anyio
OPTION = re.compile(r'<option value="(bag_[^"]+)"')
STATE = re.compile(
    r'data-key="([0-9a-f]{32})".*?<span class="pill [a-z]*">([^<]+)</span>', re.DOTALL
)
TILE = re.compile(r'<a class="tile[^>]*href="/cold\?state=(\w+)[^>]*><b>(\d+)</b>')
WAITING = re.compile(r'name="quarantine" value="([^"]+)"')
PACKED = {"celsius": "4.5", "gel_packs": "2", "indicator_id": "WM-1042"}


async def add_bag(owner: Visitor, name: str = "Blue 12 L", minutes: str = "240") -> str:
    """The id of a new bag."""
    answer = await owner.send("/cold/bags", name=name, hold_minutes=minutes)
    assert answer.headers["location"] == "/cold?done=bag#bags", answer.text
    return OPTION.findall(await owner.see("/cold"))[-1]


def states(page: str) -> dict[str, str]:
    return dict(STATE.findall(page))


async def test_without_cold_packages_or_bags_the_page_says_what_comes_here(visit: Visit) -> None:
    owner, teammate = await visit("owner"), await visit("teammate")
    page = await owner.see("/cold")
    assert "Nothing cold today" in page and "add the first one below" in page
    assert "an owner or a pharmacist adds one" in await teammate.see("/cold")
    answer = await teammate.send("/cold/bags", name="Blue", hold_minutes="60")
    assert answer.status_code == 403


async def test_what_is_ticked_is_packed_in_one_go_and_the_others_are_named(
    visit: Visit, push: Push
) -> None:
    owner = await visit("owner")
    bag_id = await add_bag(owner)
    one, two = await push(
        {"cold_chain": True, "patient_name": "Ada One"},
        {"cold_chain": True, "patient_name": "Bea Two"},
    )
    await push({"patient_name": "Room Temperature"})
    page = await owner.see("/cold")
    assert states(page) == {one: "To pack", two: "To pack"}
    assert dict(TILE.findall(page))["to_pack"] == "2"
    assert "Room Temperature" not in page
    answer = await owner.send("/cold/pack", package_ids=one, bag_id=bag_id, **PACKED)
    assert answer.headers["location"] == "/cold?done=packed"
    page = await owner.see("/cold")
    assert states(page) == {two: "To pack", one: "Packed"}
    assert "3 h 59 min left" in page and "4.5 °C (40.1 °F), 2 gel packs" in page
    answer = await owner.send("/cold/pack", package_ids=one, bag_id=bag_id, **PACKED)
    assert answer.status_code == 409
    assert "Ada One: This package is packed already." in html.unescape(answer.text)
    for wrong, words in (
        ({"celsius": "9"}, "It is packed at 2 to 8 °C only."),
        ({"celsius": "warm"}, "Write degrees, such as 4.5, or 40 F."),
        ({"bag_id": ""}, "Choose a bag."),
    ):
        fields = {"bag_id": bag_id, **PACKED, **wrong}
        answer = await owner.send("/cold/pack", package_ids=two, **fields)
        assert answer.status_code == 400
        assert words in html.unescape(answer.text)
    assert states(await owner.see("/cold"))[two] == "To pack"
    assert states(await owner.see("/cold?q=ada")) == {one: "Packed"}
    assert states(await owner.see("/cold?q=wm1042")) == {one: "Packed"}
    assert states(await owner.see("/cold?state=to_pack")) == {two: "To pack"}
    assert states(await owner.see("/cold?date=2026-01-01")) == {}
    csv = await owner.see("/cold.csv?state=packed")
    assert csv.splitlines()[1].startswith(
        f"{one},packed,Ada One,RX-8872341,created,Blue 12 L,2,4.5"
    )


async def test_a_package_is_packed_and_unpacked_on_its_own_page_in_fahrenheit_too(
    visit: Visit, push: Push
) -> None:
    owner, teammate = await visit("owner"), await visit("teammate")
    bag_id = await add_bag(owner)
    (package_id,) = await push({"cold_chain": True})
    assert "Pack it" in await teammate.see(f"/packages/{package_id}")
    path = f"/packages/{package_id}/pack"
    answer = await teammate.send(path, bag_id=bag_id, celsius="50 F")
    assert answer.status_code == 400 and "It is packed at 2 to 8 °C only." in answer.text
    answer = await teammate.send(path, bag_id=bag_id, celsius="40 F")
    assert answer.headers["location"] == f"/packages/{package_id}?done=packed"
    page = await teammate.see(f"/packages/{package_id}")
    assert "in Blue 12 L at 4.44 °C (40.0 °F)" in page and "Packed cold" in page
    answer = await teammate.send(f"/packages/{package_id}/unpack")
    assert answer.headers["location"] == f"/packages/{package_id}?done=unpacked"
    assert "Taken out of its bag" in await teammate.see(f"/packages/{package_id}")


async def test_a_bag_whose_time_is_over_is_at_risk_then_quarantined_and_a_pharmacist_decides(
    visit: Visit, push: Push, world: World
) -> None:
    owner, pharmacist, teammate = [await visit(who) for who in ("owner", "pharmacist", "teammate")]
    bag_id = await add_bag(owner, minutes="60")
    (package_id,) = await push({"cold_chain": True})
    await owner.send(f"/packages/{package_id}/pack", bag_id=bag_id, celsius="4.5")
    for act in ("assign", "start"):
        await world.db.write(step, world.scope, package_id, act)
    assert states(await owner.see("/cold")) == {package_id: "Out"}
    await world.db.write(long_ago, package_id, 75)
    page = await owner.see("/cold")
    assert states(page) == {package_id: "At risk"} and "over for 15 min" in page
    await quarantine.watch(world.db)
    assert states(await owner.see("/cold")) == {package_id: "In quarantine"}
    board = await owner.see("/board")
    assert "Quarantine" in board and "its bag is no longer cold" in html.unescape(board)
    path = f"/packages/{package_id}/cold"
    assert "A pharmacist decides what becomes of it" in await teammate.see(path)
    page = await pharmacist.see(path)
    found = WAITING.search(page)
    assert found and "the bag's time was over" in html.unescape(page)
    decision = {"quarantine": found[1], "disposition": "release", "words": "The maker allows it"}
    answer = await teammate.send(f"/packages/{package_id}/disposition", **decision)
    assert answer.status_code == 403
    answer = await pharmacist.send(
        f"/packages/{package_id}/disposition", **decision | {"words": ""}
    )
    assert answer.status_code == 400 and "Say why" in answer.text
    answer = await pharmacist.send(f"/packages/{package_id}/disposition", **decision)
    assert answer.headers["location"] == f"{path}?done=decided"
    page = await pharmacist.see(path)
    assert "The maker allows it" in page and "The pharmacist" in page
    timeline = html.unescape(await owner.see(f"/packages/{package_id}"))
    assert "Pharmacist's decision: released" in timeline
    answer = await pharmacist.send(f"/packages/{package_id}/disposition", **decision)
    assert answer.status_code == 409


async def test_a_loggers_file_is_drawn_and_its_bad_lines_are_told(
    visit: Visit, push: Push, world: World
) -> None:
    owner = await visit("owner")
    bag_id = await add_bag(owner)
    (package_id,) = await push({"cold_chain": True})
    await owner.send(f"/packages/{package_id}/pack", bag_id=bag_id, celsius="4.5")
    await world.db.write(long_ago, package_id, 200)
    package = await world.db.write(packages.find, world.scope, package_id)
    text = recording([5, 9, 9, 9, 9, 9, 9, 9, 9, 5], package.packed_at or 0) + "\nlow battery"
    path = f"/packages/{package_id}"
    page = await owner.see(f"{path}/cold")
    token = re.search(r'name="csrf" value="([^"]+)"', page)
    assert token
    answer = await owner.http.post(
        f"{path}/logger",
        data={"csrf": token[1]},
        files={"file": ("logger.csv", text.encode("utf-16"), "text/csv")},
    )
    assert answer.headers["location"] == f"{path}/cold?done=imported", answer.text
    page = html.unescape(await owner.see(f"{path}/cold"))
    assert "10 readings, 10 new, 1 line could not be read" in page
    assert "Line 12: a column is missing" in page
    assert '<polyline class="line" points="' in page and '<rect class="band"' in page
    assert "too warm, 9 °C (48.2 °F), for 1 h" in page
    csv = (await owner.see(f"{path}/cold.csv")).splitlines()
    assert len(csv) == 1 + 1 + 10 and ",logger,9.0,48.2,," in csv[4]
    answer = await owner.send(f"{path}/logger", text="Maria,Rodriguez")
    assert answer.status_code == 400 and "No column of times" in answer.text
    answer = await owner.send(f"{path}/logger")
    assert answer.status_code == 400
    answer = await owner.send(f"{path}/temperature", celsius="41 F", indicator="unchanged")
    assert answer.headers["location"] == f"{path}/cold?done=read"
    answer = await owner.send(f"{path}/temperature")
    assert answer.status_code == 400 and "Write degrees, such as 4.5" in answer.text


async def test_the_rule_is_the_owners_and_the_pharmacists(visit: Visit) -> None:
    pharmacist = await visit("pharmacist")
    strict = {"low": "36 F", "low_minutes": "5", "high": "7.5", "high_minutes": "10"}
    answer = await pharmacist.send("/cold/rule", **strict)
    assert answer.headers["location"] == "/cold?done=rule#rule"
    page = await pharmacist.see("/cold")
    assert "Above 7.5 °C (45.5 °F) for 10 min or longer" in page
    assert "below 2.22 °C (36.0 °F) for 5 min or longer" in page
    answer = await pharmacist.send("/cold/rule", **strict | {"low": "9"})
    assert answer.status_code == 400
    assert "The lower limit lies below the upper one." in answer.text


async def test_a_bag_out_of_use_is_no_longer_offered_and_comes_back(
    visit: Visit, push: Push
) -> None:
    owner = await visit("owner")
    bag_id = await add_bag(owner)
    await owner.send(f"/cold/bags/{bag_id}", retired="yes")
    page = await owner.see("/cold")
    assert "Out of use" in page and OPTION.findall(page) == []
    await owner.send(f"/cold/bags/{bag_id}", retired="no")
    assert OPTION.findall(await owner.see("/cold")) == [bag_id]
    answer = await owner.send("/cold/bags", name="Blue 12 L", hold_minutes="60")
    assert answer.status_code == 400 and "There is a bag with this name already." in answer.text
    answer = await owner.send(f"/cold/bags/{bag_id}", hold_minutes="99", stamp="1")
    assert answer.status_code == 409


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("4.5", 4.5), ("4,5 °C", 4.5), ("40.1F", 4.5), ("-18", -18.0), ("", None), ("4.5.1", "4.5.1")],
)
def test_degrees_are_read_as_people_type_them(typed: str, meant: float | str | None) -> None:
    assert chilling.typed_degrees(typed) == meant


@pytest.mark.parametrize(
    ("minutes", "words"),
    [(0, "0 min left"), (200, "3 h 20 min left"), (240, "4 h left"), (-61, "over for 1 h 1 min")],
)
def test_what_is_left_of_a_bags_time_is_said_as_people_say_it(minutes: int, words: str) -> None:
    assert chilling.left_text(minutes * 60_000, 0) == words
