"""The driver's phone in chromium, on the box's own name with its own authority, box and all."""

import asyncio
import json
import random
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from playwright.async_api import Page, Request, Route, expect

from tests.delivery.phone.test_photos import jpeg
from tests.programs import need_package
from tests.ui.test_browser import AXE

from .handheld import CHROMIUM, PIN, Handheld, LanNameBox, join, lan_box, sign, unlock
from .server import CANARY_WORDS
from .shifts import ON_THE_PHONE, events, route_of, statuses

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine"),
]
PATIENCE_MS = 15_000
SERIOUS = """() => axe.run().then((found) => found.violations
  .filter((each) => ["serious", "critical"].includes(each.impact))
  .map((each) => `${each.id}: ${each.nodes[0].html}`))"""
UNDO = "00:11"  # the ten seconds in which an act can be taken back, and one more


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[LanNameBox, str]]:
    with lan_box(tmp_path_factory.mktemp("lan") / "data") as made:
        yield made


@pytest.fixture
async def hand(box: tuple[LanNameBox, str], tmp_path: Path) -> AsyncIterator[Handheld]:
    made = Handheld(box[0], tmp_path)
    made.trust()
    yield made
    assert made.complaints == []


async def leave(page: Page, package_ids: list[str]) -> None:
    """Start the shift, load the car by tapping, start the route."""
    await page.locator("#start-shift").click()
    await page.locator("#to-load").click()
    for package_id in package_ids:
        await page.locator(f"[data-package='{package_id}'] button").first.click()
        await expect(page.locator(f"[data-package='{package_id}']")).to_contain_text("In the car")
    await page.locator("#start-route").click()
    await expect(page.locator("#to-deliver")).to_be_visible()


async def take(page: Page, name: str = "Rosa Rodriguez", *, signed: bool = True) -> None:
    """Somebody takes it at the door."""
    await page.locator("#to-deliver").click()
    await page.locator("input[name=name]").fill(name)
    await page.locator("select[name=relation]").select_option("spouse")
    if signed:
        await sign(page)


async def test_a_whole_shift_with_the_box_out_of_reach(
    box: tuple[LanNameBox, str], hand: Handheld
) -> None:
    driver_id, route_id, ids = route_of(
        box,
        {"requires_signature": True},
        {"copay_amount": 12.5, "requires_signature": True},
        {},
        {"notes": "Ring twice"},
        {"cold_chain": True},
    )
    async with hand.on() as page:
        await page.clock.install()
        await join(page, box[0].code(driver_id))
        await unlock(page)
        await load_by_code_and_tap(page, box, ids)
        with box[0].client(box[1]) as api:
            taken = api.post(f"/api/routes/{route_id}/take-off", json={"package_ids": ids[4:]})
            assert taken.status_code == 200
        await page.clock.fast_forward("01:05")  # the phone asks every minute
        await expect(page.locator("#kept")).to_contain_text("Everything is in the car")
        await page.locator("#start-route").click()
        await expect(page.locator("#to-deliver")).to_be_visible()
        await expect(page.locator("#state")).to_have_text("Sent")
        box[0].kill()  # out of reach from here on
        await first_two_stops(page)
        kept = await page.evaluate(ON_THE_PHONE)
        assert len(kept["acts"]["keys"]) >= 2
        assert not [word for word in (*CANARY_WORDS, "rosa") if word in json.dumps(kept).lower()]
        assert "extractable" not in kept["words"]["text"]
    async with hand.on() as page:  # off and on again, still without the box
        await page.goto(f"{box[0].url}/phone")
        await unlock(page)
        await expect(page.locator("h1")).to_have_text("Stop 3 of 4")
        await page.clock.install()
        await last_two_stops(page)
        await page.locator("#finish").click()
        await page.clock.fast_forward(UNDO)
        await expect(page.locator("#state")).to_have_text("Offline, 6 waiting")
        await page.locator("[aria-label=More]").click()
        await page.locator("#end-shift").click()
        await page.clock.fast_forward(UNDO)
        box[0].start()  # back in the pharmacy
        await page.clock.fast_forward("02:00")
        await expect(page.locator("h1")).to_have_text("Shift ended", timeout=PATIENCE_MS)
        kept = await page.evaluate(ON_THE_PHONE)
        assert kept["acts"]["keys"] == kept["pictures"]["keys"] == []
        assert sorted(kept["words"]["keys"]) == ["credential", "device", "lock"]
    done = ["delivered", "delivered", "failed", "delivered", "created"]
    assert statuses(box, ids) == done
    told = [each["event"] for each in events(box) if each["data"].get("package_id") in ids[:4]]
    assert (told.count("delivery.completed"), told.count("delivery.failed")) == (3, 1)


