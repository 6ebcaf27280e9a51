"""Every answer: the order of the checks, one shape for refusals, and nothing that leaks."""

import io
import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import Response

from scriptrun_box.accounts import actions
from scriptrun_box.accounts import store as accounts
from scriptrun_box.kernel import clock
from scriptrun_box.kernel.db import Reader, Writer
from scriptrun_box.kernel.http import Call, Path, host_name
from scriptrun_box.kernel.log import log
from scriptrun_box.kernel.scope import CLI
from scriptrun_box.orders import store as replays
from tests.shared_box import anyio_backend, app, client, world
from tests.world import World, cookie, header, orders

__all__ = ["anyio_backend", "app", "client", "world"]
pytestmark = pytest.mark.anyio
PUSH = "/api/webhook/orders"
MIB = 1024 * 1024
SECURITY = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "x-frame-options": "DENY",
    "cache-control": "no-store",
}


@pytest.fixture
def lines() -> Iterator[Callable[[], list[str]]]:
    """The lines logged so far in this test."""
    stream, before = io.StringIO(), log._stream
    log.to(stream)
    yield lambda: stream.getvalue().splitlines()
    log.to(before)


def path_of(app: Starlette, path: str) -> Path:
    """The rows of one path of the running app."""
    (found,) = [each.app for each in app.routes if getattr(each, "path", "") == path]
    assert isinstance(found, Path)
    return found


# The order of the checks ------------------------------------------------------------------------

WRONG = {  # in the order they are looked at, with the code of each
    "host": "unknown_host",
    "size": "body_too_large",
    "key": "key_missing",
    "source": "source_refused",
    "rate": "rate_limited",
    "scope": "scope_missing",
    "body": "invalid_json",
    "replay": "idempotency_key_reused",
    "hour": "orders_per_hour",
    "month": "plan_limit",
}


async def push_with(app: Starlette, client: httpx.AsyncClient, world: World, *wrong: str) -> Any:
    """A push that breaks exactly these rules; the code of the refusal, or "" for a success."""
    plan = "starter" if "month" in wrong else "enterprise"
    tenant = (
        await world.db.write(
            lambda w: actions.create_tenant(
                w, CLI, name="T", kind="pharmacy", plan=plan, time_zone="America/New_York"
            )
        )
    ).tenant
    wish: dict[str, Any] = {"name": "order of checks"}
    if "source" in wrong:
        wish["networks"] = ("10.9.9.9/32",)
    if "scope" in wrong:
        wish["scopes"] = ("packages:read",)
    wish |= {"ingest_per_minute": 1} if "rate" in wrong else {}
    wish |= {"orders_per_hour": 1} if "hour" in wrong else {}
    key = await world.db.write(
        lambda w: actions.create_key(w, tenant_id=tenant.id, actor=CLI, **wish)
    )
    if "rate" in wrong:
        app.state.box.limiter.take(key.key.id, "ingest", 1)

    def use_up(w: Writer) -> None:
        if "hour" in wrong:
            accounts.add_minute_usage(w, key.key.id, 1)
        if "month" in wrong:
            accounts.add_month_usage(w, tenant.id, clock.month(w.now), 1_000, 0)
        if "replay" in wrong:
            replays.keep(w, key.key.id, "again", b"another body", b"{}")

    await world.db.write(use_up)
    body = b"{" if "body" in wrong else json.dumps(orders()).encode()
    headers = {"Content-Type": "application/json"}
    headers |= {} if "key" in wrong else header(key)
    headers |= {"Host": "evil.example"} if "host" in wrong else {}
    headers |= {"Idempotency-Key": "again"} if "replay" in wrong else {}
    body = body.ljust(MIB + 1) if "size" in wrong else body
    answer = await client.post(PUSH, content=body, headers=headers)
    return answer.json().get("code", "")


async def test_a_push_that_breaks_no_rule_is_taken(
    app: Starlette, client: httpx.AsyncClient, world: World
) -> None:
    assert await push_with(app, client, world) == ""


@pytest.mark.parametrize("wrong", WRONG)
async def test_each_rule_has_its_own_code(
    app: Starlette, client: httpx.AsyncClient, world: World, wrong: str
) -> None:
    assert await push_with(app, client, world, wrong) == WRONG[wrong]


@pytest.mark.parametrize(("first", "second"), list(itertools.combinations(WRONG, 2)))
async def test_of_two_broken_rules_the_earlier_one_is_told(
    app: Starlette, client: httpx.AsyncClient, world: World, first: str, second: str
) -> None:
    assert await push_with(app, client, world, first, second) == WRONG[first]


# Hosts, methods, headers ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "known"),
    [
        ("127.0.0.1:8787", True),
        ("127.0.0.1", True),
        ("LOCALHOST:1", True),
        ("localhost.", True),
        ("[::1]:8787", True),
        ("evil.example", False),
        ("localhost.evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("evil.example:8787", False),
        ("", False),
        ("[::2]", False),
        ("[", False),
        ("127.0.0.1@evil.example", False),
    ],
)
async def test_the_box_answers_to_its_own_names_only(
    client: httpx.AsyncClient, world: World, host: str, known: bool
) -> None:
    for path in ("/healthz", "/api/account", "/nowhere", "/sign-in", "/docs"):
        headers = {**header(world.live), "Host": host}
        answer = await client.get(path, headers=headers)
        assert (answer.status_code != 421) == known, path
        if not known:
            assert answer.json()["code"] == "unknown_host"
            assert len(host) < 2 or host not in answer.text


