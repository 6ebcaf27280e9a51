"""Callers that send order after order until nothing answers any more; what was answered."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx

from .server import PATIENCE_SECONDS, Box, batch

CALLERS = 4


class Load:
    """Callers that send order after order until nothing answers any more; what was answered."""

    def __init__(self, box: Box, key: str, pause_seconds: float = 0.0) -> None:
        self._box, self._key = box, key
        self._pause = pause_seconds
        self._stopping = threading.Event()
        self.accepted: list[str] = []
        self.answers: set[int] = set()

    def run(self, caller: int) -> None:
        number = 0
        with self._box.client(self._key) as client:
            while not self._stopping.is_set():
                number += 1
                body = batch({"rx_number": f"RX-{caller}-{number}"})
                try:
                    answer = client.post("/api/webhook/orders", json=body)
                except httpx.TransportError:
                    if self._box.process and self._box.process.poll() is not None:
                        return
                    continue
                self.answers.add(answer.status_code)
                if answer.status_code == 200:
                    self.accepted += answer.json()["package_ids"]
                time.sleep(self._pause)

    @contextmanager
    def going_on(self) -> Iterator["Load"]:
        with ThreadPoolExecutor(CALLERS) as pool:
            running = [pool.submit(self.run, caller) for caller in range(CALLERS)]
            try:
                self.wait_for(20)
                yield self
            finally:
                self._stopping.set()
        for each in running:
            each.result()

    def wait_for(self, more: int) -> None:
        """Until so many more orders were accepted."""
        wanted, deadline = len(self.accepted) + more, time.monotonic() + PATIENCE_SECONDS
        while len(self.accepted) < wanted:
            assert time.monotonic() < deadline, self.answers
            time.sleep(0.01)
