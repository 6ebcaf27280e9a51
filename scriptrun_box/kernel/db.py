"""The one file: a writing connection with group commit, and reading ones.

An action is a synchronous function `def act(w: Writer, …)`, a query is `def find(r: Reader, …)`.
`await db.write(act, …)` runs it on the writer's thread and returns after its commit is on disk;
writes that wait share one commit. `await db.read(find, …)` runs on a reader.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import aiosqlite

from . import clock
from .connection import (
    BUSY_TIMEOUT_MS,
    PRIMARY,
    SQLITE_BUSY,
    SQLITE_FULL,
    code_of,
    connect,
    connect_writer,
    is_fatal,
    is_storage,
)
from .errors import DiskFull, Unavailable

P = ParamSpec("P")
T = TypeVar("T")

GROUP_MAX = 128  # writes that may share one commit
READERS = 2
INSERT_SIZES = (50, 10, 1)  # rows a statement: few texts to prepare, few statements to run


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

    def insert(self, into: str, rows: Sequence[Sequence[Any]]) -> None:
        """Insert rows, each with a value for every column of `into`: "table (column, …)".

        Many rows go in one statement: it runs without the interpreter's lock, so that the event
        loop works on meanwhile, where a statement a row would hand the lock over each time.
        """
        if not rows:
            return
        row = f"({', '.join('?' * len(rows[0]))})"
        at = 0
        for size in INSERT_SIZES:
            sql = f"INSERT INTO {into} VALUES {', '.join([row] * size)}"  # noqa: S608
            while len(rows) - at >= size:
                values = [value for each in rows[at : at + size] for value in each]
                self.connection.execute(sql, values)
                at += size

    def before_commit(self, hook: "Callable[[Writer, list[Any]], None]", item: Any) -> None:
        """Collect `item` for one call of `hook` per commit: work that is cheaper done together."""
        self.hooks.setdefault(hook, []).append(item)

    def after_commit(self, signal: Signal) -> None:
        """Tell the listeners of the process, once this is on disk."""
        self.signals.append(signal)


Action = Callable[Concatenate[Writer, P], T]
Query = Callable[Concatenate[Reader, P], T]


@dataclass(slots=True)
class _Waiting:
    """A write in the queue: what to run, and whom to answer."""

    action: Callable[[Writer], Any]
    future: "asyncio.Future[Any]"
    result: Any = None
    error: BaseException | None = None


class _ActionFailed(Exception):
    """An action raised within its group's transaction."""

    def __init__(self, waiting: _Waiting, error: BaseException) -> None:
        super().__init__()
        self.waiting = waiting
        self.error = error