def test_a_host_name_is_read_without_its_port() -> None:
    names = ["A.b:1", "a.b.", "[::1]:8", "[::1]", "", ":8", "a:b:c"]
    assert [host_name(each) for each in names] == ["a.b", "a.b", "::1", "::1", "", "", "a"]


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("GET", PUSH, "POST"),
        ("HEAD", PUSH, "POST"),
        ("OPTIONS", PUSH, "POST"),
        ("PUT", PUSH, "POST"),
        ("TRACE", PUSH, "POST"),
        ("POST", "/api/packages", "GET, HEAD"),
        ("DELETE", "/api/packages/" + "0" * 32, "GET, HEAD, PATCH"),
        ("POST", "/healthz", "GET, HEAD"),
        ("PROPFIND", "/api/account", "GET, HEAD"),
        ("get", PUSH, "POST"),
    ],
)
async def test_another_method_is_told_which_ones_there_are(
    client: httpx.AsyncClient, world: World, method: str, path: str, allow: str
) -> None:
    answer = await client.request(method, path, headers=header(world.live))
    assert answer.status_code == 405
    assert answer.headers["allow"] == allow


async def test_head_is_get_without_the_body(client: httpx.AsyncClient, world: World) -> None:
    for path in ("/healthz", "/api/account", "/api/packages", "/api/packages/x"):
        get, head = [
            await client.request(method, path, headers=header(world.live))
            for method in ("GET", "HEAD")
        ]
        assert head.status_code == get.status_code
        assert head.headers["content-type"] == get.headers["content-type"]


