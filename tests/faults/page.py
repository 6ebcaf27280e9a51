"""The page of a run: docs/proof.md, without any name or path of the machine."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from string import Template
from typing import Any

from sqlcipher3 import dbapi2

from .figures import Figure

TEMPLATE = Path(__file__).with_name("page.md")
HEAD = ("fault", "promise", "measured", "must", "", "what ran")
MEASURED = ("scriptrun_box", "tests", "pyproject.toml")


def text(report: Any, commit: str, minutes: float, short: list[str]) -> str:
    """The whole page."""
    order = sorted(report.figures, key=_place)
    return Template(TEMPLATE.read_text("utf-8")).substitute(
        date=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        commit=commit,
        machine=machine(),
        minutes=f"{minutes:.0f}",
        table=table([HEAD, *map(row, order)]),
        short=bullets(short, "Every promise above was kept."),
        counts=bullets(report.counts, "Every fault ran in full."),
        skipped=bullets(report.skipped, "Nothing was skipped."),
    )


def _place(figure: Figure) -> tuple[str, int]:
    return figure.fault[0], int("".join(c for c in figure.fault.split(" ")[0] if c.isdigit()))


def row(figure: Figure) -> tuple[str, ...]:
    """One line of the table."""
    verdict = "held" if figure.held else "**fell short**"
    return (figure.fault, figure.promise, figure.measured, figure.must, verdict, figure.ran)


def table(lines: list[tuple[str, ...]]) -> str:
    """A Markdown table."""
    rule = tuple("---" for _ in lines[0])
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (lines[0], rule, *lines[1:]))


def bullets(lines: list[str], otherwise: str) -> str:
    """One line each, or a sentence where there are none."""
    return "\n".join(f"- {line}" for line in lines) or otherwise


def machine() -> str:
    """Cores, memory, kernel, Python and SQLite."""
    pages = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    busy = os.getloadavg()[2]
    return (
        f"{os.cpu_count()} cores (load {busy:.1f} in the last 15 minutes), {pages / 1e9:.0f} GB,\n"
        f"  {platform.system()} {platform.release().split('-')[0]},"
        f" Python {platform.python_version()}, SQLite {dbapi2.sqlite_version} (sqlcipher3)"
    )


def commit(root: Path) -> str:
    """What was measured, and whether the tree differed from it."""
    head = _git(root, "rev-parse", "--short", "HEAD")
    changed = _git(root, "status", "--porcelain", "--", *MEASURED)
    return f"{head} with changes not yet committed" if changed else head


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True)
    return done.stdout.strip() or ("" if done.returncode == 0 else "unknown")
