"""Settings → Integrations: keys and secrets shown once, changes by the owner only."""

import asyncio
import re
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from scriptrun_box.accounts import actions, store
from scriptrun_box.accounts.model import Key
from scriptrun_box.kernel.scope import CLI, Scope
from scriptrun_box.webhooks import store as webhooks
from tests.programs import need
from tests.ui.visits import Visitor, field, shown
from tests.world import World, header, orders

pytestmark = pytest.mark.anyio
PAGE = "/settings/integrations"
KEYS, HOOKS = f"{PAGE}/keys", f"{PAGE}/webhooks"
PUBLIC = "https://93.184.215.14/hook"  # an address: nothing has to be looked up


async def keys(world: World) -> list[Key]:
    return await world.db.read(store.keys, world.pharmacy.tenant.id)


async def test_a_new_key_is_shown_once_and_works(client: httpx.AsyncClient, world: World) -> None:
    owner = Visitor(client, world, "owner")
    form = field((await owner.get(PAGE)).text, "form_id", KEYS)
    made = await owner.post(KEYS, {"name": "Counter PC", "test": "1", "form_id": form})
    assert made.status_code == 200
    assert made.headers["cache-control"] == "no-store"
    secret = shown(made.text, "key-secret")
    assert secret.startswith("sk_test_")
    answer = await client.post("/api/webhook/orders", json=orders(), headers=header_of(secret))
    assert answer.status_code == 200
    listed = await owner.get(PAGE)
    assert "Counter PC" in listed.text
    assert secret not in listed.text
    assert secret[:12] in listed.text


async def test_a_reload_of_the_answer_makes_no_second_key_and_shows_none(
    client: httpx.AsyncClient, world: World
) -> None:
    owner = Visitor(client, world, "owner")
    form = {"name": "Counter PC", "form_id": field((await owner.get(PAGE)).text, "form_id", KEYS)}
    first = await owner.post(KEYS, form)
    again = await owner.post(KEYS, form)
    assert (again.status_code, again.headers["location"]) == (303, f"{PAGE}?done=key-once")
    assert shown(first.text, "key-secret") not in (await owner.get(f"{PAGE}?done=key-once")).text
    assert [each.name for each in await keys(world)].count("Counter PC") == 1


@pytest.mark.parametrize(
    ("path", "to"),
    [
        (KEYS, PAGE),
        (HOOKS, PAGE),
        ("/settings/users/usr_1/reset", "/settings/users"),
        ("/settings/system/check-audit", "/settings/system"),
    ],
)
async def test_the_address_of_a_posted_form_leads_back_to_its_page(
    client: httpx.AsyncClient, world: World, path: str, to: str
) -> None:
    answer = await Visitor(client, world, "owner").get(path)
    assert (answer.status_code, answer.headers["location"]) == (303, to)


async def test_the_curl_beside_a_new_key_is_the_boxs_own_and_ready(
    client: httpx.AsyncClient, world: World, tmp_path: Path
) -> None:
    made = await Visitor(client, world, "owner").post(KEYS, {"name": "Counter PC"})
    curl = shown(made.text, "key-curl")
    assert curl.startswith("curl -X POST http://127.0.0.1:8787/api/webhook/orders")
    assert shown(made.text, "key-secret") in curl
    checked = await asyncio.create_subprocess_exec(need("bash"), "-n", "-c", curl)
    assert await checked.wait() == 0


