"""S1: a thousand idle, slow or hello-less clients, and what a good one feels of them."""

import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import httpx
import trustme

from tests.live.server import PATIENCE_SECONDS, Box

from .figures import Figure, all_of, at_most, percentile
from .load import PLENTY, loaded, memory_mb

KINDS = {
    "idle": 15.0,
    "head": 15.0,
    "body": 35.0,
    "tls": 15.0,
    "hello": 15.0,
}  # seconds until all are closed
WORDS = {
    "idle": "idle",
    "head": "slow-head",
    "body": "slow-body",
    "tls": "hello-less TLS",
    "hello": "half-a-hello TLS",
}
GOOD_MS = 100.0  # p99 (aim 30)
MEMORY_MB = 40.0
PAUSE_SECONDS = 0.02  # of the good client
SHORT_KINDS = 200  # with fewer clients than this, only the quickest kind runs


class Secure(Box):
    """A box behind TLS."""

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"


@dataclass
class Seen:
    """One kind of slow client against a good one."""

    good_ms: list[float]
    bad_answers: int
    lasted: list[float]
    grown_mb: float


def run(work: Path, count: int) -> list[Figure]:
    """So many slow clients of each kind at once; with few, of one kind."""
    figures = []
    for kind, seconds in KINDS.items():
        if count < SHORT_KINDS and kind != "idle":
            continue
        measure = _tls if kind in ("tls", "hello") else _plain
        seen = measure(work / kind, kind, count)
        figures += _figures(kind, seconds, count, seen)
    return figures


def _figures(kind: str, seconds: float, count: int, seen: Seen) -> list[Figure]:
    ran = f"{count} {WORDS[kind]} connections from 4 addresses, {len(seen.good_ms)} good requests"
    good = percentile(seen.good_ms, 0.99)
    closed = sum(0 <= each <= seconds for each in seen.lasted)
    return [
        at_most("S1", "good client, p99 (aim 30 ms)", good, GOOD_MS, "ms", ran, 1),
        all_of("S1", "good requests answered with 200", len(seen.good_ms) - seen.bad_answers,
               len(seen.good_ms), ran),
        all_of("S1", f"slow ones closed within {seconds:g} s", closed, count, ran),
        at_most("S1", "memory grown", seen.grown_mb, MEMORY_MB, "MB", ran, 1),
    ]  # fmt: skip


def _plain(folder: Path, kind: str, count: int) -> Seen:
    with loaded(folder) as (box, key):
        return _measure(box, key, kind, count, verify=True)


def _tls(work: Path, kind: str, count: int) -> Seen:
    work.mkdir()
    authority = trustme.CA()
    made = authority.issue_cert("localhost")
    cert, private = work / "box.pem", work / "box.key"
    made.cert_chain_pems[0].write_to_path(cert)
    made.private_key_pem.write_to_path(private)
    env = {"SERVER__TLS_CERT": str(cert), "SERVER__TLS_KEY": str(private)}
    ca = work / "ca.pem"
    authority.cert_pem.write_to_path(ca)
    box = Secure(work / "tls", {**PLENTY, **env})
    try:
        key = box.init()
        box.start(wait=False)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while " serves " not in box.said() and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(1.0)
        return _measure(box, key, kind, count, verify=str(ca))
    finally:
        box.end()


def _measure(box: Box, key: str, kind: str, count: int, verify: bool | str) -> Seen:
    seen = Seen([], 0, [], 0.0)
    command = [sys.executable, "-m", "tests.faults.slow_clients", str(box.port), kind, str(count)]
    with box.client(key, verify=verify) as client:
        _ask(client, seen)
        seen.good_ms.clear()
        before = peak = memory_mb(box)
        slow = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            while slow.poll() is None:
                _ask(client, seen)
                peak = max(peak, memory_mb(box))
                time.sleep(PAUSE_SECONDS)
        finally:
            slow.kill()
        said, _ = slow.communicate()
    seen.lasted = [float(line) for line in said.split()]
    seen.grown_mb = peak - before
    return seen


def _ask(client: httpx.Client, seen: Seen) -> None:
    began = time.perf_counter()
    try:
        seen.bad_answers += client.get("/api/packages").status_code != 200
    except httpx.TransportError:
        seen.bad_answers += 1
    seen.good_ms.append((time.perf_counter() - began) * 1000)
