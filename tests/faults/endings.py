"""R13: SIGTERM under load; what was under way is answered and everything is in one file."""

import socket
import time
from pathlib import Path

import httpx

from tests.live import stored
from tests.live.load import Load
from tests.live.server import PATIENCE_SECONDS, Box, batch
from tests.live.test_end import half_a_request

from .figures import Figure, all_of, at_most, none_of
from .load import ended, loaded, lost

EXIT_SECONDS = 10.0
REST_AFTER_SECONDS = 0.3  # the second half of a request comes after the signal


def run(work: Path, count: int) -> list[Figure]:
    """Stop a box under load so many times."""
    waits, answered, good, missing, folded = [], 0, 0, 0, 0
    with loaded(work / "end") as (box, key):
        accepted: set[str] = set()
        for _ in range(count):
            with Load(box, key).going_on() as load:
                seconds, status, answer = _stop(box, key)
            waits.append(seconds)
            answered += answer.startswith(b"HTTP/1.1 200 ")
            good += status == 0 and load.answers <= {200, 503}
            accepted |= set(load.accepted)
            folded += stored.unfolded_bytes(box.folder) == 0
            box.start()
        box.stop()
        missing = lost(box.folder, accepted)
    ran = f"{count} times under load, one half-sent body each"
    return [
        at_most("R13", "SIGTERM → gone, worst", max(waits), EXIT_SECONDS, "s", ran),
        all_of("R13", "a request under way is answered with 200", answered, count, ran),
        all_of("R13", "exit status 0, callers saw only 200 and 503", good, count, ran),
        all_of("R13", "the log is folded into the file", folded, count, ran),
        none_of("R13", "acknowledged orders lost by a stop", missing, ran),
    ]


def _stop(box: Box, key: str) -> tuple[float, int, bytes]:
    body = httpx.Request("POST", "http://x", json=batch()).read()
    in_flight: socket.socket
    in_flight, never = (half_a_request(box, key, body) for _ in range(2))
    with in_flight, never:
        time.sleep(REST_AFTER_SECONDS)
        assert box.process is not None
        box.process.terminate()
        began = time.monotonic()
        time.sleep(REST_AFTER_SECONDS)
        in_flight.sendall(body[len(body) // 2 :])
        in_flight.settimeout(PATIENCE_SECONDS)
        answer = in_flight.recv(65536)
        status = ended(box)
        return time.monotonic() - began, status, answer
