"""The data folder: its layout, its lock, and opening the live file or refusing to in words.

    scriptrun-box.sqlite    the published copy: the file to copy
    README.txt              says so
    live/box.db             the live file, in a folder of its own that only its owner enters
    live/lock               held by the one process that serves or restores
    live/instance           the mark of the file that lives here; a file with another mark is a copy
    live/before-…           the checked copy taken before a migration
    live/replaced-…         what a restore replaced
    live/packets/           packets for auditors, unreadable without the process that made them
    live/quarantine-…/      stale files that lay beside a copy

Nothing here ever starts empty where a file was.
"""

import fcntl
import os
import re
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from . import clock, copies
from .config import Settings
from .file_errors import AlreadyRunning, NetworkFolder, NoRights, NoRoom, WrongKey

LOCK_WAIT_SECONDS = 0.5  # a short verb may hold the lock for a moment
LOCK_POLL_SECONDS = 0.05
KEY_BYTES = 32
MEGABYTE = 1024 * 1024
MOUNTS = Path("/proc/self/mounts")
OCTAL = re.compile(r"\\([0-7]{3})")  # how a space is written there
# Their locks or their shared memory cannot be trusted with a database that is being written.
NETWORK_TYPES = re.compile(
    r"nfs4?|cifs|smb3|smbfs|9p|afs|ceph|glusterfs|lustre|ncpfs|davfs|vboxsf|prl_fs|fuse(\..+)?"
)
README = """This folder is a ScriptRun box.

To back it up, copy one file, whenever you like, also while the box runs:

    scriptrun-box.sqlite

It is a complete, checked copy of everything: orders, proofs, people, settings of the webhooks.
The box renews it by itself. Do not copy live/box.db: that file is being written to.

To go back to a copy, stop the box and type:

    scriptrun-box restore FILE

live/ also keeps what a restore replaced (replaced-…) and the copy taken before an update
(before-…). Delete those when you are sure that you do not need them.
"""


class Lock:
    """The exclusive lock on a folder, for as long as this object holds it."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def release(self) -> None:
        """Let another process have the folder."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


