"""A dispatcher's morning in two browsers: real addresses, a plan, a hand on it, paper, and off."""

import asyncio
import math
import random
import re
from pathlib import Path
from typing import Any

import httpx
import pypdfium2
import pytest
from playwright.async_api import Page, expect

from tests.geocoding.real import Address, addresses, point_file, written
from tests.journeys.test_main_job import PATIENCE_MS, browser_at, sign_in
from tests.live.server import Box, serving

pytestmark = pytest.mark.anyio

SEED = 6
ORDERS = 120
DRIVERS = ("Ana Núñez", "Bo Li", "Luis Ortega", "Mei Tanaka")
CENTRE = ("Washington", "DC")
AROUND_KM = 25.0
NEAR_KM = 0.15
UNKNOWN = 6  # addresses that the loaded points do not hold
PLACED_SECONDS = 60.0
PLANNED_MS = 90_000


def km(lat: float, lng: float, to: Address) -> float:
    """How far apart two points are; near enough for a town."""
    east = (to.lng - lng) * math.cos(math.radians(lat))
    return 111.2 * math.hypot(to.lat - lat, east)


def town() -> list[Address]:
    """Real addresses around one centre, drawn by seed; the first is the pharmacy's."""
    every = addresses()
    middle = next(one for one in every if (one.town, one.state) == CENTRE)
    around = [one for one in every if km(middle.lat, middle.lng, one) < AROUND_KM]
    return random.Random(SEED).sample(around, ORDERS + 1)


def orders_to(places: list[Address]) -> list[dict[str, Any]]:
    """An order for each address, in the many ways that people write them."""
    rng = random.Random(SEED)
    made: list[dict[str, Any]] = []
    for number, place in enumerate(places):
        text, _ = written(place, rng.randrange(8), rng.randrange(1, 400))
        more: dict[str, Any] = {"priority": "stat"} if number % 40 == 0 else {}
        name = f"Patient {number:03}" if number else "Bartholomew " * 8 + "Featherstonehaugh"
        made.append({"patient_name": name, "patient_address": text, **more})
    return made


async def overnight(box: Box, key: str, places: list[Address]) -> dict[str, Address]:
    """What came in over night, by package; and who is on shift."""
    headers = {"X-API-Key": key}
    ids: list[str] = []
    async with httpx.AsyncClient(base_url=box.url, headers=headers, trust_env=False) as program:
        for at in range(0, ORDERS, 60):
            body = {"orders": orders_to(places)[at : at + 60]}
            pushed = await program.post("/api/webhook/orders", json=body)
            assert pushed.status_code == 200, pushed.text
            ids += pushed.json()["package_ids"]
        for name in DRIVERS:
            made = await program.post("/api/drivers", json={"name": name, "capacity": 60})
            assert made.status_code == 201, made.text
            shift = {"shift": "start"}
            await program.post(f"/api/drivers/{made.json()['id']}/shift", json=shift)
    return dict(zip(ids, places, strict=True))


async def placed(box: Box, key: str, wanted: dict[str, Address]) -> tuple[int, int]:
    """(how many packages stand within 150 m of where they belong, how many are to check)."""
    headers = {"X-API-Key": key}
    async with (
        httpx.AsyncClient(base_url=box.url, headers=headers, trust_env=False) as program,
        asyncio.timeout(PLACED_SECONDS),
    ):
        while True:
            page = (await program.get("/api/packages?limit=200")).json()["data"]
            if len(page) == ORDERS and all(each["location"] for each in page):
                break
            await asyncio.sleep(2.0)  # an API key may read once a second
        near = sum(
            km(each["location"]["lat"], each["location"]["lng"], wanted[each["id"]]) <= NEAR_KM
            for each in page
        )
        check = (await program.get("/api/addresses?state=to_check&limit=200")).json()["data"]
    return near, len(check)


async def test_the_whole_morning(tmp_path: Path) -> None:
    pharmacy, *places = town()
    points = tmp_path / "county.csv"
    points.write_text(point_file([pharmacy, *places[UNKNOWN:]]), "utf-8")
    with serving(tmp_path / "data") as (box, key):
        box.cli("geocode", "load", str(points))
        wanted = await overnight(box, key, places)
        async with browser_at(box.url) as (page, other):
            await sign_in(page)
            await open_the_pharmacy_at(page, pharmacy)
            near, to_check = await placed(box, key, wanted)
            assert near >= 0.9 * ORDERS, near
            assert near + to_check == ORDERS
            await check_an_address(page, to_check)
            await plan_the_day(page)
            await other.goto("/board")
            await expect(other.get_by_text("live", exact=True)).to_be_visible()
            await move_by_hand(page, other)
            await print_and_start(page, other)


async def open_the_pharmacy_at(page: Page, at: Address) -> None:
    """Routes begin there."""
    await page.goto("/settings/locations")
    await page.get_by_text("Change", exact=True).first.click()
    await page.get_by_label("Address").first.fill(f"{at.street}, {at.town}, {at.state} {at.zip}")
    await page.get_by_role("button", name="Save").first.click()


async def check_an_address(page: Page, to_check: int) -> None:
    """One that nobody could place is accepted where it stands."""
    await page.goto("/addresses")
    rows = page.locator("main tbody tr")
    await expect(rows).to_have_count(to_check)
    await rows.first.locator("a").first.click()
    await page.get_by_role("button", name="Accept").first.click()
    await page.goto("/addresses")
    await expect(rows).to_have_count(to_check - 1)


async def plan_the_day(page: Page) -> None:
    """A plan is seen first, then used: every package is on a route."""
    await page.goto("/routes")
    await page.get_by_role("button", name="Find the best routes").click()
    use = page.get_by_role("button", name="Use this plan")
    await expect(use).to_be_visible(timeout=PLANNED_MS)
    await expect(page.get_by_text("Nothing left out")).to_be_visible()
    await use.click()
    await expect(page).to_have_url(re.compile("/routes"))


async def move_by_hand(page: Page, other: Page) -> None:
    """A package goes to another driver; the other screen shows it without a reload."""
    await page.goto("/board")
    await expect(page.get_by_text("live", exact=True)).to_be_visible()
    lanes = page.locator("[data-lane^='drv_']")
    giving, taking = lanes.nth(0), lanes.nth(1)
    before = await taking.locator(".parcel").count()
    moved = giving.locator(".parcel").first
    name = (await moved.locator("a").first.inner_text()).strip()
    await moved.drag_to(taking, target_position={"x": 40, "y": 30})
    for each in (page, other):
        target = each.locator("[data-lane^='drv_']").nth(1)
        await expect(target.locator(".parcel")).to_have_count(before + 1)
        await expect(target.locator(".parcel", has_text=name)).to_be_visible()


async def print_and_start(page: Page, other: Page) -> None:
    """Paper for a route, then its driver leaves; the other screen sees it leave."""
    await page.goto("/routes")
    await page.locator("main tbody a[href^='/routes/']").first.click()
    route = page.url.rstrip("/").rpartition("/")[2]
    stops = await page.locator("#stops tr, tbody tr").count()
    for paper in ("manifest.pdf", "labels.pdf"):
        printed = await page.request.get(f"/routes/{route}/{paper}", timeout=PATIENCE_MS)
        assert printed.status == 200, await printed.text()
        assert len(pypdfium2.PdfDocument(await printed.body())) >= 1
    assert stops > 1
    await page.get_by_role("button", name="Start", exact=True).click()
    await expect(page.get_by_text("On the way").first).to_be_visible()
    await expect(other.get_by_text(re.compile(r"\d+ out")).first).to_be_visible()
