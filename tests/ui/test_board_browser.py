"""The board in real browsers: dragged, moved by keys, in step on two screens, narrow, dark, axe."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.async_api import Browser, Locator, Page, expect

from scriptrun_box.drivers import dispatch, notes
from scriptrun_box.kernel.scope import CLI
from tests.ui.conftest import Push
from tests.world import World

from .test_board import hire
from .test_browser import AXE, CHROMIUM, browser, desk

__all__ = ["browser"]  # a fixture
pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine"),
]
PHONE: Any = {"width": 390, "height": 844}
DEAF = """document.addEventListener("box:changed", (event) => {
  event.stopImmediatePropagation();
  event.preventDefault();
}, true)"""
LONG = "Bartholomew Featherstonehaugh-Constantinopoulos-Montgomery III"


def card(page: Page, lane: str, name: str) -> Locator:
    """A card in a lane."""
    return page.locator(f"[data-lane='{lane}'] .parcel", has_text=name)


async def drag(page: Page, name: str, to: str) -> None:
    """Take a card where it is and drop it on a lane."""
    target = page.locator(f"[data-lane='{to}']")
    await page.locator(".parcel", has_text=name).drag_to(target, target_position={"x": 40, "y": 30})


async def test_two_screens_stay_in_step_and_the_slower_hears_who_was_faster(
    browser: Browser, address: str, push: Push, client: httpx.AsyncClient, world: World
) -> None:
    ana, bo = [await hire(client, world.live, name) for name in ("Ana Núñez", "Bo Li")]
    await push({"patient_name": "Maria One"}, {"patient_name": "Alex Two"})
    async with desk(browser, address) as mine, desk(browser, address) as theirs:
        for page in (mine, theirs):
            await page.goto("/board")
            await expect(page.get_by_text("live", exact=True)).to_be_visible()
        await drag(mine, "Maria One", ana)
        for page in (mine, theirs):
            await expect(card(page, ana, "Maria One")).to_be_visible()
            await expect(page.locator("#cards-assign .parcel")).to_have_count(1)
        await expect(mine.get_by_text("1 package moved.")).to_be_visible()
        await mine.keyboard.press("u")
        for page in (mine, theirs):
            await expect(card(page, "assign", "Maria One")).to_be_visible()
        # What one screen has not heard yet: the box tells it, and nothing is lost.
        await theirs.evaluate(DEAF)
        await drag(mine, "Alex Two", ana)
        await expect(card(mine, ana, "Alex Two")).to_be_visible()
        await expect(card(theirs, "assign", "Alex Two")).to_be_visible()
        await drag(theirs, "Alex Two", bo)
        alert = theirs.get_by_role("alert")
        await expect(alert).to_contain_text("was faster: the package is assigned to Ana Núñez.")
        await expect(card(theirs, ana, "Alex Two")).to_be_visible()
        await expect(card(mine, ana, "Alex Two")).to_be_visible()


async def test_many_are_moved_by_keys_alone(
    browser: Browser, address: str, push: Push, client: httpx.AsyncClient, world: World
) -> None:
    ana = await hire(client, world.live, "Ana Núñez")
    await push(*({"patient_name": f"Patient {n}", "barcode": f"k{n}"} for n in range(3)))
    async with desk(browser, address) as page:
        await page.goto("/board")
        await expect(page.get_by_text("live", exact=True)).to_be_visible()
        keys = page.keyboard
        for key in ("j", "x", "j", "x"):
            await keys.press(key)
        await expect(page.get_by_text("2 ticked:")).to_be_visible()
        await keys.press("a")
        await expect(page.locator("#to")).to_be_focused()
        await keys.type("Ana")
        await keys.press("Enter")
        await expect(page.locator(f"#cards-{ana} .parcel")).to_have_count(2)
        await expect(page.locator("#cards-assign .parcel")).to_have_count(1)
        await page.locator("#cards-assign .row-link").focus()
        await keys.press("Enter")
        await expect(page.get_by_role("heading", name="Patient 2")).to_be_visible()
        await keys.press("Escape")
        await page.locator("#cards-assign .row-link").focus()
        await keys.press("g")
        await keys.press("a")
        await expect(page).to_have_url(f"{address}/addresses")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_a_narrow_phone_long_names_and_axe(
    browser: Browser,
    address: str,
    push: Push,
    client: httpx.AsyncClient,
    world: World,
    scheme: Any,
) -> None:
    ana = await hire(client, world.live, LONG, capacity=1)
    far = {"deliver_by": "00:01", "priority": "stat", "cold_chain": True}
    one, two, _ = await push(
        {"patient_name": LONG}, {"barcode": "2"}, {"patient_name": LONG, "barcode": "3", **far}
    )
    for package_id in (one, two):
        await world.db.write(dispatch.assign, world.scope, CLI, package_id, ana, None)
    await world.db.write(notes.send, world.scope, CLI, ana, one, "The gate is shut. " * 20)
    async with desk(browser, address, viewport=PHONE, color_scheme=scheme) as page:
        await page.goto("/board")
        await expect(page.get_by_text("more than goes in")).to_be_visible()
        assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        if AXE:
            await page.evaluate(Path(AXE).read_text("utf-8") + ";0")
            found = (await page.evaluate("axe.run(document)"))["violations"]
            assert [each for each in found if each["impact"] in ("serious", "critical")] == []
        await page.get_by_role("button", name="Mark as read").click()
        await expect(page.get_by_text("The gate is shut.")).to_have_count(0)