@dataclass(frozen=True, slots=True)
class DataFolder:
    """Where everything of one box lies."""

    path: Path

    @property
    def live(self) -> Path:
        return self.path / "live"

    @property
    def file(self) -> Path:
        return self.live / "box.db"

    @property
    def published(self) -> Path:
        return self.path / "scriptrun-box.sqlite"

    @property
    def packets(self) -> Path:
        return self.live / "packets"

    @property
    def mark(self) -> Path:
        return self.live / "instance"

    def make(self) -> None:
        """Have the folders there, for their owner alone. Raises NoRights, NetworkFolder."""
        kind = file_system(self.live)
        if NETWORK_TYPES.fullmatch(kind):
            raise NetworkFolder(
                f"{self.live} lies on a network file system ({kind}), which can lose orders:"
                " choose a local disk in storage.folder."
            )
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.live.mkdir(mode=0o700, exist_ok=True)
            if self.live.stat().st_mode & 0o777 != 0o700:
                self.live.chmod(0o700)
            readme = self.path / "README.txt"
            if not readme.is_file() or readme.read_text("utf-8") != README:
                readme.write_text(README, "utf-8")
            if not os.access(self.path, os.W_OK, effective_ids=True):
                raise PermissionError(0, "permission denied")
        except OSError as error:
            raise NoRights(
                f"{self.path} cannot be written by this user: {(error.strerror or '').lower()}."
            ) from None

    def lock(self, wait_seconds: float = LOCK_WAIT_SECONDS) -> Lock:
        """Take the folder for this process. Raises AlreadyRunning."""
        try:
            descriptor = os.open(self.live / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise NoRights(f"{self.live} cannot be written: {error.strerror}.") from None
        deadline = clock.monotonic() + wait_seconds
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return Lock(descriptor)
            except BlockingIOError:
                if clock.monotonic() >= deadline:
                    os.close(descriptor)
                    raise AlreadyRunning(
                        f"Another scriptrun-box is running on {self.path}."
                    ) from None
            time.sleep(LOCK_POLL_SECONDS)

    def need_rights(self) -> None:
        """Raise NoRights unless the live file and what belongs to it can be read and written.

        Only before the file is opened: closing any descriptor of it ends SQLite's locks on it.
        """
        try:
            for path in (self.file, *self.sidecars()):
                if path.exists():
                    os.close(os.open(path, os.O_RDWR))
        except OSError as error:
            raise NoRights(f"{path} cannot be written by this user: {error.strerror}.") from None

    def sidecars(self) -> list[Path]:
        """Where SQLite keeps what belongs to the live file beside it."""
        return [self.file.with_name(self.file.name + ending) for ending in copies.SIDECARS]

    def held_a_file(self) -> bool:
        """Whether a live file once was here, going by what it leaves behind."""
        traces = [self.mark, *self.sidecars()]
        return any(trace.exists() for trace in traces) or bool(self.kept())

    def kept(self) -> list[Path]:
        """Copies and replaced files in live/, newest first."""
        found = [*self.live.glob("before-*.sqlite"), *self.live.glob("replaced-*.sqlite")]
        return sorted(found, key=lambda path: path.stat().st_mtime, reverse=True)

    def set_aside(self, path: Path, name: str) -> Path | None:
        """Give a file a second name in live/, so that what replaces it does not destroy it."""
        if not path.exists():
            return None
        target = self.live / name
        try:
            target.hardlink_to(path)
        except OSError:  # another file system, or one without links
            shutil.copy2(path, target)
        return target

    def quarantine_sidecars(self) -> Path | None:
        """Move away what lies beside a copy: it belongs to a file that is no longer there."""
        stale = [path for path in self.sidecars() if path.exists()]
        if not stale:
            return None
        target = self.live / f"quarantine-{stamp()}"
        target.mkdir(mode=0o700, exist_ok=True)
        for path in stale:
            path.replace(target / path.name)
        copies.fsync_folder(target)
        copies.fsync_folder(self.live)
        return target

    def need_room(self, for_file: Path, min_free_mb: int) -> None:
        """Raise NoRoom unless a copy of `for_file` fits and leaves the reserve free."""
        if not has_room(self.live, for_file.stat().st_size, min_free_mb):
            raise NoRoom(
                f"The disk of {self.path} has too little room for the copy that must be taken"
                " first: free some and start again."
            )


def has_room(folder: Path, size_bytes: int, min_free_mb: int) -> bool:
    """Whether a copy of that size fits and leaves the reserve free."""
    wanted = size_bytes * copies.ROOM_FACTOR + min_free_mb * MEGABYTE
    return shutil.disk_usage(folder).free >= wanted


def stamp(ms: int | None = None) -> str:
    """A time as it stands in file names: 20260419T184210Z."""
    at = clock.now_ms() if ms is None else ms
    return datetime.fromtimestamp(at // 1000, UTC).strftime("%Y%m%dT%H%M%SZ")


def file_system(path: Path, mounts: Path = MOUNTS) -> str:
    """The type of the file system `path` lies on or will lie on; empty where it is not told."""
    try:
        lines = mounts.read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return ""
    real = path.resolve()
    best, kind = -1, ""
    for line in lines:
        _, point, type_name, *_ = line.split(" ")
        folder = Path(OCTAL.sub(lambda digits: chr(int(digits[1], 8)), point))
        if real.is_relative_to(folder) and len(folder.parts) >= best:
            best, kind = len(folder.parts), type_name
    return kind


def read_key(settings: Settings, environ: Mapping[str, str] = os.environ) -> bytes | None:
    """The key of the file: from storage.key_file, else the systemd credential `db.key`, else none.

    32 raw bytes, or 64 hexadecimal digits. Raises WrongKey when there is one that cannot be used.
    """
    path = settings.storage.key_file
    if path is None:
        credentials = environ.get("CREDENTIALS_DIRECTORY")
        path = Path(credentials, "db.key") if credentials else None
        if path is None or not path.exists():
            return None
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise WrongKey(f"The key file {path} cannot be read: {error.strerror}.") from None
    if len(raw) == KEY_BYTES:
        return raw
    try:
        key = bytes.fromhex(raw.decode("ascii").strip())
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise WrongKey(
            f"The key file {path} must hold 32 raw bytes or 64 hexadecimal digits, nothing else."
        )
    return key
