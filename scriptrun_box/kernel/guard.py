"""The guard under uvicorn: the app sees whole, plainly framed requests that arrived in good time.

uvicorn with httptools has no limit on a request's head, no deadline while a request is received
and no cap per address. This protocol class scans each head once, before the parser, follows each
body to its end, and is looked at once a second by `sweep` instead of having timers of its own.
Pipelined requests wait their turn here, so the parser never holds more than one.
"""

from asyncio import Transport
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto
from math import inf
from typing import Any, ClassVar, cast

from httptools import HttpParserError
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.protocols.utils import get_remote_addr

from . import framing, ids
from .errors import Refusal, RequestTimeout, Unavailable
from .http import NO_STORE, SECURITY_HEADERS
from .log import log
from .outlet import Outlet

MIB = 1024 * 1024
RETRY_AFTER_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Limits:
    """What one connection may take: counts, bytes, seconds."""

    connections: int = 400
    connections_per_address: int = 64  # loopback is exempt
    silent_seconds: float = 0.25  # without a request, after which a full house lets one go
    head_bytes: int = framing.HEAD_BYTES
    handshake_seconds: float = 10.0  # from connecting to the end of TLS's greetings
    first_byte_seconds: float = 10.0
    head_seconds: float = 10.0
    body_seconds: float = 30.0
    big_body_bytes: int = MIB  # a larger body may take longer, in steps of body_seconds,
    big_body_bytes_per_second: int = 16_000  # as long as it keeps this rate
    discard_bytes: int = MIB  # of a body whose answer is already given
    linger_seconds: float = 2.0  # for the client to read a last answer
    write_seconds: float = 30.0  # without the client taking anything


class Stage(Enum):
    """Where a connection stands with the bytes it receives."""

    READY = auto()  # for a request, or for the answer to the last one
    HEAD = auto()  # some of a head is here
    BODY = auto()
    LEAVING = auto()  # the last word is said; what still comes is thrown away


