"""Makes packets one after the other while the box runs, and takes them away after their hour.

Packets are rows: one that a stop cut short is made anew after the next start. Their files are not:
none is readable, or there at all, in another process.
"""

import asyncio
import errno
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from scriptrun_box.accounts import store as accounts
from scriptrun_box.accounts.names import actor_name
from scriptrun_box.kernel import audit, clock
from scriptrun_box.kernel.clock import iso
from scriptrun_box.kernel.db import Database, Reader, Signal
from scriptrun_box.kernel.disk import Disk
from scriptrun_box.kernel.errors import DiskFull
from scriptrun_box.kernel.log import log
from scriptrun_box.kernel.scope import Scope

from . import actions, records
from .book import Book
from .drawing import Drawer
from .model import Cover, Packet
from .sealed import Sealed

BATCH = 8  # packages read at a time: with their pictures some two megabytes
PROGRESS_SECONDS = 0.5  # between two notes of progress


class Stopped(Exception):
    """The box ends: what is being made is made anew after its next start."""


class Packets:
    """`start`, `tick` now and then, `stop`."""

    def __init__(self, db: Database, folder: Path, disk: Disk) -> None:
        self._db = db
        self._folder = folder
        self._disk = disk
        self._drawer = Drawer()
        self._sealed: dict[str, Sealed] = {}  # the files of this process, by packet
        self._task: asyncio.Task[None] | None = None
        self._stopped = False

    async def start(self) -> None:
        """Nothing of the last process's packets is left; what waited, or was being made, waits."""
        await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)
        await self._db.write(actions.restart)
        self._go_on()

    def heard(self, signals: list[Signal]) -> None:
        """A packet was asked for."""
        if any(signal.topic == actions.QUEUED for signal in signals):
            self._go_on()

    async def tick(self) -> None:
        """Take away what had its hour; look for what was left behind."""
        if self._sealed:
            for packet_id in await self._db.write(actions.take_away):
                await asyncio.to_thread(self._take_away, packet_id)
        self._go_on()

    async def stop(self) -> None:
        """End with the box, and leave no file."""
        self._stopped = True
        await self._drawer.stop()
        if self._task is not None:
            await self._task
        await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)

    def read(self, packet: Packet) -> AsyncIterator[bytes]:
        """The file of a packet that is ready, piece by piece; raises Conflict once it is gone."""
        try:
            return _streamed(self._sealed[packet.id].read())
        except (KeyError, FileNotFoundError):
            raise actions.not_ready() from None

    def _go_on(self) -> None:
        if not self._stopped and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._work(), name="packets")

    async def _work(self) -> None:
        try:
            await self._work_off()
        except Exception as error:  # the file cannot be written, say: the next tick tries again
            log.failure("packets have to wait", error)

    async def _work_off(self) -> None:
        while not self._stopped and (packet := await self._db.write(actions.claim)):
            try:
                await self._make(packet)
            except Stopped:
                return
            except (DiskFull, OSError) as error:
                full = isinstance(error, DiskFull) or error.errno in (errno.ENOSPC, errno.EDQUOT)
                await self._fail(packet, "disk_full" if full else "internal", error)
            except Exception as error:
                await self._fail(packet, "internal", error)

    async def _fail(self, packet: Packet, reason: str, error: Exception) -> None:
        log.failure("a packet could not be made", error)
        await asyncio.to_thread(self._take_away, packet.id)
        await self._db.write(actions.fail, packet, reason)

    async def _make(self, packet: Packet) -> None:
        """Read a few packages, write them, and again; then the log, and the manifest last."""
        await asyncio.to_thread(self._folder.mkdir, mode=0o700, exist_ok=True)
        sealed = self._sealed[packet.id] = Sealed(self._folder / f"{packet.id}.zip")
        book = await asyncio.to_thread(Book, sealed)
        try:
            await self._fill(book, packet)
            cover, chain = await self._db.read(_cover, packet)
            pdf = await self._drawer.draw(cover, book.lines, book.signatures)
            self._go_on_or_stop()
            digest = await asyncio.to_thread(book.finish, cover, chain, pdf)
        finally:
            await asyncio.to_thread(book.drop)
        size = sealed.path.stat().st_size
        await self._db.write(actions.finish, packet, size, digest)

    async def _fill(self, book: Book, packet: Packet) -> None:
        scope, told_at = Scope(packet.tenant_id, packet.test), clock.monotonic()
        for at in range(0, packet.packages, BATCH):
            self._go_on_or_stop()
            wanted = packet.package_ids[at : at + BATCH]
            sheets = await self._db.read(records.gather, scope, wanted, at + 1)
            await asyncio.to_thread(book.add, sheets)
            if clock.monotonic() - told_at >= PROGRESS_SECONDS:
                told_at = clock.monotonic()
                await self._db.write(actions.progress, packet, min(at + BATCH, packet.packages))

    def _go_on_or_stop(self) -> None:
        if self._stopped:
            raise Stopped
        self._disk.check()

    def _take_away(self, packet_id: str) -> None:
        sealed = self._sealed.pop(packet_id, None)
        if sealed is not None:
            sealed.path.unlink(missing_ok=True)


async def _streamed(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
        yield piece


def _cover(r: Reader, packet: Packet) -> tuple[Cover, tuple[int, str]]:
    place = accounts.locations(r, packet.tenant_id)[0]
    cover = Cover(
        packet=packet.id,
        kind=packet.kind,
        pharmacy=place.name,
        made_at=iso(clock.now_ms()),
        made_by=actor_name(r, packet.tenant_id, packet.created_by),
        sandbox=packet.test,
        time_zone=place.time_zone,
    )
    return cover, audit.head(r)
