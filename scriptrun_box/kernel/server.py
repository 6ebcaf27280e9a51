"""The HTTP server: uvicorn behind the guard, stopped quickly and cleanly by one signal."""

import asyncio
import errno
import logging
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import cast

import uvicorn
from starlette.types import ASGIApp

from . import sdnotify
from .door import Door
from .guard import Guard, sweep
from .log import log

BACKLOG = 512  # connections the kernel holds for us
KEEP_ALIVE_SECONDS = 15  # between two requests; pharmacy systems poll
GRACE_SECONDS = 5  # for requests under way when asked to stop; 5 more for the app to end
FORCED_EXIT = 1  # exit status after a second signal
TICKS_PER_SWEEP = 10  # uvicorn ticks ten times a second
ANY_ADDRESS = ("", "*", "::")
NO_IPV6 = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)


class CannotListen(Exception):
    """The address or the certificate cannot be used; the text is one sentence for the owner."""

    def __init__(self, what: str, error: OSError) -> None:
        self.in_use = error.errno == errno.EADDRINUSE
        why = "another program uses it" if self.in_use else error.strerror or str(error)
        super().__init__(f"The box cannot {what}: {why}.")


class Server(uvicorn.Server):
    """uvicorn's server with our sockets, the guard's sweep, and an exit that does not wait.

    `started` tells whether it ever listened; `port` which port that was (for a configured 0).
    """

    ticks_per_sweep = TICKS_PER_SWEEP

    def __init__(
        self, config: uvicorn.Config, on_exit: Callable[[], None], is_well: Callable[[], bool]
    ) -> None:
        super().__init__(config)
        self.port = config.port
        self._on_exit = on_exit
        self._is_well = is_well
        self._watchdog_seconds = sdnotify.watchdog_seconds()
        self._watchdog_due = 0.0

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve on a loop of its own until stopped."""
        super().run(sockets)
        if self.force_exit:
            log.flush()
            os._exit(FORCED_EXIT)  # the app was not asked to end, so its threads never would

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Run until stopped; raises CannotListen before anything of the app has started."""
        with self.capture_signals():
            self._load()
            await self._serve(sockets)
            # uvicorn raises the signal again when done; a stop that was asked for is a success.
            self._captured_signals.clear()

    def _load(self) -> None:
        try:
            self.config.load()
        except OSError as error:  # ssl.SSLError is one
            raise CannotListen("use its TLS certificate and key", error) from error

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Bind, start the app, then listen: nobody is let in before the app is ready."""
        config = self.config
        _relay_logs()
        sockets = sockets or bind(config.host, config.port)
        self.port = sockets[0].getsockname()[1]
        await self.lifespan.startup()
        if self.lifespan.should_exit:
            for each in sockets:
                each.close()
            self.should_exit = True
            return
        try:
            self.servers = await self._listen(sockets)
        except OSError as error:
            await self.lifespan.shutdown()
            raise CannotListen(_listen_on(config.host, self.port), error) from error
        self.started = True
        sdnotify.notify("READY=1")

    async def _listen(self, sockets: list[socket.socket]) -> list[asyncio.Server]:
        config, loop = self.config, asyncio.get_running_loop()
        if config.ssl is None:
            return [
                await loop.create_server(self._protocol, sock=each, backlog=config.backlog)
                for each in sockets
            ]
        limits = cast(type[Guard], config.http_protocol_class).limits
        inside = self.server_state.connections
        door = Door(sockets, config.backlog, config.ssl, self._protocol, inside, limits)
        return [cast(asyncio.Server, door)]

    def _protocol(self) -> Guard:
        guard: Guard = self.config.http_protocol_class(  # type: ignore[assignment,call-arg]
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return guard

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second: whether to exit. Once a second: look at every connection."""
        now = asyncio.get_running_loop().time()
        for each in self.servers:
            if isinstance(each, Door):
                each.check(now)
        if counter % self.ticks_per_sweep == 0:
            sweep(self.server_state.connections, now)
        if self._watchdog_seconds and now >= self._watchdog_due and self._is_well():
            self._watchdog_due = now + self._watchdog_seconds
            sdnotify.notify("WATCHDOG=1")
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close the open streams, let requests under way end, then let the app end."""
        sdnotify.notify("STOPPING=1")
        self._on_exit()
        await super().shutdown(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """First signal: stop in good order. Second: stop now."""
        if self.should_exit:
            self.force_exit = True
        super().handle_exit(sig, frame)


def build_server(
    app: ASGIApp,
    *,
    host: str,
    port: int,
    tls_cert: Path | None = None,
    tls_key: Path | None = None,
    on_exit: Callable[[], None] = lambda: None,
    is_well: Callable[[], bool] = lambda: True,
    guard: type[Guard] = Guard,
) -> Server:
    """A server ready to `run()`; `on_exit` closes the streams that would never end.

    `is_well` decides whether systemd's watchdog is told so; when it stays silent, systemd restarts.
    `host` "" or "::" means all addresses of the machine, IPv4 and IPv6.
    """
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        http=guard,
        loop="none" if sys.platform == "win32" else "uvloop",
        ws="none",
        lifespan="on",
        interface="asgi3",
        log_config=None,
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
        ssl_certfile=tls_cert,
        ssl_keyfile=tls_key,
    )
    return Server(config, on_exit, is_well)


def bind(host: str, port: int) -> list[socket.socket]:
    """Sockets bound to the address, all to one port; raises CannotListen."""
    name = None if host in ANY_ADDRESS else host
    bound: list[socket.socket] = []
    try:
        found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, _, _, _, address in sorted(set(found), key=lambda entry: entry[0]):
            where = (address[0], bound[0].getsockname()[1] if bound else port, *address[2:])
            try:
                bound.append(_bind_one(family, where))
            except OSError as error:
                if not bound or error.errno not in NO_IPV6:
                    raise
    except OSError as error:
        for each in bound:
            each.close()
        raise CannotListen(_listen_on(host, port), error) from error
    return bound


def _listen_on(host: str, port: int) -> str:
    return f"listen on port {port} of {'all addresses' if host in ANY_ADDRESS else host}"


def _bind_one(family: socket.AddressFamily, address: tuple[str | int, ...]) -> socket.socket:
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.bind(address)
    except OSError:
        made.close()
        raise
    return made


class _Relay(logging.Handler):
    """What uvicorn and asyncio say, in the box's log; of an exception only its kind and place."""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            log.failure("server", error)
        elif not record.getMessage().startswith("Traceback"):  # the app has logged what failed
            log.warning("server", says=record.getMessage())


_RELAY = _Relay(logging.WARNING)


def _relay_logs() -> None:
    for name in ("uvicorn.error", "asyncio"):
        logger = logging.getLogger(name)
        logger.propagate = False
        if _RELAY not in logger.handlers:
            logger.addHandler(_RELAY)
