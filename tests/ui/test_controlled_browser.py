"""A controlled package in a real browser: from release to the closed day; axe; narrow, dark."""

from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from scriptrun_box.delivery import door
from scriptrun_box.delivery.controlled import people, store
from scriptrun_box.delivery.model import AtTheDoor
from scriptrun_box.kernel import clock
from scriptrun_box.kernel.errors import Conflict
from scriptrun_box.kernel.scope import CLI
from scriptrun_box.routes import actions as routes
from tests.delivery.hands import (
    LINKS,
    driver_id,
    failed,
    find,
    given,
    new_driver,
    new_seal,
    owner,
    parcel,
    released,
)
from tests.world import PASSWORD, World

from .test_browser import AXE, CHROMIUM, browser, desk

__all__ = ["browser"]  # a fixture
pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine"),
]
PIN = "804213"
PHONE: Any = {"width": 390, "height": 844}


async def check(page: Page) -> None:
    """Nothing sticks out sideways, nothing serious for who hears or keys the page."""
    assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    if AXE:
        await page.evaluate(Path(AXE).read_text("utf-8") + ";0")
        violations = (await page.evaluate("axe.run(document)"))["violations"]
        bad = [each for each in violations if each["impact"] in ("serious", "critical")]
        assert [(each["id"], each["nodes"][0]["html"]) for each in bad] == []


async def test_a_day_from_release_to_the_close(
    browser: Browser, address: str, world: World
) -> None:
    db, scope, seal = world.db, world.scope, new_seal()
    driver = driver_id(await db.write(new_driver, scope))
    async with desk(browser, address) as page:
        await page.goto("/controlled")
        await expect(page.get_by_text("Nothing to release")).to_be_visible()
        await expect(page.get_by_text("live", exact=True)).to_be_visible()
        package_id = await db.write(parcel, scope, "II", patient_name="Rosa Lind")
        await page.get_by_role("link", name="Release: Rosa Lind").click()
        await page.get_by_label("Seal").fill(seal)
        await page.get_by_label("Their e-mail").fill(world.teammate.email)
        await page.get_by_label("Their password").fill(PASSWORD)
        await page.get_by_role("button", name="Release").click()
        await expect(page.get_by_text("Released and sealed.")).to_be_visible()
        wish = {"driver_id": driver, "package_ids": [package_id]}
        route = (await db.write(routes.create, scope, CLI, wish)).route
        with pytest.raises(Conflict):
            await db.write(routes.start, scope, CLI, route.id)
        await page.goto("/controlled#pins")
        pins = page.get_by_role("region", name="A driver's PIN")
        await pins.get_by_role("combobox").select_option(driver)
        await pins.get_by_role("textbox", name="PIN").fill(PIN)
        await pins.get_by_label("Once more").fill(PIN)
        await page.get_by_role("button", name="Set PIN").click()
        await expect(page.get_by_text("The PIN is set.")).to_be_visible()
        await page.get_by_label("Rosa Lind").fill(seal)
        await page.get_by_label("PIN of").fill(PIN)
        await page.get_by_role("button", name="Hand over").click()
        await expect(page.get_by_text("the driver may leave with it")).to_be_visible()
        await page.goto(f"/routes/{route.id}")
        await page.get_by_role("button", name="Start").first.click()
        await expect(page.get_by_role("button", name="Finish")).to_be_visible()
        await _no_id(world, package_id, driver)
        await page.goto("/controlled")
        await page.get_by_role("link", name="Take back: Rosa Lind").click()
        await page.get_by_label("Seal, as you read it").fill(seal)
        await page.get_by_role("group", name="Is the seal whole?").get_by_label("Yes").check()
        await page.get_by_role("group", name="Is the count right?").get_by_label("Yes").check()
        await page.get_by_label("PIN of the driver").fill(PIN)
        await page.get_by_role("button", name="Take back").click()
        await expect(page.get_by_text("Taken back.")).to_be_visible()
        await page.get_by_role("radio", name="Destroy it").check()
        await page.get_by_label("Note").fill("Refused, and past its day")
        await page.get_by_role("button", name="Decide").click()
        await expect(page.get_by_text("Decided.")).to_be_visible()
        await page.goto("/controlled")
        await expect(page.get_by_text("1 returned")).to_be_visible()
        await page.get_by_role("button", name="Close today").click()
        await expect(page.get_by_text("The day is closed.")).to_be_visible()
        await page.goto("/controlled/log")
        await expect(page.get_by_role("link", name="Rosa Lind")).to_be_visible()
    assert (await db.read(find, scope, package_id)).status == "returned"
    kinds = [row.kind for row in await db.read(store.chain, package_id)]
    assert kinds == ["out", "back"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_pages_fit_a_phone_with_everything_on_them(
    browser: Browser, address: str, world: World, scheme: Any
) -> None:
    db, scope, who = world.db, world.scope, owner(world)
    long = {"patient_name": "Maximiliana-Wilhelmina Featherstonehaugh-Cholmondeley " * 3}
    driver = await db.write(new_driver, scope)
    await people.set_pin(db, scope, CLI, driver_id(driver), PIN, PIN)
    fresh = await db.write(parcel, scope, None, **long)
    await db.write(released, scope, who, driver, **long)
    await db.write(given, scope, who, driver, **long)
    package_id, _ = await db.write(failed, scope, who, driver, **long)
    paths = ["/controlled", f"/controlled/packages/{fresh}", f"/controlled/packages/{package_id}"]
    async with desk(browser, address, viewport=PHONE, color_scheme=scheme) as page:
        for path in (*paths, "/controlled/log", "/settings/state-rules"):
            await page.goto(path)
            await check(page)
        await page.goto(paths[-1])
        await page.get_by_text("Open an incident").click()
        await page.get_by_label("What is wrong").select_option("theft")
        await page.get_by_label("In your words").fill("W" * 200)
        await page.get_by_role("button", name="Open the incident").click()
        await page.get_by_role("link", name="Incident: theft").click()
        await check(page)


async def _no_id(world: World, package_id: str, driver: str) -> None:
    """Nobody at the door had an ID."""
    now = clock.now_ms()
    at = AtTheDoor(package_id, driver, now, now, now)
    outcomes = await world.db.write(door.fail, world.scope, CLI, [package_id], at, "no_id", LINKS)
    assert not isinstance(outcomes[package_id], Exception), outcomes
