"""The demonstration's sandbox drivers: they come round by themselves, and touch nothing live."""

import itertools
from collections import Counter

import httpx
import pytest

from scriptrun_box import demo
from scriptrun_box.kernel.db import Reader
from scriptrun_box.ui.demo import drivers
from tests.drivers.people import hire
from tests.ui.conftest import Push
from tests.world import World, header

pytestmark = pytest.mark.anyio


def told(r: Reader) -> Counter[tuple[str, bool]]:
    """{(event, whether of the sandbox): how often}."""
    return Counter((row["event"], bool(row["test"])) for row in r.all("SELECT * FROM events"))


async def test_they_deliver_finish_and_begin_again_while_live_packages_wait(
    client: httpx.AsyncClient, world: World, push: Push, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drivers, "PATIENCE_MS", -1)
    monkeypatch.setattr(demo, "SECOND_MS", 1)  # a new order is another one within the second
    for key, on in ((world.sandbox, 2), (world.live, 1)):
        for _ in range(on):
            may = ["cold_chain", "controlled"]
            driver = await hire(client, key, capabilities=may)
            path = f"/api/drivers/{driver['id']}/shift"
            await client.post(path, json={"shift": "start"}, headers=header(key))
    (live,) = await push({"cold_chain": True})
    await push({"cold_chain": True, "dea_schedule": "II"}, key=world.sandbox)
    before = await world.db.read(told)
    links, turns = client._transport.app.state.box.links, itertools.count()  # type: ignore[attr-defined]
    for _ in range(60):
        await world.db.write(demo._drive, links, next(turns))
    after = await world.db.read(told)
    made = {event: after[event, True] - before[event, True] for event, _ in after}
    assert made["delivery.completed"] >= 4
    assert made["route.completed"] >= 2
    assert {event: n for event, n in after.items() if not event[1]} == {
        event: n for event, n in before.items() if not event[1]
    }
    shown = await client.get(f"/api/packages/{live}", headers=header(world.live))
    assert shown.json()["status"] == "created"


async def test_without_a_driver_on_shift_nothing_happens(world: World, app: object) -> None:
    links = app.state.box.links  # type: ignore[attr-defined]
    before = await world.db.read(told)
    await world.db.write(demo._drive, links, 0)
    assert await world.db.read(told) == before
