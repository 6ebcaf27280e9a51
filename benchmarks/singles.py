"""Single orders a second: ours durable against PocketBase as it comes, in alternating rounds."""

import statistics

from benchmarks.competitor import Competitor
from benchmarks.load import Result
from benchmarks.ours import Box
from benchmarks.plan import SINGLE_CONNECTIONS, Plan
from benchmarks.pocketbase import PocketBase
from benchmarks.report import Figure, Outcome, spread


def measure(box: Box, peer: PocketBase, plan: Plan) -> Outcome:
    """Alternate between the two; the figure is the median of the rounds' ratios."""
    mine: list[Result] = []
    theirs: list[Result] = []
    for _ in range(plan.rounds):
        mine.append(_round(box, plan))
        theirs.append(_round(peer, plan))
    ratios = [
        a.requests_per_second / b.requests_per_second for a, b in zip(mine, theirs, strict=True)
    ]
    name = "single orders/s ÷ PocketBase's, ours durable"
    figure = Figure(name, statistics.median(ratios), 2.0, 2.5, at_least=True, digits=2)
    return Outcome(
        [figure],
        [
            ("single orders/s, ours (FULL)", _words(mine)),
            ("single records/s, PocketBase (NORMAL)", _words(theirs)),
            ("ratios of the rounds", ", ".join(f"{ratio:.2f}" for ratio in ratios)),
        ],
    )


def _round(competitor: Competitor, plan: Plan) -> Result:
    """One start, warm-up and load of either."""
    with competitor.serving():
        competitor.load(1, SINGLE_CONNECTIONS, plan.warm_up_seconds)
        result = competitor.load(1, SINGLE_CONNECTIONS, plan.load_seconds)
    competitor.check_rows()
    return result


def _words(results: list[Result]) -> str:
    rates = spread([result.requests_per_second for result in results])
    p50 = statistics.median(result.p50_ms for result in results)
    p99 = statistics.median(result.p99_ms for result in results)
    return f"{rates}, answered in {p50:.1f} ms (p99 {p99:.1f} ms)"
