"""The door of a box behind TLS, with real sockets: who gets in, who waits, who is sent away."""

import asyncio
import contextlib
import resource
import socket
import ssl
import struct
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme

from scriptrun_box.kernel import door
from scriptrun_box.kernel import guard as guard_module
from scriptrun_box.kernel.guard import Guard, Limits
from scriptrun_box.kernel.server import Server, build_server

pytestmark = pytest.mark.anyio

PATIENCE = 5.0  # seconds
HELLO = b"\x16\x03\x01"  # the first bytes of a handshake
GET = b"GET / HTTP/1.1\r\nHost: box.local\r\n\r\n"
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@pytest.fixture(scope="module")
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return "asyncio", {"use_uvloop": True}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder, issued = tmp_path_factory.mktemp("tls"), trustme.CA().issue_cert("localhost")
    issued.cert_chain_pems[0].write_to_path(folder / "box.crt")
    issued.private_key_pem.write_to_path(folder / "box.key")
    return folder / "box.crt", folder / "box.key"


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answers everything with 200."""
    if scope["type"] == "lifespan":
        while (message := await receive())["type"] != "lifespan.shutdown":
            await send({"type": message["type"] + ".complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    length = (b"content-length", b"4")
    await send({"type": "http.response.start", "status": 200, "headers": [length]})
    await send({"type": "http.response.body", "body": b"fine"})


@asynccontextmanager
async def serving(
    files: tuple[Path, Path], host: str = "127.0.0.1", **limits: Any
) -> AsyncIterator[Server]:
    guard = type("TestGuard", (Guard,), {"limits": Limits(**limits)})
    server = build_server(app, host=host, port=0, guard=guard, tls_cert=files[0], tls_key=files[1])
    server.config.load()
    running = asyncio.create_task(server._serve())
    while not server.started:
        await asyncio.sleep(0.005)
    try:
        yield server
    finally:
        server.should_exit = True
        async with asyncio.timeout(PATIENCE):
            await running


@asynccontextmanager
async def connected(
    server: Server, source: str = "127.0.0.1", **tls: Any
) -> AsyncIterator[Streams]:
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", server.port, local_addr=(source, 0), **tls
    )
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


def secure(server: Server, source: str = "127.0.0.1") -> Any:
    """A client that shakes hands."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return connected(server, source, ssl=context)


async def get(client: Streams) -> bytes:
    client[1].write(GET)
    async with asyncio.timeout(PATIENCE):
        return (await client[0].readuntil(b"\r\n\r\n") + await client[0].readexactly(4))[9:12]


async def ended(client: Streams) -> bool:
    """Whether the server closes the connection without a word in plain text."""
    async with asyncio.timeout(PATIENCE):
        with contextlib.suppress(ConnectionError):
            return b"HTTP" not in await client[0].read()
        return True


def at_the_door(server: Server) -> int:
    (one,) = server.servers
    assert isinstance(one, door.Door)
    return len(one._callers)


async def until(holds: Any) -> None:
    async with asyncio.timeout(PATIENCE):
        while not holds():
            await asyncio.sleep(0.01)


async def test_a_client_is_served_again_and_again_on_one_connection(files):
    async with serving(files) as server, secure(server) as client:
        assert [await get(client), await get(client)] == [b"200", b"200"]
        assert at_the_door(server) == 0
        assert len(server.server_state.connections) == 1


@pytest.mark.parametrize("said", [b"", HELLO])
async def test_who_does_not_finish_the_handshake_in_time_is_sent_away(files, said):
    async with serving(files, handshake_seconds=0.3) as server, connected(server) as slow:
        slow[1].write(said)
        assert await ended(slow)
        await until(lambda: at_the_door(server) == 0)


async def test_a_session_may_last_longer_than_its_handshake(files):
    async with serving(files, handshake_seconds=0.3) as server, secure(server) as client:
        await asyncio.sleep(0.6)
        assert await get(client) == b"200"


async def test_nothing_is_made_for_a_connection_before_its_first_byte(files, monkeypatch):
    made: list[Guard] = []
    async with serving(files) as server:
        (one,) = server.servers
        protocol = server._protocol
        monkeypatch.setattr(one, "_protocol", lambda: made.append(protocol()) or made[-1])
        async with connected(server) as (_, writer), connected(server) as plain:
            await until(lambda: at_the_door(server) == 2)
            plain[1].write(GET)
            assert await ended(plain)
            assert made == []
            writer.write(HELLO)
            await until(lambda: made)


async def test_what_is_not_tls_and_who_hangs_up_are_gone_at_once(files):
    async with serving(files) as server:
        async with connected(server) as plain, connected(server) as leaving:
            plain[1].write(GET)
            leaving[1].write_eof()
            assert await ended(plain) and await ended(leaving)
        for said in (b"", HELLO, HELLO + b"\x00\x05hello"):
            async with connected(server) as client:
                await until(lambda: at_the_door(server) == 1)
                _reset(client, said)
            await until(lambda: at_the_door(server) == 0)
        async with secure(server) as good:
            assert await get(good) == b"200"


