"""GET, POST, PATCH /api/drivers: who drives, what is said of them, what is refused."""

import asyncio
from typing import Any

import httpx
import pytest

from scriptrun_box.accounts import actions as accounts
from scriptrun_box.drivers import actions
from scriptrun_box.kernel.scope import CLI
from tests.world import World, header

from .people import EVERYTHING, audited, hire, parcel, post, told

pytestmark = pytest.mark.anyio


async def test_a_driver_has_what_was_said_and_defaults_for_the_rest(
    client: httpx.AsyncClient, world: World
) -> None:
    made = await hire(
        client,
        world.live,
        name="  Zoë\u200b Ortega ",
        phone="(305) 555-0142",
        employment="volunteer",
        vehicle="Cargo bike",
        capacity=12,
        capabilities=["card_reader", "cold_chain", "cold_chain"],
    )
    assert (made["name"], made["phone"]) == ("Zoë Ortega", "+13055550142")
    assert made["capabilities"] == ["cold_chain", "card_reader"]
    assert made["pharmacy_id"] == world.pharmacy.location.id
    assert made["packages"] == {"assigned": 0, "out_for_delivery": 0}
    assert (made["active"], made["on_shift"], made["status"]) == (True, False, "offline")
    plain = await hire(client, world.live, name="Luis Ortega")
    assert (plain["phone"], plain["vehicle"], plain["capacity"]) == (None, None, None)
    assert (plain["employment"], plain["capabilities"], plain["version"]) == ("employee", [], 1)
    read = await client.get(f"/api/drivers/{made['id']}", headers=header(world.live))
    assert read.json() == made


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("name", None, "wrong_type"),
        ("name", "", "too_short"),
        ("name", " \u200b ", "too_short"),
        ("name", "a" * 201, "too_long"),
        ("name", "tab\tin it", "bad_characters"),
        ("name", 7, "wrong_type"),
        ("phone", "555-0142", "bad_format"),
        ("phone", "+1", "bad_format"),
        ("vehicle", "x" * 101, "too_long"),
        ("vehicle", "van\x00", "bad_characters"),
        ("employment", "king", "not_allowed"),
        ("capacity", 0, "too_small"),
        ("capacity", 1001, "too_large"),
        ("capacity", "12", "wrong_type"),
        ("capacity", True, "wrong_type"),
        ("capabilities", ["wings"], "not_allowed"),
        ("capabilities", "cold_chain", "wrong_type"),
        ("pharmacy_id", "00000000-0000-4000-8000-000000000000", "unknown_location"),
        ("tenant_id", "ten_1", "not_allowed"),
    ],
)
async def test_what_cannot_be_meant_is_refused_alike_at_first_and_later(
    client: httpx.AsyncClient, world: World, field: str, value: Any, code: str
) -> None:
    driver = await hire(client, world.live)
    path = f"/api/drivers/{driver['id']}"
    wish = {"name": "Luis Ortega", field: value}
    for answer in (
        await client.post("/api/drivers", json=wish, headers=header(world.live)),
        await client.patch(path, json={field: value}, headers=header(world.live)),
    ):
        assert answer.status_code == 400
        (item,) = answer.json()["details"]
        assert (item["field"].partition(".")[0], item["code"]) == (field, code)
        assert str(value) not in answer.text.replace(str(item["field"]), "") or len(str(value)) < 5
    assert (await client.get(path, headers=header(world.live))).json() == driver


async def test_a_change_keeps_what_it_does_not_name_and_null_takes_away(
    client: httpx.AsyncClient, world: World
) -> None:
    driver = await hire(client, world.live, phone="+13055550142", vehicle="Van", capacity=3)
    path = f"/api/drivers/{driver['id']}"
    answer = await client.patch(
        path, json={"phone": None, "capacity": 9}, headers=header(world.live)
    )
    now = answer.json()
    assert (now["phone"], now["vehicle"], now["capacity"], now["version"]) == (None, "Van", 9, 2)
    same = await client.patch(path, json={"capacity": 9}, headers=header(world.live))
    assert same.json() == now, "nothing changed: no new version"
    acts = await world.db.read(audited, driver["id"])
    actor = f"key:{world.live.key.id}"
    assert acts == [
        ("driver.created", actor, {}),
        ("driver.changed", actor, {"fields": ["phone", "capacity"]}),
    ]


