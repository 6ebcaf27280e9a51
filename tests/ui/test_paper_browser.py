"""Paper in a browser: what it prints is read back, by eye and by scanner; a phone; axe."""

import io
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from PIL import Image
from playwright.async_api import Browser, expect

from tests.drivers.people import hire, post
from tests.paper.reading import codes_in, codes_of, pages_of
from tests.ui.conftest import Push
from tests.world import World

from .test_browser import AXE, CHROMIUM, browser, desk

__all__ = ["browser"]  # a fixture
pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine"),
]
PHONE: Any = {"width": 390, "height": 844}
DAY = "2026-05-04"
LONG = {
    "patient_name": "Bartholomew Wolfeschlegelsteinhausenbergerdorff-Featherstonehaugh III",
    "patient_address": "1600 Pennsylvania Avenue Northwest, Building C, Floor 2, The Residences at"
    " Biscayne Bay Gardens, Miami Beach, FL 33139",
    "notes": "Ring twice, then wait. " * 40,
}
OTHERS = {"patient_name": "王小明", "patient_address": "Pier 4", "cold_chain": True}


async def a_day(client: Any, world: World, push: Push) -> tuple[list[str], str]:
    """Packages of a day, and the route they are on."""
    some = ({}, LONG, {**OTHERS, "controlled_substance": True}, {"priority": "stat"})
    made = await push(
        *({"delivery_date": DAY, "rx_number": f"R{n}", **each} for n, each in enumerate(some))
    )
    luis = await hire(client, world.live, capabilities=["cold_chain", "controlled"])
    wish = {"driver_id": luis["id"], "date": DAY, "package_ids": made}
    route = await post(client, world.live, "/api/routes", **wish)
    assert route.status_code == 201, route.text
    return made, route.json()["id"]


async def test_the_browsers_own_print_is_read_back(
    browser: Browser, address: str, world: World, client: Any, push: Push
) -> None:
    made, route = await a_day(client, world, push)
    async with desk(browser, address) as page:
        await page.goto(f"/routes/{route}/labels")
        await expect(page.get_by_role("button", name="Print this page")).to_be_visible()
        printed = await page.pdf(prefer_css_page_size=True)
        sizes = {tuple(map(round, each.get_size())) for each in pypdfium2.PdfDocument(printed)}
        assert sizes == {(288, 432)}, "every label is a page of 4 by 6 inches"
        assert sorted(codes_of(printed)) == sorted([f"SRB:P:{each.upper()}"] for each in made)
        text = " ".join(pages_of(printed))
        assert "Building C, Floor 2" in text and "小明" in text
        await page.goto(f"/routes/{route}/manifest")
        sheets = codes_of(await page.pdf(prefer_css_page_size=True))
        found = {code for sheet in sheets for code in sheet}
        assert found == {f"SRB:P:{each.upper()}" for each in made} | {
            "SRB:R:" + route.removeprefix("rte_").upper()
        }


async def test_no_label_that_a_browser_prints_cuts_anything_off(
    browser: Browser, address: str, push: Push
) -> None:
    sizes = [(12, 40), (30, 38), (60, 88), (100, 218), (200, 118), (200, 500)]
    texts = [
        {
            "patient_name": "W" * name,
            "patient_address": f"1 Apt 4B, {'Wide ' * (where // 5)}"[:where],
            "delivery_date": DAY,
            "rx_number": f"R{name}-{where}",
            "cold_chain": True,
            "controlled_substance": True,
            "copay_amount": 99_999.99,
        }
        for name, where in sizes
    ]
    made = await push(*texts, {**LONG, "delivery_date": DAY})
    async with desk(browser, address) as page:
        await page.goto("/labels?" + "&".join(f"id={each}" for each in made))
        over: list[str] = await page.evaluate(
            """() => [...document.querySelectorAll(".label, .label > :not(footer)")]
                 .filter(each => each.scrollHeight > each.clientHeight)
                 .map(each => `${each.className} ${each.scrollHeight} ${each.clientHeight}`)"""
        )
        assert over == []


async def test_a_code_is_read_off_the_screen_in_the_dark_too(
    browser: Browser, address: str, push: Push
) -> None:
    (package_id,) = await push({"delivery_date": DAY})
    async with desk(browser, address, viewport=PHONE, color_scheme="dark") as page:
        await page.goto(f"/packages/{package_id}/label")
        picture = Image.open(io.BytesIO(await page.screenshot(full_page=True)))
        assert codes_in(picture) == [f"SRB:P:{package_id.upper()}"]


@pytest.mark.skipif(not AXE, reason="AXE_JS names no axe.min.js")
async def test_no_page_of_paper_has_a_serious_finding(
    browser: Browser, address: str, world: World, client: Any, push: Push
) -> None:
    script = Path(AXE).read_text("utf-8")
    made, route = await a_day(client, world, push)
    async with desk(browser, address) as page:
        for path in await _pages(made, route):
            await page.goto(path)
            await page.evaluate(script)
            found = await page.evaluate("axe.run()")
            serious = [
                f"{each['id']}: {each['nodes'][0]['html']}"
                for each in found["violations"]
                if each["impact"] in ("serious", "critical")
            ]
            assert serious == [], path


async def test_on_a_phone_no_page_of_paper_needs_sideways_scrolling(
    browser: Browser, address: str, world: World, client: Any, push: Push
) -> None:
    made, route = await a_day(client, world, push)
    async with desk(browser, address, viewport=PHONE) as page:
        for path in await _pages(made, route):
            await page.goto(path)
            width = await page.evaluate("document.documentElement.scrollWidth")
            assert width <= PHONE["width"], path


async def _pages(made: list[str], route: str) -> list[str]:
    return [
        f"/packages/{made[1]}/label",
        f"/labels?date={DAY}",
        f"/routes/{route}/manifest",
        f"/routes/{route}/labels",
        f"/pick-list?date={DAY}",
        "/pick-list?date=2027-01-01",
        "/print-jobs",
        "/settings/printers",
    ]