async def load_by_code_and_tap(page: Page, box: tuple[LanNameBox, str], ids: list[str]) -> None:
    """Five packages into the car; a wrong code and an open gate say so."""
    await page.locator("#start-shift").click()
    await page.locator("#to-load").click()
    await expect(page.locator("#loading")).to_contain_text("Not packed in its cold bag yet")
    await page.locator("#code").fill("a code of nobody's")
    await page.locator("#check-code").click()
    await expect(page.locator("#scanned")).to_contain_text("put it back")
    with box[0].client(box[1]) as api:
        barcode = api.get(f"/api/packages/{ids[0]}").json()["barcode"]
    for code in (barcode, f"SRB:P:{ids[1].upper()}"):  # the pharmacy's own, and the box's
        await page.locator("#code").fill(code)
        await page.locator("#check-code").click()
        await expect(page.locator("#scanned")).to_contain_text("in the car")
    for package_id in ids[2:5]:
        await page.locator(f"[data-package='{package_id}'] button").first.click()
        await expect(page.locator(f"[data-package='{package_id}'] button")).to_have_count(0)
    await page.locator("#start-route").dispatch_event("click")  # a gate is open: nothing starts
    await expect(page.locator("#kept")).to_contain_text("1 of 5 cannot leave yet")


async def first_two_stops(page: Page) -> None:
    """One that is taken back and done again, one with a copay in two parts."""
    await take(page)
    await page.locator("#delivered").click()
    await page.locator("#undo-it").click()
    await expect(page.locator("h1")).to_have_text("Stop 1 of 4")
    await take(page)
    await page.locator("#delivered").click()
    await expect(page.locator("h1")).to_have_text("Stop 2 of 4")
    await page.clock.fast_forward(UNDO)
    await expect(page.locator("#state")).to_have_text("Offline, 1 waiting")
    await take(page)
    await split(page)
    await page.locator("#delivered").click()
    await expect(page.locator("h1")).to_have_text("Stop 3 of 4")


async def last_two_stops(page: Page) -> None:
    """One where nobody opens, one without a signature and with a photo."""
    await page.locator("#to-fail").click()
    await page.locator("#failed").click()
    await expect(page.locator("#wrong")).to_have_text("Choose why.")
    await page.locator("input[value=no_answer]").check()
    await page.locator("#failed").click()
    await expect(page.locator("h1")).to_have_text("Stop 4 of 4")
    await take(page, signed=False)
    await page.locator("#photo").set_input_files(
        {"name": "door.jpg", "mimeType": "image/jpeg", "buffer": jpeg()}
    )
    await expect(page.locator(".shot")).to_be_visible()
    await page.locator("#delivered").click()
    await expect(page.locator("#wrong")).to_contain_text("Take a signature, or choose why")
    await page.locator("select[name=unsigned]").select_option("Not needed")
    await page.locator("#delivered").click()


async def split(page: Page) -> None:
    """$10 in cash, the rest by card."""
    money = page.locator("[data-copay]")
    await money.locator("input[name=amount]").fill("10")
    await page.locator("#delivered").click()
    await expect(page.locator("#wrong")).to_contain_text("add up to $10.00, and $12.50 is due")
    await money.get_by_role("button", name="Split the payment").click()
    await money.locator("select[name=method]").nth(1).select_option("card")
    await money.locator("input[name=card_last_four]").fill("4242")
    await money.locator("input[name=authorization]").fill("A1B2C3")


async def test_answers_that_are_lost_at_random_make_nothing_happen_twice(
    box: tuple[LanNameBox, str], hand: Handheld
) -> None:
    driver_id, _, ids = route_of(box, *[{}] * 6)
    chance, lost, cookie = random.Random(3), 0, ""

    def pass_on(request: Request) -> httpx.Response:
        sent = {name: request.headers[name] for name in ("x-phone-key", "content-type")}
        with box[0].client(headers={**sent, "cookie": cookie}) as there:
            return there.post("/phone/acts", content=request.post_data or "")

    async def answer(route: Route) -> None:
        nonlocal lost
        got = await asyncio.to_thread(pass_on, route.request)
        assert got.status_code == 200
        if chance.random() < 0.5:
            lost += 1
            await route.abort("connectionreset")
        else:
            await route.fulfill(status=200, body=got.text, content_type="application/json")

    async with hand.on() as page:
        await page.clock.install()
        await join(page, box[0].code(driver_id))
        await unlock(page)
        await leave(page, ids)
        (kept,) = await page.context.cookies()
        cookie = f"{kept['name']}={kept['value']}"  # type: ignore[typeddict-item]
        await page.context.route(re.compile("/phone/acts$"), answer)
        for number in range(1, len(ids) + 1):
            await expect(page.locator("h1")).to_have_text(f"Stop {number} of {len(ids)}")
            await page.locator("#to-fail").click()
            await page.locator("input[value=refused]").check()
            await page.locator("#failed").click()
            await page.clock.fast_forward(UNDO)
        await expect(page.locator("#finish")).to_be_visible()
        for _ in range(40):
            if await page.locator("#state").inner_text() == "Sent":
                break
            await page.keyboard.press("Shift")  # somebody is there: the app stays open
            await page.clock.fast_forward("01:10")
            await page.wait_for_timeout(150)
        await expect(page.locator("#state")).to_have_text("Sent")
    assert lost > 0 and statuses(box, ids) == ["failed"] * len(ids)
    told = [each for each in events(box) if each["data"].get("package_id") in ids]
    assert [each["event"] for each in told].count("delivery.failed") == len(ids)


