"""Copies of the file: made in one step, stamped, checked, put in place; and checking a file."""

import os
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import __version__
from . import audit, clock, migrate
from .connection import (
    PRIMARY,
    SQLITE_CORRUPT,
    SQLITE_FULL,
    DatabaseError,
    connect,
    connect_to_head,
)
from .db import Reader
from .file_errors import CannotUse, Damaged, NoRights, NoRoom

PLAIN_HEAD = b"SQLite format 3\0"
ROOM_FACTOR = 1.3  # free bytes wanted for each byte of the file before it is copied
COPY_CACHE_KIB = 2_000  # a copy reads every page once: a large cache would only cost memory
MAX_FINDINGS = 10
SQLITE_NOTADB = 26
SQLITE_IOERR_READ = (10 | 1 << 8, 10 | 2 << 8)  # and SQLITE_IOERR_SHORT_READ
SIDECARS = ("-wal", "-shm", "-journal")

Stamp = Callable[[Any], None]


@dataclass(frozen=True, slots=True)
class Identity:
    """What the head of a file says it is."""

    application_id: int
    schema: int

    @property
    def is_copy(self) -> bool:
        return self.application_id == migrate.COPY_APPLICATION_ID

    @property
    def is_ours(self) -> bool:
        return self.is_copy or self.application_id == migrate.LIVE_APPLICATION_ID


@dataclass(frozen=True, slots=True)
class Facts:
    """What a copy knows about itself: when it was made, by which version, and its last event."""

    published_at: int | None
    published_by: str
    event_seq: int
    schema: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Check:
    """One thing `verify` looked at."""

    name: str
    ok: bool
    detail: str


def is_plain(path: Path) -> bool:
    """Whether the file begins as an unencrypted one does. Raises NoRights."""
    try:
        with path.open("rb") as file:
            return file.read(len(PLAIN_HEAD)) == PLAIN_HEAD
    except OSError as error:
        raise NoRights(f"{path} cannot be read: {error.strerror}.") from None


def identify(path: Path, key: bytes | None) -> Identity | None:
    """What the file alone says it is, whatever lies beside it; None when it cannot be read."""
    try:
        with closing(connect_to_head(path, key)) as connection:
            application_id = connection.execute("PRAGMA application_id").fetchone()[0]
            return Identity(application_id, migrate.version(connection))
    except DatabaseError:
        return None


def describe(path: Path, key: bytes | None) -> Facts | None:
    """What a published copy says about itself; None when it is not one or cannot be read."""
    identity = identify(path, key) if path.exists() else None
    if identity is None or not identity.is_copy:
        return None
    try:
        with closing(connect(path, key, immutable=True)) as connection:
            rows = Reader(connection).all("SELECT key, value FROM meta")
    except DatabaseError:
        return None
    meta = {row["key"]: row["value"] for row in rows}
    published_at = meta.get("published_at")
    return Facts(
        int(published_at) if published_at else None,
        meta.get("published_by", ""),
        int(meta.get("published_event", 0)),
        identity.schema,
        path.stat().st_size,
    )


# Making ------------------------------------------------------------------------------------------


def backup_to(live: Path, key: bytes | None, target: Path) -> Facts:
    """Write a checked copy of the live file to `target`, whole or not at all; while it serves.

    An encrypted file gives a copy encrypted with the same key. Raises Damaged, NoRoom, NoRights.
    """
    if target.is_dir():
        raise NoRights(f"{target} is a folder: name the file to write.")
    if target.exists() and live.exists() and target.samefile(live):
        raise NoRights(f"{target} is the live file itself: name another file.")
    temp = incoming(target)
    build(live, key, temp, stamp_as_copy)
    put(temp, target)
    facts = describe(target, key)
    if facts is None:
        raise Damaged(f"{target} could not be read back after it was written.")
    return facts


def incoming(target: Path) -> Path:
    """Where a file is built before it takes its name: hidden, in the same folder."""
    return target.with_name(f".{target.name}.new")


