"""One outgoing attempt against receivers that behave well, badly and maliciously."""

import asyncio
import gzip
import ssl
import time

import pytest
import trustme

from scriptrun_box.kernel.addresses import Allowed
from scriptrun_box.kernel.outgoing import (
    MAX_ANSWER_BYTES,
    Outgoing,
    Result,
    post,
    public_tls,
    retry_after,
)
from scriptrun_box.kernel.resolver import Resolver
from tests.receivers import Hit, Receiver, answer, hang, receiving, reset

pytestmark = pytest.mark.anyio

LOOPBACK = Allowed.of(["127.0.0.0/8", "::1/128"], plain_http=True)
AUTHORITY = trustme.CA()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def names(table: dict[str, str]) -> Resolver:
    def lookup(host: str) -> list[str]:
        if host not in table:
            raise OSError("Name or service not known")
        return table[host].split()

    return Resolver(lookup)


async def send(
    url: str,
    *,
    allowed: Allowed = LOOPBACK,
    resolver: Resolver | None = None,
    tls: ssl.SSLContext | None = None,
    seconds: float = 2.0,
    body: bytes = b'{"a":1}',
) -> Result:
    request = Outgoing(url, {"Content-Type": "application/json", "X-Mark": "m"}, body, seconds)
    return await post(request, allowed, resolver or Resolver(), tls or public_tls())


def trusting() -> ssl.SSLContext:
    context = ssl.create_default_context()
    AUTHORITY.configure_trust(context)
    return context


