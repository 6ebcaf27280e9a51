"""The published copy: whole whenever it is copied, as fresh as promised, kept when it must be."""

import asyncio
import contextlib
import random
import stat
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from scriptrun_box.kernel import copies, publisher
from scriptrun_box.kernel.db import Database, run_once
from scriptrun_box.kernel.opening import Opened, open_folder
from scriptrun_box.kernel.publisher import Publisher
from tests.boxes import CANARY, KEY, key_file, note, noted, python, settings_for

pytestmark = pytest.mark.anyio

COPIES = 100  # plain copies taken of the published file under load
KILLS = 5
LONGEST_STALL_SECONDS = 0.05


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@dataclass
class Running:
    """A box reduced to its file: what app.py puts together."""

    opened: Opened
    db: Database
    publisher: Publisher

    @property
    def published(self) -> Path:
        return self.opened.folder.published


@asynccontextmanager
async def running(
    folder: Path, *, key: Path | None = None, max_stale: int = 60, min_free_mb: int = 0
) -> AsyncIterator[Running]:
    storage = {"min_free_mb": min_free_mb}
    stale = {"max_stale_seconds": max_stale}
    settings = settings_for(folder, key_file=key, storage=storage, copies=stale)
    opened = open_folder(settings)
    db = await Database.open(opened.path, opened.key)
    try:
        yield Running(opened, db, Publisher(db, opened.folder, settings))
    finally:
        await db.close()
        opened.close()


async def fresh(box: Running, number: int, seconds: float = 6.0) -> None:
    """Wait until the published copy holds a number."""
    async with asyncio.timeout(seconds):
        while not box.published.exists() or number not in noted(box.published, box.opened.key):
            await asyncio.sleep(0.05)


async def test_a_copy_follows_when_writes_go_quiet_and_then_nothing_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert publisher.QUIET_SECONDS == 2
    monkeypatch.setattr(publisher, "QUIET_SECONDS", 0.2)
    async with running(tmp_path) as box:
        box.publisher.start()
        await box.db.write(note, 1)
        await fresh(box, 1)
        assert stat.S_IMODE(box.published.stat().st_mode) == 0o600
        async with asyncio.timeout(2):  # the file has its name a moment before the state tells
            while (state := box.publisher.state()).commits_behind:
                await asyncio.sleep(0.01)
        assert (state.event_seq, state.stale_seconds) == (1, 0.0)
        assert state.error is None
        assert box.opened.path.with_name("box.db-wal").stat().st_size == 0, "the log is folded"
        first = box.published.stat().st_ino
        await asyncio.sleep(1.5)
        assert box.published.stat().st_ino == first, "an idle box wears out no disk"
        run_once(box.opened.path, None, note, 2)  # another process, as `key create` is one
        await fresh(box, 2)
        await box.publisher.stop()
    assert [path.name for path in tmp_path.glob("*.sqlite*")] == ["scriptrun-box.sqlite"]
    assert not list(tmp_path.glob(".*"))


async def test_a_hundred_plain_copies_under_load_are_whole_and_never_older_than_promised(
    tmp_path: Path,
) -> None:
    target, acknowledged = tmp_path / "copied.sqlite", [(0.0, 0)]
    late = []

    async def write_on(box: Running) -> None:
        number = 1
        while True:
            await box.db.write(note, *range(number, number + 5))
            number += 5
            acknowledged.append((time.monotonic(), number - 1))
            await asyncio.sleep(0.005)

    async with running(tmp_path / "data", max_stale=2) as box:
        box.publisher.start()
        writing = asyncio.create_task(write_on(box))
        await fresh(box, 1)
        for _ in range(COPIES):
            began = time.monotonic()
            promised = max(number for at, number in acknowledged if at <= began - 2)
            await asyncio.to_thread(subprocess.run, ["cp", box.published, target], check=True)
            assert copies.is_whole(target, None)
            numbers = noted(target)
            assert numbers == list(range(1, len(numbers) + 1)), "a prefix of what was written"
            late.append(max(0, promised - len(numbers)))
            await asyncio.sleep(0.02)
        writing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await writing
        await box.publisher.stop()
        last = acknowledged[-1][1]
        assert len(noted(box.published)) >= last, "after a clean stop the copy is complete"
    assert max(late) == 0


async def test_a_clean_stop_publishes_what_is_new_and_only_that(tmp_path: Path) -> None:
    async with running(tmp_path) as box:
        await box.db.write(note, 1)
        await box.publisher.stop()
        assert noted(box.published) == [1]
        first = box.published.stat().st_ino
        await box.publisher.stop()
        assert box.published.stat().st_ino == first


async def test_a_stop_does_not_wait_for_a_copy_that_takes_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(tmp_path) as box:
        await box.db.write(note, 1)
        await box.publisher.publish()
        await box.db.write(note, 2)
        monkeypatch.setattr(publisher, "LAST_COPY_SECONDS", 0.0)
        await box.publisher.stop()
        assert noted(box.published) == [1]
        monkeypatch.undo()
        await box.publisher.stop()
        assert noted(box.published) == [1, 2]


async def test_an_encrypted_box_publishes_encrypted_copies(tmp_path: Path) -> None:
    async with running(tmp_path / "data", key=key_file(tmp_path)) as box:
        await box.db.write(note, 1)
        await box.publisher.publish()
        content = box.published.read_bytes()
        assert CANARY.encode() not in content
        assert not content.startswith(b"SQLite")
        assert noted(box.published, KEY) == [1]
        assert not copies.is_whole(box.published, None)