async def test_a_key_is_narrowed_as_the_form_says(client: httpx.AsyncClient, world: World) -> None:
    fields: dict[str, str | list[str]] = {
        "name": "Narrow",
        "scopes": ["orders:write", "packages:read"],
        "networks": "10.0.0.0/8, 192.168.1.7",
        "orders_per_hour": "50",
        "location_id": world.pharmacy.location.id,
    }
    made = await Visitor(client, world, "owner").post(KEYS, fields)
    assert made.status_code == 200
    (key,) = [each for each in await keys(world) if each.name == "Narrow"]
    assert key.scopes == ("orders:write", "packages:read")
    assert key.networks == ("10.0.0.0/8", "192.168.1.7/32")
    assert (key.orders_per_hour, key.ingest_per_minute) == (50, None)
    assert key.location_id == world.pharmacy.location.id
    refused = await client.post(
        "/api/webhook/orders", json=orders(), headers=header_of(shown(made.text, "key-secret"))
    )
    assert refused.json()["code"] == "source_refused"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"name": ""}, "The name is missing"),
        ({"name": "x", "networks": "nowhere"}, "A network is written like"),
        ({"name": "x", "orders_per_hour": "many"}, "whole number"),
        ({"name": "x", "ingest_per_minute": "0"}, "at least 1"),
        ({"name": "x", "scopes": "everything"}, "A scope is one of"),
    ],
)
async def test_a_wrong_field_is_told_at_its_place_and_nothing_is_made(
    client: httpx.AsyncClient, world: World, fields: dict[str, str | list[str]], words: str
) -> None:
    before = await keys(world)
    refused = await Visitor(client, world, "owner").post(KEYS, fields)
    assert refused.status_code == 400
    assert words in refused.text
    assert await keys(world) == before


async def test_a_refused_form_may_be_sent_again(client: httpx.AsyncClient, world: World) -> None:
    owner = Visitor(client, world, "owner")
    form = field((await owner.get(PAGE)).text, "form_id", KEYS)
    assert (await owner.post(KEYS, {"name": "", "form_id": form})).status_code == 400
    assert (await owner.post(KEYS, {"name": "Now", "form_id": form})).status_code == 200


async def test_revoking_works_with_the_next_call(client: httpx.AsyncClient, world: World) -> None:
    owner = Visitor(client, world, "owner")
    path = f"{KEYS}/{world.live.key.id}/revoke"
    assert path in (await owner.get(PAGE)).text
    done = await owner.post(path)
    assert (done.status_code, done.headers["location"]) == (303, f"{PAGE}?done=revoked")
    refused = await client.get("/api/account", headers=header(world.live))
    assert refused.status_code == 401
    page = (await owner.get(PAGE)).text
    assert path not in page
    assert "revoked" in page


async def test_the_search_narrows_the_list(client: httpx.AsyncClient, world: World) -> None:
    await world.key(name="Nightly job")
    page = (await Visitor(client, world, "owner").get(f"{PAGE}?q=nightly")).text
    assert "Nightly job" in page
    assert page.count("sk_live_") == 1
    empty = (await Visitor(client, world, "owner").get(f"{PAGE}?q=zzz")).text
    assert "No key matches" in empty


@pytest.mark.parametrize("who", ["teammate", "pharmacist"])
async def test_teammates_see_and_cannot_change(
    client: httpx.AsyncClient, world: World, who: str
) -> None:
    visitor = Visitor(client, world, who)
    page = await visitor.get(PAGE)
    assert page.status_code == 200
    assert world.live.key.prefix in page.text
    assert "Create a key" not in page.text
    assert "/revoke" not in page.text
    for path in (KEYS, f"{KEYS}/{world.live.key.id}/revoke", HOOKS):
        assert (await visitor.post(path, {"name": "x"})).status_code == 403
    assert all(each.revoked_at is None for each in await keys(world))


async def test_a_driver_and_nobody_see_nothing(client: httpx.AsyncClient, world: World) -> None:
    assert (await Visitor(client, world, "driver").get(PAGE)).status_code == 403
    nobody = await Visitor(client, world).get(PAGE)
    assert nobody.status_code == 303
    assert nobody.headers["location"].startswith("/sign-in")


async def test_a_stranger_sees_and_touches_nothing_of_ours(
    client: httpx.AsyncClient, world: World
) -> None:
    stranger = Visitor(client, world, "other_owner")
    page = (await stranger.get(PAGE)).text
    assert world.live.key.prefix not in page
    assert (await stranger.post(f"{KEYS}/{world.live.key.id}/revoke")).status_code == 404
    assert (await client.get("/api/account", headers=header(world.live))).status_code == 200


