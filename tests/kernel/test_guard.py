"""The guard under uvicorn, on a real server, with the bytes a client really sends."""

import asyncio
import contextlib
import gc
import itertools
import json
import socket
import threading
import time
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scriptrun_box.kernel.framing import Chunks
from scriptrun_box.kernel.guard import Guard, Limits
from scriptrun_box.kernel.server import Server, build_server

pytestmark = pytest.mark.anyio

KIB, MIB = 1024, 1024 * 1024
PATIENCE = 5.0  # seconds any answer may take in a test
HOST = b"Host: box.local\r\n"


@pytest.fixture(scope="module")
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return "asyncio", {"use_uvloop": True}


class App:
    """Echoes what it was given; some paths answer early, slowly, or at length."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.heard: list[str] = []  # what /slow-read was told

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            while (message := await receive())["type"] != "lifespan.shutdown":
                await send({"type": message["type"] + ".complete"})
            await send({"type": "lifespan.shutdown.complete"})
            return
        path = scope["path"]
        if path == "/early":
            await answer(send, 413, b"too large")
        elif path == "/early-close":
            await answer(send, 413, b"too large", [(b"connection", b"close")])
        elif path == "/big":
            await answer(send, 200, b"x" * 8 * MIB)
        elif path == "/forever":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"first", "more_body": True})
            await receive()
        elif path == "/wait":
            await self.go.wait()
            await answer(send, 200, b"waited")
        elif path == "/pause-then-read":
            await self.go.wait()
            await answer(send, 200, await body_of(receive, self.heard))
        else:
            body = await body_of(receive, self.heard)
            seen = {
                "method": scope["method"],
                "path": path,
                "body": body.decode("latin-1"),
                "headers": [name.decode() for name, _ in scope["headers"]],
            }
            await answer(send, 200, json.dumps(seen).encode())


async def body_of(receive: Any, heard: list[str]) -> bytes:
    body = b""
    while True:
        message = await receive()
        if message["type"] != "http.request":
            heard.append(message["type"])
            return b""
        body += message["body"]
        if not message["more_body"]:
            return body


async def answer(
    send: Any, status: int, body: bytes, headers: list[tuple[bytes, bytes]] | None = None
) -> None:
    length = (b"content-length", str(len(body)).encode())
    headers = [length, *(headers or [])]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@asynccontextmanager
async def serving(limits: Limits, app: App | None = None) -> AsyncIterator[Server]:
    guard = type("TestGuard", (Guard,), {"limits": limits})
    server = build_server(app or App(), host="127.0.0.1", port=0, guard=guard)
    server.ticks_per_sweep = 1
    server.config.load()
    running = asyncio.create_task(server._serve())
    while not server.started:
        await asyncio.sleep(0.005)
    try:
        yield server
    finally:
        server.should_exit = True
        await running


@pytest.fixture(scope="module")
async def server(anyio_backend: Any) -> AsyncIterator[Server]:
    async with serving(Limits()) as running:
        yield running


class Answer:
    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body

    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    """A connection that sends raw bytes and reads answers."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        async with asyncio.timeout(PATIENCE):
            await self.writer.drain()

    async def answer(self) -> Answer:
        async with asyncio.timeout(PATIENCE):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            first, *lines = head.rstrip().split("\r\n")
            headers = dict(line.split(": ", 1) for line in lines)
            body = await self.reader.readexactly(int(headers.get("content-length", 0)))
        return Answer(int(first.split()[1]), headers, body)

    async def rest(self) -> bytes:
        """All that comes until the server closes; a reset counts as closing."""
        async with asyncio.timeout(PATIENCE):
            try:
                return await self.reader.read()
            except ConnectionResetError:
                return b""


@asynccontextmanager
async def connected(server: Server, source: str = "127.0.0.1") -> AsyncIterator[Client]:
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", server.port, local_addr=(source, 0), limit=16 * MIB
    )
    try:
        yield Client(reader, writer)
    finally:
        writer.transport.abort()


async def ask(server: Server, request: bytes) -> tuple[Answer, bytes]:
    """The answer to one request, and what follows it until the server closes."""
    async with connected(server) as client:
        await client.send(request)
        return await client.answer(), await client.rest()


