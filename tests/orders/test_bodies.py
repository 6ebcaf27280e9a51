"""POST /api/webhook/orders: the body as a whole, and the headers it must come with."""

import json

import httpx
import pytest

from scriptrun_box.kernel.db import Reader
from tests.world import World, header, orders

pytestmark = pytest.mark.anyio
URL = "/api/webhook/orders"
JSON = {"Content-Type": "application/json"}
MIB = 1024 * 1024
GOOD = json.dumps(orders()).encode()


def count(r: Reader) -> list[int]:
    """Rows of everything an order could leave behind."""
    tables = ("packages", "package_search", "events", "usage_months", "usage_minutes")
    return [r.value(f"SELECT count(*) FROM {table}") for table in tables]


async def refused(
    client: httpx.AsyncClient, world: World, body: bytes, headers: dict[str, str] = JSON
) -> dict[str, object]:
    """The shape of a refusal that left nothing behind; its status under "status"."""
    before = await world.db.read(count)
    answer = await client.post(URL, content=body, headers={**header(world.live), **headers})
    assert answer.status_code >= 400
    shape: dict[str, object] = answer.json()
    assert set(shape) == {"error", "code", "details", "request_id"}
    assert shape["request_id"] == answer.headers["x-request-id"]
    assert await world.db.read(count) == before
    return {**shape, "status": answer.status_code}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "invalid_json"),
        (b"order", "invalid_json"),
        (b'{"orders": [{"patient_name": "A", "copay_amount": NaN}]}', "invalid_json"),
        (b'{"orders": [{"copay_amount": Infinity}]}', "invalid_json"),
        (b'{"orders": [{"copay_amount": 1e99999999999999999999}]}', "invalid_json"),
        (b'{"orders": [{"patient_name": "\\ud800"}]}', "invalid_json"),
        (b'{"orders": [{"patient_name": "\xff\xfe"}]}', "invalid_json"),
        (GOOD.decode().encode("utf-16"), "invalid_json"),
        (b"\xef\xbb\xbf" + GOOD, "invalid_json"),
        (GOOD + b"x", "invalid_json"),
        (GOOD[:-1] + b', "orders": []}', "duplicate_key"),
        (GOOD.replace(b'"rx_number"', b'"patient_name": "B", "rx_number"'), "duplicate_key"),
        (b'{"orders": [' + b"[" * 40 + b"]" * 40 + b"]}", "too_deep"),
        (b"[" * 100_000, "too_deep"),
        (b"[]", "not_an_object"),
        (b'"orders"', "not_an_object"),
        (b"null", "not_an_object"),
        (b"{}", "missing_orders"),
        (b'{"Orders": []}', "missing_orders"),
        (b'{"orders": null}', "missing_orders"),
        (b'{"orders": {}}', "missing_orders"),
        (b'{"orders": "all"}', "missing_orders"),
        (b'{"orders": []}', "empty_batch"),
        (json.dumps(orders(*[{}] * 101)).encode(), "too_many_orders"),
    ],
)
async def test_a_body_that_cannot_be_meant_is_refused_and_nothing_is_stored(
    client: httpx.AsyncClient, world: World, body: bytes, code: str
) -> None:
    shape = await refused(client, world, body)
    assert (shape["status"], shape["code"]) == (400, code)


async def test_a_hundred_orders_are_taken(client: httpx.AsyncClient, world: World) -> None:
    batch = orders(*({"rx_number": f"RX-{number}"} for number in range(100)))
    answer = await client.post(URL, json=batch, headers=header(world.live))
    assert answer.json()["created"] == 100
    assert len(set(answer.json()["package_ids"])) == 100


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Content-Type": "text/json"},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "multipart/form-data; boundary=x"},
        {"Content-Type": "application/json; charset=utf-16"},
        {"Content-Type": "application/json; charset=iso-8859-1"},
        {**JSON, "Content-Encoding": "gzip"},
        {**JSON, "Content-Encoding": "br"},
    ],
)
async def test_only_plain_json_in_utf8_is_taken(
    client: httpx.AsyncClient, world: World, headers: dict[str, str]
) -> None:
    shape = await refused(client, world, GOOD, headers)
    assert (shape["status"], shape["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "application/json"},
        {"Content-Type": "Application/JSON; Charset=UTF-8"},
        {"Content-Type": 'application/json;charset="utf-8"'},
        {"Content-Type": "application/json; charset=utf-8; profile=pms"},
        {"Content-Type": "application/json;"},
        {**JSON, "Content-Encoding": "identity"},
        {**JSON, "Content-Encoding": "Identity"},
    ],
)
async def test_json_in_utf8_may_be_announced_in_several_ways(
    client: httpx.AsyncClient, world: World, headers: dict[str, str]
) -> None:
    answer = await client.post(URL, content=GOOD, headers={**header(world.live), **headers})
    assert answer.status_code == 200


async def test_a_body_of_one_mebibyte_is_read_and_one_byte_more_is_not(
    client: httpx.AsyncClient, world: World
) -> None:
    headers = {**header(world.live), **JSON}
    answer = await client.post(URL, content=GOOD.ljust(MIB), headers=headers)
    assert answer.status_code == 200
    shape = await refused(client, world, GOOD.ljust(MIB + 1))
    assert (shape["status"], shape["code"]) == (413, "body_too_large")


async def test_a_body_of_unknown_length_is_refused_while_it_streams(
    client: httpx.AsyncClient, world: World
) -> None:
    sent = 0

    async def stream():  # type: ignore[no-untyped-def]
        nonlocal sent
        for _ in range(64):
            sent += MIB // 8
            yield b" " * (MIB // 8)

    headers = {**header(world.live), **JSON}
    answer = await client.post(URL, content=stream(), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert sent <= MIB + MIB // 4


async def test_other_names_beside_orders_are_ignored(
    client: httpx.AsyncClient, world: World
) -> None:
    answer = await client.post(
        URL, json={**orders(), "tenant_id": "ten_x", "sent_by": "PMS"}, headers=header(world.live)
    )
    assert answer.status_code == 200
    (package_id,) = answer.json()["package_ids"]
    shown = await client.get(f"/api/packages/{package_id}", headers=header(world.live))
    assert shown.status_code == 200
