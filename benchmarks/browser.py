"""How long after its 200 an order stands on the Dashboard that somebody has open."""

import http.client
import shutil
import time
from dataclasses import replace
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from benchmarks.children import ChildFailed
from benchmarks.load import start
from benchmarks.orders import compact, letters, order
from benchmarks.ours import OWNER_EMAIL, OWNER_PASSWORD, PATH, Box
from benchmarks.plan import BATCH_CONNECTIONS, BATCH_ORDERS, Plan
from benchmarks.report import Figure, Outcome

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
WAITING_ORDERS = 10_000  # already there, today's, none assigned yet
FILL_SECONDS = 60
GAP_MS = 200
ANSWER_TIMEOUT_SECONDS = 10
SETTLE_MS = 1_000  # the stream of news has opened by then
PATIENCE_GAPS = 50
NAME = "order shown in an open browser, p95 after its 200"

# Notes the animation frame in which a row with a name like "Watched Aaaab" can be seen.
WATCH = """
(() => {
  window.shown = {};
  new MutationObserver((changes) => {
    for (const { type, target, addedNodes } of changes) {
      for (const node of type === "characterData" ? [target] : addedNodes) {
        for (const [name] of (node.textContent ?? "").matchAll(/Watched [A-Z][a-z]{4}/g)) {
          if (name in window.shown) continue;
          const element = node.nodeType === Node.TEXT_NODE ? node.parentElement : node;
          requestAnimationFrame(() => {
            if (element.checkVisibility()) window.shown[name] ??= Date.now();
          });
        }
      }
    }
  }).observe(document, { childList: true, subtree: true, characterData: true });
})();
"""


def measure(folder: Path, plan: Plan) -> Outcome:
    """Sign in, open the Dashboard, post orders one at a time and compare the two clocks."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        return Outcome([_figure(None, "there is no Chromium here")])
    box = Box(folder / "browser")
    with box.serving():
        job = box.job(BATCH_ORDERS, BATCH_CONNECTIONS, FILL_SECONDS)
        job = replace(job, max_requests=WAITING_ORDERS // BATCH_ORDERS)
        box.finish(start(job), job)
        waits = sorted(_watch(box, browser, plan))
    p50, p95 = waits[len(waits) // 2], waits[int(len(waits) * 0.95)]
    words = f"{len(waits)} orders, p50 {p50:.0f} ms, p95 {p95:.0f} ms, longest {waits[-1]:.0f} ms"
    return Outcome([_figure(p95)], [("shown in the browser after the 200", words)])


def _watch(box: Box, browser: str, plan: Plan) -> list[float]:
    """Milliseconds from each order's 200 to the frame that shows it."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        try:
            page = chromium.new_page()
            page.add_init_script(WATCH)  # also after a reload, if the page wants one
            sign_in(page, f"http://127.0.0.1:{box.port}/")
            page.wait_for_timeout(SETTLE_MS)
            return [_seen(page, *_push(box, number)) for number in range(plan.browser_orders)]
        finally:
            chromium.close()


def sign_in(page: Page, url: str) -> None:
    """As the owner, and on to that address."""
    page.goto(url)
    page.fill("input[type=email]", OWNER_EMAIL)
    page.fill("input[type=password]", OWNER_PASSWORD)
    page.press("input[type=password]", "Enter")
    page.wait_for_selector("input[type=password]", state="detached")
    page.goto(url)


def _push(box: Box, number: int) -> tuple[str, float]:
    """Post one order; its patient's name and the moment of its 200 in unix milliseconds."""
    name = f"Watched {letters(number)}"
    urgent = {"patient_name": name, "priority": "stat"}  # stands at the top of what waits
    body = compact({"orders": [order(box.acknowledged) | urgent]})
    headers = {"X-API-Key": box.key, "Content-Type": "application/json"}
    connection = http.client.HTTPConnection("127.0.0.1", box.port, timeout=ANSWER_TIMEOUT_SECONDS)
    try:
        connection.request("POST", PATH, body, headers)
        status = connection.getresponse().status
        answered = time.time() * 1000
    finally:
        connection.close()
    if status != 200:
        raise ChildFailed(f"an order was answered with {status}")
    box.acknowledged += 1
    return name, answered


def _seen(page: Page, name: str, answered: float) -> float:
    """Wait the gap, and longer while the row is not there; how long after its 200 it was."""
    for _ in range(PATIENCE_GAPS):
        page.wait_for_timeout(GAP_MS)
        shown: float | None = page.evaluate("name => window.shown[name]", name)
        if shown is not None:
            return shown - answered
    raise ChildFailed(f"an order was not on the Dashboard after {PATIENCE_GAPS * GAP_MS} ms")


def _figure(measured: float | None, note: str = "") -> Figure:
    return Figure(NAME, measured, 300, 100, " ms", note=note)
