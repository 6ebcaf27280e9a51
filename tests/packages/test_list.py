"""GET /api/packages: its order, its pages, its filters, and what it does not take."""

import base64
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scriptrun_box.accounts.actions import NewKey
from scriptrun_box.kernel import clock
from tests.pushing import found, get, post, push, walk
from tests.world import World

pytestmark = pytest.mark.anyio
TODAY = clock.local_date(clock.now_ms(), "America/New_York")
TOMORROW = clock.local_date(clock.now_ms() + clock.DAY_MS, "America/New_York")


@pytest.fixture
async def key(world: World) -> NewKey:
    """The sandbox key of our pharmacy."""
    return world.sandbox


async def pages(
    client: httpx.AsyncClient, key: NewKey, limit: int, **query: Any
) -> list[list[str]]:
    """The ids of every page."""
    made, cursor = [], {}
    while True:
        answer = (await get(client, key, "packages", limit=limit, **query, **cursor)).json()
        assert set(answer) == {"data", "next_cursor"}
        made.append([each["id"] for each in answer["data"]])
        if answer["next_cursor"] is None:
            return made
        cursor = {"cursor": answer["next_cursor"]}


async def test_pages_are_newest_first_and_hold_everything_once(
    client: httpx.AsyncClient, world: World, key: NewKey
) -> None:
    ids = await push(client, key, *({"rx_number": f"page-{n}"} for n in range(7)))
    shown = await pages(client, key, 3, q="page")
    assert [len(page) for page in shown] == [3, 3, 1]
    assert [each for page in shown for each in page] == ids[::-1]
    assert await pages(client, key, 7, q="page") == [ids[::-1]]  # no empty page at the end
    assert (await pages(client, key, 2, rx_number="page-0"))[0] == ids[:1]


async def test_without_a_limit_a_page_has_fifty(
    client: httpx.AsyncClient, world: World, key: NewKey
) -> None:
    await push(client, key, *({"rx_number": f"fifty-{n}"} for n in range(60)))
    assert len(await found(client, key, q="fifty")) == 50
    assert len(await found(client, key, q="fifty", limit=200)) == 60


async def test_what_comes_in_meanwhile_moves_no_page(
    client: httpx.AsyncClient, world: World, key: NewKey
) -> None:
    ids = await push(client, key, *({"rx_number": f"stable-{n}"} for n in range(6)))
    first = (await get(client, key, "packages", limit=2, q="stable")).json()
    await push(client, key, *({"rx_number": f"stable-new-{n}"} for n in range(5)))
    cursor, seen = first["next_cursor"], [each["id"] for each in first["data"]]
    while cursor:
        page = (await get(client, key, "packages", limit=2, q="stable", cursor=cursor)).json()
        seen += [each["id"] for each in page["data"]]
        cursor = page["next_cursor"]
    assert seen == ids[::-1]


async def test_updated_since_lists_changes_oldest_first_and_a_change_moves_to_the_end(
    client: httpx.AsyncClient, world: World, key: NewKey
) -> None:
    since = clock.iso(clock.now_ms() - 1_000)
    ids = await push(client, key, *({"rx_number": f"since-{n}"} for n in range(4)))
    query = {"updated_since": since, "q": "since"}
    assert await found(client, key, **query) == ids
    first = (await get(client, key, "packages", limit=3, **query)).json()
    await post(client, key, f"packages/{ids[0]}/cancel")
    rest = await found(client, key, **query, limit=3, cursor=first["next_cursor"])
    assert rest == [ids[3], ids[0]]  # the changed one is told again, nothing is left out
    assert await found(client, key, **query) == [*ids[1:], ids[0]]
    later = clock.iso(clock.now_ms() + 60_000)
    assert await found(client, key, updated_since=later) == []


@pytest.mark.parametrize(
    "since",
    ["2026-04-20", "2026-04-20T10:00:00", "2026-04-20T10:00:00Z", "2026-04-20T10:00:00.5-04:00"],
)
async def test_updated_since_takes_iso_8601(
    client: httpx.AsyncClient, world: World, key: NewKey, since: str
) -> None:
    assert (await get(client, key, "packages", updated_since=since)).status_code == 200