async def test_a_form_without_the_pages_token_is_refused(
    client: httpx.AsyncClient, world: World
) -> None:
    owner = Visitor(client, world, "owner")
    before = await keys(world)
    for path in (KEYS, f"{KEYS}/{world.live.key.id}/revoke", HOOKS):
        refused = await owner.post(path, {"name": "x", "url": PUBLIC}, csrf="forged")
        assert refused.status_code == 403
    assert await keys(world) == before


# webhooks ---------------------------------------------------------------------------------------


async def test_a_new_webhook_shows_its_secret_once(client: httpx.AsyncClient, world: World) -> None:
    owner = Visitor(client, world, "owner")
    form = field((await owner.get(PAGE)).text, "form_id", HOOKS)
    fields: dict[str, str | list[str]] = {
        "url": PUBLIC,
        "events": ["delivery.completed", "delivery.failed"],
        "form_id": form,
    }
    made = await owner.post(HOOKS, fields)
    assert made.status_code == 200
    secret = shown(made.text, "hook-secret")
    (stored,) = await world.db.read(webhooks.endpoints, world.scope)
    assert (stored.url, stored.secret) == (PUBLIC, secret)
    assert stored.events == ("delivery.completed", "delivery.failed")
    assert (await owner.post(HOOKS, fields)).headers["location"] == f"{PAGE}?done=hook-once"
    page = (await owner.get(PAGE)).text
    assert PUBLIC in page
    assert secret not in page


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"url": PUBLIC}, "Choose at least one event"),
        ({"url": "http://93.184.215.14/", "events": "*"}, "must start with https"),
        ({"url": "https://169.254.169.254/", "events": "*"}, "not allowed"),
        ({"url": "https://10.0.0.1/", "events": "*"}, "not allowed"),
    ],
)
async def test_a_wrong_webhook_is_told_at_its_place(
    client: httpx.AsyncClient, world: World, fields: dict[str, str | list[str]], words: str
) -> None:
    refused = await Visitor(client, world, "owner").post(HOOKS, fields)
    assert refused.status_code == 400
    assert words in refused.text
    assert await world.db.read(webhooks.endpoints, world.scope) == []


async def test_webhooks_follow_the_sandbox_switch_and_keys_do_not(
    client: httpx.AsyncClient, world: World
) -> None:
    owner = Visitor(client, world, "owner")
    await owner.post(HOOKS, {"url": PUBLIC, "events": "*"})
    await owner.post("/sandbox", {"test": "1"})
    page = (await owner.get(PAGE)).text
    assert PUBLIC not in page
    assert world.live.key.prefix in page
    assert world.sandbox.key.prefix in page
    await owner.post(HOOKS, {"url": f"{PUBLIC}/sandbox", "events": "*"})
    (stored,) = await world.db.read(webhooks.endpoints, world.sandbox_scope)
    assert stored.test


async def test_a_plan_without_webhooks_says_so_in_words(
    client: httpx.AsyncClient, world: World, app: Starlette
) -> None:
    tenant_id = world.pharmacy.tenant.id
    await world.db.write(actions.update_tenant, tenant_id, CLI, plan="starter", overage=None)
    owner = Visitor(client, world, "owner")
    page = (await owner.get(PAGE)).text
    assert "starter plan does not include webhooks" in page
    assert "Add a webhook" not in page
    refused = await owner.post(HOOKS, {"url": PUBLIC, "events": "*"})
    assert refused.status_code == 403
    assert "does not include webhooks" in refused.text
    assert await world.db.read(webhooks.endpoints, Scope(tenant_id)) == []


async def test_the_page_has_no_inline_script_or_style(
    client: httpx.AsyncClient, world: World
) -> None:
    page = (await Visitor(client, world, "owner").get(PAGE)).text
    assert not re.search(r"<script(?![^>]* src=)|<style|\sstyle=|\son\w+=", page)


def header_of(secret: str) -> dict[str, str]:
    return {"X-API-Key": secret}
