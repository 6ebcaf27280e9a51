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
from pathlib import Path
from typing import Any

from scriptrun_box.kernel import migrate
from scriptrun_box.kernel.connection import connect, connect_writer
from scriptrun_box.packages import words
from scriptrun_box.packages.model import content_of

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


def _rows(source: Any, table: str, orders: int) -> tuple[str, list[Any]]:
    """The statement that writes a table's rows, and the rows, oldest first."""
    cursor = source.execute(f"SELECT * FROM {table} ORDER BY seq LIMIT ?", (orders,))
    columns = [each[0] for each in cursor.description]
    marks = ", ".join("?" * len(columns))
    statement = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"
    return statement, cursor.fetchall()


def _groups(rows: list[Any]) -> Iterator[Rows]:
    """The rows in groups of a commit."""
    for start in range(0, len(rows), ORDERS_A_COMMIT):
        yield [tuple(row) for row in rows[start : start + ORDERS_A_COMMIT]]


def _measure(source: Path, target: Path, orders: int) -> Result:
    """Read everything, make the empty file, then write with the clock running."""
    box = connect(source, read_only=True)
    into_packages, packages = _rows(box, "packages", orders)
    into_events, events = _rows(box, "events", orders)
    box.close()
    # The index keeps no text to copy: its words are made again from the package, as the box does.
    search = [(row["seq"], words.index_words(content_of(row))) for row in packages]
    commits = list(zip(_groups(packages), _groups(events), _groups(search), strict=True))
    file = connect_writer(target)
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
