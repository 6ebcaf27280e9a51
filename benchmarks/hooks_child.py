"""The delivery loop over a file of its own, measured from inside: run as a child with one verb.

`rate PORT COUNT`: seconds to deliver so many events to one receiver, and seconds of a bare loop of
as many posts, as many at a time, with throw-away clients and nothing stored.
`latency PORT HANGING`: commits and their moments, to four endpoints of which so many hang.
`backlog ROWS`: what a tick costs with so many rows pending, and what memory they take.
"""

import asyncio
import json
import resource
import sys
import tempfile
import time
from pathlib import Path

import httpx
import uvloop

from scriptrun_box.accounts import actions as accounts
from scriptrun_box.kernel import migrate, outbox, outgoing
from scriptrun_box.kernel.addresses import Allowed
from scriptrun_box.kernel.config import WebhooksSettings
from scriptrun_box.kernel.db import Database, Writer, connect_writer
from scriptrun_box.kernel.scope import CLI, Scope
from scriptrun_box.webhooks import actions, claims, store
from scriptrun_box.webhooks.delivery import Deliveries

AT_A_TIME = actions.IN_FLIGHT_PER_ENDPOINT
EVENTS, GAP_SECONDS = 100, 0.03  # of the latency's commits
DATA = {"package_id": "0" * 32, "status": "created", "priority": "routine"}
HOUR_MS = 3_600_000


class Bench:
    """A new file with one pharmacy, and its deliveries."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "box.db"
        connection = connect_writer(self.path)
        migrate.migrate(connection)
        connection.close()

    async def open(self) -> None:
        self.db = await Database.open(self.path)
        made = await self.db.write(_tenant)
        self.scope = made
        allowed = Allowed.of(["127.0.0.0/8"], plain_http=True)
        self.deliveries = Deliveries(self.db, WebhooksSettings(), lambda: allowed)

    async def endpoint(self, url: str) -> None:
        await self.db.write(actions.create, self.scope, CLI, url=url, events=("*",))

    async def close(self) -> None:
        await self.deliveries.stop(0.1)
        await self.db.close()


def _tenant(w: Writer) -> Scope:
    made = accounts.create_tenant(
        w, CLI, name="Bench", kind="pharmacy", plan="pro", time_zone="America/New_York"
    )
    return Scope(made.tenant.id)


def _events(w: Writer, scope: Scope, count: int) -> list[str]:
    return outbox.append_many(w, scope, "package.created", [("x", DATA)] * count)


async def rate(folder: Path, port: int, count: int) -> object:
    """{"ours": seconds, "bare": seconds}"""
    bench = Bench(folder)
    await bench.open()
    url = f"http://127.0.0.1:{port}/hook"
    await bench.endpoint(url)
    await bench.db.write(_events, bench.scope, count)
    while (await bench.db.write(claims.fan_out, 24 * HOUR_MS))[1]:
        pass
    await asyncio.to_thread(outgoing.warm_up)
    began = time.monotonic()
    await bench.deliveries.start()
    while await bench.db.read(store.next_attempt, (await _one(bench)).id) is not None:
        await asyncio.sleep(0.02)
    ours = time.monotonic() - began
    await bench.close()
    return {"ours": ours, "bare": await _bare(url, count)}


async def _one(bench: Bench) -> store.Endpoint:
    return (await bench.db.read(store.endpoints, bench.scope))[0]


async def _bare(url: str, count: int) -> float:
    """As many posts, as many at a time, and nothing else."""
    body, tls, left = json.dumps(DATA).encode() * 2, outgoing.public_tls(), iter(range(count))

    async def worker() -> None:
        for _ in left:
            async with httpx.AsyncClient(verify=tls, trust_env=False) as client:
                answer = await client.post(url, content=body, headers={"webhook-id": "evt_bare"})
                assert answer.status_code == 200

    began = time.monotonic()
    await asyncio.gather(*(worker() for _ in range(AT_A_TIME)))
    return time.monotonic() - began


async def latency(folder: Path, port: int, hanging: int) -> object:
    """{event id: the moment its commit returned}"""
    bench = Bench(folder)
    await bench.open()
    for number in range(4):
        place = "hang" if number < hanging else f"hook{number}"
        await bench.endpoint(f"http://127.0.0.1:{port}/{place}")
    await bench.deliveries.start()
    await asyncio.sleep(0.5)
    committed = {}
    for _ in range(EVENTS):
        (event_id,) = await bench.db.write(_events, bench.scope, 1)
        committed[event_id] = time.monotonic()
        await asyncio.sleep(GAP_SECONDS)
    await asyncio.sleep(1)
    await bench.close()
    return committed


async def backlog(folder: Path, rows: int) -> object:
    """{"tick_ms": the slowest of some, "memory_mb": what the rows added}"""
    bench = Bench(folder)
    await bench.open()
    await bench.endpoint("https://93.184.215.14/hook")
    await bench.deliveries.start()
    await asyncio.sleep(0.5)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    await bench.db.write(_pending, (await _one(bench)).id, rows)
    ticks = []
    for _ in range(20):
        began = time.monotonic()
        await bench.deliveries.tick()
        await bench.deliveries._round()
        ticks.append((time.monotonic() - began) * 1000)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    await bench.close()
    return {"tick_ms": max(ticks), "memory_mb": (after - before) * 1024 / 1e6}


def _pending(w: Writer, endpoint_id: str, rows: int) -> None:
    """Rows that wait for their next try within the hour."""
    for start in range(0, rows, 1_000):
        store.insert_deliveries(
            w,
            [
                (f"dlv_{n:032x}", n + 1, endpoint_id, "pending", "auto", w.now + HOUR_MS // 2,
                 w.now + 24 * HOUR_MS, w.now)
                for n in range(start, start + 1_000)
            ],
        )  # fmt: skip


VERBS = {"rate": rate, "latency": latency, "backlog": backlog}

if __name__ == "__main__":
    with tempfile.TemporaryDirectory(dir=sys.argv[2]) as made:
        job = VERBS[sys.argv[1]](Path(made), *map(int, sys.argv[3:]))  # type: ignore[operator]
        print(json.dumps(uvloop.run(job)))
