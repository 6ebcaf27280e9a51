"""The HTTP face of webhooks, through the real gate, over a real file and to real receivers."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import stripe
from starlette.applications import Starlette

from scriptrun_box.accounts import actions as accounts
from scriptrun_box.accounts.gates import KeyGate
from scriptrun_box.accounts.signin import SignIns
from scriptrun_box.kernel import clock, outbox
from scriptrun_box.kernel.config import Settings
from scriptrun_box.kernel.http import JSON_BODY_BYTES, Url, routes
from scriptrun_box.kernel.limiter import Limiter
from scriptrun_box.kernel.scope import BOX
from scriptrun_box.webhooks import api
from tests.receivers import answer, receiving

from .conftest import Sending, World

pytestmark = pytest.mark.anyio

GATE = KeyGate("webhooks:manage", "write", feature="webhooks")
ONE = "/api/webhooks/{id}"
TABLE = [
    Url(method, path, handler, GATE, JSON_BODY_BYTES)
    for method, path, handler in [
        ("GET", "/api/webhooks", api.list_endpoints),
        ("POST", "/api/webhooks", api.create_endpoint),
        ("GET", ONE, api.read_endpoint),
        ("PATCH", ONE, api.change_endpoint),
        ("DELETE", ONE, api.delete_endpoint),
        ("POST", f"{ONE}/pause", api.pause_endpoint),
        ("POST", f"{ONE}/resume", api.resume_endpoint),
        ("POST", f"{ONE}/rotate-secret", api.rotate_secret),
        ("POST", f"{ONE}/test", api.test_endpoint),
        ("POST", f"{ONE}/replay", api.replay),
        ("GET", f"{ONE}/logs", api.list_logs),
        ("POST", "/api/webhook-deliveries/{id}/resend", api.resend),
    ]
]
Client = httpx.AsyncClient


@dataclass
class Calls:
    """Clients with keys of ours, our sandbox, a stranger, and one bound to a location of ours."""

    ours: Client
    sandbox: Client
    stranger: Client
    bound: Client


@pytest.fixture
async def calls(world: World, sending: Sending) -> AsyncIterator[Calls]:
    app = Starlette(routes=routes(TABLE))
    settings = Settings.model_validate({"limits": {"writes_per_minute": 10_000}})
    app.state.box = SimpleNamespace(  # the part of the box that these handlers touch
        settings=settings,
        db=world.db,
        hosts={"box.example"},
        is_set_up=lambda: True,
        limiter=Limiter(),
        disk=SimpleNamespace(check=lambda: None),
    )
    app.state.sign_ins = SignIns()
    app.state.key_uses = {}
    app.state.known_keys = {}

    async def client(tenant_id: str, **options: Any) -> Client:
        made = await world.db.write(
            accounts.create_key, tenant_id, BOX, name="a program", **options
        )
        return Client(
            transport=httpx.ASGITransport(app),
            base_url="https://box.example",
            headers={"X-API-Key": made.secret},
        )

    places = await world.db.read(accounts.store.locations, world.ours.tenant_id)
    async with sending(delays=(60_000,)) as deliveries:
        app.state.deliveries = deliveries
        yield Calls(
            await client(world.ours.tenant_id),
            await client(world.ours.tenant_id, test=True),
            await client(world.stranger.tenant_id),
            await client(world.ours.tenant_id, location_id=places[0].id),
        )


async def made(client: Client, url: str, events: list[str] | None = None) -> dict[str, Any]:
    answered = await client.post("/api/webhooks", json={"url": url, "events": events or ["*"]})
    assert answered.status_code == 201, answered.text
    body: dict[str, Any] = answered.json()
    return body


async def until(ask: Callable[[], Any], seconds: float = 5.0) -> Any:
    async with asyncio.timeout(seconds):
        while not (found := await ask()):
            await asyncio.sleep(0.01)
    return found


async def attempts(client: Client, endpoint_id: str, count: int = 1) -> list[dict[str, Any]]:
    """The log, newest first, once so many attempts are over."""

    async def ask() -> list[dict[str, Any]] | None:
        rows = (await client.get(f"/api/webhooks/{endpoint_id}/logs")).json()["data"]
        over = [row for row in rows if row["outcome"] != "in_flight"]
        return rows if len(over) >= count else None

    return await until(ask)


async def test_creation_shows_the_secret_once_and_events_verify_with_it(
    world: World, calls: Calls
) -> None:
    async with receiving() as receiver:
        created = await made(calls.ours, receiver.url, ["package.created"])
        event = await world.happens()
        (hit,) = await receiver.got(1)
        (row,) = await attempts(calls.ours, created["id"])
    assert created["secret"].startswith("whsec_")
    assert (created["state"], created["events"]) == ("active", ["package.created"])
    assert created["created_at"].endswith("Z")
    assert stripe.WebhookSignature.verify_header(
        hit.body.decode(), hit.header("X-ScriptRun-Signature"), created["secret"], tolerance=300
    )
    for path in ("/api/webhooks", f"/api/webhooks/{created['id']}"):
        assert created["secret"] not in (await calls.ours.get(path)).text
    assert row.pop("duration_ms") >= 0
    assert row.pop("started_at").endswith("Z")
    assert row.pop("id").startswith("att_")
    assert row.pop("delivery_id").startswith("dlv_")
    assert row == {
        "event_id": event.id,
        "event": "package.created",
        "attempt": 1,
        "trigger": "auto",
        "outcome": "ok",
        "status": 200,
        "error_class": None,
        "next_at": None,
    }


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("https://user:pw@example.com/", "not_allowed"),
        ("ftp://example.com/", "not_allowed"),
        ("http://example.com/", "not_allowed"),
        ("https://10.0.0.1/", "not_allowed"),
        ("https://169.254.169.254/", "not_allowed"),
        ("https://[::ffff:127.0.0.1]/", "not_allowed"),
        ("https://2130706433/", "bad_format"),
        ("https://exa mple.com/", "bad_format"),
        ("https://no-such-host.invalid/", "not_allowed"),
        ("https://" + "a" * 2050, "too_long"),
        ("", "too_short"),
        (None, "wrong_type"),
        (7, "wrong_type"),
    ],
)
async def test_a_url_that_may_not_be_dialled_is_refused_at_save_and_at_change(
    calls: Calls, url: object, code: str
) -> None:
    refused = await calls.ours.post("/api/webhooks", json={"url": url, "events": ["*"]})
    assert refused.status_code == 400
    (detail,) = refused.json()["details"]
    assert (detail["field"], detail["code"]) == ("url", code)
    assert not isinstance(url, str) or len(url) < 5 or url not in refused.text
    good = await made(calls.ours, "http://127.0.0.1:4999/")
    changed = await calls.ours.patch(f"/api/webhooks/{good['id']}", json={"url": url})
    assert changed.status_code == 400
    assert (await calls.ours.get("/api/webhooks")).json()["data"][0]["url"] == good["url"]


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ({"events": ["*"]}, "url", "missing"),
        ({"url": "http://127.0.0.1:4999/"}, "events", "missing"),
        ({"url": "http://127.0.0.1:4999/", "events": []}, "events", "too_short"),
        ({"url": "http://127.0.0.1:4999/", "events": "*"}, "events", "wrong_type"),
        ({"url": "http://127.0.0.1:4999/", "events": ["package"]}, "events", "not_allowed"),
        ({"url": "http://127.0.0.1:4999/", "events": ["webhook.test"]}, "events", "not_allowed"),
        ({"url": "http://127.0.0.1:4999/", "events": ["*"], "state": "x"}, "state", "not_allowed"),
    ],
)
async def test_a_malformed_subscription_is_refused_field_by_field(
    calls: Calls, body: dict[str, Any], field: str, code: str
) -> None:
    refused = await calls.ours.post("/api/webhooks", json=body)
    assert refused.status_code == 400
    assert [(d["field"], d["code"]) for d in refused.json()["details"]] == [(field, code)]
    assert (await calls.ours.get("/api/webhooks")).json()["data"] == []


async def test_a_change_takes_url_and_events_and_leaves_the_rest(calls: Calls) -> None:
    created = await made(calls.ours, "http://127.0.0.1:4999/a")
    path = f"/api/webhooks/{created['id']}"
    changed = (await calls.ours.patch(path, json={"events": ["delivery.failed"]})).json()
    assert (changed["url"], changed["events"]) == ("http://127.0.0.1:4999/a", ["delivery.failed"])
    moved = (await calls.ours.patch(path, json={"url": "http://127.0.0.1:4999/b"})).json()
    assert (moved["url"], moved["events"]) == ("http://127.0.0.1:4999/b", ["delivery.failed"])
    assert (await calls.ours.patch(path, json={"secret": "x"})).status_code == 400
    shown = (await calls.ours.get(path)).json()
    assert shown["waiting"] == {"pending": 0, "sending": 0, "held": 0}


async def test_lists_are_paged_newest_first(calls: Calls) -> None:
    ids = [(await made(calls.ours, f"http://127.0.0.1:4999/{n}"))["id"] for n in range(5)]
    seen, cursor = [], ""
    while True:
        page = (await calls.ours.get(f"/api/webhooks?limit=2{cursor}")).json()
        seen += [each["id"] for each in page["data"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == ids[::-1]


async def test_the_log_is_paged_newest_first(calls: Calls) -> None:
    async with receiving() as receiver:
        created = await made(calls.ours, receiver.url)
        path = f"/api/webhooks/{created['id']}"
        sent = []
        for count in range(1, 6):
            tested = await calls.ours.post(f"{path}/test")
            assert tested.status_code == 202
            sent.append(tested.json()["delivery_id"])
            await attempts(calls.ours, created["id"], count)
    seen, cursor = [], ""
    while True:
        page = (await calls.ours.get(f"{path}/logs?limit=2{cursor}")).json()
        seen += [row["delivery_id"] for row in page["data"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == sent[::-1]


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "limit=x", "cursor=!", "cursor=Zm9v"])
async def test_a_malformed_page_is_refused(calls: Calls, query: str) -> None:
    created = await made(calls.ours, "http://127.0.0.1:4999/")
    for path in ("/api/webhooks", f"/api/webhooks/{created['id']}/logs"):
        assert (await calls.ours.get(f"{path}?{query}")).status_code == 400


async def test_pause_holds_resume_sends_and_resending_meanwhile_is_refused_in_words(
    world: World, calls: Calls
) -> None:
    async with receiving(answer(500)) as receiver:
        created = await made(calls.ours, receiver.url)
        path = f"/api/webhooks/{created['id']}"
        await world.happens()
        (row,) = await attempts(calls.ours, created["id"])
        paused = await calls.ours.post(f"{path}/pause")
        assert (paused.status_code, paused.json()["state"]) == (200, "paused_by_user")
        assert (await calls.ours.get(path)).json()["waiting"]["held"] == 1
        resend = f"/api/webhook-deliveries/{row['delivery_id']}/resend"
        refused = await calls.ours.post(resend)
        assert (refused.status_code, refused.json()["code"]) == (409, "webhook_paused")
        since = {"since": "2020-01-01T00:00:00Z"}
        assert (await calls.ours.post(f"{path}/replay", json=since)).status_code == 409
        receiver.manners = answer()
        resumed = await calls.ours.post(f"{path}/resume")
        assert (resumed.status_code, resumed.json()["state"]) == (200, "active")
        await receiver.got(2)
        await attempts(calls.ours, created["id"], 2)
        again = await calls.ours.post(resend)
        assert (again.status_code, again.json()) == (202, {"delivery_id": row["delivery_id"]})
        await receiver.got(3)
        rows = await attempts(calls.ours, created["id"], 3)
    assert [each["trigger"] for each in rows] == ["manual", "auto", "auto"]


async def test_a_rotation_answers_the_new_secret_once_and_can_be_ended(
    world: World, calls: Calls
) -> None:
    async with receiving() as receiver:
        created = await made(calls.ours, receiver.url)
        path = f"/api/webhooks/{created['id']}/rotate-secret"
        rotated = (await calls.ours.post(path)).json()
        assert rotated["secret"] != created["secret"]
        assert rotated["previous_valid_until"] > clock.iso(clock.now_ms() + 23 * 3_600_000)
        await world.happens()
        first = (await receiver.got(1))[0].header("X-ScriptRun-Signature")
        ended = await calls.ours.post(path, json={"finish_now": True})
        assert (ended.status_code, ended.json()["secret"]) == (200, None)
        await world.happens()
        second = (await receiver.got(2))[1]
        at_once = (await calls.ours.post(path, json={"finish_now": True})).json()
        assert at_once["secret"] not in (None, rotated["secret"])
    assert first.count(",v1=") == 2
    header = second.header("X-ScriptRun-Signature")
    assert header.count(",v1=") == 1
    assert stripe.WebhookSignature.verify_header(
        second.body.decode(), header, rotated["secret"], tolerance=300
    )


async def test_a_replay_queues_the_span_and_nothing_else(world: World, calls: Calls) -> None:
    before = await world.happens()
    later = clock.iso(clock.now_ms() + 3_600_000)
    async with receiving() as receiver:
        created = await made(calls.ours, receiver.url)
        path = f"/api/webhooks/{created['id']}/replay"
        nothing = await calls.ours.post(path, json={"since": later, "until": later})
        assert (nothing.status_code, nothing.json()) == (202, {"queued": 0})
        span = {"since": "2020-01-01T00:00:00+00:00", "until": later}
        queued = await calls.ours.post(path, json=span)
        assert (queued.status_code, queued.json()) == (202, {"queued": 1})
        (hit,) = await receiver.got(1)
    assert hit.body == before.body
    for bad in ({}, {"since": "yesterday"}, {"since": "2026-01-01T00:00:00"}, {"since": 5}):
        assert (await calls.ours.post(path, json=bad)).status_code == 400
    backwards = {"since": later, "until": "2020-01-01T00:00:00Z"}
    assert (await calls.ours.post(path, json=backwards)).status_code == 400


async def test_deleting_answers_204_and_the_webhook_is_gone(world: World, calls: Calls) -> None:
    async with receiving() as receiver:
        created = await made(calls.ours, receiver.url)
        path = f"/api/webhooks/{created['id']}"
        deleted = await calls.ours.delete(path)
        assert (deleted.status_code, deleted.content) == (204, b"")
        assert (await calls.ours.delete(path)).status_code == 404
        assert (await calls.ours.get(path)).status_code == 404
        await world.happens()
        await asyncio.sleep(0.2)
    assert receiver.connections == 0
    secrets = await world.db.read(lambda r: r.value("SELECT secret FROM webhook_endpoints"))
    assert secrets == ""


async def test_a_stranger_and_the_sandbox_get_the_same_404_as_for_what_does_not_exist(
    world: World, calls: Calls
) -> None:
    async with receiving() as receiver:
        created = await made(calls.ours, receiver.url)
        await world.happens()
        (row,) = await attempts(calls.ours, created["id"])
    before = await world.db.read(lambda r: r.one("SELECT * FROM webhook_endpoints"))
    for client in (calls.stranger, calls.sandbox):
        assert (await client.get("/api/webhooks")).json()["data"] == []
        for url in TABLE:
            if "{id}" not in url.path:
                continue
            mine = row["delivery_id"] if "deliveries" in url.path else created["id"]
            body = {"since": "2020-01-01T00:00:00Z"} if "replay" in url.path else None
            path = url.path.replace("{id}", mine)
            refused = await client.request(url.method, path, json=body)
            path = url.path.replace("{id}", mine[:4] + "0" * 32)
            unknown = await client.request(url.method, path, json=body)
            bodies = [r.json() | {"request_id": ""} for r in (refused, unknown)]
            assert refused.status_code == unknown.status_code == 404
            assert bodies[0] == bodies[1]
    after = await world.db.read(lambda r: r.one("SELECT * FROM webhook_endpoints"))
    assert tuple(after) == tuple(before)
    assert len(receiver.hits) == 1


async def test_a_malformed_id_is_400(calls: Calls) -> None:
    for url in TABLE:
        if "{id}" in url.path:
            path = url.path.replace("{id}", "x")
            assert (await calls.ours.request(url.method, path)).status_code == 400


async def test_a_sandbox_key_makes_a_sandbox_webhook(world: World, calls: Calls) -> None:
    async with receiving() as receiver:
        created = await made(calls.sandbox, receiver.url)
        assert created["test"] is True
        await world.happens(world.ours)
        test = await world.happens(world.sandbox)
        await receiver.got(1)
        await asyncio.sleep(0.1)
    assert [hit.body for hit in receiver.hits] == [test.body]


async def test_a_key_bound_to_a_location_may_not_touch_what_hears_of_all(calls: Calls) -> None:
    refused = await calls.bound.get("/api/webhooks")
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")


async def test_a_plan_without_webhooks_is_refused(world: World, calls: Calls) -> None:
    await world.set("UPDATE tenants SET plan = 'starter' WHERE id = ?", world.ours.tenant_id)
    refused = await calls.ours.get("/api/webhooks")
    assert (refused.status_code, refused.json()["code"]) == (403, "feature_not_in_plan")


async def test_an_event_that_is_no_longer_kept_cannot_be_resent(world: World, calls: Calls) -> None:
    async with receiving() as receiver:
        created = await made(calls.ours, receiver.url)
        await world.happens()
        (row,) = await attempts(calls.ours, created["id"])
    await world.set("UPDATE events SET body = NULL")
    refused = await calls.ours.post(f"/api/webhook-deliveries/{row['delivery_id']}/resend")
    assert (refused.status_code, refused.json()["code"]) == (410, "pruned")
    assert await world.db.read(outbox.window, world.ours, 0, 1 << 60, 0, 10) == []


async def test_there_is_a_most_of_webhooks(calls: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scriptrun_box.webhooks.actions.MAX_ENDPOINTS", 2)
    for number in range(2):
        await made(calls.ours, f"http://127.0.0.1:4999/{number}")
    one_more = {"url": "http://127.0.0.1:4999/", "events": ["*"]}
    refused = await calls.ours.post("/api/webhooks", json=one_more)
    assert (refused.status_code, refused.json()["code"]) == (409, "too_many_webhooks")