def chunked(*parts: bytes) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (*parts, b""))


def post(body: bytes, *headers: bytes, path: bytes = b"/echo") -> bytes:
    lines = b"".join(line + b"\r\n" for line in headers)
    length = b"Content-Length: %d\r\n" % len(body)
    return b"POST " + path + b" HTTP/1.1\r\n" + HOST + length + lines + b"\r\n" + body


GET = b"GET / HTTP/1.1\r\n" + HOST + b"\r\n"
LAST_GET = b"GET / HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"
JAVA = (b"Connection: Upgrade, HTTP2-Settings", b"HTTP2-Settings: AAEAAEAAAAI", b"Upgrade: h2c")

# --- Upgrade, pieces, pipelining


@pytest.mark.parametrize("upgrade", [b"h2c", b"websocket", b"TLS/1.0, h2c"])
async def test_a_body_arrives_whole_though_an_upgrade_is_offered(server, upgrade):
    request = post(b'{"orders": []}', b"Connection: Upgrade", b"upgrade: " + upgrade)
    async with connected(server) as client:
        await client.send(request)
        answer = await client.answer()
    assert answer.json()["body"] == '{"orders": []}'
    assert "upgrade" not in answer.json()["headers"]


async def test_javas_first_request_arrives_whole_in_one_segment_and_byte_by_byte(server):
    request = post(b'{"orders": [1]}', *JAVA)
    async with connected(server) as client:
        await client.send(request)
        whole = await client.answer()
        for byte in request:
            client.writer.write(bytes([byte]))
            await asyncio.sleep(0)
        split = await client.answer()
    assert whole.json()["body"] == split.json()["body"] == '{"orders": [1]}'


async def test_javas_chunked_body_arrives_whole(server):
    head = b"POST /echo HTTP/1.1\r\n" + HOST + b"\r\n".join(JAVA)
    request = head + b"\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(b"one ", b"two")
    async with connected(server) as client:
        await client.send(request)
        assert (await client.answer()).json()["body"] == "one two"


async def test_pipelined_requests_are_answered_one_by_one_in_their_order(server):
    head = b"POST /chunked HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n"
    requests = post(b"first", *JAVA) + head + chunked(b"sec", b"ond") + GET + post(b"fourth", *JAVA)
    async with connected(server) as client:
        await client.send(requests)
        answers = [(await client.answer()).json() for _ in range(4)]
    assert [a["body"] for a in answers] == ["first", "second", "", "fourth"]
    assert [a["path"] for a in answers] == ["/echo", "/chunked", "/", "/echo"]


async def test_a_thousand_pipelined_requests_are_all_answered(server):
    async with connected(server) as client:
        await client.send(GET * 1_000)
        for _ in range(1_000):
            assert (await client.answer()).status == 200


async def test_one_empty_line_before_a_request_is_ignored(server):
    async with connected(server) as client:
        await client.send(post(b"one") + b"\r\n" + post(b"two"))
        assert (await client.answer()).json()["body"] == "one"
        assert (await client.answer()).json()["body"] == "two"


async def test_a_client_that_waits_for_100_continue_is_told_to_go_on(server):
    body = b"x" * 2_000
    request = post(body, b"Expect: 100-continue")
    async with connected(server) as client:
        await client.send(request[: -len(body)])
        assert (await client.answer()).status == 100
        await client.send(body)
        assert (await client.answer()).json()["body"] == body.decode()


async def test_the_connection_closes_when_a_waiting_client_was_refused_instead(server):
    request = post(b"x" * 2_000, b"Expect: 100-continue", path=b"/early")
    answer, rest = await ask(server, request[:-2_000])
    assert (answer.status, rest) == (413, b"")


