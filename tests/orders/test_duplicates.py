"""A possible duplicate: which order is one of which package, and what becomes of it."""

from typing import Any

import httpx
import pytest

from scriptrun_box.accounts.actions import NewKey
from scriptrun_box.kernel import clock
from tests.world import World, header, orders

pytestmark = pytest.mark.anyio
URL = "/api/webhook/orders"
NEXT_WEEK = clock.local_date(clock.now_ms() + 7 * clock.DAY_MS, "America/New_York")
ONE = {"patient_name": "José Núñez", "rx_number": "RX-1"}


async def push(
    client: httpx.AsyncClient, key: NewKey, *changes: dict[str, Any]
) -> tuple[list[str], dict[int, str]]:
    """(ids, {index: id of the package it may be a duplicate of})."""
    answer = await client.post(URL, json=orders(*changes), headers=header(key))
    assert answer.status_code == 200, answer.text
    shape = answer.json()
    assert shape["created"] == len(changes)
    warnings = [each for each in shape["warnings"] if each["code"] == "possible_duplicate"]
    assert all(
        set(each) == {"index", "field", "code", "message", "package_id"} for each in warnings
    )
    return shape["package_ids"], {each["index"]: each["package_id"] for each in warnings}


async def walk(client: httpx.AsyncClient, key: NewKey, package_id: str, *steps: str) -> None:
    for step in steps:
        kind = "/api/packages/{}/cancel" if step == "cancel" else "/api/test/packages/{}/" + step
        answer = await client.post(kind.format(package_id), headers=header(key))
        assert answer.status_code == 200, answer.text


Pair = tuple[str, dict[str, Any], dict[str, Any]]
SAME: list[Pair] = [
    ("the same order", {}, {}),
    ("another spelling of the name", {}, {"patient_name": "jose  NUNEZ"}),
    ("another address, the same Rx", {}, {"patient_address": "9 Elm St, Miami, FL 33101"}),
    ("another copay, the same Rx", {}, {"copay_amount": 99}),
    ("one has a barcode, the other none", {"barcode": "111"}, {}),
    ("the same barcode", {"barcode": "111"}, {"barcode": "111"}),
    ("no Rx, every field the same", {"rx_number": None}, {"rx_number": None}),
]
DIFFERENT: list[Pair] = [
    ("another Rx", {}, {"rx_number": "RX-2"}),
    ("an Rx on one of them only", {}, {"rx_number": None}),
    ("another name", {}, {"patient_name": "José Muñoz"}),
    ("another day", {}, {"delivery_date": NEXT_WEEK}),
    ("other barcodes", {"barcode": "111"}, {"barcode": "222"}),
    ("no Rx, another note", {"rx_number": None}, {"rx_number": None, "notes": "Ring twice"}),
    ("no Rx, another copay", {"rx_number": None}, {"rx_number": None, "copay_amount": 99}),
]


def told(pair: Pair) -> str:
    return pair[0].replace(" ", "_")


def two(pair: Pair, together: bool) -> list[dict[str, Any]]:
    """The pair's two orders, with a family name of each case's own: the cases do not meet."""
    family = "".join(sign for sign in pair[0] if sign.isalpha()) + str(together)
    made = [{**ONE, **changes} for changes in pair[1:]]
    return [{**order, "patient_name": f"{order['patient_name']} {family}"} for order in made]


@pytest.mark.parametrize("together", [True, False], ids=["in one batch", "one after the other"])
@pytest.mark.parametrize("pair", SAME, ids=told)
async def test_what_may_be_the_same_order_is_stored_with_a_warning(
    client: httpx.AsyncClient,
    world: World,
    together: bool,
    pair: Pair,
) -> None:
    key = world.sandbox
    first, second = two(pair, together)
    if together:
        ids, duplicates = await push(client, key, first, second)
        assert duplicates == {1: ids[0]}
    else:
        (earlier,), none = await push(client, key, first)
        (later,), duplicates = await push(client, key, second)
        assert (none, duplicates) == ({}, {0: earlier})
        shown = await client.get(f"/api/packages/{later}", headers=header(key))
        assert shown.json()["duplicate_of"] == earlier


@pytest.mark.parametrize("together", [True, False], ids=["in one batch", "one after the other"])
@pytest.mark.parametrize("pair", DIFFERENT, ids=told)
async def test_what_differs_where_it_counts_is_no_duplicate(
    client: httpx.AsyncClient,
    world: World,
    together: bool,
    pair: Pair,
) -> None:
    key = world.sandbox
    first, second = two(pair, together)
    if together:
        assert (await push(client, key, first, second))[1] == {}
    else:
        assert (await push(client, key, first))[1] == {}
        assert (await push(client, key, second))[1] == {}


async def test_a_third_one_is_a_duplicate_of_the_first(
    client: httpx.AsyncClient, world: World
) -> None:
    third = {**ONE, "patient_name": "Third One"}
    ids, duplicates = await push(client, world.sandbox, third, third, third)
    assert duplicates == {1: ids[0], 2: ids[0]}


@pytest.mark.parametrize(
    ("steps", "again"),
    [
        ((), True),
        (("assign",), True),
        (("assign", "start"), False),
        (("assign", "start", "deliver"), False),
        (("assign", "start", "fail"), False),
        (("cancel",), False),
    ],
)
async def test_only_a_package_that_is_not_out_yet_can_be_doubled(
    client: httpx.AsyncClient, world: World, steps: tuple[str, ...], again: bool
) -> None:
    order = {**ONE, "patient_name": "Walk " + "".join(steps)}
    (package_id,), _ = await push(client, world.sandbox, order)
    await walk(client, world.sandbox, package_id, *steps)
    _, duplicates = await push(client, world.sandbox, order)
    assert duplicates == ({0: package_id} if again else {})


async def test_nobody_hears_of_another_tenants_orders(
    client: httpx.AsyncClient, world: World
) -> None:
    order = {**ONE, "patient_name": "Shared Name"}
    await push(client, world.live, order)
    assert (await push(client, world.stranger, order))[1] == {}


async def test_an_undecided_duplicate_cannot_be_assigned(
    client: httpx.AsyncClient, world: World
) -> None:
    order = {**ONE, "patient_name": "Undecided One"}
    (first, second), _ = await push(client, world.sandbox, order, order)
    refused = await client.post(
        f"/api/test/packages/{second}/assign", headers=header(world.sandbox)
    )
    assert (refused.status_code, refused.json()["code"]) == (409, "possible_duplicate")
    assert refused.json()["details"] == [{"status": "created"}]
    await walk(client, world.sandbox, first, "assign")
