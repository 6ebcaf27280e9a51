"""What the file of a stopped box holds, read behind its back."""

from collections import Counter
from pathlib import Path
from typing import Any

from scriptrun_box.kernel.db import Reader, read_once


def packages(folder: Path) -> list[Any]:
    """Every package in the order of arrival."""
    return read_once(folder / "live" / "box.db", None, _packages)


def rx_counts(folder: Path) -> Counter[str]:
    """How many packages there are of each Rx number."""
    return Counter(row["rx_number"] for row in packages(folder))


def created_events(folder: Path) -> Counter[str]:
    """How many package.created events there are of each package."""
    return read_once(folder / "live" / "box.db", None, _created)


def event_bodies(folder: Path) -> dict[str, bytes]:
    """The exact bytes of every event, by its id."""
    return read_once(folder / "live" / "box.db", None, _bodies)


def attempts(folder: Path) -> list[Any]:
    """The log of webhooks: a row for each attempt."""
    return read_once(folder / "live" / "box.db", None, _attempts)


def deliveries(folder: Path) -> list[Any]:
    """What became of each event at each webhook."""
    return read_once(folder / "live" / "box.db", None, _deliveries)


def unplaced(folder: Path) -> int:
    """How many packages have no door yet; of a running box, too."""
    return read_once(folder / "live" / "box.db", None, _unplaced)


def unfolded_bytes(folder: Path) -> int:
    """What of the write-ahead log is not folded into the file."""
    log = folder / "live" / "box.db-wal"
    return log.stat().st_size if log.exists() else 0


def _packages(r: Reader) -> list[Any]:
    return r.all("SELECT * FROM packages ORDER BY seq")


def _unplaced(r: Reader) -> int:
    count: int = r.value("SELECT count(*) FROM packages WHERE door IS NULL")
    return count


def _created(r: Reader) -> Counter[str]:
    rows = r.all("SELECT subject_id FROM events WHERE event = 'package.created'")
    return Counter(row["subject_id"] for row in rows)


def _bodies(r: Reader) -> dict[str, bytes]:
    return {row["id"]: row["body"] for row in r.all("SELECT id, body FROM events")}


def _attempts(r: Reader) -> list[Any]:
    return r.all("SELECT endpoint_id, event_id, outcome, error_class FROM webhook_logs")


def _deliveries(r: Reader) -> list[Any]:
    return r.all("SELECT endpoint_id, state FROM webhook_deliveries")
