"""Requests that share a commit: each gets its own answer, and the file agrees with all of them."""

import asyncio
import json
from collections import Counter
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scriptrun_box.accounts import actions
from scriptrun_box.accounts.actions import NewKey
from scriptrun_box.kernel import audit, outbox
from scriptrun_box.kernel.db import Reader, Writer
from scriptrun_box.kernel.errors import Invalid
from scriptrun_box.kernel.scope import CLI
from tests.world import World, header, orders

pytestmark = pytest.mark.anyio
PUSH = "/api/webhook/orders"
PER_HOUR = 12

# what one caller does: which of two keys, how many orders, which replay key, is one order bad
pushes = st.tuples(
    st.integers(0, 1), st.integers(1, 5), st.sampled_from(["", "", "a", "b"]), st.booleans()
)


def stored(r: Reader, key_ids: list[str]) -> Counter[str]:
    """How many packages each key made."""
    rows = r.all(
        "SELECT created_by, count(*) AS many FROM packages WHERE created_by IN (?, ?)"
        " GROUP BY created_by",
        [f"key:{key_id}" for key_id in key_ids],
    )
    return Counter({row["created_by"].removeprefix("key:"): row["many"] for row in rows})


def charged(r: Reader, key_id: str) -> int:
    return r.value("SELECT sum(orders) FROM usage_minutes WHERE key_id = ?", (key_id,)) or 0


def fail(w: Writer) -> None:
    outbox.move_cursor(w, "failed", 1)
    raise Invalid()


async def push(
    client: httpx.AsyncClient, key: NewKey, many: int, replay: str, bad: bool
) -> httpx.Response:
    changes: list[dict[str, Any]] = [{"rx_number": f"{replay}{number}"} for number in range(many)]
    changes += [{"patient_name": ""}] if bad else []
    headers = {**header(key), "Content-Type": "application/json"}
    headers |= {"Idempotency-Key": replay} if replay else {}
    return await client.post(PUSH, content=json.dumps(orders(*changes)), headers=headers)


@settings(max_examples=40)
@given(wanted=st.lists(pushes, min_size=2, max_size=12), failing=st.lists(st.integers(0, 12)))
async def test_every_answer_is_true_whoever_shared_the_commit(
    client: httpx.AsyncClient,
    world: World,
    wanted: list[tuple[int, int, str, bool]],
    failing: list[int],
) -> None:
    keys = [await world.key(test=bool(each), orders_per_hour=PER_HOUR) for each in (0, 1)]
    calls: list[Any] = [push(client, keys[which], *rest) for which, *rest in wanted]
    for place in failing:  # whose failure undoes what was done together, to be done one by one
        calls.insert(place, world.db.write(fail))
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert sum(isinstance(each, Invalid) for each in answers) == len(failing)
    heard = [each for each in answers if isinstance(each, httpx.Response)]
    made: dict[str, list[str]] = {key.key.id: [] for key in keys}
    for (which, many, _, bad), answer in zip(wanted, heard, strict=True):
        shape = answer.json()
        if answer.status_code == 200:
            assert shape["created"] == many == len(shape["package_ids"])
            assert ("errors" in shape) == bad
            if "idempotent-replayed" not in answer.headers:
                made[keys[which].key.id] += shape["package_ids"]
        else:
            assert (answer.status_code, shape["code"]) in [
                (429, "orders_per_hour"),
                (400, "idempotency_key_reused"),
            ]
    for key in keys:
        ids = made[key.key.id]
        assert len(set(ids)) == len(ids) <= PER_HOUR
        assert await world.db.read(charged, key.key.id) == len(ids)
    counts = await world.db.read(stored, [key.key.id for key in keys])
    assert counts == Counter({key_id: len(ids) for key_id, ids in made.items() if ids})
    assert await world.db.read(outbox.cursor, "failed") == 0
    for which, _, replay, _ in wanted:  # whoever asks again hears what was said
        if replay:
            firsts = {
                answer.content
                for (key, _, name, _), answer in zip(wanted, heard, strict=True)
                if (key, name) == (which, replay) and answer.status_code == 200
            }
            assert len(firsts) <= 1
    assert await world.db.read(audit.verify) is None


async def test_a_revocation_between_pushes_parts_them(
    client: httpx.AsyncClient, world: World
) -> None:
    made, other = await world.key(), await world.key()
    revoke = world.db.write(actions.revoke_key, world.pharmacy.tenant.id, CLI, made.key.id)
    answers = await asyncio.gather(
        *(push(client, other, 1, "", bad=False) for _ in range(5)),
        revoke,
        *(push(client, other, 1, "", bad=False) for _ in range(5)),
    )
    statuses = [each.status_code for each in answers if isinstance(each, httpx.Response)]
    assert statuses == [200] * 10
    assert (await push(client, made, 1, "", bad=False)).status_code == 401
