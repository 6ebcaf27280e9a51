"""What must be true of every address: its headers, and what is told when it fails inside."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.responses import Response

from scriptrun_box.kernel import audit
from scriptrun_box.kernel.db import Writer
from scriptrun_box.kernel.http import Call, Path
from scriptrun_box.kernel.scope import BOX
from tests.access.people import Scene, changed
from tests.access.table import ROWS, Row
from tests.boxes import CANARY

pytestmark = pytest.mark.anyio
STREAMS = ("/live", "/live/demo")
OWN_POLICY = ("/proof/{id}/photo", "/proof/{id}/signature")
SENT = [row for row in ROWS if row.path not in STREAMS]
MAY_BE_KEPT = ("/static/{name}", *OWN_POLICY)  # nothing of a patient's is in a static file


def check_headers(headers: dict[str, str], path: str) -> None:
    """The headers every answer carries, whatever it is."""
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] in ("no-referrer", "same-origin")
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["x-frame-options"] == "DENY"
    assert headers["x-request-id"].startswith("req_")
    assert "server" not in headers and "x-powered-by" not in headers
    policy = headers["content-security-policy"]
    if path not in OWN_POLICY:
        assert "default-src 'self'" in policy and "unsafe" not in policy
        assert "object-src 'none'" in policy and "frame-ancestors 'none'" in policy
    if path not in MAY_BE_KEPT:
        assert headers["cache-control"] in ("no-store", "no-cache")


@pytest.mark.parametrize("row", SENT, ids=str)
async def test_every_answer_carries_its_headers(scene: Scene, row: Row) -> None:
    await scene.tidy()
    callers = await scene.callers(row)
    for name in ("nobody", "driver", row.usual):
        (caller,) = [each for each in callers if each.name == name]
        subject = await scene.subject(row.subject, caller.scope)
        for method in ("", "PUT"):
            answer = await scene.call(row, caller, subject, method=method)
            headers = {key.lower(): value for key, value in answer.headers.items()}
            check_headers(headers, row.path if answer.status == row.ok else "")


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/nothing/here", {}, 404),
        ("/static/nothing.js", {}, 404),
        ("/static/..%2f..%2fconfig.py", {}, 404),
        ("/packages", {"host": "evil.example"}, 421),
        ("/api/webhook/orders", {"content-length": "9999999"}, 413),
    ],
)
async def test_refusals_before_any_handler_carry_them_too(
    scene: Scene, path: str, headers: dict[str, str], status: int
) -> None:
    method = "POST" if status == 413 else "GET"
    answer = await scene.client.request(method, path, headers=headers)
    assert answer.status_code == status
    check_headers(dict(answer.headers), "")


@contextmanager
def failing(app: Starlette, row: Row, when: str) -> Iterator[None]:
    """The row's handler breaks: at once, or in the middle of a transaction."""
    (path,) = [
        route.endpoint  # type: ignore[attr-defined]
        for route in app.routes
        if isinstance(getattr(route, "endpoint", None), Path) and route.path == row.path  # type: ignore[attr-defined]
    ]

    async def fail(call: Call) -> Response:
        if when == "in a transaction":
            await call.box.db.write(_write_and_fail)
        raise RuntimeError(f"{CANARY} SELECT secret FROM webhook_endpoints")

    whole = path.rows[row.method]
    path.rows[row.method] = replace(whole, handler=fail)
    try:
        yield
    finally:
        path.rows[row.method] = whole


def _write_and_fail(w: Writer) -> None:
    audit.record(w, "ten_1", BOX, "half.done")
    w.run("UPDATE packages SET notes = ?, status = 'cancelled'", (CANARY,))
    w.run("DELETE FROM webhook_endpoints")
    raise RuntimeError(CANARY)


@pytest.mark.parametrize("when", ["at once", "in a transaction"])
@pytest.mark.parametrize("row", SENT, ids=str)
async def test_a_failure_inside_shows_nothing_and_changes_nothing(
    scene: Scene, app: Starlette, row: Row, when: str, capsys: pytest.CaptureFixture[str]
) -> None:
    await scene.tidy()
    callers = [each for each in await scene.callers(row) if each.name in row.who]
    subject = await scene.subject(row.subject, callers[0].scope)
    before = await scene.everything()
    for accept in ("application/json", "text/html"):
        with failing(app, row, when):
            answer = await scene.call(row, callers[0], subject, accept=accept)
        assert answer.status == 500
        for word in (CANARY, "RuntimeError", "Traceback", "SELECT", "scriptrun_box"):
            assert word not in answer.body, word
        check_headers({key.lower(): value for key, value in answer.headers.items()}, "")
        assert answer.headers["x-request-id"] in answer.body
    assert set(changed(before, await scene.everything())) <= {"audit"}  # of looks
    assert CANARY not in capsys.readouterr().err


def test_the_failing_handler_is_the_one_that_answers() -> None:
    """The table above names each address once, so none is tested through another."""
    seen: list[Any] = [(row.method, row.path) for row in SENT]
    assert len(seen) == len(set(seen))
