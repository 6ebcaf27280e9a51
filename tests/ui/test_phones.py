"""Phones at the desk: a code to add one, a lost one shut out, what phones told; the app's files."""

import csv
import html
import io
import json
import re

import httpx
import pytest

from scriptrun_box.delivery.phone import store
from scriptrun_box.ui import pages
from tests.delivery.phone.handset import handset, join, under_way
from tests.drivers.people import hire
from tests.ui.visits import Visitor
from tests.world import World

pytestmark = pytest.mark.anyio
MODULE = re.compile(r'from "\./([a-z]+\.js)"')


async def test_the_desk_shows_a_code_that_adds_the_drivers_phone(
    client: httpx.AsyncClient, world: World
) -> None:
    driver, dana = await hire(client, world.live), Visitor(client, world, "teammate")
    empty = (await dana.get(f"/drivers/{driver['id']}")).text
    assert "No phone yet" in empty and "Add a phone" in empty
    shown = await dana.post(f"/drivers/{driver['id']}/phones")
    assert shown.status_code == 200 and "<svg" in shown.text
    assert "answers on this machine only" in shown.text, "no phone reaches 127.0.0.1"
    link = re.search(r'id="link">([^<]*)<', shown.text)
    assert link
    token = html.unescape(link[1]).rpartition("/")[2]
    assert (await join(client, token)).status_code == 200
    client.cookies.clear()
    page = (await dana.get(f"/drivers/{driver['id']}")).text
    assert "last heard" in page and "This phone is lost" in page


async def test_a_lost_phone_is_shut_out_from_the_drivers_page(
    client: httpx.AsyncClient, world: World
) -> None:
    driver, dana = await hire(client, world.live), Visitor(client, world, "teammate")
    phone = await handset(client, world, driver["id"])
    (known,) = await world.db.read(store.of_driver, driver["id"])
    answer = await dana.post(f"/phones/{known.id}/revoke")
    assert answer.headers["location"] == f"/drivers/{driver['id']}?done=phone_revoked"
    assert (await phone.ask("GET", "/phone/shift")).json()["code"] == "phone_revoked"
    assert "No phone yet" in (await dana.get(f"/drivers/{driver['id']}")).text


async def test_what_did_not_count_is_listed_searched_exported_and_seen(
    client: httpx.AsyncClient, world: World
) -> None:
    out = await under_way(client, world, {"copay_amount": None}, name="Zora Odd")
    await out.phone.send(out.phone.delivery(out.package_ids[0]))
    late = out.phone.delivery(out.package_ids[0])
    late["at"] -= 60_000
    await out.phone.send(late)
    dana = Visitor(client, world, "teammate")
    page = (await dana.get("/phone-acts")).text
    assert "Zora Odd" in page and "Did not count" in page
    told = "Zora Odd's phone told did not count"
    assert told in html.unescape((await dana.get("/")).text)
    assert "Zora Odd" in (await dana.get("/phone-acts?q=zora+delivered")).text
    assert "Zora Odd" not in (await dana.get("/phone-acts?q=nobody")).text
    assert (await dana.get("/phone-acts?show=all")).text.count("Started the route") >= 1
    rows = list(csv.DictReader(io.StringIO((await dana.get("/phone-acts.csv")).text[1:])))
    (row,) = [row for row in rows if row["driver"] == "Zora Odd"]
    assert (row["outcome"], row["code"]) == ("conflict", "deliver_not_allowed")
    seen = await dana.post(f"/drivers/{out.driver_id}/phone-acts", {"next": "/phone-acts"})
    assert seen.headers["location"] == "/phone-acts"
    assert told not in html.unescape((await dana.get("/")).text)
    assert "I have seen it" not in (await dana.get("/phone-acts?q=zora")).text


async def test_the_worker_keeps_every_module_the_app_imports(
    client: httpx.AsyncClient, world: World
) -> None:
    worker = (await client.get("/phone/sw.js")).text
    files = set(json.loads(worker.partition("const FILES = ")[2].partition(";\n")[0]))
    modules = {name for name in pages.ASSETS if name.startswith("phone/") and name.endswith(".js")}
    for name in modules:
        for imported in MODULE.findall(pages.ASSETS[name].body.decode()):
            assert f"/static/phone/{imported}" in files, name
    for path in files:
        assert (await client.get(path)).status_code == 200, path


async def test_the_app_can_be_installed(client: httpx.AsyncClient, world: World) -> None:
    told = (await client.get("/phone/manifest.webmanifest")).json()
    assert (told["start_url"], told["display"]) == ("/phone", "standalone")
    for icon in told["icons"]:
        assert (await client.get(icon["src"])).headers["content-type"] == "image/png"
    worker = await client.get("/phone/sw.js")
    assert worker.headers["service-worker-allowed"] == "/phone"
    page = (await client.get("/phone")).text
    assert "<script>" not in page and "style=" not in page and "manifest.webmanifest" in page
