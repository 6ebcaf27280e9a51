"""Making a copy the live file: laid in by hand, alone in a folder, or by `scriptrun-box restore`.

The copy is never changed: a new live file is built from it, checked, and takes the name in one
move. Stopped at any point, the folder holds the old file or the new one.
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from . import clock, copies, ids, migrate
from .connection import DatabaseError, begin_to_write, connect_writer
from .db import Reader, Writer
from .file_errors import AlreadyRunning, Damaged, NewerFile, WrongKey
from .folder import DataFolder, stamp

META = "SELECT value FROM meta WHERE key = ?"
RESTORED = "restored_from_copy"  # in meta: the time the data is from, until someone has decided
OLD_HELD = "restored_events_held"  # in meta: what the copy still had to send has been put on hold


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore did: the time of the copy, where the old file went, rows by table."""

    copied_at: int | None
    kept_aside: Path | None
    counts: dict[str, int]


def restore(folder: DataFolder, copy: Path, key: bytes | None, min_free_mb: int = 0) -> Restored:
    """Put a copy in the place of the live file, keeping the old one aside under its time.

    Everything is checked before anything is touched. Raises AlreadyRunning while a box serves the
    folder, Damaged, NewerFile, WrongKey, NoRoom, NoRights.
    """
    folder.make()
    lock = folder.lock()
    try:
        folder.need_rights()
        _need_fit(copy, key)
        kept_aside = adopt(folder, copy, key, min_free_mb)
        facts = copies.describe(copy, key)
        counts = copies.count_rows(folder.file, key)
    finally:
        lock.release()
    return Restored(facts.published_at if facts else None, kept_aside, counts)


def _need_fit(copy: Path, key: bytes | None) -> None:
    if not copy.is_file():
        raise Damaged(f"There is no file {copy}.")
    need_key(copy, key)
    identity = copies.identify(copy, key)
    if identity is not None:
        need_known(copy, identity.schema)
    failed = [check.name for check in copies.verify_file(copy, key) if not check.ok]
    if failed:
        raise Damaged(f"{copy} is damaged and was not restored (failed: {', '.join(failed)}).")


def need_key(path: Path, key: bytes | None) -> None:
    """Raise WrongKey when a key is configured and the file needs none."""
    if key is not None and copies.is_plain(path):
        raise WrongKey(
            f"{path} is not encrypted, yet a key is configured: take storage.key_file (or the"
            " credential db.key) out of the settings to open it."
        )


def need_known(path: Path, schema: int) -> None:
    """Raise NewerFile when this program is too old for the file."""
    newest = migrate.migrations()[-1].number
    if schema > newest:
        raise NewerFile(
            f"{path} was written by a newer version (schema {schema}, this one knows {newest}):"
            " install that version or a later one."
        )


def adopt(folder: DataFolder, copy: Path, key: bytes | None, min_free_mb: int) -> Path | None:
    """Build a live file from a copy and swap it in; where the old live file went, if there was one.

    The published copy may be the newest good state of what is replaced, so it is kept as well.
    """
    folder.need_room(copy, min_free_mb)
    identity = copies.identify(copy, key)
    alone = identity is not None and identity.is_copy  # else its write-ahead log belongs to it
    incoming = copies.incoming(folder.file)
    instance = ids.token()
    stamped = partial(_stamp_as_live, instance)
    copies.build(copy, key, incoming, stamped, immutable=alone)
    laid_in = folder.file.exists() and folder.file.samefile(copy)
    if not (folder.published.exists() and folder.published.samefile(copy)):
        folder.set_aside(folder.published, f"replaced-{stamp()}-published.sqlite")
    kept_aside = None if laid_in else _set_aside_live(folder, key)
    folder.quarantine_sidecars()
    copies.put(incoming, folder.file)
    write_mark(folder, instance)
    return kept_aside


def _stamp_as_live(instance: str, connection: Any) -> None:
    published_at = Reader(connection).value(META, ("published_at",))
    copied_at = clock.iso(int(published_at)) if published_at else "unknown"
    connection.execute("BEGIN")
    connection.execute(f"PRAGMA application_id = {migrate.LIVE_APPLICATION_ID}")
    copies.set_meta(connection, **{"instance": instance})
    _mark_restored(connection, copied_at)
    connection.execute("COMMIT")


def _mark_restored(connection: Any, copied_at: str) -> None:
    copies.set_meta(connection, **{RESTORED: copied_at})
    connection.execute("DELETE FROM meta WHERE key = ?", (OLD_HELD,))


def _set_aside_live(folder: DataFolder, key: bytes | None) -> Path | None:
    """Keep the old live file whole under another name, with the log that belongs to it."""
    if not folder.file.exists():
        return None
    name = f"replaced-{stamp()}.sqlite"
    try:
        connect_writer(folder.file, key).close()  # closing folds the log into the file
    except DatabaseError:  # damaged: keep each part as it is
        kept = folder.live / name
        folder.file.replace(kept)
        for path in folder.sidecars():
            if path.exists():
                path.replace(kept.with_name(kept.name + path.name.removeprefix(folder.file.name)))
        return kept
    log = folder.sidecars()[0]
    if log.exists() and log.stat().st_size:
        raise AlreadyRunning(f"Another command is using {folder.file}: try again when it is done.")
    return folder.set_aside(folder.file, name)


# The mark beside the file -------------------------------------------------------------------------


def write_mark(folder: DataFolder, instance: str) -> None:
    """Note beside the live file which file it is."""
    temp = copies.incoming(folder.mark)
    temp.write_text(f"{instance}\n", "ascii")
    temp.chmod(0o600)
    copies.fsync_file(temp)
    copies.put(temp, folder.mark)


def own(folder: DataFolder, connection: Any) -> None:
    """Make the open live file the one that lives here.

    A file with another mark was copied by hand from another folder: it counts as restored, so that
    its old events wait until someone has decided.
    """
    reader = Reader(connection)
    instance = reader.value(META, ("instance",))
    if folder.mark.exists() and folder.mark.read_text("ascii", "replace").strip() == instance:
        return
    if reader.value("SELECT EXISTS (SELECT 1 FROM events)"):
        begin_to_write(connection)
        _mark_restored(connection, restored_at(reader) or "unknown")
        connection.execute("COMMIT")
    write_mark(folder, instance)


def restored_at(r: Reader) -> str | None:
    """The time (ISO, or "unknown") the data of a restored file is from; None when not restored."""
    value: str | None = r.value(META, (RESTORED,))
    return value


def must_hold(r: Reader) -> bool:
    """Whether a restored file still has to put on hold what its copy had to send."""
    return restored_at(r) is not None and r.value(META, (OLD_HELD,)) is None


def note_held(w: Writer) -> None:
    """It is done: what happens from now on is news, and is sent."""
    copies.set_meta(w.connection, **{OLD_HELD: clock.iso(w.now)})


def settle_restored(w: Writer) -> None:
    """Someone has decided what happens with the old events: the file is an ordinary one again."""
    w.run("DELETE FROM meta WHERE key IN (?, ?)", (RESTORED, OLD_HELD))


def newest_good_copy(folder: DataFolder, key: bytes | None) -> Path | None:
    """What to go on from when the live file is lost: the published copy, else the newest kept."""
    candidates = [folder.published, *folder.kept()]
    return next((path for path in candidates if copies.is_whole(path, key)), None)
