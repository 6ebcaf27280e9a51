"""The board with a full day on it: how soon it can be read, and how soon a drag is answered."""

import http.client
import json
import shutil
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from benchmarks.browser import BROWSERS, sign_in
from benchmarks.children import ChildFailed
from benchmarks.orders import order
from benchmarks.ours import PATH, Box
from benchmarks.plan import BATCH_ORDERS, Plan
from benchmarks.report import Figure, Outcome

PACKAGES, DRIVERS, ON_SHIFT, EACH = 1_000, 20, 14, 40
LOOKS, DRAGS = 9, 12
SETTLE_MS = 1_500  # the page has fetched what changed since it was made
PLACED_SECONDS = 10  # every address has been looked at by then
ANSWER_MS = 5_000
PAINT, DRAG = "board, 1,000 packages, 20 drivers: first useful paint", "the same: a drag's answer"

# From the drop to the frame that shows the card as the box has it, beside its new driver.
WATCH = """
() => {
  window.took = [];
  const lanes = document.querySelector(".lanes");
  lanes.addEventListener("drop", () => {
    const dropped = performance.now();
    setTimeout(() => {
      const seen = new MutationObserver(() => {
        if (document.querySelector(".parcel.moving")) return;
        seen.disconnect();
        requestAnimationFrame(() => setTimeout(() => took.push(performance.now() - dropped)));
      });
      seen.observe(lanes, { childList: true, subtree: true });
    });
  }, true);
}
"""
FIRST_PAINT = """
new Promise((tell) => new PerformanceObserver((list) => {
  const found = list.getEntriesByName("first-contentful-paint")[0];
  if (found) tell(found.startTime);
}).observe({ type: "paint", buffered: true }))
"""
CARDS = "document.querySelectorAll('.parcel').length"


def measure(folder: Path, plan: Plan) -> Outcome:
    """Fill a box, sign in, load the board again and again, and drag cards to drivers."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        return Outcome([_figure(name, None, "there is no Chromium here") for name in (PAINT, DRAG)])
    box = Box(folder / "board")
    with box.serving(), sync_playwright() as playwright:
        _fill(box)
        time.sleep(PLACED_SECONDS)
        chromium = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        try:
            page = chromium.new_page(viewport={"width": 1280, "height": 800})
            sign_in(page, f"http://127.0.0.1:{box.port}/")
            paints = sorted(_paint(page, box) for _ in range(LOOKS))
            drags = sorted(_drags(page))
        finally:
            chromium.close()
    words = [(PAINT, _range(paints)), (DRAG, _range(drags))]
    return Outcome(
        [_figure(PAINT, paints[len(paints) // 2]), _figure(DRAG, drags[len(drags) // 2])], words
    )


def _fill(box: Box) -> None:
    """A day's packages, two thirds of the drivers on shift, with a van's load each."""
    ids: list[str] = []
    for begin in range(0, PACKAGES, BATCH_ORDERS):
        made = [order(number) for number in range(begin, begin + BATCH_ORDERS)]
        ids += _post(box, PATH, {"orders": made})["package_ids"]
    for number in range(DRIVERS):
        driver = _post(box, "/api/drivers", {"name": f"Driver {number:02}", "capacity": EACH})["id"]
        if number < ON_SHIFT:
            _post(box, f"/api/drivers/{driver}/shift", {"shift": "start"})
            load = ids[number * EACH : (number + 1) * EACH]
            _post(box, "/api/packages/assign", {"package_ids": load, "driver_id": driver})


def _paint(page: Page, box: Box) -> float:
    """Milliseconds from asking for the board to its first frame, which has cards on it."""
    page.goto(f"http://127.0.0.1:{box.port}/board")
    if page.evaluate(CARDS) < PACKAGES:
        raise ChildFailed(f"the board shows {page.evaluate(CARDS)} packages")
    painted = float(page.evaluate(FIRST_PAINT))
    page.wait_for_timeout(SETTLE_MS)
    return painted


def _drags(page: Page) -> list[float]:
    """Milliseconds from each drop to the frame that shows where the box has the card."""
    page.evaluate(WATCH)
    lanes = page.locator(".lane[data-takes][data-lane^=drv]")
    for number in range(DRAGS):
        card = page.locator("[data-lane=assign] .parcel").nth(1)
        card.drag_to(lanes.nth(number % 2), target_position={"x": 60, "y": 40})
        page.wait_for_function("n => took.length > n", arg=number, timeout=ANSWER_MS)
    return [float(each) for each in page.evaluate("took")]


def _post(box: Box, path: str, body: Any) -> Any:
    connection = http.client.HTTPConnection("127.0.0.1", box.port, timeout=30)
    headers = {"X-API-Key": box.key, "Content-Type": "application/json"}
    try:
        connection.request("POST", path, json.dumps(body), headers)
        answer = connection.getresponse()
        said = answer.read()
    finally:
        connection.close()
    if answer.status not in (200, 201):
        raise ChildFailed(f"{path} was answered with {answer.status}")
    return json.loads(said)


def _range(values: list[float]) -> str:
    return f"median {values[len(values) // 2]:.0f} ms, {values[0]:.0f} to {values[-1]:.0f} ms"


def _figure(name: str, measured: float | None, note: str = "") -> Figure:
    must, aim = (1_000, 400) if name == PAINT else (150, 60)
    return Figure(name, measured, must, aim, " ms", note=note)
