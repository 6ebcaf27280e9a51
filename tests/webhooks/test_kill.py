"""A box killed with -9 in the middle of an attempt: nothing is lost, and the log tells of it."""

import asyncio
import json
import signal
import sys
from pathlib import Path

import pytest

from scriptrun_box.kernel import outbox
from scriptrun_box.kernel.addresses import Allowed
from scriptrun_box.kernel.config import WebhooksSettings
from scriptrun_box.kernel.db import Database
from scriptrun_box.kernel.scope import Scope
from scriptrun_box.webhooks import delivery
from scriptrun_box.webhooks.delivery import Deliveries
from tests.receivers import Receiver, answer, hang, receiving

from .conftest import LOOPBACK, Sending, World

pytestmark = pytest.mark.anyio

EVENTS = 6


async def box(path: str, tenant_id: str, events: int) -> None:
    """The process that gets killed: it makes events and sends them, forever."""
    db = await Database.open(Path(path))
    allowed = Allowed.of(LOOPBACK, plain_http=True)
    deliveries = Deliveries(db, WebhooksSettings(), lambda: allowed)
    await deliveries.start()
    for _ in range(events):
        event_id = await db.write(outbox.append, Scope(tenant_id), "package.created", "x", {})
        print(event_id, flush=True)  # acknowledged: from here on it must not be lost
    await asyncio.Event().wait()


async def run_and_kill(path: Path, world: World, receiver: Receiver, hits: int) -> list[str]:
    """Start a box, kill it once the receiver got so many requests; the acknowledged ids."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.webhooks.test_kill",
        str(path),
        world.ours.tenant_id,
        str(EVENTS),
        stdout=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    assert process.stdout is not None
    acknowledged = [(await process.stdout.readline()).decode().strip() for _ in range(EVENTS)]
    await receiver.got(hits, seconds=20)
    process.send_signal(signal.SIGKILL)
    await process.wait()
    process._transport.close()  # type: ignore[attr-defined]
    return acknowledged


async def test_a_kill_loses_no_event_and_what_was_under_way_is_sent_again_in_the_same_bytes(
    tmp_path: Path, world: World, sending: Sending, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "START_SPREAD_MS", 300)
    async with receiving(hang) as receiver:
        endpoint = await world.endpoint(receiver.url)
        acknowledged = await run_and_kill(tmp_path / "box.db", world, receiver, hits=4)
        assert [row.outcome for row in await world.logs(endpoint)] == ["in_flight"] * 4
        receiver.manners = answer()
        async with sending():
            assert {row.outcome for row in await world.logs(endpoint)} == {"interrupted"}
            await receiver.got(4 + EVENTS, seconds=10)
    bodies = [hit.body for hit in receiver.hits]
    before, after = bodies[:4], bodies[4:]
    assert sorted(json.loads(body)["id"] for body in after) == sorted(acknowledged)
    assert set(before) <= set(after), "the same ids in the same bytes"
    by_delivery = {row.delivery_id: row for row in await world.logs(endpoint)}
    assert sorted(row.attempt for row in by_delivery.values()) == [1, 1, 2, 2, 2, 2]


if __name__ == "__main__":
    asyncio.run(box(sys.argv[1], sys.argv[2], int(sys.argv[3])))
