"""A receiver on one's own network: password, look, confirm, test; no file edited, no restart."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
import trustme

from scriptrun_box.kernel.db import Reader
from scriptrun_box.webhooks import networks, store
from tests.receivers import Receiver, receiving
from tests.ui.visits import Visitor, field, shown
from tests.world import PASSWORD, World, header

pytestmark = pytest.mark.anyio
PAGE = "/settings/integrations"
START = f"{PAGE}/webhooks/private"


@asynccontextmanager
async def pms() -> AsyncIterator[Receiver]:
    """A receiver with a certificate of its own, where events may not go yet."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(tls)
    async with receiving(tls=tls) as receiver:
        yield receiver


def acts(r: Reader) -> list[str]:
    return [row["act"] for row in r.all("SELECT act FROM audit ORDER BY seq")]


async def look(owner: Visitor, url: str, **more: str) -> httpx.Response:
    return await owner.post(START, {"url": url, "events": "*", "password": PASSWORD, **more})


async def test_an_owner_allows_the_address_pins_the_certificate_and_sees_the_test_accepted(
    client: httpx.AsyncClient, world: World
) -> None:
    owner = Visitor(client, world, "owner")
    async with pms() as receiver:
        refused = await owner.post(f"{PAGE}/webhooks", {"url": receiver.url, "events": "*"})
        assert refused.status_code == 400
        assert f"{START}?url=" in refused.text
        seen = await look(owner, receiver.url)
        assert "127.0.0.1/32" in seen.text and "127.0.0.0/24" in seen.text
        assert len(shown(seen.text, "fingerprint").split(":")) == 32
        assert receiver.hits == []
        token = field(seen.text, "token", START)
        made = await owner.post(f"{START}/confirm", {"token": token, "network": "narrow"})
        assert shown(made.text, "hook-secret").startswith("whsec_")
        (hook,) = await world.db.read(store.endpoints, world.scope)
        tested = await owner.post(f"{PAGE}/webhooks/{hook.id}/test")
        page = await owner.get(tested.headers["location"])
        assert "The test event was accepted: 200" in page.text
        (hit,) = receiver.hits
        assert hit.header("X-ScriptRun-Event") == "webhook.test"
        again = await owner.post(f"{START}/confirm", {"token": token})
        assert again.headers["location"] == START, "a confirmation works once"
    async with pms() as other:  # another certificate at another port of the allowed address
        await owner.post(f"{PAGE}/webhooks/{hook.id}", {"url": other.url, "events": "*"})
        tested = await owner.post(f"{PAGE}/webhooks/{hook.id}/test")
        page = await owner.get(tested.headers["location"])
        assert "another certificate than the one that was pinned" in page.text
        assert other.hits == []
    assert await world.db.read(networks.allowed, world.scope.tenant_id) == ("127.0.0.1/32",)
    assert {"webhook.network_allowed", "webhook.created"} <= set(await world.db.read(acts))


async def test_a_webhook_that_exists_is_pinned_and_unpinned(
    client: httpx.AsyncClient, world: World
) -> None:
    owner = Visitor(client, world, "owner")
    async with pms() as receiver:
        first = await look(owner, receiver.url)
        await owner.post(f"{START}/confirm", {"token": field(first.text, "token", START)})
        (hook,) = await world.db.read(store.endpoints, world.scope)
        page = f"{PAGE}/webhooks/{hook.id}"
        await owner.post(f"{page}/unpin")
        told = await owner.get((await owner.post(f"{page}/test")).headers["location"])
        assert "not one this box trusts" in told.text
        start = await owner.get(f"{START}?hook={hook.id}")
        assert receiver.url in start.text
        seen = await look(owner, receiver.url, hook=hook.id)
        assert "only this address" not in seen.text, "it is allowed already"
        done = await owner.post(f"{START}/confirm", {"token": field(seen.text, "token", START)})
        assert done.headers["location"] == f"{page}?done=pinned"
        told = await owner.get((await owner.post(f"{page}/test")).headers["location"])
        assert "The test event was accepted" in told.text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"password": "wrong"}, "The password is not right"),
        ({"url": "https://169.254.169.254/"}, "not allowed (link-local)"),
        ({"url": "http://127.0.0.1:9787/"}, "must start with https"),
        ({"url": "https://127.0.0.1:1/"}, "another kind of server"),
        ({"url": "https://no-such-host.invalid/"}, "does not resolve"),
        ({"events": ""}, "at least one event"),
    ],
)
async def test_what_is_wrong_is_told_at_its_place_and_nothing_is_allowed(
    client: httpx.AsyncClient, world: World, changes: dict[str, str], words: str
) -> None:
    async with pms() as receiver:
        answer = await look(Visitor(client, world, "owner"), **{"url": receiver.url, **changes})
        assert answer.status_code == 400
        assert words in answer.text
        assert PASSWORD not in answer.text
        if "password" in changes:
            assert receiver.connections == 0, "without the password nothing is dialled"
    assert await world.db.read(networks.allowed, world.scope.tenant_id) == ()


async def test_only_the_owner_of_the_box_opens_its_network(
    client: httpx.AsyncClient, world: World
) -> None:
    async with pms() as receiver:
        for who in ("teammate", "other_owner"):
            visitor = Visitor(client, world, who)
            assert (await visitor.get(START)).status_code == 403
            assert (await look(visitor, receiver.url)).status_code == 403
        assert receiver.connections == 0


async def test_an_allowed_network_is_forbidden_again_and_counts_for_programs_too(
    client: httpx.AsyncClient, world: World
) -> None:
    owner = Visitor(client, world, "owner")
    async with pms() as receiver:
        wish = {"url": receiver.url, "events": ["*"]}
        program = header(world.live)
        assert (await client.post("/api/webhooks", json=wish, headers=program)).status_code == 400
        seen = await look(owner, receiver.url)
        await owner.post(f"{START}/confirm", {"token": field(seen.text, "token", START)})
        assert (await client.post("/api/webhooks", json=wish, headers=program)).status_code == 201
        stranger = header(world.stranger)
        assert (await client.post("/api/webhooks", json=wish, headers=stranger)).status_code == 400
        assert "127.0.0.1/32" in (await owner.get(PAGE)).text
        await owner.post(f"{PAGE}/networks/forbid", {"network": "127.0.0.1/32"})
        assert (await client.post("/api/webhooks", json=wish, headers=program)).status_code == 400
