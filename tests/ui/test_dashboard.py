"""The dashboard: what needs somebody first, what happens now, the day by hour."""

import re
from functools import partial
from typing import Any

import httpx
import pytest

from scriptrun_box.kernel.scope import CLI
from scriptrun_box.ui.desk.dashboard import CHART_HEIGHT, CHART_WIDTH, bars
from scriptrun_box.ui.desk.queries import Hour
from scriptrun_box.webhooks import actions as webhooks
from tests.ui.conftest import PACKAGE, Push, Visit
from tests.world import World, header, orders

pytestmark = pytest.mark.anyio


def tiles(page: str) -> dict[str, str]:
    found = re.findall(r"<b>([^<]+)</b><span>([^<]+)</span>", page)
    return {word.replace("\u00a0", " "): value for value, word in found}


async def test_an_empty_box_offers_the_owner_the_first_step(visit: Visit) -> None:
    owner, teammate = await visit("owner"), await visit("teammate")
    page = await owner.see("/")
    assert "No packages yet" in page
    assert re.search(r'<a class="btn go" href="/settings/integrations">', page)
    page = await teammate.see("/")
    assert "the owner makes an API key" in page
    assert not re.search(r'<a class="btn go" href="/settings/integrations">', page)


async def test_the_tiles_count_what_needs_somebody(visit: Visit, push: Push, world: World) -> None:
    await push(
        {"copay_amount": 12.5},
        {"patient_name": "A. Smith", "rx_number": "RX-2", "copay_amount": None},
        {"patient_name": "A. Smith", "rx_number": "RX-2", "copay_amount": 4},
        {"patient_name": "B. Jones", "patient_address": "Biscayne", "rx_number": "RX-3"},
    )
    page = await (await visit("teammate")).see("/")
    assert tiles(page) == {
        "to assign": "4",
        "out for delivery": "0",
        "delivered today": "0",
        "to decide": "0",
        "check address": "1",
        "possible duplicates": "1",
        "copay collected, $ 29.00 due": "$ 0.00",
    }


async def test_each_tile_leads_into_the_list_it_counts(visit: Visit, push: Push) -> None:
    await push({}, {}, {"patient_name": "B. Jones", "patient_address": "Biscayne"})
    owner = await visit("owner")
    page = await owner.see("/")
    for path, value, word in re.findall(
        r'href="([^"]+)" data-key="[^"]+"><b>(\d+)</b><span>([^<]+)', page
    ):
        listed = await owner.see(path.replace("&amp;", "&"))
        assert len(PACKAGE.findall(listed)) == int(value), word


async def test_what_was_delivered_and_failed_today_is_counted_and_told(
    visit: Visit, push: Push, client: httpx.AsyncClient, world: World
) -> None:
    done, failed = await push(
        {"copay_amount": 12.5}, {"patient_name": "B. Jones"}, key=world.sandbox
    )
    for package_id, steps in ((done, "assign start deliver"), (failed, "assign start fail")):
        for step in steps.split():
            path = f"/api/test/packages/{package_id}/{step}"
            answer = await client.post(path, json={}, headers=header(world.sandbox))
            assert answer.status_code == 200, answer.text
    owner = await visit("owner")
    await owner.show_sandbox()
    page = await owner.see("/")
    shown = tiles(page)
    assert (shown["delivered today"], shown["to decide"]) == ("1", "1")
    assert shown["copay collected, $ 0.00 due"] == "$ 12.50"
    assert "Could not be delivered: no answer" in page
    assert "Again today, or return it" in page
    assert len(PACKAGE.findall(await owner.see("/packages?status=delivered_today"))) == 1


async def test_live_and_sandbox_and_other_pharmacies_never_mix(
    visit: Visit, push: Push, world: World
) -> None:
    await push({"patient_name": "Live Person"})
    await push({"patient_name": "Sandbox Person"}, key=world.sandbox)
    await push({"patient_name": "Stranger Person"}, key=world.stranger)
    owner = await visit("owner")
    for path in ("/", "/live/desk", "/packages", "/live/packages", "/packages.csv"):
        page = await owner.see(path)
        assert "Live Person" in page
        assert "Sandbox Person" not in page and "Stranger Person" not in page
    await owner.show_sandbox()
    for path in ("/", "/live/desk", "/packages", "/live/packages", "/packages.csv"):
        page = await owner.see(path)
        assert "Sandbox Person" in page
        assert "Live Person" not in page and "Stranger Person" not in page


