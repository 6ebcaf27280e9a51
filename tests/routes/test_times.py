"""When a driver will be where: promised times, waiting, breaks, a clock set ahead, learning."""

import httpx
import pytest

from scriptrun_box.kernel import clock
from scriptrun_box.kernel.clock import HOUR_MS, MINUTE_MS
from scriptrun_box.packages import actions as packages
from scriptrun_box.packages.model import Location
from scriptrun_box.routes import actions, stops, times
from scriptrun_box.routes.model import sheet_wire
from scriptrun_box.routes.sheet import read
from tests.world import World, header

from .people import ANA, SHOP, at_places, driver, order_of, parcels, shop_at, step

pytestmark = pytest.mark.anyio
NORTH = (SHOP[0] + 0.05, SHOP[1])
DAY = "2027-01-11"


async def placed(client: httpx.AsyncClient, world: World, **fields: str) -> str:
    """A package a few kilometres north of the pharmacy."""
    (made,) = await parcels(client, world.live, 1, delivery_date=DAY, **fields)
    await world.db.write(at_places, world.scope, {made: NORTH})
    account = (await client.get("/api/account", headers=header(world.live))).json()
    await world.db.write(shop_at, account["locations"][0]["id"])
    return made


async def planned(
    client: httpx.AsyncClient, world: World, package_id: str, **fields: object
) -> dict[str, object]:
    """The first stop of a route that leaves at 09:00 with it."""
    given = {
        "driver_id": await driver(client, world.live),
        "package_ids": [package_id],
        "date": DAY,
        "leaves_at": "09:00",
        **fields,
    }
    sheet = await world.db.write(actions.create, world.scope, ANA, given)
    stop: dict[str, object] = sheet_wire(sheet)["stops"][0]
    return stop


def test_a_time_that_daylight_saving_skips_comes_as_much_later_as_it_would_have() -> None:
    zone = "America/New_York"
    skipped = clock.moment("2027-03-14", "02:30", zone)
    assert clock.local_time(skipped, zone) == "03:30"
    assert skipped - clock.moment("2027-03-14", "01:30", zone) == HOUR_MS
    twice = clock.moment("2027-11-07", "01:30", zone)
    assert clock.moment("2027-11-07", "02:30", zone) - twice == 2 * HOUR_MS


async def test_a_driver_waits_for_what_may_not_come_earlier(
    client: httpx.AsyncClient, world: World
) -> None:
    stop = await planned(client, world, await placed(client, world, deliver_after="11:00"))
    assert stop["arrives_at"] == stop["deliver_after"] == f"{DAY}T16:00:00Z"


async def test_lateness_is_seen_before_it_happens(client: httpx.AsyncClient, world: World) -> None:
    late = await planned(client, world, await placed(client, world, deliver_by="09:05"))
    assert late["late"] is True
    in_time = await planned(client, world, await placed(client, world, deliver_by="09:30"))
    assert in_time["late"] is False


async def test_a_break_puts_off_what_comes_after_it(
    client: httpx.AsyncClient, world: World
) -> None:
    plain = await planned(client, world, await placed(client, world))
    pause = {"after": "09:01", "before": "09:30", "minutes": 20}
    later = await planned(client, world, await placed(client, world), breaks=[pause])
    assert minutes(later) == minutes(plain) + 20


async def test_a_date_in_the_gap_is_a_route_like_any_other(
    client: httpx.AsyncClient, world: World
) -> None:
    stop = await planned(
        client, world, await placed(client, world), date="2027-03-14", leaves_at="02:30"
    )
    assert str(stop["arrives_at"]).startswith("2027-03-14T07:4")


async def test_a_place_that_is_found_later_times_the_route_and_joins_equal_doors(
    client: httpx.AsyncClient, world: World
) -> None:
    one, two = await parcels(client, world.live, 2)
    given = {"driver_id": await driver(client, world.live), "package_ids": [one, two]}
    sheet = await world.db.write(actions.create, world.scope, ANA, given)
    assert [visit.stop.arrives_at for visit in sheet.visits] == [None, None]
    place = Location(*NORTH, "pin", "exact")
    for package_id in (one, two):
        await world.db.write(packages.locate, world.scope, [package_id], "1 BOTH ST", place)
        await world.db.write(stops.relocated, world.scope, [package_id])
    sheet = await world.db.read(read, world.scope, sheet.route.id)
    assert order_of(sheet) == [[one, two]]
    assert sheet.visits[0].stop.arrives_at is not None


async def test_finished_routes_teach_how_fast_one_gets_on(
    client: httpx.AsyncClient, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = clock.now_ms()
    monkeypatch.setattr(clock, "now_ms", lambda: now)
    for _ in range(times.PACES_MIN):
        on_it = await parcels(client, world.live, 5)
        north = {each: (SHOP[0] + n / 50, SHOP[1]) for n, each in enumerate(on_it, 1)}
        await world.db.write(at_places, world.scope, north)
        given = {"driver_id": await driver(client, world.live), "package_ids": on_it}
        sheet = await world.db.write(actions.create, world.scope, ANA, given)
        await world.db.write(actions.start, world.scope, ANA, sheet.route.id)
        for package_id in on_it:
            way = times.road_meters(SHOP, (SHOP[0] + 1 / 50, SHOP[1])) / times.METERS_A_SECOND
            now += round((2 * way + times.DOOR_SECONDS) * 1000)
            await world.db.write(step, world.scope, package_id, "deliver")
        await world.db.write(actions.finish, world.scope, ANA, sheet.route.id)
    assert await world.db.read(times.pace_of, sheet.route.location_id) == pytest.approx(2, abs=0.01)


def minutes(stop: dict[str, object]) -> int:
    hour, minute = str(stop["arrives_at"])[11:16].split(":")
    return int(hour) * HOUR_MS // MINUTE_MS + int(minute)
