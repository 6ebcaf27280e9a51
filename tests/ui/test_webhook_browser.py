"""The pages of webhooks in a browser: a phone, a very long URL, a full log, axe."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser

from scriptrun_box.kernel import clock
from scriptrun_box.kernel.db import Writer
from scriptrun_box.kernel.scope import CLI
from scriptrun_box.webhooks import actions
from scriptrun_box.webhooks.model import OUTCOMES, Endpoint
from tests.world import World

from .test_browser import AXE, CHROMIUM, browser, desk
from .test_webhook_page import LIST, attempt

__all__ = ["browser"]  # a fixture
pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine"),
]
PHONE: Any = {"width": 390, "height": 844}
LONG_URL = f"https://93.184.215.14/{'integration/' * 20}{'x' * 300}?tenant={'A' * 120}"
ATTEMPTS, APART_MS = 1000, 80_000


async def full_log(world: World) -> list[str]:
    """The pages of a webhook with a very long URL and a thousand attempts."""
    made, _ = await world.db.write(
        partial(actions.create, url=LONG_URL, events=("*",)), world.scope, CLI
    )
    await world.db.write(actions.pause, world.scope, CLI, made.id)  # nothing leaves
    await world.db.write(_attempts, made)
    return [
        LIST,
        f"{LIST}?new=webhook",
        f"{LIST}/webhooks/{made.id}",
        f"{LIST}/webhooks/{made.id}?outcome=interrupted&since=2020-01-01T00:00",
        f"{LIST}/webhooks/private?hook={made.id}",
        f"{LIST}/attempts/{await world.db.read(_newest)}",
    ]


def _attempts(w: Writer, hook: Endpoint) -> None:
    now = clock.now_ms()
    for place in range(ATTEMPTS):
        attempt(w, hook, OUTCOMES[place % len(OUTCOMES)], now - place * APART_MS, 15_000)


def _newest(r: Any) -> str:
    return str(r.value("SELECT id FROM webhook_logs ORDER BY started_at DESC LIMIT 1"))


async def test_on_a_phone_no_page_and_no_table_needs_sideways_scrolling(
    browser: Browser, address: str, world: World
) -> None:
    pages = await full_log(world)
    wide = """() => [...document.querySelectorAll("html, .scroll")]
        .filter(each => each.scrollWidth > each.clientWidth).map(each => each.className)"""
    async with desk(browser, address, viewport=PHONE) as page:
        for path in pages:
            await page.goto(path)
            await page.evaluate("for (const d of document.querySelectorAll('details')) d.open = 1")
            assert await page.evaluate(wide) == [], path


@pytest.mark.skipif(not AXE, reason="axe-playwright-python is not installed")
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing_serious_on_them(
    browser: Browser, address: str, world: World, scheme: Any
) -> None:
    pages = await full_log(world)
    async with desk(browser, address, color_scheme=scheme) as page:
        for path in pages:
            await page.goto(path)
            await page.evaluate(Path(AXE).read_text("utf-8") + ";0")
            found = (await page.evaluate("axe.run(document)"))["violations"]
            assert [each for each in found if each["impact"] in ("serious", "critical")] == [], path