def build(
    source: Path, key: bytes | None, temp: Path, stamp: Stamp, *, immutable: bool = False
) -> None:
    """Copy `source` to `temp` in one step, stamp it, check it, and have it on disk.

    One step holds a single snapshot and is never restarted by a writer; it runs outside the GIL.
    `immutable` reads `source` alone, for a copy beside which stale files may lie.
    Raises Damaged when a page cannot be read or the copy does not check, NoRoom, NoRights.
    """
    try:
        discard(temp)
        os.close(os.open(temp, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        _copy(source, key, temp, stamp, immutable)
        fsync_file(temp)
    except BaseException as error:
        discard(temp)
        if isinstance(error, OSError):
            raise NoRights(f"{temp.parent} cannot be written: {error.strerror}.") from None
        if isinstance(error, DatabaseError):
            raise _in_words(error, source) from None
        raise


def _copy(source: Path, key: bytes | None, temp: Path, stamp: Stamp, immutable: bool) -> None:
    with (
        closing(connect(source, key, read_only=True, immutable=immutable)) as origin,
        closing(connect(temp, key)) as copy,
    ):
        for connection in (origin, copy):
            connection.execute(f"PRAGMA cache_size = -{COPY_CACHE_KIB}")
        copy.execute("PRAGMA journal_mode = OFF")  # it has no name yet: nothing to roll back to
        copy.execute("PRAGMA synchronous = OFF")  # one fsync at the end instead
        origin.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")  # one file, with nothing beside it
        stamp(copy)
        if quick_check(copy):
            raise Damaged(f"{source} is damaged: its structure does not check.")


def _in_words(error: Exception, source: Path) -> Exception:
    if is_full(error):
        return NoRoom("The disk is full: no copy could be made.")
    if is_damage(error):
        return Damaged(f"{source} is damaged: it cannot be read to its end.")
    return CannotUse(f"{source} cannot be copied just now.")


def is_full(error: BaseException) -> bool:
    """Whether SQLite gave up because the disk is full."""
    return (getattr(error, "sqlite_errorcode", 0) or 0) & PRIMARY == SQLITE_FULL


def is_damage(error: BaseException) -> bool:
    """Whether SQLite found the file itself unreadable, as against a statement of ours."""
    code = getattr(error, "sqlite_errorcode", 0) or 0
    return code & PRIMARY in (SQLITE_CORRUPT, SQLITE_NOTADB) or code in SQLITE_IOERR_READ


def stamp_as_copy(connection: Any) -> None:
    """Mark a file as a copy, and note in it when and by what it was made."""
    last_event = connection.execute("SELECT coalesce(max(seq), 0) FROM events").fetchone()[0]
    connection.execute("BEGIN")
    connection.execute(f"PRAGMA application_id = {migrate.COPY_APPLICATION_ID}")
    set_meta(
        connection,
        published_at=str(clock.now_ms()),
        published_by=__version__,
        published_event=str(last_event),
    )
    connection.execute("COMMIT")


def set_meta(connection: Any, **facts: str) -> None:
    """Note facts about the file itself in it."""
    connection.executemany(
        "INSERT INTO meta (key, value) VALUES (?, ?)"
        " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        facts.items(),
    )


def put(temp: Path, target: Path) -> None:
    """Give a finished file its name, in one move that survives a power cut."""
    temp.replace(target)
    fsync_folder(target.parent)


def discard(path: Path) -> None:
    """Remove a file that was not finished, with what SQLite left beside it."""
    for name in (path.name, *(path.name + sidecar for sidecar in SIDECARS)):
        path.with_name(name).unlink(missing_ok=True)


def fsync_file(path: Path) -> None:
    """Have the file's bytes on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def fsync_folder(folder: Path) -> None:
    """Make a rename in this folder survive a power cut."""
    fsync_file(folder)


# Checking ----------------------------------------------------------------------------------------


def quick_check(connection: Any) -> str | None:
    """The first thing wrong with the structure of an open file, or None."""
    finding = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    return None if finding == "ok" else str(finding)


def is_whole(path: Path, key: bytes | None) -> bool:
    """Whether this is a copy that opens with the key and passes a quick check."""
    if describe(path, key) is None:
        return False
    try:
        with closing(connect(path, key, immutable=True)) as connection:
            return quick_check(connection) is None
    except DatabaseError:
        return False


def verify_file(path: Path, key: bytes | None) -> list[Check]:
    """Everything that can be checked about a live file or a copy; stops where reading stops.

    On a plain file a changed letter inside a row is invisible unless the row is an audit row; an
    encrypted file has a checksum on every page, which finds it.
    """
    identity = identify(path, key) if path.is_file() else None
    if identity is None:
        return [Check("opens", False, "there is no file that opens with the configured key")]
    newest = migrate.migrations()[-1].number
    kind = "a copy" if identity.is_copy else "a live file" if identity.is_ours else "not ours"
    checks = [Check("opens", True, ""), Check("application_id", identity.is_ours, kind)]
    if not identity.is_ours:
        return checks
    try:
        with closing(connect(path, key, read_only=True, immutable=identity.is_copy)) as connection:
            schema = migrate.version(connection)
            known = f"{schema}, this program knows {newest}"
            checks.append(Check("schema", 1 <= schema <= newest, known))
            checks.append(_integrity(connection))
            checks.append(_foreign_keys(connection))
            checks.append(_audit_chain(connection))
    except DatabaseError as error:
        checks.append(Check("readable", False, f"reading stopped: {type(error).__name__}"))
    return checks


def _integrity(connection: Any) -> Check:
    rows = connection.execute(f"PRAGMA integrity_check({MAX_FINDINGS})").fetchall()
    findings = [row[0] for row in rows if row[0] != "ok"]
    return Check("integrity_check", not findings, "; ".join(findings))


def _foreign_keys(connection: Any) -> Check:
    tables = [row[0] for row in connection.execute("PRAGMA foreign_key_check")]
    detail = f"{len(tables)} rows point nowhere, in {', '.join(sorted(set(tables)))}"
    return Check("foreign_key_check", not tables, detail if tables else "")


def _audit_chain(connection: Any) -> Check:
    wrong = audit.verify(Reader(connection))
    return Check("audit_chain", wrong is None, "" if wrong is None else f"row {wrong} was changed")


def count_rows(path: Path, key: bytes | None) -> dict[str, int]:
    """How many rows each table of a file holds."""
    with closing(connect(path, key, read_only=True)) as connection:
        reader = Reader(connection)
        tables = reader.all(
            "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table'"
            " AND name NOT LIKE 'sqlite_%' ORDER BY name"
        )
        return {
            row["name"]: reader.value(f'SELECT count(*) FROM "{row["name"]}"')  # noqa: S608
            for row in tables
        }
