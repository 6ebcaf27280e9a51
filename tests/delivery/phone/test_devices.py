"""Phones come to a driver by a code that works once, and lose everything with one word."""

import time

import httpx
import pytest
import time_machine
from starlette.applications import Starlette

from scriptrun_box.delivery.phone import devices, store
from scriptrun_box.kernel.db import Reader
from scriptrun_box.kernel.errors import Conflict, NotFound
from scriptrun_box.kernel.scope import CLI, Scope
from tests.drivers.people import hire, post
from tests.world import World

from .handset import code_for, handset, join

pytestmark = pytest.mark.anyio


async def test_a_code_adds_one_phone_and_is_used_up(
    client: httpx.AsyncClient, world: World
) -> None:
    driver = await hire(client, world.live)
    token = await code_for(world, driver["id"])
    page = await client.get(f"/phone/join/{token}")
    assert page.status_code == 200 and driver["name"] in page.text
    assert (await join(client, token)).status_code == 200
    again = await join(client, token)
    assert (again.status_code, again.json()["code"]) == (404, "link_used")
    assert (await client.get(f"/phone/join/{token}")).status_code == 404
    assert len(await world.db.read(store.of_driver, driver["id"])) == 1


async def test_a_code_is_too_old_after_fifteen_minutes_and_void_after_the_next(
    client: httpx.AsyncClient, world: World
) -> None:
    driver = await hire(client, world.live)
    first = await code_for(world, driver["id"])
    second = await code_for(world, driver["id"])
    assert (await join(client, first)).status_code == 404
    with time_machine.travel(devices.CODE_LIFE_MS / 1000 + 1 + time.time()):
        assert (await join(client, second)).status_code == 404
    assert (await join(client, second)).status_code == 200


async def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites_and_bound_to_tls(
    app: Starlette, client: httpx.AsyncClient, world: World
) -> None:
    driver = await hire(client, world.live)
    answer = await join(client, await code_for(world, driver["id"]))
    plain = answer.headers["set-cookie"].lower()
    assert "httponly" in plain and "samesite=strict" in plain and "path=/" in plain
    token = await code_for(world, driver["id"])
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="https://localhost") as secure:
        answer = await join(secure, token)
    assert answer.headers["set-cookie"].startswith("__Host-scriptrun-phone=")
    assert "; secure" in answer.headers["set-cookie"].lower()


async def test_only_hashes_of_a_credential_are_stored(
    client: httpx.AsyncClient, world: World
) -> None:
    driver = await hire(client, world.live)
    phone = await handset(client, world, driver["id"])

    def everything(r: Reader) -> str:
        rows = [*r.all("SELECT * FROM phones"), *r.all("SELECT * FROM phone_codes")]
        return repr([tuple(row) for row in rows])

    kept = await world.db.read(everything)
    assert phone.cookie not in kept and phone.key not in kept


async def test_neither_half_of_the_credential_is_enough(
    client: httpx.AsyncClient, world: World
) -> None:
    driver = await hire(client, world.live)
    phone = await handset(client, world, driver["id"])
    other = await handset(client, world, driver["id"])
    cookie, key = phone.headers["Cookie"], phone.headers["X-Phone-Key"]
    for headers, code in (
        ({}, "phone_unknown"),
        ({"X-Phone-Key": key}, "phone_unknown"),
        ({"Cookie": cookie}, "phone_locked"),
        ({"Cookie": cookie, "X-Phone-Key": other.key}, "phone_locked"),
        ({"Cookie": f"{cookie}x", "X-Phone-Key": key}, "phone_unknown"),
    ):
        answer = await client.get("/phone/shift", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, code)
    assert (await phone.ask("GET", "/phone/shift")).status_code == 200


async def test_a_lost_phone_is_refused_with_its_next_word_and_the_other_one_goes_on(
    client: httpx.AsyncClient, world: World
) -> None:
    driver = await hire(client, world.live)
    lost, kept = [await handset(client, world, driver["id"]) for _ in range(2)]
    newest_first = await world.db.read(store.of_driver, driver["id"])
    await world.db.write(devices.revoke, world.scope, CLI, newest_first[-1].id)
    note = lost.act("note", text="I have it")
    for method, path, body in (
        ("GET", "/phone/shift", None),
        ("POST", "/phone/here", None),
        ("POST", "/phone/acts", {"acts": [note], "sent_at": lost.now}),
        ("PUT", f"/phone/pictures/{note['id']}/photo", None),
    ):
        answer = await lost.ask(method, path, json=body)
        assert (answer.status_code, answer.json()["code"]) == (401, "phone_revoked"), path
    assert (await kept.do("note", text="Still here"))["outcome"] == "taken"
    assert [each.id for each in await world.db.read(store.of_driver, driver["id"])] == [
        newest_first[0].id
    ]


async def test_whoever_leaves_has_no_phone_any_more(
    client: httpx.AsyncClient, world: World
) -> None:
    driver = await hire(client, world.live)
    phone = await handset(client, world, driver["id"])
    body = {"active": False}
    headers = {"X-API-Key": world.live.secret}
    await client.patch(f"/api/drivers/{driver['id']}", json=body, headers=headers)
    answer = await phone.ask("GET", "/phone/shift")
    assert (answer.status_code, answer.json()["code"]) == (401, "phone_revoked")
    with pytest.raises(Conflict):
        await code_for(world, driver["id"])


async def test_a_stranger_gets_no_code_and_shuts_nobody_out(
    client: httpx.AsyncClient, world: World
) -> None:
    driver = await hire(client, world.live)
    phone = await handset(client, world, driver["id"])
    (known,) = await world.db.read(store.of_driver, driver["id"])
    theirs = Scope(world.elsewhere.tenant.id)
    with pytest.raises(NotFound):
        await world.db.write(devices.make_code, theirs, CLI, driver["id"])
    for scope in (theirs, world.sandbox_scope):
        with pytest.raises(NotFound):
            await world.db.write(devices.revoke, scope, CLI, known.id)
    assert (await phone.ask("POST", "/phone/here")).status_code == 200


async def test_a_sandbox_driver_has_no_phone(client: httpx.AsyncClient, world: World) -> None:
    driver = await hire(client, world.sandbox)
    with pytest.raises(Conflict) as refused:
        await world.db.write(devices.make_code, world.sandbox_scope, CLI, driver["id"])
    assert refused.value.code == "sandbox_driver"


async def test_a_phones_credential_is_no_key_and_no_session(
    client: httpx.AsyncClient, world: World
) -> None:
    driver = await hire(client, world.live)
    phone = await handset(client, world, driver["id"])
    for path, status in (("/api/packages", 401), ("/packages", 401), ("/", 401), ("/live", 401)):
        answer = await phone.ask("GET", path)
        assert answer.status_code == status, path
    as_session = {"Cookie": f"scriptrun={phone.cookie}", "X-API-Key": phone.cookie}
    assert (await client.get("/packages", headers=as_session)).status_code == 401
    assert (await client.get("/api/packages", headers=as_session)).status_code == 401
    assert (await post(client, world.live, "/phone/acts", acts=[])).status_code == 401
