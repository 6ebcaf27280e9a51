"""Controlled substances over the API: a key alone does nothing, people confirm, the log tells."""

from typing import Any

import httpx
import pytest

from scriptrun_box.delivery.controlled import people
from scriptrun_box.drivers import dispatch
from scriptrun_box.kernel.scope import CLI
from tests.world import PASSWORD, World, header

from .hands import driver_id, failed, new_driver, new_seal, parcel, pharmacist

pytestmark = pytest.mark.anyio
PIN = "804213"


def sign(world: World, who: str = "pharmacist", password: str = PASSWORD) -> dict[str, str]:
    """Somebody of the staff, as a body names them."""
    return {"email": getattr(world, who).email, "password": password}


async def post(client: httpx.AsyncClient, world: World, path: str, **body: Any) -> httpx.Response:
    return await client.post(f"/api/{path}", json=body, headers=header(world.live))


async def driver(world: World) -> tuple[str, dict[str, str]]:
    """A new driver, and how a body names them."""
    made = driver_id(await world.db.write(new_driver, world.scope))
    await people.set_pin(world.db, world.scope, CLI, made, PIN, PIN)
    return made, {"driver_id": made, "pin": PIN}


async def test_from_release_to_redelivery_each_step_is_confirmed_and_told(
    client: httpx.AsyncClient, world: World
) -> None:
    made, named = await driver(world)
    package_id, seal = await world.db.write(parcel, world.scope, "II"), new_seal()
    await world.db.write(dispatch.assign, world.scope, CLI, package_id, made, None)
    path = f"packages/{package_id}"
    alone = await post(client, world, f"{path}/release", pharmacist=sign(world), seal=seal)
    assert alone.status_code == 400
    assert alone.json()["details"][0]["field"] == "second"
    released = await post(
        client,
        world,
        f"{path}/release",
        pharmacist=sign(world),
        second=sign(world, "teammate"),
        seal=seal,
    )
    assert released.status_code == 200, released.text
    assert released.json()["releases"][0]["second_by"] == f"user:{world.teammate.id}"
    bag = [{"package_id": package_id, "seal": seal}]
    given = await post(
        client, world, "controlled/hand-over", pharmacist=sign(world), driver=named, packages=bag
    )
    assert given.json()["data"][0]["holder"] == f"driver:{made}"
    cancelled = await post(client, world, f"{path}/cancel")
    assert (cancelled.status_code, cancelled.json()["code"]) == (409, "still_with_driver")
    back = await post(
        client,
        world,
        f"{path}/take-back",
        pharmacist=sign(world, "owner"),
        driver=named,
        seal=seal,
        seal_intact=True,
        count_ok=True,
    )
    assert (back.json()["status"], back.json()["holder"]) == ("assigned", "pharmacy")
    undecided = await post(
        client, world, f"{path}/disposition", pharmacist=sign(world), decision="redeliver"
    )
    assert undecided.json()["code"] == "nothing_to_decide"


@pytest.mark.parametrize("step", ["release", "take-back", "disposition"])
@pytest.mark.parametrize(
    ("who", "password"),
    [("teammate", PASSWORD), ("driver", PASSWORD), ("other_owner", PASSWORD), ("owner", "wrong")],
)
async def test_who_may_not_confirm_is_told_the_same_and_nothing_happens(
    client: httpx.AsyncClient, world: World, step: str, who: str, password: str
) -> None:
    party = await world.db.write(new_driver, world.scope)
    await people.set_pin(world.db, world.scope, CLI, driver_id(party), PIN, PIN)
    package_id, seal = await world.db.write(failed, world.scope, pharmacist(world), party)
    bodies: dict[str, dict[str, Any]] = {
        "release": {"seal": new_seal()},
        "take-back": {
            "driver": {"driver_id": driver_id(party), "pin": PIN},
            "seal": seal,
            "seal_intact": True,
            "count_ok": True,
        },
        "disposition": {"decision": "destroy", "note": "Mine"},
    }
    path = f"packages/{package_id}"
    before = (await client.get(f"/api/{path}/custody", headers=header(world.live))).json()
    answer = await post(
        client, world, f"{path}/{step}", pharmacist=sign(world, who, password), **bodies[step]
    )
    assert (answer.status_code, answer.json()["code"]) == (403, "not_confirmed")
    assert password not in answer.text
    after = await client.get(f"/api/{path}/custody", headers=header(world.live))
    assert after.json() == before


async def test_a_stranger_knows_no_custody_and_no_log(
    client: httpx.AsyncClient, world: World
) -> None:
    party = await world.db.write(new_driver, world.scope)
    package_id, _ = await world.db.write(failed, world.scope, pharmacist(world), party)
    theirs = header(world.stranger)
    answer = await client.get(f"/api/packages/{package_id}/custody", headers=theirs)
    assert answer.status_code == 404
    log = await client.get("/api/controlled/log", headers=theirs)
    assert log.json() == {"data": [], "next_cursor": None}


async def test_the_log_comes_page_by_page_newest_first(
    client: httpx.AsyncClient, world: World
) -> None:
    party = await world.db.write(new_driver, world.scope)
    made = [
        (await world.db.write(failed, world.scope, pharmacist(world), party))[0] for _ in range(3)
    ]
    found, cursor = [], ""
    for _ in range(3):
        path = f"/api/controlled/log?limit=1{cursor}"
        page = (await client.get(path, headers=header(world.live))).json()
        found += [each["package_id"] for each in page["data"]]
        cursor = f"&cursor={page['next_cursor']}"
    assert found == made[::-1]
    for query in ("from=yesterday", "dea_schedule=IV", "cursor=x", "until=9999-12-31"):
        answer = await client.get(f"/api/controlled/log?{query}", headers=header(world.live))
        assert answer.status_code == 400, query
    none = await client.get("/api/controlled/log?dea_schedule=II", headers=header(world.live))
    assert made[0] not in none.text
