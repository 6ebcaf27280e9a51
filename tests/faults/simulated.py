"""R17: thousands of simulated stories by seed, and each mutation of the product noticed."""

import subprocess
import sys
import time
from pathlib import Path

from tests.simulation.breaks import BREAKS, CONTROL_SEEDS
from tests.simulation.runner import first_failure

from .figures import Figure, at_least, none_of

SEEDS_A_MINUTE = 2_000  # aim 10,000


def run(work: Path, count: int) -> list[Figure]:
    """So many seeds, then every mutation until a seed shows it."""
    return [*seeds(count), *(_control(name) for name in BREAKS)]


def seeds(count: int) -> list[Figure]:
    """In processes of their own, as one would type it; the first failure ends it."""
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "tests.simulation", "--seeds", str(count)],
        capture_output=True,
        text=True,
        check=False,
    )
    a_minute = count / (time.monotonic() - began) * 60
    failed = done.returncode != 0
    said = (done.stdout or done.stderr).splitlines() or [""]
    ran = f"{count} seeds" + (f", ended by {said[0]}" if failed else "")
    return [
        none_of("R17", "simulated stories in which a promise is broken", int(failed), ran),
        at_least(
            "R17", "seeds a minute (aim 10,000)", 0 if failed else a_minute, SEEDS_A_MINUTE, ran
        ),
    ]


def _control(name: str) -> Figure:
    found = first_failure(CONTROL_SEEDS, name)
    measured = f"noticed at seed {found[0]}" if found else "not noticed"
    what = (BREAKS[name].__doc__ or name).strip().rstrip(".")
    ran = f"at most {len(CONTROL_SEEDS)} seeds"
    return Figure("R17", f"control: {what}", ran, measured, "noticed", found is not None)
