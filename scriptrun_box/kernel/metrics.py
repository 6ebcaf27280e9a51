"""What the box counts for Prometheus; no label ever holds an id or a patient's data."""

from functools import lru_cache

from prometheus_client import CollectorRegistry, Gauge, Histogram, generate_latest
from prometheus_client.process_collector import ProcessCollector

REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)
SECONDS = Histogram(
    "scriptrun_request_seconds",
    "Answered requests by the path as the URL table writes it, and their time",
    ["path", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5),
    registry=REGISTRY,
)
COMMITS = Gauge("scriptrun_commits", "Commits on disk since start", registry=REGISTRY)
COPY_STALE = Gauge(
    "scriptrun_copy_stale_seconds",
    "Age of the oldest change that is not in the published copy",
    registry=REGISTRY,
)
DISK_FREE = Gauge("scriptrun_disk_free_mb", "Megabytes the box may still write", registry=REGISTRY)


def observe(path: str, status: int, seconds: float) -> None:
    """Count one answered request."""
    _seconds(path, status).observe(seconds)


def text() -> bytes:
    """Everything as Prometheus reads it."""
    return generate_latest(REGISTRY)


@lru_cache(maxsize=4096)
def _seconds(path: str, status: int) -> Histogram:
    return SECONDS.labels(path, str(status))
