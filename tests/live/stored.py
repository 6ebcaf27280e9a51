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


def unfolded_bytes(folder: Path) -> int:
    """What of the write-ahead log is not folded into the file."""
    log = folder / "live" / "box.db-wal"
    return log.stat().st_size if log.exists() else 0


def _packages(r: Reader) -> list[Any]:
    return r.all("SELECT * FROM packages ORDER BY seq")


def _created(r: Reader) -> Counter[str]:
    rows = r.all("SELECT subject_id FROM events WHERE event = 'package.created'")
    return Counter(row["subject_id"] for row in rows)
