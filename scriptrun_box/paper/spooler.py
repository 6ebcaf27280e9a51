"""Sends labels to printers: a lane for each printer with work, so one that hangs holds up nobody.

Jobs are rows; what is here can be thrown away at any moment. A printer on port 9100 takes bytes and
says nothing: "sent" means that it took them, a label at a time.
"""

import asyncio
import socket
from ipaddress import IPv4Network, IPv6Network

from scriptrun_box.kernel.addresses import AddressRefused, find_local
from scriptrun_box.kernel.db import Database, Reader, Signal
from scriptrun_box.kernel.log import log
from scriptrun_box.kernel.resolver import Address, NameNotFound, Resolver

from . import actions, gather
from .model import Job, Printer

CONNECT_SECONDS = 5.0  # for one address
LABEL_SECONDS = 60.0  # until a printer takes one more: somebody may be changing the paper
END_SECONDS = 3.0  # for the printer to hang up; many never do
SEND_BUFFER_BYTES = 4 * 1024  # small, so that what counts as sent has left the box
MAX_ADDRESSES = 3
RETRY_WRITE_SECONDS = 1.0
Network = IPv4Network | IPv6Network


class NotSent(Exception):
    """Why a job ends here: a code of REASON_WORDS."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Stopped(Exception):
    """Somebody cancelled the job while it was being sent."""


class Spooler:
    """Sends what is queued. `start`, `tick` now and then, `stop`."""

    def __init__(
        self,
        db: Database,
        networks: tuple[Network, ...],
        own_ports: frozenset[int],
        resolver: Resolver | None = None,
        label_seconds: float = LABEL_SECONDS,
        connect_seconds: float = CONNECT_SECONDS,
    ) -> None:
        self._db = db
        self._networks = networks
        self._own_ports = own_ports
        self._resolver = resolver or Resolver()
        self._label_seconds = label_seconds
        self._connect_seconds = connect_seconds
        self._lanes: dict[str, asyncio.Task[None]] = {}
        self._looking: set[asyncio.Task[None]] = set()
        self._stopping = False
        db.listen(self._heard)

    async def start(self) -> None:
        """Say of what a crash cut short that it failed, then begin."""
        cut = await self._db.write(actions.interrupt)
        if cut:
            log.info("print jobs were interrupted", count=cut)
        await self.tick()

    async def tick(self) -> None:
        """Open a lane for every printer that something is queued for."""
        for printer_id in await self._db.read(actions.waiting):
            if printer_id not in self._lanes and not self._stopping:
                lane = asyncio.create_task(self._lane(printer_id), name="printer")
                self._lanes[printer_id] = lane

    async def stop(self) -> None:
        """Send no more; what was under way is said to have failed."""
        self._stopping = True
        ending = [*self._lanes.values(), *self._looking]
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)
        await self._db.write(actions.interrupt)

    async def check(self, host: str, port: int) -> None:
        """Raise Invalid where a printer must not be, as things stand."""
        try:
            await self._find(host, port)
        except AddressRefused as refused:
            raise actions.invalid("host", "not_allowed", refused.sentence) from None
        except NameNotFound:
            sentence = "This name is not known on this network."
            raise actions.invalid("host", "not_allowed", sentence) from None

    def _heard(self, signals: list[Signal]) -> None:
        if any(each.topic == actions.QUEUED for each in signals):
            self._look()

    def _look(self) -> None:
        if not self._stopping:
            looking = asyncio.create_task(self.tick(), name="printers")
            self._looking.add(looking)
            looking.add_done_callback(self._looking.discard)

    async def _find(self, host: str, port: int) -> tuple[Address, ...]:
        return await find_local(host, self._networks, self._own_ports, port, self._resolver)

    async def _lane(self, printer_id: str) -> None:
        try:
            while taken := await self._db.write(actions.claim, printer_id):
                await self._send(*taken)
        except Exception as error:  # a full disk, say: the next tick begins anew
            log.failure("a printer's lane ended", error)
            await asyncio.sleep(RETRY_WRITE_SECONDS)
        finally:
            self._lanes.pop(printer_id, None)
            self._look()  # something may have come just as this lane found nothing more

    async def _send(self, job: Job, printer: Printer) -> None:
        """One job from its first label not sent on, and how it ended."""
        sent = _Sent(job.sent)
        try:
            await self._deliver(job, printer, sent)
            await self._db.write(actions.finish, job, sent.labels)
        except Stopped:
            return
        except NotSent as failure:
            await self._db.write(actions.fail, job, failure.reason, sent.labels)
        except Exception as error:
            log.failure("a print job failed", error)
            await self._db.write(actions.fail, job, "internal", sent.labels)

    async def _deliver(self, job: Job, printer: Printer, sent: "_Sent") -> None:
        pages = await self._db.read(_drawn, job, printer.dpi)
        if not any(pages):
            raise NotSent("gone")
        try:
            addresses = await self._find(printer.host, printer.port)
        except AddressRefused:
            raise NotSent("not_allowed") from None
        except NameNotFound:
            raise NotSent("unknown_name") from None
        reader, writer = await self._connect(addresses[:MAX_ADDRESSES], printer.port)
        try:
            for page in pages:
                await self._hand_over(writer, page)
                sent.labels += 1
                if not await self._db.write(actions.progress, job, sent.labels):
                    raise Stopped
            await _hang_up(reader, writer)
        except OSError:
            raise NotSent("closed") from None
        finally:
            writer.transport.abort()

    async def _connect(
        self, addresses: tuple[Address, ...], port: int
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reason = "unreachable"
        for address in addresses:
            family = socket.AF_INET if address.version == 4 else socket.AF_INET6
            made = socket.socket(family, socket.SOCK_STREAM)
            made.setblocking(False)
            made.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
            try:
                async with asyncio.timeout(self._connect_seconds):
                    await asyncio.get_running_loop().sock_connect(made, (str(address), port))
                    reader, writer = await asyncio.open_connection(sock=made)
            except BaseException as error:
                made.close()
                if not isinstance(error, OSError):  # a timeout is one of them
                    raise
                reason = "refused" if isinstance(error, ConnectionRefusedError) else "unreachable"
                continue
            writer.transport.set_write_buffer_limits(high=0)
            return reader, writer
        raise NotSent(reason)

    async def _hand_over(self, writer: asyncio.StreamWriter, page: bytes) -> None:
        """Wait until the printer has taken this label."""
        try:
            async with asyncio.timeout(self._label_seconds):
                writer.write(page)
                await writer.drain()
        except TimeoutError:
            raise NotSent("stalled") from None


class _Sent:
    """How many labels the printer took so far."""

    def __init__(self, labels: int) -> None:
        self.labels = labels


async def _hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Say that this was all, and give the printer a moment to break off or to hang up too."""
    writer.write_eof()
    try:
        async with asyncio.timeout(END_SECONDS):
            while await reader.read(1024):
                pass
    except TimeoutError:
        pass


def _drawn(r: Reader, job: Job, dpi: int) -> list[bytes]:
    """What is left of a job in the printer's language; nothing for a package that ended since."""
    if job.kind == "test":
        return [gather.test_label(r, job, dpi)]
    return gather.pages(r, job, dpi)[job.sent :]
