"""Opening the file at start: the lock, every check, a copy before a migration, or a refusal."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from . import clock, copies, migrate, restoring
from .config import Settings
from .connection import DatabaseError, connect, connect_writer, is_disk_error
from .file_errors import AlreadyRunning, Damaged, DiskFailed, NoBox, NoRoom, WrongKey
from .folder import LOCK_WAIT_SECONDS, DataFolder, Lock, read_key, stamp

# A quick check reads every page: 1 ms per MB on a plain file, 5 ms on an encrypted one. A larger
# file would hold up the start: it opens after the cheap checks (head, key, schema), and the
# publisher, which makes a copy seconds after each start and checks it, finds the damage.
CHECK_AT_START_BYTES = 100 * 1024 * 1024


@dataclass(slots=True)
class Opened:
    """The folder is ours and its file can be opened: `Database.open(opened.path, opened.key)`."""

    folder: DataFolder
    path: Path
    key: bytes | None
    lock: Lock
    created: bool  # this was the first start
    steps: list[str]  # migrations taken just now
    checked: bool  # every page was looked at, else the file is too large for that at start

    def close(self) -> None:
        """Let another process have the folder; after the database was closed."""
        self.lock.release()


def open_folder(
    settings: Settings, *, create: bool = True, wait_seconds: float = LOCK_WAIT_SECONDS
) -> Opened:
    """Take the data folder for this process and make its file ready to be opened.

    On the first start the file is made (unless `create` is false: NoBox). A copy laid in as the
    live file, or the published copy alone in a folder, becomes the live file. Raises a CannotUse,
    which carries the exit status and the sentence to show.
    """
    folder, key = DataFolder(settings.storage.folder.absolute()), read_key(settings)
    if not create and not (folder.file.exists() or folder.published.exists()):
        raise NoBox(f"There is no box in {folder.path} yet: type scriptrun-box init.")
    folder.make()
    lock = folder.lock(wait_seconds)
    try:
        folder.need_rights()
        for path in (folder.file, folder.published, folder.mark):
            copies.discard(copies.incoming(path))
        created = _settle(folder, key, settings)
        steps, checked = _make_ready(folder, key, settings)
    except BaseException:
        lock.release()
        raise
    return Opened(folder, folder.file, key, lock, created, steps, checked)


@contextmanager
def at_hand(settings: Settings, *, create: bool = False) -> Iterator[tuple[Path, bytes | None]]:
    """The live file and its key for a short verb, beside a running box or without one.

    Without one, the file goes through the same checks and migrations as at a start.
    """
    try:
        opened = open_folder(settings, create=create, wait_seconds=0)
    except AlreadyRunning:
        folder = DataFolder(settings.storage.folder.absolute())
        if not folder.file.exists() or copies.incoming(folder.file).exists():
            raise AlreadyRunning(
                f"The file in {folder.path} is just being made or restored: try again in a moment."
            ) from None
        yield folder.file, read_key(settings)
    else:
        opened.close()  # a box may start while a long import runs: they get along
        yield opened.path, opened.key


def _settle(folder: DataFolder, key: bytes | None, settings: Settings) -> bool:
    """Have the right live file in place; whether it was made anew."""
    reserve = settings.storage.min_free_mb
    there = folder.file.exists()
    if not there or folder.file.stat().st_size == 0:
        if folder.held_a_file() or (there and folder.published.exists()):
            raise Damaged(
                f"The live file {folder.file} is {'empty' if there else 'gone'} and the box does"
                f" not start without it: {_advice(folder, key)}."
            )
        if not folder.published.exists():
            _create(folder, key)
            return True
        source = folder.published
    else:
        source = folder.file
    identity = _identify(folder, source, key)
    if identity.is_copy:
        restoring.need_known(source, identity.schema)
        restoring.adopt(folder, source, key, reserve)
    return False


def _identify(folder: DataFolder, path: Path, key: bytes | None) -> copies.Identity:
    """What the file is; else the reason why it cannot be told."""
    restoring.need_key(path, key)
    identity = copies.identify(path, key)
    if identity is not None and identity.is_ours:
        return identity
    plain = copies.is_plain(path)
    # Noise is an encrypted file or a destroyed one: the published copy tells which.
    other = folder.published
    judge = other.exists() and not other.samefile(path)
    if key is None and not plain and judge and not copies.is_plain(other):
        raise WrongKey(
            f"{path} is encrypted and no key is configured: set storage.key_file or the"
            " credential db.key."
        )
    if key is not None and not plain and not (judge and copies.describe(other, key)):
        raise WrongKey(f"The configured key does not open {path}: it belongs to another file.")
    hint = "" if plain or key else " or encrypted (and no key is configured)"
    raise Damaged(f"{path} is damaged{hint}: {_advice(folder, key)}.")


def _create(folder: DataFolder, key: bytes | None) -> None:
    """The first start: a new file, complete before it takes its name."""
    incoming = copies.incoming(folder.file)
    incoming.touch(0o600)
    with closing(connect_writer(incoming, key)) as connection:
        migrate.migrate(connection)
    copies.put(incoming, folder.file)


def _make_ready(
    folder: DataFolder, key: bytes | None, settings: Settings
) -> tuple[list[str], bool]:
    """Check the live file, write nothing until it is found whole, bring it to the newest schema."""
    size = sum(p.stat().st_size for p in (folder.file, *folder.sidecars()[:1]) if p.exists())
    checked = size <= CHECK_AT_START_BYTES
    try:
        with closing(connect(folder.file, key, read_only=True)) as connection:
            restoring.need_known(folder.file, migrate.version(connection))
            if checked and copies.quick_check(connection):
                raise Damaged(f"{folder.file} is damaged: {_advice(folder, key)}.")
        with closing(connect_writer(folder.file, key)) as connection:
            steps = migrate.migrate(connection, lambda: _copy_first(folder, key, settings))
            restoring.own(folder, connection)
    except DatabaseError as error:
        if copies.is_full(error):
            raise NoRoom(f"The disk of {folder.path} is full: free some and start again.") from None
        if copies.is_damage(error):
            raise Damaged(f"{folder.file} is damaged: {_advice(folder, key)}.") from None
        if not is_disk_error(error):
            raise
        raise DiskFailed() from None
    return steps, checked


def _copy_first(folder: DataFolder, key: bytes | None, settings: Settings) -> None:
    """The checked copy before a migration, which can be restored like any other."""
    folder.need_room(folder.file, settings.storage.min_free_mb)
    identity = copies.identify(folder.file, key)
    schema = identity.schema if identity else 0
    copies.backup_to(folder.file, key, folder.live / f"before-{schema}-{stamp()}.sqlite")
    older = sorted(folder.live.glob("before-*.sqlite"), key=lambda path: path.stat().st_mtime)
    for path in older[: -max(1, settings.copies.keep)]:
        path.unlink()


def _advice(folder: DataFolder, key: bytes | None) -> str:
    """What to type next."""
    copy = restoring.newest_good_copy(folder, key)
    if copy is None:
        return (
            "no good copy was found in this folder; to go on from one kept elsewhere type"
            " scriptrun-box restore FILE"
        )
    made = copies.describe(copy, key)
    at = made.published_at if made and made.published_at else int(copy.stat().st_mtime * 1000)
    return (
        f"the newest good copy is {copy}, made {clock.iso(at)}; to go on from it type"
        f" scriptrun-box restore {copy} --data {folder.path}"
    )
