"""A new order at the counter: found, warned of, saved once, by the rules of the API."""

import re
from datetime import date, timedelta
from typing import Any

import httpx
import pytest
from playwright.async_api import Browser, expect
from starlette.applications import Starlette

from scriptrun_box.accounts import store as accounts
from scriptrun_box.accounts.actions import update_tenant
from scriptrun_box.kernel import clock
from scriptrun_box.kernel.db import Reader
from scriptrun_box.kernel.scope import CLI
from scriptrun_box.packages import store
from scriptrun_box.packages.model import Package
from tests.ui.conftest import Push, Visit, Visitor
from tests.ui.test_browser import CHROMIUM, browser, desk
from tests.world import World, header

__all__ = ["browser"]

pytestmark = pytest.mark.anyio
ACT = re.compile(r'name="act" value="([0-9a-f]{32})"')
WARNED = re.compile(r'name="warned" value="([^"]*)"')
MADE = re.compile(r"[0-9a-f]{32}")
TYPED = {
    "patient_name": "Maria Rodriguez",
    "patient_address": "123 Main St, Miami, FL 33178",
    "patient_phone": "+13055551234",
    "rx_number": "RX-1",
    "copay_amount": "12.50",
    "priority": "urgent",
    "requires_signature": "on",
}
WARNINGS = [
    ({"patient_address": "Biscayne"}, "address_incomplete"),
    ({"delivery_date": (date.today() - timedelta(9)).isoformat()}, "delivery_date_in_past"),
    ({"controlled_substance": "on"}, "dea_schedule_missing"),
    ({"dea_schedule": "IV"}, "controlled_substance_inferred"),
    ({"notes": "It is RX-5"}, "notes_withheld"),
    ({"patient_phone": "305 555 1234"}, "phone_normalised"),
    ({"patient_name": "Maria\u200b Rodriguez"}, "characters_removed"),
    ({"patient_name": "Ann Lee", "rx_number": "RX-1"}, "possible_duplicate"),
]  # fmt: skip


async def entered(visitor: Visitor, **fields: str) -> httpx.Response:
    """Post the form of a page that was just opened."""
    act = ACT.search(await visitor.see("/orders/new"))
    assert act
    return await visitor.send("/orders", **{"act": act[1], **fields})


def made_by(answer: httpx.Response) -> str:
    assert answer.status_code == 303, answer.text
    found = MADE.search(answer.headers["location"])
    assert found
    return found[0]


async def package_of(world: World, package_id: str) -> Package:
    found = await world.db.read(store.get, world.scope, package_id)
    assert found is not None
    return found


def count(r: Reader) -> int:
    number: int = r.value("SELECT count(*) FROM packages")
    return number


async def test_what_is_typed_becomes_the_package_and_event_an_api_order_would_be(
    visit: Visit, push: Push, world: World, client: httpx.AsyncClient
) -> None:
    (twin_id,) = await push(
        {"patient_name": "Ann Lee", "rx_number": "RX-1", "priority": "urgent", "notes": "a\nb"}
    )
    for who in ("pharmacist", "teammate"):  # the second one sees the first as a duplicate
        answer = await entered(
            await visit(who), **{**TYPED, "notes": "a\nb"}, warned="possible_duplicate"
        )
    typed = await package_of(world, made_by(answer))
    twin = await package_of(world, twin_id)
    assert typed.source == "manual" and typed.created_by.startswith("user:")
    twin.content.patient_name = TYPED["patient_name"]
    assert typed.content == twin.content
    got = await client.get("/api/events", headers=header(world.live))
    pushed, _, last = got.json()["data"]
    assert last["event"] == "package.created"
    changed = {name for name in last["data"] if last["data"][name] != pushed["data"][name]}
    assert changed == {"package_id", "source"}


async def test_every_button_leads_on_to_where_it_says(visit: Visit) -> None:
    owner = await visit("owner")
    saved = await entered(owner, **TYPED)
    assert "The order is saved." in await owner.see(saved.headers["location"])
    following = await entered(owner, **{**TYPED, "rx_number": "RX-2"}, then="next")
    page = await owner.see(following.headers["location"])
    assert "Here is the next one" in page and f"/packages/{made_by(following)}" in page
    assert "RX-2</a>" in page and 'value="RX-2"' not in page
    label = await entered(owner, **{**TYPED, "rx_number": "RX-3"}, then="label")
    assert label.headers["location"] == f"/packages/{made_by(label)}/label"
    await owner.see(label.headers["location"])


async def test_the_same_page_sent_twice_makes_one_package(visit: Visit, world: World) -> None:
    owner = await visit("owner")
    fields = {"act": "a" * 32, **TYPED}
    first, again = await owner.send("/orders", **fields), await owner.send("/orders", **fields)
    assert made_by(first) == made_by(again)
    other = await owner.send("/orders", **{**fields, "rx_number": "RX-2"})
    assert other.status_code == 409 and f'/packages/{made_by(first)}">Look at it' in other.text
    act = ACT.search(other.text)
    assert act and act[1] != "a" * 32, "saved once more it is an order of its own"
    assert await world.db.read(count) == 1
    assert made_by(
        await (await visit("teammate")).send("/orders", **fields, warned="possible_duplicate")
    ) != made_by(first)
    assert (await owner.send("/orders", **{**fields, "act": "no"})).status_code == 400


