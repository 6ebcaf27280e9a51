"""The boxes and the load of the faults: limits out of the way, orders pushed by many callers."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scriptrun_box.kernel import copies
from tests.live import stored
from tests.live.server import PATIENCE_SECONDS, Box

PLENTY = {
    "LIMITS__INGEST_PER_MINUTE": "1000000",
    "LIMITS__ORDERS_PER_HOUR": "1000000",
    "LIMITS__WRITES_PER_MINUTE": "1000000",
    "LIMITS__READS_PER_MINUTE": "1000000",
}
PLAN = ("--plan", "enterprise")


@contextmanager
def ready(folder: Path, kind: type[Box] = Box, **env: str) -> Iterator[tuple[Box, str]]:
    """A box that is set up but not started, and a key of it; it ends for sure."""
    made = kind(folder, {**PLENTY, **env})
    key = made.init(*PLAN)
    try:
        yield made, key
    finally:
        made.end()


@contextmanager
def loaded(folder: Path, kind: type[Box] = Box, **env: str) -> Iterator[tuple[Box, str]]:
    """The same box, answering."""
    with ready(folder, kind, **env) as (box, key):
        box.start()
        yield box, key


def ended(box: Box, seconds: float = PATIENCE_SECONDS) -> int:
    """The exit status of a server that ends by itself."""
    assert box.process is not None
    return box.process.wait(timeout=seconds)


def memory_mb(box: Box) -> float:
    """What the server holds in memory."""
    assert box.process is not None
    for line in Path(f"/proc/{box.process.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise AssertionError("the server is gone")


def lost(folder: Path, acknowledged: set[str]) -> int:
    """How many acknowledged packages a stopped box does not hold."""
    return len(acknowledged - {row["id"] for row in stored.packages(folder)})


def is_whole(folder: Path) -> bool:
    """Whether every check of `verify` passes on the live file."""
    return all(check.ok for check in copies.verify_file(folder / "live" / "box.db", None))
