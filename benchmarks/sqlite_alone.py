"""The yardstick: SQLite writing the very rows the box wrote, 100 orders a commit, nothing else.

Run as `python -m benchmarks.sqlite_alone SOURCE TARGET ORDERS`: SOURCE is a file the box filled,
TARGET one to be made.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from scriptrun_box.kernel import db, migrate

ORDERS_A_COMMIT = 100
TIMEOUT_SECONDS = 180
INSERT_SEARCH = "INSERT INTO package_search (rowid, words) VALUES (?, ?)"

Rows = list[tuple[Any, ...]]


@dataclass(frozen=True)
class Result:
    """How many orders' rows were written, and how long their commits took in all."""

    orders: int
    seconds: float

    @property
    def orders_per_second(self) -> float:
        return self.orders / self.seconds


def run(source: Path, target: Path, orders: int) -> Result:
    """Measure in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.sqlite_alone", str(source), str(target)]
    done = subprocess.run(
        [*command, str(orders)], stdout=subprocess.PIPE, timeout=TIMEOUT_SECONDS, check=True
    )
    return Result(**json.loads(done.stdout))


# -- inside the process ---------------------------------------------------------------------


def _read(source: Any, table: str, orders: int) -> tuple[str, Rows]:
    """The statement that writes a table's rows, and the rows, oldest first."""
    cursor = source.execute(f"SELECT * FROM {table} ORDER BY seq LIMIT ?", (orders,))
    columns = [each[0] for each in cursor.description]
    marks = ", ".join("?" * len(columns))
    statement = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"
    return statement, [tuple(row) for row in cursor]


def _commits(rows: Rows) -> Iterator[Rows]:
    remaining = iter(rows)
    while group := list(islice(remaining, ORDERS_A_COMMIT)):
        yield group


def _measure(source: Path, target: Path, orders: int) -> Result:
    """Read everything, make the empty file, then write with the clock running."""
    box = db.connect(source, read_only=True)
    into_packages, packages = _read(box, "packages", orders)
    into_events, events = _read(box, "events", orders)
    box.close()
    search: Rows = []
    commits = list(zip(_commits(packages), _commits(events), _commits(search), strict=True))
    file = db.connect_writer(target)
    migrate.migrate(file)
    started = time.perf_counter()
    for some_packages, some_events, some_search in commits:
        file.execute("BEGIN IMMEDIATE")
        file.executemany(into_packages, some_packages)
        file.executemany(into_events, some_events)
        file.executemany(INSERT_SEARCH, some_search)
        file.execute("COMMIT")
    seconds = time.perf_counter() - started
    file.close()
    return Result(len(packages), seconds)


if __name__ == "__main__":
    print(json.dumps(asdict(_measure(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])))))
