"""What the box counts for Prometheus; no label ever holds a patient's data."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.process_collector import ProcessCollector

REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)
REQUESTS = Counter(
    "scriptrun_requests_total", "Answered requests", ["path", "status"], registry=REGISTRY
)
SECONDS = Histogram(
    "scriptrun_request_seconds",
    "Time to answer",
    ["path"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5),
    registry=REGISTRY,
)
COMMITS = Gauge("scriptrun_commits", "Commits on disk since start", registry=REGISTRY)
COPY_AGE = Gauge("scriptrun_copy_age_seconds", "Age of the published copy", registry=REGISTRY)
BACKLOG = Gauge("scriptrun_webhook_backlog", "Events waiting to be sent", registry=REGISTRY)


def observe(path: str, status: int, seconds: float) -> None:
    """Count one answered request under the path as the URL table writes it."""
    REQUESTS.labels(path, str(status)).inc()
    SECONDS.labels(path).observe(seconds)


def text() -> bytes:
    """Everything as Prometheus reads it."""
    return generate_latest(REGISTRY)
