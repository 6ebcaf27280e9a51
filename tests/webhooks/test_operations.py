"""What programs see of a webhook: why, health, filters of the log, one attempt, events in order."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.receivers import answer, receiving
from tests.shared_box import client_of, running
from tests.world import build_world, header, orders

pytestmark = pytest.mark.anyio
LOOPBACK = {"allow_networks": ["127.0.0.0/8"], "allow_http": True, "retry_delays": [3600]}


class Program:
    """A program with a live key."""

    def __init__(self, client: httpx.AsyncClient, headers: dict[str, str]) -> None:
        self._client, self._headers = client, headers

    async def __call__(self, method: str, path: str, body: Any = None, status: int = 200) -> Any:
        got = await self._client.request(method, path, json=body, headers=self._headers)
        assert got.status_code == status, got.text
        return got.json()

    async def logs(self, hook: str, count: int, query: str = "") -> list[Any]:
        async with asyncio.timeout(5):
            while True:
                rows = (await self("GET", f"/api/webhooks/{hook}/logs{query}"))["data"]
                if len(rows) == count and all(row["outcome"] != "in_flight" for row in rows):
                    return rows
                await asyncio.sleep(0.02)


@pytest.fixture
async def program(tmp_path: Path) -> AsyncIterator[Program]:
    async with running(
        tmp_path / "data", webhooks=LOOPBACK, limits={"reads_per_minute": 999}
    ) as app:
        world = await build_world(app.state.box.db)
        async with client_of(app) as client:
            yield Program(client, header(world.live))


async def test_a_webhook_tells_its_health_and_why_something_is_not_there(program: Program) -> None:
    async with receiving() as receiver:
        wish = {"url": receiver.url, "events": ["*"]}
        hook = (await program("POST", "/api/webhooks", wish, 201))["id"]
        await program("POST", "/api/webhook/orders", orders())
        await program.logs(hook, 1)
        receiver.manners = answer(404)
        await program("POST", "/api/webhook/orders", orders({"rx_number": "RX-2"}))
        await program.logs(hook, 2)
        shown = await program("GET", f"/api/webhooks/{hook}")
    assert "404" in shown["why"]
    assert "1 event is waiting" in shown["why"]
    assert shown["next_attempt_at"] in shown["why"]
    assert (shown["last_24h"]["attempts"], shown["last_24h"]["success_rate"]) == (2, 0.5)
    assert shown["notices"] == []


async def test_the_log_is_filtered_and_one_attempt_shows_what_was_sent_and_said(
    program: Program,
) -> None:
    async with receiving(answer(500, b"Pe\xc3\xb1a is out", Server="pms")) as receiver:
        wish = {"url": receiver.url, "events": ["*"]}
        hook = (await program("POST", "/api/webhooks", wish, 201))["id"]
        await program("POST", "/api/webhook/orders", orders())
        await program("POST", f"/api/webhooks/{hook}/test", status=202)
        await program.logs(hook, 2)
        (row,) = await program.logs(hook, 1, "?event=package.created&outcome=failed")
        assert await program.logs(hook, 0, "?outcome=ok") == []
        assert await program.logs(hook, 0, "?until=2020-01-01T00:00:00Z") == []
        assert len(await program.logs(hook, 2, "?since=2020-01-01T00:00:00Z")) == 2
        shown = await program("GET", f"/api/webhook-attempts/{row['id']}")
        (hit,) = [hit for hit in receiver.hits if b"webhook.test" not in hit.body]
    assert shown["request"] == {"url": receiver.url, "body": hit.body.decode()}
    assert shown["answer"]["body"] == "Peña is out"
    assert "server: pms" in shown["answer"]["head"].lower()
    assert (shown["address"], shown["status"]) == ("127.0.0.1", 500)


@pytest.mark.parametrize("query", ["event=x", "outcome=x", "since=x", "until=2026-01-01"])
async def test_a_filter_that_cannot_be_meant_is_refused(program: Program, query: str) -> None:
    wish = {"url": "http://127.0.0.1:9787/", "events": ["*"]}
    hook = (await program("POST", "/api/webhooks", wish, 201))["id"]
    await program("GET", f"/api/webhooks/{hook}/logs?{query}", status=400)


async def test_order_is_chosen_at_creation_and_changed_later(program: Program) -> None:
    wish = {"url": "http://127.0.0.1:9787/", "events": ["*"], "ordered": True}
    made = await program("POST", "/api/webhooks", wish, 201)
    assert made["ordered"] is True
    path = f"/api/webhooks/{made['id']}"
    assert (await program("PATCH", path, {"events": ["route.completed"]}))["ordered"] is True
    assert (await program("PATCH", path, {"ordered": False}))["ordered"] is False
    assert (await program("GET", path))["ordered"] is False
