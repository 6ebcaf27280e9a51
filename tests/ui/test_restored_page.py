"""Settings → System after a restore: the old events are told of, and an owner decides once."""

import pytest

from scriptrun_box.kernel import meta, outbox, restoring
from scriptrun_box.kernel.clock import DAY_MS
from scriptrun_box.kernel.db import Writer
from scriptrun_box.kernel.scope import BOX, Scope
from scriptrun_box.webhooks import actions, restored, store
from tests.world import World

from .conftest import Visit

pytestmark = pytest.mark.anyio

SYSTEM, DECIDE = "/settings/system", "/settings/system/restored"
FROM = "2026-04-19T18:42:10Z"
TOLD = "It still had 2 events to send to 1 webhook"


@pytest.fixture
async def old_events(world: World) -> None:
    """What a restore leaves: a mark in the file, and old events on hold."""
    await world.db.write(_restore, world.scope)


def _restore(w: Writer, scope: Scope) -> None:
    actions.create(w, scope, BOX, url="https://receiver.example/hook", events=("*",))
    outbox.append_many(w, scope, "package.created", [("x", {}), ("y", {})])
    meta.put(w, restoring.RESTORED, FROM)
    assert restored.hold_old(w, DAY_MS) is False


@pytest.mark.usefixtures("old_events")
async def test_the_page_tells_of_the_old_events_and_only_an_owner_can_decide(visit: Visit) -> None:
    owner, teammate = await visit("owner"), await visit("teammate")
    page = await owner.see(SYSTEM)
    assert TOLD in page
    assert FROM in page
    assert page.count('name="way"') == 3
    page = await teammate.see(SYSTEM)
    assert TOLD in page
    assert 'name="way"' not in page
    assert (await teammate.send(DECIDE, way="send")).status_code == 403


@pytest.mark.usefixtures("old_events")
async def test_the_decision_is_made_once(visit: Visit, world: World) -> None:
    owner = await visit("owner")
    assert (await owner.send(DECIDE, way="later")).status_code == 400
    assert (await owner.send(DECIDE, way="discard")).status_code == 303
    assert TOLD not in await owner.see(SYSTEM)
    (endpoint,) = await world.db.read(store.every_endpoint)
    assert await world.db.read(store.counts, endpoint.id) == {"pending": 0, "sending": 0, "held": 0}
    assert (await owner.send(DECIDE, way="send")).status_code == 409


async def test_a_box_that_was_not_restored_asks_nothing(visit: Visit) -> None:
    assert "restored" not in await (await visit("owner")).see(SYSTEM)