async def test_stat_stands_before_urgent_before_routine_the_newest_first(
    visit: Visit, push: Push
) -> None:
    first, stat, urgent, last = await push(
        {"patient_name": "A A"},
        {"patient_name": "B B", "priority": "stat"},
        {"patient_name": "C C", "priority": "urgent"},
        {"patient_name": "D D"},
    )
    page = await (await visit("owner")).see("/")
    rows = page[page.index('id="assign-rows"') : page.index("</tbody>")]
    assert PACKAGE.findall(rows) == [stat, urgent, last, first]


async def test_the_feed_tells_orders_by_request_with_what_was_refused(
    visit: Visit, client: httpx.AsyncClient, world: World
) -> None:
    body = orders({}, {"patient_name": "B. Jones"}, {"priority": "soon"})
    await client.post("/api/webhook/orders", json=body, headers=header(world.live))
    page = await (await visit("owner")).see("/")
    feed = page[page.index('id="feed"') :]
    assert '<b>2 packages</b> from <span class="mono">tests</span>' in feed
    assert "2 created, 1 refused" in feed


async def test_a_receiver_in_trouble_is_told_with_what_waits_for_it(
    visit: Visit, push: Push, world: World
) -> None:
    for scope, host in ((world.scope, "pms.corner.example"), (world.sandbox_scope, "test.example")):
        url = f"https://{host}/hook"
        await world.db.write(partial(webhooks.create, url=url, events=("*",)), scope, CLI)
    await push({})
    owner, teammate = await visit("owner"), await visit("teammate")
    assert "pms.corner.example" not in await owner.see("/")
    failing = "UPDATE webhook_endpoints SET failures = 3, failing_since = ?"
    await world.db.write(lambda w: w.run(failing, (w.now,)))
    page = await owner.see("/")
    assert "<b>Webhook</b> pms.corner.example does not answer as it should" in page
    assert "test.example" not in page
    assert "look at it</a>" in page and "look at it</a>" not in await teammate.see("/")
    await world.db.write(
        lambda w: w.run("UPDATE webhook_endpoints SET state = 'paused_failing', paused_at = 1")
    )
    assert "is paused: it failed too long" in await owner.see("/")


async def test_each_look_at_the_dashboard_is_one_row_of_the_audit(
    visit: Visit, push: Push, app: Any, world: World
) -> None:
    await push({}, {"patient_name": "B. Jones"})
    await (await visit("teammate")).see("/")
    looked = [entry for entry in app.state.box.looks.take() if entry.act == "packages.listed"]
    assert [entry.actor for entry in looked] == [f"user:{world.teammate.id}"]
    assert '"count":2' in looked[0].detail
    assert "Maria" not in looked[0].detail


async def test_a_row_gone_wrong_shows_markup_as_text(visit: Visit, push: Push) -> None:
    nasty = "<img src=x onerror=alert(1)>"
    await push({"patient_name": nasty, "patient_address": f"{nasty} 1, Miami, FL 33101"})
    owner = await visit("owner")
    for path in ("/", "/packages", "/packages?q=img"):
        page = await owner.see(path)
        assert "<img" not in page
        assert "&lt;img src=x onerror=alert(1)&gt;" in page


async def test_the_feed_survives_more_requests_than_it_looks_at(visit: Visit, push: Push) -> None:
    for batch in range(6):
        await push(*({"patient_name": f"N {batch} {one}"} for one in range(100)))
    page = await (await visit("owner")).see("/")
    feed = page[page.index('id="feed"') :]
    assert feed.count("<b>100 packages</b>") == 4  # the fifth is perhaps not seen whole
    assert tiles(page)["to assign"] == "600"
    assert "All 600 to assign" in page


def test_bars_stay_within_the_drawing() -> None:
    day = [Hour(f"{hour:02}:00", hour * 3, hour) for hour in range(6, 20)]
    drawn = bars(day)
    assert all(bar.x >= 0 and bar.x + 2 * bar.width <= CHART_WIDTH for bar in drawn)
    assert max(bar.orders for bar in drawn) == CHART_HEIGHT
    assert all(bar.orders == 0 for bar in bars([Hour("08:00", 0, 0)]))
