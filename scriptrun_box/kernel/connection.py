"""How a file is opened: SQLite with SQLCipher, the house's pragmas, and what its errors mean."""

from pathlib import Path
from time import sleep
from typing import Any

from sqlcipher3 import dbapi2

from . import clock

Row = dbapi2.Row
DatabaseError = dbapi2.DatabaseError

BUSY_TIMEOUT_MS = 5_000
LOOK_AGAIN_SECONDS = 0.001
STATEMENT_CACHE = 256
WRITER_CACHE_KIB, READER_CACHE_KIB = 16_000, 2_000  # readers share the system's own cache
JOURNAL_LIMIT_BYTES = 64 * 1024 * 1024
SQLITE_FULL, SQLITE_IOERR, SQLITE_READONLY, SQLITE_BUSY, SQLITE_CORRUPT = 13, 10, 8, 5, 11
SQLITE_CANTOPEN = 14
PRIMARY = 0xFF  # the low byte of an extended result code


def connect(
    path: Path, key: bytes | None = None, *, read_only: bool = False, immutable: bool = False
) -> Any:
    """A plain DB-API connection with the house's pragmas; `key` is the 32 raw bytes of the file.

    `immutable` reads the file alone: no lock is taken and whatever lies beside it is ignored.
    """
    connection = _open(path, key, "ro&immutable=1" if immutable else "ro" if read_only else "rwc")
    cache_kib = READER_CACHE_KIB if read_only or immutable else WRITER_CACHE_KIB
    for pragma in (
        f"busy_timeout = {BUSY_TIMEOUT_MS}",
        "foreign_keys = ON",
        "trusted_schema = OFF",
        "cell_size_check = ON",
        "mmap_size = 0",
        "temp_store = MEMORY",
        f"cache_size = -{cache_kib}",
    ):
        connection.execute(f"PRAGMA {pragma}")
    if read_only or immutable:
        connection.execute("PRAGMA query_only = ON")
    return connection


def connect_to_head(path: Path, key: bytes | None = None) -> Any:
    """For the head of the file alone: its schema is not looked at, nor anything beside it.

    After a power cut amid a checkpoint the file is shorter than its head says, until its log is
    read as well: only `writable_schema` lets SQLite read the head of such a file. Read-only it is.
    """
    connection = _open(path, key, "ro&immutable=1")
    connection.execute("PRAGMA writable_schema = ON")
    return connection


def _open(path: Path, key: bytes | None, mode: str) -> Any:
    uri = f"{path.absolute().as_uri()}?mode={mode}"
    connection = dbapi2.connect(
        uri,
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=STATEMENT_CACHE,
        timeout=BUSY_TIMEOUT_MS / 1000,
    )
    connection.row_factory = Row
    if key is not None:
        connection.execute("PRAGMA cipher_log = off")
        connection.execute(f"PRAGMA key = \"x'{key.hex()}'\"")
    return connection


def connect_writer(path: Path, key: bytes | None = None) -> Any:
    """The connection that writes: WAL, and every commit on disk before it returns."""
    connection = connect(path, key)
    if connection.execute("PRAGMA page_count").fetchone()[0] == 0:
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")  # with pages: only a write
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",
        "secure_delete = FAST",
        f"journal_size_limit = {JOURNAL_LIMIT_BYTES}",
        "wal_autocheckpoint = 2000",
        "busy_timeout = 0",  # `begin_to_write` waits, nothing else has to
    ):
        connection.execute(f"PRAGMA {pragma}")
    return connection


def begin_to_write(connection: Any) -> None:
    """Take the file for writing on a connection of `connect_writer`, waiting for other processes.

    A busy server lets go only for a moment between two commits. SQLite's own wait may look each
    100 ms, as it is built here each second: it would miss such moments, and be late for a command
    line that is done at once.
    """
    deadline = clock.monotonic() + BUSY_TIMEOUT_MS / 1000
    while True:
        try:
            connection.execute("BEGIN IMMEDIATE")
            return
        except DatabaseError as error:
            if code_of(error) & PRIMARY != SQLITE_BUSY or clock.monotonic() >= deadline:
                raise
        sleep(LOOK_AGAIN_SECONDS)


def code_of(error: BaseException) -> int:
    """SQLite's result code (sqlcipher3 tells the primary one), 0 when the error is not SQLite's."""
    return getattr(error, "sqlite_errorcode", 0) or 0


def is_storage(error: BaseException) -> bool:
    """The file's own trouble, as against one action's: nothing of this commit can be trusted."""
    return code_of(error) & PRIMARY in (SQLITE_FULL, SQLITE_IOERR, SQLITE_READONLY, SQLITE_CORRUPT)


def is_disk_error(error: BaseException) -> bool:
    """Whether the disk would not give or take what was asked of it; it may the next time."""
    return code_of(error) & PRIMARY in (SQLITE_IOERR, SQLITE_CANTOPEN, SQLITE_FULL)


def is_fatal(error: BaseException) -> bool:
    """After a failed fsync or on a damaged file, going on would lie about what is on disk.

    sqlcipher3 does not tell a failed fsync from other I/O errors: after any of them the process
    ends, and the next one finds out what the disk holds.
    """
    return code_of(error) & PRIMARY in (SQLITE_IOERR, SQLITE_CORRUPT)
