"""The desk's routes: the list and its CSV file, one route by hand, a plan that is seen first."""

import asyncio
import csv
import io
import re
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from scriptrun_box.app import _write_behind
from scriptrun_box.kernel.db import Reader, Writer
from scriptrun_box.packages import store as packages
from scriptrun_box.packages.model import Location
from scriptrun_box.routes import plans
from tests.drivers.people import hire
from tests.ui.conftest import Push, Visit, Visitor
from tests.world import World

pytestmark = pytest.mark.anyio
STOP = re.compile(r'data-key="(stp_[0-9a-f]{32})"')
MIAMI = (25.7743, -80.1937)


def place(w: Writer, world: World, package_ids: list[str]) -> None:
    """Each package further to the north."""
    for number, package_id in enumerate(package_ids, 1):
        there = Location(MIAMI[0] + number / 100, MIAMI[1], "pin", "exact")
        package = packages.get(w, world.scope, package_id)
        assert package is not None
        packages.set_location(w, package_id, package.content.patient_address.upper(), there)


async def parcels(push: Push, world: World, count: int = 3, **fields: Any) -> list[str]:
    """Packages of invented people, each at a door of its own."""
    made = await push(
        *(
            {
                "patient_name": f"Person {n} <b>",
                "patient_address": f"{n} Ocean Dr, Miami, FL 33139",
                "barcode": f"R{n}{fields}",
                **fields,
            }
            for n in range(1, count + 1)
        )
    )
    await world.db.write(place, world, made)
    return made


async def made(visitor: Visitor, driver_id: str, *package_ids: str) -> str:
    """The address of a new route with these packages on it."""
    answer = await visitor.send("/routes", driver_id=driver_id, ends_at_start="on")
    assert answer.status_code == 303, answer.text
    path = str(answer.headers["location"]).partition("?")[0]
    for package_id in package_ids:
        put = await visitor.send(f"{path}/put", package_ids=package_id)
        assert put.status_code == 303, put.text
    return path


async def test_an_empty_list_offers_the_first_step(visit: Visit) -> None:
    page = await (await visit("teammate")).see("/routes")
    assert "No routes yet" in page and "Add the first driver" in page


async def test_a_route_is_made_filled_moved_and_started_without_a_script(
    visit: Visit, push: Push, client: httpx.AsyncClient, world: World
) -> None:
    who = (await hire(client, world.live, name="Zoë Ortega"))["id"]
    teammate, stranger = await visit("teammate"), await visit("other_owner")
    first, second, third = await parcels(push, world)
    path = await made(teammate, who, first, second, third)
    page = await teammate.see(path)
    assert "Person 1 &lt;b&gt;" in page and "Route of Zoë Ortega" in page
    assert f'href="{path}#stp_' in await teammate.see(f"/packages/{first}")
    one, _, three = STOP.findall(page)
    stamp = re.findall(r'name="stamp" value="(\d+)"', page)[0]
    moved = await teammate.send(f"{path}/move", stop_id=three, to="1", stamp=stamp)
    assert moved.headers["location"] == f"{path}?done=moved#{three}"
    page = await teammate.see(path)
    assert STOP.findall(page)[:2] == [three, one] and "Fixed" in page
    late = await teammate.send(f"{path}/move", stop_id=three, to="3", stamp=stamp)
    assert late.status_code == 409 and "was faster" in late.text
    off = await teammate.send(f"{path}/take-off", package_id=second)
    assert off.status_code == 303
    assert (await teammate.send(f"{path}/nearest")).status_code == 303
    assert (await teammate.send(f"{path}/start")).headers["location"] == f"{path}?done=started"
    assert "On the way" in await teammate.see("/routes")
    other = (await hire(client, world.live, name="Bo <i>"))["id"]
    page = await teammate.see(path)
    for paper in ("manifest", "labels"):
        assert f'href="{path}/{paper}"' in page
    for where in ("/board", f"/drivers/{who}"):
        assert f'href="{path}/manifest"' in await teammate.see(where)
    assert "2 open stops go to them in one step" in page
    assert (await teammate.send(f"{path}/hand-over", driver_id=other)).status_code == 303
    page = await teammate.see(path)
    assert "Route of Bo &lt;i&gt;" in page
    assert "from Zoë Ortega to Bo &lt;i&gt;, by" in page
    refused = await teammate.send(f"{path}/finish")
    assert refused.status_code == 409 and "2 stops are still open" in refused.text
    await stranger.see(path, 404)
    assert "Ortega" not in await stranger.see("/routes?date=all")


