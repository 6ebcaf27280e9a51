"""The driver's phone in WebKit, Safari's family, on the box's own name with its own authority."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.delivery.phone.test_photos import jpeg
from tests.webkit import Page, webkit

from .handheld import PIN, LanNameBox, lan_box
from .server import CANARY_WORDS
from .shifts import ON_THE_PHONE, events, route_of, statuses

NAME = ((-120, -20), (-60, 30), (0, -30), (60, 30), (120, -20))  # a signature
# Ten seconds in which to take an act back pass at a word: `later(ms)`.
CLOCK = """const now = Date.now; let ahead = 0;
  Date.now = () => now() + ahead; window.later = (ms) => { ahead += ms; };"""


@pytest.fixture
def box(tmp_path: Path) -> Iterator[tuple[LanNameBox, str]]:
    with lan_box(tmp_path / "data") as made:
        yield made


def test_a_shift_with_the_box_out_of_reach(box: tuple[LanNameBox, str], tmp_path: Path) -> None:
    driver_id, _, ids = route_of(
        box, {"copay_amount": 12.5, "requires_signature": True}, {}, {"requires_signature": True}
    )
    photo = tmp_path / "door.jpg"
    photo.write_bytes(jpeg())
    with webkit(tmp_path, box[0].name, box[0].authority) as page:
        join(page, box[0].code(driver_id))
        unlock(page)
        leave(page, box, ids)
        box[0].kill()  # out of reach from here on
        deliver_one_and_fail_one(page, photo)
        kept = page.run(f"return await ({ON_THE_PHONE})()")
        assert len(kept["acts"]["keys"]) >= 2 and kept["pictures"]["keys"]
        assert not [word for word in (*CANARY_WORDS, "rosa") if word in json.dumps(kept).lower()]
        assert "extractable" not in kept["words"]["text"]
        page.goto(f"{box[0].url}/phone")  # opened anew, still without the box
        unlock(page)
        page.shows("h1", "Stop 3 of 3")
        take(page, photo)
        page.click("#finish")
        page.click("[aria-label=More]")
        page.click("#end-shift")
        page.shows("h1", "Ending the shift")
        box[0].start()  # back in the pharmacy
        page.run("later(11_000)")
        page.click("#state")
        page.click("#try")
        page.shows("#state", "Sent")
        page.click("[aria-label=Back]")
        page.shows("h1", "Shift ended")
        kept = page.run(f"return await ({ON_THE_PHONE})()")
        assert kept["acts"]["keys"] == kept["pictures"]["keys"] == []
        assert sorted(kept["words"]["keys"]) == ["credential", "device", "lock"]
    assert statuses(box, ids) == ["delivered", "failed", "delivered"]
    told = [each["event"] for each in events(box) if each["data"].get("package_id") in ids]
    assert (told.count("delivery.completed"), told.count("delivery.failed")) == (2, 1)
    assert pictures(box, ids[0]) == ["image/jpeg", "image/png"]


def pictures(box: tuple[LanNameBox, str], package_id: str) -> list[str]:
    """What the photo and the signature are that the box shows of a delivery."""
    with box[0].client(box[1]) as api:
        proof = api.get(f"/api/packages/{package_id}").json()["proof"]
        links = [
            httpx.URL(proof[each]).raw_path.decode() for each in ("photo_url", "signature_url")
        ]
        return [api.get(link).headers["content-type"] for link in links]


def join(page: Page, link: str) -> None:
    page.goto(link)
    page.fill("#pin", PIN)
    page.fill("#again", PIN)
    page.click("#add")


def unlock(page: Page) -> None:
    page.shows("#unlock")
    page.fill("#pin", PIN)
    page.run(CLOCK)
    page.click("#unlock")
    page.shows("#state")


def leave(page: Page, box: tuple[LanNameBox, str], ids: list[str]) -> None:
    """Start the shift, load by the pharmacy's code, the box's, and a tap; start the route."""
    page.click("#start-shift")
    page.click("#to-load")
    with box[0].client(box[1]) as api:
        barcode = api.get(f"/api/packages/{ids[0]}").json()["barcode"]
    for code, loaded in ((barcode, ids[0]), (f"SRB:P:{ids[1].upper()}", ids[1])):
        page.fill("#code", code)
        page.click("#check-code")
        page.shows(f"[data-package='{loaded}']", "In the car")
    page.click(f"[data-package='{ids[2]}'] button")
    page.shows("#kept", "Everything is in the car")
    page.click("#start-route")
    page.shows("#state", "Sent")


def deliver_one_and_fail_one(page: Page, photo: Path) -> None:
    """One with a copay, a signature and a photo that is taken back and done again; one refused."""
    take(page, photo)
    page.click("#undo-it")
    page.shows("h1", "Stop 1 of 3")
    take(page, photo)
    page.shows("h1", "Stop 2 of 3")
    page.click("#to-fail")
    page.click("input[value=refused]")
    page.click("#failed")
    page.shows("h1", "Stop 3 of 3")


def take(page: Page, photo: Path) -> None:
    """Somebody signs for it, and a photo is taken."""
    page.click("#to-deliver")
    page.fill("input[name=name]", "Rosa Rodriguez")
    page.click("option[value=spouse]")
    page.draw("#sign", *NAME)
    page.fill("#photo", str(photo))
    page.shows(".shot")
    page.click("#delivered")
