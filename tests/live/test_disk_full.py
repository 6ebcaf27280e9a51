"""A full disk: orders are refused in words, reading goes on, and space that returns is enough."""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.programs import allowed, need

from . import stored
from .server import PATIENCE_SECONDS, batch, serving

SIZE_MB = 24
FLOOR_MB = 4
MEGABYTE = 1024 * 1024
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
