"""The file in memory, a disk that fails by seed, and the product's own Database on top of both."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from sqlcipher3 import dbapi2

from scriptrun_box.accounts import actions
from scriptrun_box.kernel import clock, ids, migrate
from scriptrun_box.kernel.db import Database, Writer
from scriptrun_box.kernel.scope import CLI, Scope
from scriptrun_box.webhooks import actions as webhooks
from scriptrun_box.webhooks.model import Endpoint

from .loop import VirtualLoop

WALL_START_MS = 1_780_000_000_000
FULL, BUSY, FSYNC = 13, 5, 10 | 4 << 8
DEEPEST_STATEMENT = 14  # of a transaction, at which a fault may strike
READ_SECONDS = 0.001
LISTENING = {  # whose key, and the events each of their receivers hears
    "corner": [("*",)],
    "corner-test": [("*",), ("delivery.completed",)],
    "harbor": [("package.created",)],
}
DRAIN_SECONDS = 0.003


class Killed(BaseException):
    """The process is gone: nothing of it does anything any more."""


@dataclass(frozen=True)
class People:
    """Who is in the file every story begins with: keys by name, and where events go."""

    keys: dict[str, tuple[str, str]]  # name -> (key id, secret)
    endpoints: dict[str, Endpoint]  # by the last part of their URL


@dataclass
class Faults:
    """How likely what goes wrong is, at each transaction."""

    full: float = 0.0
    busy: float = 0.0
    fsync: float = 0.0
    kill: float = 0.0


@cache
def template() -> tuple[Any, People]:
    """The migrated file with two pharmacies, their keys and endpoints; made once a process."""
    random, machine = Random(0), SimpleNamespace(time_ns=lambda: WALL_START_MS * 10**6)
    with (
        patch.object(ids, "_random_bytes", lambda: random.randbytes(ids.RANDOM_BYTES)),
        patch.object(ids, "time", machine),
        patch.object(clock, "now_ms", lambda: WALL_START_MS),
    ):
        return _make_template()


def _make_template() -> tuple[Any, People]:
    connection = _connect()
    migrate.migrate(connection)
    connection.execute("BEGIN IMMEDIATE")
    writer = Writer(connection)
    keys, endpoints = {}, {}
    tenants = {
        name: actions.create_tenant(
            writer, CLI, name=name, kind="pharmacy", plan="enterprise", time_zone="UTC"
        ).tenant.id
        for name in ("corner", "harbor")
    }
    for side, receivers in LISTENING.items():
        scope = Scope(tenants[side.partition("-")[0]], side.endswith("-test"))
        key = actions.create_key(writer, scope.tenant_id, CLI, name=side, test=scope.test)
        keys[side] = (key.key.id, key.secret)
        for events in receivers:
            place = f"{side}-{len(endpoints)}"
            url = f"https://receiver.example/{place}"
            endpoints[place] = webhooks.create(writer, scope, CLI, url=url, events=events)[0]
    for hook, items in writer.hooks.items():
        hook(writer, items)
    connection.execute("COMMIT")
    return connection, People(keys, endpoints)


def new_file() -> Any:
    """A fresh copy of the template, all in memory."""
    connection = _connect()
    template()[0].backup(connection)
    return connection


def _connect() -> Any:
    connection = dbapi2.connect(":memory:", isolation_level=None, cached_statements=256)
    connection.row_factory = dbapi2.Row
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


@dataclass
class Disk:
    """A connection of one process: what it says to SQLite goes through here and may fail."""

    file: Any
    random: Random
    faults: Faults
    die: Callable[[str], None]  # called when a kill strikes
    dead: bool = False
    row_factory: Any = None
    _strike: tuple[str, int] | None = field(default=None)  # what, and in how many statements

    @property
    def in_transaction(self) -> bool:
        return bool(self.file.in_transaction)

    def execute(self, sql: str, values: Any = ()) -> Any:
        self._step(sql)
        return self.file.execute(sql, values)

    def executemany(self, sql: str, rows: Any) -> Any:
        self._step(sql)
        return self.file.executemany(sql, rows)

    def _step(self, sql: str) -> None:
        if self.dead:
            raise Killed
        if sql == "BEGIN IMMEDIATE":
            self._strike = self._plan()
        if self._strike is None:
            return
        what, left = self._strike
        commits = sql == "COMMIT"
        if (left > 0 and not commits) or (what == "fsync" and not commits):
            self._strike = (what, left - 1)
            return
        self._strike = None
        self._fail(what, commits)

    def _plan(self) -> tuple[str, int] | None:
        if self.random.random() < self.faults.busy:
            return "busy", 0
        for what in ("kill", "full", "fsync"):
            if self.random.random() < getattr(self.faults, what):
                return what, self.random.randint(1, DEEPEST_STATEMENT)
        return None

    def _fail(self, what: str, commits: bool) -> None:
        """A failing commit may be on disk or not; after an error SQLite may have rolled back."""
        if commits and what in ("fsync", "kill") and self.random.random() < 0.5:
            self.file.execute("COMMIT")
        elif self.in_transaction and self.random.random() < 0.5:
            self.file.execute("ROLLBACK")
        if what == "kill":
            self.die("in a transaction")
            raise Killed
        error = dbapi2.OperationalError("simulated")
        error.sqlite_errorcode = {"full": FULL, "busy": BUSY, "fsync": FSYNC}[what]
        raise error


class _Reader:
    """What the pool of readers holds; there is one connection for all of them here."""

    def __init__(self, disk: Disk) -> None:
        self._conn = disk


class SimulatedDatabase(Database):
    """The product's database: only its threads and its files are others."""

    def __init__(self, disk: Disk, loop: VirtualLoop) -> None:
        super().__init__(Path("simulated"), None)
        self._disk = disk
        self._time = loop
        self._readers.put_nowait(_Reader(disk))  # type: ignore[arg-type]
        self._peek = disk

    def _connection(self) -> Any:
        return self._disk

    def _hand_over(self, work: Callable[[], None]) -> None:
        def run() -> None:
            if not self._disk.dead:
                work()

        self._time.call_later(self._time.random.uniform(0, DRAIN_SECONDS), run)

    async def _run(self, connection: Any, work: Callable[[], Any]) -> Any:
        future = self._time.create_future()
        self._time.call_later(
            self._time.random.uniform(0, READ_SECONDS),
            lambda: future.done() or future.set_result(None),
        )
        await future
        return work()
