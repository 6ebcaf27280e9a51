"""Settings → Usage: the month against the plan, each key's limits, both to take away."""

import httpx
import pytest

from scriptrun_box.accounts import actions, store
from scriptrun_box.kernel import clock
from scriptrun_box.kernel.scope import CLI
from tests.ui.visits import Visitor
from tests.world import World, header, orders

pytestmark = pytest.mark.anyio
PAGE = "/settings/usage"


async def test_the_month_is_shown_against_the_plan(client: httpx.AsyncClient, world: World) -> None:
    tenant_id = world.pharmacy.tenant.id
    await world.db.write(actions.update_tenant, tenant_id, CLI, plan="pro", overage=None)
    month = clock.month(clock.now_ms())
    await world.db.write(store.add_month_usage, tenant_id, month, 9_400)
    page = (await Visitor(client, world, "teammate").get(PAGE)).text
    assert "9,400" in page
    assert "of 10,000 orders" in page
    assert "600 left" in page
    await world.db.write(store.add_month_usage, tenant_id, month, 900, 300)
    assert "300 beyond the plan" in (await Visitor(client, world, "owner").get(PAGE)).text


async def test_a_plan_without_limit_and_no_orders_say_so(
    client: httpx.AsyncClient, world: World
) -> None:
    page = (await Visitor(client, world, "owner").get(PAGE)).text
    assert "the plan has no limit" in page
    assert "No orders yet" in page


async def test_each_key_shows_what_it_did_and_may_do(
    client: httpx.AsyncClient, world: World
) -> None:
    key = await world.key(name="Narrow", orders_per_hour=70, ingest_per_minute=9)
    body = orders(*({"rx_number": f"RX-{number}"} for number in range(3)))
    assert (
        await client.post("/api/webhook/orders", json=body, headers=header(key))
    ).status_code == 200
    exported = (await Visitor(client, world, "teammate").get("/settings/usage-keys.csv")).text
    assert f"Narrow,{key.key.prefix},live,9,1,70,3" in exported
    page = (await Visitor(client, world, "owner").get(PAGE)).text
    assert "of 70" in page


async def test_months_are_exported(client: httpx.AsyncClient, world: World) -> None:
    await world.db.write(store.add_month_usage, world.pharmacy.tenant.id, "2026-03", 12, 2)
    exported = await Visitor(client, world, "owner").get("/settings/usage.csv")
    assert exported.text.splitlines()[1] == "2026-03,12,2"


@pytest.mark.parametrize("path", [PAGE, "/settings/usage.csv", "/settings/usage-keys.csv"])
async def test_strangers_drivers_and_nobody_learn_nothing(
    client: httpx.AsyncClient, world: World, path: str
) -> None:
    await world.db.write(store.add_month_usage, world.pharmacy.tenant.id, "2026-03", 4_321)
    stranger = (await Visitor(client, world, "other_owner").get(path)).text
    assert "4,321" not in stranger
    assert "4321" not in stranger
    assert world.live.key.prefix not in stranger
    assert (await Visitor(client, world, "driver").get(path)).status_code == 403
    assert (await Visitor(client, world).get(path)).status_code == 303
