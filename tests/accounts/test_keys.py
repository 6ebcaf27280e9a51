"""API keys: who is let in, where to, from where, and for how long."""

import asyncio
import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from scriptrun_box.accounts import actions, store
from scriptrun_box.accounts.model import KEY_SCOPES
from scriptrun_box.app import _write_behind
from scriptrun_box.kernel.db import Reader, Writer
from scriptrun_box.kernel.errors import Invalid, NotFound
from scriptrun_box.kernel.scope import CLI
from tests.pushing import get, push
from tests.shared_box import client_of, running
from tests.world import World, build_world, header, orders

pytestmark = pytest.mark.anyio
PUSH = "/api/webhook/orders"


async def test_a_key_is_stored_as_its_sha256_and_nowhere_else(
    client: httpx.AsyncClient, world: World
) -> None:
    made = await world.key()
    await push(client, made, {"barcode": "hash"})
    digest = await world.db.read(digest_of, made.key.id)
    assert digest == hashlib.sha256(made.secret.encode()).digest()
    assert made.secret.startswith("sk_live_")
    assert made.key.prefix == made.secret[:12]
    for file in world.db.path.parent.iterdir():
        assert made.secret.encode() not in file.read_bytes()
        assert made.secret[8:].encode() not in file.read_bytes()


def digest_of(r: Reader, key_id: str) -> bytes:
    return bytes(r.value("SELECT digest FROM api_keys WHERE id = ?", (key_id,)))


async def test_a_sandbox_key_says_so(world: World) -> None:
    assert (await world.key(test=True)).secret.startswith("sk_test_")


async def test_without_a_valid_key_nobody_gets_in_and_nobody_learns_why(
    client: httpx.AsyncClient, world: World
) -> None:
    good = world.live.secret
    missing = await client.get("/api/packages")
    assert (missing.status_code, missing.json()["code"]) == (401, "key_missing")
    for text in [
        good[:-1],
        good + "x",
        good.upper(),
        good.replace("live", "test"),
        good[8:],
        f"Bearer {good}",
        "sk_live_",
        "null",
        "' OR 1=1 --",
        "é" * 20,
        "x" * 20_000,
        good + "y" * 300,
    ]:
        headers = {"X-API-Key": text.encode("latin-1")}
        answers = [await client.get("/api/packages", headers=headers)]
        answers.append(await client.post(PUSH, json=orders(), headers=headers))
        for answer in answers:
            assert answer.status_code == 401, text
            shape = answer.json()
            assert shape["code"] == "key_invalid"
            assert shape["error"] == missing.json()["error"]
            assert shape["details"] == []
            assert "ratelimit-limit" not in answer.headers
    for headers in ({"Authorization": f"Bearer {good}"}, {"Cookie": f"X-API-Key={good}"}):
        assert (await client.get("/api/packages", headers=headers)).status_code == 401
    assert (await client.get(f"/api/packages?api_key={good}")).status_code == 401
    assert (await client.get("/api/packages", headers={"x-api-KEY": good})).status_code == 200


async def test_a_revoked_key_is_out_with_the_next_call(
    client: httpx.AsyncClient, world: World
) -> None:
    made = await world.key()
    await push(client, made, {"barcode": "r-1"}, {"barcode": "r-2"})
    await world.db.write(actions.revoke_key, world.pharmacy.tenant.id, CLI, made.key.id)
    before = await world.db.read(packages)
    refused = await client.post(PUSH, json=orders({"barcode": "r-3"}), headers=header(made))
    assert (refused.status_code, refused.json()["code"]) == (401, "key_invalid")
    assert (await get(client, made, "packages")).status_code == 401
    assert await world.db.read(packages) == before
    assert (await get(client, world.live, "packages")).status_code == 200


def packages(r: Reader) -> int:
    return int(r.value("SELECT count(*) FROM packages"))


async def test_of_pushes_racing_a_revocation_each_is_stored_or_refused(
    client: httpx.AsyncClient, world: World
) -> None:
    made = await world.key()
    before = await world.db.read(packages)
    revoke = world.db.write(actions.revoke_key, world.pharmacy.tenant.id, CLI, made.key.id)
    pushes = [
        client.post(PUSH, json=orders({"barcode": f"race {n}"}), headers=header(made))
        for n in range(20)
    ]
    first, _, *others = await asyncio.gather(pushes[0], revoke, *pushes[1:])
    statuses = [answer.status_code for answer in (first, *others)]
    assert set(statuses) <= {200, 401}
    assert await world.db.read(packages) == before + statuses.count(200)
    late = await client.post(PUSH, json=orders({"barcode": "late"}), headers=header(made))
    assert late.status_code == 401