async def test_nothing_is_stored_before_its_warning_was_seen(
    visit: Visit, push: Push, world: World
) -> None:
    await push({"patient_name": "Ann Lee", "rx_number": "RX-1"})
    owner = await visit("owner")
    for number, (fields, code) in enumerate(WARNINGS, 1):
        typed = {**TYPED, "rx_number": f"RX-{number}", **fields}
        shown = await entered(owner, **typed)
        assert shown.status_code == 200 and "note warn" in shown.text, code
        live = await owner.send("/live/orders/warned", **typed)
        assert await world.db.read(count) == number, "nothing was stored"
        warned, act = WARNED.search(shown.text), ACT.search(shown.text)
        assert warned and act and code in warned[1].split()
        assert WARNED.findall(live.text) == [warned[1]]
        saved = made_by(await owner.send("/orders", **typed, act=act[1], warned=warned[1]))
        assert await world.db.read(count) == number + 1
        suspected = (await package_of(world, saved)).duplicate_of is not None
        assert suspected is (code == "possible_duplicate")


async def test_what_is_wrong_is_said_beside_its_field_and_kept_as_typed(visit: Visit) -> None:
    owner = await visit("owner")
    answer = await entered(owner, **{**TYPED, "copay_amount": "lots", "patient_phone": "12"})
    assert answer.status_code == 400
    assert "Write dollars and cents" in answer.text and 'value="lots"' in answer.text
    assert "Nothing was saved yet" in answer.text


async def test_a_patient_is_found_by_name_phone_and_number_and_filled_in(
    app: Starlette, visit: Visit, push: Push
) -> None:
    await push({"external_patient_id": "PMS-9", "patient_phone": "+13055550199", "notes": "once"})
    await push({"patient_name": "Sam Walk-in", "patient_address": "9 Oak St, Miami, FL 33125"})
    await app.state.arrivals.catch_up()
    owner = await visit("owner")
    for typed in ("maria rod", "5550199", "pms-9"):
        for path in (f"/orders/new?q={typed}", f"/live/orders/found?q={typed}"):
            found = re.search(r'href="(/orders/new\?from=pat_[0-9a-f]{32})"', await owner.see(path))
            assert found, path
    page = await owner.see(found[1])
    assert 'value="Maria Rodriguez"' in page and 'value="PMS-9"' in page
    assert 'value="123 Main St, Miami, FL 33178"' in page and "once" not in page
    patient = re.search(r"pat_[0-9a-f]{32}", found[1])
    assert patient
    await owner.send(f"/patients/{patient[0]}", stamp="1", instructions="Ring <twice>")
    assert "Ring &lt;twice&gt;" in await owner.see(found[1])
    walk_in = re.search(r"from=[0-9a-f]{32}", await owner.see("/orders/new?q=sam"))
    assert walk_in and "9 Oak St" in await owner.see(f"/orders/new?{walk_in[0]}")
    assert "Nobody fits" in await owner.see("/orders/new?q=zzz")
    stranger = await visit("other_owner")
    assert "Maria" not in await stranger.see(found[1])
    assert "Nobody fits" in await stranger.see("/orders/new?q=maria")


async def test_the_plan_and_the_sandbox_hold_for_typed_orders(visit: Visit, world: World) -> None:
    owner, tenant_id = await visit("owner"), world.scope.tenant_id
    month = clock.month(clock.now_ms())
    await entered(owner, **TYPED)
    assert (await world.db.read(accounts.month_usage, tenant_id, month))[0] == 1
    await world.db.write(update_tenant, tenant_id, CLI, plan="starter", overage=None)
    await world.db.write(accounts.add_month_usage, tenant_id, month, 999, 0)
    full = await entered(owner, **{**TYPED, "rx_number": "RX-2"})
    assert full.status_code == 402 and 'value="RX-2"' in full.text
    await owner.show_sandbox()
    made = made_by(await entered(owner, **{**TYPED, "rx_number": "RX-2"}))
    assert await world.db.read(store.get, world.sandbox_scope, made) is not None


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")
async def test_an_order_is_entered_by_the_keys_alone(
    app: Starlette, world: World, address: str, browser: Browser, push: Push
) -> None:
    await push({"external_patient_id": "PMS-9", "rx_number": "RX-1"})
    await app.state.arrivals.catch_up()
    async with desk(browser, address, viewport={"width": 390, "height": 844}) as page:
        await page.keyboard.press("n")
        await page.wait_for_url("**/orders/new")
        await page.keyboard.type("maria r")
        await expect(page.locator("#found a")).to_have_count(1)
        await page.keyboard.press("Enter")
        await page.wait_for_url("**from=pat_*")
        await expect(page.locator("[name=rx_number]")).to_be_focused()
        await page.keyboard.type("RX-1")
        await expect(page.locator("#order-warnings")).to_contain_text("already here")
        await page.locator("[name=rx_number]").fill("RX-2")
        await expect(page.locator("#order-warnings")).not_to_contain_text("already here")
        await page.keyboard.press("Control+Enter")
        await page.wait_for_url("**saved=*")
        await expect(page.get_by_text("Here is the next one")).to_be_visible()
        await expect(page.locator("[name=q]")).to_be_focused()
        wide: Any = await page.evaluate("document.documentElement.scrollWidth")
        assert wide <= 390
    assert await world.db.read(count) == 2
