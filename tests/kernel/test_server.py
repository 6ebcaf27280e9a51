"""The server: how it starts, what it refuses to start on, and how one signal ends it."""

import contextlib
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette

from scriptrun_box.kernel import sdnotify
from scriptrun_box.kernel.server import CannotListen, Server, bind, build_server

PATIENCE = 5.0  # seconds

# A server in a process of its own: /stream goes on until the streams are closed, /slow answers
# after half a second, /never does not, and /body wants the whole body.
PROGRAM = """
import asyncio, sys, threading
from scriptrun_box.kernel.server import build_server

closing = asyncio.Event()

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                print("ended", flush=True)
                return
            print(server.port, flush=True)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"begun ", "more_body": True})
    if scope["path"] == "/stream":
        await closing.wait()
    if scope["path"] == "/slow":
        await asyncio.sleep(0.5)
    if scope["path"] == "/never":
        threading.Thread(target=threading.Event().wait).start()
        await asyncio.Event().wait()
    if scope["path"] == "/body":
        while (await receive()).get("more_body"):
            pass
    await send({"type": "http.response.body", "body": b"done"})

server = build_server(app, host="127.0.0.1", port=0, on_exit=closing.set)
server.config.timeout_graceful_shutdown = 2
server.run()
print("returned", flush=True)
"""


@pytest.fixture
def box() -> Iterator["subprocess.Popen[str]"]:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    yield process
    process.kill()
    process.communicate()


@contextmanager
def request(process: "subprocess.Popen[str]", head: bytes) -> Iterator[socket.socket]:
    """A request of which the answer has begun."""
    assert process.stdout
    port = int(process.stdout.readline())
    with _connect(port) as client:
        client.sendall(head + b" HTTP/1.1\r\nHost: localhost\r\n")
        client.sendall(b"Content-Length: 10\r\n\r\nhalf" if b"POST" in head else b"\r\n")
        seen = b""
        while b"begun" not in seen:
            seen += client.recv(4096) or pytest.fail("closed without an answer")
        yield client


def _connect(port: int) -> socket.socket:
    end = time.monotonic() + PATIENCE
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), PATIENCE)
        except ConnectionRefusedError:  # bound, and listening in a moment
            assert time.monotonic() < end
            time.sleep(0.01)


def _rest(client: socket.socket) -> bytes:
    return b"".join(iter(lambda: client.recv(4096), b""))


def stop(process: "subprocess.Popen[str]") -> tuple[int, str, float]:
    """Ask it to stop: its exit status, what it printed, how many seconds it took."""
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    printed, _ = process.communicate(timeout=PATIENCE)
    return process.returncode, printed, time.monotonic() - began


def test_one_signal_closes_open_streams_and_ends_the_app_at_once(box):
    with request(box, b"GET /stream") as client:
        status, printed, seconds = stop(box)
        assert b"done" in _rest(client)
    assert (status, printed) == (0, "ended\nreturned\n")
    assert seconds < 1.5


def test_a_request_under_way_is_answered_before_the_end(box):
    with request(box, b"GET /slow") as client:
        assert stop(box)[0] == 0
        assert b"done" in _rest(client)


def test_half_a_request_holds_up_the_end_no_longer_than_the_grace(box):
    with request(box, b"POST /body"):
        status, printed, seconds = stop(box)
    assert (status, printed) == (0, "ended\nreturned\n")
    assert seconds < 3.5


def test_a_second_signal_ends_it_at_once_whatever_still_runs(box):
    with request(box, b"GET /never"):
        box.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        status, printed, seconds = stop(box)
    assert (status, printed) == (1, "")
    assert seconds < 1.0


