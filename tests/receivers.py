"""A real HTTP server on this machine whose manners a test chooses, and a list of what it got."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class Hit:
    """One request as it came off the wire; header names keep their casing."""

    method: str
    path: str
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str:
        """The value of the one header of that name."""
        (value,) = [value for key, value in self.headers if key.lower() == name.lower()]
        return value


Manners = Callable[[Hit, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def answer(status: int = 200, body: bytes = b"ok", **headers: str) -> Manners:
    """Manners: this status, these headers (underscores for dashes) and this body."""
    lines = [f"HTTP/1.1 {status} Because", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    raw = "\r\n".join(lines).encode() + b"\r\n\r\n" + body

    async def manners(hit: Hit, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(raw)
        await writer.drain()

    return manners


async def hang(hit: Hit, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Manners: never answer."""
    await reader.read()


async def reset(hit: Hit, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Manners: slam the door (RST) after the request."""
    writer.transport.abort()


@dataclass
class Receiver:
    """A listening receiver: change `manners` at any time, look at `hits`."""

    port: int = 0
    host: str = "127.0.0.1"
    scheme: str = "http"
    manners: Manners = field(default_factory=answer)
    hits: list[Hit] = field(default_factory=list)
    connections: int = 0
    _arrived: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}/hook"

    async def got(self, count: int, seconds: float = 5.0) -> list[Hit]:
        """Wait until so many requests came."""
        async with asyncio.timeout(seconds), self._arrived:
            await self._arrived.wait_for(lambda: len(self.hits) >= count)
        return self.hits

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            hit = await _read(reader)
            self.hits.append(hit)
            async with self._arrived:
                self._arrived.notify_all()
            await self.manners(hit, reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()


async def _read(reader: asyncio.StreamReader) -> Hit:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, path, _ = head[0].split(" ")
    headers = [(name, value) for name, _, value in (line.partition(": ") for line in head[1:-2])]
    length = next((int(v) for n, v in headers if n.lower() == "content-length"), 0)
    return Hit(method, path, headers, await reader.readexactly(length))


@asynccontextmanager
async def receiving(
    manners: Manners | None = None,
    *,
    host: str = "127.0.0.1",
    tls: ssl.SSLContext | None = None,
    port: int = 0,
) -> AsyncIterator[Receiver]:
    """A receiver for the length of a `with` block."""
    receiver = Receiver(host=host, scheme="https" if tls else "http")
    if manners is not None:
        receiver.manners = manners
    tasks: set[asyncio.Task[None]] = set()

    def start(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(receiver._serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(start, host, port, ssl=tls)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
