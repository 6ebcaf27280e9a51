"""Runs the simulation: one seed with its whole story, or many seeds and the first that fails.

python -m tests.simulation 4711              tell that story and check it
python -m tests.simulation --seeds 10000     as many, one after the other, in two processes
python -m tests.simulation --breaks          the controls: each mutation must be noticed
python -m tests.simulation 4711 --break short_minute
"""

import argparse
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor

from .breaks import BREAKS, CONTROL_SEEDS
from .checks import summary
from .runner import failure, first_failure, run

PORTION = 50  # seeds handed to a process at a time


def main() -> int:
    """Exit status 0 when every promise held (or every control failed), else 1."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.simulation",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("seed", type=int, nargs="?", help="the one story to tell")
    parser.add_argument("--seeds", type=int, default=2_000, help="how many stories, %(default)s")
    parser.add_argument("--first", type=int, default=1, help="the first seed, %(default)s")
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--break", dest="broken", choices=BREAKS, help="with this mutation")
    parser.add_argument("--breaks", action="store_true", help="every mutation must be noticed")
    given = parser.parse_args()
    if given.breaks:
        return _controls()
    if given.seed is not None:
        return _one(given.seed, given.broken)
    return _many(range(given.first, given.first + given.seeds), given.jobs, given.broken)


def _one(seed: int, broken: str | None) -> int:
    why = failure(seed, broken, print)
    if why is None and broken is None:
        print(summary(run(seed)))
    print(f"seed {seed}: {why or 'every promise held'}")
    return 1 if why else 0


def _many(seeds: range, jobs: int, broken: str | None) -> int:
    began = time.perf_counter()
    portions = [seeds[at : at + PORTION] for at in range(0, len(seeds), PORTION)]
    done = 0
    with ProcessPoolExecutor(jobs) as pool:
        results = pool.map(first_failure, portions, [broken] * len(portions))
        for portion, found in zip(portions, results, strict=True):
            if found is not None:
                pool.shutdown(cancel_futures=True)
                seed, why = found
                more = f" --break {broken}" if broken else ""
                print(f"seed {seed}: {why}\nagain: python -m tests.simulation {seed}{more}")
                return 1
            done += len(portion)
    seconds = time.perf_counter() - began
    print(f"{done:,} seeds held, {done / seconds * 60:,.0f} a minute in {jobs} processes")
    return 0


def _controls() -> int:
    missed = 0
    for name, make in BREAKS.items():
        found = first_failure(CONTROL_SEEDS, name)
        missed += found is None
        told = "NOT NOTICED" if found is None else f"noticed at seed {found[0]}: {found[1]}"
        print(f"{name} ({(make.__doc__ or '').strip()}): {told}", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
