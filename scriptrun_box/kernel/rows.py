"""What actions and queries get to work with: a reader, a writer, and the signals of a commit."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from . import clock

INSERT_SIZES = (64, 32, 16, 8, 4, 2, 1)  # rows a statement: few to prepare, few to run


@dataclass(frozen=True, slots=True)
class Signal:
    """What a committed action tells the rest of the process: topic, whose, and which ids."""

    topic: str
    tenant_id: str = ""
    test: bool = False
    ids: tuple[str, ...] = ()


class Reader:
    """What a query gets: rows by SQL."""

    __slots__ = ("connection",)

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    def one(self, sql: str, values: Sequence[Any] | dict[str, Any] = ()) -> Any:
        """The first row, or None."""
        return self.connection.execute(sql, values).fetchone()

    def all(self, sql: str, values: Sequence[Any] | dict[str, Any] = ()) -> list[Any]:
        """Every row."""
        rows: list[Any] = self.connection.execute(sql, values).fetchall()
        return rows

    def value(self, sql: str, values: Sequence[Any] | dict[str, Any] = ()) -> Any:
        """The first column of the first row, or None."""
        row = self.connection.execute(sql, values).fetchone()
        return None if row is None else row[0]


class Writer(Reader):
    """What an action gets: it reads, writes, and says what happens around its commit."""

    __slots__ = ("epoch", "hooks", "now", "signals")

    def __init__(self, connection: Any, epoch: int = 0) -> None:
        super().__init__(connection)
        self.now = clock.now_ms()
        self.epoch = epoch
        self.signals: list[Signal] = []
        self.hooks: dict[Callable[[Writer, list[Any]], None], list[Any]] = {}

    def run(self, sql: str, values: Sequence[Any] | dict[str, Any] = ()) -> int:
        """Run one statement; how many rows it changed."""
        changed: int = self.connection.execute(sql, values).rowcount
        return changed

    def many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run one statement for each row of values."""
        self.connection.executemany(sql, rows)

    def insert(self, into: str, rows: Sequence[Sequence[Any]], upsert: str = "") -> None:
        """Insert rows, each with a value for every column of `into`: "table (column, …)".

        `upsert` is what follows them: "ON CONFLICT …", where a row may be there already.
        Many rows go in one statement: it runs without the interpreter's lock, so that the event
        loop works on meanwhile, where a statement a row would hand the lock over each time.
        """
        at = 0
        for size in INSERT_SIZES:
            while len(rows) - at >= size:
                values = [value for each in rows[at : at + size] for value in each]
                self.connection.execute(_insertion(into, len(rows[0]), size, upsert), values)
                at += size

    @contextmanager
    def leaving_no_trace(self) -> Iterator[None]:
        """What is overwritten or deleted meanwhile leaves no bytes in the pages it was on."""
        self.value("PRAGMA secure_delete = ON")
        try:
            yield
        finally:
            self.value("PRAGMA secure_delete = FAST")

    def give_back_pages(self, count: int) -> bool:
        """Give so many free pages back to the disk, with what was on them; whether more wait."""
        before = self.value("PRAGMA freelist_count")
        self.all(f"PRAGMA incremental_vacuum({count:d})")
        return bool(0 < self.value("PRAGMA freelist_count") < before)

    def before_commit(self, hook: "Callable[[Writer, list[Any]], None]", item: Any) -> None:
        """Collect `item` for one call of `hook` per commit: work that is cheaper done together."""
        self.hooks.setdefault(hook, []).append(item)

    def after_commit(self, signal: Signal) -> None:
        """Tell the listeners of the process, once this is on disk."""
        self.signals.append(signal)


@lru_cache(maxsize=256)
def _insertion(into: str, columns: int, rows: int, upsert: str) -> str:
    row = f"({', '.join('?' * columns)})"
    return f"INSERT INTO {into} VALUES {', '.join([row] * rows)} {upsert}"  # noqa: S608
