"""Whatever JSON comes: an answer, never a failure; whole or not at all; and nothing repeated."""

import json
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scriptrun_box.kernel.db import Reader
from scriptrun_box.orders.model import FIELDS
from tests.orders.read import PLACES, read
from tests.world import ORDER, World, header

pytestmark = pytest.mark.anyio
URL = "/api/webhook/orders"
CANARY = "Zq7"  # begins every text that is sent
NUMBER = 77_123_771

unknown = st.text(st.characters(exclude_categories=["Cs"]), max_size=20).map("no name: ".__add__)
canaries = st.text(st.characters(exclude_categories=["Cs"]), max_size=20).map(CANARY.__add__)
plausible = st.sampled_from(
    ["", " ", "II", "stat", "2026-04-20", "+13055551234", "12:30", "\u0000", "\u2028", "\u200b"]
)
scalars = (
    st.none()
    | st.booleans()
    | st.sampled_from([0, -1, 12.5, 0.001, NUMBER, -NUMBER * 10**20, 1e308])
    | canaries
    | plausible
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(unknown, inner, max_size=3),
    max_leaves=8,
)
names = st.sampled_from(sorted(FIELDS)) | unknown
orders_of_anything = st.dictionaries(names, values, max_size=12).map(lambda some: {**ORDER, **some})


def rows(r: Reader) -> list[int]:
    """Packages, search rows, events: what an accepted order makes one each of."""
    return [
        r.value(f"SELECT count(*) FROM {table}")
        for table in ("packages", "package_search", "events")
    ]


@given(batch=st.lists(orders_of_anything | values, min_size=1, max_size=4))
async def test_any_batch_is_taken_or_refused_and_leaves_exactly_what_it_says(
    client: httpx.AsyncClient, world: World, batch: list[Any]
) -> None:
    before = await world.db.read(rows)
    answer = await client.post(URL, json={"orders": batch}, headers=header(world.sandbox))
    assert answer.status_code in (200, 400), answer.text
    shape = answer.json()
    created = shape.get("created", 0)
    assert await world.db.read(rows) == [count + created for count in before]
    refused = {item["index"] for item in shape.get("errors", shape.get("details", ()))}
    assert created + len(refused) == len(batch)
    for package_id in shape.get("package_ids", ()):
        shown = await client.get(f"/api/packages/{package_id}", headers=header(world.sandbox))
        assert shown.status_code == 200
    for sentence in sentences(shape):
        assert CANARY not in sentence
        assert str(NUMBER) not in sentence


@given(body=values)
async def test_any_json_for_a_body_is_refused_in_the_one_shape(
    client: httpx.AsyncClient, world: World, body: Any
) -> None:
    raw = json.dumps(body).encode()
    headers = {**header(world.sandbox), "Content-Type": "application/json"}
    answer = await client.post(URL, content=raw, headers=headers)
    assert answer.status_code == 400
    assert set(answer.json()) == {"error", "code", "details", "request_id"}
    assert CANARY not in answer.text


@given(raw=st.binary(max_size=300))
async def test_any_bytes_for_a_body_are_refused_in_the_one_shape(
    client: httpx.AsyncClient, world: World, raw: bytes
) -> None:
    headers = {**header(world.sandbox), "Content-Type": "application/json"}
    answer = await client.post(URL, content=raw, headers=headers)
    assert answer.status_code == 400
    assert set(answer.json()) == {"error", "code", "details", "request_id"}


@given(patch=st.dictionaries(names, values, max_size=6))
async def test_any_change_of_a_package_is_made_or_refused(
    client: httpx.AsyncClient, world: World, patch: dict[str, Any]
) -> None:
    made = await client.post(URL, json={"orders": [ORDER]}, headers=header(world.sandbox))
    path = f"/api/packages/{made.json()['package_ids'][0]}"
    before = (await client.get(path, headers=header(world.sandbox))).json()
    answer = await client.patch(path, json=patch, headers=header(world.sandbox))
    assert answer.status_code in (200, 400), answer.text
    after = (await client.get(path, headers=header(world.sandbox))).json()
    if answer.status_code == 400:
        assert after == before
        assert CANARY not in answer.text
    else:
        changed = {name for name in after if after[name] != before[name]}
        derived = {"copay", "controlled_substance", "requires_signature", "updated_at"}
        assert changed <= set(patch) | derived


@settings(max_examples=300)
@given(order=orders_of_anything)
def test_what_is_accepted_keeps_every_bound(order: dict[str, Any]) -> None:
    result = read(places=PLACES, **order)
    if result.content is None:
        assert result.problems
        return
    content = result.content
    assert 1 <= len(content.patient_name) <= 200
    assert 1 <= len(content.patient_address) <= 500
    assert content.copay_cents is None or 0 <= content.copay_cents <= 9_999_999
    assert content.priority in ("routine", "urgent", "stat")
    assert content.requires_signature or not content.controlled_substance
    assert content.controlled_substance or content.dea_schedule is None
    assert len(content.notes or "") <= 2_000
    for text in (content.patient_name, content.patient_address, content.rx_number or "x"):
        assert text == text.strip()
        assert "\n" not in text
        assert "\x00" not in text


def sentences(shape: dict[str, Any]) -> list[str]:
    """Every text in an answer that people or programs read."""
    return json.dumps({**shape, "package_ids": []}, ensure_ascii=False).split('"')
