"""A phone-sized chromium that trusts the box's own authority, on the box's name in the network."""

import html
import os
import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPSConnection
from pathlib import Path
from typing import Any

import httpx
from playwright.async_api import BrowserContext, Page, async_playwright, expect

from tests.programs import need

from .server import PATIENCE_SECONDS, SIGN_IN, Box

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
SCREEN = {"width": 390, "height": 844}
HERE = {"latitude": 25.7743, "longitude": -80.1937, "accuracy": 9}
PIN = "482916"
CSRF = re.compile(r'name="csrf" value="([^"]*)"')
LINK = re.compile(r'id="link">([^<]*)<')


class LanNameBox(Box):
    """A box with the defaults of `init --listen lan`, reached by its name from this machine."""

    @property
    def name(self) -> str:
        return f"{socket.gethostname().lower().partition('.')[0]}.local"

    @property
    def url(self) -> str:
        return f"https://{self.name}:{self.port}"

    @property
    def authority(self) -> Path:
        """Its certificate, as phones get it from /ca.crt."""
        path = self.folder.parent / "ca.crt"
        if not path.exists():
            here = f"https://127.0.0.1:{self.port}/ca.crt"
            path.write_bytes(httpx.get(here, verify=False, trust_env=False).content)
        return path

    def _answers(self) -> bool:
        trusting = ssl._create_unverified_context()
        connection = HTTPSConnection("127.0.0.1", self.port, timeout=5, context=trusting)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == 200
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()

    def client(self, key: str = "", **options: Any) -> httpx.Client:
        """A client that reaches the box by address and believes its authority."""
        headers = {"X-API-Key": key, **options.pop("headers", {})}
        trust = ssl.create_default_context(cafile=str(self.authority))
        base = f"https://127.0.0.1:{self.port}"
        options = {"timeout": PATIENCE_SECONDS, "trust_env": False, "verify": trust, **options}
        return httpx.Client(base_url=base, headers=headers, **options)

    def code(self, driver_id: str) -> str:
        """The address in a new QR code, as the desk shows it."""
        with self.client() as desk:
            assert desk.post("/sign-in", data=SIGN_IN).status_code == 303
            found = CSRF.search(desk.get(f"/drivers/{driver_id}").text)
            assert found
            shown = desk.post(f"/drivers/{driver_id}/phones", data={"csrf": found[1]})
            link = LINK.search(shown.text)
            assert shown.status_code == 200 and link, shown.text[:300]
            path = html.unescape(link[1]).partition("/phone/join/")[2]
            return f"{self.url}/phone/join/{path}"

    def desk(self, path: str, **fields: str) -> httpx.Response:
        """The owner posts a form, or opens a page where there are no fields."""
        with self.client() as desk:
            desk.post("/sign-in", data=SIGN_IN)
            page = desk.get("/docs").text
            found = CSRF.search(page)
            assert found
            return desk.post(path, data={"csrf": found[1], **fields}) if fields else desk.get(path)


@contextmanager
def lan_box(folder: Path) -> Iterator[tuple[LanNameBox, str]]:
    """Such a box, answering, and a key of it."""
    made = LanNameBox(folder)
    try:
        key = made.init("--listen", "lan")
        made.start()
        yield made, key
    finally:
        made.end()


@dataclass
class Handheld:
    """A phone: its browser's folder outlives the browser, as on a real one."""

    box: LanNameBox
    home: Path
    complaints: list[str] = field(default_factory=list)

    def trust(self) -> None:
        """Install the box's authority, as /phone/help tells people to."""
        store = self.home / ".pki" / "nssdb"
        store.mkdir(parents=True)
        certutil = [need("certutil"), "-d", f"sql:{store}"]
        subprocess.run([*certutil, "-N", "--empty-password"], check=True)
        name = ["-n", "box", "-t", "C,,", "-i", str(self.box.authority)]
        subprocess.run([*certutil, "-A", *name], check=True)

    @asynccontextmanager
    async def on(self) -> AsyncIterator[Page]:
        """The phone is on; off and on again it has kept what it had."""
        async with async_playwright() as playwright:
            context = await playwright.chromium.launch_persistent_context(
                self.home / "profile",
                executable_path=CHROMIUM,
                args=["--no-sandbox", f"--host-resolver-rules=MAP {self.box.name} 127.0.0.1"],
                env={**os.environ, "HOME": str(self.home)},
                viewport=SCREEN,  # type: ignore[arg-type]
                geolocation=HERE,  # type: ignore[arg-type]
                permissions=["geolocation"],
                has_touch=True,
                is_mobile=True,
            )
            try:
                yield self._watched(context, await context.new_page())
            finally:
                await context.close()

    def _watched(self, context: BrowserContext, page: Page) -> Page:
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda said: self._heard(said.type, said.text))
        return page

    def _heard(self, kind: str, text: str) -> None:
        # A box that is out of reach is no fault of the page.
        if kind in ("error", "warning") and "net::ERR_" not in text:
            self.complaints.append(text)


async def join(page: Page, link: str, pin: str = PIN) -> None:
    """Read the code, choose a PIN."""
    await page.goto(link)
    await page.locator("#pin").fill(pin)
    await page.locator("#again").fill(pin)
    await page.locator("#add").click()
    await expect(page.locator("#unlock")).to_be_visible()


async def unlock(page: Page, pin: str = PIN) -> None:
    await page.locator("#pin").fill(pin)
    await page.locator("#unlock").click()
    await expect(page.locator("#state")).to_be_visible()


async def sign(page: Page) -> None:
    """Draw something that is a signature."""
    await page.locator("#sign").scroll_into_view_if_needed()
    box = await page.locator("#sign").bounding_box()
    assert box is not None
    x, y = box["x"], box["y"]
    await page.mouse.move(x + 30, y + 120)
    await page.mouse.down()
    for step in range(1, 12):
        await page.mouse.move(x + 30 + step * 18, y + 120 - (step % 3) * 30)
    await page.mouse.up()
