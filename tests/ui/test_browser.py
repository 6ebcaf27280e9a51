"""The screens in a real browser: live rows, keys, a narrow phone, dark, and a strict policy."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, Route, async_playwright, expect

from tests.ui.conftest import Push
from tests.world import PASSWORD, World

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
_AXE = find_spec("axe_playwright_python")
AXE = str(Path(_AXE.origin).with_name("axe.min.js")) if _AXE and _AXE.origin else ""
VISIBLE_MS = 300  # from an order's 200 to its row in an open browser, in the median of a few
NASTY = "<img src=x onerror=alert(1)>"

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine"),
]

WATCH_ROWS = """() => {
  window.rows = new Map();
  new MutationObserver(() => {
    for (const row of document.querySelectorAll("#assign-rows tr"))
      if (!window.rows.has(row.dataset.key)) window.rows.set(row.dataset.key, Date.now());
  }).observe(document.getElementById("assign-rows"), { childList: true });
}"""


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield launched
        await launched.close()


@asynccontextmanager
async def desk(browser: Browser, address: str, **options: Any) -> AsyncIterator[Page]:
    """The dashboard of the owner, who typed the password; nothing may complain on the way."""
    context = await browser.new_context(base_url=address, **options)
    page = await context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", lambda dialog: complaints.append(f"dialog: {dialog.message}"))
    page.on(
        "console",
        lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None,
    )
    await page.goto("/packages?status=open")
    await page.get_by_label("E-mail").fill("owner@corner-drug.example")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page).to_have_url(f"{address}/packages?status=open")
    await page.goto("/")
    yield page
    assert complaints == []
    await context.close()


async def test_a_new_order_is_seen_without_a_reload_soon_after_its_200(
    browser: Browser, address: str, push: Push, world: World
) -> None:
    async with desk(browser, address) as page:
        await expect(page.get_by_text("No packages yet")).to_be_visible()
        await expect(page.get_by_text("live", exact=True)).to_be_visible()
        await push({"patient_name": "First Order"})
        await expect(page.get_by_role("link", name="First Order")).to_be_visible()
        await expect(page.get_by_text("live", exact=True)).to_be_visible()
        await page.evaluate(WATCH_ROWS)
        took = []
        for number in range(7):
            (package_id,) = await push({"patient_name": f"Order {number}"})
            answered = await page.evaluate("Date.now()")
            await expect(page.locator(f'tr.new[data-key="{package_id}"]')).to_be_visible()
            took.append(await page.evaluate("id => window.rows.get(id)", package_id) - answered)
        assert sorted(took)[3] <= VISIBLE_MS, took
        await expect(page.locator("nav [data-count='/packages']")).to_have_text("8")
        await push({"patient_name": "Sandbox Order"}, key=world.sandbox)
        await push({"patient_name": "Last Order"})
        await expect(page.get_by_role("link", name="Last Order")).to_be_visible()
        assert await page.get_by_text("Sandbox Order").count() == 0


async def test_everything_can_be_reached_by_keys(
    browser: Browser, address: str, push: Push
) -> None:
    await push({"patient_name": "Ada First"}, {"patient_name": "Bea Second"})
    async with desk(browser, address) as page:
        keys = page.keyboard
        await keys.press("?")
        await expect(page.get_by_role("dialog")).to_be_visible()
        await keys.press("Escape")
        await keys.press("g")
        await keys.press("p")
        await expect(page).to_have_url(f"{address}/packages")
        await keys.press("/")
        await keys.type("ada")
        await expect(page.get_by_text("1 package fits")).to_be_visible()
        await expect(page).to_have_url(f"{address}/packages?q=ada")
        await keys.press("Control+a")
        await keys.press("Delete")
        await expect(page.get_by_text("2 packages")).to_be_visible()
        await keys.press("Escape")
        for key in ("j", "j", "k", "j", "Enter"):
            await keys.press(key)
        panel = page.get_by_label("Package", exact=True)
        await expect(panel.get_by_role("heading", name="Ada First")).to_be_focused()
        await expect(page.get_by_role("link", name="Bea Second")).to_be_visible()
        await keys.press("Escape")
        await expect(panel).to_be_hidden()
        await expect(page.get_by_role("link", name="Ada First")).to_be_focused()
        await keys.press("g")
        await keys.press("d")
        await expect(page).to_have_url(f"{address}/")


async def test_the_panel_saves_and_stays_with_its_list(
    browser: Browser, address: str, push: Push
) -> None:
    (package_id,) = await push({})
    async with desk(browser, address) as page:
        await page.goto("/packages")
        await page.get_by_role("link", name="Maria Rodriguez").click()
        panel = page.get_by_label("Package", exact=True)
        await expect(page).to_have_url(f"{address}/packages/{package_id}")
        await panel.get_by_text("Change", exact=True).click()
        await panel.get_by_label("Patient", exact=True).fill("Maria Rodríguez")
        await panel.get_by_role("button", name="Save").click()
        await expect(panel.get_by_role("heading", name="Maria Rodríguez")).to_be_visible()
        await expect(page.get_by_role("status").get_by_text("Saved.")).to_be_visible()
        await expect(page.get_by_role("link", name="Maria Rodríguez")).to_be_visible()
        await panel.get_by_text("Cancel this package").click()
        await panel.get_by_label("Why it is cancelled").select_option("picked_up")
        await panel.get_by_role("button", name="Cancel it").click()
        await expect(panel.get_by_text("Cancelled: picked up at the counter")).to_be_visible()
        await expect(page.locator("#list-rows .pill")).to_have_text("Cancelled")
        await page.go_back()
        await expect(panel).to_be_hidden()


async def test_a_slow_line_shows_the_shape_of_what_comes(
    browser: Browser, address: str, push: Push
) -> None:
    await push({})
    async with desk(browser, address) as page:
        answer: asyncio.Event = asyncio.Event()

        async def slowly(route: Route) -> None:
            await answer.wait()
            await route.continue_()

        await page.route("**/packages/*", slowly)
        await page.get_by_role("link", name="Maria Rodriguez").first.click()
        await expect(page.locator(".skeleton")).to_be_visible()
        answer.set()
        await expect(page.get_by_role("heading", name="Maria Rodriguez")).to_be_visible()


async def test_markup_in_an_order_is_shown_and_never_run(
    browser: Browser, address: str, push: Push
) -> None:
    (package_id,) = await push({"patient_name": NASTY, "notes": "<script>alert(2)</script>"})
    async with desk(browser, address) as page:
        await expect(page.get_by_role("link", name=NASTY)).to_be_visible()
        await page.goto("/packages")
        await page.get_by_role("link", name=NASTY).click()
        await expect(page.get_by_role("heading", name=NASTY)).to_be_visible()
        (live_id,) = await push({"patient_name": f"{NASTY} again"})
        await expect(page.locator(f'[data-key="{live_id}"] a')).to_have_text(f"{NASTY} again")
        await page.goto(f"/packages/{package_id}")
        await expect(page.get_by_text("<script>alert(2)</script>").first).to_be_visible()
        assert await page.locator("main img").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_a_phone_needs_no_sideways_scrolling(
    browser: Browser, address: str, push: Push, scheme: Any
) -> None:
    long_name = "Bartholomew Featherstonehaugh-Constantinopoulos-Oberhausen III"
    (package_id,) = await push(
        {
            "patient_name": long_name,
            "patient_address": "Residence at the Old Lighthouse, Building C, Floor 12, "
            "Apartment 1204B, 1 Very Long Ocean Boulevard Extension, Miami Beach, FL 33139",
            "rx_number": "RX-" + "8" * 100,
            "priority": "stat",
            "cold_chain": True,
            "controlled_substance": True,
        }
    )
    phone = {"width": 390, "height": 844}
    async with desk(browser, address, viewport=phone, color_scheme=scheme) as page:
        for path in ("/", "/packages", "/packages?q=nobody", f"/packages/{package_id}"):
            await page.goto(path)
            assert await page.evaluate("document.documentElement.scrollWidth") <= 390, path
        await page.goto("/packages")
        await page.get_by_role("link", name=long_name).click()
        await expect(page.get_by_role("heading", name=long_name)).to_be_visible()
        assert await page.evaluate("document.documentElement.scrollWidth") <= 390


async def test_dark_is_dark_and_light_is_light(
    browser: Browser, address: str, world: World
) -> None:
    seen = {}
    schemes: list[Any] = ["light", "dark"]
    for scheme in schemes:
        async with desk(browser, address, color_scheme=scheme) as page:
            text = "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)"
            seen[scheme] = sum(await page.evaluate(text))
    assert seen["light"] > 700 and seen["dark"] < 100


async def test_signing_out_elsewhere_clears_an_open_screen(
    browser: Browser, address: str, push: Push
) -> None:
    await push({"patient_name": "Somebody Private"})
    async with desk(browser, address) as page:
        await expect(page.get_by_text("live", exact=True)).to_be_visible()
        other = await page.context.new_page()
        await other.goto("/packages")
        await other.get_by_role("button", name="Sign out").click()
        await expect(page).to_have_url(f"{address}/sign-in?next=/")
        assert await page.get_by_text("Somebody Private").count() == 0


async def test_without_scripts_links_open_pages_and_forms_post(
    browser: Browser, address: str, push: Push
) -> None:
    package_id, _ = await push({}, {"patient_name": "B. Jones"})
    async with desk(browser, address, java_script_enabled=False) as page:
        await page.get_by_role("searchbox").fill("maria")
        await page.keyboard.press("Enter")
        await page.get_by_role("link", name="Maria Rodriguez").click()
        await expect(page).to_have_url(f"{address}/packages/{package_id}")
        await page.get_by_text("Change", exact=True).click()
        await page.get_by_label("Notes").fill("Ring twice")
        await page.get_by_role("button", name="Save").click()
        await expect(page.get_by_text("Saved.")).to_be_visible()
        await page.get_by_role("button", name="Show sandbox").click()
        await expect(page.get_by_text("Sandbox: nothing here reaches")).to_be_visible()
        await page.get_by_role("button", name="Sign out").click()
        await expect(page.get_by_text("You are signed out.")).to_be_visible()


@pytest.mark.usefixtures("world")
async def test_a_shift_started_by_keys_on_one_screen_is_seen_on_the_other(
    browser: Browser, address: str
) -> None:
    async with desk(browser, address) as mine, desk(browser, address) as theirs:
        keys = mine.keyboard
        await keys.press("g")
        await keys.press("v")
        await mine.get_by_role("link", name="Add the first driver").press("Enter")
        await mine.get_by_label("Name").fill("Luis Ortega")
        await keys.press("Enter")
        await expect(mine.get_by_text("The driver is there.")).to_be_visible()
        await theirs.goto("/drivers")
        row = theirs.locator("#driver-rows tr")
        await expect(row.get_by_text("Off shift")).to_be_visible()
        await expect(theirs.get_by_text("live", exact=True)).to_be_visible()
        await mine.get_by_role("button", name="Start shift: Luis Ortega").press("Enter")
        await expect(row.get_by_text("Online")).to_be_visible()
        ending = theirs.get_by_role("button", name="End shift: Luis Ortega")
        await ending.focus()
        await mine.get_by_role("button", name="Set offline: Luis Ortega").press("Enter")
        await expect(row.get_by_text("Offline")).to_be_visible()
        await expect(ending).to_be_focused()


@pytest.mark.usefixtures("world")
async def test_drivers_fit_a_narrow_phone_without_scripts(
    browser: Browser, address: str, push: Push
) -> None:
    narrow: dict[str, Any] = {
        "viewport": {"width": 390, "height": 844},
        "java_script_enabled": False,
    }
    async with desk(browser, address, **narrow) as page:
        await page.goto("/drivers?new=driver")
        await page.get_by_label("Name").fill("Bartholomew Featherstonehaugh-Cholmondeley the Third")
        await page.get_by_label("Vehicle").fill("White van with the dented door, number 3")
        await page.get_by_label("Cold chain").check()
        await page.get_by_role("button", name="Add driver").click()
        await page.get_by_role("button", name="Start shift").click()
        shown = page.locator("#driver-rows")
        await expect(shown.get_by_text("Online", exact=True)).to_be_visible()
        own_page = await page.locator(".row-link").get_attribute("href") or ""
        (package_id,) = await push({"cold_chain": True})
        await page.goto(f"/packages/{package_id}")
        await page.get_by_label("Driver").select_option(index=1)
        await page.get_by_role("button", name="Assign").click()
        await expect(page.get_by_text("the Third has it.")).to_be_visible()
        for path in ("/drivers", own_page, f"/packages/{package_id}"):
            await page.goto(path)
            assert await page.locator("html").evaluate("e => e.scrollWidth <= innerWidth")
