"""What the box and its peer have in common: they serve and take orders, and rows are counted."""

import subprocess
from abc import ABC, abstractmethod
from contextlib import AbstractContextManager

from benchmarks import load
from benchmarks.children import free_port
from benchmarks.load import Job, Result


class RowsWrong(Exception):
    """On disk are more or fewer rows than were acknowledged."""


class Competitor(ABC):
    """A data folder that is served again and again, each time on the same port."""

    def __init__(self) -> None:
        self.port = free_port()
        self.acknowledged = 0
        self.start_seconds = 0.0  # from the process to the first 200, of the latest start

    @abstractmethod
    def serving(self) -> AbstractContextManager["subprocess.Popen[bytes]"]:
        """Serve until the block ends; it begins with the first 200."""

    @abstractmethod
    def job(self, size: int, connections: int, seconds: float) -> Job:
        """Orders for a while, `size` a request."""

    @abstractmethod
    def on_disk(self) -> int:
        """How many packages its file holds."""

    def load(self, size: int, connections: int, seconds: float) -> Result:
        """Push orders for a while."""
        job = self.job(size, connections, seconds)
        return self.finish(load.start(job), job)

    def finish(self, generator: "subprocess.Popen[bytes]", job: Job) -> Result:
        """Wait for a generator that was started apart."""
        result = load.finish(generator, job)
        self.acknowledged += result.orders
        return result

    def check_rows(self) -> None:
        """Fail the run unless there is one row for each order acknowledged."""
        rows = self.on_disk()
        if rows != self.acknowledged:
            raise RowsWrong(f"{self.acknowledged} orders were acknowledged, {rows} are on disk")
