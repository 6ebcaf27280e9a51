"""POST /api/packages/{id}/assign, unassign, redeliver, return, with real drivers."""

import asyncio
from typing import Any

import httpx
import pytest

from tests.world import World, header

from .people import EVERYTHING, hire, parcel, post

pytestmark = pytest.mark.anyio


async def assign(
    client: httpx.AsyncClient, key: Any, package_id: str, driver_id: str, **more: Any
) -> httpx.Response:
    path = f"/api/packages/{package_id}/assign"
    return await post(client, key, path, driver_id=driver_id, **more)


async def timeline(client: httpx.AsyncClient, key: Any, package_id: str) -> list[dict[str, Any]]:
    answer = await client.get(f"/api/packages/{package_id}/timeline", headers=header(key))
    lines: list[dict[str, Any]] = answer.json()["data"]
    return lines


async def test_a_package_is_assigned_handed_on_in_one_step_and_taken_back(
    client: httpx.AsyncClient, world: World
) -> None:
    ana, bo = [(await hire(client, world.live))["id"] for _ in range(2)]
    package_id = await parcel(client, world.live)
    first = await assign(client, world.live, package_id, ana)
    assert (first.json()["status"], first.json()["driver_id"]) == ("assigned", ana)
    again = await assign(client, world.live, package_id, ana)
    assert again.json() == first.json(), "it is so already"
    second = await assign(client, world.live, package_id, bo)
    assert (second.json()["status"], second.json()["driver_id"]) == ("assigned", bo)
    back = await post(client, world.live, f"/api/packages/{package_id}/unassign")
    assert (back.json()["status"], back.json()["driver_id"]) == ("created", None)
    lines = (await timeline(client, world.live, package_id))[1:]
    assert [(line["act"], line["detail"]) for line in lines] == [
        ("assign", {"driver_id": ana}),
        ("assign", {"driver_id": bo, "from_driver_id": ana}),
        ("unassign", {"from_driver_id": bo}),
    ]


@pytest.mark.parametrize(
    ("order", "needs"),
    [
        ({"cold_chain": True}, "cold_chain"),
        ({"controlled_substance": True, "dea_schedule": "II"}, "controlled"),
    ],
)
async def test_only_who_may_carry_it_gets_it(
    client: httpx.AsyncClient, world: World, order: dict[str, Any], needs: str
) -> None:
    package_id = await parcel(client, world.live, **order)
    others = [each for each in EVERYTHING if each != needs]
    may_not = await hire(client, world.live, capabilities=others)
    answer = await assign(client, world.live, package_id, may_not["id"])
    assert (answer.status_code, answer.json()["code"]) == (409, f"driver_not_{needs}")
    assert answer.json()["details"] == [{"status": "created"}]
    may = await hire(client, world.live, capabilities=[needs])
    assert (await assign(client, world.live, package_id, may["id"])).status_code == 200
    handed_on = await assign(client, world.live, package_id, may_not["id"])
    assert handed_on.json()["code"] == f"driver_not_{needs}"
    assert len(await timeline(client, world.live, package_id)) == 2


async def test_a_possible_duplicate_waits_for_the_desk_also_here(
    client: httpx.AsyncClient, world: World
) -> None:
    same = {"barcode": None, "rx_number": "RX-TWICE"}
    _, second = [await parcel(client, world.live, **same) for _ in range(2)]
    driver = await hire(client, world.live)
    answer = await assign(client, world.live, second, driver["id"])
    assert (answer.status_code, answer.json()["code"]) == (409, "possible_duplicate")