async def test_only_the_tenants_own_key_is_revoked_and_only_once(world: World) -> None:
    made, ours = await world.key(), world.pharmacy.tenant.id
    for tenant_id, key_id in [(world.elsewhere.tenant.id, made.key.id), (ours, "key_none")]:
        with pytest.raises(NotFound):
            await world.db.write(actions.revoke_key, tenant_id, CLI, key_id)
    await world.db.write(actions.revoke_key, ours, CLI, made.key.id)
    with pytest.raises(NotFound):
        await world.db.write(actions.revoke_key, ours, CLI, made.key.id)


async def verb(folder: Path, *words: str) -> str:
    """A verb in another process, beside the running box."""
    command = [sys.executable, "-m", "scriptrun_box", *words, "--data", str(folder)]
    done = await asyncio.to_thread(
        subprocess.run, command, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


async def test_another_process_makes_and_revokes_keys_and_the_box_knows_at_once(
    tmp_path: Path,
) -> None:
    async with running(tmp_path / "data") as app, client_of(app) as client:
        world = await build_world(app.state.box.db)
        await push(client, world.live, {"barcode": "warm"})
        tenant = ("--tenant", world.pharmacy.tenant.id)
        secret = await verb(tmp_path / "data", "key", "create", "--name", "other", *tenant)
        made = {"X-API-Key": secret}
        assert (await client.post(PUSH, json=orders({"barcode": "1"}), headers=made)).is_success
        await verb(tmp_path / "data", "key", "revoke", world.live.key.id, *tenant)
        before = await world.db.read(packages)
        invalid = await client.post(PUSH, json={"orders": []}, headers=header(world.live))
        assert (invalid.status_code, invalid.json()["code"]) == (401, "key_invalid")
        body = orders({"barcode": "2"})
        refused = await client.post(PUSH, json=body, headers=header(world.live))
        assert (refused.status_code, refused.json()["code"]) == (401, "key_invalid")
        assert await world.db.read(packages) == before
        assert (await get(client, world.live, "packages")).status_code == 401
        assert (await client.post(PUSH, json=body, headers=made)).status_code == 200


async def test_a_plan_changed_by_another_process_counts_at_once(tmp_path: Path) -> None:
    plans = {"starter": {"monthly_orders": 0}}
    async with running(tmp_path / "data", plans=plans) as app, client_of(app) as client:
        world = await build_world(app.state.box.db)
        await push(client, world.live, {"barcode": "1"})
        tenant = ("--tenant", world.pharmacy.tenant.id)
        await verb(tmp_path / "data", "tenant", "set", "--plan", "starter", *tenant)
        body = orders({"barcode": "2"})
        assert (await client.post(PUSH, json=body, headers=header(world.live))).status_code == 402


CALLS: dict[str, list[tuple[str, str, Any]]] = {
    "orders:write": [("POST", "webhook/orders", orders())],
    "packages:read": [
        ("GET", "packages", None),
        ("GET", "packages/" + "0" * 32, None),
        ("GET", "packages/" + "0" * 32 + "/timeline", None),
    ],
    "packages:write": [
        ("PATCH", "packages/" + "0" * 32, {}),
        ("POST", "packages/" + "0" * 32 + "/cancel", None),
        ("POST", "test/packages/" + "0" * 32 + "/assign", None),
    ],
    "webhooks:manage": [("GET", "webhooks", None), ("POST", "webhooks", {"url": "x"})],
}


@pytest.mark.parametrize("scope", CALLS)
async def test_a_key_with_one_scope_opens_what_it_names_and_nothing_else(
    client: httpx.AsyncClient, world: World, scope: str
) -> None:
    made = await world.key(scopes=(scope,), test=True)
    for needed, calls in CALLS.items():
        for method, path, body in calls:
            answer = await client.request(method, f"/api/{path}", json=body, headers=header(made))
            lacking = answer.status_code == 403 and answer.json()["code"] == "scope_missing"
            assert lacking == (needed != scope), (method, path)
    for path in ("account", "usage"):  # about the key itself: any key may ask
        assert (await get(client, made, path)).status_code == 200


async def test_a_key_of_all_scopes_opens_everything(
    client: httpx.AsyncClient, world: World
) -> None:
    made = await world.key(scopes=KEY_SCOPES, test=True)
    for calls in CALLS.values():
        for method, path, body in calls:
            answer = await client.request(method, f"/api/{path}", json=body, headers=header(made))
            assert answer.status_code != 403


@pytest.mark.parametrize(
    ("networks", "address", "allowed"),
    [
        (("192.168.1.0/24",), "192.168.1.77", True),
        (("192.168.1.0/24",), "192.168.2.1", False),
        (("192.168.1.0/24",), "127.0.0.1", False),
        (("192.168.1.0/24",), "::ffff:192.168.1.77", True),
        (("192.168.1.0/24",), "::1", False),
        (("192.168.1.5",), "192.168.1.5", True),
        (("192.168.1.5",), "192.168.1.6", False),
        (("192.168.1.77/24",), "192.168.1.5", True),
        (("10.0.0.0/8", "2001:db8::/32"), "2001:db8::5", True),
        (("10.0.0.0/8", "2001:db8::/32"), "10.9.9.9", True),
        (("10.0.0.0/8", "2001:db8::/32"), "2001:db9::5", False),
        (("fe80::/10",), "fe80::1%eth0", True),
        (("0.0.0.0/0",), "8.8.8.8", True),
        (("0.0.0.0/0",), "", False),
    ],
)
async def test_a_key_may_be_used_from_its_networks_only(
    app: Starlette, world: World, networks: tuple[str, ...], address: str, allowed: bool
) -> None:
    made = await world.key(networks=networks)
    transport = httpx.ASGITransport(app, client=(address, 40_000))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        for answer in (
            await get(client, made, "account"),
            await client.post(PUSH, json=orders({"patient_name": ""}), headers=header(made)),
        ):
            refused = (answer.status_code, answer.json().get("code")) == (403, "source_refused")
            assert refused is not allowed
            forwarded = {**header(made), "X-Forwarded-For": "192.168.1.77, 10.0.0.1"}
            again = await client.get("/api/account", headers=forwarded)
            assert (again.status_code == 200) is allowed


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"scopes": ("everything",)}, "scopes"),
        ({"networks": ("300.1.1.1",)}, "networks"),
        ({"networks": ("pharmacy.example",)}, "networks"),
        ({"location_id": "elsewhere"}, "location_id"),
        ({"ingest_per_minute": 0}, "limit"),
        ({"orders_per_hour": -1}, "limit"),
    ],
)
async def test_a_key_that_cannot_be_meant_is_not_made(
    world: World, wish: dict[str, Any], field: str
) -> None:
    before = len(await world.db.read(store.keys, world.pharmacy.tenant.id))
    with pytest.raises(Invalid) as refused:
        await world.key(**wish)
    assert refused.value.details[0]["field"] == field
    assert len(await world.db.read(store.keys, world.pharmacy.tenant.id)) == before


