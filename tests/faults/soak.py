"""R15: twice the limits for minutes on end; memory, open files and the log must not creep."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.live import stored
from tests.live.server import Box, batch, serving

from .figures import Figure, at_most, none_of, percentile
from .load import memory_mb

PUSHES_A_SECOND = 20  # the limit is 600 a minute: every other one is refused
READ_EVERY = 10  # pushes
SAMPLE_SECONDS = 5.0
WARM_SHARE = 0.5  # of the time: caches fill, and what threads keep of memory finds its size
FILLED = 20_000  # orders there from before: the caches of pages are full, growth is a leak
LIMIT_PER_HOUR = "1000000"  # of orders; what is exceeded are the requests a minute
PAGES_READ = 15  # of 200 packages, by each of
READ_AT_ONCE = 4  # so that all readers of the box have full caches; together a minute's limit
SLOPE_MB = 1.0  # in ten minutes
TEN_MINUTES = 600.0
LOG_MB = 64.0


@dataclass
class Sample:
    """The server at one moment."""

    at: float
    memory_mb: float
    files: int
    log_mb: float


@dataclass
class Seen:
    """What the soak has shown."""

    samples: list[Sample] = field(default_factory=list)
    answers: Counter[int] = field(default_factory=Counter)
    milliseconds: list[float] = field(default_factory=list)


def run(work: Path, count: int) -> list[Figure]:
    """So many seconds at twice the limits."""
    seen = Seen()
    with serving(work / "soak", "--plan", "enterprise") as (box, _):
        key = box.cli("key", "create", "--name", "soak", "--orders-per-hour", LIMIT_PER_HOUR)
        _fill(box)
        _push_on(box, key, seen, count)
        assert box.stop() == 0
    warm = [each for each in seen.samples if each.at >= count * WARM_SHARE]
    slope = _slope(warm) * TEN_MINUTES
    ran = f"{count} s, {sum(seen.answers.values())} pushes, {seen.answers[429]} refused with 429"
    files = max(each.files for each in warm) - min(each.files for each in warm)
    odd = sum(n for status, n in seen.answers.items() if status not in (200, 429))
    return [
        at_most("R15", "memory slope (aim 0)", slope, SLOPE_MB, "MB/10 min", ran),
        at_most("R15", "open files, most less fewest", files, 4, "files", ran, 0),
        at_most("R15", "write-ahead log", max(s.log_mb for s in warm), LOG_MB, "MB", ran, 1),
        none_of("R15", "answers other than 200 and 429", odd, ran),
        at_most("R15", "push, p99", percentile(seen.milliseconds, 0.99), 250, "ms", ran, 1),
    ]


def _fill(box: Box) -> None:
    """With a key of its own, whose minute is soon used up."""
    most = ("--rate-ingest", LIMIT_PER_HOUR, "--orders-per-hour", LIMIT_PER_HOUR)
    with box.client(box.cli("key", "create", "--name", "filler", *most)) as client:
        for first in range(0, FILLED, 100):
            orders = ({"rx_number": f"OLD-{n}"} for n in range(first, first + 100))
            assert client.post("/api/webhook/orders", json=batch(*orders)).status_code == 200
        with ThreadPoolExecutor(READ_AT_ONCE) as pool:
            list(pool.map(_read_all, [client] * READ_AT_ONCE))
    while stored.unplaced(box.folder):  # the box reads the addresses behind the orders
        time.sleep(SAMPLE_SECONDS)


def _read_all(client: httpx.Client) -> None:
    cursor = ""
    for _ in range(PAGES_READ):
        answer = client.get("/api/packages", params={"limit": "200", "cursor": cursor})
        assert answer.status_code == 200
        cursor = answer.json()["next_cursor"]


def _push_on(box: Box, key: str, seen: Seen, seconds: float) -> None:
    began, number, sampled = time.monotonic(), 0, 0.0
    with box.client(key) as client:
        while (now := time.monotonic() - began) < seconds:
            number += 1
            before = time.perf_counter()
            answer = client.post("/api/webhook/orders", json=batch({"rx_number": f"RX-{number}"}))
            seen.milliseconds.append((time.perf_counter() - before) * 1000)
            seen.answers[answer.status_code] += 1
            if number % READ_EVERY == 0:
                client.get("/api/packages")
            if now - sampled >= SAMPLE_SECONDS:
                sampled = now
                seen.samples.append(_sample(box, now))
            time.sleep(max(0.0, number / PUSHES_A_SECOND - (time.monotonic() - began)))


def _sample(box: Box, now: float) -> Sample:
    assert box.process is not None
    files = len(list(Path(f"/proc/{box.process.pid}/fd").iterdir()))
    return Sample(now, memory_mb(box), files, stored.unfolded_bytes(box.folder) / 1e6)


def _slope(samples: list[Sample]) -> float:
    """Megabytes a second: the line that lies nearest to the samples."""
    mean_at = sum(s.at for s in samples) / len(samples)
    mean_mb = sum(s.memory_mb for s in samples) / len(samples)
    spread = sum((s.at - mean_at) ** 2 for s in samples)
    return sum((s.at - mean_at) * (s.memory_mb - mean_mb) for s in samples) / spread
