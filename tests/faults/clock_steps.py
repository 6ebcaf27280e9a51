"""R10: the clock of the machine is set while the box runs; libfaketime sets it for one process.

Monotonic time is left alone, as a clock that is set leaves it.
"""

import asyncio
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.live import stored
from tests.live.server import PATIENCE_SECONDS, SIGN_IN, Box, batch
from tests.receivers import Hit, answer, receiving

from .figures import Figure, all_of, at_most, none_of
from .load import loaded, memory_mb

LIBRARIES = [Path(f"/usr/lib/{kind}-linux-gnu/faketime") for kind in ("x86_64", "aarch64")]
HOUR, YEAR = 3600, 365 * 86400
STEPS = {"+1 h": HOUR, "-1 h": -HOUR, "+1 y": YEAR, "1970": 0, "right again": 0}
HEARD_SECONDS = 5.0  # an event that is due, after the step
WRITTEN_SECONDS = 0.6  # until what the receiver refused is written down as due again
NOTICED_SECONDS = 2.0  # until the last step is logged
MEMORY_MB = 8.0
A_MINUTE = 5  # pushes a key may make
WINDOW_SECONDS = 60
SETTINGS = {
    "LIMITS__INGEST_PER_MINUTE": str(A_MINUTE),
    "WEBHOOKS__ALLOW_NETWORKS": '["127.0.0.1/32"]',
    "WEBHOOKS__ALLOW_HTTP": "true",
    "WEBHOOKS__RETRY_DELAYS": "[2]",
}
SAID = "the clock of this machine was set"


class Clocked(Box):
    """A box whose clock is the machine's plus the seconds in a file beside its folder."""

    @property
    def clock_file(self) -> Path:
        return self.folder.parent / "clock"

    def set_clock(self, seconds: int) -> None:
        fresh = self.clock_file.with_suffix(".new")
        fresh.write_text(f"{seconds:+d}\n")
        fresh.replace(self.clock_file)

    def _environ(self) -> dict[str, str]:
        return super()._environ() | {
            "LD_PRELOAD": str(library()),
            "FAKETIME_TIMESTAMP_FILE": str(self.clock_file),
            "FAKETIME_NO_CACHE": "1",
            "DONT_FAKE_MONOTONIC": "1",
            # Else its timed waits return at once: threads that wait for the interpreter's lock
            # spin, and starve the one they share a CPU with.
            "FAKETIME_FORCE_MONOTONIC_FIX": "0",
        }


def library() -> Path:
    """libfaketime, or a skip in words."""
    for folder in LIBRARIES:
        if folder.exists():
            return folder / "libfaketimeMT.so.1"
    pytest.skip("libfaketime is not installed (Debian: apt install faketime)")


@dataclass
class Ears:
    """A receiver that refuses the first attempt of each event and takes the second."""

    attempts: Counter[bytes] = field(default_factory=Counter)
    taken: Counter[bytes] = field(default_factory=Counter)

    async def manners(self, hit: Hit, *streams: Any) -> None:
        self.attempts[hit.body] += 1
        if self.attempts[hit.body] == 1:
            return await answer(500)(hit, *streams)
        self.taken[hit.body] += 1
        return await answer()(hit, *streams)


@dataclass
class Seen:
    """What the steps have shown."""

    heard: list[float] = field(default_factory=list)  # seconds from the step to the due event
    accepted: list[str] = field(default_factory=list)
    waits: list[int] = field(default_factory=list)  # Retry-After of a full window, after the step
    session_ended: bool = False
    memory_mb: float = 0.0  # before the first step


def run(work: Path, count: int) -> list[Figure]:
    """The first so many steps, one after the other, in one box."""
    work.joinpath("clock").write_text("+0\n")
    names = list(STEPS)[:count]
    ears, seen = Ears(), Seen()
    with loaded(work / "clock-box", Clocked, **SETTINGS) as (box, key):
        assert isinstance(box, Clocked)
        keys = [box.cli("key", "create", "--name", name) for name in names]
        asyncio.run(_step_through(box, key, dict(zip(names, keys, strict=True)), ears, seen))
        grown = memory_mb(box) - seen.memory_mb
        assert box.stop() == 0
        rows = [row["id"] for row in stored.packages(box.folder)]
        warned = box.said().count(SAID)
    steps = ", ".join(names)
    order = [id for id in rows if id in seen.accepted] == seen.accepted
    return [
        at_most("R10", "due event after a step, worst", max(seen.heard), HEARD_SECONDS, "s", steps),
        none_of("R10", "events taken twice", sum(n - 1 for n in ears.taken.values()), steps),
        all_of("R10", "orders keep the order they came in", int(order), 1, steps),
        at_most(
            "R10",
            "a full window's wait after a step",
            max(seen.waits),
            WINDOW_SECONDS,
            "s",
            steps,
            0,
        ),
        all_of("R10", "a warning for each step, once", warned, len(names), steps),
        all_of("R10", "a session has ended after a step ahead", int(seen.session_ended), 1, steps),
        at_most("R10", "memory grown", grown, MEMORY_MB, "MB", steps, 1),
    ]


async def _step_through(
    box: Clocked, key: str, steps: dict[str, str], ears: Ears, seen: Seen
) -> None:
    async with (
        receiving(ears.manners) as receiver,
        httpx.AsyncClient(base_url=box.url, timeout=PATIENCE_SECONDS, trust_env=False) as client,
    ):
        hook = {"url": receiver.url, "events": ["package.created"]}
        made = await client.post("/api/webhooks", json=hook, headers={"X-API-Key": key})
        assert made.status_code == 201, made.text
        signed = await client.post("/sign-in", data=SIGN_IN)
        assert signed.status_code == 303
        seen.memory_mb = memory_mb(box)
        for name, hot in steps.items():
            await _one_step(box, client, hot, name, ears, seen)
            if name in ("+1 h", "+1 y"):
                page = await client.get("/packages")
                seen.session_ended = page.status_code != 200
        await asyncio.sleep(NOTICED_SECONDS)


async def _one_step(
    box: Clocked, client: httpx.AsyncClient, hot: str, name: str, ears: Ears, seen: Seen
) -> None:
    refused = None
    while refused is None:
        push = await client.post("/api/webhook/orders", json=batch(), headers={"X-API-Key": hot})
        if push.status_code == 200:
            seen.accepted += push.json()["package_ids"]
        else:
            assert push.status_code == 429, push.text
            refused = push
    await _until(lambda: len(ears.attempts) >= len(seen.accepted))
    await asyncio.sleep(WRITTEN_SECONDS)
    back_to_1970 = -int(time.time()) + 86400
    box.set_clock(back_to_1970 if name == "1970" else STEPS[name])
    stepped = time.monotonic()
    again = await client.post("/api/webhook/orders", json=batch(), headers={"X-API-Key": hot})
    if again.status_code == 429:
        seen.waits.append(int(again.headers["retry-after"]))
    else:
        seen.waits.append(0)
        seen.accepted += again.json()["package_ids"]
    due = set(ears.attempts) - set(ears.taken)
    with suppress(TimeoutError):  # then it counts as this late
        await _until(lambda: due <= set(ears.taken))
    seen.heard.append(time.monotonic() - stepped)


async def _until(condition: Any) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():
            await asyncio.sleep(0.05)
