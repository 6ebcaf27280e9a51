"""A thousand slow clients in a process of their own: `python -m tests.faults.slow_clients`.

Arguments: the port, the kind, how many. It says "open" when all are, "close" to each that the
server ended, with the seconds it lasted, and ends when all have.
"""

import asyncio
import sys
import time

SOURCES = ("127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5")
HEAD = b"POST /api/webhook/orders HTTP/1.1\r\nHost: localhost\r\n"
HELLO = b"\x16\x03\x01"  # the first bytes of a TLS handshake
BODY = b"Content-Type: application/json\r\nContent-Length: 500\r\n\r\n"
DRIP_SECONDS = 3.0
OPEN_AT_ONCE = 100
PATIENCE_SECONDS = 60.0


async def one(port: int, kind: str, source: str, gate: asyncio.Semaphore) -> float:
    """Connect, dawdle, and wait for the server to end it; how many seconds that took."""
    async with gate:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))
    began = time.monotonic()
    dripping = asyncio.create_task(drip(writer, kind))
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await reader.read()  # to the end
    except (ConnectionError, TimeoutError):
        pass
    finally:
        dripping.cancel()
        writer.transport.abort()
    return time.monotonic() - began


async def drip(writer: asyncio.StreamWriter, kind: str) -> None:
    """What this kind sends; the idle ones and those without a TLS hello send nothing."""
    try:
        if kind == "head":
            writer.write(HEAD)
        elif kind == "body":
            writer.write(HEAD + BODY)
        elif kind == "hello":
            writer.write(HELLO)
        while kind in ("head", "body"):
            await asyncio.sleep(DRIP_SECONDS)
            writer.write(b"X" if kind == "head" else b" ")
            await writer.drain()
    except ConnectionError:
        pass


async def main(port: int, kind: str, count: int) -> None:
    gate = asyncio.Semaphore(OPEN_AT_ONCE)
    sources = [SOURCES[number % len(SOURCES)] for number in range(count)]
    lasting = await asyncio.gather(
        *(one(port, kind, source, gate) for source in sources), return_exceptions=True
    )
    for each in lasting:
        print(-1.0 if isinstance(each, BaseException) else round(each, 3))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