@pytest.fixture(scope="module")
def server_in_a_thread() -> Iterator[Server]:
    """For hypothesis, which wants a plain function."""
    running = build_server(App(), host="127.0.0.1", port=0)
    thread = threading.Thread(target=running.run)
    thread.start()
    while not running.started:
        time.sleep(0.005)
    yield running
    running.should_exit = True
    thread.join()


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_however_a_request_is_split_the_app_gets_the_same_body(server_in_a_thread, data):
    parts = data.draw(st.lists(st.binary(min_size=1, max_size=300), min_size=1, max_size=4))
    body = b"".join(parts)
    if data.draw(st.booleans(), "chunked"):
        head = b"POST /echo HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n"
        request = head + b"\r\n".join((*JAVA, b"", b"")) + chunked(*parts)
    else:
        request = post(body, *JAVA)
    cuts = data.draw(st.lists(st.integers(1, len(request) - 1), max_size=8, unique=True), "cuts")
    with socket.create_connection(("127.0.0.1", server_in_a_thread.port), PATIENCE) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for start, end in itertools.pairwise([0, *sorted(cuts), len(request)]):
            client.sendall(request[start:end])
            time.sleep(0.0005)  # so that it arrives as a segment of its own
        client.sendall(LAST_GET)
        answers = b"".join(iter(lambda: client.recv(64 * KIB), b"")).split(b"\r\n\r\n")
    assert json.loads(answers[1].partition(b"HTTP/1.1")[0])["body"] == body.decode("latin-1")
    assert json.loads(answers[2])["method"] == "GET"


# --- Framing

MALFORMED = {
    "content length and chunked": post(b"5", b"Transfer-Encoding: chunked"),
    "two content lengths": post(b"x", b"Content-Length: 1"),
    "two different content lengths": post(b"x", b"content-length: 2"),
    "a list of content lengths": b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 1, 1\r\n\r\nx",
    "a signed content length": b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: +1\r\n\r\nx",
    "an endless content length": b"POST / HTTP/1.1\r\n"
    + HOST
    + b"Content-Length: 99999999999999999999\r\n\r\n",
    "an unknown coding": b"POST / HTTP/1.1\r\n"
    + HOST
    + b"Transfer-Encoding: gzip, chunked\r\n\r\n",
    "two codings": b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n" * 2 + b"\r\n",
    "chunked in HTTP/1.0": b"POST / HTTP/1.0\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n",
    "a hidden coding": b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding : chunked\r\n\r\n",
    "a hidden length": b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length\t: 5\r\n\r\nhello",
    "a folded header": b"GET / HTTP/1.1\r\n" + HOST + b"X-A: one\r\n two\r\n\r\n",
    "a folded first header": b"GET / HTTP/1.1\r\n " + HOST + b"\r\n",
    "no host": b"GET / HTTP/1.1\r\nAccept: */*\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\n" + HOST * 2 + b"\r\n",
    "bare line feeds": b"GET / HTTP/1.1\nHost: box.local\n\n",
    "one bare line feed": b"GET / HTTP/1.1\r\nX-A: 1\n" + HOST + b"\r\n",
    "a bare carriage return": b"GET / HTTP/1.1\r\nX-A: 1\rX-B: 2\r\n" + HOST + b"\r\n",
    "HTTP/0.9": b"GET /\r\n\r\n",
    "HTTP/0.9 without its empty line": b"GET /\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/1.2": b"GET / HTTP/1.2\r\n" + HOST + b"\r\n",
    "an absolute address": b"GET http://box.local/ HTTP/1.1\r\n" + HOST + b"\r\n",
    "an asterisk": b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n",
    "a tunnel": b"CONNECT box.local:443 HTTP/1.1\r\n" + HOST + b"\r\n",
    "a tunnel in disguise": b"CONNECT / HTTP/1.1\r\n" + HOST + b"Content-Length: 1\r\n\r\nx",
    "two spaces": b"GET  / HTTP/1.1\r\n" + HOST + b"\r\n",
    "no such method": b"FETCH / HTTP/1.1\r\n" + HOST + b"\r\n",
    "a NUL": b"GET / HTTP/1.1\r\nX-A: a\0b\r\n" + HOST + b"\r\n",
    "a name with a NUL": b"GET / HTTP/1.1\r\nX\0A: a\r\n" + HOST + b"\r\n",
    "an address that is not ASCII": b"GET /\xc3\xa9 HTTP/1.1\r\n" + HOST + b"\r\n",
    "the beginning of TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "two empty lines first": b"\r\n\r\n" + GET,
    "a space first": b" " + GET,
}


