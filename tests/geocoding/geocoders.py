"""A geocoder of our own on a real socket, with manners that real ones have shown."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

Manner = Callable[[str], bytes | None]  # the address asked about -> the answer's body; None: hangs


class Geocoder:
    """What it was asked, and how it answers."""

    def __init__(self) -> None:
        self.manner: Manner = nobody
        self.status = 200
        self.asked: list[str] = []  # the addresses
        self.heads: list[str] = []  # the whole requests, as they came
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.heads.append(head)
            query = parse_qs(urlsplit(head.split(" ")[1]).query)
            address = (query.get("q") or query["address"])[0]
            self.asked.append(address)
            body = self.manner(address)
            if body is None:
                await asyncio.sleep(3_600)
                return
            start = f"HTTP/1.1 {self.status} .\r\nContent-Length: {len(body)}\r\n\r\n"
            writer.write(start.encode() + body)
            await writer.drain()
        except (ConnectionError, EOFError, asyncio.CancelledError):
            pass
        finally:
            writer.close()


def nobody(address: str) -> bytes:
    """It knows no address."""
    return b"[]"


def hangs(address: str) -> None:
    """It takes the question and never answers."""


def at(lat: Any, lng: Any) -> Manner:
    """Everything is here."""
    return lambda address: json.dumps([{"lat": str(lat), "lon": str(lng)}]).encode()


def rubbish(body: bytes) -> Manner:
    """It answers with these bytes."""
    return lambda address: body


@asynccontextmanager
async def geocoding() -> AsyncIterator[Geocoder]:
    """Runs one, on a free port of this machine."""
    made = Geocoder()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield made
    finally:
        server.close()
