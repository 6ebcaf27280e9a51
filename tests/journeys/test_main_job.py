"""The main job from a browser: a key, the printed curl, the row that appears, the signed event."""

import asyncio
import json
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Page, async_playwright, expect

from scriptrun_box.verbs.listening import check as verdict_of
from tests.live.server import EMAIL, PASSWORD, PATIENCE_SECONDS, serving
from tests.programs import need
from tests.receivers import Receiver, receiving

pytestmark = pytest.mark.anyio
PATIENCE_MS = PATIENCE_SECONDS * 1000
SETTINGS = {"WEBHOOKS__ALLOW_NETWORKS": '["127.0.0.1/32"]', "WEBHOOKS__ALLOW_HTTP": "true"}
INTEGRATIONS = "/settings/integrations"
PATIENT = "Maria Rodriguez"  # of the published curl


@asynccontextmanager
async def browser_at(address: str) -> AsyncIterator[tuple[Page, Page]]:
    """Two pages of one browser, on a box; nothing may complain in either."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=need("chromium"), args=["--no-sandbox"]
        )
        context = await browser.new_context(base_url=address)
        context.set_default_timeout(PATIENCE_MS)
        complaints: list[str] = []
        pages = [await context.new_page() for _ in range(2)]
        for page in pages:
            page.on("pageerror", lambda error: complaints.append(str(error)))
        yield pages[0], pages[1]
        assert complaints == []
        await browser.close()


async def sign_in(page: Page) -> None:
    await page.goto("/")
    await page.get_by_label("E-mail").fill(EMAIL)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("button", name="Sign out")).to_be_visible()


async def make_key(page: Page) -> tuple[str, str]:
    """A key with the curl that is shown with it; after a reload neither is to be seen."""
    await page.goto(INTEGRATIONS)
    await page.get_by_text("Create a key").click()
    await page.get_by_label("Name").fill("Front desk")
    await page.get_by_role("button", name="Create key").click()
    key = await page.locator("#key-secret").inner_text()
    curl = await page.locator("#key-curl").inner_text()
    assert key.startswith("sk_live_") and key in curl
    assert (await page.content()).count(key) == 2
    for again in (page.reload, lambda: page.goto(INTEGRATIONS)):
        await again()
        content = await page.content()
        assert key not in content and "Front desk" in content
    return key, curl


async def make_webhook(page: Page, url: str) -> str:
    """A webhook for every event; its signing secret, which is shown once."""
    await page.goto(INTEGRATIONS)
    await page.get_by_text("Add a webhook").click()
    await page.get_by_role("textbox", name="URL").fill(url)
    await page.get_by_role("button", name="Add webhook").click()
    secret = await page.locator("#hook-secret").inner_text()
    assert secret.startswith("whsec_")
    await page.goto(INTEGRATIONS)
    assert secret not in await page.content()
    return secret


async def shell(command: str) -> dict[str, object]:
    """Paste a curl into a shell; its answer."""
    run = [need("bash"), "-c", command]
    done = await asyncio.to_thread(subprocess.run, run, capture_output=True, text=True, check=True)
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


async def check_event(receiver: Receiver, secret: str, package_id: str) -> None:
    """The first thing the receiver got is the package's event, well signed, with no patient."""
    (hit, *_) = await receiver.got(1, PATIENCE_SECONDS)
    signature = hit.header("X-ScriptRun-Signature")
    assert verdict_of(signature, hit.body, secret, time.time()) == "verified"
    event = json.loads(hit.body)
    assert list(event) == ["id", "event", "created_at", "data"]
    assert (event["event"], event["data"]["package_id"]) == ("package.created", package_id)
    assert PATIENT not in hit.body.decode()


async def test_a_key_a_curl_a_row_an_event_and_the_end_of_the_key(tmp_path: Path) -> None:
    need("curl")
    with serving(tmp_path / "data", **SETTINGS) as (box, _):
        async with receiving() as receiver, browser_at(box.url) as (desk, settings):
            await sign_in(desk)
            await expect(desk.get_by_text("live", exact=True)).to_be_visible()
            await desk.evaluate("window.loadedOnce = true")
            key, curl = await make_key(settings)
            secret = await make_webhook(settings, receiver.url)

            answer = await shell(curl)
            assert (answer["created"], answer["warnings"]) == (1, [])
            (package_id,) = answer["package_ids"]
            await expect(desk.get_by_role("link", name=PATIENT)).to_be_visible()
            assert await desk.evaluate("window.loadedOnce"), "without a reload"
            await check_event(receiver, secret, package_id)

            await settings.goto(INTEGRATIONS)
            row = settings.get_by_role("row").filter(has_text="Front desk")
            await row.get_by_text("Revoke", exact=True).click()
            await row.get_by_role("button", name="Yes, revoke it").click()
            await expect(settings.get_by_text("Revoked. The next call")).to_be_visible()
            refused = await shell(curl)
            assert refused["code"] == "key_invalid"
            with box.client(key) as client:
                assert client.get("/api/packages").status_code == 401
        assert box.stop() == 0
        said = box.said()
        assert PATIENT not in said and key not in said and secret not in said