async def test_axe_finds_nothing_serious_on_any_screen_of_the_app(
    box: tuple[LanNameBox, str], hand: Handheld
) -> None:
    need_package("axe_playwright_python")
    axe = Path(AXE).read_text("utf-8")
    driver_id, _, ids = route_of(box, {"copay_amount": 4, "requires_signature": True}, {})
    found = {}

    async def look(page: Page, name: str) -> None:
        await page.evaluate(axe)
        found[name] = await page.evaluate(SERIOUS)

    async with hand.on() as page:
        await join(page, box[0].code(driver_id))
        await look(page, "locked")
        await unlock(page)
        await page.locator("#start-shift").click()
        await page.locator("#to-load").click()
        await look(page, "load")
        await page.evaluate("location.hash = ''")
        await page.locator("#to-load").wait_for()
        await page.evaluate("location.hash = 'load'")
        for package_id in ids:
            await page.locator(f"[data-package='{package_id}'] button").first.click()
            await expect(page.locator(f"[data-package='{package_id}'] button")).to_have_count(0)
        await page.locator("#start-route").click()
        await page.locator("#to-deliver").wait_for()
        await look(page, "stop")
        for name, sign_of_it in (("deliver", "#delivering"), ("fail", "#failing")):
            await page.locator(f"#to-{name}").click()
            await page.locator(sign_of_it).wait_for()
            await look(page, name)
            await page.get_by_role("button", name="Back", exact=True).last.click()
        for name in ("list", "me", "told"):
            await page.evaluate(f"location.hash = '{name}'")
            await page.locator("h1").wait_for()
            await look(page, name)
    assert {name: rules for name, rules in found.items() if rules} == {}


async def test_a_lost_phone_wipes_itself_with_its_next_word(
    box: tuple[LanNameBox, str], hand: Handheld
) -> None:
    driver_id, _, _ = route_of(box, {})
    async with hand.on() as page:
        await page.clock.install()
        await join(page, box[0].code(driver_id))
        await unlock(page)
        await expect(page.locator("#start-shift")).to_be_visible()
        await page.locator("[aria-label=More]").click()
        await page.locator("#lock").click()
        await expect(page.locator("#unlock")).to_be_visible()
        found = re.search(r"/phones/(phn_[0-9a-f]+)/revoke", desk_page(box, driver_id).text)
        assert found
        box[0].desk(f"/phones/{found[1]}/revoke", sure="yes")
        await page.clock.fast_forward("01:10")  # locked, it still asks whether it may be used
        await expect(page.locator("h1")).to_have_text("This phone was shut out")
        kept = await page.evaluate(ON_THE_PHONE)
        assert [each["keys"] for each in kept.values()] == [[], [], []]
    hand.complaints = [each for each in hand.complaints if "401" not in each]


def desk_page(box: tuple[LanNameBox, str], driver_id: str) -> httpx.Response:
    return box[0].desk(f"/drivers/{driver_id}")


async def test_the_pin_opens_the_app_and_five_minutes_close_it(
    box: tuple[LanNameBox, str], hand: Handheld
) -> None:
    driver_id, _, _ = route_of(box, {})
    async with hand.on() as page:
        await page.goto(f"{box[0].url}/phone")
        await expect(page.locator("h1")).to_have_text("This phone is not added yet")
        await page.goto(box[0].code(driver_id))
        for weak in ("123456", "111111", "121212", "200119", "12345", "987654"):
            await page.locator("#pin").fill(weak)
            await page.locator("#again").fill(weak)
            await page.locator("#join").evaluate("form => { form.noValidate = true; }")
            await page.locator("#add").click()
            await expect(page.locator("#wrong")).to_be_visible()
        await join(page, box[0].code(driver_id))
        await page.clock.install()
        for _ in range(5):
            await page.locator("#pin").fill("135790")
            await page.locator("#unlock").click()
            await expect(page.get_by_role("alert")).to_have_text("That is not the PIN.")
            await page.get_by_role("alert").evaluate("one => { one.textContent = ''; }")
        await page.locator("#pin").fill(PIN)
        await page.locator("#unlock").click()
        await expect(page.get_by_role("alert")).to_contain_text("Too many wrong PINs")
        await page.clock.fast_forward("00:11")
        await unlock(page)
        await expect(page.locator("#start-shift")).to_be_visible()
        await page.clock.fast_forward("05:10")
        await expect(page.locator("#unlock")).to_be_visible()
        assert "Zzcanary" not in await page.content()
