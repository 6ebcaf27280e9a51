"""POST /api/packages/assign, unassign, cancel: many at once, each with its own outcome."""

import asyncio
from typing import Any

import httpx
import pytest

from scriptrun_box.drivers.model import MANY_MAX
from tests.world import World, header, orders

from .people import hire, parcel, post

pytestmark = pytest.mark.anyio


async def status_of(client: httpx.AsyncClient, key: Any, package_id: str) -> tuple[str, str | None]:
    shape = (await client.get(f"/api/packages/{package_id}", headers=header(key))).json()
    return shape["status"], shape["driver_id"]


async def test_what_can_be_done_is_done_and_the_rest_says_why(
    client: httpx.AsyncClient, world: World
) -> None:
    driver = await hire(client, world.live)
    plain = [await parcel(client, world.live) for _ in range(3)]
    cold = await parcel(client, world.live, cold_chain=True)
    same = {"barcode": None, "rx_number": "RX-MANY"}
    _, twice = [await parcel(client, world.live, **same) for _ in range(2)]
    cancelled = await parcel(client, world.live)
    await post(client, world.live, f"/api/packages/{cancelled}/cancel")
    theirs = await parcel(client, world.stranger)
    wanted = [*plain, cold, twice, cancelled, theirs, plain[0]]
    answer = await post(
        client, world.live, "/api/packages/assign", package_ids=wanted, driver_id=driver["id"]
    )
    assert answer.status_code == 200
    said = answer.json()
    assert said["done"] == 3
    assert [each["package_id"] for each in said["results"]] == wanted[:-1], "each once, in order"
    assert [each.get("code") for each in said["results"]] == [
        None, None, None, "driver_not_cold_chain", "possible_duplicate", "assign_not_allowed",
        "not_found",
    ]  # fmt: skip
    for package_id in plain:
        assert await status_of(client, world.live, package_id) == ("assigned", driver["id"])
    for package_id in (cold, twice):
        assert await status_of(client, world.live, package_id) == ("created", None)
    back = await post(client, world.live, "/api/packages/unassign", package_ids=[*plain, cold])
    assert (back.json()["done"], back.json()["results"][3]["code"]) == (3, "unassign_not_allowed")
    gone = await post(
        client, world.live, "/api/packages/cancel", package_ids=plain, reason="picked_up"
    )
    assert [each["status"] for each in gone.json()["results"]] == ["cancelled"] * 3


@pytest.mark.parametrize(
    "body",
    [
        {"package_ids": []},
        {"package_ids": [f"{n:032x}" for n in range(MANY_MAX + 1)]},
        {"package_ids": ["nonsense"]},
        {"package_ids": "0" * 32},
        {},
    ],
)
async def test_a_list_that_cannot_be_meant_is_refused_whole(
    client: httpx.AsyncClient, world: World, body: dict[str, Any]
) -> None:
    for act in ("assign", "unassign", "cancel"):
        more = {"driver_id": "drv_1"} if act == "assign" else {}
        answer = await post(client, world.live, f"/api/packages/{act}", **body, **more)
        assert (answer.status_code, answer.json()["code"]) == (400, "validation_failed")


async def test_a_driver_who_is_not_there_gets_nothing(
    client: httpx.AsyncClient, world: World
) -> None:
    theirs = await hire(client, world.stranger)
    package_id = await parcel(client, world.live)
    answer = await post(
        client, world.live, "/api/packages/assign", package_ids=[package_id], driver_id=theirs["id"]
    )
    assert answer.status_code == 400
    assert answer.json()["details"][0]["code"] == "unknown_driver"


async def test_of_two_hundred_given_to_two_drivers_at_once_each_package_has_one_winner(
    client: httpx.AsyncClient, world: World
) -> None:
    drivers = [(await hire(client, world.live))["id"] for _ in range(2)]
    ids: list[str] = []
    for start in range(0, MANY_MAX, 100):
        body = orders(*({"barcode": f"many {start + n}"} for n in range(100)))
        answer = await client.post("/api/webhook/orders", json=body, headers=header(world.live))
        ids += answer.json()["package_ids"]
    answers = await asyncio.gather(
        *(
            post(client, world.live, "/api/packages/assign", package_ids=ids, driver_id=driver)
            for driver in drivers
        )
    )
    assert sum(answer.json()["done"] for answer in answers) == MANY_MAX
    for driver, answer in zip(drivers, answers, strict=True):
        for line in answer.json()["results"]:
            if "code" in line:
                assert line["code"] == "conflict"
                assert line["error"].startswith("Tests was faster: the package is assigned to")
            else:
                assert line["driver_id"] == driver
