"""Revoking is immediate: for keys, for sessions, and for the live screens they keep open."""

import threading
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from .server import EMAIL, PATIENCE_SECONDS, Box, batch, serving

PLENTY = {"LIMITS__INGEST_PER_MINUTE": "1000000"}
CLOSES_SECONDS = 5.0  # 1 s is promised; a busy machine gets some more
Call = tuple[float, int]  # when it was begun, what came back


class Hammer(threading.Thread):
    """Pushes order after order with one key, and notes when each call was begun."""

    def __init__(self, box: Box, key: str) -> None:
        super().__init__(daemon=True)
        self.client = box.client(key)
        self.calls: list[Call] = []
        self.stopping = threading.Event()

    def run(self) -> None:
        with self.client as client:
            while not self.stopping.is_set():
                began = time.monotonic()
                status = client.post("/api/webhook/orders", json=batch()).status_code
                self.calls.append((began, status))

    def wait_for(self, more: int) -> None:
        wanted, deadline = len(self.calls) + more, time.monotonic() + PATIENCE_SECONDS
        while len(self.calls) < wanted:
            assert time.monotonic() < deadline
            time.sleep(0.01)


def test_no_call_begun_after_the_command_line_revoked_its_key_succeeds(tmp_path: Path) -> None:
    with serving(tmp_path / "data", **PLENTY) as (box, key):
        key_id = box.cli("key", "list").splitlines()[1].split()[0]
        hammers = [Hammer(box, key) for _ in range(3)]
        for each in hammers:
            each.start()
        try:
            for each in hammers:
                each.wait_for(5)
            box.cli("key", "revoke", key_id)
            revoked = time.monotonic()
            for each in hammers:
                each.wait_for(5)
        finally:
            for each in hammers:
                each.stopping.set()
                each.join()
        calls = [call for each in hammers for call in each.calls]
        assert {status for began, status in calls if began >= revoked} == {401}
        assert {status for began, status in calls} == {200, 401}
        # A group of writes that was under way may still have been let in, nothing later.
        last_success = max(began for began, status in calls if status == 200)
        assert last_success < revoked


class Stream(threading.Thread):
    """An open live screen; notes when it was closed by the box."""

    def __init__(self, person: httpx.Client) -> None:
        super().__init__(daemon=True)
        self.person = person
        self.opened = threading.Event()
        self.closed_at: float | None = None
        self.got = b""

    def run(self) -> None:
        with self.person.stream("GET", "/live") as answer:
            for piece in answer.iter_raw():
                self.got += piece
                self.opened.set()
        self.closed_at = time.monotonic()


def sign_out(box: Box, person: httpx.Client) -> None:
    page = person.get("/settings/users").text
    token = page.partition('name="csrf" value="')[2].partition('"')[0]
    assert person.post("/sign-out", data={"csrf": token}).status_code == 303


def reset_password(box: Box, person: httpx.Client) -> None:
    box.cli("user", "reset-password", EMAIL)


@pytest.mark.parametrize("end", [sign_out, reset_password])
def test_a_live_screen_closes_when_its_session_has_ended(tmp_path: Path, end: Any) -> None:
    with (
        serving(tmp_path / "data") as (box, _),
        box.person() as person,
        box.client(cookies=person.cookies) as other,
    ):
        stream = Stream(other)
        stream.start()
        assert stream.opened.wait(PATIENCE_SECONDS)
        end(box, person)
        ended = time.monotonic()
        stream.join(PATIENCE_SECONDS)
        assert stream.closed_at is not None and stream.closed_at - ended < CLOSES_SECONDS
        assert b"event: end" in stream.got
        assert other.get("/").status_code == 401
