"""A cold package in a real browser: packed, counting down, warm, quarantined, decided; live."""

from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from scriptrun_box.packages import actions as packages
from tests.delivery.cold.people import long_ago, recording
from tests.routes.people import step
from tests.ui.conftest import Push
from tests.world import World

from .test_browser import CHROMIUM, browser, desk

__all__ = ["browser"]  # a fixture
pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine"),
]


async def test_from_the_bag_to_the_pharmacists_decision(
    browser: Browser, address: str, push: Push, world: World, tmp_path: Path
) -> None:
    (package_id,) = await push({"cold_chain": True, "patient_name": "Ada One"})
    async with desk(browser, address) as page, desk(browser, address) as watching:
        await watching.goto("/cold")
        await expect(watching.locator("tbody").get_by_text("To pack")).to_be_visible()
        await expect(watching.get_by_text("live", exact=True)).to_be_visible()
        await page.goto("/cold")
        await page.get_by_label("What stands on it").fill("Blue 12 L")
        await page.get_by_label("Keeps cold, in minutes").fill("240")
        await page.get_by_role("button", name="Add bag").click()
        await page.get_by_label("Pack Ada One").check()
        await page.locator("#pack [name=bag_id]").select_option(label="Blue 12 L · 4 h")
        await page.get_by_label("Temperature").fill("4.5")
        await page.get_by_role("button", name="Pack", exact=True).click()
        await expect(page.get_by_text("Packed: the bag's time runs.")).to_be_visible()
        await expect(watching.locator("tbody").get_by_text("Packed")).to_be_visible()
        await expect(watching.locator("time[data-until]")).to_have_text("3 h 59 min left")
        for act in ("assign", "start"):
            await world.db.write(step, world.scope, package_id, act)
        await expect(watching.locator("tbody").get_by_text("Out", exact=True)).to_be_visible()

        await world.db.write(long_ago, package_id, 120)
        package = await world.db.write(packages.find, world.scope, package_id)
        file = tmp_path / "logger.csv"
        file.write_text(recording([5, 9, 10, 11, 11, 10, 9, 9, 9, 5], package.packed_at or 0))
        await page.goto(f"/packages/{package_id}/cold")
        await page.get_by_label("Logger file").set_input_files(file)
        await page.get_by_role("button", name="Read it in").click()
        await expect(page.get_by_text("Do not use: in quarantine since")).to_be_visible()
        await expect(page.get_by_role("img", name="From 4.5 °C")).to_be_visible()
        await expect(watching.locator("tbody").get_by_text("In quarantine")).to_be_visible()

        await page.get_by_label("Release: it may be used").check()
        await page.get_by_label("Why").fill("The maker allows 25 °C for a day.")
        await page.get_by_role("button", name="Decide").click()
        await expect(page.get_by_text("Decided, and noted with your name.")).to_be_visible()
        await expect(page.get_by_text("The maker allows 25 °C for a day.")).to_be_visible()
        await expect(watching.locator("tbody").get_by_text("Out", exact=True)).to_be_visible()
