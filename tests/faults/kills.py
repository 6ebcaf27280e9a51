"""R1 and R2: kill -9 amid ingest, again and again; nothing acknowledged is lost or doubled."""

import asyncio
import random
import time
from collections.abc import Sequence
from pathlib import Path

from tests.live.server import Box

from .figures import Figure, at_most, none_of, percentile
from .load import is_whole, loaded
from .senders import Sender, Tally, tally

KEYED, UNKEYED = 4, 2  # callers with an Idempotency-Key and without
LIVES = (0.05, 0.8)  # seconds from the first answer to the kill
RESTART_SECONDS = 2.0  # kill -> accepting again, p99


def run(work: Path, count: int) -> list[Figure]:
    """Kill the box so many times while it takes in orders."""
    with loaded(work / "kills") as (box, key):
        keyed = [Sender(f"K{n}", box, key, True) for n in range(KEYED)]
        unkeyed = [Sender(f"P{n}", box, key, False) for n in range(UNKEYED)]
        restarts = asyncio.run(kill_while_sending(box, [*keyed, *unkeyed], count))
        assert box.stop() == 0
        found, other = tally(box.folder, keyed), tally(box.folder, unkeyed)
        damaged = int(not is_whole(box.folder))
    ran = f"{count} kills, {found.acknowledged} orders"
    return [
        none_of("R1", "acknowledged orders lost by kill -9", found.lost, ran),
        none_of("R1", "orders doubled although sent with a key", found.doubled, ran),
        none_of("R1", "batches stored by half", found.halves + other.halves, ran),
        none_of("R1", "the file does not check afterwards", damaged, ran),
        at_most(
            "R1",
            "kill → accepting again, p99 (aim 0.5 s)",
            percentile(restarts, 0.99),
            RESTART_SECONDS,
            "s",
            f"{count} kills, median {percentile(restarts, 0.5):.2f} s",
        ),
        *_without_keys(other, count),
    ]


def _without_keys(found: Tally, count: int) -> list[Figure]:
    ran = f"{count} kills, {found.acknowledged} orders, {found.repeats} batches sent again"
    return [
        none_of("R2", "acknowledged orders lost, callers without keys", found.lost, ran),
        none_of("R2", "doubles beyond the replies that were lost", found.unexplained, ran),
        none_of("R2", "doubles that do not wait for the desk", found.unflagged, ran),
    ]


async def kill_while_sending(
    box: Box, senders: Sequence[Sender], count: int, lives: tuple[float, float] = LIVES
) -> list[float]:
    """Kill and start; how many seconds from each kill until the box answered again."""
    stopping, restarts = asyncio.Event(), []
    sending = [asyncio.create_task(each.run(stopping)) for each in senders]
    for _ in range(count):
        await asyncio.sleep(random.uniform(*lives))
        began = time.monotonic()
        await asyncio.to_thread(box.kill)
        await asyncio.to_thread(box.start)
        restarts.append(time.monotonic() - began)
    stopping.set()
    await asyncio.gather(*sending)
    return restarts
