"""A restored copy sends none of its old events by itself, and everything that happens after."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from scriptrun_box.accounts import actions as accounts
from scriptrun_box.kernel import copies, outbox
from scriptrun_box.kernel.addresses import Allowed
from scriptrun_box.kernel.config import WebhooksSettings
from scriptrun_box.kernel.db import Database, Reader, Writer, read_once, run_once
from scriptrun_box.kernel.errors import Conflict
from scriptrun_box.kernel.folder import DataFolder
from scriptrun_box.kernel.opening import open_folder
from scriptrun_box.kernel.restoring import restore, restored_at
from scriptrun_box.kernel.scope import BOX, Scope
from scriptrun_box.webhooks import actions, claims, restored, store
from scriptrun_box.webhooks.delivery import Deliveries
from scriptrun_box.webhooks.model import Endpoint
from scriptrun_box.webhooks.schedule import Schedule
from tests.boxes import settings_for
from tests.receivers import Receiver, answer, receiving

from .conftest import DAY_MS, LOOPBACK

pytestmark = pytest.mark.anyio

OLD, FANNED_OUT = 4, 2  # events of the copy; for the first of them there are deliveries already


class Box:
    """A box of which only the file and the delivery loop run."""

    def __init__(self, db: Database, deliveries: Deliveries) -> None:
        self.db = db
        self.deliveries = deliveries

    async def states(self) -> list[str]:
        rows = await self.db.read(
            lambda r: r.all("SELECT state FROM webhook_deliveries ORDER BY id")
        )
        return [row["state"] for row in rows]

    async def endpoint(self) -> Endpoint:
        (found,) = await self.db.read(store.every_endpoint)
        return found

    async def happens(self) -> None:
        await self.db.write(_happen, (await self.endpoint()).scope, 1)

    async def settle(self, way: restored.Way) -> int:
        return await self.db.write(restored.settle, None, BOX, way, DAY_MS)


def _seed(w: Writer, url: str) -> None:
    made = accounts.create_tenant(
        w, BOX, name="Palmetto", kind="pharmacy", plan="pro", time_zone="America/New_York"
    )
    scope = Scope(made.tenant.id)
    endpoint, _ = actions.create(w, scope, BOX, url=url, events=("*",))
    _happen(w, scope, FANNED_OUT)
    claims.fan_out(w, DAY_MS)
    actions.test(w, scope, BOX, endpoint.id)
    _happen(w, scope, OLD - FANNED_OUT)


def _happen(w: Writer, scope: Scope, count: int) -> None:
    outbox.append_many(w, scope, "package.created", [("x", {}) for _ in range(count)])


def make_copy(folder: Path, url: str) -> Path:
    """A copy of a box that had not sent anything yet."""
    opened = open_folder(settings_for(folder / "origin"))
    run_once(opened.path, None, _seed, url)
    opened.close()
    copies.backup_to(opened.path, None, folder / "copy.sqlite")
    return folder / "copy.sqlite"


@asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[Box]:
    opened = open_folder(settings_for(folder))
    db = await Database.open(opened.path)
    allowed = Allowed.of(LOOPBACK, plain_http=True)
    schedule = Schedule((60,), DAY_MS, spread=lambda: 1.0)
    deliveries = Deliveries(db, WebhooksSettings(), lambda: allowed, schedule=schedule)
    await deliveries.start()
    try:
        yield Box(db, deliveries)
    finally:
        await deliveries.stop(drain_seconds=0.2)
        await db.close()
        opened.close()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as made:
        yield made


@pytest.fixture
def folder(tmp_path: Path, receiver: Receiver) -> Path:
    """A folder into which the copy was just restored."""
    restore(DataFolder(tmp_path / "elsewhere"), make_copy(tmp_path, receiver.url), None)
    return tmp_path / "elsewhere"


async def test_a_restored_box_sends_only_what_happens_after_the_restore(
    folder: Path, receiver: Receiver
) -> None:
    async with serving(folder) as box:
        assert await box.states() == ["held", "held", "cancelled", "held", "held"]
        await box.happens()
        await receiver.got(1)
        await box.deliveries.tick()
        await asyncio.sleep(0.2)
        waiting = await box.db.read(restored.restored_hold)
    assert waiting is not None
    assert (waiting.deliveries, waiting.webhooks) == (OLD, 1)
    assert waiting.data_from.endswith("Z")
    assert len(receiver.hits) == 1


async def test_a_restart_before_the_decision_neither_sends_old_events_nor_holds_new_ones(
    folder: Path, receiver: Receiver
) -> None:
    async with serving(folder):
        pass
    (endpoint,) = read_once(folder / "live" / "box.db", None, store.every_endpoint)
    run_once(folder / "live" / "box.db", None, _happen, endpoint.scope, 2)
    async with serving(folder):
        await receiver.got(2)
        await asyncio.sleep(0.2)
    assert len(receiver.hits) == 2


async def test_a_copy_laid_in_as_the_live_file_sends_nothing_either(
    tmp_path: Path, receiver: Receiver
) -> None:
    copy = make_copy(tmp_path, receiver.url)
    (tmp_path / "elsewhere" / "live").mkdir(parents=True)
    copy.rename(tmp_path / "elsewhere" / "live" / "box.db")
    async with serving(tmp_path / "elsewhere") as box:
        assert (await box.states()).count("held") == OLD
        await asyncio.sleep(0.2)
    assert receiver.hits == []


async def test_the_box_itself_goes_on_sending_after_an_ordinary_restart(
    tmp_path: Path, receiver: Receiver
) -> None:
    make_copy(tmp_path, receiver.url)
    async with serving(tmp_path / "origin") as box:
        await receiver.got(OLD + 1)  # with the test ping
        assert await box.db.read(restored.restored_hold) is None
        with pytest.raises(Conflict):
            await box.settle("send")


async def test_copying_the_restored_file_on_holds_what_it_had_to_send_again(
    folder: Path, receiver: Receiver, tmp_path: Path
) -> None:
    async with serving(folder):
        pass
    live = folder / "live" / "box.db"
    (endpoint,) = read_once(live, None, store.every_endpoint)
    run_once(live, None, _happen, endpoint.scope, 1)
    (tmp_path / "third" / "live").mkdir(parents=True)
    live.rename(tmp_path / "third" / "live" / "box.db")
    async with serving(tmp_path / "third") as box:
        assert (await box.states()).count("held") == OLD + 1
        await asyncio.sleep(0.2)
    assert receiver.hits == []


# The three ways out -----------------------------------------------------------------------------


async def test_sent_now_the_old_events_have_a_whole_schedule_before_them(
    folder: Path, receiver: Receiver
) -> None:
    async with serving(folder) as box:
        assert await box.settle("send") == OLD
        await receiver.got(OLD)
        deadlines = await box.db.read(
            lambda r: r.value(
                "SELECT min(deadline_at - created_at) FROM webhook_deliveries"
                " WHERE state != 'cancelled'"
            )
        )
        assert deadlines >= DAY_MS
        assert await box.db.read(restored.restored_hold) is None
        assert await box.db.read(_last_act) == ("restored.send", '{"deliveries":4}')


async def test_held_on_they_wait_for_somebody_to_resume_their_webhook(
    folder: Path, receiver: Receiver
) -> None:
    async with serving(folder) as box:
        assert await box.settle("hold") == OLD
        await box.happens()
        await asyncio.sleep(0.2)
        assert receiver.hits == []
        endpoint = await box.endpoint()
        assert endpoint.state == "paused_by_user"
        await box.db.write(actions.resume, endpoint.scope, BOX, endpoint.id)
        await receiver.got(OLD + 1)


async def test_discarded_they_come_only_by_a_replay(folder: Path, receiver: Receiver) -> None:
    async with serving(folder) as box:
        assert await box.settle("discard") == OLD
        await box.happens()
        await receiver.got(1)
        await asyncio.sleep(0.2)
        assert len(receiver.hits) == 1
        endpoint = await box.endpoint()
        heads = await box.db.read(outbox.heads, 0, 100)
        await box.db.write(actions.replay, endpoint.id, heads, DAY_MS)
        await receiver.got(1 + OLD + 1)


async def test_one_of_them_sent_by_hand_in_vain_waits_for_the_decision_as_before(
    folder: Path, receiver: Receiver
) -> None:
    receiver.manners = answer(500)
    async with serving(folder) as box:
        endpoint = await box.endpoint()
        (row, *_) = await box.db.read(
            lambda r: r.all("SELECT id FROM webhook_deliveries WHERE state = 'held' ORDER BY id")
        )
        await box.db.write(actions.resend, endpoint.scope, BOX, row["id"])
        await receiver.got(1)
        async with asyncio.timeout(5):
            while (await box.states()).count("held") != OLD:
                await asyncio.sleep(0.01)
        receiver.manners = answer()
        assert await box.settle("send") == OLD
        await receiver.got(1 + OLD)


async def test_the_decision_is_kept_by_the_file(folder: Path) -> None:
    live = folder / "live" / "box.db"
    run_once(live, None, restored.settle, None, BOX, "discard", DAY_MS)
    open_folder(settings_for(folder)).close()
    assert read_once(live, None, restored_at) is None


def _last_act(r: Reader) -> tuple[str, str]:
    row = r.one("SELECT act, detail FROM audit ORDER BY seq DESC LIMIT 1")
    return row["act"], row["detail"]
