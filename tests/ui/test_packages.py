"""The list of packages: search, filters, pages, and the CSV file of the same."""

import csv
import io
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scriptrun_box.packages.store import NEEDS
from scriptrun_box.ui import spreadsheet
from scriptrun_box.ui.desk.packages import EXPORT_ROWS, NEEDS_CHOICES, ROWS
from tests.ui.conftest import PACKAGE, Push, Visit
from tests.world import World

pytestmark = pytest.mark.anyio
LATER = (date.today() + timedelta(40)).isoformat()


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


async def test_search_finds_what_the_counter_types(visit: Visit, push: Push) -> None:
    await push(
        {"patient_name": "José Peña", "rx_number": "RX-1001", "patient_phone": "+13055550101"},
        {"patient_name": "Aoife O'Brien", "rx_number": "RX-1002", "barcode": "PKG-77"},
    )
    owner = await visit("owner")
    for typed in ("pena jo", "PEÑA", "1001", "5550101"):
        page = await owner.see(f"/packages?q={typed}")
        assert "José Peña" in page and "Brien" not in page, typed
    for typed in ("obrien", "o'b", "pkg-77"):
        page = await owner.see(f"/packages?q={typed}")
        assert "Brien" in page and "José" not in page, typed
    page = await owner.see("/packages?q=nobody")
    assert "No package fits" in page and 'href="/packages">show all' in page


@pytest.mark.parametrize("nonsense", ['"', "*", "a AND", "-", "(", "%00", "' OR 1=1", "NEAR("])
async def test_nothing_typed_in_the_search_can_break_it(
    visit: Visit, push: Push, nonsense: str
) -> None:
    await push({})
    await (await visit("owner")).see(f"/packages?q={nonsense}")


async def test_every_filter_narrows_the_list(visit: Visit, push: Push) -> None:
    await push(
        {"patient_name": "Plain One", "requires_signature": False, "copay_amount": 0},
        {
            "patient_name": "Full One",
            "priority": "stat",
            "cold_chain": True,
            "controlled_substance": True,
            "dea_schedule": "II",
            "delivery_date": LATER,
            "patient_address": "Biscayne",
        },
    )  # fmt: skip
    owner = await visit("owner")
    for query in (
        "needs=stat", "needs=signature", "needs=controlled", "needs=cold", "needs=copay",
        "needs=address", f"date={LATER}",
    ):  # fmt: skip
        page = await owner.see(f"/packages?{query}")
        assert "Full One" in page and "Plain One" not in page, query
    for query in ("needs=urgent", "needs=duplicate", "status=delivered", "source=csv"):
        assert "No package fits" in await owner.see(f"/packages?{query}"), query
    for query in ("status=open", "status=created", "source=api", "status=junk", "date=junk"):
        assert len(PACKAGE.findall(await owner.see(f"/packages?{query}"))) == 2, query


def test_every_need_on_the_screen_has_its_condition() -> None:
    assert {value for value in NEEDS_CHOICES if value} == set(NEEDS)


async def test_pages_follow_each_other_without_gap_or_repeat(visit: Visit, push: Push) -> None:
    made = []
    for batch in range(2):
        made += await push(*({"patient_name": f"N {batch} {one}"} for one in range(60)))
    owner = await visit("owner")
    seen, path = [], "/packages?status=created"
    while path:
        page = await owner.see(path)
        found = PACKAGE.findall(page)
        assert len(found) <= ROWS
        seen += found
        older = page.partition('rel="next" href="')[2].partition('"')[0]
        path = older.replace("&amp;", "&")
    assert seen == made[::-1]
    assert "120 packages fit" in page


async def test_the_csv_holds_every_row_of_the_filter_in_order(visit: Visit, push: Push) -> None:
    made = []
    for batch in range(5):
        made += await push(*({"patient_name": f"N {batch} {one}"} for one in range(100)))
    assert len(made) > 2 * EXPORT_ROWS
    await push({"patient_name": "Other", "priority": "stat"})
    owner = await visit("owner")
    answer = await owner.http.get("/packages.csv?q=N")
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.headers["content-disposition"].startswith('attachment; filename="packages-')
    assert answer.text.startswith("\ufeffid,status,patient_name")
    rows = rows_of(answer.text)
    assert [row["id"] for row in rows] == made[::-1]
    assert rows[0]["copay_amount"] == "12.50"
    assert rows[0]["patient_phone"] == "'+13055551234"


async def test_the_csv_of_nothing_is_its_head(visit: Visit) -> None:
    text = await (await visit("owner")).see("/packages.csv?q=nobody")
    assert text.count("\r\n") == 1


async def test_the_csv_is_one_row_of_the_audit(
    visit: Visit, push: Push, app: Any, world: World
) -> None:
    await push({}, {"patient_name": "B. Jones"})
    await (await visit("owner")).see("/packages.csv")
    (look,) = [entry for entry in app.state.box.looks.take() if entry.act == "packages.exported"]
    assert look.actor == f"user:{world.owner.id}"
    assert look.detail == '{"count":2}'


async def test_dangerous_cells_come_out_as_text(visit: Visit, push: Push) -> None:
    await push(
        {
            "patient_name": '=HYPERLINK("http://evil.example","x")',
            "notes": "@SUM(1+1)",
            "rx_number": "-1+2",
            "patient_address": 'a "quoted" street, Miami, FL 33101',
            "medications": ["+cmd", "Aspirin"],
        }
    )
    (row,) = rows_of(await (await visit("owner")).see("/packages.csv"))
    assert row["patient_name"] == '\'=HYPERLINK("http://evil.example","x")'
    assert row["notes"] == "'@SUM(1+1)"
    assert row["rx_number"] == "'-1+2"
    assert row["patient_address"] == 'a "quoted" street, Miami, FL 33101'
    assert row["medications"] == "'+cmd; Aspirin"


@given(st.text())
def test_no_text_starts_a_formula(text: str) -> None:
    made = spreadsheet.cell(text)
    assert not made.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert made.removeprefix("'") == text.removeprefix("'")
