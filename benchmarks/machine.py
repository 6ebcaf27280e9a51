"""What the figures were measured on: versions, cores, memory and what one fsync costs; no names."""

import os
import platform
import statistics
import subprocess
import time
from pathlib import Path

from sqlcipher3 import dbapi2

LOOK_SECONDS = 3
IDLE, IO_WAIT, STEAL = 3, 4, 7  # fields of /proc/stat
FSYNCS = 200
BLOCK = b"\0" * 4096


def busy() -> float:
    """The share of the processors, 0 to 1, that other work takes while this process waits."""
    before = _ticks()
    time.sleep(LOOK_SECONDS)
    idle, total = (after - then for after, then in zip(_ticks(), before, strict=True))
    return 1 - idle / total


def _ticks() -> tuple[int, int]:
    """Idle and all ticks of all processors since the machine started."""
    fields = [int(each) for each in Path("/proc/stat").read_text().split("\n")[0].split()[1:]]
    return fields[IDLE] + fields[IO_WAIT], sum(fields[: STEAL + 1])


def facts(folder: Path, pocketbase: str) -> list[tuple[str, str]]:
    """Pairs of a label and a value; `folder` is where the data of the run lies."""
    return [
        ("cores", f"{len(os.sched_getaffinity(0))}, {_processor()}"),
        ("memory", f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 1e9:.0f} GB"),
        ("kernel", f"{platform.system()} {platform.release()}"),
        ("file system", f"{_file_system(folder)}, one 4 KiB write and fsync: {_fsync_ms(folder)}"),
        ("Python", platform.python_version()),
        ("SQLite", f"{dbapi2.sqlite_version} (sqlcipher3)"),
        ("PocketBase", pocketbase),
    ]


def commit() -> str:
    """The commit that was measured, and whether the tree differed from it."""
    head = _git("rev-parse", "--short", "HEAD")
    changed = _git("status", "--porcelain", "--", "scriptrun_box", "benchmarks", "pyproject.toml")
    return f"{head} with changes not yet committed" if changed else head


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, timeout=30)
    return done.stdout.strip() or ("" if done.returncode == 0 else "unknown")


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _file_system(folder: Path) -> str:
    done = subprocess.run(
        ["stat", "--file-system", "--format=%T", folder], capture_output=True, text=True, timeout=30
    )
    return done.stdout.strip()


def _fsync_ms(folder: Path) -> str:
    """The median of small durable writes, which bounds every durable peer alike."""
    path = folder / "fsync-probe"
    times = []
    with path.open("wb") as file:
        for _ in range(FSYNCS):
            started = time.perf_counter()
            file.write(BLOCK)
            file.flush()
            os.fsync(file.fileno())
            times.append(time.perf_counter() - started)
    path.unlink()
    return f"{statistics.median(times) * 1000:.2f} ms"
