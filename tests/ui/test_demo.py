"""The demonstration: its seed, its receiver, its screen, and that a real box has none of it."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from scriptrun_box import demo
from scriptrun_box.accounts import passwords, store
from scriptrun_box.app import create_app
from scriptrun_box.demo_orders import STORIES, order
from scriptrun_box.kernel import audit, clock
from scriptrun_box.kernel.config import Settings
from scriptrun_box.kernel.db import Reader, read_once, run_once
from scriptrun_box.kernel.opening import Opened, open_folder
from scriptrun_box.kernel.scope import Scope
from scriptrun_box.packages import store as packages
from scriptrun_box.ui.demo.receiver import KEPT, Receiver, is_signed
from scriptrun_box.webhooks import signing
from scriptrun_box.webhooks import store as webhooks
from tests.boxes import settings_for
from tests.ui.visits import Visitor
from tests.world import World, orders

pytestmark = pytest.mark.anyio
PASSWORD = "a dozen blue umbrellas"
SECRET = "whsec_c2VjcmV0IG9mIGEgdGVzdA=="


@asynccontextmanager
async def demonstration(
    settings: Settings, opened: Opened
) -> AsyncIterator[tuple[httpx.AsyncClient, Receiver, demo.Made | None]]:
    """As the verb does: seed once, then run with the receiver attached."""
    port = read_once(opened.path, opened.key, demo.receiver_port)
    sockets = demo.receiver_sockets(port)
    port = sockets[0].getsockname()[1]
    made = None
    if read_once(opened.path, opened.key, demo.is_demo):
        run_once(opened.path, opened.key, demo.point_at, port)
    else:
        made = run_once(opened.path, opened.key, demo.seed, settings, PASSWORD, port)
    app = create_app(settings, opened)
    demo.attach(app, sockets)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8787") as client,
    ):
        yield client, app.state.demo, made


def facts(r: Reader) -> dict[str, Any]:
    (tenant,) = store.tenants(r)
    scope = Scope(tenant.id)
    listed = packages.page(r, scope, packages.Filter(), None, 200)
    return {
        "names": {each.content.patient_name for each in listed},
        "statuses": {each.status for each in listed},
        "count": len(listed),
        "sandbox": len(packages.page(r, Scope(tenant.id, True), packages.Filter(), None, 200)),
        "keys": [each.prefix[:8] for each in store.keys(r, tenant.id)],
        "urls": sorted(each.url for each in webhooks.every_endpoint(r)),
        "audit": audit.verify(r),
    }


async def test_a_first_start_makes_a_days_work_and_a_second_finds_it(tmp_path: Path) -> None:
    settings = demo.demo_settings(settings_for(tmp_path / "data"))
    opened = open_folder(settings)
    assert read_once(opened.path, opened.key, demo.is_demo) is None
    async with demonstration(settings, opened) as (client, receiver, made):
        assert made is not None
        first = await _facts(client)
        assert first["count"] == 40
        assert first["sandbox"] == 4
        assert first["statuses"] == {
            "created", "assigned", "out_for_delivery", "delivered", "failed", "returned",
            "cancelled",
        }  # fmt: skip
        assert len(first["names"]) == 39  # one of them came in twice, as it seems
        assert sorted(first["keys"]) == ["sk_live_", "sk_test_"]
        assert first["urls"] == [f"{receiver.url}/live", f"{receiver.url}/sandbox"]
        assert first["audit"] is None
        account = await client.get("/api/account", headers={"X-API-Key": made.live_key})
        assert account.json()["tenant"]["name"] == "Corner Drug"
        signed_in = await client.post(
            "/sign-in",
            data={"email": made.email, "password": made.password},
            headers={"Accept": "text/html"},
        )
        assert signed_in.status_code == 303
    again = open_folder(settings)
    assert read_once(again.path, again.key, demo.is_demo) is True
    async with demonstration(settings, again) as (client, _, made):
        assert made is None
        assert (await _facts(client))["names"] == first["names"]


async def test_a_pushed_order_arrives_signed_at_the_receiver_and_on_its_screen(
    tmp_path: Path,
) -> None:
    settings = demo.demo_settings(settings_for(tmp_path / "data"))
    async with demonstration(settings, open_folder(settings)) as (client, receiver, made):
        assert made is not None
        pushed = await client.post(
            "/api/webhook/orders", json=orders(), headers={"X-API-Key": made.live_key}
        )
        package_id = pushed.json()["package_ids"][0]
        async with asyncio.timeout(10):
            while not any(package_id in each.body for each in receiver.arrivals):
                await asyncio.sleep(0.02)
        assert all(each.verified for each in receiver.arrivals)
        cookie = (
            await client.post("/sign-in", data={"email": made.email, "password": made.password})
        ).cookies["scriptrun"]
        client.cookies.clear()
        headers = {"Accept": "text/html", "Cookie": f"scriptrun={cookie}"}
        for path in ("/demo/receiver", "/live/demo"):
            page = await client.get(path, headers=headers)
            assert page.status_code == 200
            assert package_id in page.text
            assert "verified" in page.text
            assert (await client.get(path, headers={"Accept": "text/html"})).status_code == 303


async def test_a_receiver_at_another_port_is_still_found(tmp_path: Path) -> None:
    settings = demo.demo_settings(settings_for(tmp_path / "data"))
    opened = open_folder(settings)
    run_once(opened.path, opened.key, demo.seed, settings, PASSWORD, 4001)
    run_once(opened.path, opened.key, demo.point_at, 4002)
    urls = read_once(opened.path, opened.key, facts)["urls"]
    assert urls == ["http://127.0.0.1:4002/live", "http://127.0.0.1:4002/sandbox"]
    assert read_once(opened.path, opened.key, demo.receiver_port) == 4002
    opened.close()


async def test_a_real_box_has_no_receiver_and_is_not_taken_for_the_demonstration(
    client: httpx.AsyncClient, world: World
) -> None:
    owner = Visitor(client, world, "owner")
    for path in ("/demo/receiver", "/live/demo"):
        assert (await owner.get(path)).status_code == 404
    assert await world.db.read(demo.is_demo) is False


def test_a_new_password_may_be_used_and_is_never_the_same() -> None:
    made = {demo.new_password() for _ in range(50)}
    assert len(made) == 50
    for password in made:
        passwords.check(password)


# the receiver -------------------------------------------------------------------------------------


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    async def secrets() -> list[str]:
        return ["whsec_b3RoZXI=", SECRET]

    receiver = Receiver(demo.receiver_sockets(0), secrets)
    await receiver.start()
    yield receiver
    await receiver.stop()


def signed(body: bytes, secret: str = SECRET, age_seconds: int = 0) -> dict[str, str]:
    return signing.headers(
        event="package.created",
        event_id="evt_1",
        body=body,
        timestamp=clock.now_ms() // 1000 - age_seconds,
        attempt=1,
        secret=secret,
    )


async def test_the_receiver_takes_what_verifies_and_refuses_the_rest() -> None:
    body = json.dumps({"id": "evt_1", "test": True}).encode()
    async with receiving() as receiver, httpx.AsyncClient() as sender:
        for headers, status in (
            (signed(body), 200),
            (signed(body, "whsec_d3Jvbmc="), 400),
            (signed(body, age_seconds=400), 400),
            ({}, 400),
        ):
            answer = await sender.post(f"{receiver.url}/live", content=body, headers=headers)
            assert answer.status_code == status
        assert [each.verified for each in receiver.arrivals] == [False, False, False, True]
        assert receiver.arrivals[-1].event == "package.created"
        assert receiver.arrivals[-1].test


async def test_the_receiver_remembers_the_last_ones_only_and_survives_rubbish() -> None:
    async with receiving() as receiver:
        port = int(receiver.url.rpartition(":")[2])
        for raw in (b"\x00\x01\r\n\r\n", b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n", b"GET"):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(raw)
            writer.write_eof()
            await reader.read()
            writer.close()
            await writer.wait_closed()
        async with httpx.AsyncClient() as sender:
            for _ in range(KEPT + 3):
                await sender.post(receiver.url, content=b"[1]")
        assert len(receiver.arrivals) == KEPT
        assert receiver.arrivals[0].number == receiver.count
        assert receiver.arrivals[0].body == "{}"


@pytest.mark.parametrize("header", ["", "t=,v1=", "t=x,v1=y", "t=1", "v1=00", "t=²,v1=é"])
def test_no_rubbish_in_a_signature_is_taken_for_one(header: str) -> None:
    assert is_signed(b"{}", header, SECRET, 1) is False


async def _facts(client: httpx.AsyncClient) -> dict[str, Any]:
    app = client._transport.app  # type: ignore[attr-defined]
    found: dict[str, Any] = await app.state.box.db.read(facts)
    return found


def test_no_address_of_the_demonstration_is_given_to_two_people() -> None:
    made = [order(number, story) for number, story in enumerate(STORIES)]
    assert len({each["patient_address"] for each in made}) == len(made)
    assert all(re.fullmatch(r"\+1305555\d{4}", each.get("patient_phone", "+13055550000"))
               for each in made)  # fmt: skip
