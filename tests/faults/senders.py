"""Pharmacy systems that send batch after batch through every kill, and what became of them."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.live import stored
from tests.live.server import PATIENCE_SECONDS, Box, batch

ORDERS_A_BATCH = 3
PAUSE_SECONDS = 0.04  # of a client, between two batches


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
        async with httpx.AsyncClient(trust_env=False, timeout=PATIENCE_SECONDS) as client:
            while not stopping.is_set():
                self.batches += 1
                await self._send(client, self.batches)
                await asyncio.sleep(PAUSE_SECONDS)

    def rx_numbers(self, number: int) -> list[str]:
        return [f"{self.name}-{number}-{place}" for place in range(ORDERS_A_BATCH)]

    async def _send(self, client: httpx.AsyncClient, number: int) -> None:
        body = batch(*({"rx_number": rx} for rx in self.rx_numbers(number)))
        headers = {"X-API-Key": self.key}
        if self.with_idempotency_key:
            headers["Idempotency-Key"] = f"{self.name}-{number}"
        while True:
            try:
                url = f"{self.box.url}/api/webhook/orders"
                answer = await client.post(url, json=body, headers=headers)
            except httpx.ConnectError:  # nothing was sent
                await asyncio.sleep(PAUSE_SECONDS)
            except httpx.TransportError:
                self.lost_replies[number] += 1
                await asyncio.sleep(PAUSE_SECONDS)
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
class Tally:
    """What of the acknowledged orders the file holds; all but the first and last must be 0."""

    acknowledged: int = 0
    lost: int = 0
    doubled: int = 0  # although sent with an Idempotency-Key
    halves: int = 0  # batches stored in part
    unexplained: int = 0  # doubles without a key, beyond the replies that were lost
    unflagged: int = 0  # doubles without a key that do not wait for the desk
    repeats: int = 0  # batches without a key that are there twice, as they may be


def tally(folder: Path, senders: Sequence[Sender]) -> Tally:
    """Compare the file of a stopped box with what its senders were told."""
    rows = stored.packages(folder)
    counts = Counter(row["rx_number"] for row in rows)
    flagged = Counter(row["rx_number"] for row in rows if row["duplicate_of"])
    by_id = {row["id"]: row["rx_number"] for row in rows}
    found = Tally()
    for sender in senders:
        found.acknowledged += len(sender.acknowledged)
        found.lost += sum(by_id.get(id) != rx for rx, id in sender.acknowledged.items())
        for number in range(1, sender.batches + 1):
            copies = [counts[rx] for rx in sender.rx_numbers(number)]
            found.halves += len(set(copies)) != 1
            found.lost += sum(times == 0 for times in copies)
            extra = max(copies) - 1
            if sender.with_idempotency_key:
                found.doubled += sum(times > 1 for times in copies)
            else:
                found.repeats += max(extra, 0)
                found.unexplained += max(0, extra - sender.lost_replies[number])
                found.unflagged += sum(
                    counts[rx] - 1 - flagged[rx] for rx in sender.rx_numbers(number) if counts[rx]
                )
    return found
