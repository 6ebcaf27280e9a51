"""The command line of the box with one extra task that notes how late the event loop wakes it."""

import asyncio
import json
import os
import sys
import time
from pathlib import Path
from socket import socket

from scriptrun_box.cli import main
from scriptrun_box.kernel.server import Server

TICK_SECONDS = 0.001
MOST_TICKS = 1_000_000
PROBE_FILE = Path(os.environ["BENCH_PROBE_FILE"])


class Probe:
    """Sleeps a millisecond again and again; every tick that comes late is a stall of the loop."""

    def __init__(self) -> None:
        self.ticks: list[tuple[float, float]] = []  # (monotonic seconds, milliseconds late)
        self.task: asyncio.Task[None] | None = None

    async def watch(self) -> None:
        while len(self.ticks) < MOST_TICKS:
            before = time.monotonic()
            await asyncio.sleep(TICK_SECONDS)
            now = time.monotonic()
            self.ticks.append((now, (now - before - TICK_SECONDS) * 1000))

    def install(self) -> None:
        """Begin when the server starts, write the file when it shuts down."""
        startup, shutdown = Server.startup, Server.shutdown

        async def started(server: Server, sockets: list[socket] | None = None) -> None:
            self.task = asyncio.create_task(self.watch())
            await startup(server, sockets)

        async def stopped(server: Server, sockets: list[socket] | None = None) -> None:
            if self.task:
                self.task.cancel()
            PROBE_FILE.write_text(json.dumps(self.ticks))
            await shutdown(server, sockets)

        Server.startup = started  # type: ignore[assignment,method-assign]
        Server.shutdown = stopped  # type: ignore[assignment,method-assign]


if __name__ == "__main__":
    Probe().install()
    sys.exit(main())
