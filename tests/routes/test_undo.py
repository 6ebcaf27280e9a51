"""Taking back what one did last: as it was before, once, soon, and never over somebody else."""

import asyncio
from dataclasses import replace
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scriptrun_box.drivers import dispatch, many
from scriptrun_box.drivers import store as store_of_drivers
from scriptrun_box.drivers.many import Result, Wish
from scriptrun_box.kernel.db import Writer
from scriptrun_box.kernel.errors import Conflict
from scriptrun_box.kernel.scope import CLI, Actor
from scriptrun_box.packages import actions, last_acts, store
from scriptrun_box.packages.last_acts import UNDO_MS
from scriptrun_box.routes import actions as routes
from scriptrun_box.routes import stops
from scriptrun_box.routes.sheet import read
from scriptrun_box.routes.undo import undo
from tests.drivers.people import hire, parcel
from tests.world import World

from .people import order_of, parcels

pytestmark = pytest.mark.anyio
ME, OTHER = Actor.user("usr_me"), Actor.user("usr_other")


async def stands(world: World, package_id: str) -> tuple[Any, ...]:
    """Where a package is, and everything an undo has to bring back."""
    package = await world.db.read(store.get, world.scope, package_id)
    assert package is not None
    where = package.route_id, package.stop_id
    return package.status, package.driver_id, package.duplicate_of, package.recalled_at, *where


async def do(world: World, act: Any, *args: Any, actor: Actor = ME) -> int:
    """Do it as the screens do; the number it can be taken back by."""

    def doing(w: Writer) -> int:
        return last_acts.keeping(w, world.scope, actor, lambda: act(w, *args))[1]

    return await world.db.write(doing)


async def take_back(world: World, number: int, actor: Actor = ME) -> list[Result]:
    return await world.db.write(undo, world.scope, actor, number)


@pytest.fixture(scope="module")
async def drivers(client: httpx.AsyncClient, world: World) -> list[str]:
    return [(await hire(client, world.live))["id"] for _ in range(2)]


async def test_each_kind_of_move_is_taken_back_to_how_it_was(
    client: httpx.AsyncClient, world: World, drivers: list[str]
) -> None:
    scope, (ana, bo) = world.scope, drivers
    package_id = await parcel(client, world.live)
    wish = [Wish(package_id, None)]
    for act, args in (
        (many.assign, (ana,)),
        (many.assign, (bo,)),
        (many.unassign, ()),
        (many.assign, (bo,)),
        (many.cancel, ("picked_up",)),
    ):
        before = await stands(world, package_id)
        number = await do(world, act, scope, ME, wish, *args)
        after = await stands(world, package_id)
        assert after != before
        (result,) = await take_back(world, number)
        assert result.refusal is None
        assert await stands(world, package_id) == before
        await do(world, act, scope, ME, wish, *args)
        assert await stands(world, package_id) == after


async def test_the_word_that_two_are_one_is_taken_back(
    client: httpx.AsyncClient, world: World
) -> None:
    same = {"barcode": None, "rx_number": "RX-UNDO"}
    _, twice = [await parcel(client, world.live, **same) for _ in range(2)]
    before = await stands(world, twice)
    number = await do(world, actions.decide_duplicate, world.scope, ME, twice, False)
    assert (await stands(world, twice))[0] == "cancelled"
    await take_back(world, number)
    assert await stands(world, twice) == before