async def test_each_filter_narrows_to_what_it_names(
    client: httpx.AsyncClient, world: World, key: NewKey
) -> None:
    name = {"patient_name": "Filtered One"}
    one, two, three = await push(
        client,
        key,
        {**name, "rx_number": "F-1", "barcode": "f-b-1", "external_patient_id": "f-p-1"},
        {**name, "rx_number": "F-2", "barcode": "f-b-2", "external_patient_id": "f-p-1"},
        {**name, "rx_number": "F-3", "barcode": "f-b-3", "delivery_date": TOMORROW},
    )
    await walk(client, key, two, "assign")
    await walk(client, key, three, "cancel")
    driver = (await get(client, key, f"packages/{two}")).json()["driver_id"]
    for query, expected in [
        ({"status": "created"}, [one]),
        ({"status": "assigned,cancelled"}, [three, two]),
        ({"delivery_date": TOMORROW}, [three]),
        ({"delivery_date": TODAY}, [two, one]),
        ({"external_patient_id": "f-p-1"}, [two, one]),
        ({"external_patient_id": "f-p-1", "status": "created"}, [one]),
        ({"rx_number": "F-2"}, [two]),
        ({"rx_number": "f-2"}, []),
        ({"barcode": "f-b-3"}, [three]),
        ({"driver_id": driver}, [two]),
        ({"driver_id": "drv_nobody"}, []),
        ({"pharmacy_id": world.pharmacy.location.id}, [three, two, one]),
        ({"pharmacy_id": world.pharmacy.location.id.upper()}, [three, two, one]),
        ({"pharmacy_id": world.elsewhere.location.id}, []),
        ({"rx_number": ""}, []),
    ]:
        assert await found(client, key, **query, q="filtered") == expected, query


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=201",
        "limit=-1",
        "limit=ten",
        "limit=1.0",
        "limit=+5",
        "limit=٣",
        "limit=",
        "limit=1000000000000000000000",
        "cursor=x",
        "cursor=%F0%9F%92%8A",
        "cursor=é",
        "cursor=====",
        "cursor=MTIz.",
        "cursor=MS4y",  # a place of the other kind of list
        "cursor=OTk5OTk5OTk5OTk5OTk5OTk5OTk5",
        "cursor=LTE",
        "updated_since=yesterday",
        "updated_since=",
        "updated_since=2026-13-01",
        "updated_since=99999-01-01T00:00:00Z",
        "updated_since=2026-04-20T10:00:00Z&cursor=MQ",
        "delivery_date=today",
        "delivery_date=2026-02-30",
        "delivery_date=20260420",
        "delivery_date=%D9%A2%D9%A0%D9%A2%D9%A6-%D9%A0%D9%A4-%D9%A2%D9%A0",
        "delivery_date=",
        "status=lost",
        "status=created,lost",
        "pharmacy_id=main",
        "pharmacy_id=%00",
    ],
)
async def test_what_cannot_be_meant_is_a_400(
    client: httpx.AsyncClient, world: World, key: NewKey, query: str
) -> None:
    answer = await client.get(f"/api/packages?{query}", headers={"X-API-Key": key.secret})
    assert answer.status_code == 400, answer.text
    shape = answer.json()
    assert shape["code"] == "validation_failed"
    (detail,) = shape["details"]
    assert detail["field"] in query
    assert set(detail) == {"field", "code", "message"}


@given(
    number=st.integers(0, 10**25),
    junk=st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
)
async def test_a_made_up_cursor_is_a_page_or_a_400(
    client: httpx.AsyncClient, world: World, number: int, junk: str
) -> None:
    for text in (junk, base64.urlsafe_b64encode(str(number).encode()).decode()):
        answer = await get(client, world.sandbox, "packages", cursor=text)
        assert answer.status_code in (200, 400)


async def test_a_list_shows_whole_packages(
    client: httpx.AsyncClient, world: World, key: NewKey
) -> None:
    (package_id,) = await push(client, key, {"rx_number": "whole"})
    await walk(client, key, package_id, "assign", "start", "deliver")
    (listed,) = (await get(client, key, "packages", rx_number="whole")).json()["data"]
    alone = (await get(client, key, f"packages/{package_id}")).json()
    assert listed["proof"]["photo_url"]
    for links in (listed, alone):
        links["proof"] = {**links["proof"], "photo_url": "", "signature_url": ""}
    assert listed == alone


async def test_live_and_sandbox_and_other_tenants_see_their_own(
    client: httpx.AsyncClient, world: World
) -> None:
    everybody = [world.live, world.sandbox, world.stranger, world.stranger_sandbox]
    ids = {each.secret: await push(client, each, {"rx_number": "apart"}) for each in everybody}
    for each in everybody:
        assert await found(client, each, rx_number="apart") == ids[each.secret]
        assert await found(client, each, q="apart") == ids[each.secret]
        assert await found(client, each, updated_since="2020-01-01", q="apart") == ids[each.secret]
