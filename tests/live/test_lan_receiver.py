"""An owner in a browser connects a receiver on the local network: no file edited, no restart."""

import asyncio
import json
import shlex
import ssl
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import trustme
from playwright.async_api import Page, async_playwright, expect

from scriptrun_box.verbs.listening import check as verdict_of
from tests.programs import need
from tests.receivers import Hit, answer, receiving

from .lan import BOX_ADDRESS, PC_ADDRESS, PORT, Lan, LanBox, Machine, lan
from .server import EMAIL, PASSWORD, batch

pytestmark = pytest.mark.anyio
RECEIVER_PORT = 9443
URL = f"https://{PC_ADDRESS}:{RECEIVER_PORT}/hook"
HEARD_SECONDS = 10.0


@dataclass
class Scene:
    """The network with a box that allows no network, and what a receiver on the computer wrote."""

    lan: Lan
    box: LanBox
    key: str
    heard: Path
    fingerprint: str

    def hits(self, count: int) -> list[dict[str, Any]]:
        """What the receiver got, once there is so much."""
        deadline = time.monotonic() + HEARD_SECONDS
        while len(lines := self.heard.read_text("utf-8").splitlines()) < count:
            assert time.monotonic() < deadline, lines
            time.sleep(0.1)
        return [json.loads(line) for line in lines]


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with lan() as network:
        box = LanBox(tmp_path / "data", {}, PORT, network.box.prefix)
        try:
            key = box.init("--listen", "lan")
            box.start()
            certificate = trustme.CA().issue_cert(PC_ADDRESS)
            chain = tmp_path / "receiver.pem"
            certificate.private_key_and_cert_chain_pem.write_to_path(str(chain))
            with running_receiver(network.computer, chain, tmp_path / "heard") as heard:
                shown = fingerprint_of(certificate.cert_chain_pems[0].bytes())
                yield Scene(network, box, key, heard, shown)
        finally:
            box.end()


def fingerprint_of(pem: bytes) -> str:
    """As a person reads it on the receiver."""
    digest = sha256(ssl.PEM_cert_to_DER_cert(pem.decode())).hexdigest().upper()
    return ":".join(digest[place : place + 2] for place in range(0, len(digest), 2))


@contextmanager
def running_receiver(machine: Machine, chain: Path, heard: Path) -> Iterator[Path]:
    """An https server on that machine with a certificate nobody else trusts."""
    command = [*machine.prefix, sys.executable, "-m", __name__, str(chain), str(heard)]
    root = Path(__file__).parents[2]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root)
    try:
        assert child.stdout is not None and child.stdout.readline() == "listening\n"
        yield heard
    finally:
        child.kill()
        child.communicate()


async def receive(chain: Path, heard: Path) -> None:
    """The receiver's process: a line for each request."""
    heard.touch()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(chain)
    accept = answer()

    async def manners(hit: Hit, *streams: Any) -> None:
        line = {
            "event": hit.header("X-ScriptRun-Event"),
            "signature": hit.header("X-ScriptRun-Signature"),
            "body": hit.body.decode(),
        }
        with heard.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        await accept(hit, *streams)

    async with receiving(manners, host=PC_ADDRESS, tls=tls, port=RECEIVER_PORT):
        print("listening", flush=True)
        await asyncio.Event().wait()


@asynccontextmanager
async def browser_on(machine: Machine, folder: Path) -> AsyncIterator[Page]:
    """A page of a browser that runs on that machine."""
    start = folder / "browser"
    start.write_text(f'#!/bin/sh\nexec {shlex.join([*machine.prefix, need("chromium")])} "$@"\n')
    start.chmod(0o755)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=start, args=["--no-sandbox"])
        base = f"https://{BOX_ADDRESS}:{PORT}"
        context = await browser.new_context(base_url=base, ignore_https_errors=True)
        yield await context.new_page()
        await browser.close()


async def sign_in(page: Page) -> None:
    await page.goto("/settings/integrations")
    await page.get_by_label("E-mail").fill(EMAIL)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()


def files(folder: Path) -> dict[str, bytes]:
    """Every file somebody could edit to set the box up."""
    return {
        str(path): path.read_bytes()
        for path in folder.rglob("*")
        if path.suffix in (".toml", ".conf", ".env", ".pem", ".crt")
    }


async def test_an_owner_allows_pins_and_tests_a_receiver_on_the_local_network(
    scene: Scene, tmp_path: Path
) -> None:
    before, process = files(scene.box.folder), scene.box.process
    async with browser_on(scene.lan.computer, tmp_path) as page:
        await sign_in(page)
        await page.get_by_text("Add a webhook", exact=True).click()
        await page.get_by_role("textbox", name="URL").fill(URL)
        await page.get_by_role("button", name="Add webhook").click()
        await expect(page.get_by_role("alert")).to_contain_text("The webhook was not made")
        await page.get_by_role("link", name="Allow it and pin its certificate").click()
        await expect(page.get_by_role("textbox", name="URL")).to_have_value(URL)
        await page.get_by_label("Your password").fill(PASSWORD)
        await page.get_by_role("button", name="Look what is there").click()
        await expect(page.locator("#fingerprint")).to_have_text(scene.fingerprint)
        assert scene.heard.read_text() == "", "nothing was sent to look"
        await page.get_by_label("only this address").check()
        await page.get_by_role("button", name="Allow and pin it").click()
        secret = await page.locator("#hook-secret").inner_text()
        await page.get_by_role("button", name="Send a test event").click()
        told = page.get_by_role("status").filter(has_text="The test event was accepted: 200")
        await expect(told).to_be_visible()
        await expect(told).to_have_class("note ok")
    url = f"https://{BOX_ADDRESS}:{PORT}/api/webhook/orders"
    assert scene.lan.computer.post(url, scene.key, batch(), "-k")[0] == 200
    hits = await asyncio.to_thread(scene.hits, 2)
    assert [hit["event"] for hit in hits] == ["webhook.test", "package.created"]
    for hit in hits:
        said = verdict_of(hit["signature"], hit["body"].encode(), secret, int(time.time()))
        assert said == "verified"
    assert files(scene.box.folder) == before and before
    assert process is scene.box.process and process is not None and process.poll() is None


if __name__ == "__main__":
    asyncio.run(receive(Path(sys.argv[1]), Path(sys.argv[2])))
