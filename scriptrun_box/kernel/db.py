"""The one file: a writing connection with group commit, and reading ones.

An action is a synchronous function `def act(w: Writer, …)`, a query is `def find(r: Reader, …)`.
`await db.write(act, …)` runs it on the writer's thread and returns after its commit is on disk;
writes that wait share one commit. `await db.read(find, …)` runs on a reader.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import aiosqlite

from . import cpus
from .connection import (
    PRIMARY,
    SQLITE_BUSY,
    SQLITE_FULL,
    begin_to_write,
    code_of,
    connect,
    connect_writer,
    is_fatal,
    is_storage,
)
from .errors import DiskFull, Unavailable
from .group import ActionFailed, Waiting, calls_of, run_call
from .log import log
from .rows import Reader, Signal, Writer

P = ParamSpec("P")
T = TypeVar("T")
Item = TypeVar("Item")

__all__ = ["Action", "Database", "Query", "Reader", "Signal", "Writer", "read_once", "run_once"]

GROUP_MAX = 128  # writes that may share one commit
READERS = 2


Action = Callable[Concatenate[Writer, P], T]
Query = Callable[Concatenate[Reader, P], T]


class Database:
    """The open file. Make it with `await Database.open(…)`, end it with `await db.close()`."""

    def __init__(self, path: Path, key: bytes | None) -> None:
        self.path = path
        self.key = key
        self.commits = 0
        self.epoch = 0  # how often another process was seen to have changed the file
        self.fatal: Callable[[BaseException], None] = lambda error: None
        self._loop = asyncio.get_running_loop()
        self._queue: deque[Waiting] = deque()
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
            reader = await aiosqlite.Connection(lambda: _connect_reader(path, key), 64)
            db._readers.put_nowait(reader)
        db._peek = connect(path, key, read_only=True)
        return db

    async def close(self) -> None:
        """Finish what waits, fold the log back into the file, end the threads."""
        while self._queue or self._draining:
            await asyncio.sleep(0.005)
        async with AsyncExitStack() as ending:  # a thread that is left would keep the process alive
            ending.push_async_callback(self._writer.close)
            ending.push_async_callback(self.checkpoint)
            ending.callback(self._peek.close)
            for _ in range(READERS):
                ending.push_async_callback((await self._readers.get()).close)

    def listen(self, listener: Callable[[list[Signal]], None]) -> None:
        """Call `listener` on the event loop with the signals of every commit."""
        self._listeners.append(listener)

    async def write(self, action: "Action[P, T]", /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `action` in a transaction; return its result once the commit is on disk."""
        future = self._loop.create_future()
        self._enqueue(Waiting(lambda w: action(w, *args, **kwargs), future))
        result: T = await future
        return result

    async def write_each(
        self, action: Callable[[Writer, list[Item]], Sequence[T | BaseException]], item: Item
    ) -> T:
        """As `write`, for an action over many items: all that wait for it share one call of it.

        Its outcomes, one an item, are what the callers get: a result, or an exception to raise.
        """
        future = self._loop.create_future()
        self._enqueue(Waiting(action, future, each=True, item=item))
        result: T = await future
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

    async def checkpoint(self) -> bool:
        """Fold the write-ahead log into the file, on the writer like every checkpoint.

        Whether all of it went in, and the log is empty: a long read may hold it up.
        """
        return await self._run(self._writer, lambda: _checkpoint(self._connection()))

    def _enqueue(self, waiting: Waiting) -> None:
        self._queue.append(waiting)
        if not self._draining:
            self._draining = True
            # At the end of the loop's turn: requests read in the same turn share the commit.
            self._loop.call_soon(self._hand_over, self._drain)

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
        group: list[Waiting] = []
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

    def _commit(self, group: list[Waiting]) -> list[Signal]:
        """All actions of a group in one transaction; each in a savepoint only if one fails."""
        try:
            return self._attempt(calls_of(group), self._act)
        except ActionFailed as failed:
            if len(group) == 1:
                group[0].error = failed.__cause__
                return []
            return self._attempt([[waiting] for waiting in group], self._act_alone)

    def _attempt(
        self, calls: list[list[Waiting]], act: Callable[[Writer, list[Waiting]], None]
    ) -> list[Signal]:
        connection = self._connection()
        begin_to_write(connection)
        try:
            self._notice_others(connection)
            signals: list[Signal] = []
            closing = Writer(connection, self.epoch)
            for call in calls:
                writer = Writer(connection, self.epoch)
                act(writer, call)
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

    def _act(self, writer: Writer, call: list[Waiting]) -> None:
        """One action as part of the whole: its failure undoes the group, which is tried again."""
        try:
            run_call(writer, call)
        except BaseException as error:
            if is_storage(error):
                raise
            raise ActionFailed from error

    def _act_alone(self, writer: Writer, call: list[Waiting]) -> None:
        """One action in a savepoint: its failure is its own, the others still commit."""
        connection = writer.connection
        connection.execute("SAVEPOINT action")
        try:
            run_call(writer, call)
        except BaseException as error:
            if is_storage(error) or not connection.in_transaction:
                raise  # SQLite may have rolled everything back: full disk, I/O error
            connection.execute("ROLLBACK TO action")
            call[0].error = error
            writer.signals, writer.hooks = [], {}
        connection.execute("RELEASE action")

    def _notice_others(self, connection: Any) -> None:
        """SQLite's data version moves for the writer only when another process has committed."""
        version = connection.execute("PRAGMA data_version").fetchone()[0]
        if version != self._version:
            self._version = version
            self.epoch += 1

    # Back on the event loop ----------------------------------------------------------------------

    def _answer(self, group: list[Waiting], signals: list[Signal]) -> None:
        if self._queue:
            self._hand_over(self._drain)
        else:
            self._draining = False
        for waiting in group:
            if waiting.future.done():  # its caller was cancelled; the write stands
                continue
            if waiting.error is None:
                waiting.future.set_result(waiting.result)
            elif isinstance(waiting.error, StopIteration):  # which a future cannot hand on
                waiting.future.set_exception(RuntimeError("an iterator ran out in an action"))
            else:
                waiting.future.set_exception(waiting.error)
        if signals:
            for listener in self._listeners:
                self._tell(listener, signals)

    def _tell(self, listener: Callable[[list[Signal]], None], signals: list[Signal]) -> None:
        """What one listener cannot bear, the others still hear."""
        try:
            listener(signals)
        except Exception as error:
            log.failure("a listener to commits failed", error)


