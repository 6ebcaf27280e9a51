"""A full disk: orders are refused in words, reading goes on, and space that returns is enough."""

import asyncio
import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.programs import allowed, need
from tests.receivers import Hit, answer, receiving

from . import stored
from .server import PATIENCE_SECONDS, batch, serving

SIZE_MB = 24
FLOOR_MB = 4
MEGABYTE = 1024 * 1024
EVENTS, IN_FLIGHT = 6, 4  # of one webhook
FULL_SECONDS = 2.5  # longer than it takes until a result is tried to be written again
LOOPBACK = {
    "STORAGE__MIN_FREE_MB": "0",
    "WEBHOOKS__ALLOW_NETWORKS": '["127.0.0.1/32"]',
    "WEBHOOKS__ALLOW_HTTP": "true",
    "WEBHOOKS__RETRY_DELAYS": "[1]",
}
KEPT_BACK = 64 * 1024  # a file can only be cut down while there is a little room


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 24 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = [need("mount"), "-t", "tmpfs", "-o", f"size={SIZE_MB}m", "tmpfs", str(folder)]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    allowed(made.returncode == 0, "mounting a small file system")
    try:
        yield folder
    finally:
        subprocess.run([need("umount"), "-l", str(folder)], check=True)


def fill(disk: Path) -> Path:
    """Take every byte that is left."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as out:
        try:
            while out.write(b"x" * MEGABYTE) == MEGABYTE:
                pass
            while out.write(b"x" * 4096):
                pass
        except OSError:
            pass
    return ballast


@pytest.mark.parametrize("floor_mb", [FLOOR_MB, 0], ids=["at the floor", "at the last byte"])
def test_a_full_disk_refuses_orders_reads_on_and_recovers(small_disk: Path, floor_mb: int) -> None:
    with serving(small_disk / "data", STORAGE__MIN_FREE_MB=str(floor_mb)) as (box, key):
        with box.client(key) as client:
            accepted = push(client).json()["package_ids"]
            ballast = fill(small_disk)
            refused = until(client, 507)
            assert refused.json()["code"] == "disk_full"
            assert int(refused.headers["retry-after"]) >= 1
            kept = client.get("/api/packages").json()["data"]
            assert accepted[0] in [each["id"] for each in kept]
            assert "disk_full" in until_ready_says(client, 503)
            assert client.get("/healthz").status_code == 200
            ballast.unlink()
            accepted += until(client, 200).json()["package_ids"]
        assert box.stop() == 0
        ids = [row["id"] for row in stored.packages(box.folder)]
        assert set(ids) >= set(accepted)
        assert len(ids) == len(set(ids))


@pytest.mark.anyio
async def test_events_under_way_when_the_disk_fills_up_arrive_and_are_settled(
    small_disk: Path,
) -> None:
    with serving(small_disk / "data", **LOOPBACK) as (box, key):
        answered = asyncio.Event()
        taken: set[str] = set()

        async def manners(hit: Hit, *streams: Any) -> None:
            await answered.wait()
            taken.add(json.loads(hit.body)["data"]["package_id"])
            await answer()(hit, *streams)

        async with receiving(manners) as receiver:
            with box.client(key) as client:
                wish = {"url": receiver.url, "events": ["package.created"]}
                assert (await _later(client.post, "/api/webhooks", json=wish)).status_code == 201
                owed: set[str] = set()
                for _ in range(EVENTS):
                    owed |= set((await _later(push, client)).json()["package_ids"])
                await receiver.got(IN_FLIGHT)
                ballast = await _later(fill, small_disk)
                await _later(until, client, 507)
                answered.set()
                await asyncio.sleep(FULL_SECONDS)
                outcomes = {row["outcome"] for row in stored.attempts(box.folder)}
                assert outcomes == {"in_flight"}, "answered, and nowhere to write it"
                await _later(ballast.unlink)
                owed |= set((await _later(until, client, 200)).json()["package_ids"])
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not owed <= taken:
                    await asyncio.sleep(0.1)
        assert box.stop() == 0
        assert owed <= set(stored.created_events(box.folder))
        assert {row["state"] for row in stored.deliveries(box.folder)} == {"delivered"}


async def _later(act: Any, *given: Any, **named: Any) -> Any:
    """What blocks, beside the receiver."""
    return await asyncio.to_thread(act, *given, **named)


def until_ready_says(client: httpx.Client, status: int) -> list[str]:
    """Ask until it is this status; the codes of what is wrong."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (answer := client.get("/readyz")).status_code != status:
        assert time.monotonic() < deadline, answer.json()
        time.sleep(0.1)
    return [each["code"] for each in answer.json()["problems"]]


def push(client: httpx.Client) -> httpx.Response:
    return client.post("/api/webhook/orders", json=batch())


def until(client: httpx.Client, status: int) -> httpx.Response:
    """Push orders until the answer is this one; the box looks at the disk once a second."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        answer = push(client)
        assert answer.status_code in (200, 507)
        if answer.status_code == status:
            return answer
        assert time.monotonic() < deadline
        time.sleep(0.1)
