"""The door of a box behind TLS: whoever connects costs a socket until the first byte arrives.

The event loop would build a TLS session of 50 KB for each connection it accepts, and the guard
counts none before its handshake is done. So the box accepts by itself, waits, and counts those at
the door with those inside, against the same limits.
"""

import asyncio
import errno
import socket
import ssl
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from .guard import Guard, Limits, coming_from, is_loopback, let_longest_go, living
from .log import log

ACCEPTED_AT_ONCE = 64  # connections, before the event loop turns to something else
REST_SECONDS = 1.0  # when there are no descriptors left
OUT_OF_MEANS = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
HANDSHAKE_RECORD = b"\x16"  # the first byte of every TLS connection
SHUTDOWN_SECONDS = 5.0  # for the last words of TLS


@dataclass(eq=False, slots=True)
class _Caller:
    """Who has connected and is not inside yet."""

    sock: socket.socket
    address: str
    since: float
    has_spoken: bool = False  # and the handshake is under way


class Door:
    """A server to uvicorn, which calls `close` and `wait_closed`; `check` is to be called often."""

    def __init__(
        self,
        socks: Sequence[socket.socket],
        backlog: int,
        tls: ssl.SSLContext,
        protocol: Callable[[], Guard],
        inside: Collection[Any],
        limits: Limits,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._socks, self._tls, self._protocol = socks, tls, protocol
        self._inside, self._limits = inside, limits
        self._callers: dict[_Caller, None] = {}  # in the order they came
        self._handshakes: set[asyncio.Task[None]] = set()
        self._rests_until = 0.0
        for sock in socks:
            sock.setblocking(False)
            sock.listen(backlog)
        self._listen()

    def close(self) -> None:
        """Let nobody in any more, and send away whoever is at the door."""
        self._rests_until = 0.0
        self._pause()
        for sock in self._socks:
            sock.close()
        for caller in list(self._callers):
            self._send_away(caller)

    async def wait_closed(self) -> None:
        """Until the last handshake has come to its end."""
        await asyncio.gather(*self._handshakes, return_exceptions=True)

    def check(self, now: float) -> None:
        """Send away who has been at the door for too long, and go on after a rest."""
        overdue = now - self._limits.handshake_seconds
        for caller in [each for each in self._callers if each.since <= overdue]:
            self._send_away(caller)
        if 0 < self._rests_until <= now:
            self._rests_until = 0.0
            self._listen()

    def _listen(self) -> None:
        for sock in self._socks:
            self._loop.add_reader(sock, self._accept, sock)

    def _pause(self) -> None:
        for sock in self._socks:
            self._loop.remove_reader(sock)

    def _accept(self, listening: socket.socket) -> None:
        for _ in range(ACCEPTED_AT_ONCE):
            try:
                sock, address = listening.accept()
            except OSError as error:
                if error.errno in OUT_OF_MEANS:
                    self._rest(error)
                return  # else nobody is waiting, or who was is gone
            if not self._has_room_for(address[0]):
                sock.close()
                continue
            sock.setblocking(False)
            caller = _Caller(sock, address[0], self._loop.time())
            self._callers[caller] = None
            self._loop.add_reader(sock, self._hear, caller)

    def _rest(self, error: OSError) -> None:
        """Without descriptors, new ones stay in the kernel's queue for a while."""
        log.warning("no connection can be accepted", says=error.strerror)
        self._pause()
        self._rests_until = self._loop.time() + REST_SECONDS

    def _has_room_for(self, address: str) -> bool:
        inside, limits, now = living(self._inside), self._limits, self._loop.time()
        if not is_loopback(address):
            same = sum(caller.address == address for caller in self._callers)
            if same + len(coming_from(address, inside)) >= limits.connections_per_address:
                return False
        if len(self._callers) + len(inside) < limits.connections:
            return True
        longest = next(iter(self._callers), None)
        if longest and now - longest.since >= limits.silent_seconds:
            self._send_away(longest)
            return True
        return let_longest_go(inside, limits, now)

    def _hear(self, caller: _Caller) -> None:
        """The first byte is here, or the caller has gone."""
        self._loop.remove_reader(caller.sock)
        try:
            caller.has_spoken = caller.sock.recv(1, socket.MSG_PEEK) == HANDSHAKE_RECORD
        except OSError:
            pass  # it reset the connection
        if not caller.has_spoken:
            self._send_away(caller)
            return
        handshake = self._loop.create_task(self._shake_hands(caller))
        self._handshakes.add(handshake)
        handshake.add_done_callback(self._handshakes.discard)

    async def _shake_hands(self, caller: _Caller) -> None:
        try:
            await self._loop.connect_accepted_socket(
                self._protocol, caller.sock, ssl=self._tls, ssl_shutdown_timeout=SHUTDOWN_SECONDS
            )
        except OSError:
            pass  # the caller does not speak our TLS, is gone, or was sent away
        finally:
            self._callers.pop(caller, None)

    def _send_away(self, caller: _Caller) -> None:
        del self._callers[caller]
        if not caller.has_spoken:
            self._loop.remove_reader(caller.sock)
            caller.sock.close()
            return
        with suppress(OSError):
            caller.sock.shutdown(socket.SHUT_RDWR)  # the handshake ends by itself, and closes it
