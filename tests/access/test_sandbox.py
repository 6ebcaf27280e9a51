"""The sandbox and live data never meet: no list, count, page or file of one side shows the other's.

Three orders are told apart by their words: a live one, a sandbox one, and one of a stranger.
"""

import json

import pytest

from scriptrun_box.patients import actions as patients
from tests.world import orders

from .people import Caller, Scene, changed
from .table import ROWS, Row

pytestmark = pytest.mark.anyio
LISTS = [row for row in ROWS if row.method == "GET" and not row.subject]
OF_PACKAGES = (
    "/api/packages", "/api/events", "/", "/packages", "/packages.csv", "/live/desk",
    "/live/packages",
)  # fmt: skip
OF_DRIVERS = ("/api/drivers", "/drivers", "/drivers.csv", "/live/drivers", "/routes")
OF_PATIENTS = ("/api/patients", "/patients", "/patients.csv", "/live/patients")
OF_WEBHOOKS = ("/api/webhooks", "/settings/integrations")
OF_BOARD = ("/board", "/live/board", "/board.csv")
OF_PAPER = ("/pick-list", "/pick-list.csv")
WITH_OWN_THINGS = (*OF_PACKAGES, *OF_PATIENTS, *OF_DRIVERS, *OF_BOARD, *OF_WEBHOOKS, *OF_PAPER)
SIDES = {"live key": "Livia", "sandbox key": "Sandra", "stranger's key": "Strangeways"}


async def fill(scene: Scene) -> dict[str, Caller]:
    """One order, one driver and one webhook for each side; the three keys."""
    (push,) = [row for row in ROWS if str(row) == "POST /api/webhook/orders"]
    (hook,) = [row for row in ROWS if str(row) == "POST /api/webhooks"]
    callers = {each.name: each for each in await scene.callers(push)}
    for name, word in SIDES.items():
        order = {"patient_name": f"{word} Nowhere", "rx_number": f"RX-{word}", "barcode": word}
        order["external_patient_id"] = f"PMS-{word}"
        headers = callers[name].headers
        got = await scene.client.post(push.path, json=orders(order), headers=headers)
        assert got.json()["created"] == 1 and got.json()["warnings"] == []
        driver = {"name": f"{word} Drives"}
        got = await scene.client.post("/api/drivers", json=driver, headers=headers)
        assert got.status_code == 201
        body = {"url": f"http://127.0.0.1:9787/{word}", "events": ["*"]}
        assert (await scene.client.post(hook.path, json=body, headers=headers)).status_code == 201
    await scene.world.db.write(patients.know, 0, 1_000_000)  # the reader is past these places
    return callers


async def shown(scene: Scene, row: Row, caller: Caller, query: str = "") -> set[str]:
    """Which of the three sides an answer shows something of."""
    subject = await scene.subject("", caller.scope)
    answer = await scene.call(row, caller, type(subject)("", query))
    assert answer.status in (row.ok, row.ok_signed_in)
    return {word for word in SIDES.values() if word in answer.body}


async def session_of(scene: Scene, row: Row, name: str, *, sandbox: bool) -> Caller:
    """A session that looks at this side."""
    aside = Row(row.method, row.path, row.who, sandbox=sandbox)
    return await scene.caller(aside, name)


@pytest.mark.parametrize("row", LISTS, ids=str)
async def test_no_list_of_one_side_shows_anything_of_another(scene: Scene, row: Row) -> None:
    keys = await fill(scene)
    looks = list(keys.values() if row.keyed else ())
    looks = [each for each in looks if each.name in SIDES]
    expected = list(SIDES.values())
    if row.usual == "owner":
        looks = [
            await session_of(scene, row, "owner", sandbox=False),
            await session_of(scene, row, "owner", sandbox=True),
            await session_of(scene, row, "other owner", sandbox=False),
        ]
    for caller, word in zip(looks, expected, strict=not row.by_phone):
        if caller.name in row.who and row.path != "/live":
            allowed = {word} if row.path in WITH_OWN_THINGS else set()
            assert await shown(scene, row, caller) == allowed


@pytest.mark.parametrize(
    "query",
    ["q=Nowhere", "q=RX", "status=created", "updated_since=2020-01-01T00:00:00Z", "limit=200"]
    + [f"{name}={value}{word}" for word in SIDES.values()
       for name, value in (("rx_number", "RX-"), ("barcode", ""), ("q", ""))],
)  # fmt: skip
async def test_no_filter_reaches_the_other_side(scene: Scene, query: str) -> None:
    (row,) = [row for row in ROWS if str(row) == "GET /api/packages"]
    keys = await fill(scene)
    for name, word in SIDES.items():
        found = await shown(scene, row, keys[name], "?" + query)
        others = [other for other in SIDES.values() if other != word and other in query]
        assert found == (set() if others else {word})


async def test_the_sandbox_does_not_use_up_the_plan(scene: Scene) -> None:
    keys = await fill(scene)
    (usage,) = [row for row in ROWS if str(row) == "GET /api/usage"]
    (push,) = [row for row in ROWS if str(row) == "POST /api/webhook/orders"]
    nothing = await scene.subject("", scene.world.scope)

    async def used() -> int:
        answer = await scene.call(usage, keys["live key"], nothing)
        return int(json.loads(answer.body)["orders"])

    before = await used()
    assert (await scene.call(push, keys["sandbox key"], nothing)).status == 200
    assert await used() == before
    assert (await scene.call(push, keys["live key"], nothing)).status == 200
    assert await used() == before + 1


async def test_a_live_package_is_never_walked_to_the_door(scene: Scene) -> None:
    (row,) = [row for row in ROWS if str(row) == "POST /packages/{id}/walk"]
    owner = await session_of(scene, row, "owner", sandbox=False)
    subject = await scene.subject("package", scene.world.scope)
    before = await scene.everything()
    answer = await scene.call(row, owner, subject)
    assert (answer.status, answer.code) == (403, "sandbox_only")
    assert changed(before, await scene.everything()) == []
