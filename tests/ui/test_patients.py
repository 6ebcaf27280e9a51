"""The desk's patients: the list, its CSV file, the form, merge, split, erase with its proof."""

import csv
import html
import io
import re
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from scriptrun_box.app import _write_behind
from scriptrun_box.kernel.db import Reader, Writer
from tests.ui.conftest import PAGE, Push, Visit, Visitor
from tests.world import World, header

pytestmark = pytest.mark.anyio
PATIENT = re.compile(r'data-key="(pat_[0-9a-f]{32})"')
SIGN = "<script>alert(1)</script>"


def value(page: str, name: str) -> str:
    """What a field of a form holds."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, name
    return html.unescape(found[1])


@pytest.fixture
def arrive(app: Starlette, push: Push) -> Any:
    """arrive("PMS-1", …): an order with this number, and its patient."""

    async def send(number: str, key: Any = None, **fields: Any) -> str:
        (package_id,) = await push(
            {"external_patient_id": number, "barcode": None, **fields}, key=key
        )
        await app.state.arrivals.catch_up()
        return package_id

    return send


async def only(visitor: Visitor, query: str = "") -> str:
    """The one patient a list shows."""
    (found,) = PATIENT.findall(await visitor.see(f"/patients{query}"))
    return str(found)


async def test_an_empty_list_says_how_it_fills(visit: Visit) -> None:
    page = await (await visit("teammate")).see("/patients")
    assert "No patients yet" in page and "by themselves" in page and "0 patients" in page


async def test_patients_are_seen_by_their_pharmacy_on_their_side_and_by_nobody_else(
    visit: Visit, arrive: Any
) -> None:
    owner, stranger, driver = [await visit(who) for who in ("owner", "other_owner", "driver")]
    await arrive("PMS-1", patient_name=f"Zoë {SIGN}")
    one = await only(owner)
    live = await owner.see("/live/patients?q=zo%C3%AB")
    assert PATIENT.findall(live) == [one] and "1 patient found" in live and "<html" not in live
    page = await owner.see("/patients")
    assert "Zoë &lt;script&gt;alert(1)" in page and SIGN not in page
    assert "PMS-1" in page and "+13055551234" in page and "1 patient<" in page
    assert SIGN not in await owner.see(f"/patients/{one}")
    assert "No patients yet" in await stranger.see("/patients")
    for path in (f"/patients/{one}", f"/patients/{one}/erasure.json", "/patients/x"):
        await stranger.see(path, 404)
    for path in ("/patients", f"/patients/{one}"):
        await driver.see(path, 403)
    await owner.show_sandbox()
    assert "No sandbox patients yet" in await owner.see("/patients")
    await owner.see(f"/patients/{one}", 404)


async def test_what_is_said_is_saved_and_an_older_page_does_not_write_over_it(
    visit: Visit, arrive: Any, world: World
) -> None:
    owner, teammate = await visit("owner"), await visit("teammate")
    package_id = await arrive("PMS-1")
    one = await only(owner)
    stamp = value(await teammate.see(f"/patients/{one}"), "stamp")
    saved = await owner.send(
        f"/patients/{one}",
        stamp=stamp,
        instructions=f"Ring twice {SIGN}",
        may_receive="Jorge, son\n\n the doorman ",
        leave_at_door="yes",
        language="es",
        messages_consent="no",
        notes="",
    )
    assert saved.headers["location"] == f"/patients/{one}?done=saved"
    page = await owner.see(f"/patients/{one}?done=saved")
    assert "Saved." in page and "Jorge, son\nthe doorman</textarea>" in page
    assert "no, noted by The owner" in page and 'value="es"' in page
    assert 'name="leave_at_door" value="yes" checked' in page
    assert "Ring twice &lt;script&gt;" in page and SIGN not in page
    assert "Ring twice" in await owner.see("/patients")
    on_package = await owner.see(f"/packages/{package_id}")
    assert f'href="/patients/{one}"' in on_package
    assert "Ring twice" in on_package and "Jorge, son; the doorman" in on_package
    late = await teammate.send(f"/patients/{one}", stamp=stamp, notes="too late")
    assert late.status_code == 409
    assert "Somebody changed this patient while you were typing" in late.text
    again = await owner.send(
        f"/patients/{one}", stamp="2", messages_consent="no", instructions="Knock"
    )
    assert again.status_code == 303
    page = await owner.see(f"/patients/{one}")
    assert 'name="leave_at_door" value="yes">' in page, "a tick that is gone is taken away"


@pytest.mark.parametrize(
    ("field", "text", "words"),
    [
        ("instructions", "x" * 501, "That is too long: 500 characters at most."),
        ("language", "Spanish", "Write it as a short tag, such as es or pt-BR."),
        ("may_receive", "x\n" * 21, "Too many or too long: 20 people, 200 characters each."),
    ],
)
async def test_a_form_that_is_wrong_says_where_and_keeps_what_was_typed(
    visit: Visit, arrive: Any, field: str, text: str, words: str
) -> None:
    owner = await visit("owner")
    await arrive("PMS-1")
    one = await only(owner)
    fields = {"stamp": "1", "notes": "kept words", field: text}
    answer = await owner.send(f"/patients/{one}", **fields)
    assert answer.status_code == 400
    assert words in answer.text and "kept words</textarea>" in answer.text
    assert "kept words" not in await owner.see(f"/patients/{one}")


async def test_who_looks_alike_is_offered_merged_by_hand_and_split_again(
    visit: Visit, arrive: Any
) -> None:
    teammate = await visit("teammate")
    same = {"patient_name": "Twin Name"}
    for number in ("ALPHA", "BRAVO"):
        await arrive(number, **same, rx_number=f"RX-{number}")
    far = {"patient_phone": "+13055550000", "patient_address": "9 Far Rd, Miami, FL 33101"}
    await arrive("CHARLIE", **same, **far, rx_number="RX-3")
    one = await only(teammate, "?q=ALPHA")
    other = await only(teammate, "?q=BRAVO")
    page = await teammate.see(f"/patients/{one}")
    assert "May be the same person" in page and other in page
    assert "CHARLIE" not in page, "the name alone is not enough"
    merged = await teammate.send(f"/patients/{one}/merge", stamp="1", patient_id=other)
    assert merged.headers["location"] == f"/patients/{one}?done=merged"
    page = await teammate.see(f"/patients/{one}?done=merged")
    assert "ALPHA, BRAVO" in page and "May be the same person" not in page
    assert page.count('class="row-link"') == 2, "the packages of both"
    led = await teammate.http.get(f"/patients/{other}", headers=PAGE)
    assert led.headers["location"] == f"/patients/{one}"
    typed = await teammate.send(f"/patients/{one}/merge", stamp="2", number=" CHARLIE ")
    assert typed.status_code == 303
    for fields, words in (
        ({"number": "ZULU"}, "No patient has this number."),
        ({"patient_id": "pat_" + "0" * 32}, "No patient has this number."),
        ({"patient_id": one}, "That is not another patient of the same pharmacy."),
    ):
        refused = await teammate.send(f"/patients/{one}/merge", stamp="3", **fields)
        assert refused.status_code == 400 and words in refused.text
    stale = await teammate.send(f"/patients/{one}/split", stamp="1", number="BRAVO")
    assert stale.status_code == 409
    split = await teammate.send(f"/patients/{one}/split", stamp="3", number="BRAVO")
    assert split.headers["location"] == f"/patients/{other}?done=split"
    assert len(PATIENT.findall(await teammate.see("/patients"))) == 2


async def test_an_owner_erases_with_a_tick_and_gets_a_certificate(
    visit: Visit, arrive: Any, app: Starlette, client: httpx.AsyncClient, world: World
) -> None:
    owner, teammate = await visit("owner"), await visit("teammate")
    package_id = await arrive("PMS-1", patient_name="Ottokar Xylander")
    one = await only(owner)
    assert "Erase this patient" not in await teammate.see(f"/patients/{one}")
    path = f"/patients/{one}/erase"
    assert (await teammate.send(path, stamp="1", sure="yes")).status_code == 403
    open_still = await owner.send(path, stamp="1", sure="yes")
    assert open_still.status_code == 409
    assert "Packages of this patient that are not over: 1." in open_still.text
    await client.post(f"/api/packages/{package_id}/cancel", headers=header(world.live))
    unsure = await owner.send(path, stamp="1")
    assert unsure.status_code == 400 and "Tick that you mean it" in unsure.text
    done = await owner.send(path, stamp="1", sure="yes")
    assert done.headers["location"] == f"/patients/{one}?done=erased"
    page = await owner.see(f"/patients/{one}?done=erased")
    assert "Certificate of erasure" in page and "The owner" in page
    await app.state.erasing.tick()
    proof = (await owner.http.get(f"/patients/{one}/erasure.json")).json()
    assert proof["erased_by"] == f"user:{world.owner.id}" and proof["packages"] == 1
    assert len(proof["digest"]) == 64 and proof["finished_at"] is not None
    listed = (await owner.http.get("/patients/erased.csv")).text
    assert next(iter(csv.DictReader(io.StringIO(listed.removeprefix("\ufeff"))))) == {
        name: str(known).lower() if isinstance(known, bool) else str(known)
        for name, known in proof.items()
    }
    for text in (
        page,
        listed,
        str(proof),
        await owner.see("/patients"),
        await owner.see("/packages"),
    ):
        assert "Ottokar" not in text and "Xylander" not in text
    assert "Erased on request" in await owner.see(f"/packages/{package_id}")
    assert "was erased on request" in await owner.see(f"/packages/{package_id}")


async def test_the_file_holds_what_was_searched_and_nothing_a_spreadsheet_would_run(
    visit: Visit, arrive: Any
) -> None:
    owner = await visit("owner")
    await arrive("PMS-1", patient_name="=HYPERLINK(1)")
    await arrive("PMS-2", patient_name="Ána, with a comma")
    answer = await owner.http.get("/patients.csv", headers=PAGE)
    assert answer.headers["content-type"].startswith("text/csv")
    assert 'filename="patients-' in answer.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert [row["name"] for row in rows] == ["Ána, with a comma", "'=HYPERLINK(1)"]
    assert rows[0]["external_patient_ids"] == "PMS-2" and rows[0]["leave_at_door"] == "false"
    found = await owner.http.get("/patients.csv?q=ana", headers=PAGE)
    assert found.text.count("\r\n") == 2


async def test_ten_thousand_patients_are_a_page_at_a_time(
    visit: Visit, world: World, app: Starlette
) -> None:
    owner = await visit("owner")
    await world.db.write(many, world.pharmacy.tenant.id, 10_000)
    page = await owner.see("/patients")
    assert "10,000 patients" in page and len(PATIENT.findall(page)) == 50
    older = re.search(r'rel="next" href="([^"]+)"', page)
    assert older
    following = await owner.see(html.unescape(older[1]))
    assert not set(PATIENT.findall(page)) & set(PATIENT.findall(following))
    answer = await owner.http.get("/patients.csv")
    assert answer.text.count("\r\n") == 10_001
    await _write_behind(app)
    assert await world.db.read(exported) == '{"count":10000}'


def many(w: Writer, tenant_id: str, count: int) -> None:
    w.run(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
        " INSERT INTO patients (seq, id, tenant_id, test, location_id, number, receivers, version,"
        " created_at, updated_at)"
        " SELECT i, printf('pat_%032x', i), ?, 0, '', 'N' || i, '[]', 1, 1, 1 FROM n",
        (count, tenant_id),
    )


def exported(r: Reader) -> str:
    return str(r.value("SELECT detail FROM audit WHERE act = 'patients.exported'"))
