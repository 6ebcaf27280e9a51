"""SIGTERM under load, and a second server on the same folder."""

import socket
import subprocess
import threading
import time
from pathlib import Path

import httpx

from scriptrun_box.kernel import copies

from . import stored
from .load import Load
from .server import PATIENCE_SECONDS, Box, batch, serving

STREAMS = 3
PLENTY = {"LIMITS__INGEST_PER_MINUTE": "1000000"}
EXIT_SECONDS = 10.0
ANOTHER_RUNS = 75


def half_a_request(box: Box, key: str, body: bytes) -> socket.socket:
    """A request of which the head and half of the body have been sent."""
    client = socket.create_connection(("127.0.0.1", box.port), PATIENCE_SECONDS)
    head = (
        f"POST /api/webhook/orders HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    client.sendall(head.encode() + body[: len(body) // 2])
    return client


def test_sigterm_under_load_ends_in_good_order_and_keeps_all_it_acknowledged(
    tmp_path: Path,
) -> None:
    with serving(tmp_path / "data", **PLENTY) as (box, key):
        body = httpx.Request("POST", "http://x", json=batch({"rx_number": "RX-LATE"})).read()
        person = box.person()
        streams = [person.stream("GET", "/live") for _ in range(STREAMS)]
        opened = [each.__enter__() for each in streams]
        assert {each.status_code for each in opened} == {200}
        with Load(box, key).going_on() as load:
            in_flight, never = (half_a_request(box, key, body) for _ in range(2))
            load.wait_for(20)
            assert box.process is not None
            box.process.terminate()
            began = time.monotonic()
            load_ended = threading.Event()
            time.sleep(0.3)
            in_flight.sendall(body[len(body) // 2 :])
            answer = in_flight.recv(65536)
            assert box.process.wait(timeout=PATIENCE_SECONDS) == 0
            assert time.monotonic() - began < EXIT_SECONDS
            load_ended.set()
        assert answer.startswith(b"HTTP/1.1 200 "), "it was under way when the signal came"
        assert load.answers <= {200, 503}
        ids = {row["id"] for row in stored.packages(box.folder)}
        assert ids >= set(load.accepted)
        assert stored.rx_counts(box.folder)["RX-LATE"] == 1, "the half one was not stored"
        assert stored.unfolded_bytes(box.folder) == 0
        facts = copies.describe(box.folder / "scriptrun-box.sqlite", None)
        assert facts is not None and facts.event_seq == len(ids), "the copy has everything"
        for each in (in_flight, never):
            each.close()
        for stream in streams:
            stream.__exit__(None, None, None)
        person.close()


def test_a_second_server_on_the_folder_is_refused_and_the_first_is_not_disturbed(
    tmp_path: Path,
) -> None:
    with serving(tmp_path / "data", **PLENTY) as (box, key), Load(box, key).going_on() as load:
        second = Box(box.folder, box.env)
        began = time.monotonic()
        done = subprocess.run(
            second.command("serve"),
            env=second._environ(),
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
        assert time.monotonic() - began < EXIT_SECONDS  # 2 s on a machine that is not busy
        assert done.returncode == ANOTHER_RUNS
        (sentence,) = done.stderr.strip().splitlines()
        assert sentence.startswith("scriptrun-box: ")
        load.wait_for(20)
        assert load.answers == {200}
