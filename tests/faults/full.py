"""R5 and R6: the disk is full, or the file may not grow; space that returns is enough."""

import resource
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import httpx

from tests.live.server import Box, batch
from tests.live.test_disk_full import SIZE_MB, fill, push, until, until_ready_says
from tests.programs import allowed, need

from .figures import Figure, all_of, at_most, none_of
from .load import loaded, lost, ready

RECOVERY_SECONDS = 10.0
FILE_LIMIT_BYTES = 8_000_000
LARGE_NOTE = "x" * 900
ORDERS_A_PUSH = 50
PUSHES = 400


def run(work: Path, count: int) -> list[Figure]:
    """Fill and free a small disk so many times; then let a file reach its limit once."""
    return [*_full_disk(work, count), *file_limit(work / "limit")]


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A file system of a few megabytes."""
    folder.mkdir(parents=True)
    command = [need("mount"), "-t", "tmpfs", "-o", f"size={SIZE_MB}m", "tmpfs", str(folder)]
    made = subprocess.run(command, capture_output=True, check=False)
    allowed(made.returncode == 0, "mounting a small file system")
    try:
        yield folder
    finally:
        subprocess.run([need("umount"), "-l", str(folder)], check=True)


def _full_disk(work: Path, count: int) -> list[Figure]:
    accepted: set[str] = set()
    waits, in_words, readable = [], 0, 0
    with small_disk(work / "small") as disk, loaded(disk / "data") as (box, key):
        box.log = work / "full.log"
        with box.client(key) as client:
            for _ in range(count):
                accepted |= set(push(client).json()["package_ids"])
                ballast = fill(disk)
                refused = until(client, 507)
                in_words += refused.json()["code"] == "disk_full" and _says_when(refused)
                readable += client.get("/api/packages").status_code == 200
                readable += "disk_full" in until_ready_says(client, 503)
                ballast.unlink()
                began = time.monotonic()
                accepted |= set(until(client, 200).json()["package_ids"])
                waits.append(time.monotonic() - began)
        assert box.stop() == 0
        missing = lost(box.folder, accepted)
    ran = f"{count} times full"
    return [
        none_of("R5", "acknowledged orders lost on a full disk", missing, ran),
        all_of("R5", "a full disk is refused in words, with a time to wait", in_words, count),
        all_of("R5", "reading goes on and readiness says disk_full", readable, 2 * count),
        at_most("R5", "space returned → accepting", max(waits), RECOVERY_SECONDS, "s", ran),
    ]


def _says_when(answer: httpx.Response) -> bool:
    return int(answer.headers["retry-after"]) >= 1


class Limited(Box):
    """A box whose files may not grow beyond a limit."""

    def start(self, *, wait: bool = True) -> Box:
        bound = (FILE_LIMIT_BYTES, FILE_LIMIT_BYTES)
        limit = partial(resource.setrlimit, resource.RLIMIT_FSIZE, bound)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command("serve"),
                env=self._environ(),
                stdout=log,
                stderr=log,
                preexec_fn=limit,
            )
        self.wait_until_it_answers()
        return self


def file_limit(folder: Path, pushes: int = PUSHES) -> list[Figure]:
    """Orders until the file may not grow any more, and beyond."""
    accepted: set[str] = set()
    with ready(folder, Limited) as (box, key):
        box.start()
        with box.client(key) as client:
            statuses = [_grow(client, accepted, number) for number in range(pushes)]
            read = client.get("/api/packages").status_code
        alive = box.process is not None and box.process.poll() is None
        box.stop()
        missing = lost(folder, accepted)
    refused = [status for status in statuses if status != 200]
    ran = f"{pushes} pushes, {len(refused)} refused"
    return [
        none_of("R6", "acknowledged orders lost at the file size limit", missing, ran),
        none_of("R6", "answers that are neither 200 nor 5xx", _odd(refused), ran),
        all_of("R6", "met the limit, still runs and reads", int(alive and read == 200), 1),
    ]


def _odd(refused: list[int]) -> int:
    return sum(status < 500 for status in refused) + (not refused)


def _grow(client: httpx.Client, accepted: set[str], number: int) -> int:
    orders = [{"rx_number": f"{number}-{n}", "notes": LARGE_NOTE} for n in range(ORDERS_A_PUSH)]
    answer = client.post("/api/webhook/orders", json=batch(*orders))
    if answer.status_code == 200:
        accepted.update(answer.json()["package_ids"])
    return answer.status_code
