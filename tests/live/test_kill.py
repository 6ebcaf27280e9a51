"""kill -9 amid ingest, twenty times: nothing acknowledged is lost, doubled or left unheard."""

import asyncio
import json
import random
import select
import socket
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from scriptrun_box.verbs.webhook import check as verdict_of
from tests.receivers import Hit, receiving

from . import stored
from .server import PATIENCE_SECONDS, Box, batch, serving

pytestmark = pytest.mark.anyio
KILLS = 20
KEYED_CLIENTS = 3
ORDERS_A_BATCH = 3
LIVES = (0.05, 0.5)  # seconds from the first answer to the kill
PAUSE_SECONDS = 0.04  # of a client, between two batches
HEARD_SECONDS = 60.0  # for the last event to arrive; retries come every second
SETTINGS = {
    "LIMITS__INGEST_PER_MINUTE": "1000000",
    "LIMITS__ORDERS_PER_HOUR": "1000000",
    "LIMITS__WRITES_PER_MINUTE": "1000000",
    "WEBHOOKS__ALLOW_NETWORKS": '["127.0.0.1/32"]',
    "WEBHOOKS__ALLOW_HTTP": "true",
    "WEBHOOKS__RETRY_DELAYS": "[1]",
}


@dataclass
class Sender:
    """A pharmacy system that sends batch after batch, each until it was answered with 200."""

    name: str
    box: Box
    key: str
    with_idempotency_key: bool
    batches: int = 0
    lost_replies: Counter[int] = field(default_factory=Counter)  # by batch
    acknowledged: dict[str, str] = field(default_factory=dict)  # Rx number -> package id
    flagged: Counter[int] = field(default_factory=Counter)  # warnings of a possible duplicate
    replays: int = 0

    async def run(self, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            self.batches += 1
            await self._send(self.batches)
            await asyncio.sleep(PAUSE_SECONDS)

    def rx_numbers(self, number: int) -> list[str]:
        return [f"{self.name}-{number}-{place}" for place in range(ORDERS_A_BATCH)]

    async def _send(self, number: int) -> None:
        body = batch(*({"rx_number": rx} for rx in self.rx_numbers(number)))
        headers = {"X-API-Key": self.key}
        if self.with_idempotency_key:
            headers["Idempotency-Key"] = f"{self.name}-{number}"
        while True:
            try:
                async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
                    url = f"{self.box.url}/api/webhook/orders"
                    answer = await client.post(url, json=body, headers=headers)
            except httpx.ConnectError:  # nothing was sent
                await asyncio.sleep(0.02)
            except httpx.TransportError:
                self.lost_replies[number] += 1
                await asyncio.sleep(0.02)
            else:
                assert answer.status_code == 200, answer.text
                self._note(number, answer)
                return

    def _note(self, number: int, answer: httpx.Response) -> None:
        shape = answer.json()
        assert shape["created"] == ORDERS_A_BATCH
        ids = shape["package_ids"]
        self.acknowledged |= zip(self.rx_numbers(number), ids, strict=True)
        codes = [each["code"] for each in shape["warnings"]]
        self.flagged[number] += codes.count("possible_duplicate")
        self.replays += answer.headers.get("idempotent-replayed") == "true"


@dataclass
class Heard:
    """What the receiver got: package id -> the event's bytes, the same on each retry."""

    secret: str
    bodies: dict[str, bytes] = field(default_factory=dict)
    verdicts: Counter[str] = field(default_factory=Counter)
    differing: int = 0

    def note(self, hit: Hit) -> None:
        signature = hit.header("X-ScriptRun-Signature")
        self.verdicts[verdict_of(signature, hit.body, self.secret, time.time())] += 1
        package_id = json.loads(hit.body)["data"]["package_id"]
        self.differing += self.bodies.setdefault(package_id, hit.body) != hit.body


async def kill_again_and_again(box: Box, kills: int) -> None:
    for _ in range(kills):
        await asyncio.sleep(random.uniform(*LIVES))
        await asyncio.to_thread(box.kill)
        await asyncio.to_thread(box.start)


async def make_endpoint(box: Box, key: str, url: str) -> str:
    body = {"url": url, "events": ["package.created"]}
    with box.client(key) as client:
        made = await asyncio.to_thread(client.post, "/api/webhooks", json=body)
    assert made.status_code == 201, made.text
    return str(made.json()["secret"])


async def until_heard(heard: Heard, wanted: set[str]) -> None:
    async with asyncio.timeout(HEARD_SECONDS):
        while not wanted <= heard.bodies.keys():
            await asyncio.sleep(0.1)


async def test_twenty_kills_lose_no_order_double_none_and_leave_no_event_unheard(
    tmp_path: Path,
) -> None:
    with serving(tmp_path / "data", "--plan", "enterprise", **SETTINGS) as (box, key):
        async with receiving() as receiver:
            heard = Heard(await make_endpoint(box, key, receiver.url))
            answer = receiver.manners

            async def manners(hit: Hit, *streams: Any) -> None:
                heard.note(hit)
                await answer(hit, *streams)

            receiver.manners = manners
            keyed = [Sender(f"K{n}", box, key, True) for n in range(KEYED_CLIENTS)]
            plain = Sender("P", box, key, False)
            await _send_while_killing(box, [*keyed, plain])
            acknowledged = {
                rx: id for each in (*keyed, plain) for rx, id in each.acknowledged.items()
            }
            await until_heard(heard, set(acknowledged.values()))
            assert heard.verdicts.keys() == {"verified"} and heard.differing == 0
        assert box.stop() == 0
        _check_file(box, keyed, plain)
        assert json.loads(box.cli("verify", "--json"))["ok"] is True
        assert "whole" in box.cli("audit", "verify")
        events = stored.created_events(box.folder)
        assert events.keys() >= set(acknowledged.values()) and set(events.values()) == {1}


async def _send_while_killing(box: Box, senders: list[Sender]) -> None:
    stopping = asyncio.Event()
    sending = [asyncio.create_task(each.run(stopping)) for each in senders]
    await kill_again_and_again(box, KILLS)
    stopping.set()
    await asyncio.gather(*sending)


def _check_file(box: Box, keyed: list[Sender], plain: Sender) -> None:
    rows = stored.packages(box.folder)
    ids = {row["id"]: row for row in rows}
    counts = Counter(row["rx_number"] for row in rows)
    for sender in keyed:
        assert len(sender.acknowledged) == sender.batches * ORDERS_A_BATCH
        for rx, package_id in sender.acknowledged.items():
            assert counts[rx] == 1, "neither lost nor doubled, and no batch stored by half"
            assert ids[package_id]["rx_number"] == rx
    for number in range(1, plain.batches + 1):
        copies = {counts[rx] for rx in plain.rx_numbers(number)}
        assert len(copies) == 1, "a batch is stored whole or not at all"
        (times,) = copies
        assert 1 <= times <= 1 + plain.lost_replies[number]
        flagged = [
            r for r in rows if r["rx_number"] in plain.rx_numbers(number) and r["duplicate_of"]
        ]
        assert len(flagged) == (times - 1) * ORDERS_A_BATCH, "each double waits for the desk"
    assert len(rows) == sum(counts.values()) and set(counts) == {
        rx for each in (*keyed, plain) for rx in each.acknowledged
    }


def test_an_order_sent_again_after_a_lost_reply_doubles_and_says_so(tmp_path: Path) -> None:
    """The control: a caller of v1 that knows no Idempotency-Key."""
    with serving(tmp_path / "data") as (box, key):
        body = json.dumps(batch({"rx_number": "RX-LOST"})).encode()
        _send_and_hang_up(box, key, body)
        with box.client(key) as client:
            again = client.post("/api/webhook/orders", json=json.loads(body)).json()
        (warning,) = [each for each in again["warnings"] if each["code"] == "possible_duplicate"]
        assert box.stop() == 0
        first, second = stored.packages(box.folder)
        assert (first["duplicate_of"], second["duplicate_of"]) == (None, first["id"])
        assert warning["package_id"] == first["id"]
        assert again["package_ids"] == [second["id"]]


def _send_and_hang_up(box: Box, key: str, body: bytes) -> None:
    """Send a whole request and wait until it is stored, but never read the answer."""
    head = (
        "POST /api/webhook/orders HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        f"X-API-Key: {key}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", box.port), PATIENCE_SECONDS) as client:
        client.sendall(head.encode() + body)
        answered, _, _ = select.select([client], [], [], PATIENCE_SECONDS)
        assert answered
