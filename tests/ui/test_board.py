"""The board without scripts: columns, filters, moving many, undo, notes, lateness, the CSV file."""

import html
import itertools
import re
from contextlib import suppress
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scriptrun_box.drivers import notes
from scriptrun_box.kernel import clock
from scriptrun_box.kernel.errors import Conflict
from scriptrun_box.kernel.scope import CLI
from scriptrun_box.packages import actions
from scriptrun_box.routes import actions as routes
from scriptrun_box.ui.board import queries
from scriptrun_box.ui.board.model import Choice, Stop, column_of, lateness
from tests.ui.conftest import Push, Visit, Visitor
from tests.world import World, header

pytestmark = pytest.mark.anyio
CARD = re.compile(r'data-key="([0-9a-f]{32})" data-column="([^"]*)"')
VALUE = re.compile(r'name="package" value="([^"]+)"')
UNDO = re.compile(r'name="undo" value="(\d+)"')
NUMBERS = itertools.count(100)
NEW_YORK = ZoneInfo("America/New_York")


async def hire(client: httpx.AsyncClient, key: Any, name: str, **more: Any) -> str:
    answer = await client.post("/api/drivers", json={"name": name, **more}, headers=header(key))
    return str(answer.json()["id"])


async def columns(visitor: Visitor, query: str = "") -> dict[str, str]:
    """{package: its column} as the board shows it."""
    return dict(CARD.findall(await visitor.see(f"/board{query}")))


async def move(visitor: Visitor, to: str, *ids: str, page: str = "") -> httpx.Response:
    """Tick cards of the page one has and move them."""
    page = page or await visitor.see("/board")
    values = [each for each in VALUE.findall(page) if each.partition(":")[0] in ids]
    token = re.search(r'name="csrf" value="([^"]+)"', page)
    assert token
    fields = {"csrf": token[1], "to": to, "package": values, "next": "/board"}
    return await visitor.http.post("/board/move", data=fields, headers={"Accept": "text/html"})


async def test_packages_stand_where_somebody_has_to_look_for_them(
    visit: Visit, push: Push, client: httpx.AsyncClient, world: World
) -> None:
    ana = await hire(client, world.live, "Ana Núñez", capacity=1)
    mine, over, plain, out, failed = await push(*({"barcode": f"b{n}"} for n in range(5)))
    _, twice = await push({"rx_number": "RX-2"}, {"rx_number": "RX-2"})
    (odd,) = await push({"patient_address": "Pier 4", "barcode": "odd"})
    for package_id in (mine, over, out, failed):
        body = {"driver_id": ana}
        await client.post(
            f"/api/packages/{package_id}/assign", json=body, headers=header(world.live)
        )
    for package_id in (out, failed):
        await world.db.write(actions.move_on, world.scope, CLI, package_id, "start")
    await world.db.write(actions.move_on, world.scope, CLI, failed, "fail", failure_reason="no_id")
    owner = await visit("owner")
    shown = await columns(owner)
    assert [shown[each] for each in (mine, over, plain, out)] == [ana, ana, "assign", "out"]
    assert [shown[each] for each in (failed, twice, odd)] == ["decide"] * 3
    page = html.unescape(await owner.see("/board"))
    assert "2 assigned, 1 out, room for 1: more than goes in" in page
    assert all(word in page for word in ("no ID", "Possible duplicate", "Check address"))
    assert await columns(await visit("other_owner")) == {}


async def test_many_are_moved_by_a_form_and_moved_back(
    visit: Visit, push: Push, client: httpx.AsyncClient, world: World
) -> None:
    ana = await hire(client, world.live, "Ana Núñez")
    ids = await push(*({"barcode": f"m{n}"} for n in range(3)))
    owner = await visit("owner")
    moved = await move(owner, ana, *ids)
    assert moved.status_code == 303
    assert await columns(owner) == dict.fromkeys(ids, ana)
    page = await owner.see(moved.headers["location"])
    number = UNDO.search(page)
    assert number and "Done." in page
    back = await owner.send("/board/undo", undo=number[1], next="/board")
    assert back.status_code == 303
    assert await columns(owner) == dict.fromkeys(ids, "assign")
    gone = await move(owner, "cancel:picked_up", ids[0])
    assert gone.status_code == 303 and ids[0] not in await columns(owner)
    restored = UNDO.search(await owner.see(gone.headers["location"]))
    assert restored
    await owner.send("/board/undo", undo=restored[1], next="/board")
    assert ids[0] in await columns(owner)


async def test_what_cannot_be_moved_is_named_with_the_reason_and_the_rest_is_moved(
    visit: Visit, push: Push, client: httpx.AsyncClient, world: World
) -> None:
    ana = await hire(client, world.live, "Ana Núñez")
    cold, plain = await push(
        {"patient_name": "Cold Package", "cold_chain": True, "barcode": "c"}, {"barcode": "p"}
    )
    owner = await visit("owner")
    answer = await move(owner, ana, cold, plain)
    assert answer.status_code == 409
    assert "1 package stays as it was." in answer.text
    assert "Cold Package: This driver may not carry cold packages." in answer.text
    assert UNDO.search(answer.text), "what was moved can be undone"
    assert await columns(owner) == {cold: "assign", plain: ana}
    for to, ids in (("", [plain]), ("cancel:rain", [plain]), (ana, [])):
        assert (await move(owner, to, *ids)).status_code == 400
    nobody = await move(owner, "drv_" + "0" * 32, plain)
    assert nobody.status_code == 409 and "There is no such driver." in nobody.text


