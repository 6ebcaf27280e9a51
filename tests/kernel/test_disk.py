"""The floor under free space: refused before it is passed, on a real small disk."""

import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from scriptrun_box.kernel import disk as disk_module
from scriptrun_box.kernel.disk import Disk
from scriptrun_box.kernel.errors import DiskFull
from tests.boxes import python

ON_A_SMALL_DISK = """
import asyncio, sys
from pathlib import Path
from types import SimpleNamespace
from scriptrun_box.kernel.copies import is_whole
from scriptrun_box.kernel.db import Database
from scriptrun_box.kernel.errors import DiskFull
from scriptrun_box.kernel.opening import open_folder
from scriptrun_box.kernel.publisher import Publisher
from tests.boxes import note, noted, settings_for

async def main(folder):
    settings = settings_for(folder)
    opened = open_folder(settings)
    db = await Database.open(opened.path)
    publisher = Publisher(db, opened.folder, settings)
    acknowledged = [0]
    await db.write(note, 0)
    await publisher.publish()
    filler = folder / "filler"
    filler.write_bytes(bytes(3_000_000))
    for number in range(1, 20_000, 50):
        numbers = list(range(number, number + 50))
        try:
            await db.write(note, *numbers)
        except DiskFull as error:
            print("full", error.status, error.headers["Retry-After"])
            break
        acknowledged += numbers
    print("reads", await db.read(lambda r: r.value("SELECT count(*) FROM events")))
    await publisher.publish()
    print("copy", publisher.state().damaged, publisher.state().error)
    print("old copy whole", is_whole(opened.folder.published, None))
    filler.unlink()
    await db.write(note, 99_999)
    await db.close()
    opened.close()
    print("none lost", noted(opened.path) == [*acknowledged, 99_999], len(acknowledged))

asyncio.run(main(Path(sys.argv[1])))
"""


def free_mb(folder: Path) -> int:
    return shutil.disk_usage(folder).free // disk_module.MEGABYTE


def test_writes_are_refused_with_507_below_the_floor_and_taken_above_it(tmp_path: Path) -> None:
    Disk(tmp_path, 1).check()
    low = Disk(tmp_path, free_mb(tmp_path) + 10_000)
    assert low.is_low()
    with pytest.raises(DiskFull) as refusal:
        low.check()
    assert refusal.value.status == 507
    assert refusal.value.headers["Retry-After"] == "60"


def test_the_last_megabyte_is_kept_even_without_a_reserve(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = disk_module.MEGABYTE - 1
    monkeypatch.setattr("os.statvfs", lambda folder: SimpleNamespace(f_bavail=left, f_frsize=1))
    with pytest.raises(DiskFull):
        Disk(tmp_path, 0).check()


def test_the_disk_is_asked_at_most_once_a_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr("scriptrun_box.kernel.clock.monotonic", lambda: now)
    disk = Disk(tmp_path, 1)
    seen = disk.free_mb()
    assert seen > 0
    (tmp_path / "gone").mkdir()
    gone = Disk(tmp_path / "gone", 1)
    gone.check()
    (tmp_path / "gone").rmdir()
    gone.check()
    now += disk_module.CACHE_SECONDS
    with pytest.raises(FileNotFoundError):
        gone.check()


def test_a_full_disk_loses_nothing_and_writing_goes_on_when_room_returns(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mount = f'mount -t tmpfs -o size=8m none {small} && exec {sys.executable} -c "$0" {small}'
    run = subprocess.run(
        ["unshare", "--mount", "sh", "-c", mount, ON_A_SMALL_DISK],
        capture_output=True,
        text=True,
        timeout=30,
    )
    if "full" not in run.stdout and ("unshare" in run.stderr or "mount:" in run.stderr):
        pytest.skip("this user may not mount a small disk to fill")
    lines = run.stdout.splitlines()
    assert lines[0] == "full 507 60", run.stderr
    assert lines[1].startswith("reads ")
    assert (
        lines[2] == "copy False The disk has too little room for a new copy: the last one is kept."
    )
    assert lines[3] == "old copy whole True"
    assert lines[4].startswith("none lost True")


def test_a_limit_on_the_size_of_files_counts_as_a_full_disk_before_it_is_reached(tmp_path):
    megabyte = disk_module.MEGABYTE
    (tmp_path / "box.db").write_bytes(bytes(3 * megabyte))
    code = (
        "import resource, sys; from pathlib import Path;"
        "from scriptrun_box.kernel.disk import Disk;"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2);"
        "print(Disk(Path(sys.argv[1]), 0).is_low())"
    )
    for limit_mb, low in ((5, "False\n"), (4, "False\n"), (3.5, "True\n")):
        child = python(code, tmp_path, int(limit_mb * megabyte))
        assert child.communicate()[0] == low
