"""A receiver as lean as can be, in a process of its own: it notes what came when.

Run as `python -m benchmarks.sink`; prints its port. POST anything is 200, /hang never answers, GET
/arrivals tells [[event id, monotonic seconds]] since the last time it was asked.
"""

import asyncio
import json
import time

HEAD = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: "


class Sink(asyncio.Protocol):
    """One connection with one request."""

    arrivals: list[tuple[str, float]] = []  # noqa: RUF012 - of all connections together

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.got = b""

    def data_received(self, data: bytes) -> None:
        self.got += data
        head, _, body = self.got.partition(b"\r\n\r\n")
        if self.got.startswith(b"GET"):
            told = json.dumps(self.arrivals).encode()
            self.arrivals.clear()
            self._answer(told)
        else:
            rest = head.lower().partition(b"content-length: ")[2]
            if len(body) < int(rest.partition(b"\r\n")[0] or 0) or b"POST /hang" in head:
                return
            event = head.lower().partition(b"webhook-id: ")[2].partition(b"\r\n")[0]
            self.arrivals.append((event.decode(), time.monotonic()))
            self._answer(b"ok")

    def _answer(self, body: bytes) -> None:
        self.transport.write(HEAD + b"%d\r\n\r\n" % len(body) + body)
        self.transport.close()


async def _main() -> None:
    server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", 0, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main())