@pytest.mark.parametrize("case", MALFORMED)
async def test_what_can_be_read_in_two_ways_is_refused_and_closed(server, case):
    answer, rest = await ask(server, MALFORMED[case])
    assert (answer.status, answer.json()["code"], rest) == (400, "bad_request", b"")
    assert answer.headers["connection"] == "close"


async def test_a_refusal_has_the_one_shape_and_the_headers_of_every_answer(server):
    answer, _ = await ask(server, MALFORMED["two hosts"])
    assert answer.json() == {
        "error": "This is not a well-formed HTTP/1.1 request: "
        "it needs one Host, and at most one Content-Length or Transfer-Encoding.",
        "code": "bad_request",
        "details": [],
        "request_id": answer.headers["x-request-id"],
    }
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert "date" in answer.headers
    assert "server" not in answer.headers


BAD_CHUNKS = {
    "no size": b"\r\nhello\r\n",
    "a negative size": b"-5\r\nhello\r\n",
    "a size in disguise": b"0x5\r\nhello\r\n",
    "a size with an underscore": b"1_0\r\n0123456789abcdef\r\n",
    "a size too large": b"fffffffffffffffff\r\n",
    "a bare line feed": b"5\nhello\r\n",
    "data longer than its size": b"5\r\nhello!\r\n",
    "an endless size line": b"5;" + b"x" * 400,
    "trailers": b"0\r\nX-API-Key: sk_live_other\r\n\r\n",
}


@pytest.mark.parametrize("case", BAD_CHUNKS)
async def test_a_chunked_body_that_is_not_plain_is_refused_and_the_app_told(case):
    app = App()
    async with serving(Limits(), app) as server:
        head = b"POST /echo HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n"
        answer, rest = await ask(server, head + b"2\r\nok\r\n" + BAD_CHUNKS[case])
        assert (answer.status, answer.json()["code"], rest) == (400, "bad_request", b"")
    assert app.heard == ["http.disconnect"]


@given(parts=st.lists(st.binary(max_size=40), max_size=5), cuts=st.lists(st.integers(0, 400)))
def test_the_end_of_a_chunked_body_is_found_wherever_it_is_cut(parts, cuts):
    body = chunked(*(part for part in parts if part))
    stream = body + b"GET / HTTP/1.1"
    edges = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    chunks, seen = Chunks(), 0
    for start, end in itertools.pairwise(edges):
        found = chunks.end_in(stream[start:end])
        if found >= 0:
            seen = start + found
            break
    assert seen == len(body)


# --- Sizes


async def test_a_head_of_32_kib_is_taken_and_a_byte_more_refused(server):
    def head(size: int) -> bytes:
        start = b"GET / HTTP/1.1\r\n" + HOST + b"X-Long: "
        return start + b"a" * (size - len(start) - 4) + b"\r\n\r\n"

    async with connected(server) as client:
        await client.send(head(32 * KIB))
        assert (await client.answer()).status == 200
    answer, rest = await ask(server, head(32 * KIB + 1))
    assert (answer.status, answer.json()["code"], rest) == (431, "head_too_large", b"")


async def test_an_endless_head_is_refused_at_its_limit(server):
    async with connected(server) as client:
        await client.send(b"GET / HTTP/1.1\r\nX-A: " + b"a" * 40 * KIB)
        assert (await client.answer()).status == 431


async def test_after_an_early_answer_a_short_rest_is_dropped_and_the_connection_kept(server):
    request = post(b"x" * 300 * KIB, path=b"/early")
    async with connected(server) as client:
        await client.send(request[: 100 * KIB])
        assert (await client.answer()).status == 413
        await client.send(request[100 * KIB :] + post(b"next"))
        assert (await client.answer()).json()["body"] == "next"


@pytest.mark.parametrize("path", [b"/early", b"/early-close"])
async def test_after_a_413_no_gigabyte_is_swallowed(server, path):
    sent, block = 0, b"x" * 64 * KIB
    async with connected(server) as client:
        await client.send(b"POST " + path + b" HTTP/1.1\r\n" + HOST)
        await client.send(b"Content-Length: %d\r\n\r\n" % (1024 * MIB))
        with contextlib.suppress(ConnectionError):
            while sent < 64 * MIB:
                await client.send(block)
                sent += len(block)
    assert sent < 32 * MIB  # what the limit lets through, and what sits in the sockets


