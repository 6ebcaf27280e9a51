"""Addresses over the API: listed, read, pinned, accepted, corrected, asked about."""

import itertools
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from scriptrun_box.geocoding import actions, store
from scriptrun_box.geocoding.model import Place
from scriptrun_box.geocoding.reading import Parts, Read
from scriptrun_box.kernel.db import Writer
from scriptrun_box.kernel.scope import CLI
from tests.geocoding.boxes import Box, a_box
from tests.shared_box import client_of
from tests.world import header

pytestmark = pytest.mark.anyio

NUMBERS = itertools.count(501)
OAK = {"number": "12", "street": "Oak St", "town": "Miami", "state": "Florida", "zip": "33125"}


@pytest.fixture(scope="module")
async def box(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Box]:
    async with a_box(tmp_path_factory.mktemp("box") / "data") as made:
        yield made


@pytest.fixture(scope="module")
async def client(box: Box) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(box.app) as made:
        made.headers.update(header(box.world.live))
        yield made


async def to_check(box: Box) -> Place:
    """A new address in the middle of its ZIP."""

    def act(w: Writer) -> Place:
        parts = Parts(str(next(NUMBERS)), "Elm St", zip="33125")
        door = f"{parts.number} elm st, 33125"
        made = store.insert(w, box.scope, door, Read(parts, door, door, "", (25.7825, -80.2397)))
        actions.settle(w, made, ask=False)
        return actions.find(w, box.scope, made.id)

    return await box.db.write(act)


async def test_the_list_is_what_is_to_check_newest_first_page_by_page(
    box: Box, client: httpx.AsyncClient
) -> None:
    made = [await to_check(box) for _ in range(3)]
    shown: list[str] = []
    cursor = ""
    while True:
        got = (await client.get(f"/api/addresses?limit=2&q=elm{cursor}")).json()
        shown += [each["id"] for each in got["data"]]
        if not got["next_cursor"]:
            break
        cursor = f"&cursor={got['next_cursor']}"
    assert shown[:3] == [each.id for each in reversed(made)]
    located = (await client.get("/api/addresses?state=located&q=elm")).json()
    assert not {each["id"] for each in located["data"]} & set(shown)


