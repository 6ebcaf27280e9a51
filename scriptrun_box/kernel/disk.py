"""Free space: writes are refused before the disk is full, while deleting and folding still work.

The floor itself (`storage.min_free_mb`) is the reserve: no ballast file is needed, as a box that
stops at the floor keeps those megabytes for the write-ahead log, a purge and a checkpoint.
"""

import os
import resource
from pathlib import Path

from . import clock
from .errors import DiskFull

MEGABYTE = 1024 * 1024
LAST_MB = 1  # kept even where the owner wants no reserve: SQLite itself needs room to recover
CACHE_SECONDS = 1.0  # a full-rate load writes a few megabytes in that time


class Disk:
    """The file system of the live folder against the floor."""

    def __init__(self, folder: Path, min_free_mb: int) -> None:
        self._folder = folder
        self._min_free_mb = max(min_free_mb, LAST_MB)
        self._free_mb = 0
        self._file_limit = resource.RLIM_INFINITY
        self._looked_at = float("-inf")

    def free_mb(self) -> int:
        """Megabytes this user may still write; at most a second old."""
        now = clock.monotonic()
        if now - self._looked_at >= CACHE_SECONDS:
            state = os.statvfs(self._folder)
            self._free_mb = state.f_bavail * state.f_frsize // MEGABYTE
            self._file_limit = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
            self._looked_at = now
        if self._file_limit == resource.RLIM_INFINITY:
            return self._free_mb
        return min(self._free_mb, self._room_to_grow() // MEGABYTE)

    def _room_to_grow(self) -> int:
        """Bytes until a file reaches the size this process may write (RLIMIT_FSIZE).

        To SQLite that limit is an I/O error, after which the box has to end: so it stops before.
        """
        with os.scandir(self._folder) as entries:
            sizes = [each.stat().st_size for each in entries if each.is_file()]
        return self._file_limit - max(sizes, default=0)

    def is_low(self) -> bool:
        """Whether the floor is reached: readiness is red and writes are refused."""
        return self.free_mb() < self._min_free_mb

    def check(self) -> None:
        """Raise DiskFull when the floor is reached; called before a write."""
        if self.is_low():
            raise DiskFull()
