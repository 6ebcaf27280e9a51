"""POST /api/packages/{id}/recall: what is out on a route comes back, and the route goes on."""

import httpx
import pytest

from scriptrun_box.delivery.recall import recall
from scriptrun_box.packages import actions as packages
from scriptrun_box.routes import actions
from tests.routes.people import ANA, driver, parcels, step, told
from tests.world import World

pytestmark = pytest.mark.anyio


async def test_a_recalled_package_is_done_on_its_route_and_gone_from_it_once_it_is_back(
    client: httpx.AsyncClient, world: World
) -> None:
    scope, luis = world.scope, await driver(client, world.live)
    first, second = await parcels(client, world.live, 2)
    wish = {"driver_id": luis, "package_ids": [first, second]}
    sheet = await world.db.write(actions.create, scope, ANA, wish)
    route_id = sheet.route.id
    await world.db.write(actions.start, scope, ANA, route_id)
    await world.db.write(recall, scope, ANA, second, "patient_request")
    assert await world.db.read(told, route_id, "route.completed") == []
    await world.db.write(step, scope, first, "fail", "no_answer")
    (done,) = await world.db.read(told, route_id, "route.completed")
    assert done["route_id"] == route_id
    finished = await world.db.write(actions.finish, scope, ANA, route_id)
    assert finished.outcomes == {first: "failed", second: "recalled"}
    back = await world.db.write(packages.redeliver, scope, ANA, second)
    assert (back.status, back.recalled_at, back.route_id) == ("created", None, None)