async def test_a_key_cannot_be_bound_to_another_tenants_location(world: World) -> None:
    with pytest.raises(Invalid):
        await world.key(location_id=world.elsewhere.location.id)


async def test_the_last_use_of_a_key_is_remembered(
    client: httpx.AsyncClient, world: World, app: Starlette
) -> None:
    made = await world.key()
    await get(client, made, "account")
    await _write_behind(app)  # what a heartbeat does each second
    keys = await world.db.read(store.keys, world.pharmacy.tenant.id)
    (used,) = [key.last_used_at for key in keys if key.id == made.key.id]
    assert used is not None
    assert used >= made.key.created_at


async def test_a_feature_the_plan_lacks_is_a_403_until_the_plan_has_it(tmp_path: Path) -> None:
    for features, status in ((["import"], 403), (["import", "webhooks"], 200)):
        plans = {"starter": {"features": features}}
        async with running(tmp_path / "data", plans=plans) as app, client_of(app) as client:
            made = await app.state.box.db.write(starter_key)
            answer = await get(client, made, "webhooks")
            assert answer.status_code == status
            if status == 403:
                assert answer.json()["code"] == "feature_not_in_plan"
                assert "starter" in answer.json()["error"]
            assert (await get(client, made, "account")).json()["features"] == features


def starter_key(w: Writer) -> actions.NewKey:
    """A key of a new tenant on the smallest plan."""
    made = actions.create_tenant(
        w, CLI, name="Small", kind="pharmacy", plan="starter", time_zone="America/New_York"
    )
    return actions.create_key(w, made.tenant.id, CLI, name="small")
