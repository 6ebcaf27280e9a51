"""The cold chain over HTTP: packed, measured, read in; what is wrong is told by field and line."""

from typing import Any

import httpx
import pytest

from scriptrun_box.delivery.cold import logger
from scriptrun_box.delivery.cold.readings import PART
from scriptrun_box.kernel import clock
from scriptrun_box.kernel.clock import iso
from tests.drivers.people import parcel, post
from tests.world import World, header

from .people import bag, cold_parcel, long_ago, packed, recording

pytestmark = pytest.mark.anyio


async def story_of(client: httpx.AsyncClient, world: World, package_id: str) -> dict[str, Any]:
    answer = await client.get(f"/api/packages/{package_id}/cold", headers=header(world.live))
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def test_a_package_is_packed_and_unpacked_and_its_story_says_so(
    client: httpx.AsyncClient, world: World
) -> None:
    package_id, bag_id = await cold_parcel(client, world), await bag(world, 90)
    path = f"/api/packages/{package_id}"
    wish = {"bag_id": bag_id, "gel_packs": 2, "celsius": 4.5, "indicator_id": "WM-1042"}
    answer = await post(client, world.live, f"{path}/pack", **wish)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told["pack"]["bag_id"] == bag_id and told["pack"]["hold_until"] == told["hold_until"]
    assert told["mean_kinetic_celsius"] == 4.5
    assert [each["place"] for each in told["readings"]] == ["pack"]
    again = await post(client, world.live, f"{path}/pack", **wish)
    assert (again.status_code, again.json()["code"]) == (409, "packed_already")
    bare = (await post(client, world.live, f"{path}/unpack")).json()
    assert (bare["packed_at"], bare["hold_until"]) == (None, None)
    assert bare["pack"]["ended_at"] is not None


@pytest.mark.parametrize(
    ("act", "body", "field", "code"),
    [
        ("pack", {"celsius": 4.5}, "bag_id", "missing"),
        ("pack", {"bag_id": "bag_1", "celsius": "4"}, "celsius", "wrong_type"),
        ("pack", {"bag_id": "bag_1", "celsius": 400}, "celsius", "too_large"),
        ("pack", {"bag_id": "bag_1", "celsius": 4, "gel_packs": 51}, "gel_packs", "too_large"),
        ("temperature", {}, "celsius", "missing"),
        ("temperature", {"indicator": "red"}, "indicator", "not_allowed"),
        ("temperature", {"celsius": 5, "at": "yesterday"}, "at", "bad_format"),
        ("temperature", {"celsius": 5, "at": "2026-04-20T09:00:00"}, "at", "bad_format"),
        ("temperature", {"celsius": 5, "at": "2199-04-20T09:00:00Z"}, "at", "too_large"),
        ("logger", {"csv": ""}, "csv", "too_short"),
        ("logger", {"csv": "a", "unit": "K"}, "unit", "not_allowed"),
    ],
)
async def test_what_is_wrong_is_told_by_its_field(
    client: httpx.AsyncClient, world: World, act: str, body: Any, field: str, code: str
) -> None:
    package_id = await cold_parcel(client, world)
    answer = await post(client, world.live, f"/api/packages/{package_id}/{act}", **body)
    assert answer.status_code == 400
    (item,) = answer.json()["details"]
    assert (item["field"], item["code"]) == (field, code)


async def test_a_long_file_is_stored_in_parts_and_an_excursion_in_it_quarantines(
    client: httpx.AsyncClient, world: World
) -> None:
    package = await packed(client, world, 2_000)
    await world.db.write(long_ago, package.id, 1_500)
    began = (package.packed_at or 0) - 1_500 * 60_000
    celsius = [5.0] * (2 * PART) + [9.0] * 70 + [5.0] * 70
    text = recording(celsius, began, 1) + "\n,\nnonsense,5"
    path = f"/api/packages/{package.id}/logger"
    told = (await post(client, world.live, path, csv=text)).json()
    assert (told["readings"], told["added"], told["bad"]) == (len(celsius), len(celsius), 1)
    assert told["problems"][0]["row"] == len(celsius) + 3
    assert told["quarantined"] is True
    again = (await post(client, world.live, path, csv=text)).json()
    assert (again["readings"], again["added"]) == (len(celsius), 0)
    known = await story_of(client, world, package.id)
    assert [each["kind"] for each in known["excursions"]] == ["warm"]
    assert known["quarantines"][0]["decided_at"] is None
    assert known["quarantined_at"] is not None
    assert len(known["readings"]) == 1_000


async def test_a_file_for_what_need_not_be_cold_or_without_a_reading_stores_nothing(
    client: httpx.AsyncClient, world: World
) -> None:
    warm, cold = await parcel(client, world.live), await cold_parcel(client, world)
    for package_id, text, status, code in (
        (warm, recording([5.0], 0), 409, "not_cold"),
        (cold, "time,celsius\nnever,5", 400, "no_readings"),
        (cold, "Maria,Rodriguez", 400, "no_table"),
        (cold, "time,temp\n2026-04-20 09:00,5", 400, "unit_missing"),
        (cold, "x\n" * (logger.LINES_MAX + 1), 400, "too_many_lines"),
    ):
        answer = await post(client, world.live, f"/api/packages/{package_id}/logger", csv=text)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert "Maria" not in answer.text
    assert (await story_of(client, world, cold))["readings"] == []


async def test_bags_of_the_sandbox_and_of_others_are_their_own(
    client: httpx.AsyncClient, world: World
) -> None:
    wish = {"name": "Red 6 L", "hold_minutes": 90}
    made = (await post(client, world.live, "/api/cold-bags", **wish)).json()
    for other in (world.sandbox, world.stranger):
        listed = await client.get("/api/cold-bags", headers=header(other))
        assert made["id"] not in listed.text
        path = f"/api/cold-bags/{made['id']}"
        answer = await client.patch(path, json={"retired": True}, headers=header(other))
        assert answer.status_code == 404
        assert (await post(client, other, "/api/cold-bags", **wish)).status_code == 201


async def test_a_reading_is_of_the_time_it_says(client: httpx.AsyncClient, world: World) -> None:
    package = await packed(client, world)
    at = iso(clock.now_ms())
    path = f"/api/packages/{package.id}/temperature"
    answer = await post(client, world.live, path, celsius=5.25, indicator="unchanged", at=at)
    assert answer.status_code == 200
    found = [each for each in answer.json()["readings"] if each["place"] == "desk"]
    assert [(each["at"], each["celsius"], each["indicator"]) for each in found] == [
        (at, 5.25, "unchanged")
    ]
