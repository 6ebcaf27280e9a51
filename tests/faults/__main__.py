"""Every fault in its long form: `python -m tests.faults`, which writes docs/proof.md.

`--only R3 S1` runs these faults alone and writes nothing; `--share 0.1` a tenth of the counts.
"""

import argparse
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from . import (
    bodies,
    clock_steps,
    disk_errors,
    endings,
    full,
    fuzzing,
    halves,
    hooks,
    kills,
    page,
    power,
    refusals,
    simulated,
    slow,
    soak,
)
from .figures import Figure, fallen_short

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "proof.md"
Run = Callable[[Path, int], list[Figure]]


@dataclass(frozen=True)
class Fault:
    """A scenario and how often it runs in its long form."""

    names: str
    run: Run
    count: int
    what: str  # is counted
    shared: bool = True  # with --share
    alone: bool = False  # it measures how quick the box is: the soak has to be over


FAULTS = (
    Fault("R15", soak.run, 1_200, "seconds"),
    Fault("R1 R2", kills.run, 200, "kills"),
    Fault("R3", power.run, 200, "power cuts"),
    Fault("R4", disk_errors.run, 29, "failed syncs"),
    Fault("R5 R6", full.run, 10, "full disks"),
    Fault("R7 R8 R9", refusals.run, 5, "second servers"),
    Fault("R10", clock_steps.run, 5, "steps of the clock", shared=False),
    Fault("R11", hooks.run, 50, "kills"),
    Fault("R13", endings.run, 10, "stops"),
    Fault("R14", halves.run, 50, "kills"),
    Fault("S2 S3 S25", bodies.run, 10_000, "addresses", shared=False),
    Fault("S34", fuzzing.run, 2_000, "cases a route"),
    Fault("R17", simulated.run, 10_000, "seeds", alone=True),
    Fault("S1", slow.run, 1000, "slow clients", shared=False, alone=True),
)


@dataclass
class Report:
    """All that a run has shown."""

    figures: list[Figure] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    counts: list[str] = field(default_factory=list)  # those that were not run in full
    began: float = field(default_factory=time.monotonic)


def main() -> int:
    """Run what was asked for; the exit status tells whether every promise was kept."""
    options = argparse.ArgumentParser(prog="bin/proof", description=__doc__)
    options.add_argument("--only", nargs="+", default=[], metavar="FAULT")
    options.add_argument("--share", type=float, default=1.0)
    given = options.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended from outside"))  # undoes the mounts
    report = Report()
    chosen = [f for f in FAULTS if not given.only or set(given.only) & set(f.names.split())]
    commit = page.commit(ROOT)
    with tempfile.TemporaryDirectory(prefix="scriptrun-box-proof-") as folder:
        _run_all(chosen, Path(folder), given.share, report)
    short = fallen_short(report.figures)
    if not given.only:
        minutes = (time.monotonic() - report.began) / 60
        PAGE.write_text(page.text(report, commit, minutes, short), "utf-8")
        print(f"wrote {PAGE.relative_to(ROOT)}")
    for each in short:
        print(f"fell short: {each}")
    return 1 if short else 0


def _run_all(chosen: Sequence[Fault], folder: Path, share: float, report: Report) -> None:
    """The soak runs beside the others: it watches memory, not milliseconds."""
    with ThreadPoolExecutor(1) as beside:
        soaking = None
        for fault in chosen:
            if fault.run is soak.run:
                soaking = beside.submit(_run, fault, folder, share, report)
                continue
            if fault.alone and soaking:
                soaking.result()
            _run(fault, folder, share, report)


def _run(fault: Fault, folder: Path, share: float, report: Report) -> None:
    count = max(1, round(fault.count * share)) if fault.shared else fault.count
    work = folder / fault.names.replace(" ", "-")
    work.mkdir(mode=0o755)
    folder.chmod(0o755)
    began = time.monotonic()
    try:
        found = fault.run(work, count)
    except pytest.skip.Exception as reason:
        report.skipped.append(f"{fault.names}: {reason}")
        return
    except Exception as error:
        lines = str(error).splitlines() or [""]
        said = f"{type(error).__name__} {lines[0][:80]}"
        found = [Figure(fault.names, "the scenario came to its end", "once", said, "does", False)]
    report.figures += found
    if count != fault.count:
        report.counts.append(f"{fault.names}: {count} of {fault.count} {fault.what}")
    for each in found:
        print(f"{each.fault} {each.promise}: {each.measured} (must {each.must}; {each.ran})")
    print(f"  {fault.names} took {time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    sys.exit(main())