async def test_without_room_the_last_copy_is_kept_and_the_state_says_so(tmp_path: Path) -> None:
    async with running(tmp_path) as box:
        await box.db.write(note, 1)
        await box.publisher.publish()
    async with running(tmp_path, min_free_mb=10**9) as box:
        await box.db.write(note, 2)
        await box.publisher.publish()
        state = box.publisher.state()
        assert state.error == "The disk has too little room for a new copy: the last one is kept."
        assert not state.damaged
        assert (state.event_seq, state.commits_behind) == (1, 1)
        assert state.stale_seconds > 0
        assert noted(box.published) == [1]


async def test_damage_in_the_live_file_never_reaches_the_published_copy(tmp_path: Path) -> None:
    async with running(tmp_path) as box:
        await box.db.write(note, *range(100))
        await box.publisher.publish()
        await box.db.checkpoint()
        page = ["dd", "if=/dev/zero", f"of={box.opened.path}", "bs=4096", "seek=40", "count=1"]
        await asyncio.to_thread(
            subprocess.run, [*page, "conv=notrunc"], check=True, capture_output=True
        )
        await box.publisher.publish()
        assert box.publisher.state().damaged
        assert copies.is_whole(box.published, None)
        assert len(noted(box.published)) == 100
        assert not copies.incoming(box.published).exists()


async def test_when_the_days_writes_are_used_up_copies_wait_but_not_the_last_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publisher, "DAILY_WRITE_BYTES", 100_000)
    monkeypatch.setattr(publisher, "BYTES_PER_SECOND", 1)
    async with running(tmp_path, max_stale=1) as box:
        box.publisher.start()
        await box.db.write(note, 1)
        await fresh(box, 1)
        await box.db.write(note, 2)
        await asyncio.sleep(1.5)
        assert noted(box.published) == [1]
        assert box.publisher.state().stretched
        assert box.publisher.state().stale_seconds > 1
        await box.publisher.stop()
        assert noted(box.published) == [1, 2]


@pytest.mark.parametrize("key", [None, KEY], ids=["plain", "encrypted"])
async def test_publishing_a_large_file_never_holds_up_the_event_loop_or_a_write(
    tmp_path: Path, key: bytes | None
) -> None:
    file = key_file(tmp_path, key) if key else None
    async with running(tmp_path / "data", key=file) as box:
        for start in range(0, 20_000, 10_000):
            await box.db.write(note, *range(start, start + 10_000))
        for _ in range(3):  # a busy machine stalls, too, but not each time
            longest = await longest_stall(box)
            if longest < LONGEST_STALL_SECONDS:
                break
        assert box.publisher.state().size_bytes > 10_000_000
        assert longest < LONGEST_STALL_SECONDS


async def longest_stall(box: Running) -> float:
    """The longest time the event loop stood still during one publication, writing meanwhile."""
    publishing = asyncio.create_task(box.publisher.publish())
    stalls, written, last = [0.0], False, time.perf_counter()
    while not publishing.done():
        await asyncio.sleep(0.001)
        now = time.perf_counter()
        stalls.append(now - last)
        if len(stalls) % 20 == 0:
            await box.db.write(note, 1_000_000)
            written = True
        last = time.perf_counter()
    assert written
    return max(stalls)


async def test_whoever_asked_for_a_copy_may_leave_and_it_is_still_made(tmp_path: Path) -> None:
    async with running(tmp_path) as box:
        await box.db.write(note, 1)
        asking = asyncio.create_task(box.publisher.publish())
        await asyncio.sleep(0)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        await fresh(box, 1)
        await box.publisher.stop()
        assert box.publisher.state().commits_behind == 0


PUBLISHING = """
import asyncio, sys
from pathlib import Path
from scriptrun_box.kernel.db import Database
from scriptrun_box.kernel.opening import open_folder
from scriptrun_box.kernel.publisher import Publisher
from tests.boxes import note, noted, settings_for

async def main(folder):
    settings = settings_for(folder)
    opened = open_folder(settings)
    number = len(noted(opened.path))
    db = await Database.open(opened.path)
    publisher = Publisher(db, opened.folder, settings)
    await publisher.publish()
    print("published", number, flush=True)
    while True:
        await db.write(note, *range(number, number + 100))
        number += 100
        print("acknowledged", number, flush=True)
        await publisher.publish()
        print("published", number, flush=True)

asyncio.run(main(Path(sys.argv[1])))
"""


def test_kill_9_while_publishing_leaves_the_old_copy_or_the_new_one(tmp_path: Path) -> None:
    chance = random.Random(14)
    for _ in range(KILLS):
        child = python(PUBLISHING, tmp_path)
        assert child.stdout is not None
        first = child.stdout.readline()
        time.sleep(chance.uniform(0.0, 0.2))
        child.kill()
        rest, _ = child.communicate()
        said = [line.split() for line in (first + rest).splitlines() if line.count(" ")]
        published = max(int(number) for word, number in said if word == "published")
        acknowledged = max(int(number) for _, number in said)
        assert copies.is_whole(tmp_path / "scriptrun-box.sqlite", None)
        assert len(noted(tmp_path / "scriptrun-box.sqlite")) >= published
        opened = open_folder(settings_for(tmp_path))
        opened.close()
        assert len(noted(opened.path)) >= acknowledged
        assert not copies.incoming(opened.folder.published).exists()


async def test_the_facts_of_a_copy_are_found_again_after_a_restart(tmp_path: Path) -> None:
    async with running(tmp_path) as box:
        await box.db.write(note, 1, 2, 3)
        await box.publisher.stop()
        before = box.publisher.state()
    async with running(tmp_path) as box:
        state = box.publisher.state()
        assert (state.published_at, state.event_seq) == (before.published_at, 3)