async def test_of_dispatchers_who_assign_at_once_one_wins_and_the_others_hear_who(
    client: httpx.AsyncClient, world: World
) -> None:
    drivers = [(await hire(client, world.live, name=f"Racer {n}"))["id"] for n in range(6)]
    package_id = await parcel(client, world.live)
    desk = await world.key(name="Robin at the desk")
    answers = await asyncio.gather(
        *(assign(client, desk, package_id, driver) for driver in drivers)
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 5
    lines = await timeline(client, desk, package_id)
    (won,) = [answer.json() for answer in answers if answer.status_code == 200]
    assert [line["detail"] for line in lines[1:]] == [{"driver_id": won["driver_id"]}]
    winner = f"Racer {drivers.index(won['driver_id'])}"
    for answer in answers:
        if answer.status_code == 409:
            said = answer.json()
            assert said["code"] == "conflict"
            assert said["error"] == (
                f"Robin at the desk was faster: the package is assigned to {winner}."
            )
            assert said["details"] == [
                {
                    "status": "assigned",
                    "driver_id": won["driver_id"],
                    "actor": f"key:{desk.key.id}",
                    "at": lines[-1]["at"],
                }
            ]


async def test_who_says_what_they_saw_does_not_write_over_what_they_did_not(
    client: httpx.AsyncClient, world: World
) -> None:
    ana, bo, cy = [(await hire(client, world.live))["id"] for _ in range(3)]
    package_id = await parcel(client, world.live)
    seen: dict[str, Any] = {"expected_driver_id": None}
    assert (await assign(client, world.live, package_id, ana, **seen)).status_code == 200
    late = await assign(client, world.live, package_id, bo, **seen)
    assert (late.status_code, late.json()["code"]) == (409, "conflict")
    wrong = await assign(client, world.live, package_id, bo, expected_driver_id=cy)
    assert wrong.status_code == 409
    right = await assign(client, world.live, package_id, bo, expected_driver_id=ana)
    assert right.json()["driver_id"] == bo


@pytest.mark.parametrize(
    ("before", "act", "leads_to"),
    [
        (("assign",), "unassign", "created"),
        (("assign", "start", "fail"), "redeliver", "created"),
        (("assign", "start", "fail"), "return", "returned"),
    ],
)
async def test_of_many_who_take_the_same_step_one_takes_it(
    client: httpx.AsyncClient, world: World, before: tuple[str, ...], act: str, leads_to: str
) -> None:
    package_id = await parcel(client, world.sandbox)
    path = f"/api/packages/{package_id}/{act}"
    early = await post(client, world.sandbox, path)
    assert (early.status_code, early.json()["code"]) == (409, f"{act}_not_allowed")
    for step in before:
        await post(client, world.sandbox, f"/api/test/packages/{package_id}/{step}")
    answers = await asyncio.gather(*(post(client, world.sandbox, path) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 7
    for answer in answers:
        if answer.status_code == 409:
            assert answer.json()["code"] == "conflict"
            assert answer.json()["error"].startswith("Tests was faster: the package is ")
        else:
            assert answer.json()["status"] == leads_to
    later = await post(client, world.sandbox, path)
    assert (later.status_code, later.json()["code"]) == (409, f"{act}_not_allowed")
    assert len(await timeline(client, world.sandbox, package_id)) == len(before) + 2


async def test_a_package_that_is_out_stays_with_its_driver(
    client: httpx.AsyncClient, world: World
) -> None:
    driver = await hire(client, world.sandbox)
    package_id = await parcel(client, world.sandbox)
    await assign(client, world.sandbox, package_id, driver["id"])
    await post(client, world.sandbox, f"/api/test/packages/{package_id}/start")
    other = await hire(client, world.sandbox)
    for act, body in (("assign", {"driver_id": other["id"]}), ("unassign", {})):
        answer = await post(client, world.sandbox, f"/api/packages/{package_id}/{act}", **body)
        assert (answer.status_code, answer.json()["code"]) == (409, f"{act}_not_allowed")
    has = await client.get(f"/api/drivers/{driver['id']}", headers=header(world.sandbox))
    assert has.json()["packages"] == {"assigned": 0, "out_for_delivery": 1}


async def test_who_has_what_can_be_listed(client: httpx.AsyncClient, world: World) -> None:
    driver = await hire(client, world.live)
    mine = [await parcel(client, world.live) for _ in range(2)]
    await parcel(client, world.live)
    for package_id in mine:
        await assign(client, world.live, package_id, driver["id"])
    listed = await client.get(f"/api/packages?driver_id={driver['id']}", headers=header(world.live))
    assert [each["id"] for each in listed.json()["data"]] == mine[::-1]