async def test_only_the_last_act_of_oneself_and_only_once_and_soon(
    client: httpx.AsyncClient,
    world: World,
    drivers: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scope = world.scope
    one, two = [await parcel(client, world.live) for _ in range(2)]
    first = await do(world, many.assign, scope, ME, [Wish(one, None)], drivers[0])
    second = await do(world, many.assign, scope, ME, [Wish(two, None)], drivers[0])
    for number, actor in ((first, ME), (second, OTHER), (second + 1, ME), (0, ME)):
        with pytest.raises(Conflict) as refused:
            await take_back(world, number, actor)
        assert refused.value.code == "undo_too_late"
    sandbox = replace(scope, test=True)
    with pytest.raises(Conflict):
        await world.db.write(undo, sandbox, ME, second)
    with monkeypatch.context() as later:
        later.setattr(last_acts, "UNDO_MS", -1)
        with pytest.raises(Conflict):
            await take_back(world, second)
    await take_back(world, second)
    with pytest.raises(Conflict):
        await take_back(world, second)
    assert (await stands(world, one))[0] == "assigned"
    assert (await stands(world, two))[0] == "created"
    assert UNDO_MS >= 60_000, "there is time to read what happened"


async def test_where_somebody_was_faster_their_move_stays_and_the_others_are_taken_back(
    client: httpx.AsyncClient, world: World, drivers: list[str]
) -> None:
    scope, (ana, bo) = world.scope, drivers
    bo_name = (await world.db.read(store_of_drivers.names, scope.tenant_id, [bo]))[bo]
    ids = [await parcel(client, world.live) for _ in range(3)]
    number = await do(world, many.assign, scope, ME, [Wish(each, None) for each in ids], ana)
    await world.db.write(dispatch.assign, scope, Actor.user(world.owner.id), ids[1], bo, None)
    results = await take_back(world, number)
    assert [result.refusal is None for result in results] == [True, False, True]
    refusal = results[1].refusal
    assert refusal is not None
    assert (
        refusal.sentence == f"{world.owner.name} was faster: the package is assigned to {bo_name}."
    )
    assert [(await stands(world, each))[1] for each in ids] == [None, bo, None]


async def test_what_stays_offers_no_undo(
    client: httpx.AsyncClient, world: World, drivers: list[str]
) -> None:
    package_id = await parcel(client, world.live)
    wish = [Wish(package_id, None)]
    number = await do(world, many.assign, world.scope, ME, wish, drivers[0])
    assert await do(world, many.assign, world.scope, ME, wish, drivers[0]) == 0, "nothing moved"
    with pytest.raises(Conflict):
        await take_back(world, number)
    await world.db.write(actions.move_on, world.scope, CLI, package_id, "start")
    await world.db.write(actions.move_on, world.scope, CLI, package_id, "fail")
    assert await do(world, actions.redeliver, world.scope, ME, package_id) == 0


async def test_a_package_comes_back_to_its_stop_while_route_and_stop_are_there(
    client: httpx.AsyncClient, world: World, drivers: list[str]
) -> None:
    scope, (ana, bo) = world.scope, drivers
    ids = await parcels(client, world.live, 3)
    given = {"driver_id": ana, "package_ids": ids}
    route = (await world.db.write(routes.create, scope, ME, given)).route
    placed = order_of(await world.db.read(read, scope, route.id))
    wish = [Wish(ids[1], None)]
    for act, args in ((many.assign, (bo,)), (many.unassign, ()), (many.cancel, ("other",))):
        before = await stands(world, ids[1])
        number = await do(world, act, scope, ME, wish, *args)
        assert (await stands(world, ids[1]))[-2:] == (None, None)
        (result,) = await take_back(world, number)
        assert result.refusal is None and not result.off_route
        assert await stands(world, ids[1]) == before
        assert order_of(await world.db.read(read, scope, route.id)) == placed


async def test_a_package_whose_stop_is_gone_comes_back_to_its_driver_and_that_is_said(
    client: httpx.AsyncClient, world: World, drivers: list[str]
) -> None:
    scope, (ana, bo) = world.scope, drivers
    for what in ("rearranged", "handed over", "cancelled"):
        ids = await parcels(client, world.live, 2)
        given = {"driver_id": ana, "package_ids": ids}
        route = (await world.db.write(routes.create, scope, ME, given)).route
        number = await do(world, many.assign, scope, ME, [Wish(ids[0], None)], bo)
        if what == "rearranged":
            await world.db.write(stops.settle, scope, OTHER, route.id)
        elif what == "handed over":
            await world.db.write(stops.hand_over, scope, OTHER, route.id, bo)
        else:
            await world.db.write(routes.cancel, scope, OTHER, route.id)
        (result,) = await take_back(world, number)
        assert result.refusal is None and result.off_route, what
        assert (await stands(world, ids[0]))[:2] == ("assigned", ana)
        assert (await stands(world, ids[0]))[-2:] == (None, None)


async def test_what_somebody_put_on_a_route_meanwhile_stays_there(
    client: httpx.AsyncClient, world: World, drivers: list[str]
) -> None:
    scope, (ana, bo) = world.scope, drivers
    ids = await parcels(client, world.live, 2)
    made = {}
    for driver_id, package_ids in ((ana, ids), (bo, [])):
        given = {"driver_id": driver_id, "package_ids": package_ids}
        made[driver_id] = (await world.db.write(routes.create, scope, ME, given)).route.id
    number = await do(world, many.assign, scope, ME, [Wish(each, None) for each in ids], bo)
    await asyncio.sleep(0.002)
    await world.db.write(stops.put, scope, OTHER, made[bo], ids[:1])
    one, two = await take_back(world, number)
    assert one.refusal is not None and "was faster" in one.refusal.sentence
    assert two.refusal is None and not two.off_route
    where = [(await stands(world, each))[1:5:3] for each in ids]
    assert where == [(bo, made[bo]), (ana, made[ana])]


STEPS = st.sampled_from(["assign 0", "assign 1", "unassign", "cancel"])


@settings(max_examples=25)
@given(steps=st.lists(STEPS, min_size=1, max_size=8), undone=st.sets(st.integers(0, 7)))
async def test_whatever_was_done_an_undo_leads_to_exactly_where_it_was(
    client: httpx.AsyncClient,
    world: World,
    drivers: list[str],
    steps: list[str],
    undone: set[int],
) -> None:
    ids = [await parcel(client, world.live) for _ in range(2)]
    wishes = [Wish(each, None) for each in ids]
    for place, step in enumerate(steps):
        name, _, which = step.partition(" ")
        act = getattr(many, name)
        more = {"assign": (drivers[int(which or 0)],), "cancel": ("other",)}.get(name, ())
        before = [await stands(world, each) for each in ids]
        number = await do(world, act, world.scope, ME, wishes, *more)
        if place in undone and number:
            assert all(result.refusal is None for result in await take_back(world, number))
            assert [await stands(world, each) for each in ids] == before
