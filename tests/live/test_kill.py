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

import pytest

from scriptrun_box.verbs.listening import check as verdict_of
from tests.faults.senders import ORDERS_A_BATCH, Sender, tally
from tests.receivers import Hit, receiving

from . import stored
from .server import PATIENCE_SECONDS, Box, batch, serving

pytestmark = pytest.mark.anyio
KILLS = 20
KEYED_CLIENTS = 3
LIVES = (0.05, 0.5)  # seconds from the first answer to the kill
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
        _check_file(box, [*keyed, plain])
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


def _check_file(box: Box, senders: list[Sender]) -> None:
    found = tally(box.folder, senders)
    assert found.acknowledged == sum(each.batches for each in senders) * ORDERS_A_BATCH
    assert (found.lost, found.doubled, found.halves) == (0, 0, 0)
    assert (found.unexplained, found.unflagged) == (0, 0), "each double waits for the desk"


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