async def test_a_client_that_sends_all_before_it_reads_still_gets_its_413(server):
    request = post(b"x" * 900 * KIB, path=b"/early-close")
    answer, rest = await ask(server, request)
    assert (answer.status, answer.body, rest) == (413, b"too large", b"")


# --- Deadlines and connections


async def test_a_connection_that_never_says_anything_is_closed():
    async with serving(Limits(first_byte_seconds=0.2)) as server, connected(server) as client:
        assert await client.rest() == b""


async def test_a_head_that_takes_too_long_gets_408():
    async with serving(Limits(head_seconds=0.2)) as server:
        answer, rest = await ask(server, b"GET / HTTP/1.1\r\nHos")
        assert (answer.status, answer.json()["code"], rest) == (408, "request_timeout", b"")


async def test_a_body_that_takes_too_long_gets_408_and_the_app_is_told():
    app = App()
    async with serving(Limits(body_seconds=0.2), app) as server:
        answer, rest = await ask(server, post(b"x" * 1_000)[:-1])
        assert (answer.status, answer.json()["code"], rest) == (408, "request_timeout", b"")
    assert app.heard == ["http.disconnect"]


async def test_a_dripping_body_gets_no_longer_than_a_silent_one():
    async with serving(Limits(body_seconds=0.3)) as server, connected(server) as client:
        await client.send(post(b"x" * 1_000)[:-1_000])
        began = asyncio.get_running_loop().time()
        answering = asyncio.create_task(client.answer())
        while not answering.done():
            client.writer.write(b"x")
            await asyncio.sleep(0.02)
        assert (await answering).status == 408
        assert asyncio.get_running_loop().time() - began < 1.0


async def drip(server: Server, size: int, block: int) -> Answer:
    """Upload a body of `size` bytes, a block every 50 ms."""
    body = b"x" * size
    async with connected(server) as client:
        await client.send(post(body)[:-size])
        answering = asyncio.create_task(client.answer())
        for start in range(0, size, block):
            if answering.done():
                break
            client.writer.write(body[start : start + block])
            await asyncio.sleep(0.05)
        return await answering


async def test_a_large_upload_may_take_longer_while_it_keeps_its_rate():
    limits = Limits(body_seconds=0.2, big_body_bytes=10_000, big_body_bytes_per_second=10_000)
    async with serving(limits) as server:
        assert (await drip(server, 20_000, 1_000)).status == 200
        assert (await drip(server, 20_000, 200)).status == 408
        assert (await drip(server, 10_000, 1_000)).status == 408  # not large


async def test_an_app_that_is_slow_to_read_does_not_cost_the_client_its_request():
    app = App()
    async with serving(Limits(body_seconds=0.2), app) as server, connected(server) as client:
        client.writer.write(post(b"x" * 8 * MIB, path=b"/pause-then-read"))
        await asyncio.sleep(0.6)
        app.go.set()
        assert len((await client.answer()).body) == 8 * MIB


async def test_an_app_may_take_its_time_to_answer():
    app = App()
    limits = Limits(first_byte_seconds=0.1, head_seconds=0.1, body_seconds=0.1, write_seconds=0.1)
    async with serving(limits, app) as server, connected(server) as client:
        await client.send(post(b"body", path=b"/wait"))
        await asyncio.sleep(0.5)
        app.go.set()
        assert (await client.answer()).body == b"waited"


async def test_a_client_that_does_not_read_its_answer_is_let_go():
    async with serving(Limits(write_seconds=0.3)) as server:
        _, writer = await asyncio.open_connection("127.0.0.1", server.port, limit=1)
        writer.write(b"GET /big HTTP/1.1\r\n" + HOST + b"\r\n")
        await _until(lambda: bool(server.server_state.connections))
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        await _until(lambda: not server.server_state.connections)
        writer.transport.abort()


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.01)


