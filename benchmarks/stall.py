"""How long the box keeps others waiting while batches arrive at full rate."""

import json
import socket
import time
from pathlib import Path

from benchmarks.children import ChildFailed
from benchmarks.load import Result, alongside, is_whole, start
from benchmarks.ours import Box
from benchmarks.plan import BATCH_CONNECTIONS, BATCH_ORDERS, Plan
from benchmarks.report import Figure, Outcome

KNOCK_EVERY_SECONDS = 0.005
ANSWER_TIMEOUT_SECONDS = 10
ANSWER_BYTES = 65_536

Moments = list[tuple[float, float]]  # (monotonic seconds, milliseconds of waiting)


def measure(folder: Path, plan: Plan) -> Outcome:
    """One load from nothing, with a probe inside the process and a client knocking from outside."""
    box = Box(folder / "stall")
    probe_file = folder / "stall.json"
    with box.serving(probe_file=probe_file):
        job = box.job(BATCH_ORDERS, BATCH_CONNECTIONS, plan.load_seconds)
        generator = start(job)
        with _Knocker(box.port) as knocker:
            knocks = [knocker.knock() for _ in alongside(generator, job, KNOCK_EVERY_SECONDS)]
        result = box.finish(generator, job)
    box.check_rows()
    inside = _during(result, [(at, late) for at, late in json.loads(probe_file.read_text())])
    outside = _during(result, knocks)
    rate = f"{result.orders_per_second:,.0f} orders/s"
    return Outcome(
        [
            Figure(
                "longest event-loop stall at full batch rate", inside[-1], 50, 10, " ms", digits=1
            )
        ],
        [
            (f"stalls inside, at {rate}", _words(inside)),
            ("`/healthz` asked every 5 ms meanwhile", _words(outside)),
        ],
    )


class _Knocker:
    """One kept-alive connection that asks whether the box is alive."""

    def __init__(self, port: int) -> None:
        self.request = f"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()
        self.socket = socket.create_connection(("127.0.0.1", port), ANSWER_TIMEOUT_SECONDS)

    def __enter__(self) -> "_Knocker":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def knock(self) -> tuple[float, float]:
        """When the answer came, and after how many ms."""
        before = time.monotonic()
        self.socket.sendall(self.request)
        answer = b""
        while not is_whole(answer):
            answer += self.socket.recv(ANSWER_BYTES) or _gone()
        if answer[9:12] != b"200":
            raise ChildFailed(f"/healthz under load: {answer[:200]!r}")
        now = time.monotonic()
        return now, (now - before) * 1000


def _gone() -> bytes:
    raise ChildFailed("the server closed the connection that asks for /healthz")


def _during(load: Result, moments: Moments) -> list[float]:
    """The waits between a load's first request and its last answer, in order of length."""
    return sorted(wait for at, wait in moments if load.started <= at <= load.ended)


def _words(waits: list[float]) -> str:
    p50, p99 = waits[len(waits) // 2], waits[int(len(waits) * 0.99)]
    return f"{len(waits)} of them, p50 {p50:.1f} ms, p99 {p99:.1f} ms, longest {waits[-1]:.1f} ms"
