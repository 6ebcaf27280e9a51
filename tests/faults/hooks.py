"""R11: kill -9 while receivers fail half the time; every event arrives, in the same bytes."""

import asyncio
import json
import random
import time
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scriptrun_box.verbs.listening import check as verdict_of
from tests.live import stored
from tests.live.server import Box
from tests.receivers import Hit, answer, hang, receiving, reset

from .figures import Figure, none_of
from .kills import kill_while_sending
from .load import loaded
from .senders import Sender

RECEIVERS = 3
FAILING_SHARE = 0.5  # of the attempts that reach a receiver
LIVES = (0.1, 1.4)  # seconds from the first answer to the kill
HEARD_SECONDS = 120.0  # for the last event, after the last kill
SETTINGS = {
    "WEBHOOKS__ALLOW_NETWORKS": '["127.0.0.1/32"]',
    "WEBHOOKS__ALLOW_HTTP": "true",
    "WEBHOOKS__RETRY_DELAYS": "[1]",
    "WEBHOOKS__TIMEOUT": "0.5",
}
FAILURES = (
    answer(500),
    answer(302, Location="/elsewhere"),
    reset,
    hang,
)


@dataclass
class Ear:
    """A receiver that fails half the time, and what it got of each event."""

    endpoint: str = ""
    secret: str = ""
    failing: float = FAILING_SHARE
    bodies: dict[str, bytes] = field(default_factory=dict)
    taken: Counter[str] = field(default_factory=Counter)  # answered with 200, by event
    arrivals: Counter[str] = field(default_factory=Counter)  # by event
    unverified: int = 0
    differing: int = 0  # another body under the same id, or an id beside the body's
    followed: int = 0  # redirects

    async def subscribe(self, box: Box, key: str, url: str) -> None:
        """From now on the box owes it every event."""
        with box.client(key) as client:
            wish = {"url": url, "events": ["*"]}
            made = await asyncio.to_thread(client.post, "/api/webhooks", json=wish)
        assert made.status_code == 201, made.text
        self.endpoint, self.secret = made.json()["id"], made.json()["secret"]

    async def manners(self, hit: Hit, *streams: Any) -> None:
        self.note(hit)
        fails = random.random() < self.failing
        if not fails:
            self.taken[hit.header("webhook-id")] += 1
        await (random.choice(FAILURES) if fails else answer())(hit, *streams)

    def note(self, hit: Hit) -> None:
        signature, id = hit.header("X-ScriptRun-Signature"), hit.header("webhook-id")
        self.arrivals[id] += 1
        self.followed += (hit.method, hit.path) != ("POST", "/hook")
        self.unverified += verdict_of(signature, hit.body, self.secret, time.time()) != "verified"
        same = self.bodies.setdefault(id, hit.body) == hit.body
        self.differing += not (same and json.loads(hit.body)["id"] == id)


def run(work: Path, count: int) -> list[Figure]:
    """Kill the box so many times while it takes in orders and sends their events."""
    ears = [Ear() for _ in range(RECEIVERS)]
    with loaded(work / "hooks", **SETTINGS) as (box, key):
        sender = Sender("W", box, key, True)
        asyncio.run(_send_to(ears, box, key, sender, count))
        assert box.stop() == 0
        told = stored.event_bodies(box.folder)
        attempts = stored.attempts(box.folder)
    owed = set(sender.acknowledged.values())
    missing = owed - {json.loads(body)["data"]["package_id"] for body in told.values()}
    return _figures(ears, told, attempts, len(missing), f"{count} kills, {len(owed)} orders")


async def _send_to(ears: list[Ear], box: Box, key: str, sender: Sender, kills: int) -> None:
    async with AsyncExitStack() as listening:
        for ear in ears:
            receiver = await listening.enter_async_context(receiving(ear.manners))
            await ear.subscribe(box, key, receiver.url)
        await kill_while_sending(box, [sender], kills, LIVES)
        for ear in ears:
            ear.failing = 0.0  # the killing is over: what is left comes without more ado
        wanted = stored.event_bodies(box.folder).keys()
        deadline = time.monotonic() + HEARD_SECONDS
        while time.monotonic() < deadline and any(wanted - ear.taken.keys() for ear in ears):
            await asyncio.sleep(0.1)


def _figures(
    ears: list[Ear], told: dict[str, bytes], attempts: list[Any], missing: int, ran: str
) -> list[Figure]:
    """Each ear against the file: the events it holds, and its rows of attempts."""
    logged = Counter((row["endpoint_id"], row["event_id"]) for row in attempts)
    cut = Counter((row["endpoint_id"], row["event_id"]) for row in attempts if _was_cut_off(row))
    unheard = sum(len(told.keys() - ear.taken.keys()) for ear in ears)
    changed = sum(ear.bodies[id] != told.get(id) for ear in ears for id in ear.bodies)
    unlogged, twice, unexplained = 0, 0, 0
    for ear in ears:
        for id, times in ear.arrivals.items():
            unlogged += max(0, times - logged[ear.endpoint, id])
        for id, times in ear.taken.items():
            twice += times - 1
            unexplained += max(0, times - 1 - cut[ear.endpoint, id])
    arrivals = sum(ear.arrivals.total() for ear in ears)
    differing = changed + sum(ear.differing for ear in ears)
    unverified = sum(ear.unverified for ear in ears)
    ran += f", {arrivals} arrivals at {len(ears)} receivers, {twice} taken again"
    return [
        none_of("R11", "events lost to receivers that fail half the time", missing + unheard, ran),
        none_of("R11", "retries with another id or other bytes", differing, ran),
        none_of("R11", "signatures that do not verify", unverified, ran),
        none_of("R11", "arrivals without a row in the log", unlogged, ran),
        none_of("R11", "sent again though its 200 was not cut off", unexplained, ran),
        none_of("R11", "redirects followed", sum(ear.followed for ear in ears), ran),
    ]


def _was_cut_off(attempt: Any) -> bool:
    """The receiver may have said 200 and the box not have heard it."""
    return attempt["outcome"] == "interrupted" or attempt["error_class"] == "timeout"
