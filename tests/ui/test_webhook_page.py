"""A webhook's own page: its attempts, its drawings, and what can be done with it."""

import csv
import io
from functools import partial

import httpx
import pytest

from scriptrun_box.kernel import clock, ids
from scriptrun_box.kernel.clock import HOUR_MS
from scriptrun_box.kernel.db import Writer
from scriptrun_box.kernel.scope import CLI
from scriptrun_box.ui.settings import charts
from scriptrun_box.ui.settings.queries import Hour, hours
from scriptrun_box.webhooks import actions, store
from scriptrun_box.webhooks.model import Endpoint
from tests.ui.visits import Visitor
from tests.world import World

pytestmark = pytest.mark.anyio
LIST = "/settings/integrations"
URL = "https://93.184.215.14/hook"


async def make(world: World) -> Endpoint:
    made, _ = await world.db.write(
        partial(actions.create, url=URL, events=("*",)), world.scope, CLI
    )
    await world.db.write(partial(actions.pause), world.scope, CLI, made.id)  # nothing leaves
    return made


def attempt(w: Writer, endpoint: Endpoint, outcome: str, at: int, ms: int | None) -> None:
    w.run(
        "INSERT INTO webhook_logs (id, tenant_id, test, endpoint_id, delivery_id, event_id, event,"
        " attempt, trigger, outcome, status, started_at, duration_ms)"
        " VALUES (?, ?, 0, ?, 'dlv_1', ?, ?, 1, 'auto', ?, ?, ?, ?)",
        (
            ids.prefixed("att"),
            endpoint.tenant_id,
            endpoint.id,
            ids.prefixed("evt"),
            "=package.created" if outcome == "ok" else "delivery.failed",
            outcome,
            200 if outcome == "ok" else 500,
            at,
            ms,
        ),
    )


async def test_the_page_shows_attempts_and_filters_them(
    client: httpx.AsyncClient, world: World
) -> None:
    endpoint = await make(world)
    now = clock.now_ms()
    for outcome in ("ok", "ok", "ok", "failed"):
        await world.db.write(attempt, endpoint, outcome, now, 120)
    owner = Visitor(client, world, "owner")
    page = (await owner.get(f"{LIST}/webhooks/{endpoint.id}")).text
    assert URL in page
    assert "75.0 %" in page
    assert "120 ms" in page
    assert page.count("attempt 1") == 4
    failed = (await owner.get(f"{LIST}/webhooks/{endpoint.id}?outcome=failed")).text
    assert failed.count("attempt 1") == 1
    odd = (await owner.get(f"{LIST}/webhooks/{endpoint.id}?outcome=drop+table")).text
    assert odd.count("attempt 1") == 4


async def test_the_log_is_exported_safe_for_a_spreadsheet(
    client: httpx.AsyncClient, world: World
) -> None:
    endpoint = await make(world)
    now = clock.now_ms()
    await world.db.write(attempt, endpoint, "ok", now, 80)
    await world.db.write(attempt, endpoint, "failed", now, None)
    path = f"{LIST}/webhooks/{endpoint.id}/log.csv"
    answer = await Visitor(client, world, "teammate").get(path)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert "attachment" in answer.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert {row["event"] for row in rows} == {"'=package.created", "delivery.failed"}
    assert {row["duration_ms"] for row in rows} == {"80", ""}
    only = await Visitor(client, world, "owner").get(f"{path}?outcome=ok")
    assert len(only.text.splitlines()) == 2


async def test_an_owner_changes_pauses_resumes_tests_and_deletes(
    client: httpx.AsyncClient, world: World
) -> None:
    endpoint = await make(world)
    path = f"{LIST}/webhooks/{endpoint.id}"
    owner = Visitor(client, world, "owner")
    changed = await owner.post(path, {"url": f"{URL}/new", "events": ["package.created"]})
    assert (changed.status_code, changed.headers["location"]) == (303, f"{path}?done=changed")
    stored = await world.db.read(store.endpoint_of, world.scope, endpoint.id)
    assert stored is not None
    assert (stored.url, stored.events) == (f"{URL}/new", ("package.created",))
    assert (await owner.post(f"{path}/resume")).status_code == 303
    assert "Pause" in (await owner.get(path)).text
    assert (await owner.post(f"{path}/pause")).status_code == 303
    assert "Resume" in (await owner.get(f"{path}?done=paused")).text
    deleted = await owner.post(f"{path}/delete")
    assert deleted.headers["location"] == f"{LIST}?done=deleted"
    assert (await owner.get(path)).status_code == 404