def _reset(client: Streams, said: bytes) -> None:
    sock = client[1].get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client[1].write(said)
    client[1].transport.abort()


@pytest.mark.parametrize("said", [b"", HELLO])
async def test_in_a_full_house_who_has_waited_longest_makes_room(files, said):
    async with serving(files, connections=3) as server, contextlib.AsyncExitStack() as stack:
        waiting = []
        for _ in range(3):
            waiting.append(await stack.enter_async_context(connected(server)))
            waiting[-1][1].write(said)
        await until(lambda: at_the_door(server) == 3)
        await asyncio.sleep(0.3)
        async with secure(server) as client:
            assert await get(client) == b"200"
            assert await ended(waiting[0])
            assert at_the_door(server) == 2


async def test_who_has_just_come_is_not_sent_away_for_another(files):
    async with (
        serving(files, connections=1, silent_seconds=PATIENCE) as server,
        connected(server) as first,
    ):
        await until(lambda: at_the_door(server) == 1)
        async with connected(server) as second:
            assert await ended(second)
        assert not first[0].at_eof() and at_the_door(server) == 1


async def test_those_inside_count_and_a_silent_one_makes_room(files):
    async with serving(files, connections=1) as server, secure(server) as first:
        assert await get(first) == b"200"
        async with connected(server) as refused:
            assert await ended(refused)
        await asyncio.sleep(0.3)
        async with secure(server) as second:
            assert await get(second) == b"200"
        with contextlib.suppress(ConnectionError):
            assert b"too_many_connections" in await first[0].read()


async def test_an_address_has_its_own_limit_at_the_door_and_inside_together(files, monkeypatch):
    monkeypatch.setattr(door, "is_loopback", lambda address: address == "127.0.0.1")
    monkeypatch.setattr(guard_module, "is_loopback", lambda address: address == "127.0.0.1")
    async with (
        serving(files, connections_per_address=2) as server,
        secure(server, "127.0.0.2") as inside,
        connected(server, "127.0.0.2"),
    ):
        assert await get(inside) == b"200"
        async with connected(server, "127.0.0.2") as third, secure(server, "127.0.0.3") as other:
            assert await ended(third)
            assert await get(other) == b"200"
        async with secure(server) as one, secure(server) as two, secure(server) as three:
            assert [await get(each) for each in (one, two, three)] == [b"200"] * 3


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")
async def test_ipv4_and_ipv6_have_one_door(files):
    async with (
        serving(files, "::", connections=1, silent_seconds=PATIENCE) as server,
        connected(server),
    ):
        await until(lambda: at_the_door(server) == 1)
        reader, writer = await asyncio.open_connection("::1", server.port)
        assert await ended((reader, writer))
        writer.transport.abort()


async def test_an_address_at_its_limit_sends_nobody_else_away(files, monkeypatch):
    monkeypatch.setattr(door, "is_loopback", lambda _: False)
    async with (
        serving(files, connections=2, connections_per_address=1, silent_seconds=0.0) as server,
        connected(server, "127.0.0.2") as silent,
        connected(server, "127.0.0.3"),
    ):
        await until(lambda: at_the_door(server) == 2)
        async with connected(server, "127.0.0.3") as second:
            assert await ended(second)
        assert not silent[0].at_eof() and at_the_door(server) == 2


async def test_without_descriptors_new_ones_wait_until_there_are_some(files, monkeypatch, capsys):
    monkeypatch.setattr(door, "REST_SECONDS", 0.3)
    monkeypatch.setattr("scriptrun_box.kernel.log.log._stream", sys.stderr)
    async with serving(files) as server:
        with socket.socket() as late, contextlib.ExitStack() as used:
            late.setblocking(False)
            limits = resource.getrlimit(resource.RLIMIT_NOFILE)
            used.callback(resource.setrlimit, resource.RLIMIT_NOFILE, limits)
            resource.setrlimit(resource.RLIMIT_NOFILE, (late.fileno() + 1, limits[1]))
            with pytest.raises(BlockingIOError):
                late.connect(("127.0.0.1", server.port))
            await asyncio.sleep(1.0)
            assert at_the_door(server) == 0
            used.close()
            await until(lambda: at_the_door(server) == 1)
        assert 1 <= capsys.readouterr().err.count("no connection can be accepted") <= 5
        async with secure(server) as client:
            assert await get(client) == b"200"


async def test_the_end_of_the_server_does_not_wait_for_those_at_the_door(files):
    began = asyncio.get_running_loop().time()
    async with serving(files) as server, contextlib.AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(connected(server)) for _ in range(2)]
        clients[0][1].write(HELLO)
        await until(lambda: at_the_door(server) == 2)
        server.should_exit = True
        assert await ended(clients[0]) and await ended(clients[1])
    assert asyncio.get_running_loop().time() - began < PATIENCE / 2