def run_once(path: Path, key: bytes | None, action: Callable[..., T], *args: Any) -> T:
    """Run one action from a short-lived process beside the server: same code, no checkpoint."""
    connection = connect_writer(path, key)
    try:
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        begin_to_write(connection)
        writer = Writer(connection)
        result = action(writer, *args)
        for hook, items in writer.hooks.items():
            hook(writer, items)
        connection.execute("COMMIT")
    except BaseException as error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        refusal = _as_refusal(error)
        if refusal is error:
            raise
        raise refusal from error
    finally:
        connection.close()
    return result


def read_once(path: Path, key: bytes | None, query: Callable[..., T], *args: Any) -> T:
    """Run one query from a short-lived process."""
    connection = connect(path, key, read_only=True)
    try:
        return query(Reader(connection), *args)
    finally:
        connection.close()


def _connect_reader(path: Path, key: bytes | None) -> Any:
    cpus.roam()  # first of all that runs on a reader's thread
    return connect(path, key, read_only=True)


def _in_snapshot(reader: aiosqlite.Connection, query: Any, /, *args: Any, **kwargs: Any) -> Any:
    connection = reader._conn
    connection.execute("BEGIN")
    try:
        return query(Reader(connection), *args, **kwargs)
    finally:
        connection.execute("COMMIT")


def _checkpoint(connection: Any) -> bool:
    # A long read of another process may hold it up: then it is for the next time, not worth a wait.
    busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not busy


def _as_refusal(error: BaseException) -> BaseException:
    code = code_of(error) & PRIMARY
    if code == SQLITE_FULL:
        return DiskFull()
    if code == SQLITE_BUSY:
        return Unavailable(headers={"Retry-After": "1"})
    return error
