"""HTTP the way every URL of the box speaks it: who may call, one error shape, one log line.

A `Url` is a row of the table in `urls.py`; a `Path` holds the rows of one path and is what
Starlette routes to. Checks come in this order: host, size, gate (key or person, network, rate,
scope, plan), body, handler.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from . import forms, ids, limiter, metrics, strict_json
from .box import Box
from .errors import (
    Internal,
    MethodNotAllowed,
    NotFound,
    Refusal,
    TooLarge,
    Unavailable,
    WrongHost,
)
from .log import log
from .scope import Actor
from .scope import Scope as DataScope
from .shapes import Model, checked

JSON_BODY_BYTES = 1024 * 1024
METHODS = frozenset("GET HEAD POST PUT PATCH DELETE OPTIONS TRACE CONNECT".split())
FORM_BYTES_AT_ONCE = 256 * 1024
NO_BODY_BYTES = 64 * 1024  # where no body is expected, a small one is tolerated and ignored
CSP = (
    "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none';"
    " frame-ancestors 'none'; form-action 'self'"
)
SECURITY_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", CSP.encode()),
    (b"referrer-policy", b"same-origin"),  # with no-referrer, forms would say "Origin: null"
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
]
NO_STORE = (b"cache-control", b"no-store")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, and whose data the call may touch."""

    scope: DataScope
    actor: Actor


class Call(Request):
    """One request on its way through the gate to its handler."""

    box: Box
    url_row: "Url"
    request_id: str
    caller: Caller
    room: limiter.Room | None = None
    content: bytes = b""
    _by_name: dict[bytes, bytes] | None = None
    _posted: forms.Form | None = None

    def json(self) -> Any:
        """The strictly read JSON body, which must be an object; raises Invalid."""
        return strict_json.load_object(self.content)

    def posted(self) -> forms.Form:
        """The posted form, read once; raises Invalid."""
        if self._posted is None:
            self._posted = forms.read(self.headers.get("content-type", ""), self.content)
        return self._posted

    def header(self, name: bytes) -> str | None:
        """A request header by its lower-case name; the last one where it came twice."""
        if self._by_name is None:
            self._by_name = dict(self.scope["headers"])
        value = self._by_name.get(name)
        return None if value is None else value.decode("latin-1")

    @property
    def whose(self) -> DataScope:
        """Whose data the caller may touch."""
        return self.caller.scope


class Gate(Protocol):
    """Lets a call through by setting `caller`, or raises a Refusal.

    A gate that also has to see the body offers `async def with_body(call)`.
    """

    def __call__(self, call: Call) -> Awaitable[None]: ...


