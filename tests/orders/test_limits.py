"""How many orders a key may send in an hour, and a tenant's plan in a month."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import time_machine

from scriptrun_box.accounts import actions
from scriptrun_box.accounts.actions import NewKey
from scriptrun_box.kernel.scope import CLI
from tests.shared_box import client_of, running
from tests.world import World, build_world, header, orders

pytestmark = pytest.mark.anyio
URL = "/api/webhook/orders"
MONTH_BEGINS = datetime(2026, 5, 1, tzinfo=UTC)


async def push(client: httpx.AsyncClient, key: NewKey, many: int) -> httpx.Response:
    """Push that many orders."""
    batch = orders(*({"rx_number": f"RX-{number}"} for number in range(many)))
    return await client.post(URL, json=batch, headers=header(key))


async def listed(client: httpx.AsyncClient, key: NewKey) -> int:
    """How many packages the key sees, up to 200."""
    answer = await client.get("/api/packages?limit=200", headers=header(key))
    return len(answer.json()["data"])


async def plan(world: World, name: str, overage: bool | None = None) -> None:
    """Put Corner Drug on a plan."""
    tenant_id = world.pharmacy.tenant.id
    await world.db.write(actions.update_tenant, tenant_id, CLI, plan=name, overage=overage)


async def test_the_hour_takes_exactly_its_orders_and_refuses_a_batch_whole(
    tmp_path: Path,
) -> None:
    limits = {"orders_per_hour": 10}
    async with running(tmp_path / "data", limits=limits) as app, client_of(app) as client:
        key = (await build_world(app.state.box.db)).live
        accepted = await push(client, key, 7)
        assert accepted.status_code == 200
        assert accepted.headers["ratelimit-limit"] == "10", "the tightest limit, not the minute's"
        assert accepted.headers["ratelimit-remaining"] == "3"
        assert 3_600 <= int(accepted.headers["ratelimit-reset"]) <= 3_660
        refused = await push(client, key, 4)
        assert refused.status_code == 429
        assert refused.json()["code"] == "orders_per_hour"
        assert refused.json()["details"] == [{"limit": 10, "used": 7, "requested": 4}]
        assert 0 < int(refused.headers["retry-after"]) <= 3_660
        assert refused.headers["ratelimit-limit"] == "10"
        assert refused.headers["ratelimit-remaining"] == "3"
        assert refused.headers["ratelimit-reset"] == refused.headers["retry-after"]
        assert await listed(client, key) == 7
        assert (await push(client, key, 3)).status_code == 200
        assert (await push(client, key, 1)).status_code == 429
        assert await listed(client, key) == 10


async def test_waiting_as_told_makes_room_and_no_hour_holds_more(tmp_path: Path) -> None:
    start = datetime(2026, 5, 4, 12, 0, 59, tzinfo=UTC)
    limits = {"orders_per_hour": 5}
    async with running(tmp_path / "data", limits=limits) as app, client_of(app) as client:
        key = (await build_world(app.state.box.db)).live
        with time_machine.travel(start):
            assert (await push(client, key, 5)).status_code == 200
        with time_machine.travel(start + timedelta(minutes=59, seconds=59)):
            refused = await push(client, key, 1)
            assert refused.status_code == 429
            wait = int(refused.headers["retry-after"])
        with time_machine.travel(start + timedelta(minutes=59, seconds=59 + wait)):
            assert (await push(client, key, 5)).status_code == 200


async def test_a_restart_does_not_refill_the_hour(tmp_path: Path) -> None:
    limits = {"limits": {"orders_per_hour": 3}}
    async with running(tmp_path / "data", **limits) as app, client_of(app) as client:
        key = (await build_world(app.state.box.db)).live
        assert (await push(client, key, 3)).status_code == 200
    async with running(tmp_path / "data", **limits) as app, client_of(app) as client:
        assert (await push(client, key, 1)).status_code == 429


async def test_racing_batches_take_no_more_than_the_hour_has(
    client: httpx.AsyncClient, world: World
) -> None:
    key = await world.key(orders_per_hour=25)
    answers = await asyncio.gather(*(push(client, key, 10) for _ in range(12)))
    assert sorted(answer.status_code for answer in answers) == [200] * 2 + [429] * 10


async def test_only_accepted_orders_count_and_each_key_has_its_own_hour(
    client: httpx.AsyncClient, world: World
) -> None:
    key, other = await world.key(orders_per_hour=2), await world.key(orders_per_hour=2)
    mixed: Any = orders({"rx_number": "1"}, *[{"patient_name": ""}] * 50)
    for _ in range(2):
        answer = await client.post(URL, json=mixed, headers=header(key))
        assert answer.json()["created"] == 1
    assert (await push(client, key, 1)).status_code == 429
    assert (await push(client, other, 2)).status_code == 200


async def test_a_batch_of_nothing_good_is_told_so_even_when_the_hour_is_full(
    client: httpx.AsyncClient, world: World
) -> None:
    key = await world.key(orders_per_hour=1)
    await push(client, key, 1)
    answer = await client.post(URL, json=orders({"patient_name": ""}), headers=header(key))
    assert answer.status_code == 400


async def test_the_plans_month_takes_exactly_its_orders(tmp_path: Path) -> None:
    plans = {"starter": {"monthly_orders": 5}}
    async with running(tmp_path / "data", plans=plans) as app, client_of(app) as client:
        world = await build_world(app.state.box.db)
        await plan(world, "starter")
        assert (await push(client, world.live, 3)).status_code == 200
        refused = await push(client, world.live, 3)
        assert (refused.status_code, refused.json()["code"]) == (402, "plan_limit")
        assert refused.json()["details"] == [{"limit": 5, "used": 3, "requested": 3}]
        assert await listed(client, world.live) == 3
        usage = (await client.get("/api/usage", headers=header(world.live))).json()
        assert (usage["orders"], usage["limit"]) == (3, 5)
        assert usage["limits"]["orders"] == {"per_hour": 10_000, "remaining": 9_997}
        assert (await push(client, world.live, 2)).status_code == 200
        assert (await push(client, world.live, 1)).status_code == 402
        assert (await push(client, await world.key(), 1)).status_code == 402  # the tenant's plan
        assert (await push(client, world.stranger, 9)).status_code == 200


async def test_the_sandbox_uses_nothing_of_the_plan(tmp_path: Path) -> None:
    plans = {"starter": {"monthly_orders": 1}}
    async with running(tmp_path / "data", plans=plans) as app, client_of(app) as client:
        world = await build_world(app.state.box.db)
        await plan(world, "starter")
        assert (await push(client, world.sandbox, 20)).status_code == 200
        assert (await push(client, world.live, 1)).status_code == 200
        assert (await push(client, world.sandbox, 20)).status_code == 200


@pytest.mark.parametrize("switched_by", ["the tenant", "the plan"])
async def test_with_overage_on_orders_beyond_the_plan_are_taken_and_counted(
    tmp_path: Path, switched_by: str
) -> None:
    plans = {"starter": {"monthly_orders": 5, "overage": switched_by == "the plan"}}
    async with running(tmp_path / "data", plans=plans) as app, client_of(app) as client:
        world = await build_world(app.state.box.db)
        await plan(world, "starter", overage=switched_by == "the tenant")
        for many in (3, 3, 2):
            assert (await push(client, world.live, many)).status_code == 200
        usage = (await client.get("/api/usage", headers=header(world.live))).json()
        assert usage["orders"] == 8
        assert usage["overage"] == {"enabled": True, "orders": 3}


async def test_a_new_month_begins_anew_and_a_bigger_plan_counts_at_once(tmp_path: Path) -> None:
    plans = {"starter": {"monthly_orders": 2}}
    async with running(tmp_path / "data", plans=plans) as app, client_of(app) as client:
        world = await build_world(app.state.box.db)
        await plan(world, "starter")
        with time_machine.travel(MONTH_BEGINS - timedelta(seconds=20)):
            assert (await push(client, world.live, 2)).status_code == 200
            assert (await push(client, world.live, 1)).status_code == 402
        with time_machine.travel(MONTH_BEGINS + timedelta(seconds=20)):
            assert (await push(client, world.live, 2)).status_code == 200
            assert (await push(client, world.live, 1)).status_code == 402
            await plan(world, "pro")
            assert (await push(client, world.live, 1)).status_code == 200


async def test_racing_pushes_take_no_more_than_the_month_has(tmp_path: Path) -> None:
    plans = {"starter": {"monthly_orders": 7}}
    async with running(tmp_path / "data", plans=plans) as app, client_of(app) as client:
        world = await build_world(app.state.box.db)
        await plan(world, "starter")
        answers = await asyncio.gather(*(push(client, world.live, 2) for _ in range(10)))
        assert sorted(answer.status_code for answer in answers) == [200] * 3 + [402] * 7
        assert await listed(client, world.live) == 6


async def test_a_refused_month_takes_nothing_from_the_hour(tmp_path: Path) -> None:
    plans = {"starter": {"monthly_orders": 1}}
    async with running(tmp_path / "data", plans=plans) as app, client_of(app) as client:
        world = await build_world(app.state.box.db)
        await plan(world, "starter")
        for _ in range(3):
            assert (await push(client, world.live, 2)).status_code == 402
        usage = (await client.get("/api/usage", headers=header(world.live))).json()
        assert usage["limits"]["orders"]["remaining"] == usage["limits"]["orders"]["per_hour"]
