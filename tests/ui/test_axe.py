"""axe-core looks at every page there is, by turns light and wide, dark and narrow."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.async_api import Browser, Page
from starlette.applications import Starlette

from scriptrun_box.urls import URLS
from tests.access.people import Scene
from tests.access.table import ROWS, Row
from tests.programs import need_package
from tests.ui.conftest import Push
from tests.ui.test_browser import AXE, CHROMIUM, browser
from tests.world import World

__all__ = ["browser"]

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine"),
]

FILES = (".csv", ".json", ".pdf", ".svg")
PAGES = {url.path for url in URLS if url.page and not url.path.startswith("/live")}
LOOKED_AT = [
    row
    for row in ROWS
    if row.method == "GET"
    and row.path in PAGES
    and not row.path.endswith(FILES)
    and (row.ok_signed_in or row.ok) == 200
]
SIGNED_OUT = ("/set-up", "/sign-in", "/link")
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light", "viewport": {"width": 1280, "height": 800}},
    "dark and narrow": {"color_scheme": "dark", "viewport": {"width": 390, "height": 844}},
}


@pytest.mark.parametrize("look", LOOKS)
async def test_axe_finds_nothing_serious_on_any_page(
    app: Starlette,
    client: httpx.AsyncClient,
    world: World,
    address: str,
    browser: Browser,
    push: Push,
    look: str,
) -> None:
    need_package("axe_playwright_python")
    await push({"priority": "stat", "cold_chain": True, "patient_name": "Ann " * 15}, {})
    scene = Scene(app, world, client)
    owner = {"name": "scriptrun", "value": world.sessions["owner"], "url": address}
    found = {}
    async with await browser.new_context(base_url=address, **LOOKS[look]) as context:
        page = await context.new_page()
        for row in LOOKED_AT[list(LOOKS).index(look) :: len(LOOKS)]:
            await context.clear_cookies()
            if row.path not in SIGNED_OUT:
                await context.add_cookies([owner])  # type: ignore[list-item]
            found[str(row)] = await serious(page, await path_of(scene, row))
    assert len(LOOKED_AT) > 20
    assert {path: rules for path, rules in found.items() if rules} == {}


async def path_of(scene: Scene, row: Row) -> str:
    """The row's path, about a thing that was just made."""
    if not row.subject:
        return row.path
    made = await scene.subject(row.subject, scene.world.scope)
    return row.path.replace("{id}", made.id).replace("{name}", made.id) + made.query


async def serious(page: Page, path: str) -> list[str]:
    """What axe says that would keep somebody from using the page, each with an element."""
    answer = await page.goto(path)
    assert answer is not None and answer.status == 200, path
    await page.evaluate(Path(AXE).read_text("utf-8") + ";0")
    violations = (await page.evaluate("axe.run(document, {resultTypes: ['violations']})"))[
        "violations"
    ]
    return [
        f"{each['id']}: {each['nodes'][0]['html'][:200]}"
        for each in violations
        if each["impact"] in ("serious", "critical")
    ]
