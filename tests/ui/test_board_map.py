"""The map beside the board: a plain drawing without network, the owner's tiles where set."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from playwright.async_api import Browser, Route, expect
from starlette.applications import Starlette

from scriptrun_box.drivers import dispatch
from scriptrun_box.kernel.scope import CLI
from scriptrun_box.packages import actions, store
from scriptrun_box.packages.model import Location
from scriptrun_box.ui import leaflet, pages
from scriptrun_box.ui.board.drawing import FLOWER_MAX, HEIGHT, WIDTH, Place, draw
from scriptrun_box.ui.board.model import Card, Stop
from tests.shared_box import running
from tests.ui.conftest import Push, Visit
from tests.world import World

from .test_board import hire
from .test_browser import CHROMIUM, browser, desk

__all__ = ["browser"]  # a fixture
pytestmark = pytest.mark.anyio
TILES = "https://tiles.example/{z}/{x}/{y}.png"
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060"
    "000000050001a5f645400000000049454e44ae426082"
)


@pytest.fixture
async def app(folder: Path) -> AsyncIterator[Starlette]:
    """A box whose owner has a tile server."""
    async with running(folder, map={"tile_url": TILES, "attribution": "© us"}) as made:
        yield made


async def placed(world: World, push: Push, *places: tuple[float, float, str]) -> list[str]:
    """Packages at these places, (lat, lng, confidence) each."""
    ids = await push(*({"barcode": f"at {n}"} for n in range(len(places))))
    for package_id, (lat, lng, sure) in zip(ids, places, strict=True):
        where = Location(lat, lng, "pin", sure)
        await world.db.write(store.set_location, package_id, "A DOOR", where)
    return ids


async def test_the_drawing_has_every_placed_package_in_its_drivers_colour(
    visit: Visit, push: Push, client: httpx.AsyncClient, world: World
) -> None:
    ana = await hire(client, world.live, "Ana Núñez")
    one, two = await placed(world, push, (25.8, -80.2, "exact"), (25.7, -80.3, "approximate"))
    (nowhere,) = await push({"barcode": "nowhere"})
    await world.db.write(dispatch.assign, world.scope, CLI, one, ana, None)
    owner = await visit("owner")
    plain = await owner.see("/board")
    assert 'id="map"' not in plain and "map=1" in plain
    page = await owner.see("/board?map=1")
    assert f'class="dot c0" data-id="{one}"' in page
    assert f'class="dot  hollow" data-id="{two}"' in page
    assert f'data-id="{nowhere}"' not in page and "1 package has no place yet." in page
    part = await owner.see("/live/board-map")
    assert f'data-id="{one}"' in part and "<html" not in part


async def test_only_the_page_with_the_map_may_ask_the_tile_server(
    visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = await visit("owner")
    policy = (await owner.http.get("/board?map=1")).headers["content-security-policy"]
    assert "img-src https://tiles.example 'self'" in policy and "unsafe" not in policy
    for path in ("/board", "/"):
        assert (
            "tiles.example" not in (await owner.http.get(path)).headers["content-security-policy"]
        )
    assert "leaflet.js" in await owner.see("/board?map=1")
    script = await owner.http.get("/static/leaflet.js")
    assert script.status_code == 200 and "Leaflet 1.9" in script.text[:200]
    monkeypatch.setattr(pages, "ASSETS", {k: v for k, v in pages.ASSETS.items() if "leaf" not in k})
    page = await owner.see("/board?map=1")
    assert "leaflet" not in page and "tiles.example" not in page, "without the extra: the drawing"


def test_the_host_of_tiles_is_named_with_its_subdomains() -> None:
    assert leaflet.tile_host("https://{s}.t.example:8443/{z}/{x}/{y}") == "https://*.t.example:8443"


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")
async def test_tiles_are_shown_and_a_dot_leads_to_its_card(
    browser: Browser, address: str, push: Push, world: World
) -> None:
    (package_id,) = await placed(world, push, (25.8, -80.2, "exact"))
    asked: list[str] = []

    async def tile(route: Route) -> None:
        asked.append(route.request.url)
        await route.fulfill(body=PIXEL, content_type="image/png")

    async with desk(browser, address) as page:
        await page.route("https://tiles.example/**", tile)
        await page.goto("/board?map=1")
        dot = page.locator(".tiles path.leaflet-interactive")
        await expect(dot).to_have_count(1)
        await expect(page.locator(".leaflet-tile-loaded").first).to_be_visible()
        await expect(page.get_by_text("live", exact=True)).to_be_visible()
        await page.wait_for_timeout(500)  # the first fetch has drawn it anew
        await dot.click(force=True)
        link = page.locator(f'.parcel[data-key="{package_id}"] .row-link')
        await expect(link).to_be_focused()
    assert asked and all(url.startswith("https://tiles.example/") for url in asked)


COORDINATES = st.tuples(st.floats(24, 49), st.floats(-124, -67))


@given(points=st.lists(COORDINATES, max_size=20), shops=st.lists(COORDINATES, max_size=3))
def test_everything_with_a_place_is_inside_the_drawing(
    points: list[tuple[float, float]], shops: list[tuple[float, float]]
) -> None:
    drawn = draw([_card(*point) for point in points], [Place("Shop", *shop) for shop in shops], {})
    assert (len(drawn.dots), len(drawn.shops), drawn.nowhere) == (len(points), len(shops), 0)
    for dot in (*drawn.dots, *drawn.shops):
        assert 0 <= dot.x <= WIDTH and 0 <= dot.y <= HEIGHT


def test_however_many_stand_at_one_point_they_stay_beside_it_each_at_its_own_place() -> None:
    many = [_card(25.77, -80.2) for _ in range(2_000)]
    drawn = draw([*many, _card(25.9, -80.2), _card(25.64, -80.2)], [], {})
    dots = drawn.dots[:2_000]
    wide = max(dot.x for dot in dots) - min(dot.x for dot in dots)
    assert wide <= 2 * FLOWER_MAX + 1
    assert len({(dot.x, dot.y) for dot in dots}) > 1_900


def _card(lat: float, lng: float) -> Card:
    class Here:
        """As much of a package as a drawing looks at."""

        id, driver_id = "0" * 32, None
        location = Location(lat, lng, "pin", "exact")

        class content:
            patient_name = "Maria"

    here: Any = Here()
    return Card(here, "assign", "", Stop(1, None), None, "")


async def test_a_recalled_package_keeps_its_dot(push: Push, visit: Visit, world: World) -> None:
    (package_id,) = await placed(world, push, (25.8, -80.2, "exact"))
    for act in ("assign", "start", "recall"):
        await world.db.write(actions.move_on, world.scope, CLI, package_id, act)
    assert f'data-id="{package_id}"' in await (await visit("owner")).see("/board?map=1")
