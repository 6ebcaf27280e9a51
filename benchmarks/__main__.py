"""Run every measurement once, print the table and write it to docs/benchmarks.md."""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import (
    batches,
    board,
    browser,
    ceiling,
    hooks,
    machine,
    plan,
    report,
    routes,
    singles,
    stall,
    startup,
)
from benchmarks.ours import Box
from benchmarks.pocketbase import PocketBase
from benchmarks.report import Outcome

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "benchmarks.md"


def main() -> int:
    """Exit status 0 when every must is met, 1 when one is missed."""
    parser = argparse.ArgumentParser(prog="bin/bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds, and no page written")
    quick = parser.parse_args().quick
    (ROOT / "build").mkdir(exist_ok=True)
    # Beside the checkout and not in /tmp, which may be memory: durable has to mean a disk.
    folder = Path(tempfile.mkdtemp(prefix="bench-", dir=ROOT / "build"))
    try:
        outcome, page = _run(folder, plan.QUICK if quick else plan.FULL)
    finally:
        shutil.rmtree(folder)
    print(page)
    if not quick:
        PAGE.write_text(page, "utf-8")
    return 1 if any(figure.missed for figure in outcome.figures) else 0


def _run(folder: Path, how: plan.Plan) -> tuple[Outcome, str]:
    """Everything in its order: the later ones use the folders that the singles have filled."""
    date = datetime.now(UTC).strftime("%Y-%m-%d")
    others = machine.busy()
    most = ceiling.measure(folder, how)
    box, peer = Box(folder / "ours"), PocketBase(folder / "pocketbase")
    steps: list[tuple[str, Callable[[], Outcome]]] = [
        ("single orders against PocketBase", lambda: singles.measure(box, peer, how)),
        ("start and idle memory", lambda: startup.measure(box, peer, how)),
        ("an open browser", lambda: browser.measure(folder, how)),
        ("the board", lambda: board.measure(folder, how)),
        ("batches against SQLite alone", lambda: batches.measure(folder, peer, how)),
        ("event-loop stalls", lambda: stall.measure(folder, how)),
        ("webhooks", lambda: hooks.measure(folder, how)),
        ("route plans", lambda: routes.measure(folder, how)),
    ]
    outcome = Outcome()
    for name, step in steps:
        print(f"measuring {name} …", file=sys.stderr, flush=True)
        outcome.add(step())
    facts = machine.facts(folder, peer.version())
    others = max(others, machine.busy())
    facts.append(("busy with other work", f"{others:.0%}, looked at before and after the run"))
    words = {
        "date": date,
        "commit": machine.commit(),
        "machine": report.table(("machine", ""), facts),
        "singles": str(plan.SINGLE_CONNECTIONS),
        "batches": str(plan.BATCH_CONNECTIONS),
        "ceiling": f"{most:,.0f}",
    }
    return outcome, report.page(outcome, words)


if __name__ == "__main__":
    sys.exit(main())
