"""A WebKit browser for tests, driven by the W3C WebDriver protocol: playwright has no build of it.

It gets a mount namespace of its own, in which one more name leads to this machine and one more
authority is trusted: WebKitGTK, like Safari, asks the system for both.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.live.server import free_port
from tests.programs import allowed, need

BROWSER = "*/webkit2gtk-4.1/MiniBrowser"
AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")
HOSTS = Path("/etc/hosts")
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # the name W3C gave a reference to an element
PATIENCE_SECONDS = 20.0
PROMISED = """const done = arguments[arguments.length - 1];
  (async () => { %s })().then((value) => done({ value }), (error) => done({ error: `${error}` }))"""


class NotYet(Exception):
    """What is not there, or was just drawn anew."""


def patiently(act: Callable[[], Any]) -> Any:
    """What an act returns, once it can be done."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return act()
        except (NotYet, httpx.ConnectError):
            if time.monotonic() > deadline:
                raise


class Page:
    """The one page of a session; everything waits until what it needs is there."""

    def __init__(self, driver: httpx.Client, session: str) -> None:
        self._driver = driver
        self._session = session

    def _ask(self, path: str, body: Any) -> Any:
        answer = self._driver.post(f"/session/{self._session}/{path}", json=body)
        if answer.status_code != 200:
            raise NotYet(answer.text)
        return answer.json()["value"]

    def _on(self, css: str, act: str, body: Any) -> Any:
        return patiently(lambda: self._ask(f"element/{self._find(css)[ELEMENT]}/{act}", body))

    def _find(self, css: str) -> Any:
        return self._ask("element", {"using": "css selector", "value": css})

    def goto(self, url: str) -> None:
        self._ask("url", {"url": url})

    def run(self, script: str) -> Any:
        """What an async function with this body returns."""
        told = self._ask("execute/async", {"script": PROMISED % script, "args": []})
        assert "error" not in told, told
        return told.get("value")

    def shows(self, css: str, words: str = "") -> None:
        """Wait until an element is there and says this."""

        def once() -> None:
            said = self.run(f"return document.querySelector(`{css}`)?.innerText ?? null")
            if said is None or words not in said:
                raise NotYet(f"{css} says: {said}")

        patiently(once)

    def click(self, css: str) -> None:
        self._on(css, "click", {})

    def fill(self, css: str, text: str) -> None:
        """Type; into a field for files it is a path."""
        self._on(css, "value", {"text": text})

    def draw(self, css: str, *points: tuple[int, int]) -> None:
        """A finger on an element, at places counted from its middle."""
        self.run(f"document.querySelector(`{css}`).scrollIntoView({{ block: 'center' }})")
        origin = patiently(lambda: self._find(css))
        first, *rest = [
            {"type": "pointerMove", "origin": origin, "x": x, "y": y} for x, y in points
        ]
        down, up = ({"type": f"pointer{way}", "button": 0} for way in ("Down", "Up"))
        finger = {"type": "pointer", "id": "finger", "actions": [first, down, *rest, up]}
        self._ask("actions", {"actions": [finger]})


@contextmanager
def webkit(folder: Path, name: str, authority: Path) -> Iterator[Page]:
    """A page in a new WebKit, to which `name` is this machine; gone afterwards with all it kept."""
    driver, screen, port = need("WebKitWebDriver"), need("Xvfb"), free_port()
    trusted, hosts = folder / "authorities", folder / "hosts"
    trusted.write_bytes(AUTHORITIES.read_bytes() + authority.read_bytes())
    hosts.write_text(f"{HOSTS.read_text()}\n127.0.0.1 {name}\n")
    own = [need("unshare"), "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]
    allowed(subprocess.run([*own, "true"], check=False).returncode == 0, "mount namespaces")
    mounts = f"mount --bind {hosts} {HOSTS} && mount --bind {trusted} {AUTHORITIES}"
    with _child([screen, "-displayfd", "1", "-nolisten", "tcp"], stdout=subprocess.PIPE) as x:
        assert x.stdout is not None
        env = {**os.environ, "HOME": str(folder), "DISPLAY": f":{int(x.stdout.readline())}"}
        command = [*own, "sh", "-c", f"{mounts} && exec {driver} --port={port}"]
        url, browser = f"http://127.0.0.1:{port}", next(Path("/usr/lib").glob(BROWSER))
        options = {"binary": str(browser), "args": ["--automation"]}
        wish = {"browserName": "MiniBrowser", "webkitgtk:browserOptions": options}
        body = {"capabilities": {"alwaysMatch": wish}}
        with _child(command, env=env), httpx.Client(base_url=url, timeout=60) as asked:
            made = patiently(lambda: asked.post("/session", json=body).json()["value"])
            session = made["sessionId"]
            try:
                yield Page(asked, session)
            finally:
                asked.delete(f"/session/{session}")


@contextmanager
def _child(command: list[str], **wish: Any) -> Iterator["subprocess.Popen[bytes]"]:
    """A program that ends with the block, and all it has started with it."""
    child = subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True, **wish)
    try:
        yield child
    finally:
        os.killpg(child.pid, signal.SIGKILL)
        child.communicate()