Handler = Callable[[Call], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Doc:
    """What `/docs` and OpenAPI tell of an endpoint."""

    summary: str
    text: str = ""
    body: type | None = None  # the pydantic model of the JSON body
    example: Any = None  # a body that works as pasted
    query: Mapping[str, str] = field(default_factory=dict)
    answer: Any = None  # what a success looks like
    media_types: Sequence[str] = ("application/json",)  # the last is that of `answer`
    status: int = 200
    refusals: Sequence[int] = ()
    curl: str = ""  # instead of the one made from the example
    group: str = ""


@dataclass(frozen=True, slots=True)
class Url:
    """One method on one path: everything that is true of it stands in its row."""

    method: str
    path: str
    handler: Handler
    gate: Gate
    body_bytes: int = NO_BODY_BYTES
    page: bool = False  # people see it: refusals are pages, not JSON
    before_setup: bool = False
    doc: Doc | None = None


class Path:
    """The rows of one path, as the ASGI application Starlette routes to."""

    def __init__(self, rows: Sequence[Url]) -> None:
        self.rows = {row.method: row for row in rows}
        if "GET" in self.rows:
            self.rows.setdefault("HEAD", self.rows["GET"])
        self.allow = ", ".join(sorted(self.rows))
        self.template = rows[0].path
        self.page = any(row.page for row in rows)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        row = self.rows.get(scope["method"])
        await _Exchange(scope, receive, send).run(row, self)


class Nowhere:
    """Any address that is not in the table."""

    template = "-"
    allow = ""
    page = True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await _Exchange(scope, receive, send).run(None, self)


def routes(table: Sequence[Url]) -> list[Route]:
    """Starlette's routes for the table, in its order."""
    paths: dict[str, list[Url]] = {}
    for row in table:
        paths.setdefault(row.path, []).append(row)
    return [Route(path, Path(rows)) for path, rows in paths.items()]


class _Exchange:
    """One request and its answer."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.call = Call(scope, receive)
        self.call.box = scope["app"].state.box
        self.call.request_id = ids.request_id()
        self._receive = receive
        self._send = send
        self._status = 0
        self._began = time.perf_counter()

    async def run(self, row: Url | None, path: Path | Nowhere) -> None:
        call = self.call
        try:
            response = await self._answer(row, path)
        except Refusal as refusal:
            response = self._refused(refusal, path.page)
        except ClientDisconnect:
            self._log(path.template, 499)
            return
        except Exception as error:
            log.failure("request failed", error, path=path.template, id=call.request_id)
            response = self._refused(Internal(), path.page)
        try:
            await response(call.scope, self._receive, self._with_headers)
        except (OSError, ClientDisconnect):
            self._status = 499
        except Exception as error:
            log.failure("answer failed", error, path=path.template, id=call.request_id)
        self._log(path.template, self._status)

    async def _answer(self, row: Url | None, path: Path | Nowhere) -> Response:
        call = self.call
        self._check_host()
        limit = row.body_bytes if row else NO_BODY_BYTES
        self._check_announced_length(limit)
        if not (row and row.before_setup) and not call.box.is_set_up():
            raise Unavailable("This box is not set up yet.", code="not_set_up")
        if row is None:
            if path.allow:
                raise MethodNotAllowed(headers={"Allow": path.allow})
            raise NotFound()
        call.url_row = row
        await row.gate(call)
        call.content = await self._body(limit)
        if row.page and len(call.content) > FORM_BYTES_AT_ONCE:
            await asyncio.to_thread(call.posted)  # a photo's worth takes some 30 ms
        with_body = getattr(row.gate, "with_body", None)
        if with_body is not None:
            await with_body(call)
        return await row.handler(call)

    def _check_host(self) -> None:
        if host_name(self.call.header(b"host") or "") not in self.call.box.hosts:
            raise WrongHost()

    def _check_announced_length(self, limit: int) -> None:
        announced = self.call.header(b"content-length")
        if announced and announced.isdecimal() and announced.isascii() and int(announced) > limit:
            raise TooLarge(headers={"Connection": "close"})

    async def _body(self, limit: int) -> bytes:
        """The whole body, refused while it streams in as soon as it passes the limit."""
        message = await self._receive()
        first: bytes = message.get("body", b"")
        if (
            message["type"] == "http.request"
            and not message.get("more_body")
            and len(first) <= limit
        ):
            return first
        chunks, size = [first], len(first)
        while message["type"] == "http.request":
            if size > limit:
                raise TooLarge(headers={"Connection": "close"})
            if not message.get("more_body"):
                return b"".join(chunks)
            message = await self._receive()
            chunks.append(message.get("body", b""))
            size += len(chunks[-1])
        raise ClientDisconnect()

    def _refused(self, refusal: Refusal, page: bool) -> Response:
        headers = dict(refusal.headers)
        if page and wants_page(self.call):
            shown: Response = self.call.app.state.refusal_page(self.call, refusal)
            shown.headers.update(headers)
            return shown
        body = refusal.body(self.call.request_id)
        return Response(body, refusal.status, headers, media_type="application/json")

    async def _with_headers(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            headers = message["headers"]
            own = {name for name, _ in headers}  # a picture brings a stricter policy of its own
            headers += [each for each in SECURITY_HEADERS if each[0] not in own]
            headers.append((b"x-request-id", self.call.request_id.encode()))
            if b"cache-control" not in own:
                headers.append(NO_STORE)
            if self.call.room is not None:
                _add_room(headers, self.call.room)
        await self._send(message)

    def _log(self, template: str, status: int) -> None:
        call = self.call
        caller = getattr(call, "caller", None)
        seconds = time.perf_counter() - self._began
        metrics.observe(template, status, seconds)
        log.request(
            call.method if call.method in METHODS else "-",
            template,
            status,
            seconds * 1000,
            caller.actor.id if caller else "-",
            call.request_id,
        )


def _add_room(headers: list[tuple[bytes, bytes]], room: limiter.Room) -> None:
    if not any(name == b"ratelimit-limit" for name, _ in headers):
        for name, value in limiter.headers_of(room).items():
            headers.append((name.lower().encode(), value.encode()))


def wants_page(call: Call) -> bool:
    """Whether the caller is a browser looking at pages rather than a program."""
    return "text/html" in (call.header(b"accept") or "")


def host_name(header: str) -> str:
    """The Host header without its port, in lower case."""
    if header.startswith("["):
        return header.partition("]")[0].lstrip("[").lower()
    return header.partition(":")[0].rstrip(".").lower()


def json_answer(
    value: Any, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """A JSON answer: Decimal money and dates are the caller's business to have turned to JSON."""
    return Response(strict_json.dumps(value), status, headers, media_type="application/json")


def read_model(call: Call, model: type[Model]) -> Model:
    """The JSON body as a (small) model; an empty body is an empty object. Raises Invalid."""
    return checked(model, call.json() if call.content.strip() else {})


async def anyone(call: Call) -> None:
    """The gate of the few addresses that are open: health, docs, sign-in, signed links."""
    call.caller = Caller(DataScope(""), Actor("anyone"))
