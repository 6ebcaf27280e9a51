"""R7, R8 and R9: a folder that may not be written, a damaged file, a second server: all refused."""

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tests.boxes import KEY, key_file
from tests.kernel.test_opening import SEVEN, flipped, make
from tests.live.load import Load
from tests.live.server import PATIENCE_SECONDS, Box
from tests.programs import allowed

from .figures import Figure, all_of, at_most
from .load import PLENTY, loaded, ready

CANNOT_START, DAMAGED, ANOTHER_RUNS = 78, 79, 75
REFUSED_SECONDS = 2.0


@dataclass(frozen=True)
class Refusal:
    """How a `serve` that must not start has ended."""

    status: int
    lines: list[str]
    seconds: float

    def is_plain(self, status: int) -> bool:
        """One sentence and the right exit status."""
        return self.status == status and len(self.lines) == 1


def run(work: Path, count: int) -> list[Figure]:
    """Each refusal there is; a second server so many times."""
    return [*read_only(work), *_seven(work), *_second_server(work, count)]


def refused(box: Box, module: str = "scriptrun_box") -> Refusal:
    """Start a server that must refuse, and wait for its end."""
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", module, "serve"],
        env=box._environ(),
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    return Refusal(done.returncode, done.stderr.strip().splitlines(), time.monotonic() - began)


def read_only(work: Path) -> list[Figure]:
    """As a user who may not write the folder, or what is in it."""
    allowed(os.geteuid() == 0, "becoming another user")
    plain = 0
    with ready(work / "read-only") as (box, _):
        for parent in (work, *work.parents[:1]):
            parent.chmod(0o755)
        outer, live, file = box.folder, box.folder / "live", box.folder / "live" / "box.db"
        cases = ((0o755, 0o755, 0o644), (0o777, 0o755, 0o644), (0o777, 0o777, 0o644))
        for modes in cases:
            for path, mode in zip((outer, live, file), modes, strict=True):
                path.chmod(mode)
            before = file.read_bytes()
            seen = refused(box, "tests.faults.as_nobody")
            plain += seen.is_plain(CANNOT_START) and file.read_bytes() == before
        for path in (outer, live):
            path.chmod(0o700)
    return [
        all_of("R7", "a folder another user may not write: 78 and one sentence", plain, len(cases))
    ]


def _seven(work: Path) -> list[Figure]:
    found, total, unseen = 0, 0, 0
    for key in (None, KEY):
        for damage in SEVEN:
            name = f"{damage.__name__}-{'encrypted' if key else 'plain'}"
            made = make(work / name, work, key)
            content = bytearray(made.live.read_bytes())
            damage(content)
            made.live.write_bytes(content)
            env = {"STORAGE__KEY_FILE": str(key_file(work, key))} if key else {}
            if damage is flipped and key is None:
                unseen += 1  # no checksum: only an encrypted file can show it
                continue
            seen = refused(Box(made.folder, env))
            total += 1
            named = any(str(made.published) in line for line in seen.lines)
            untouched = made.live.read_bytes() == content
            found += seen.is_plain(DAMAGED) and named and untouched
    ran = f"7 damages, plain and encrypted; {unseen} (letters changed in a plain file) cannot show"
    return [
        all_of("R8", "a damaged file is refused with 79 and a good copy named", found, total, ran)
    ]


def _second_server(work: Path, count: int) -> list[Figure]:
    ends = []
    with loaded(work / "first") as (box, key), Load(box, key).going_on() as load:
        for _ in range(count):
            ends.append(refused(Box(box.folder, PLENTY)))
        load.wait_for(20)
        undisturbed = load.answers == {200}
    plain = sum(each.is_plain(ANOTHER_RUNS) for each in ends)
    slowest = max(each.seconds for each in ends)
    ran = f"{count} times, the first under load"
    return [
        all_of("R9", "a second server exits 75 with one sentence", plain, count, ran),
        all_of("R9", "the first one answers only 200 meanwhile", int(undisturbed), 1, ran),
        at_most("R9", "a second server is gone after", slowest, REFUSED_SECONDS, "s", ran),
    ]