async def test_of_changes_that_saw_the_same_version_one_is_written(
    client: httpx.AsyncClient, world: World
) -> None:
    driver = await hire(client, world.live)
    path = f"/api/drivers/{driver['id']}"
    answers = await asyncio.gather(
        *(
            client.patch(
                path, json={"vehicle": f"Van {number}", "version": 1}, headers=header(world.live)
            )
            for number in range(12)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 11
    (won,) = [answer.json() for answer in answers if answer.status_code == 200]
    for answer in answers:
        if answer.status_code == 409:
            assert answer.json()["code"] == "conflict"
            assert answer.json()["details"] == [{"version": 2}]
    assert (await client.get(path, headers=header(world.live))).json() == won


async def listed(client: httpx.AsyncClient, key: Any, query: str) -> list[str]:
    """Ids of a list, all of its pages."""
    ids: list[str] = []
    cursor = ""
    while True:
        answer = await client.get(f"/api/drivers?{query}{cursor}", headers=header(key))
        assert answer.status_code == 200, answer.text
        ids += [each["id"] for each in answer.json()["data"]]
        if answer.json()["next_cursor"] is None:
            return ids
        cursor = f"&cursor={answer.json()['next_cursor']}"


async def test_a_list_comes_newest_first_in_pages_that_new_drivers_do_not_shift(
    client: httpx.AsyncClient, world: World
) -> None:
    made = [(await hire(client, world.live, name=f"Paged {n}"))["id"] for n in range(5)]
    first = await client.get("/api/drivers?q=paged&limit=2", headers=header(world.live))
    await hire(client, world.live, name="Paged late")
    rest = f"q=paged&limit=2&cursor={first.json()['next_cursor']}"
    shown = [each["id"] for each in first.json()["data"]]
    assert shown + await listed(client, world.live, rest) == made[::-1]


async def test_a_list_is_narrowed_by_search_and_by_state(
    client: httpx.AsyncClient, world: World
) -> None:
    ana = await hire(client, world.live, name="Ána Núñez", phone="+13055550177", vehicle="Quill 9")
    bo = await hire(client, world.live, name="Bo Quill")
    for query in ("q=ana+nun", "q=5550177", "q=NUÑEZ+quill"):
        assert await listed(client, world.live, query) == [ana["id"]], query
    assert await listed(client, world.live, "q=quill") == [bo["id"], ana["id"]]
    await post(client, world.live, f"/api/drivers/{bo['id']}/shift", shift="start")
    for query in ("on_shift=true", "status=online"):
        assert await listed(client, world.live, f"q=quill&{query}") == [bo["id"]]
    for query in ("on_shift=false", "status=offline"):
        assert await listed(client, world.live, f"q=quill&{query}") == [ana["id"]]
    await client.patch(
        f"/api/drivers/{ana['id']}", json={"active": False}, headers=header(world.live)
    )
    assert await listed(client, world.live, "q=quill&active=true") == [bo["id"]]
    assert await listed(client, world.live, "q=quill&active=false") == [ana["id"]]


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=x", "cursor=x", "status=asleep", "active=yes", "on_shift=", "pharmacy_id=1"],
)
async def test_a_malformed_list_is_refused(
    client: httpx.AsyncClient, world: World, query: str
) -> None:
    answer = await client.get(f"/api/drivers?{query}", headers=header(world.live))
    assert (answer.status_code, answer.json()["details"][0]["code"]) == (400, "bad_format")


async def test_who_leaves_hands_over_first_and_is_kept_for_ever(
    client: httpx.AsyncClient, world: World
) -> None:
    driver, other = await hire(client, world.live), await hire(client, world.live)
    path = f"/api/drivers/{driver['id']}"
    await post(client, world.live, f"{path}/shift", shift="start")
    package = await parcel(client, world.live)
    await post(client, world.live, f"/api/packages/{package}/assign", driver_id=driver["id"])
    leave = {"active": False}
    kept = await client.patch(path, json=leave, headers=header(world.live))
    assert (kept.status_code, kept.json()["code"]) == (409, "driver_has_packages")
    assert kept.json()["details"] == [{"assigned": 1, "out_for_delivery": 0}]
    await post(client, world.live, f"/api/packages/{package}/assign", driver_id=other["id"])
    left = (await client.patch(path, json=leave, headers=header(world.live))).json()
    assert (left["active"], left["on_shift"], left["status"]) == (False, False, "offline")
    assert left["left_at"] is not None
    assert [each["shift"] for each in await world.db.read(told, driver["id"])] == [
        "started",
        "ended",
    ]
    for refused in (
        await post(client, world.live, f"{path}/shift", shift="start"),
        await post(client, world.live, f"/api/packages/{package}/assign", driver_id=driver["id"]),
    ):
        assert (refused.status_code, refused.json()["code"]) == (409, "driver_left")
    back = (await client.patch(path, json={"active": True}, headers=header(world.live))).json()
    assert (back["active"], back["left_at"], back["on_shift"]) == (True, None, False)
    acts = [act for act, _, _ in await world.db.read(audited, driver["id"])]
    assert acts == [
        "driver.created",
        "driver.status_changed",
        "driver.status_changed",
        "driver.left",
        "driver.came_back",
    ]


async def test_nobody_loses_the_leave_to_carry_what_is_in_their_hands(
    client: httpx.AsyncClient, world: World
) -> None:
    driver = await hire(client, world.live, capabilities=EVERYTHING)
    path = f"/api/drivers/{driver['id']}"
    package = await parcel(client, world.live, cold_chain=True)
    await post(client, world.live, f"/api/packages/{package}/assign", driver_id=driver["id"])
    kept = await client.patch(
        path, json={"capabilities": ["controlled"]}, headers=header(world.live)
    )
    assert (kept.status_code, kept.json()["code"]) == (409, "driver_has_packages")
    assert kept.json()["details"] == [{"capability": "cold_chain"}]
    only_cold = {"capabilities": ["cold_chain"]}
    assert (await client.patch(path, json=only_cold, headers=header(world.live))).is_success
    await post(client, world.live, f"/api/packages/{package}/unassign")
    nothing: dict[str, Any] = {"capabilities": []}
    assert (await client.patch(path, json=nothing, headers=header(world.live))).is_success


async def test_there_is_an_end_to_how_many_drive_at_once(
    client: httpx.AsyncClient, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "ACTIVE_MAX", 1)
    first = await hire(client, world.stranger, name="The only one")
    answer = await post(client, world.stranger, "/api/drivers", name="One too many")
    assert (answer.status_code, answer.json()["code"]) == (409, "too_many_drivers")
    await hire(client, world.stranger_sandbox, name="The sandbox counts by itself")
    await client.patch(
        f"/api/drivers/{first['id']}", json={"active": False}, headers=header(world.stranger)
    )
    await hire(client, world.stranger, name="In their place")


async def test_a_key_of_one_location_knows_its_drivers_and_their_packages_only(
    client: httpx.AsyncClient, world: World
) -> None:
    tenant_id = world.pharmacy.tenant.id
    uptown = await world.db.write(
        lambda w: accounts.add_location(
            w, tenant_id, CLI, name="Uptown", address="", time_zone="America/New_York"
        )
    )
    bound = await world.key(location_id=uptown.id)
    own = await hire(client, bound, name="Uptown driver", capabilities=EVERYTHING)
    assert own["pharmacy_id"] == uptown.id
    elsewhere = await hire(client, world.live, name="Downtown driver")
    assert await listed(client, bound, "") == [own["id"]]
    missing = await client.get(f"/api/drivers/{elsewhere['id']}", headers=header(bound))
    assert missing.status_code == 404
    package = await parcel(client, world.live)
    await post(client, world.live, f"/api/packages/{package}/assign", driver_id=own["id"])
    path = f"/api/drivers/{own['id']}"
    seen = [
        (await client.get(path, headers=header(key))).json()["packages"]["assigned"]
        for key in (bound, world.live)
    ]
    assert seen == [0, 1]
    leaving = await client.patch(path, json={"active": False}, headers=header(bound))
    assert leaving.status_code == 409, "also for what the key itself cannot see"
    there = await client.patch(
        path, json={"pharmacy_id": world.pharmacy.location.id}, headers=header(bound)
    )
    assert there.json()["details"][0]["code"] == "unknown_location"