# --- In this process


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answers /fail with an exception of its own, everything else with 200."""
    if scope["type"] == "lifespan":
        while (message := await receive())["type"] != "lifespan.shutdown":
            await send({"type": message["type"] + ".complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    if scope["path"] == "/fail":
        raise RuntimeError("Maria Rodriguez")
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"fine"})


async def broken_app(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "lifespan.startup.failed", "message": ""})


@contextmanager
def serving(host: str = "127.0.0.1", **more: Any) -> Iterator[Server]:
    server = build_server(app, host=host, port=0, **more)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.005)
        yield server
    finally:
        server.should_exit = True
        thread.join()


def _get(host: str, port: int, path: str = "/") -> bytes:
    with socket.create_connection((host, port), PATIENCE) as client:
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        return _rest(client)


def test_answers_do_not_name_the_server_program():
    with serving() as server:
        head = _get("127.0.0.1", server.port).lower()
    assert head.startswith(b"http/1.1 200 ok")
    assert b"\r\nserver:" not in head
    assert b"\r\ndate:" in head


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")
def test_all_addresses_means_ipv4_and_ipv6_on_one_port():
    with serving("::") as server:
        assert b"200 OK" in _get("127.0.0.1", server.port)
        assert b"200 OK" in _get("::1", server.port)


def test_a_port_in_use_is_refused_in_one_sentence_before_the_app_starts():
    with serving() as first:
        second = build_server(broken_app, host="127.0.0.1", port=first.port)
        with pytest.raises(CannotListen) as refused:
            second.run()
    assert refused.value.in_use
    assert str(refused.value) == (
        f"The box cannot listen on port {first.port} of 127.0.0.1: another program uses it."
    )


def test_an_address_of_another_machine_is_refused_in_one_sentence():
    with pytest.raises(CannotListen, match="Cannot assign requested address") as refused:
        bind("192.0.2.1", 8787)
    assert not refused.value.in_use


def test_a_certificate_that_cannot_be_read_is_refused_in_one_sentence(tmp_path):
    missing = tmp_path / "server.crt"
    server = build_server(app, host="127.0.0.1", port=0, tls_cert=missing, tls_key=missing)
    with pytest.raises(CannotListen, match="TLS certificate and key: No such file"):
        server.run()


def test_an_app_that_cannot_start_is_never_listened_for():
    server = build_server(broken_app, host="127.0.0.1", port=0)
    server.run()
    assert not server.started
    with pytest.raises(ConnectionRefusedError):
        _get("127.0.0.1", server.port)


def test_the_text_of_an_exception_reaches_neither_the_log_nor_the_caller(capsys, monkeypatch):
    monkeypatch.setattr("scriptrun_box.kernel.log.log._stream", sys.stderr)
    with serving() as server:
        answer = _get("127.0.0.1", server.port, "/fail")
    logged = capsys.readouterr().err
    assert b"500 Internal Server Error" in answer
    assert "kind=RuntimeError" in logged
    assert "Maria" not in logged + answer.decode()


def test_a_lifespan_that_fails_logs_no_traceback(capsys, monkeypatch):
    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        raise RuntimeError("Maria Rodriguez")

    monkeypatch.setattr("scriptrun_box.kernel.log.log._stream", sys.stderr)
    server = build_server(Starlette(lifespan=lifespan), host="127.0.0.1", port=0)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.005)
    server.should_exit = True
    thread.join()
    logged = capsys.readouterr().err
    assert "shutdown" in logged
    assert "Traceback" not in logged
    assert "Maria" not in logged


# --- systemd


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind(str(tmp_path / "notify"))
        channel.settimeout(PATIENCE)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        yield channel


def test_systemd_is_told_when_the_server_listens_and_when_it_stops(systemd):
    with serving() as server:
        assert systemd.recv(100) == b"READY=1"
        assert b"200 OK" in _get("127.0.0.1", server.port)
    assert systemd.recv(100) == b"STOPPING=1"


def test_systemds_watchdog_hears_of_the_box_only_while_it_is_well(systemd, monkeypatch):
    monkeypatch.setenv("WATCHDOG_USEC", "200000")
    well = True
    with serving(is_well=lambda: well):
        heard = [systemd.recv(100) for _ in range(4)]
        assert heard == [b"READY=1", b"WATCHDOG=1", b"WATCHDOG=1", b"WATCHDOG=1"]
        well = False
        time.sleep(0.15)
        systemd.settimeout(0.4)
        with contextlib.suppress(TimeoutError):
            systemd.recv(100)  # one that was under way
        with pytest.raises(TimeoutError):
            systemd.recv(100)


def test_without_systemd_or_with_a_dead_one_a_notice_goes_nowhere(tmp_path, monkeypatch):
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    sdnotify.notify("READY=1")
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nobody"))
    sdnotify.notify("READY=1")


def test_an_abstract_socket_of_systemd_is_reached(monkeypatch):
    name = f"scriptrun-box-test-{time.monotonic_ns()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind("\0" + name)
        channel.settimeout(PATIENCE)
        monkeypatch.setenv("NOTIFY_SOCKET", "@" + name)
        sdnotify.notify("WATCHDOG=1")
        assert channel.recv(100) == b"WATCHDOG=1"


def test_the_watchdog_is_due_at_half_its_time_and_only_for_us(monkeypatch):
    monkeypatch.setenv("WATCHDOG_USEC", "30000000")
    assert sdnotify.watchdog_seconds() == 15.0
    monkeypatch.setenv("WATCHDOG_PID", "1")
    assert sdnotify.watchdog_seconds() is None
    monkeypatch.delenv("WATCHDOG_USEC")
    assert sdnotify.watchdog_seconds() is None
