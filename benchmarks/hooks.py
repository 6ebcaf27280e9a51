"""Webhooks: how fast they are sent, who holds up whom, what they cost the orders and the memory."""

import json
import statistics
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from benchmarks.ours import Box
from benchmarks.plan import SINGLE_CONNECTIONS, Plan
from benchmarks.report import Figure, Outcome

EVENTS = 1_000
ENDPOINTS = 10
PENDING = 100_000
SETTINGS = {
    "SCRIPTRUN_BOX_WEBHOOKS__ALLOW_NETWORKS": '["127.0.0.0/8"]',
    "SCRIPTRUN_BOX_WEBHOOKS__ALLOW_HTTP": "true",
}


def measure(folder: Path, plan: Plan) -> Outcome:
    """Each in a process of its own, with a lean receiver beside it."""
    with _sink() as port:
        rates = [_child("rate", folder, port, EVENTS) for _ in range(plan.rounds)]
        alone = [_p95(folder, port, 0) for _ in range(plan.rounds)]
        beside = [_p95(folder, port, 1) for _ in range(plan.rounds)]
        ingest = _ingest(folder, port, plan)
    queue = _child("backlog", folder, PENDING)
    sent = statistics.median(each["bare"] / each["ours"] for each in rates)
    slower = statistics.median(b / a for a, b in zip(alone, beside, strict=True))
    ratio = statistics.median(ten / none for none, ten in ingest)
    arrives = statistics.median(alone)
    mine = statistics.median(EVENTS / each["ours"] for each in rates)
    bare = statistics.median(EVENTS / each["bare"] for each in rates)
    return Outcome(
        [
            Figure("events delivered/s ÷ bare posts/s", sent, 0.5, 0.8, at_least=True, digits=2),
            Figure("healthy p95 beside one that hangs ÷ without", slower, 1.5, 1.1, digits=2),
            Figure("orders/s with 10 webhooks ÷ none", ratio, 0.6, 0.8, at_least=True, digits=2),
            Figure("commit to receiver, p95", arrives, 100, 30, " ms"),
            Figure("tick with 100,000 pending", queue["tick_ms"], 10, 10, " ms", digits=1),
            Figure("memory of 100,000 pending", queue["memory_mb"], 40, 40, " MB"),
        ],
        [
            ("events delivered/s to one receiver, four at a time", f"{mine:,.0f}"),
            ("bare posts/s, four at a time", f"{bare:,.0f}"),
        ],
    )


def _p95(folder: Path, port: int, hanging: int) -> float:
    """Milliseconds from commit to receiver, of all healthy endpoints."""
    _arrivals(port)
    committed = _child("latency", folder, port, hanging)
    took = sorted((at - committed[event]) * 1000 for event, at in _arrivals(port))
    return float(took[int(len(took) * 0.95)])


def _ingest(folder: Path, port: int, plan: Plan) -> list[tuple[float, float]]:
    """Rounds of single orders/s without webhooks and with ten."""
    none, ten = Box(folder / "none"), Box(folder / "ten")
    with patch.dict("os.environ", SETTINGS):
        with ten.serving():
            for number in range(ENDPOINTS):
                wish = {"url": f"http://127.0.0.1:{port}/{number}", "events": ["*"]}
                _post(f"http://127.0.0.1:{ten.port}/api/webhooks", ten.key, wish)
        return [(_rate(none, plan), _rate(ten, plan)) for _ in range(plan.rounds)]


def _rate(box: Box, plan: Plan) -> float:
    with box.serving():
        box.load(1, SINGLE_CONNECTIONS, plan.warm_up_seconds)
        return box.load(1, SINGLE_CONNECTIONS, plan.load_seconds).requests_per_second


def _post(url: str, key: str, body: Any) -> None:
    headers = {"X-API-Key": key, "Content-Type": "application/json"}
    urllib.request.urlopen(urllib.request.Request(url, json.dumps(body).encode(), headers)).close()


def _arrivals(port: int) -> list[tuple[str, float]]:
    """What came at the receiver since the last time."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/arrivals") as answer:
        return [(str(event), float(at)) for event, at in json.load(answer)]


def _child(verb: str, folder: Path, *numbers: int) -> Any:
    command = [sys.executable, "-m", "benchmarks.hooks_child", verb, str(folder)]
    done = subprocess.run(
        [*command, *map(str, numbers)], capture_output=True, text=True, timeout=300, check=True
    )
    return json.loads(done.stdout)


@contextmanager
def _sink() -> Iterator[int]:
    """A lean receiver; its port."""
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.sink"], stdout=subprocess.PIPE, text=True
    ) as sink:
        assert sink.stdout is not None
        try:
            yield int(sink.stdout.readline())
        finally:
            sink.kill()