class Guard(HttpToolsProtocol):
    """uvicorn's httptools protocol behind the limits; one per connection."""

    limits: ClassVar[Limits] = Limits()

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        self._stage = Stage.READY
        self._since = self.loop.time()  # of the stage, or of the present step of a body
        self._held = bytearray()  # received, not yet for the parser
        self._left = 0  # bytes of the body still to come
        self._chunks: framing.Chunks | None = None  # where the body does not say its length
        self._body_bytes = 0  # of the body: announced, or received where it is chunked
        self._step_bytes = 0  # received since `_since`
        self._discarded = 0  # bytes thrown away since the last answer
        self._unsent = 0  # bytes the client had not taken when last looked at
        self._took_at = self._since  # when it was last seen to take some
        self._outlet = Outlet(transport, self._close_softly, self.loop.call_soon)
        if self._is_full(transport):
            self.transport = transport
            self._stage = Stage.LEAVING
            transport.write(self._answer(_too_many_connections()))
            transport.close()
            return
        super().connection_made(transport)

    def _is_full(self, transport: Transport) -> bool:
        limits, others = self.limits, living(self.connections)
        address = (get_remote_addr(transport) or ("",))[0]
        same = [] if is_loopback(address) else coming_from(address, others)
        if len(same) >= limits.connections_per_address:
            return True
        if len(others) < limits.connections:
            return False
        return not let_longest_go(others, limits, self._since)

    def dismiss(self) -> None:
        """Close for the sake of another connection, and say so where an answer may be awaited."""
        if self._stage is not Stage.LEAVING:
            self.transport.write(self._answer(_too_many_connections()))
        self.transport.close()

    def silent_since(self) -> float:
        """Since when nobody would lose a whole request if this connection closed; else infinity."""
        busy = self._stage is Stage.BODY or self._is_answering()
        return inf if busy else self._since

    def data_received(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        while data:
            if self._stage is Stage.BODY:
                data = self._take_body(data)
            elif self._stage is Stage.LEAVING:
                self._discard(len(data))
                return
            elif self._is_answering():
                self._held += data
                self.flow.pause_reading()
                return
            else:
                data = self._take_head(data)

    def _take_head(self, data: bytes) -> bytes:
        """Feed the parser a whole head, with what is here of its body; what follows in `data`."""
        held = self._held
        if held:
            searched = max(len(held) - len(framing.HEAD_END) + 1, 0)
            held += data
            end = held.find(framing.HEAD_END, searched)
        else:
            end = data.find(framing.HEAD_END)
        try:
            if end < 0:
                self._wait_for_head(data)
                return b""
            if held:
                data = bytes(held)
                held.clear()
            end += len(framing.HEAD_END)
            if end > self.limits.head_bytes:
                raise framing.HeadTooLarge()
            head, length = framing.read_head(data[:end])
            body = data[end : end + max(length, 0)]
            self._begin_body(length, len(body))
            self._feed(head + body)
            if self.cycle.more_body is not (self._stage is Stage.BODY):
                raise framing.malformed("the length of its body is not plain")
        except Refusal as refusal:
            self._refuse(refusal)
            return b""
        return data[end + len(body) :]

    def _wait_for_head(self, data: bytes) -> None:
        if not self._held:
            self._held += data
        if len(self._held) > self.limits.head_bytes:
            raise framing.HeadTooLarge()
        if self._stage is Stage.READY or b"\n" in data:
            framing.check_start(self._held)
        if self._stage is Stage.READY:
            self._enter(Stage.HEAD)

    def _begin_body(self, length: int, received: int) -> None:
        self._chunks = framing.Chunks() if length == framing.CHUNKED else None
        self._left = length - received
        self._body_bytes = max(length, 0)
        self._step_bytes = received
        self._enter(Stage.BODY if self._left else Stage.READY)

    def _take_body(self, data: bytes) -> bytes:
        """Feed the parser what `data` holds of the body; what follows it."""
        try:
            if self._chunks is None:
                size = min(self._left, len(data))
                self._left -= size
                done = not self._left
            else:
                end = self._chunks.end_in(data)
                done = end >= 0
                size = end if done else len(data)
                self._body_bytes += size
            self._step_bytes += size
            if done:
                self._enter(Stage.READY)
            self._feed(data[:size])
        except Refusal as refusal:
            self._refuse(refusal)
            return b""
        if not done and self.cycle.response_complete:
            self._discard(size)
        return data[size:]

    def _feed(self, data: bytes) -> None:
        try:
            self.parser.feed_data(data)
        except HttpParserError:
            raise framing.malformed("its bytes cannot be read") from None

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        self.cycle.transport = cast(Transport, self._outlet)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._forget_body()
        if self.transport.is_closing():
            return
        if self._stage is Stage.BODY:
            self._discarded = 0
            if self.expect_100_continue and not self._step_bytes:
                self._leave()  # the client may rightly never send this body
        elif self._stage is Stage.READY:
            self._since = self.loop.time()
            if self._held:
                waiting = bytes(self._held)
                self._held.clear()
                self.data_received(waiting)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._forget_body()
        self._outlet.detach()

    def _forget_body(self) -> None:
        """What the app left unread would else stay until the garbage collector comes by."""
        if self.cycle is not None:
            self.cycle.body = bytearray()

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _enter(self, stage: Stage) -> None:
        self._stage = stage
        self._since = self.loop.time()

    def _refuse(self, refusal: Refusal) -> None:
        """Answer in the app's stead and close; an app at work learns that the client is gone."""
        unanswered = True
        self._outlet.flush()
        if self._is_answering():
            unanswered = not self.cycle.response_started
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if unanswered:
            self.transport.write(self._answer(refusal))
        self._leave()

    def _answer(self, refusal: Refusal) -> bytes:
        request_id = ids.request_id()
        log.info("request refused", status=refusal.status, code=refusal.code, id=request_id)
        body = refusal.body(request_id)
        headers = [
            *self.server_state.default_headers,
            *SECURITY_HEADERS,
            NO_STORE,
            *((name.lower().encode(), value.encode()) for name, value in refusal.headers.items()),
            (b"x-request-id", request_id.encode()),
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
        ]
        lines = b"".join(name + b": " + value + b"\r\n" for name, value in headers)
        return STATUS_LINE[refusal.status] + lines + b"\r\n" + body

    def _close_softly(self) -> None:
        if self._stage is Stage.BODY:
            self._leave()
        else:
            self.transport.close()

    def _leave(self) -> None:
        """Close, but let the client read our last words first.

        Closing a socket that holds unread bytes resets the connection, and many clients then lose
        the answer: so the rest of a request is read and thrown away for a short while.
        """
        self._outlet.flush()
        self._enter(Stage.LEAVING)
        self._discarded = 0
        self._held.clear()
        self.flow.resume_reading()
        if self.transport.can_write_eof() and not self.transport.is_closing():
            self.transport.write_eof()

    def _discard(self, size: int) -> None:
        self._discarded += size
        if self._discarded > self.limits.discard_bytes:
            self.transport.close()

    def check(self, now: float) -> None:
        """Close the connection if it has overstayed in its stage."""
        limits, waited = self.limits, now - self._since
        if self._is_not_reading(now):
            self.transport.abort()
        elif self.transport.is_closing():
            pass
        elif self._stage is Stage.LEAVING:
            if waited > limits.linger_seconds:
                self.transport.close()
        elif self._stage is Stage.HEAD:
            if waited > limits.head_seconds:
                self._refuse(RequestTimeout())
        elif self._stage is Stage.BODY:
            if waited > limits.body_seconds:
                self._end_body_step(now)
        elif not self._is_answering() and waited > self._idle_seconds():
            self.transport.close()

    def _is_not_reading(self, now: float) -> bool:
        """Whether the client has left an answer lying for too long, or is gone without a word."""
        unsent = self.transport.get_write_buffer_size()
        if not unsent or unsent < self._unsent:
            self._took_at = now
        self._unsent = unsent
        return now - self._took_at > self.limits.write_seconds

    def _idle_seconds(self) -> float:
        return self.limits.first_byte_seconds if self.cycle is None else self.timeout_keep_alive

    def _end_body_step(self, now: float) -> None:
        limits = self.limits
        needed = limits.big_body_bytes_per_second * limits.body_seconds
        is_big = self._body_bytes > limits.big_body_bytes
        if self.flow.read_paused or (is_big and self._step_bytes >= needed):
            self._since = now  # the app is the slow one, or a large upload keeps its rate
            self._step_bytes = 0
        else:
            self._refuse(RequestTimeout())

    def shutdown(self) -> None:
        if self._stage is Stage.LEAVING:
            self.transport.close()
        else:
            super().shutdown()


def _too_many_connections() -> Unavailable:
    return Unavailable(
        "Too many connections are open; close some, or try again later.",
        code="too_many_connections",
        headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
    )


def is_loopback(address: str) -> bool:
    """Whether it is this machine's own, to which no limit per address applies."""
    return address.startswith("127.") or address == "::1"


def living(connections: Iterable[Any]) -> list[Guard]:
    """Those that are not about to close."""
    guards = (one for one in connections if isinstance(one, Guard))
    return [one for one in guards if not one.transport.is_closing()]


def coming_from(address: str, guards: Iterable[Guard]) -> list[Guard]:
    """Those of one address."""
    return [one for one in guards if one.client and one.client[0] == address]


def let_longest_go(guards: Iterable[Guard], limits: Limits, now: float) -> bool:
    """Close the connection that has been silent longest, so that idlers keep nobody out."""
    longest = min(guards, key=Guard.silent_since, default=None)
    if longest is None or now - longest.silent_since() < limits.silent_seconds:
        return False
    longest.dismiss()
    return True


def sweep(connections: Iterable[Any], now: float) -> None:
    """Look at every connection once; `now` is the event loop's time."""
    for connection in list(connections):
        if isinstance(connection, Guard):
            connection.check(now)
