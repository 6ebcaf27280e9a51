"""The load generator: a process of its own that keeps some connections busy and counts 200s.

Run as `python -m benchmarks.load`; the job comes as JSON on stdin, the result goes to stdout.
"""

import json
import select
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field

from benchmarks.orders import Order, compact, order

ANSWER_TIMEOUT_SECONDS = 10
MOST_OF_AN_ANSWER = 10_000  # characters kept of the first one
MOST_BYTES = 256 * 1024 * 1024  # of requests at hand; a load that used them up ends early
READ_BYTES = 65_536  # above glibc's 128 KiB every receive would map and unmap memory


@dataclass(frozen=True)
class Job:
    """What to send: `shape` names one of BODIES, `first` is the number of the first order."""

    port: int
    path: str
    headers: dict[str, str]
    shape: str
    size: int  # orders a request
    first: int
    connections: int
    seconds: float
    max_requests: int
    extra: Order = field(default_factory=dict)  # what each order also carries
    item_path: str = ""  # where a batch says each of its records goes


@dataclass(frozen=True)
class Result:
    """What came of it; times are `time.monotonic()` seconds, so processes can compare them."""

    requests: int
    orders: int
    started: float
    ended: float
    p50_ms: float
    p99_ms: float
    first_answer: str

    @property
    def seconds(self) -> float:
        return self.ended - self.started

    @property
    def requests_per_second(self) -> float:
        return self.requests / self.seconds

    @property
    def orders_per_second(self) -> float:
        return self.orders / self.seconds


class LoadFailed(Exception):
    """A request was not answered with 200."""


def start(job: Job) -> "subprocess.Popen[bytes]":
    """Start the generator in its own process; the caller ends it with `finish`."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.load"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin is not None
    process.stdin.write(json.dumps(asdict(job)).encode())
    process.stdin.close()
    process.stdin = None
    return process


def finish(process: "subprocess.Popen[bytes]", job: Job) -> Result:
    """Wait for the generator's result, never longer than the job can take."""
    try:
        out, _ = process.communicate(timeout=job.seconds + 3 * ANSWER_TIMEOUT_SECONDS)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    if process.returncode != 0:
        raise LoadFailed(f"the load generator stopped with status {process.returncode}")
    return Result(**json.loads(out))


def alongside(process: "subprocess.Popen[bytes]", job: Job, every: float) -> Iterator[None]:
    """Tick every so many seconds while the generator runs."""
    deadline = time.monotonic() + job.seconds + 2 * ANSWER_TIMEOUT_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        yield
        time.sleep(every)


# -- inside the process ---------------------------------------------------------------------


def _ours(job: Job, batch: list[Order]) -> object:
    return {"orders": batch}


def _record(job: Job, batch: list[Order]) -> object:
    return batch[0]


def _record_batch(job: Job, batch: list[Order]) -> object:
    return {"requests": [{"method": "POST", "url": job.item_path, "body": o} for o in batch]}


BODIES = {"orders": _ours, "record": _record, "record batch": _record_batch}


def _requests(job: Job) -> list[bytes]:
    """Every request as it goes over the wire, written before the clock starts."""
    head = f"POST {job.path} HTTP/1.1\r\nHost: 127.0.0.1:{job.port}\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in job.headers.items())
    head += "Content-Type: application/json\r\nContent-Length: "
    opening = head.encode()
    body_of = BODIES[job.shape]
    requests: list[bytes] = []
    size = 0
    for number in range(job.first, job.first + job.max_requests * job.size, job.size):
        if size > MOST_BYTES:
            break
        batch = [order(each) | job.extra for each in range(number, number + job.size)]
        body = compact(body_of(job, batch))
        requests.append(opening + b"%d\r\n\r\n" % len(body) + body)
        size += len(requests[-1])
    return requests


def _connect(port: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=ANSWER_TIMEOUT_SECONDS)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    # Timeouts in the kernel: Python's own would cost a system call for every send and receive.
    connection.settimeout(None)
    timeout = struct.pack("ll", ANSWER_TIMEOUT_SECONDS, 0)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, timeout)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, timeout)
    return connection


def is_whole(answer: bytes) -> bool:
    """Whether the answer has arrived to its last byte."""
    end = answer.find(b"\r\n\r\n")
    if end < 0:
        return False
    head = answer[:end].lower()
    at = head.find(b"content-length:")
    if at >= 0:
        stop = head.find(b"\r\n", at)
        length = int(head[at + 15 : stop if stop >= 0 else end])
        return len(answer) >= end + 4 + length
    if b"transfer-encoding: chunked" in head:
        return answer.endswith(b"0\r\n\r\n")
    raise LoadFailed("an answer has neither a length nor chunks")


class _Lane:
    """One kept-alive connection with at most one request under way."""

    def __init__(self, port: int) -> None:
        self.socket = _connect(port)
        self.sent_at = 0.0
        self.partial = b""

    def send(self, request: bytes, moment: float) -> None:
        self.sent_at = moment
        self.socket.sendall(request)

    def receive(self) -> bytes | None:
        """The answer once it is whole; fails the run on anything but a 200."""
        piece = self.socket.recv(READ_BYTES)
        if not piece:
            raise LoadFailed("the server closed a connection")
        answer = self.partial + piece
        if not is_whole(answer):
            self.partial = answer
            return None
        self.partial = b""
        if answer[9:12] != b"200":
            raise LoadFailed(f"not a 200: {answer[:600]!r}")
        return answer


def _drive(job: Job) -> Result:
    """Keep every connection busy until the time or the requests are used up."""
    requests = iter(_requests(job))
    lanes = [_Lane(job.port) for _ in range(job.connections)]
    by_descriptor = {lane.socket.fileno(): lane for lane in lanes}
    poll = select.epoll()
    for descriptor in by_descriptor:
        poll.register(descriptor, select.EPOLLIN)
    latencies: list[float] = []
    first_answer = b""
    now = time.monotonic
    started = now()
    deadline = started + job.seconds
    for lane in lanes:
        lane.send(next(requests), now())
    busy = len(lanes)
    while busy:
        ready = poll.poll(ANSWER_TIMEOUT_SECONDS)
        if not ready:
            raise LoadFailed(f"no answer for {ANSWER_TIMEOUT_SECONDS} s")
        for descriptor, _ in ready:
            lane = by_descriptor[descriptor]
            answer = lane.receive()
            if answer is None:
                continue
            moment = now()
            latencies.append(moment - lane.sent_at)
            first_answer = first_answer or answer
            request = next(requests, None) if moment < deadline else None
            if request is None:
                busy -= 1
            else:
                lane.send(request, moment)
    return _result(job, latencies, started, now(), first_answer)


def _result(
    job: Job, latencies: list[float], started: float, ended: float, answer: bytes
) -> Result:
    latencies.sort()
    return Result(
        requests=len(latencies),
        orders=len(latencies) * job.size,
        started=started,
        ended=ended,
        p50_ms=latencies[len(latencies) // 2] * 1000,
        p99_ms=latencies[int(len(latencies) * 0.99)] * 1000,
        first_answer=answer.split(b"\r\n\r\n", 1)[1][:MOST_OF_AN_ANSWER].decode(errors="replace"),
    )


if __name__ == "__main__":
    print(json.dumps(asdict(_drive(Job(**json.loads(sys.stdin.read()))))))
