"""Settings → Locations: another one where the plan knows it, a name and time zone to mend."""

import httpx
import pytest

from scriptrun_box.accounts import actions, store
from scriptrun_box.kernel.scope import CLI
from tests.ui.visits import Visitor
from tests.world import World, header, orders

pytestmark = pytest.mark.anyio
PAGE = "/settings/locations"
SECOND = {"name": "Second Street", "address": "2 Second St", "time_zone": "America/Chicago"}


async def test_an_order_may_name_a_location_that_was_just_added(
    client: httpx.AsyncClient, world: World
) -> None:
    owner = Visitor(client, world, "owner")
    added = await owner.post(PAGE, SECOND)
    assert added.headers["location"] == f"{PAGE}?done=added"
    first, second = await world.db.read(store.locations, world.pharmacy.tenant.id)
    assert second.id in (await owner.get(PAGE)).text
    answer = await client.post(
        "/api/webhook/orders",
        json=orders({"pharmacy_id": second.id}),
        headers=header(world.live),
    )
    assert answer.status_code == 200
    assert first.id != second.id


async def test_a_plan_with_one_location_says_so_and_adds_nothing(
    client: httpx.AsyncClient, world: World
) -> None:
    tenant_id = world.pharmacy.tenant.id

    def to_pro(w):  # type: ignore[no-untyped-def]
        actions.update_tenant(w, tenant_id, CLI, plan="pro", overage=None)

    await world.db.write(to_pro)
    owner = Visitor(client, world, "owner")
    assert "The pro plan knows one location" in (await owner.get(PAGE)).text
    refused = await owner.post(PAGE, SECOND)
    assert refused.status_code == 403
    assert len(await world.db.read(store.locations, tenant_id)) == 1


async def test_a_location_can_be_renamed_but_not_given_an_unknown_time_zone(
    client: httpx.AsyncClient, world: World
) -> None:
    owner, place = Visitor(client, world, "owner"), world.pharmacy.location
    changed = await owner.post(f"{PAGE}/{place.id}", {**SECOND, "name": "Corner Drug North"})
    assert changed.headers["location"] == f"{PAGE}?done=changed"
    (stored,) = await world.db.read(store.locations, world.pharmacy.tenant.id)
    assert (stored.name, stored.time_zone) == ("Corner Drug North", "America/Chicago")
    refused = await owner.post(f"{PAGE}/{place.id}", {**SECOND, "time_zone": "Miami/Beach"})
    assert refused.status_code == 400
    assert "time zone is a name" in refused.text


async def test_teammates_look_but_change_nothing_and_strangers_see_their_own(
    client: httpx.AsyncClient, world: World
) -> None:
    place = world.pharmacy.location
    teammate = Visitor(client, world, "teammate")
    assert place.id in (await teammate.get(PAGE)).text
    assert (await teammate.post(f"{PAGE}/{place.id}", SECOND)).status_code == 403
    stranger = Visitor(client, world, "other_owner")
    assert place.id not in (await stranger.get(PAGE)).text
    assert (await stranger.post(f"{PAGE}/{place.id}", SECOND)).status_code == 404
