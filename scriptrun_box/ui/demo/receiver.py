"""The demonstration's receiver: a small HTTP server that verifies events and remembers the last.

It stands where a pharmacy's own server would: on its own port, knowing nothing but the secrets.
"""

import asyncio
import hashlib
import hmac
import json
import socket
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from scriptrun_box.kernel import clock

KEPT = 200  # arrivals
HEAD_MAX_BYTES = 16 * 1024
BODY_MAX_BYTES = 64 * 1024
READ_SECONDS = 10.0
TOLERANCE_SECONDS = 300

Secrets = Callable[[], Awaitable[Sequence[str]]]


@dataclass(frozen=True, slots=True)
class Arrival:
    """One POST that came in."""

    number: int
    at: int
    event: str
    event_id: str
    verified: bool
    test: bool
    body: str


class Receiver:
    """Listens on sockets given to it; `secrets` says which ones may have signed."""

    def __init__(self, sockets: Sequence[socket.socket], secrets: Secrets) -> None:
        self.arrivals: deque[Arrival] = deque(maxlen=KEPT)
        self.count = 0
        self._sockets = sockets
        self._secrets = secrets
        self._servers: list[asyncio.Server] = []

    @property
    def url(self) -> str:
        """Where it takes events."""
        return f"http://127.0.0.1:{self._sockets[0].getsockname()[1]}"

    async def start(self) -> None:
        """Begin to listen."""
        for each in self._sockets:
            server = await asyncio.start_server(self._serve, sock=each, limit=HEAD_MAX_BYTES)
            self._servers.append(server)

    async def stop(self) -> None:
        """Stop listening."""
        for server in self._servers:
            server.close()
        self._servers.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, ValueError, EOFError, TimeoutError, asyncio.LimitOverrunError):
            async with asyncio.timeout(READ_SECONDS):
                headers, body = await _read(reader)
                verified = await self._take_in(headers, body)
                status = b"200 OK" if verified else b"400 Bad Request"
                writer.write(
                    b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                )
                await writer.drain()
        writer.close()

    async def _take_in(self, headers: dict[str, str], body: bytes) -> bool:
        signature, now = headers.get("x-scriptrun-signature", ""), clock.now_ms()
        secrets = await self._secrets()
        verified = any(is_signed(body, signature, secret, now // 1000) for secret in secrets)
        told = _object(body)
        self.count += 1
        self.arrivals.appendleft(
            Arrival(
                number=self.count,
                at=now,
                event=headers.get("x-scriptrun-event", "–"),
                event_id=str(told.get("id", "")),
                verified=verified,
                test=told.get("test") is True,
                body=json.dumps(told, indent=2, ensure_ascii=False),
            )
        )
        return verified


def is_signed(body: bytes, header: str, secret: str, now: int) -> bool:
    """The verification the docs publish: right signature, not older than five minutes."""
    parts = [part.partition("=")[::2] for part in header.split(",")]
    sent_at = dict(parts).get("t", "")
    if not sent_at.isdecimal() or abs(now - int(sent_at)) > TOLERANCE_SECONDS:
        return False
    wanted = hmac.new(secret.encode(), sent_at.encode() + b"." + body, hashlib.sha256).hexdigest()
    return any(
        name == "v1" and hmac.compare_digest(given.encode(), wanted.encode())
        for name, given in parts
    )


async def _read(reader: asyncio.StreamReader) -> tuple[dict[str, str], bytes]:
    """The headers of a request, in lower case, and its body."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    headers = {}
    for line in head.split("\r\n")[1:]:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    length = int(headers.get("content-length", "0"))
    if not 0 <= length <= BODY_MAX_BYTES:
        raise ValueError
    return headers, await reader.readexactly(length)


def _object(body: bytes) -> dict[str, object]:
    try:
        told = json.loads(body)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