@pytest.mark.parametrize("query", ["state=lost", "limit=0", "limit=x", "cursor=x"])
async def test_a_list_that_makes_no_sense_is_refused(client: httpx.AsyncClient, query: str) -> None:
    answer = await client.get(f"/api/addresses?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, "validation_failed")


async def test_a_pin_answers_with_the_address_as_it_then_stands(
    box: Box, client: httpx.AsyncClient
) -> None:
    place = await to_check(box)
    wish = {"lat": 25.77713, "lng": -80.23456, "version": place.version}
    got = await client.post(f"/api/addresses/{place.id}/pin", json=wish)
    assert got.status_code == 200
    told = got.json()
    assert (told["state"], told["reason"], told["version"]) == ("located", None, place.version + 1)
    assert told["location"] == {
        "lat": 25.77713, "lng": -80.23456, "source": "pin", "confidence": "exact"
    }  # fmt: skip
    assert told["decided_by"].startswith("key:key_")
    again = await client.post(f"/api/addresses/{place.id}/pin", json={**wish, "lat": 1.0})
    assert (again.status_code, again.json()["code"]) == (409, "conflict")
    assert again.json()["details"] == [{"version": place.version + 1}]
    assert (await client.get(f"/api/addresses/{place.id}")).json() == told


@pytest.mark.parametrize(
    "body",
    [
        {"lat": 91, "lng": 0}, {"lat": 0, "lng": 181}, {"lat": "25", "lng": 0}, {"lat": 25.0},
        {"lat": True, "lng": 0}, {"lat": 1e999, "lng": 0}, {"lat": 1, "lng": 1, "state": "located"},
    ],
)  # fmt: skip
async def test_a_pin_that_is_nowhere_is_refused(
    box: Box, client: httpx.AsyncClient, body: dict[str, Any]
) -> None:
    place = await to_check(box)
    raw = str(body).replace("'", '"').replace("True", "true").replace("inf", "1e999")
    got = await client.post(
        f"/api/addresses/{place.id}/pin",
        content=raw,
        headers={"content-type": "application/json"},
    )
    assert got.status_code == 400
    assert (await client.get(f"/api/addresses/{place.id}")).json()["version"] == place.version


async def test_accepting_where_it_stands_nowhere_is_a_conflict(
    box: Box, client: httpx.AsyncClient
) -> None:
    place = await to_check(box)
    assert (await client.post(f"/api/addresses/{place.id}/accept", json={})).status_code == 200
    read = Read(Parts(), "pier 4", "pier 4", "no_street")
    lost = await box.db.write(actions.door_of, box.scope, "Pier 4", read, False)
    got = await client.post(f"/api/addresses/{lost.id}/accept", json={})
    assert (got.status_code, got.json()["code"]) == (409, "conflict")


async def test_asking_the_patient_keeps_it_to_check(box: Box, client: httpx.AsyncClient) -> None:
    place = await to_check(box)
    told = (await client.post(f"/api/addresses/{place.id}/ask", json={})).json()
    assert told["state"] == "to_check" and told["asked_at"]


async def test_a_correction_answers_with_the_right_door(
    box: Box, client: httpx.AsyncClient
) -> None:
    place = await to_check(box)
    got = await client.post(f"/api/addresses/{place.id}/correct", json={**OAK, "unit": "Apt 3"})
    assert got.status_code == 200, got.text
    told = got.json()
    assert told["door"] == "12 oak st, 33125 #3"
    assert told["parts"]["state"] == "FL"
    assert told["address"] == "12 Oak St Apt 3, Miami, FL 33125"
    assert (await client.get(f"/api/addresses/{place.id}")).json()["same_as"] == told["door"]


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"number": ""}, "number", "too_short"),
        ({"zip": "3312"}, "zip", "bad_format"),
        ({"zip": "00000"}, "zip", "conflict"),
        ({"zip": "90210"}, "zip", "conflict"),
        ({"state": "Atlantis"}, "state", "not_allowed"),
        ({"street": "..."}, "street", "conflict"),
        ({"town": "Mia\x07mi"}, "town", "bad_characters"),
        ({"town": "", "zip": ""}, "town", "conflict"),
    ],
)
async def test_a_correction_that_is_wrong_says_where(
    box: Box, client: httpx.AsyncClient, change: dict[str, str], field: str, code: str
) -> None:
    place = await to_check(box)
    got = await client.post(f"/api/addresses/{place.id}/correct", json={**OAK, **change})
    assert got.status_code == 400
    (told,) = got.json()["details"]
    assert (told["field"], told["code"]) == (field, code)
    assert (await client.get(f"/api/addresses/{place.id}")).json()["version"] == place.version


async def test_a_key_that_sees_one_location_does_not_see_the_addresses_of_all(
    box: Box, client: httpx.AsyncClient
) -> None:
    place = await to_check(box)
    bound = header(await box.world.key(location_id=box.world.pharmacy.location.id))
    for method, path in (("GET", "/api/addresses"), ("GET", f"/api/addresses/{place.id}")):
        got = await client.request(method, path, headers=bound)
        assert (got.status_code, got.json()["code"]) == (403, "scope_missing")
    got = await client.post(
        f"/api/addresses/{place.id}/pin", json={"lat": 1.0, "lng": 1.0}, headers=bound
    )
    assert got.status_code == 403


async def test_what_was_decided_may_be_decided_again(box: Box, client: httpx.AsyncClient) -> None:
    place = await to_check(box)
    for lat in (25.1, 25.2):
        await client.post(f"/api/addresses/{place.id}/pin", json={"lat": lat, "lng": -80.1})
    found = await box.db.read(actions.find, box.scope, place.id)
    assert found.location is not None and found.location.lat == 25.2
    await box.db.write(actions.learn, box.scope, place.door, 25.3, -80.1)
    assert (await box.db.read(actions.find, box.scope, place.id)).location == found.location
    assert CLI.id != found.decided_by
