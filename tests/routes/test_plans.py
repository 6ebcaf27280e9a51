"""Plans: asked for, computed beside the box, previewed, made so; what changed meanwhile stays."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from scriptrun_box.kernel.db import Writer
from scriptrun_box.kernel.scope import Scope
from scriptrun_box.packages import actions as packages
from scriptrun_box.routes import actions, plans, stops
from scriptrun_box.routes.sheet import read
from tests.drivers.people import post
from tests.shared_box import LIMITS, client_of, running
from tests.world import World, build_world, header

from .people import ANA, BO, SHOP, at_places, driver, order_of, parcels, shop_at

pytestmark = pytest.mark.anyio
AROUND = [(SHOP[0] + dx / 100, SHOP[1] + dy / 100) for dx, dy in ((1, 0), (2, 0), (3, 0), (0, 4))]


async def placed(
    client: httpx.AsyncClient, world: World, count: int = 4, **fields: Any
) -> list[str]:
    """Packages with a place each, in a row to the north but the fourth."""
    made = await parcels(client, world.live, count, **fields)
    places = dict(zip(made, AROUND, strict=False))
    await world.db.write(at_places, world.scope, places)
    location = (await client.get("/api/account", headers=header(world.live))).json()
    await world.db.write(shop_at, location["locations"][0]["id"])
    return made


async def plan_of(client: httpx.AsyncClient, world: World, plan_id: str) -> dict[str, Any]:
    answer = await client.get(f"/api/plans/{plan_id}", headers=header(world.live))
    shape: dict[str, Any] = answer.json()
    return shape


async def ready(client: httpx.AsyncClient, world: World, asked: httpx.Response) -> dict[str, Any]:
    """The plan once it is computed."""
    assert asked.status_code == 202, asked.text
    async with asyncio.timeout(60):
        while True:
            plan = await plan_of(client, world, asked.json()["id"])
            if plan["status"] not in ("queued", "running"):
                return plan
            await asyncio.sleep(0.05)


async def test_a_plan_is_computed_previewed_and_made_so(
    client: httpx.AsyncClient, world: World
) -> None:
    on_it = await placed(client, world)
    who = [await driver(client, world.live) for _ in range(2)]
    asked = await post(
        client, world.live, "/api/routes/optimize", driver_ids=who, package_ids=on_it
    )
    plan = await ready(client, world, asked)
    assert (plan["status"], plan["left_out"], plan["distances"]) == ("ready", [], "estimate")
    planned = [
        p for route in plan["routes"] for stop in route["stops"] for p in stop["package_ids"]
    ]
    assert sorted(planned) == sorted(on_it)
    for package_id in on_it:
        package = await world.db.write(packages.find, world.scope, package_id)
        assert package.status == "created", "nothing changes before"
    done = await post(client, world.live, f"/api/plans/{plan['id']}/commit")
    assert (done.json()["status"], done.json()["skipped"]) == ("committed", [])
    for route_id, wanted in zip(
        done.json()["route_ids"], [r for r in plan["routes"] if r["stops"]], strict=True
    ):
        sheet = await world.db.read(read, world.scope, route_id)
        assert sheet.route.driver_id == wanted["driver_id"]
        assert order_of(sheet) == [stop["package_ids"] for stop in wanted["stops"]]
        assert None not in [visit.stop.arrives_at for visit in sheet.visits]
    again = await post(client, world.live, f"/api/plans/{plan['id']}/commit")
    assert (again.status_code, again.json()["code"]) == (409, "plan_not_ready")


async def test_what_changed_meanwhile_stays_as_it_is_and_is_told(
    client: httpx.AsyncClient, world: World
) -> None:
    cancelled, taken, good, _ = on_it = await placed(client, world)
    who, other = [await driver(client, world.live) for _ in range(2)]
    wish = {"driver_ids": [who], "package_ids": on_it}
    plan = await ready(
        client, world, await post(client, world.live, "/api/routes/optimize", **wish)
    )
    await world.db.write(packages.cancel, world.scope, BO, cancelled, "other")
    given = {"driver_id": other, "package_ids": [taken]}
    await world.db.write(actions.create, world.scope, BO, given)
    done = (await post(client, world.live, f"/api/plans/{plan['id']}/commit")).json()
    assert {each["package_id"]: each["reason"] for each in done["skipped"]} == {
        cancelled: "changed",
        taken: "changed",
    }
    sheet = await world.db.read(read, world.scope, done["route_ids"][0])
    assert good in [package.id for package in sheet.packages]
    assert (await world.db.write(packages.find, world.scope, taken)).driver_id == other


async def test_one_route_is_put_in_order_around_what_was_fixed_by_hand(
    client: httpx.AsyncClient, world: World
) -> None:
    near, middle, far, aside = await placed(client, world)
    who = await driver(client, world.live)
    given = {"driver_id": who, "package_ids": [aside, far, near, middle]}
    sheet = await world.db.write(actions.create, world.scope, ANA, given)
    first = sheet.visits[0].stop.id
    await world.db.write(stops.move_stop, world.scope, ANA, sheet.route.id, first, 1)
    asked = await post(client, world.live, f"/api/routes/{sheet.route.id}/optimize")
    plan = await ready(client, world, asked)
    await world.db.write(plans.commit, world.scope, ANA, plan["id"])
    sheet = await world.db.read(read, world.scope, sheet.route.id)
    assert order_of(sheet)[0] == [aside]
    assert order_of(sheet) in (
        [[aside], [near], [middle], [far]],
        [[aside], [far], [middle], [near]],
    )


async def test_a_route_that_somebody_changed_meanwhile_is_not_written_over(
    client: httpx.AsyncClient, world: World
) -> None:
    a, b, c, _ = await placed(client, world)
    given = {"driver_id": await driver(client, world.live), "package_ids": [a, b, c]}
    route = (await world.db.write(actions.create, world.scope, ANA, given)).route
    plan = await ready(
        client, world, await post(client, world.live, f"/api/routes/{route.id}/optimize")
    )
    sheet = await world.db.write(stops.take_off, world.scope, BO, route.id, [b])
    done = await world.db.write(plans.commit, world.scope, ANA, plan["id"])
    assert done.result is not None
    assert {each["reason"] for each in done.result["skipped"]} == {"route_changed"}
    assert order_of(await world.db.read(read, world.scope, route.id)) == order_of(sheet)


async def test_what_cannot_be_planned_is_left_out_and_why(
    client: httpx.AsyncClient, world: World
) -> None:
    (cold,) = await placed(client, world, 1, cold_chain=True)
    (lost,) = await parcels(client, world.live, 1)
    (fine,) = await placed(client, world, 1)
    wish = {"driver_ids": [await driver(client, world.live)], "package_ids": [cold, lost, fine]}
    plan = await ready(
        client, world, await post(client, world.live, "/api/routes/optimize", **wish)
    )
    assert {each["package_id"]: each["reason"] for each in plan["left_out"]} == {
        cold: "no_driver_may",
        lost: "no_place",
    }


async def test_a_killed_worker_is_a_failed_plan_in_words_and_no_harm(
    client: httpx.AsyncClient, world: World, app: Starlette
) -> None:
    on_it = await placed(client, world)
    wish = {"driver_ids": [await driver(client, world.live)], "package_ids": on_it}
    worker = app.state.planner._worker
    asked = await post(client, world.live, "/api/routes/optimize", **wish)
    async with asyncio.timeout(20):
        while worker._child is None:
            await asyncio.sleep(0.005)
    worker._child.kill()
    plan = await ready(client, world, asked)
    assert plan["status"] in ("failed", "ready")
    if plan["status"] == "failed":
        assert plan["reason"].startswith("The optimiser stopped by itself")
    again = await ready(
        client, world, await post(client, world.live, "/api/routes/optimize", **wish)
    )
    assert again["status"] == "ready"


async def test_a_plan_can_be_dropped_at_any_time(client: httpx.AsyncClient, world: World) -> None:
    on_it = await placed(client, world)
    wish = {"driver_ids": [await driver(client, world.live)], "package_ids": on_it}
    asked = await post(client, world.live, "/api/routes/optimize", **wish)
    plan_id = asked.json()["id"]
    dropped = await post(client, world.live, f"/api/plans/{plan_id}/cancel")
    assert dropped.json()["status"] == "cancelled"
    await asyncio.sleep(0.3)
    assert (await plan_of(client, world, plan_id))["status"] == "cancelled"
    refused = await post(client, world.live, f"/api/plans/{plan_id}/commit")
    assert refused.json()["code"] == "plan_not_ready"


async def test_without_the_extra_the_answer_names_it(
    client: httpx.AsyncClient, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plans, "available", lambda: False)
    wish = {"driver_ids": [await driver(client, world.live)]}
    refused = await post(client, world.live, "/api/routes/optimize", **wish)
    assert (refused.status_code, refused.json()["code"]) == (409, "extra_missing")
    assert refused.json()["details"] == [{"extra": "routes"}]


async def test_nearest_first_needs_no_optimiser(client: httpx.AsyncClient, world: World) -> None:
    near, middle, far, _ = await placed(client, world)
    given = {"driver_id": await driver(client, world.live), "package_ids": [far, near, middle]}
    route = (await world.db.write(actions.create, world.scope, ANA, given)).route
    answer = await post(client, world.live, f"/api/routes/{route.id}/nearest")
    assert [stop["package_ids"] for stop in answer.json()["stops"]] == [[near], [middle], [far]]
    assert answer.json()["approximate"] is False
    assert answer.json()["meters"] > 6_000


async def test_what_a_stopped_box_left_is_computed_after_its_next_start(tmp_path: Path) -> None:
    async with running(tmp_path / "data", limits=LIMITS) as before, client_of(before) as http:
        world = await build_world(before.state.box.db)
        on_it = await placed(http, world)
        who = await driver(http, world.live)
        await before.state.planner.stop()
        given = {"driver_ids": [who], "package_ids": on_it}
        plan = await world.db.write(plans.ask, world.scope, ANA, given)
        await world.db.write(begin, world.scope, plan.id)
    async with running(tmp_path / "data", limits=LIMITS) as after, asyncio.timeout(30):
        db = after.state.box.db
        while (await db.read(plans.read, world.scope, plan.id)).status != "ready":
            await asyncio.sleep(0.05)


def begin(w: Writer, scope: Scope, plan_id: str) -> None:
    """As a box that was killed leaves a plan."""
    plans.move(w, plans.read(w, scope, plan_id), status="running")
