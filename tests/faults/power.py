"""R3: power cuts. The disk is photographed under load, and the photograph is started from.

The data folder lies on ext4 in an image, the image on XFS, which clones a file in one moment:
what the clone holds is what had reached the disk then. Every acknowledgement read before must be
in it. The controls take the waiting for the disk away, and must lose some.
"""

import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.live.load import Load
from tests.live.server import Box
from tests.programs import allowed, need

from .figures import Figure, control, none_of
from .load import is_whole, loaded, lost

DISK = "1G"
GROUND = "6G"  # sparse: only what is written takes room
PAUSE = (0.02, 0.25)  # seconds between two cuts
CONTROL_SHARE = 10  # a control runs for a tenth of the cuts,
CONTROL_CUTS = 6  # at least so many


class Normal(Box):
    """A box whose commits do not wait for the disk."""

    def command(self, *args: str) -> list[str]:
        if args[0] != "serve":
            return super().command(*args)
        return [sys.executable, "-m", "tests.faults.weak_serve", "durability", *args]


class EatMyData(Box):
    """A box whose every fsync is swallowed before it reaches the kernel."""

    def command(self, *args: str) -> list[str]:
        return [need("eatmydata"), *super().command(*args)]


@dataclass
class Cuts:
    """What the photographs held."""

    lost: int = 0
    cuts_with_loss: int = 0
    corrupt: int = 0
    acknowledged: int = 0


def run(work: Path, count: int) -> list[Figure]:
    """Cut the power so many times, then as often as a control needs without each protection."""
    with Disk(work / "power").mounted() as disk:
        found = _cut_again_and_again(disk, "full", Box, count)
    ran = f"{count} cuts, {found.acknowledged} orders"
    figures = [
        none_of("R3", "acknowledged orders lost by a power cut", found.lost, ran),
        none_of("R3", "corrupt files after a power cut", found.corrupt, ran),
    ]
    fewer = max(CONTROL_CUTS, count // CONTROL_SHARE)
    for words, kind in (("synchronous=NORMAL", Normal), ("eatmydata", EatMyData)):
        with Disk(work / kind.__name__).mounted() as disk:
            weak = _cut_again_and_again(disk, kind.__name__, kind, fewer)
        ran = f"{fewer} cuts, {weak.lost} orders lost"
        figures.append(control("R3", f"{words} loses orders", weak.cuts_with_loss, ran))
    return figures


class Disk:
    """A disk of its own that can be photographed in one moment."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ground, self.path = folder / "ground", folder / "disk"

    @contextmanager
    def mounted(self) -> Iterator["Disk"]:
        """The disk is mounted at `path`; nothing of it is left."""
        for program in ("mkfs.xfs", "mkfs.ext4", "mount", "umount"):
            need(program)
        for each in (self._ground, self.path):
            each.mkdir(parents=True)
        with ExitStack() as ending:
            image = self._folder / "ground.img"
            ending.callback(image.unlink, missing_ok=True)
            _do("truncate", "-s", GROUND, str(image))
            _do("mkfs.xfs", "-q", "-m", "reflink=1", str(image))
            ending.enter_context(_mount(image, self._ground))
            self._image = self._ground / "disk.img"
            _do("truncate", "-s", DISK, str(self._image))
            _do("mkfs.ext4", "-q", str(self._image))
            ending.enter_context(_mount(self._image, self.path))
            yield self

    @contextmanager
    def as_cut(self) -> Iterator[Path]:
        """What is on the disk at this moment, mounted as after a power cut."""
        photo, place = self._ground / "photo.img", self._folder / "photo"
        place.mkdir(exist_ok=True)
        _do("cp", "--reflink=always", str(self._image), str(photo))
        try:
            with _mount(photo, place):
                yield place
        finally:
            photo.unlink()


@contextmanager
def _mount(image: Path, place: Path) -> Iterator[None]:
    command = [need("mount"), "-o", "loop", str(image), str(place)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    allowed(done.returncode == 0, "mounting a file as a disk")
    try:
        yield
    finally:
        _do("umount", "-d", str(place))


def _do(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)


def _cut_again_and_again(disk: Disk, name: str, kind: type[Box], count: int) -> Cuts:
    found = Cuts()
    with loaded(disk.path / name, kind) as (box, key):
        box.log = disk.path.parent / f"{name}.log"
        with Load(box, key).going_on() as load:
            for _ in range(count):
                time.sleep(random.uniform(*PAUSE))
                acknowledged = set(load.accepted)
                with disk.as_cut() as photo:
                    whole = is_whole(photo / name)
                    gone = lost(photo / name, acknowledged) if whole else len(acknowledged)
                    found.lost += gone
                    found.cuts_with_loss += gone > 0
                    found.corrupt += not whole
            found.acknowledged = len(load.accepted)
        box.stop()
    return found
