"""The Packets page: asking for one, following it, downloading it; who may not."""

import asyncio
import csv
import io
import re
import zipfile

import pytest

from tests.ui.conftest import PAGE, Push, Visit, Visitor

pytestmark = pytest.mark.anyio
LINK = re.compile(r'href="(/packets/pck_[0-9a-f]+/packet\.zip)"')
SECONDS = 10.0


async def ready(visitor: Visitor) -> list[str]:
    """The addresses of the packets to download, once none is being made."""
    async with asyncio.timeout(SECONDS):
        while True:
            page = await visitor.see("/live/packets")
            if "Waiting" not in page and "Being made" not in page:
                return LINK.findall(page)
            await asyncio.sleep(0.05)


async def test_a_pharmacist_asks_on_a_packages_page_and_downloads_it(
    visit: Visit, push: Push
) -> None:
    (package_id,) = await push({"rx_number": "RX-5001"})
    visitor = await visit("pharmacist")
    assert 'value="package">Packet for an auditor' in await visitor.see(f"/packages/{package_id}")
    answer = await visitor.send("/packets", kind="package", package=package_id)
    assert (answer.status_code, answer.headers["location"]) == (303, "/packets?done=asked")
    assert "The packet is being made." in await visitor.see("/packets?done=asked")
    (link,) = await ready(visitor)
    got = await visitor.http.get(link, headers=PAGE)
    assert "attachment" in got.headers["content-disposition"]
    assert got.headers["cache-control"] == "no-store"
    with zipfile.ZipFile(io.BytesIO(got.content)) as packet:
        assert f"records/0001-{package_id}.json" in packet.namelist()


async def test_none_one_and_many_are_listed_searched_and_exported(visit: Visit, push: Push) -> None:
    visitor = await visit("other_owner")
    assert "No packet was asked for yet" in await visitor.see("/packets")
    owner = await visit("owner")
    await push({"rx_number": "RX-5002", "patient_name": "Sol Keller"})
    await owner.send("/packets", kind="rx", rx="RX-5002\n")
    await ready(owner)
    page = await owner.see("/packets?q=payer")
    assert page.count('data-key="pck_') == 1 and "Sol Keller" not in page
    assert "No packet fits" in await owner.see("/packets?q=nothing-like-it")
    rows = list(csv.DictReader(io.StringIO((await owner.see("/packets.csv")).lstrip("\ufeff"))))
    assert rows[0]["kind"] == "rx" and len(rows[0]["digest"]) == 64
    assert "RX-5002" not in await owner.see("/packets.csv")


async def test_what_is_wrong_is_said_in_a_sentence_and_what_was_typed_stays(visit: Visit) -> None:
    owner = await visit("owner")
    answer = await owner.send("/packets", kind="rx", rx="RX-<unknown>", leave_out="on")
    assert answer.status_code == 400 and "There is no such package: see line 1." in answer.text
    assert (
        "RX-&lt;unknown&gt;</textarea>" in answer.text and 'name="leave_out" checked' in answer.text
    )
    answer = await owner.send(
        "/packets", kind="dates", **{"from": "2026-04-02", "until": "2026-04-01"}
    )
    assert answer.status_code == 400 and "the earlier one first" in answer.text
    answer = await owner.send(
        "/packets", kind="dates", **{"from": "1999-01-01", "until": "1999-01-01"}
    )
    assert answer.status_code == 409 and "There is no package" in answer.text
    assert (await owner.send("/packets", kind="everything")).status_code == 400


async def test_dispatchers_and_drivers_get_no_packet_and_see_no_way_to_one(
    visit: Visit, push: Push
) -> None:
    (package_id,) = await push({})
    owner = await visit("owner")
    await owner.send("/packets", kind="package", package=package_id)
    link = (await ready(owner))[0]
    teammate = await visit("teammate")
    assert "/packets" not in await teammate.see(f"/packages/{package_id}")
    for who in ("teammate", "driver"):
        visitor = await visit(who)
        for path in ("/packets", "/packets.csv", link):
            await visitor.see(path, 403)
        answer = await visitor.send("/packets", kind="package", package=package_id)
        assert answer.status_code == 403
    stranger = await visit("other_owner")
    await stranger.see(link, 404)
    answer = await stranger.send("/packets", kind="package", package=package_id)
    assert answer.status_code == 404