def serving(*hosts: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert(*hosts).configure_cert(context)
    return context


async def test_a_2xx_is_ok_and_the_receiver_gets_the_exact_bytes_and_headers() -> None:
    async with receiving(answer(204, b"")) as receiver:
        result = await send(f"{receiver.url}?a=%20b", body="Señora ✓".encode())
    assert (result.outcome, result.error_class, result.status) == ("ok", None, 204)
    assert result.address == "127.0.0.1"
    (hit,) = receiver.hits
    assert (hit.method, hit.path, hit.body) == ("POST", "/hook?a=%20b", "Señora ✓".encode())
    assert ("X-Mark", "m") in hit.headers, "header names keep their casing"
    assert hit.header("Host") == f"127.0.0.1:{receiver.port}"
    assert hit.header("Accept-Encoding") == "identity"
    assert hit.header("User-Agent").startswith("ScriptRun-Box/")


@pytest.mark.parametrize("status", [400, 401, 404, 410, 429, 500, 503])
async def test_a_refusal_is_failed_with_the_class_http(status: int) -> None:
    async with receiving(answer(status, b"no thanks")) as receiver:
        result = await send(receiver.url)
    assert (result.outcome, result.error_class, result.status) == ("failed", "http", status)
    assert result.answer == b"no thanks"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_a_failure_and_is_never_followed(status: int) -> None:
    async with receiving() as canary, receiving(answer(status, Location=canary.url)) as receiver:
        result = await send(receiver.url)
    assert (result.outcome, result.error_class, result.status) == ("failed", "redirect", status)
    assert len(receiver.hits) == 1
    assert canary.connections == 0


async def test_a_receiver_that_never_answers_costs_no_more_than_the_deadline() -> None:
    async with receiving(hang) as receiver:
        result = await send(receiver.url, seconds=0.3)
    assert (result.outcome, result.error_class, result.status) == ("failed", "timeout", None)
    assert result.address == "127.0.0.1"
    assert 250 <= result.duration_ms < 1500


async def test_a_dripping_head_cannot_stretch_the_deadline() -> None:
    async def drip(hit: Hit, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for byte in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"a" * 500:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0.02)

    async with receiving(drip) as receiver:
        result = await send(receiver.url, seconds=0.4)
    assert (result.outcome, result.error_class, result.status) == ("failed", "timeout", None)
    assert result.duration_ms < 1500


async def test_the_status_decides_even_when_the_body_never_ends() -> None:
    async def drip(hit: Hit, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf")
        await reader.read()

    async with receiving(drip) as receiver:
        result = await send(receiver.url, seconds=0.3)
    assert (result.outcome, result.status, result.answer) == ("ok", 200, b"half")


async def test_the_status_decides_even_when_the_body_breaks_off() -> None:
    async def cut(hit: Hit, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 500 Oops\r\nContent-Length: 1000\r\n\r\nhalf")

    async with receiving(cut) as receiver:
        result = await send(receiver.url)
    assert (result.outcome, result.error_class, result.status) == ("failed", "http", 500)


async def test_a_gzip_bomb_stays_small() -> None:
    bomb = gzip.compress(bytes(50_000_000))
    async with receiving(answer(200, bomb, Content_Encoding="gzip")) as receiver:
        result = await send(receiver.url)
    assert result.outcome == "ok"
    assert result.answer == bomb[:MAX_ANSWER_BYTES]


async def test_an_answer_of_a_gigabyte_is_read_for_8_kib_and_then_cut() -> None:
    sent = 0

    async def flood(hit: Hit, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        while sent < 1_000_000_000:
            writer.write(bytes(100_000))
            await writer.drain()
            sent += 100_000

    async with receiving(flood) as receiver:
        result = await send(receiver.url)
        await asyncio.sleep(0.05)
    assert (result.outcome, len(result.answer)) == ("ok", MAX_ANSWER_BYTES)
    assert sent < 50_000_000, "the connection was closed, not drained"


async def test_a_slammed_door_is_reset_and_a_closed_one_is_connect() -> None:
    async with receiving(reset) as receiver:
        slammed = await send(receiver.url)
    closed = await send(receiver.url)
    assert (slammed.outcome, slammed.error_class) == ("failed", "reset")
    assert (closed.outcome, closed.error_class) == ("failed", "connect")


async def test_an_answer_that_is_not_http_is_a_failure_not_an_exception() -> None:
    async def mumble(hit: Hit, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")

    async with receiving(mumble) as receiver:
        result = await send(receiver.url)
    assert (result.outcome, result.error_class, result.status) == ("failed", "reset", None)


async def test_tls_is_checked_against_the_name_though_the_address_is_dialled() -> None:
    resolver = names({"pms.example": "127.0.0.1", "other.example": "127.0.0.1"})
    async with receiving(tls=serving("pms.example")) as receiver:
        right = await send(
            f"https://pms.example:{receiver.port}/", resolver=resolver, tls=trusting()
        )
        wrong = await send(
            f"https://other.example:{receiver.port}/", resolver=resolver, tls=trusting()
        )
        stranger = await send(f"https://pms.example:{receiver.port}/", resolver=resolver)
    assert (right.outcome, right.address) == ("ok", "127.0.0.1")
    assert receiver.hits[0].header("Host") == f"pms.example:{receiver.port}"
    assert (wrong.outcome, wrong.error_class) == ("failed", "tls")
    assert (stranger.outcome, stranger.error_class) == ("failed", "tls")
    assert len(receiver.hits) == 1


async def test_tls_to_a_bare_address_is_checked_against_that_address() -> None:
    async with receiving(tls=serving("127.0.0.1")) as named:
        right = await send(named.url, tls=trusting())
    async with receiving(tls=serving("pms.example")) as misnamed:
        wrong = await send(misnamed.url, tls=trusting())
    assert right.outcome == "ok"
    assert (wrong.outcome, wrong.error_class) == ("failed", "tls")


async def test_https_to_a_port_that_speaks_plain_http_is_a_tls_failure() -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        result = await send(f"https://127.0.0.1:{port}/")
    assert (result.outcome, result.error_class) == ("failed", "tls")


async def test_a_name_that_does_not_resolve_is_failed_dns() -> None:
    result = await send("https://nowhere.example/", resolver=names({}))
    assert (result.outcome, result.error_class, result.address) == ("failed", "dns", None)


async def test_a_forbidden_url_is_blocked_without_a_connection() -> None:
    async with receiving() as canary:
        result = await send(canary.url.replace("http:", "https:"), allowed=Allowed())
    assert (result.outcome, result.error_class, result.status) == ("blocked", "blocked", None)
    assert canary.connections == 0


async def test_the_next_address_is_tried_where_one_does_not_listen() -> None:
    async with receiving() as receiver:
        both = names({"two.example": "::1 127.0.0.1"})
        result = await send(f"http://two.example:{receiver.port}/", resolver=both)
    assert (result.outcome, result.address) == ("ok", "127.0.0.1")


async def test_a_fault_of_ours_is_told_apart_and_raises_nothing() -> None:
    async with receiving() as receiver:
        request = Outgoing(receiver.url, {"Bad\nName": "x"}, b"")
        result = await post(request, LOOPBACK, Resolver(), public_tls())
    assert (result.outcome, result.error_class) == ("internal_error", None)


async def test_a_cancelled_attempt_is_cancelled() -> None:
    async with receiving(hang) as receiver:
        attempt = asyncio.create_task(send(receiver.url, seconds=5))
        await receiver.got(1)
        attempt.cancel()
        with pytest.raises(asyncio.CancelledError):
            await attempt


async def test_the_environment_has_no_say_in_where_a_request_goes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with receiving() as proxy, receiving() as receiver:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        result = await send(receiver.url)
    assert result.outcome == "ok"
    assert (proxy.connections, len(receiver.hits)) == (0, 1)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120),
        ("120.1", 121),
        (" 7 ", 7),
        ("0", None),
        ("99999", 3600),
        ("999999999", 3600),
        ("Mon, 23 Nov 2026 10:01:40 GMT", 100),
        ("Mon, 23 Nov 2026 09:00:00 GMT", None),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 3600),
        ("-5", None),
        ("1e3", None),
        ("inf", None),
        ("soon", None),
        ("", None),
        ("٣", None),
        ("Mon, 99 Nov 2026 25:61:00 GMT", None),
        (None, None),
    ],
)
def test_retry_after_is_read_in_every_form_and_rubbish_is_nothing(
    header: str | None, seconds: int | None
) -> None:
    ten_o_clock = 1_795_428_000_000  # Mon, 23 Nov 2026 10:00:00 GMT
    assert retry_after(header, ten_o_clock) == seconds


async def test_the_answers_retry_after_is_reported() -> None:
    async with receiving(answer(503, Retry_After="120.1")) as receiver:
        result = await send(receiver.url)
    assert result.retry_after == 121


async def test_an_attempt_costs_little_processor_time() -> None:
    async def many(receiver: Receiver, count: int) -> float:
        resolver, began = Resolver(), time.process_time()
        for _ in range(count):
            await send(receiver.url, resolver=resolver)
        return (time.process_time() - began) / count

    async with receiving() as receiver:
        await many(receiver, 20)
        # Receiver and sender share this process: the figure to hold for the sender is 1.5 ms.
        assert min([await many(receiver, 50) for _ in range(3)]) < 0.004
