"""Shift and online: POST /api/drivers/{id}/shift and …/status, and the one event of each change."""

import asyncio
import itertools
import json
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scriptrun_box.kernel.db import Reader
from tests.world import World, header

from .people import audited, hire, post, told

pytestmark = pytest.mark.anyio
ACTS = {
    "start": ("shift", {"shift": "start"}),
    "end": ("shift", {"shift": "end"}),
    "online": ("status", {"status": "online"}),
    "offline": ("status", {"status": "offline"}),
}
# (on shift, online) and an act: where it leads, and the event's (status, shift), or None for none.
OFF, ON, SILENT = (False, False), (True, True), (True, False)
TABLE = {
    (OFF, "start"): (ON, ("online", "started")),
    (OFF, "end"): (OFF, None),
    (OFF, "online"): ("not_on_shift", None),
    (OFF, "offline"): (OFF, None),
    (ON, "start"): (ON, None),
    (ON, "end"): (OFF, ("offline", "ended")),
    (ON, "online"): (ON, None),
    (ON, "offline"): (SILENT, ("offline", None)),
    (SILENT, "start"): (SILENT, None),
    (SILENT, "end"): (OFF, ("offline", "ended")),
    (SILENT, "online"): (ON, ("online", None)),
    (SILENT, "offline"): (SILENT, None),
}


async def act(client: httpx.AsyncClient, world: World, driver_id: str, name: str) -> httpx.Response:
    path, body = ACTS[name]
    return await post(client, world.sandbox, f"/api/drivers/{driver_id}/{path}", **body)


def standing(driver: dict[str, Any]) -> tuple[bool, bool]:
    assert (driver["shift_started_at"] is not None) is driver["on_shift"]
    return driver["on_shift"], driver["status"] == "online"


def test_the_table_says_what_every_act_does_in_every_state() -> None:
    assert set(TABLE) == set(itertools.product((OFF, ON, SILENT), ACTS))


@settings(max_examples=25)
@given(names=st.lists(st.sampled_from(sorted(ACTS)), max_size=10))
async def test_whatever_is_said_each_real_change_is_told_once_and_nothing_else_is(
    client: httpx.AsyncClient, world: World, names: list[str]
) -> None:
    driver = await hire(client, world.sandbox)
    at, expected = OFF, []
    for name in names:
        leads_to, event = TABLE[at, name]
        answer = await act(client, world, driver["id"], name)
        if isinstance(leads_to, str):
            assert (answer.status_code, answer.json()["code"]) == (409, leads_to)
            continue
        assert answer.status_code == 200, answer.text
        assert standing(answer.json()) == leads_to
        if event:
            expected.append((*event, "online" if at[1] else "offline"))
        at = leads_to
    found = await world.db.read(told, driver["id"])
    assert [(each["status"], each["shift"], each["previous"]) for each in found] == expected
    acts = await world.db.read(audited, driver["id"])
    assert [entry[0] for entry in acts[1:]] == ["driver.status_changed"] * len(expected)


async def test_the_event_says_exactly_this_and_no_name(
    client: httpx.AsyncClient, world: World
) -> None:
    driver = await hire(client, world.live, name="Canary Vane", phone="+13055550142")
    path = f"/api/drivers/{driver['id']}/shift"
    started = (await post(client, world.live, path, shift="start")).json()
    (data,) = await world.db.read(told, driver["id"])
    assert data == {
        "driver_id": driver["id"],
        "status": "online",
        "shift": "started",
        "previous": "offline",
        "changed_at": started["status_changed_at"],
    }
    raw = await world.db.read(_raw, driver["id"])
    assert "Canary" not in raw and "+1305" not in raw
    assert set(json.loads(raw)) == {"id", "event", "created_at", "data"}


def _raw(r: Reader, driver_id: str) -> str:
    body: bytes = r.value("SELECT body FROM events WHERE subject_id = ?", (driver_id,))
    return body.decode()


async def test_many_who_start_the_same_shift_start_one(
    client: httpx.AsyncClient, world: World
) -> None:
    driver = await hire(client, world.sandbox)
    answers = await asyncio.gather(*(act(client, world, driver["id"], "start") for _ in range(20)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["shift_started_at"] for answer in answers}) == 1
    assert len(await world.db.read(told, driver["id"])) == 1


async def test_the_sandbox_feed_has_it_and_the_live_one_has_not(
    client: httpx.AsyncClient, world: World
) -> None:
    driver = await hire(client, world.sandbox)
    await act(client, world, driver["id"], "start")
    for key, there in ((world.sandbox, True), (world.live, False), (world.stranger, False)):
        feed = await client.get("/api/events?limit=200", headers=header(key))
        assert (driver["id"] in feed.text) is there


@pytest.mark.parametrize(
    ("path", "body"),
    [("shift", {}), ("shift", {"shift": "started"}), ("status", {"status": "away"}),
     ("status", {"status": "online", "driver_id": "drv_1"}), ("status", {"status": None})],
)  # fmt: skip
async def test_what_cannot_be_meant_is_refused(
    client: httpx.AsyncClient, world: World, path: str, body: dict[str, Any]
) -> None:
    driver = await hire(client, world.sandbox)
    answer = await post(client, world.sandbox, f"/api/drivers/{driver['id']}/{path}", **body)
    assert (answer.status_code, answer.json()["code"]) == (400, "validation_failed")
    assert await world.db.read(told, driver["id"]) == []
