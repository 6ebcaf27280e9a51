"""Orders a second in batches of 100 over HTTP, against SQLite alone writing the same rows."""

import statistics
from pathlib import Path

from benchmarks import sqlite_alone
from benchmarks.children import memory_mb
from benchmarks.load import alongside, start
from benchmarks.ours import Box
from benchmarks.plan import BATCH_CONNECTIONS, BATCH_ORDERS, Plan
from benchmarks.pocketbase import PocketBase
from benchmarks.report import Figure, Outcome, spread

MEMORY_EVERY_SECONDS = 0.25


def measure(folder: Path, peer: PocketBase, plan: Plan) -> Outcome:
    """Alternate between the three; each round of ours and of SQLite's starts from nothing."""
    mine: list[float] = []
    alone: list[float] = []
    theirs: list[float] = []
    memory: list[tuple[float, float]] = []
    for number in range(plan.rounds):
        box = Box(folder / f"batches-{number}")
        mine.append(_ours(box, plan, memory))
        result = sqlite_alone.run(box.file, folder / f"alone-{number}.db", box.on_disk())
        alone.append(result.orders_per_second)
        with peer.serving():
            peer.load(BATCH_ORDERS, BATCH_CONNECTIONS, plan.warm_up_seconds)
            pushed = peer.load(BATCH_ORDERS, BATCH_CONNECTIONS, plan.load_seconds)
            theirs.append(pushed.orders_per_second)
    ratios = [a / b for a, b in zip(mine, alone, strict=True)]
    name = "orders/s in batches of 100 ÷ SQLite alone"
    figure = Figure(name, statistics.median(ratios), 0.50, 0.65, at_least=True, digits=2)
    rss, pss = max(memory)
    return Outcome(
        [figure],
        [
            ("orders/s in batches of 100, ours (FULL)", spread(mine)),
            ("orders/s, SQLite alone (FULL), same rows", spread(alone)),
            ("ratios of the rounds", ", ".join(f"{ratio:.2f}" for ratio in ratios)),
            ("records/s in batches of 100, PocketBase (NORMAL)", spread(theirs)),
            ("memory of `serve` under batch load, most", f"RSS {rss:.0f} MB, PSS {pss:.0f} MB"),
        ],
    )


def _ours(box: Box, plan: Plan, memory: list[tuple[float, float]]) -> float:
    """One round of ours; memory is sampled while it runs."""
    with box.serving() as server:
        box.load(BATCH_ORDERS, BATCH_CONNECTIONS, plan.warm_up_seconds)
        job = box.job(BATCH_ORDERS, BATCH_CONNECTIONS, plan.load_seconds)
        generator = start(job)
        memory += [memory_mb(server.pid) for _ in alongside(generator, job, MEMORY_EVERY_SECONDS)]
        result = box.finish(generator, job)
    box.check_rows()
    return result.orders_per_second