class Database:
    """The open file. Make it with `await Database.open(…)`, end it with `await db.close()`."""

    def __init__(self, path: Path, key: bytes | None) -> None:
        self.path = path
        self.key = key
        self.commits = 0
        self.epoch = 0  # how often another process was seen to have changed the file
        self.fatal: Callable[[BaseException], None] = lambda error: None
        self._loop = asyncio.get_running_loop()
        self._queue: deque[_Waiting] = deque()
        self._draining = False
        self._version: int | None = None
        self._listeners: list[Callable[[list[Signal]], None]] = []
        self._readers: asyncio.LifoQueue[aiosqlite.Connection] = asyncio.LifoQueue()
        self._writer = aiosqlite.Connection(lambda: connect_writer(path, key), 64)
        self._peek: Any = None

    @classmethod
    async def open(cls, path: Path, key: bytes | None = None) -> "Database":
        """Open an existing, migrated file for serving."""
        db = cls(path, key)
        await db._writer
        for _ in range(READERS):
            reader = await aiosqlite.Connection(lambda: connect(path, key, read_only=True), 64)
            db._readers.put_nowait(reader)
        db._peek = connect(path, key, read_only=True)
        return db

    async def close(self) -> None:
        """Finish what waits, fold the log back into the file, end the threads."""
        while self._queue or self._draining:
            await asyncio.sleep(0.005)
        for _ in range(READERS):
            await (await self._readers.get()).close()
        self._peek.close()
        await self.checkpoint()
        await self._writer.close()

    def listen(self, listener: Callable[[list[Signal]], None]) -> None:
        """Call `listener` on the event loop with the signals of every commit."""
        self._listeners.append(listener)

    async def write(self, action: "Action[P, T]", /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `action` in a transaction; return its result once the commit is on disk."""
        waiting = _Waiting(lambda w: action(w, *args, **kwargs), self._loop.create_future())
        self._queue.append(waiting)
        if not self._draining:
            self._draining = True
            self._hand_over(self._drain)
        result: T = await waiting.future
        return result

    async def read(self, query: "Query[P, T]", /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `query` on a reader, in one snapshot of the file."""
        reader = await self._readers.get()
        try:
            return await self._run(reader, lambda: _in_snapshot(reader, query, *args, **kwargs))
        finally:
            self._readers.put_nowait(reader)

    def peek(self, query: "Query[P, T]", /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `query` right here on the event loop: for look-ups by primary key, nothing else.

        Keys and sessions are read this way for each request, so that revoking one is immediate
        whichever process revoked it, and nothing is cached that could be stale.
        """
        return query(Reader(self._peek), *args, **kwargs)

    async def checkpoint(self) -> None:
        """Fold the write-ahead log into the file, on the writer like every checkpoint."""
        await self._run(self._writer, lambda: _checkpoint(self._connection()))

    # The calls into aiosqlite's internals stand in these three methods and nowhere else.

    def _connection(self) -> Any:
        return self._writer._conn

    def _hand_over(self, work: Callable[[], None]) -> None:
        self._writer._tx.put_nowait((None, work))

    async def _run(self, connection: aiosqlite.Connection, work: Callable[[], T]) -> T:
        result: T = await connection._execute(work)  # type: ignore[no-untyped-call]
        return result

    # On the writer's thread --------------------------------------------------------------------

    def _drain(self) -> None:
        group: list[_Waiting] = []
        while self._queue and len(group) < GROUP_MAX:
            group.append(self._queue.popleft())
        try:
            signals = self._commit(group)
        except BaseException as error:
            signals = []
            refused = _as_refusal(error)
            for waiting in group:
                waiting.error = refused
            if is_fatal(error):
                self._loop.call_soon_threadsafe(self.fatal, error)
        self._loop.call_soon_threadsafe(self._answer, group, signals)

    def _commit(self, group: list[_Waiting]) -> list[Signal]:
        """All actions of a group in one transaction; each in a savepoint only if one fails."""
        try:
            return self._attempt(group, self._act)
        except _ActionFailed as failed:
            if len(group) == 1:
                failed.waiting.error = failed.error
                return []
            return self._attempt(group, self._act_alone)

    def _attempt(
        self, group: list[_Waiting], act: Callable[[Writer, _Waiting], None]
    ) -> list[Signal]:
        connection = self._connection()
        connection.execute("BEGIN IMMEDIATE")
        try:
            self._notice_others(connection)
            signals: list[Signal] = []
            closing = Writer(connection, self.epoch)
            for waiting in group:
                writer = Writer(connection, self.epoch)
                act(writer, waiting)
                signals += writer.signals
                for hook, items in writer.hooks.items():
                    closing.hooks.setdefault(hook, []).extend(items)
            for hook, items in closing.hooks.items():
                hook(closing, items)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        self.commits += 1
        return signals

    def _act(self, writer: Writer, waiting: _Waiting) -> None:
        """One action as part of the whole: its failure undoes the group, which is tried again."""
        try:
            waiting.result = waiting.action(writer)
        except BaseException as error:
            if is_storage(error):
                raise
            raise _ActionFailed(waiting, error) from error

    def _act_alone(self, writer: Writer, waiting: _Waiting) -> None:
        """One action in a savepoint: its failure is its own, the others still commit."""
        connection = writer.connection
        connection.execute("SAVEPOINT action")
        try:
            waiting.result = waiting.action(writer)
        except BaseException as error:
            if is_storage(error) or not connection.in_transaction:
                raise  # SQLite may have rolled everything back: full disk, I/O error
            connection.execute("ROLLBACK TO action")
            waiting.error = error
            writer.signals, writer.hooks = [], {}
        connection.execute("RELEASE action")

    def _notice_others(self, connection: Any) -> None:
        """SQLite's data version moves for the writer only when another process has committed."""
        version = connection.execute("PRAGMA data_version").fetchone()[0]
        if version != self._version:
            self._version = version
            self.epoch += 1

    # Back on the event loop ----------------------------------------------------------------------

    def _answer(self, group: list[_Waiting], signals: list[Signal]) -> None:
        if self._queue:
            self._hand_over(self._drain)
        else:
            self._draining = False
        for waiting in group:
            if waiting.future.done():  # its caller was cancelled; the write stands
                continue
            if waiting.error is None:
                waiting.future.set_result(waiting.result)
            else:
                waiting.future.set_exception(waiting.error)
        if signals:
            for listener in self._listeners:
                listener(signals)


def run_once(path: Path, key: bytes | None, action: Callable[..., T], *args: Any) -> T:
    """Run one action from a short-lived process beside the server: same code, no checkpoint."""
    connection = connect_writer(path, key)
    try:
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute("BEGIN IMMEDIATE")
        try:
            writer = Writer(connection)
            result = action(writer, *args)
            for hook, items in writer.hooks.items():
                hook(writer, items)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        return result
    finally:
        connection.close()


def read_once(path: Path, key: bytes | None, query: Callable[..., T], *args: Any) -> T:
    """Run one query from a short-lived process."""
    connection = connect(path, key, read_only=True)
    try:
        return query(Reader(connection), *args)
    finally:
        connection.close()


def _in_snapshot(reader: aiosqlite.Connection, query: Any, /, *args: Any, **kwargs: Any) -> Any:
    connection = reader._conn
    connection.execute("BEGIN")
    try:
        return query(Reader(connection), *args, **kwargs)
    finally:
        connection.execute("COMMIT")


def _checkpoint(connection: Any) -> None:
    # A long read of another process may hold it up: then it is for the next time, not worth a wait.
    connection.execute("PRAGMA busy_timeout = 0")
    try:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")


def _as_refusal(error: BaseException) -> BaseException:
    code = code_of(error) & PRIMARY
    if code == SQLITE_FULL:
        return DiskFull()
    if code == SQLITE_BUSY:
        return Unavailable(headers={"Retry-After": "1"})
    return error