async def test_a_test_event_leaves_its_attempt_on_the_page(
    client: httpx.AsyncClient, world: World
) -> None:
    made, _ = await world.db.write(
        partial(actions.create, url="https://10.0.0.1/", events=("*",)), world.scope, CLI
    )
    owner = Visitor(client, world, "owner")
    path = f"{LIST}/webhooks/{made.id}"
    told = await owner.get((await owner.post(f"{path}/test")).headers["location"])
    assert "The test event was not accepted: its address is not allowed" in told.text
    page = (await owner.get(f"{path}?outcome=blocked")).text
    assert "webhook.test" in page and "blocked" in page


async def test_a_wrong_change_is_told_and_not_stored(
    client: httpx.AsyncClient, world: World
) -> None:
    endpoint = await make(world)
    path = f"{LIST}/webhooks/{endpoint.id}"
    refused = await Visitor(client, world, "owner").post(path, {"url": "ftp://x", "events": "*"})
    assert refused.status_code == 400
    assert "must start with https" in refused.text
    assert "ftp://x" in refused.text
    stored = await world.db.read(store.endpoint_of, world.scope, endpoint.id)
    assert stored is not None
    assert stored.url == URL


@pytest.mark.parametrize("act", ["", "/pause", "/resume", "/test", "/delete"])
async def test_teammates_look_and_strangers_find_nothing(
    client: httpx.AsyncClient, world: World, act: str
) -> None:
    endpoint = await make(world)
    path = f"{LIST}/webhooks/{endpoint.id}"
    teammate, stranger = (Visitor(client, world, who) for who in ("teammate", "other_owner"))
    assert (await teammate.get(path)).status_code == 200
    fields: dict[str, str | list[str]] = {"url": "https://93.184.215.15/", "events": "*"}
    assert (await teammate.post(path + act, fields)).status_code == 403
    for page in (path, f"{path}/log.csv"):
        assert (await stranger.get(page)).status_code == 404
    assert (await stranger.post(path + act, fields)).status_code == 404
    forged = await Visitor(client, world, "owner").post(path + act, fields, csrf="forged")
    assert forged.status_code == 403
    stored = await world.db.read(store.endpoint_of, world.scope, endpoint.id)
    assert stored is not None
    assert (stored.url, stored.state) == (URL, "paused_by_user")


async def test_the_sandbox_does_not_show_a_live_webhook(
    client: httpx.AsyncClient, world: World
) -> None:
    endpoint = await make(world)
    owner = Visitor(client, world, "owner")
    await owner.post("/sandbox", {"test": "1"})
    assert (await owner.get(f"{LIST}/webhooks/{endpoint.id}")).status_code == 404


async def test_hours_count_outcomes_and_take_the_middle_time(world: World) -> None:
    endpoint = await make(world)
    now = clock.now_ms()
    for ms in (10, 30, 500):
        await world.db.write(attempt, endpoint, "ok", now, ms)
    await world.db.write(attempt, endpoint, "failed", now - 3 * HOUR_MS, None)
    await world.db.write(attempt, endpoint, "in_flight", now, None)
    await world.db.write(attempt, endpoint, "ok", now - 25 * HOUR_MS, 1)
    found = await world.db.read(hours, endpoint.id, now)
    assert len(found) == 24
    assert (found[-1].ok, found[-1].failed, found[-1].median_ms) == (3, 0, 30)
    assert (found[-4].ok, found[-4].failed, found[-4].median_ms) == (0, 1, None)
    assert sum(hour.ok + hour.failed for hour in found) == 4


def test_bars_fill_the_drawing_and_nothing_is_drawn_of_nothing() -> None:
    quiet, busy = Hour(0, 0, 0, None), Hour(HOUR_MS, 6, 2, 40)
    first, last = charts.outcome_bars([quiet, busy])
    assert (first.low_height, first.high_height) == (0, 0)
    assert last.low_height + last.high_height == charts.HEIGHT
    assert (last.low_y, last.high_y) == (charts.HEIGHT / 4, 0)
    assert charts.latency_bars([quiet, busy])[1].low_height == charts.HEIGHT
    assert charts.success_rate([quiet, busy]) == 0.75
    assert charts.success_rate([quiet]) is None
    assert charts.median_of([quiet]) is None
