"""R4: the disk answers with errors. strace makes the Nth sync or the Nth writes of a thread fail.

Nothing may be acknowledged that is not stored, a refused order sent again with its key must be
there once, and after a failed sync the process must end: what the kernel then still holds is
unknown, and syncing again would say that all is well.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.live import stored
from tests.live.server import Box, batch
from tests.programs import allowed, need

from .figures import Figure, all_of, at_most, none_of
from .load import ended, is_whole, ready

TRY_AGAIN = 75  # the exit status that has systemd start it again
EXIT_SECONDS = 1.0
FIRST, STEP = 2, 7  # which calls fail: 2, 9, 16 …
ENOSPC_LASTS = 12  # writes in a row that find the disk full
ORDERS = 40  # sent while the fault is set, one after the other
PUSH_SECONDS = 20.0


class Faulty(Box):
    """A box under strace, which makes a system call fail."""

    fault = ""

    def command(self, *args: str) -> list[str]:
        whole = super().command(*args)
        if args[0] != "serve" or not self.fault:
            return whole
        calls = self.fault.partition(":")[0]
        strace = [need("strace"), "-D", "-f", "--seccomp-bpf", "-qq", "-o", "/dev/null"]
        return [*strace, "-e", f"trace={calls}", "-e", f"inject={self.fault}", *whole]


@dataclass
class Seen:
    """What one run with a fault has shown."""

    acknowledged: dict[str, str] = field(default_factory=dict)  # Rx number -> package id
    refused: list[str] = field(default_factory=list)  # Rx numbers
    refused_at: float = 0.0  # when the first was
    exit_status: int | None = None
    exit_seconds: float = 0.0
    lost: int = 0
    doubled: int = 0
    damaged: bool = False


def run(work: Path, count: int) -> list[Figure]:
    """Let so many different syncs fail, then as many different writes."""
    places = range(FIRST, FIRST + STEP * count, STEP)
    syncs = [one_run(work / f"sync-{n}", f"fsync,fdatasync:error=EIO:when={n}") for n in places]
    writes = [
        one_run(work / f"write-{n}", f"pwrite64:error=ENOSPC:when={n}..{n + ENOSPC_LASTS}")
        for n in places
    ]
    hit = [each for each in syncs if each.exit_status is not None]
    met = [each for each in writes if each.refused]
    ran = f"{count} failed syncs ({len(hit)} met a commit), {count} full disks ({len(met)} met)"
    both = [*syncs, *writes]
    slowest = max((each.exit_seconds for each in hit), default=0.0)
    well = sum(each.exit_status == TRY_AGAIN for each in hit)
    return [
        none_of("R4", "acknowledged orders not stored", sum(s.lost for s in both), ran),
        none_of("R4", "refused, sent again with its key, stored twice", _doubled(both), ran),
        none_of("R4", "damaged files", sum(s.damaged for s in both), ran),
        all_of("R4", "after a failed sync it exits 75", well, len(hit)),
        at_most("R4", "failed sync → gone", slowest, EXIT_SECONDS, "s", f"{len(hit)} times, worst"),
        none_of("R4", "ended by a full disk other than with 75", _badly(writes), ran),
    ]


def _doubled(runs: Sequence[Seen]) -> int:
    return sum(each.doubled for each in runs)


def _badly(runs: Sequence[Seen]) -> int:
    return sum(each.exit_status not in (None, TRY_AGAIN) for each in runs)


def one_run(folder: Path, fault: str) -> Seen:
    """Push orders into a box whose disk fails so; then send all again to a sound one."""
    seen = Seen()
    with ready(folder, Faulty) as (box, key):
        assert isinstance(box, Faulty)
        box.fault = fault
        _try_to_start(box)
        _push(box, key, seen)
        assert box.process is not None
        if _is_gone(box, seen):
            seen.exit_seconds = time.monotonic() - seen.refused_at if seen.refused_at else 0.0
            seen.exit_status = ended(box)
        else:
            box.kill()
        box.fault = ""
        box.start()
        _send_again(box, key, seen)
        assert box.stop() == 0
        counts = stored.rx_counts(folder)
        ids = {row["id"] for row in stored.packages(folder)}
        seen.lost = sum(id not in ids for id in seen.acknowledged.values())
        seen.doubled = sum(times > 1 for times in counts.values())
        seen.damaged = not is_whole(folder)
    return seen


def _try_to_start(box: Box) -> None:
    """Under strace; a fault that already meets the start ends it, which is no answer at all."""
    box.start(wait=False)
    assert box.process is not None
    began = time.monotonic()
    while time.monotonic() - began < PUSH_SECONDS and box.process.poll() is None:
        try:
            httpx.get(f"{box.url}/healthz", trust_env=False)
            return
        except httpx.TransportError:
            allowed("ptrace" not in box.said(), "watching a process's system calls")
            time.sleep(0.05)


def _push(box: Box, key: str, seen: Seen) -> None:
    with box.client(key) as client:
        for number in range(ORDERS):
            rx = f"RX-{number}"
            try:
                answer = _send(client, rx)
            except httpx.TransportError:
                seen.refused_at = seen.refused_at or time.monotonic()
                seen.refused.append(rx)
                if box.process is not None and box.process.poll() is not None:
                    return
                continue
            if answer.status_code == 200:
                seen.acknowledged[rx] = answer.json()["package_ids"][0]
            else:
                assert answer.status_code >= 500
                seen.refused_at = seen.refused_at or time.monotonic()
                seen.refused.append(rx)


def _send(client: httpx.Client, rx: str) -> httpx.Response:
    body = batch({"rx_number": rx})
    return client.post("/api/webhook/orders", json=body, headers={"Idempotency-Key": rx})


def _is_gone(box: Box, seen: Seen) -> bool:
    """Whether the server ends: at once, or shortly after it refused something."""
    assert box.process is not None
    deadline = time.monotonic() + (2 * EXIT_SECONDS if seen.refused else 0.0)
    while box.process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    return box.process.poll() is not None


def _send_again(box: Box, key: str, seen: Seen) -> None:
    """Every order, refused or not, as a caller may; each answer is the first one's or a new one."""
    with box.client(key) as client:
        for number in range(ORDERS):
            rx = f"RX-{number}"
            answer = _send(client, rx)
            assert answer.status_code == 200, answer.text
            seen.acknowledged.setdefault(rx, answer.json()["package_ids"][0])