async def test_of_two_who_saw_the_same_the_slower_hears_who_was_faster(
    visit: Visit, push: Push, client: httpx.AsyncClient, world: World
) -> None:
    ana, bo = [await hire(client, world.live, name) for name in ("Ana Núñez", "Bo Li")]
    (package_id,) = await push({})
    owner, teammate = await visit("owner"), await visit("teammate")
    seen = await teammate.see("/board")
    assert (await move(owner, ana, package_id)).status_code == 303
    late = await move(teammate, bo, package_id, page=seen)
    assert late.status_code == 409
    sentence = f"{world.owner.name} was faster: the package is assigned to Ana Núñez."
    assert sentence in html.unescape(late.text)
    assert await columns(owner) == {package_id: ana}


async def test_a_failed_package_goes_back_and_what_is_out_is_recalled(
    visit: Visit, push: Push, client: httpx.AsyncClient, world: World
) -> None:
    ana = await hire(client, world.live, "Ana Núñez")
    again, kept, out = await push(*({"barcode": f"f{n}"} for n in range(3)))
    owner = await visit("owner")
    await move(owner, ana, again, kept, out)
    for package_id in (again, kept, out):
        await world.db.write(actions.move_on, world.scope, CLI, package_id, "start")
    for package_id in (again, kept):
        await world.db.write(actions.move_on, world.scope, CLI, package_id, "fail")
    refused = await move(owner, ana, again)
    assert refused.status_code == 409 and "First put it to assign" in refused.text
    assert (await move(owner, "assign", again)).status_code == 303
    assert (await move(owner, "return", kept)).status_code == 303
    assert (await move(owner, "assign", out)).status_code == 409, "it is not recalled"
    assert (await move(owner, "recall:picked_up", out)).status_code == 303
    assert await columns(owner) == {again: "assign", out: "out"}
    assert "Recalled" in await owner.see("/board")
    assert (await move(owner, "assign", out)).status_code == 303
    assert await columns(owner) == {again: "assign", out: "assign"}


async def test_the_board_is_narrowed_by_day_search_and_location(
    visit: Visit, push: Push, world: World
) -> None:
    today = clock.local_date(clock.now_ms(), "America/New_York")
    later = clock.local_date(clock.now_ms() + 3 * clock.DAY_MS, "America/New_York")
    past = clock.local_date(clock.now_ms() - 3 * clock.DAY_MS, "America/New_York")
    now, then, old = await push(
        {"patient_name": "Nora Now", "delivery_date": today},
        {"patient_name": "Theo Then", "delivery_date": later},
        {"patient_name": "Olga Old", "delivery_date": past},
    )
    owner = await visit("owner")
    assert await columns(owner) == {now: "assign", old: "assign"}
    assert "overdue" in await owner.see("/board")
    assert await columns(owner, f"?date={later}") == {then: "assign"}
    assert await columns(owner, "?q=nora") == {now: "assign"}
    place = world.pharmacy.location.id
    assert await columns(owner, f"?location={place}") == {now: "assign", old: "assign"}
    assert await columns(owner, "?location=" + "0" * 36) == {}
    assert len(await columns(owner, "?date=nonsense&location=x")) == 2
    file = await owner.http.get("/board.csv?q=nora")
    assert file.headers["content-type"].startswith("text/csv")
    assert "Nora Now" in file.text and "Olga Old" not in file.text


async def test_scripts_get_only_the_cards_they_ask_for(visit: Visit, push: Push) -> None:
    one, two = await push({"barcode": "1"}, {"barcode": "2", "patient_name": "Other"})
    owner = await visit("owner")
    part = await owner.see(f"/live/board?ids={one},{'0' * 32},nonsense")
    assert CARD.findall(part) == [(one, "assign")]
    assert f'data-gone="{"0" * 32}"' in part
    assert f'data-gone="{one}"' in await owner.see(f"/live/board?q=other&ids={one}")
    whole = await owner.see("/live/board")
    assert {found[0] for found in CARD.findall(whole)} == {one, two}


async def test_a_drivers_note_stands_on_top_until_somebody_has_read_it(
    visit: Visit, push: Push, client: httpx.AsyncClient, world: World
) -> None:
    ana = await hire(client, world.live, "Ana Núñez")
    (package_id,) = await push({})
    words = "Nobody opens, <b>leave it</b>?"
    note = await world.db.write(notes.send, world.scope, CLI, ana, package_id, words)
    owner = await visit("owner")
    page = await owner.see("/board")
    assert html.escape(words) in page and 'data-count="/board">1<' in page
    assert html.escape(words) in await owner.see(f"/packages/{package_id}")
    read = await owner.send(f"/notes/{note.id}/read", next="/board")
    assert read.headers["location"] == "/board"
    assert html.escape(words) not in await owner.see("/board")
    assert (await owner.send("/notes/note_x/read")).status_code == 404