async def test_what_may_not_leave_is_named_and_left_behind_only_when_ticked(
    visit: Visit, push: Push, client: httpx.AsyncClient, world: World
) -> None:
    who = (await hire(client, world.live, capabilities=["cold_chain"]))["id"]
    teammate = await visit("teammate")
    (cold,) = await parcels(push, world, 1, cold_chain=True)
    (warm,) = await parcels(push, world, 1)
    path = await made(teammate, who, cold, warm)
    refused = await teammate.send(f"{path}/start")
    assert refused.status_code == 409
    assert "1 package cannot leave yet; nothing was started." in refused.text
    assert "Leave behind Person 1 &lt;b&gt;: The cold package is not packed" in refused.text
    started = await teammate.send(f"{path}/start", leave_behind=cold)
    assert started.headers["location"] == f"{path}?done=started"


async def test_a_plan_is_seen_before_it_is_used(
    visit: Visit, push: Push, client: httpx.AsyncClient, world: World
) -> None:
    who = (await hire(client, world.live, name="Bo Lind"))["id"]
    teammate = await visit("teammate")
    await parcels(push, world)
    asked = await teammate.send("/routes/plan", driver_ids=who)
    path = str(asked.headers["location"])
    async with asyncio.timeout(60):
        while "plan-use" not in (page := await teammate.see(path)):
            assert "Stop it" in page or "Looking for" in page
            await asyncio.sleep(0.1)
    assert "Bo Lind" in page and "Nothing left out." in page and "3 stops" in page
    used = await teammate.send(f"{path}/use")
    assert used.status_code == 303
    assert "0 of 3 done" in await teammate.see(used.headers["location"])
    assert "is in use" in await teammate.see(path)


async def test_without_the_optimiser_the_screen_names_what_is_missing(
    visit: Visit, client: httpx.AsyncClient, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plans, "available", lambda: False)
    who = (await hire(client, world.live))["id"]
    teammate = await visit("teammate")
    assert "extra &#34;routes&#34; is missing" in await teammate.see("/routes")
    refused = await teammate.send("/routes/plan", driver_ids=who)
    assert refused.status_code == 409 and "is missing" in refused.text
    assert "Nearest first" in await teammate.see(await made(teammate, who))


@pytest.mark.parametrize("fields", [{}, {"driver_id": "drv_1"}, {"driver_id": "", "date": "soon"}])
async def test_a_form_that_is_wrong_says_so(visit: Visit, fields: dict[str, str]) -> None:
    teammate = await visit("teammate")
    answer = await teammate.send("/routes", **fields)
    assert answer.status_code == 400 and 'role="alert"' in answer.text
    nobody = await teammate.send("/routes/plan")
    assert nobody.status_code == 400


async def test_the_csv_files_have_every_route_and_every_stop(
    visit: Visit, push: Push, client: httpx.AsyncClient, world: World
) -> None:
    who = (await hire(client, world.live, name="=Formula"))["id"]
    teammate = await visit("teammate")
    path = await made(teammate, who, *(await parcels(push, world, 2)))
    listed = list(csv.DictReader(io.StringIO((await teammate.see("/routes.csv"))[1:])))
    assert [(row["driver"], row["stops"]) for row in listed] == [("'=Formula", "2")]
    stops = list(csv.DictReader(io.StringIO((await teammate.see(f"{path}/stops.csv"))[1:])))
    assert [row["address"] for row in stops] == [f"{n} Ocean Dr, Miami, FL 33139" for n in (1, 2)]
    assert all(row["arrives_at"] for row in stops)


async def test_looking_at_a_route_is_in_the_audit(
    visit: Visit, client: httpx.AsyncClient, world: World, app: Starlette
) -> None:
    who = (await hire(client, world.live))["id"]
    teammate = await visit("teammate")
    path = await made(teammate, who)
    await teammate.see(path)
    await _write_behind(app)

    def looks(r: Reader) -> int:
        return int(r.value("SELECT count(*) FROM audit WHERE act = 'route.read'"))

    assert await world.db.read(looks) == 1
