"""Webhooks at a terminal: what another process wrote is sent by the running box; listening."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
import stripe
from click.testing import CliRunner, Result

from scriptrun_box.cli import main
from scriptrun_box.kernel import clock, outbox
from scriptrun_box.kernel.scope import CLI
from scriptrun_box.verbs import listening
from scriptrun_box.webhooks import actions, signing
from scriptrun_box.webhooks.model import Endpoint, LogRow
from tests.receivers import Receiver, answer, receiving
from tests.shared_box import running
from tests.world import World, build_world

pytestmark = pytest.mark.anyio
LOOPBACK = {"allow_networks": ["127.0.0.0/8"], "allow_http": True, "retry_delays": [3600]}
SECRET = signing.new_secret()


class Terminal:
    """A running box with one webhook, and a command line beside it."""

    def __init__(self, folder: Path, world: World, hook: Endpoint) -> None:
        self._folder, self.world, self.hook = folder, world, hook

    async def __call__(self, *words: str) -> Result:
        args = ["webhook", *words, "--data", str(self._folder)]
        args += ["--tenant", self.world.scope.tenant_id]
        return await asyncio.to_thread(CliRunner().invoke, main, args)

    async def json(self, *words: str) -> Any:
        done = await self(*words, "--json")
        assert done.exit_code == 0, done.output
        return json.loads(done.output)

    async def over(self, count: int) -> list[LogRow]:
        return await self.world.attempts_over(self.hook.id, count)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as made:
        yield made


@pytest.fixture
async def terminal(tmp_path: Path, receiver: Receiver) -> AsyncIterator[Terminal]:
    async with running(tmp_path / "data", webhooks=LOOPBACK) as app:
        world = await build_world(app.state.box.db)
        hook, _ = await world.db.write(
            actions.create, world.scope, CLI, url=receiver.url, events=("*",)
        )
        yield Terminal(tmp_path / "data", world, hook)


async def happen(terminal: Terminal) -> None:
    await terminal.world.db.write(
        outbox.append, terminal.world.scope, "package.created", "x", {"n": 1}
    )


async def test_a_test_from_another_process_is_sent_within_a_tick(
    terminal: Terminal, receiver: Receiver
) -> None:
    told = await terminal.json("test", terminal.hook.id)
    (hit,) = await receiver.got(1, seconds=3)
    assert hit.header("X-ScriptRun-Event") == "webhook.test"
    (row,) = await terminal.over(1)
    assert (row.delivery_id, row.trigger) == (told["delivery_id"], "test")


async def test_a_delivery_is_resent_and_a_span_replayed(
    terminal: Terminal, receiver: Receiver
) -> None:
    receiver.manners = answer(500)
    await happen(terminal)
    (row,) = await terminal.over(1)
    receiver.manners = answer()
    await terminal.json("resend", row.delivery_id)
    assert [each.trigger for each in await terminal.over(2)] == ["manual", "auto"]
    told = await terminal.json("replay", terminal.hook.id, "--since", "2020-01-01T00:00:00Z")
    assert told == {"queued": 1}
    assert (await terminal.over(3))[0].trigger == "replay"
    assert len({hit.body for hit in receiver.hits}) == 1
    none = await terminal.json(
        "replay", terminal.hook.id, "--since", "2020-01-01T00:00:00Z", "--until",
        "2020-01-02T00:00:00Z",
    )  # fmt: skip
    assert none == {"queued": 0}


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("test", "whk_x"), 1),
        (("resend", "dlv_x"), 1),
        (("replay", "whk_x", "--since", "yesterday"), 2),
        (("replay", "whk_x"), 2),
    ],
)
async def test_what_is_not_there_is_told_in_a_sentence(
    terminal: Terminal, words: tuple[str, ...], status: int
) -> None:
    done = await terminal(*words)
    assert done.exit_code == status
    assert "Traceback" not in done.output


# Listening and sending on -------------------------------------------------------------------------


@contextmanager
def listening_to(forward: str | None) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), listening.receiver(SECRET, forward))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def event(secret: str = SECRET, timestamp: int | None = None) -> tuple[bytes, dict[str, str]]:
    body = '{"id":"evt_1","data":{"name":"Peña"}}'.encode()
    at = clock.now_ms() // 1000 if timestamp is None else timestamp
    return body, signing.headers(
        event="package.created", event_id="evt_1", body=body, timestamp=at, attempt=1, secret=secret
    )


async def test_what_verifies_is_sent_on_signed_anew_and_the_answer_is_passed_back() -> None:
    body, headers = event()
    headers["X-ScriptRun-Signature"] += ",v1=" + "0" * 64  # as during a rotation
    async with receiving(answer(202)) as program, httpx.AsyncClient() as box:
        with listening_to(program.url) as url:
            got = await box.post(url, content=body, headers=headers)
    (hit,) = program.hits
    assert got.status_code == 202
    assert hit.body == body
    assert hit.header("X-ScriptRun-Event") == "package.created"
    assert hit.header("X-ScriptRun-Signature").count("v1=") == 1
    assert stripe.WebhookSignature.verify_header(
        body.decode(), hit.header("X-ScriptRun-Signature"), SECRET, tolerance=300
    )


@pytest.mark.parametrize("given", [event(signing.new_secret()), event(timestamp=1), (b"{}", {})])
async def test_what_does_not_verify_is_refused_and_not_sent_on(
    given: tuple[bytes, dict[str, str]],
) -> None:
    body, headers = given
    async with receiving() as program, httpx.AsyncClient() as box:
        with listening_to(program.url) as url:
            got = await box.post(url, content=body, headers=headers)
    assert got.status_code == 400
    assert program.hits == []


async def test_a_program_that_is_not_there_is_a_502_so_that_the_box_tries_again() -> None:
    body, headers = event()
    async with receiving() as program:
        nowhere = program.url
    async with httpx.AsyncClient() as box:
        with listening_to(nowhere) as url:
            assert (await box.post(url, content=body, headers=headers)).status_code == 502


@pytest.mark.parametrize(
    "words",
    [
        ("--forward", "http://127.0.0.1:1/"),
        ("--forward", "ftp://x", "--secret", SECRET),
        ("--forward", "http://127.0.0.1:1/", "--secret", "whsec_!"),
    ],
)
def test_sending_on_needs_a_secret_and_a_url(words: tuple[str, ...]) -> None:
    assert CliRunner().invoke(main, ["webhook", "listen", *words]).exit_code == 2