DAY = "2026-03-09"


def at(time: str) -> int:
    return clock.moment(DAY, time, NEW_YORK.key)


@pytest.mark.parametrize(
    ("status", "by", "arrives", "now", "said"),
    [
        ("created", "12:00", None, "10:00", None),
        ("created", "12:00", None, "11:01", ("warn", "due in 59 min")),
        ("assigned", "12:00", None, "12:01", ("bad", "late, was due 12:00")),
        ("assigned", "12:00", "12:20", "09:00", ("bad", "will be late: 12:20, due 12:00")),
        ("assigned", "12:00", "11:50", "09:00", None),
        ("out_for_delivery", "12:00", "11:50", "11:30", None),
        ("out_for_delivery", "12:00", "12:05", "11:30", ("bad", "will be late: 12:05, due 12:00")),
        ("created", None, None, "23:59", None),
        ("failed", "12:00", None, "13:00", None),
    ],
)
async def test_lateness_is_said_before_it_happens(
    push: Push, world: World, status: str, by: str | None, arrives: str | None, now: str, said: Any
) -> None:
    (package_id,) = await push({"deliver_by": by, "delivery_date": DAY})
    package = await world.db.write(actions.find, world.scope, package_id)
    stop = Stop(1, at(arrives)) if arrives else None
    object.__setattr__(package, "status", status)
    assert lateness(package, stop, at(now), DAY, NEW_YORK) == said
    assert lateness(package, stop, at(now), "2026-03-10", NEW_YORK) == ("bad", "overdue")
    assert column_of(package)[0] in ("assign", "out", "decide")


async def test_a_stat_package_joins_a_driver_on_the_way_and_what_may_not_leave_stays(
    visit: Visit, push: Push, client: httpx.AsyncClient, world: World
) -> None:
    ana = await hire(client, world.live, "Ana Núñez", capabilities=["cold_chain"])
    first, stat, cold = await push(
        {"barcode": "r1"},
        {"barcode": "r2", "priority": "stat"},
        {"barcode": "r3", "cold_chain": True, "patient_name": "Cold Package"},
    )
    wish = {"driver_id": ana, "package_ids": [first]}
    sheet = await world.db.write(routes.create, world.scope, CLI, wish)
    owner = await visit("owner")
    page = await owner.see("/board")
    assert "Route planned" in page and f'value="route:{sheet.route.id}"' in page
    await world.db.write(routes.start, world.scope, CLI, sheet.route.id)
    answer = await move(owner, f"route:{sheet.route.id}", stat, cold)
    assert answer.status_code == 409
    assert "Cold Package: The cold package is not packed in its bag yet." in answer.text
    shown = await columns(owner)
    assert (shown[first], shown[stat], shown[cold]) == ("out", "out", "assign")
    assert "Route under way" in await owner.see("/board")
    gone = await move(owner, "route:rte_" + "0" * 32, cold)
    assert gone.status_code == 409 and "There is no such route." in gone.text


async def test_of_more_than_fit_what_is_to_decide_is_shown_first(
    visit: Visit, push: Push, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "LISTED", 2)
    stat, odd, _, twice = await push(
        {"priority": "stat", "barcode": "s"},
        {"patient_address": "Pier 4", "barcode": "o"},
        {"rx_number": "RX-2"},
        {"rx_number": "RX-2"},
    )
    owner = await visit("owner")
    assert await columns(owner) == {odd: "decide", twice: "decide"}
    assert "4 open packages, 2 shown" in await owner.see("/board")
    assert await columns(owner, "?q=s") == {stat: "assign"}


ACTS = st.sampled_from(["assign", "unassign", "cancel", "restore", "start", "fail", "redeliver"])


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=st.lists(st.tuples(st.integers(0, 3), ACTS), max_size=12))
async def test_card_by_card_a_screen_comes_to_the_same_as_the_whole_board(
    world: World, push: Push, acts: list[tuple[int, str]]
) -> None:
    number = next(NUMBERS)
    ids = await push(*({"barcode": f"{number}-{n}", "patient_name": f"N {n}"} for n in range(4)))
    scope, choice = world.scope, Choice("", q=f"{number}-")
    shown: dict[str, tuple[str, str]] = {}

    async def look(asked: list[str]) -> None:
        found = await world.db.read(queries.cards, scope, choice, asked, clock.now_ms())
        for package_id in asked:
            shown.pop(package_id, None)
        shown.update({card.package.id: (card.column, card.seen) for card in found})

    await look(ids)
    assert len(shown) == 4
    for which, act in acts:
        with suppress(Conflict):
            more = {"assign": {"driver_id": "drv_1"}, "unassign": {"driver_id": None}}.get(act, {})
            await world.db.write(actions.move_on, scope, CLI, ids[which], act, **more)
        await look([ids[which]])
    board = await world.db.read(queries.board, scope, choice, clock.now_ms())
    whole = {
        card.package.id: (column.key, card.seen)
        for column in board.columns
        for card in column.cards
    }
    assert shown == whole
    assert set(whole) <= set(ids)
