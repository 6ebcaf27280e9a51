"""Patients in a real browser: by keyboard, narrow and dark, with names that hurt; axe."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.async_api import Browser, Page, expect
from starlette.applications import Starlette

from tests.ui.conftest import Push
from tests.world import World, header

from .test_browser import AXE, CHROMIUM, NASTY, browser, desk

__all__ = ["browser"]  # a fixture
pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine"),
]
PHONE: Any = {"width": 390, "height": 844}
LONG = "Maximiliana-Wilhelmina Featherstonehaugh-Cholmondeley " * 3
UNBROKEN = "W" * 100


async def check(page: Page) -> None:
    """Nothing sticks out sideways, nothing serious for who hears or keys the page."""
    assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    if AXE:
        await page.evaluate(Path(AXE).read_text("utf-8") + ";0")
        found = (await page.evaluate("axe.run(document)"))["violations"]
        assert [each for each in found if each["impact"] in ("serious", "critical")] == []


async def test_a_new_patient_appears_in_the_open_list_without_a_reload(
    browser: Browser, address: str, push: Push, app: Starlette
) -> None:
    async with desk(browser, address) as page:
        await page.goto("/patients?q=livelle")
        await expect(page.get_by_text("live", exact=True)).to_be_visible()
        await expect(page.get_by_text("No patient fits")).to_be_visible()
        await push({"external_patient_id": "LIVE-1", "patient_name": "Livelle Newcomer"})
        await app.state.arrivals.catch_up()
        await expect(page.get_by_role("link", name="Livelle Newcomer")).to_be_visible()
        await expect(page.get_by_text("1 patient found")).to_be_visible()


async def test_a_patient_is_found_and_described_by_keyboard_alone(
    browser: Browser, address: str, push: Push, app: Starlette
) -> None:
    await push({"external_patient_id": "ALPHA", "patient_name": f"Ana {NASTY}"})
    await app.state.arrivals.catch_up()
    async with desk(browser, address) as page:
        keys = page.keyboard
        await keys.press("g")
        await keys.press("n")
        await expect(page).to_have_url(f"{address}/patients")
        await keys.press("/")
        await keys.type("alpha")
        await keys.press("Enter")
        await expect(page.get_by_text("1 patient found")).to_be_visible()
        await page.get_by_role("link", name="Ana").focus()
        await keys.press("Enter")
        await page.get_by_label("Standing instructions").focus()
        await keys.type(f"Ring twice {NASTY}")
        await page.get_by_label("May be left at the door").focus()
        await keys.press("Space")
        await page.get_by_role("button", name="Save").focus()
        await keys.press("Enter")
        await expect(page.get_by_text("Saved.")).to_be_visible()
        await expect(page.get_by_label("May be left at the door")).to_be_checked()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_pages_fit_a_phone_with_long_names(
    browser: Browser,
    address: str,
    push: Push,
    client: httpx.AsyncClient,
    world: World,
    app: Starlette,
    scheme: Any,
) -> None:
    same = {"patient_name": LONG[:200], "notes": UNBROKEN}
    one, two = await push(
        {**same, "external_patient_id": UNBROKEN, "rx_number": "1"},
        {**same, "external_patient_id": "BRAVO", "rx_number": "2"},
    )
    await app.state.arrivals.catch_up()
    listed = await client.get("/api/patients", headers=header(world.live))
    other, patient = [each["id"] for each in listed.json()["data"]]
    for body in ({"instructions": UNBROKEN * 3}, {"may_receive": [UNBROKEN]}):
        await client.patch(f"/api/patients/{patient}", json=body, headers=header(world.live))
    async with desk(browser, address, viewport=PHONE, color_scheme=scheme) as page:
        for path in ("/patients", f"/patients/{patient}", f"/packages/{one}"):
            await page.goto(path)
            await check(page)
        await page.goto(f"/patients/{other}")
        await page.get_by_role("button", name="Same person: ").click()
        await expect(page.get_by_text("They are one patient now.")).to_be_visible()
        await check(page)
        for package_id in (one, two):
            await client.post(f"/api/packages/{package_id}/cancel", headers=header(world.live))
        await page.get_by_text("Erase this patient").click()
        await page.get_by_label("I mean it").check()
        await page.get_by_role("button", name="Erase for good").click()
        await expect(page.get_by_role("heading", name="Certificate of erasure")).to_be_visible()
        await check(page)
