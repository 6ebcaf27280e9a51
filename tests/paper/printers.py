"""A label printer of our own on the loopback: what came in, and each way one can misbehave."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

Manners = Callable[["FakePrinter", asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
END = b"^XZ\n"


@dataclass
class FakePrinter:
    """What it was sent, connection by connection."""

    port: int = 0
    got: list[bytearray] = field(default_factory=list)
    manners: Manners | None = None
    news: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def labels(self) -> list[bytes]:
        """Every label it was sent whole."""
        return [part + END for each in self.got for part in bytes(each).split(END)[:-1]]

    async def until(self, count: int) -> None:
        """Wait until it has so many labels."""
        async with asyncio.timeout(10):
            while len(self.labels) < count:
                self.news.clear()
                await self.news.wait()


async def read_all(
    printer: FakePrinter, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """As most do: take everything, say nothing."""
    while data := await reader.read(4096):
        printer.got[-1] += data
        printer.news.set()


async def hang(
    printer: FakePrinter, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Out of paper: it takes the connection and nothing else."""
    await asyncio.sleep(60)


def break_after(count: int) -> Manners:
    """Switched off after so many labels."""

    async def manners(
        printer: FakePrinter, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        while data := await reader.read(256):
            printer.got[-1] += data
            printer.news.set()
            if len(printer.labels) >= count:
                made = writer.get_extra_info("socket")
                made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()
                return

    return manners


@asynccontextmanager
async def printing(manners: Manners = read_all) -> AsyncIterator[FakePrinter]:
    """A printer that listens, with a small receive buffer as printers have."""
    printer = FakePrinter(manners=manners)
    serving: list[asyncio.Task[None]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        printer.got.append(bytearray())
        assert printer.manners is not None
        try:
            await printer.manners(printer, reader, writer)
        except OSError:
            pass
        finally:
            writer.transport.abort()

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.append(asyncio.create_task(serve(reader, writer)))

    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    made.bind(("127.0.0.1", 0))
    server = await asyncio.start_server(begin, sock=made, limit=256)
    printer.port = made.getsockname()[1]
    try:
        yield printer
    finally:
        server.close()
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)
        await asyncio.sleep(0)  # an aborted connection is closed on the loop's next turn


def unused_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
