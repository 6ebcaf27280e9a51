"""Start to the first 200, and the memory of a server that nobody asks for anything."""

import statistics
import time

from benchmarks.children import memory_mb
from benchmarks.competitor import Competitor
from benchmarks.ours import Box
from benchmarks.plan import Plan
from benchmarks.report import Figure, Outcome, spread


def measure(box: Box, peer: Competitor, plan: Plan) -> Outcome:
    """Start both several times on the folders they have filled, then leave each alone.

    Idle is when nothing waits: behind the orders of the rounds their addresses are still being
    read, by a process of their own, which is told beside it.
    """
    mine = [_start(box) for _ in range(plan.starts)]
    theirs = [_start(peer) for _ in range(plan.starts)]
    quiet = Box(box.folder.with_name("quiet"))
    rss, pss = _idle(quiet, plan)
    reading_rss, reading_pss = _idle(box, plan)
    peer_rss, peer_pss = _idle(peer, plan)
    after = f"{plan.settle_seconds:.0f} s after the start"
    return Outcome(
        [
            Figure("start to first 200", statistics.median(mine), 1, 0.3, " s", digits=2),
            Figure("memory of `serve` idle (RSS)", rss, 90, 70, " MB"),
        ],
        [
            (f"start with {box.acknowledged:,} packages, ours", spread(mine, "{:.2f} s")),
            (f"start with {peer.acknowledged:,} records, PocketBase", spread(theirs, "{:.2f} s")),
            (f"memory idle, ours, {after}", f"RSS {rss:.0f} MB, PSS {pss:.0f} MB"),
            (
                f"the same while {box.acknowledged:,} addresses are being read",
                f"RSS {reading_rss:.0f} MB, PSS {reading_pss:.0f} MB",
            ),
            (f"memory idle, PocketBase, {after}", f"RSS {peer_rss:.0f} MB, PSS {peer_pss:.0f} MB"),
        ],
    )


def _start(competitor: Competitor) -> float:
    with competitor.serving():
        return competitor.start_seconds


def _idle(competitor: Competitor, plan: Plan) -> tuple[float, float]:
    with competitor.serving() as server:
        time.sleep(plan.settle_seconds)
        return memory_mb(server.pid)