async def test_every_answer_carries_its_request_id_and_the_security_headers(
    client: httpx.AsyncClient, world: World, app: Starlette, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(call: Call) -> Response:
        raise RuntimeError("no")

    rows = path_of(app, "/api/usage").rows
    monkeypatch.setitem(rows, "GET", replace(rows["GET"], handler=broken))
    key = header(world.live)
    evil = {**key, "Host": "evil"}
    big = {**key, "Content-Type": "application/json"}
    answers = {
        200: await client.get("/api/account", headers=key),
        400: await client.get("/api/packages?limit=x", headers=key),
        401: await client.get("/api/account"),
        404: await client.get("/nowhere"),
        405: await client.put(PUSH, headers=key),
        413: await client.post(PUSH, content=b" " * (MIB + 1), headers=big),
        415: await client.post(PUSH, content=b"{}", headers=key),
        421: await client.get("/api/account", headers=evil),
        500: await client.get("/api/usage", headers=key),
    }
    for status, answer in answers.items():
        assert answer.status_code == status
        for name, value in SECURITY.items():
            assert answer.headers[name] == value, (status, name)
        assert "default-src 'self'" in answer.headers["content-security-policy"]
        assert "unsafe-inline" not in answer.headers["content-security-policy"]
        assert answer.headers["x-request-id"].startswith("req_")
        assert "server" not in answer.headers
        if status >= 400:
            assert answer.headers["content-type"] == "application/json"
            assert set(answer.json()) == {"error", "code", "details", "request_id"}
            assert answer.json()["request_id"] == answer.headers["x-request-id"]
    assert len({each.headers["x-request-id"] for each in answers.values()}) == len(answers)


@pytest.mark.parametrize("length", ["²", "-1", "1e9", "", "0x10", "9" * 400])
async def test_a_length_that_is_no_number_breaks_nothing(
    client: httpx.AsyncClient, world: World, length: str
) -> None:
    headers = {**header(world.live), "Content-Length": length.encode("latin-1")}
    raw = [
        (name.encode(), value if isinstance(value, bytes) else value.encode())
        for name, value in headers.items()
    ]
    request = httpx.Request("GET", "http://127.0.0.1:8787/api/account", headers=raw)
    answer = await client.send(request)
    assert answer.status_code in (200, 400, 413)


@pytest.mark.parametrize(
    "path",
    ["/nowhere", "/api", "/api/", "/api/packages/", "/%00", "/api/PACKAGES", "/é"],
)
async def test_an_address_that_is_not_in_the_table_is_a_404(
    client: httpx.AsyncClient, world: World, path: str
) -> None:
    answer = await client.get(path, headers=header(world.live))
    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"


# When something of ours goes wrong --------------------------------------------------------------

CANARY = "ZZCANARY7"


async def test_a_failure_of_ours_shows_nothing_and_changes_nothing(
    client: httpx.AsyncClient,
    world: World,
    app: Starlette,
    monkeypatch: pytest.MonkeyPatch,
    lines: Callable[[], list[str]],
) -> None:
    def write_and_break(w: Writer, text: str) -> None:
        w.run("INSERT INTO meta (key, value) VALUES (?, ?)", ("canary", text))
        raise ValueError(f"cannot read {text}")

    async def broken(call: Call) -> Response:
        await call.box.db.write(write_and_break, call.content.decode())
        raise AssertionError("unreachable")

    rows = path_of(app, PUSH).rows
    monkeypatch.setitem(rows, "POST", replace(rows["POST"], handler=broken))
    answer = await client.post(PUSH, content=CANARY.encode(), headers=header(world.live))
    assert answer.status_code == 500
    assert answer.json() == {
        "error": "Something went wrong on our side; nothing was lost. Please try again.",
        "code": "internal",
        "details": [],
        "request_id": answer.headers["x-request-id"],
    }
    assert await world.db.read(lambda r: r.value("SELECT 1 FROM meta WHERE key = 'canary'")) is None
    failure, request = lines()
    assert "error request failed" in failure
    assert "kind=ValueError" in failure
    assert answer.headers["x-request-id"] in failure
    assert "status=500" in request
    assert CANARY not in failure + request
    assert (await client.get("/api/account", headers=header(world.live))).status_code == 200


async def test_no_patients_data_ever_reaches_the_log_or_the_audit(
    client: httpx.AsyncClient, world: World, lines: Callable[[], list[str]], app: Starlette
) -> None:
    key = header(world.live)
    odd = {
        **key,
        "User-Agent": CANARY,
        "Referer": CANARY,
        "Cookie": f"a={CANARY}",
        "Idempotency-Key": f"{CANARY} x",
    }
    order = {
        "patient_name": CANARY,
        "patient_address": f"1 {CANARY} St",
        "notes": CANARY,
        "medications": [CANARY],
        "rx_number": CANARY,
        "barcode": CANARY,
        "external_patient_id": CANARY,
        CANARY: CANARY,
    }
    made = await client.post(PUSH, json={"orders": [order]}, headers=key)
    path = f"/api/packages/{made.json()['package_ids'][0]}"
    for method, url, body, headers in [
        ("POST", PUSH, {"orders": [order, order]}, key),
        ("POST", PUSH, {"orders": [{**order, "patient_phone": CANARY}]}, key),
        ("POST", PUSH, {"orders": CANARY}, key),
        ("POST", PUSH, {"orders": [order]}, odd),
        ("PATCH", path, {"patient_name": f"{CANARY} two", CANARY: 1}, key),
        ("PATCH", path, {"patient_phone": CANARY}, key),
        ("POST", f"{path}/cancel", {CANARY: CANARY}, key),
        ("POST", f"{path}/cancel", {"reason": CANARY}, key),
        ("GET", f"/api/packages?q={CANARY}&rx_number={CANARY}", None, key),
        ("GET", f"/api/packages?cursor={CANARY}&status={CANARY}", None, odd),
        ("GET", f"/api/packages/{CANARY}", None, key),
        ("GET", f"/{CANARY}", None, key),
        ("GET", path, None, {"X-API-Key": CANARY}),
        ("GET", path, None, {**key, "Host": CANARY}),
        (CANARY, path, None, key),
        ("POST", "/sign-in", None, {**odd, "Content-Type": CANARY}),
    ]:
        await client.request(method, url, json=body, headers=headers)
    logged = lines()
    assert len(logged) >= 17
    assert [line for line in logged if CANARY in line] == []
    assert [line for line in logged if " error " in line] == []
    assert [row for row in await world.db.read(audited) if CANARY in row] == []


def audited(r: Reader) -> list[str]:
    return [" ".join(map(str, row)) for row in r.all("SELECT * FROM audit")]


async def test_no_one_writes_lines_of_their_own_into_the_log(
    client: httpx.AsyncClient, world: World, lines: Callable[[], list[str]]
) -> None:
    forged = "x\r\n2026-01-01T00:00:00Z error forged \x1b[31m"
    raw = [
        (b"X-API-Key", world.live.secret.encode()),
        (b"Host", b"127.0.0.1:8787"),
        (b"User-Agent", forged.encode()),
        (b"Idempotency-Key", forged.encode()),
        (b"Accept", forged.encode()),
    ]
    quoted = httpx.QueryParams({"q": forged})
    for method, path in [
        ("GET", f"/api/packages?{quoted}"),
        ("GET", "/api/packages/x%0d%0aforged"),
        ("GET", "/%0d%0a2026 error forged%1b"),
        ("POST", PUSH),
        (forged.replace("\r\n", "\n"), "/api/packages"),
    ]:
        request = httpx.Request(method, f"http://127.0.0.1:8787{path}", headers=raw)
        await client.send(request)
    logged = lines()
    assert len(logged) == 5
    for line in logged:
        assert " info request method=" in line
        assert "forged" not in line.lower()
        assert line.isprintable()


async def test_a_session_opens_no_endpoint_of_programs(
    client: httpx.AsyncClient, world: World
) -> None:
    request = client.build_request("GET", "/api/packages")
    request.headers["Cookie"] = "; ".join(f"{k}={v}" for k, v in cookie(world, "owner").items())
    assert (await client.send(request)).status_code == 401