async def test_a_connection_too_many_gets_503_and_a_later_one_is_served():
    async with serving(Limits(connections=3)) as server:
        async with connected(server), connected(server), connected(server):
            await _until(lambda: len(server.server_state.connections) == 3)
            async with connected(server) as fourth:
                answer = await fourth.answer()
                assert (answer.status, answer.json()["code"]) == (503, "too_many_connections")
                assert int(answer.headers["retry-after"]) >= 1
                assert await fourth.rest() == b""
        await _until(lambda: not server.server_state.connections)
        async with connected(server) as later:
            await later.send(GET)
            assert (await later.answer()).status == 200


async def test_silent_connections_keep_nobody_out():
    async with serving(Limits(connections=20)) as server, contextlib.AsyncExitStack() as stack:
        idlers = [await stack.enter_async_context(connected(server)) for _ in range(20)]
        for idler in idlers[::2]:
            await idler.send(b"GET / HT")
        await asyncio.sleep(0.3)
        for _ in range(5):
            async with connected(server) as client:
                await client.send(GET)
                assert (await client.answer()).status == 200
        answers = [asyncio.create_task(idler.answer()) for idler in idlers]
        told, waiting = await asyncio.wait(answers, return_when=asyncio.FIRST_COMPLETED)
        assert {(await one).status for one in told} == {503}
        for one in waiting:
            one.cancel()


async def test_a_busy_connection_is_never_closed_to_make_room():
    app = App()
    async with serving(Limits(connections=1), app) as server, connected(server) as busy:
        await busy.send(b"GET /wait HTTP/1.1\r\n" + HOST + b"\r\n")
        await asyncio.sleep(0.3)
        async with connected(server) as second:
            assert (await second.answer()).status == 503
        app.go.set()
        assert (await busy.answer()).body == b"waited"


@pytest.mark.parametrize("path", ["/", "/early", "/early-close", "/wait"])
async def test_a_closed_connection_leaves_nothing_to_the_garbage_collector(path):
    """Else the bodies of refused requests would pile up until the collector comes by."""
    gc.disable()
    app = App()
    try:
        async with serving(Limits(), app) as server:
            async with connected(server) as client:
                await client.send(f"POST {path} HTTP/1.1\r\nHost: box.local\r\n".encode())
                await client.send(b"Content-Length: 100000\r\n\r\n" + b"x" * 50_000)
                await _until(lambda: server.server_state.connections)
                await asyncio.sleep(0.05)
                (guard,) = map(weakref.ref, server.server_state.connections)
            app.go.set()
            await _until(lambda: guard() is None)
    finally:
        gc.enable()


async def test_a_body_nobody_reads_is_not_kept_once_the_answer_is_given(server):
    async with connected(server) as client:
        await client.send(b"POST /early HTTP/1.1\r\n" + HOST)
        await client.send(b"Content-Length: 100000\r\n\r\n" + b"x" * 50_000)
        assert (await client.answer()).status == 413
        held = [one.cycle.body for one in server.server_state.connections if one.cycle]
        assert held and not any(held)


async def test_an_address_at_its_limit_sends_nobody_else_away(monkeypatch):
    monkeypatch.setattr("scriptrun_box.kernel.guard.is_loopback", lambda _: False)
    limits = Limits(connections=2, connections_per_address=1, silent_seconds=0.0)
    async with (
        serving(limits) as server,
        connected(server, "127.0.0.2") as silent,
        connected(server, "127.0.0.3"),
    ):
        await _until(lambda: len(server.server_state.connections) == 2)
        async with connected(server, "127.0.0.3") as second:
            assert (await second.answer()).status == 503
        await silent.send(GET)
        assert (await silent.answer()).status == 200


async def test_an_address_has_its_own_limit_and_loopback_none(monkeypatch):
    monkeypatch.setattr("scriptrun_box.kernel.guard.is_loopback", lambda a: a == "127.0.0.1")
    async with (
        serving(Limits(connections_per_address=1)) as server,
        connected(server, "127.0.0.2") as first,
        connected(server, "127.0.0.2") as second,
        connected(server, "127.0.0.3") as other,
        connected(server) as loopback,
        connected(server) as loopback_too,
    ):
        assert (await second.answer()).status == 503
        for client in (first, other, loopback, loopback_too):
            await client.send(GET)
            assert (await client.answer()).status == 200
