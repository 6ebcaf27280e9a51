"""Opening the file at start: what is used, what is restored, what is refused and in which words."""

import os
import random
import shutil
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from scriptrun_box.kernel import copies, migrate, opening
from scriptrun_box.kernel.config import Settings
from scriptrun_box.kernel.db import Reader, connect, connect_writer, read_once, run_once
from scriptrun_box.kernel.file_errors import Damaged, NewerFile, NoBox, NoRoom, WrongKey
from scriptrun_box.kernel.opening import at_hand, open_folder
from scriptrun_box.kernel.restoring import restored_at, settle_restored
from tests.boxes import CANARY, KEY, key_file, note, noted, python, settings_for

PAGE = 4096
NUMBERS = list(range(300))  # rows of about 700 bytes: the file is larger than 64 KB


@dataclass
class Made:
    """A folder a box ran in and stopped, with its published copy."""

    folder: Path
    settings: Settings
    key: bytes | None
    live: Path
    published: Path


def make(folder: Path, keys: Path, key: bytes | None = None, numbers: list[int] = NUMBERS) -> Made:
    settings = settings_for(folder, key_file=key_file(keys, key) if key else None)
    opened = open_folder(settings)
    run_once(opened.path, key, note, *numbers)
    copies.backup_to(opened.path, key, opened.folder.published)
    opened.close()
    return Made(folder, settings, key, opened.path, opened.folder.published)


@pytest.fixture
def made(tmp_path: Path) -> Made:
    return make(tmp_path / "data", tmp_path)


def reopen(made: Made) -> None:
    open_folder(made.settings).close()


def restored(made: Made) -> str | None:
    return read_once(made.live, made.key, restored_at)


# Damage: the seven of R8 -------------------------------------------------------------------------


def emptied(content: bytearray) -> None:
    content.clear()


def noise(content: bytearray) -> None:
    content[: 64 * 1024] = random.Random(8).randbytes(64 * 1024)


def no_header(content: bytearray) -> None:
    content[:100] = bytes(100)


def no_page(content: bytearray) -> None:
    content[40 * PAGE : 41 * PAGE] = bytes(PAGE)


def flipped(content: bytearray) -> None:
    at = content.find(CANARY.encode())  # inside a row; an encrypted file shows no text at all
    at = at if at >= 0 else 45 * PAGE + 2000
    for place in range(at, at + 8):
        content[place] ^= 0x01


def half(content: bytearray) -> None:
    del content[len(content) // 2 // PAGE * PAGE :]


def mid_page(content: bytearray) -> None:
    del content[len(content) // 2 // PAGE * PAGE + 1234 :]


SEVEN = [emptied, noise, no_header, no_page, flipped, half, mid_page]


@pytest.mark.parametrize("key", [None, KEY], ids=["plain", "encrypted"])
@pytest.mark.parametrize("damage", SEVEN, ids=lambda damage: damage.__name__)
def test_a_damaged_file_is_refused_with_79_and_the_newest_good_copy_is_named(
    tmp_path: Path, damage: Callable[[bytearray], None], key: bytes | None
) -> None:
    made = make(tmp_path / "data", tmp_path, key)
    content = bytearray(made.live.read_bytes())
    damage(content)
    made.live.write_bytes(content)
    if damage is flipped and key is None:
        # A changed letter in a row of a plain file shows in no check; only a key finds it.
        reopen(made)
        return
    with pytest.raises(Damaged) as refusal:
        reopen(made)
    assert refusal.value.status == 79
    assert f"scriptrun-box restore {made.published} --data {made.folder}" in refusal.value.sentence
    assert made.live.read_bytes() == content, "a refused file is left as it is"


def test_damage_without_any_good_copy_is_said_as_well(made: Made) -> None:
    for path in (made.live, made.published):
        content = bytearray(path.read_bytes())
        no_page(content)
        path.write_bytes(content)
    with pytest.raises(Damaged, match="no good copy was found in this folder"):
        reopen(made)


def test_a_file_too_large_to_check_at_start_opens_unchecked_and_no_copy_of_it_is_published(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "CHECK_AT_START_BYTES", PAGE)
    content = bytearray(made.live.read_bytes())
    no_page(content)
    made.live.write_bytes(content)
    opened = open_folder(made.settings)
    opened.close()
    assert not opened.checked
    with pytest.raises(Damaged):
        copies.backup_to(opened.path, None, made.published)
    assert copies.is_whole(made.published, None)


# Gone or empty -----------------------------------------------------------------------------------


def test_a_box_whose_live_file_is_gone_never_starts_empty(made: Made) -> None:
    made.live.unlink()
    with pytest.raises(Damaged, match=r"is gone.*scriptrun-box restore") as refusal:
        reopen(made)
    assert refusal.value.status == 79
    assert not made.live.exists()


def test_a_live_file_gone_with_all_copies_is_still_missed(made: Made) -> None:
    made.live.unlink()
    made.published.unlink()
    with pytest.raises(Damaged, match="no good copy was found"):
        reopen(made)


def test_a_log_without_its_file_is_not_taken_for_a_first_start(tmp_path: Path) -> None:
    live = tmp_path / "live"
    live.mkdir()
    (live / "box.db-wal").write_bytes(b"orders that were acknowledged")
    with pytest.raises(Damaged):
        open_folder(settings_for(tmp_path))
    assert (live / "box.db-wal").exists()


def test_an_empty_live_file_beside_a_copy_is_refused_even_in_a_new_folder(made: Made) -> None:
    other = made.folder.with_name("other")
    (other / "live").mkdir(parents=True)
    (other / "live" / "box.db").touch()
    shutil.copy(made.published, other)
    with pytest.raises(Damaged, match="is empty"):
        open_folder(settings_for(other))


def test_an_empty_file_where_nothing_ever_was_is_a_first_start(tmp_path: Path) -> None:
    (tmp_path / "live").mkdir()
    (tmp_path / "live" / "box.db").touch()
    opened = open_folder(settings_for(tmp_path))
    opened.close()
    assert opened.created


# Copies that become the live file ----------------------------------------------------------------


@pytest.mark.parametrize("key", [None, KEY], ids=["plain", "encrypted"])
def test_the_published_file_alone_in_a_folder_is_used_and_marked_as_restored(
    tmp_path: Path, key: bytes | None
) -> None:
    made = make(tmp_path / "data", tmp_path, key)
    other = tmp_path / "new machine"
    other.mkdir()
    shutil.copy(made.published, other)
    opened = open_folder(settings_for(other, key_file=made.settings.storage.key_file))
    opened.close()
    assert not opened.created
    assert noted(opened.path, key) == NUMBERS
    assert str(read_once(opened.path, key, restored_at)).endswith("Z")
    assert copies.is_whole(other / "scriptrun-box.sqlite", key), "the copy itself is kept"


@pytest.mark.parametrize("key", [None, KEY], ids=["plain", "encrypted"])
def test_a_copy_laid_over_the_live_file_wins_against_the_stale_log_beside_it(
    tmp_path: Path, key: bytes | None
) -> None:
    made = make(tmp_path / "data", tmp_path, key)
    killed = connect_writer(made.live, key)  # as after kill -9: the log stays, unfolded
    killed.execute("DELETE FROM events WHERE subject_id < '2'")
    log = made.live.with_name("box.db-wal").read_bytes()
    assert log
    killed.close()
    made.live.with_name("box.db-wal").write_bytes(log)
    made.live.with_name("box.db-shm").write_bytes(bytes(32768))
    shutil.copy(made.published, made.live)

    reopen(made)

    assert noted(made.live, key) == NUMBERS
    assert restored(made) is not None
    assert copies.identify(made.live, key) == copies.Identity(
        migrate.LIVE_APPLICATION_ID, migrate.migrations()[-1].number
    )
    quarantine = next((made.folder / "live").glob("quarantine-*"))
    assert (quarantine / "box.db-wal").read_bytes() == log


def test_what_is_written_after_a_copy_was_laid_in_survives_kill_and_restart(made: Made) -> None:
    shutil.copy(made.published, made.live)
    reopen(made)
    writing = connect_writer(made.live)
    writing.execute("PRAGMA wal_autocheckpoint = 0")
    writing.execute("UPDATE events SET subject_id = '1000' WHERE subject_id = '0'")
    log = made.live.with_name("box.db-wal").read_bytes()
    main = made.live.read_bytes()
    writing.close()
    made.live.write_bytes(main)  # the moment before the close, as kill -9 leaves it
    made.live.with_name("box.db-wal").write_bytes(log)
    reopen(made)
    assert noted(made.live)[0] == 1000


def test_a_live_file_copied_by_hand_to_another_folder_counts_as_restored(made: Made) -> None:
    other = made.folder.with_name("other")
    (other / "live").mkdir(parents=True)
    shutil.copy(made.live, other / "live")
    opened = open_folder(settings_for(other))
    opened.close()
    assert read_once(opened.path, None, restored_at) == "unknown"
    run_once(opened.path, None, settle_restored)
    open_folder(settings_for(other)).close()
    assert read_once(opened.path, None, restored_at) is None


def test_an_ordinary_restart_is_not_taken_for_a_restore(made: Made) -> None:
    reopen(made)
    assert restored(made) is None


def test_leftovers_of_a_killed_process_are_swept(made: Made) -> None:
    left = [copies.incoming(path) for path in (made.live, made.published)]
    left.append(left[0].with_name(left[0].name + "-wal"))
    for path in left:
        path.write_bytes(b"half")
    reopen(made)
    assert not any(path.exists() for path in left)


@pytest.mark.parametrize("key", [None, KEY], ids=["plain", "encrypted"])
def test_a_power_cut_amid_folding_the_log_leaves_a_file_that_opens(
    tmp_path: Path, key: bytes | None
) -> None:
    made = make(tmp_path / "data", tmp_path, key)
    old_size, log = made.live.stat().st_size, made.live.with_name("box.db-wal")
    writing = connect_writer(made.live, key)
    writing.execute("PRAGMA wal_autocheckpoint = 0")
    writing.execute("CREATE TABLE grown AS SELECT randomblob(500) FROM events")
    kept = log.read_bytes()
    writing.close()
    folded = made.live.read_bytes()
    assert len(folded) > old_size
    made.live.write_bytes(folded[:old_size])  # the first pages are written, the last are not
    log.write_bytes(kept)
    reopen(made)
    assert noted(made.live, key) == NUMBERS
    assert copies.quick_check(connect(made.live, key, read_only=True)) is None


# Keys and strangers ------------------------------------------------------------------------------


def test_a_wrong_key_is_refused_with_78(tmp_path: Path) -> None:
    made = make(tmp_path / "data", tmp_path, KEY)
    wrong = settings_for(made.folder, key_file=key_file(tmp_path, bytes([9]) * 32))
    with pytest.raises(WrongKey, match="does not open") as refusal:
        open_folder(wrong)
    assert refusal.value.status == 78
    reopen(made)


def test_an_encrypted_file_without_a_key_is_refused_with_78(tmp_path: Path) -> None:
    made = make(tmp_path / "data", tmp_path, KEY)
    with pytest.raises(WrongKey, match="encrypted and no key is configured"):
        open_folder(settings_for(made.folder))


def test_a_plain_file_with_a_key_configured_is_refused_with_78(tmp_path: Path, made: Made) -> None:
    with pytest.raises(WrongKey, match="not encrypted, yet a key is configured"):
        open_folder(settings_for(made.folder, key_file=key_file(tmp_path)))


def test_an_encrypted_box_shows_no_word_of_it_in_any_file(tmp_path: Path) -> None:
    made = make(tmp_path / "data", tmp_path, KEY)
    writing = connect_writer(made.live, KEY)
    writing.execute("UPDATE events SET subject_id = ?", (CANARY,))
    for path in made.folder.rglob("*"):
        assert path.is_dir() or CANARY.encode() not in path.read_bytes()
        assert path.is_dir() or b"SQLite format 3" not in path.read_bytes()
    writing.close()


def test_a_stranger_among_databases_is_refused(made: Made) -> None:
    made.live.unlink()
    stranger = sqlite3.connect(made.live)
    stranger.execute("CREATE TABLE t (x)")
    stranger.close()
    with pytest.raises(Damaged):
        reopen(made)


@pytest.mark.parametrize("laid_in", ["live", "copy"])
def test_a_file_of_a_newer_version_is_refused_with_78_and_left_alone(
    made: Made, laid_in: str
) -> None:
    if laid_in == "copy":
        shutil.copy(made.published, made.live)
    newer = connect(made.live)
    newer.execute("PRAGMA user_version = 9999")
    newer.close()
    before = made.live.read_bytes()
    with pytest.raises(NewerFile, match="9999") as refusal:
        reopen(made)
    assert refusal.value.status == 78
    assert made.live.read_bytes() == before


# Migrations --------------------------------------------------------------------------------------

STEP = "CREATE TABLE added (x INTEGER) STRICT; INSERT INTO added SELECT seq FROM events;"


def with_step(monkeypatch: pytest.MonkeyPatch, sql: str = STEP) -> int:
    """As if this program knew one migration more."""
    steps = migrate.migrations()
    number = steps[-1].number + 1
    steps.append(migrate.Migration(number, "added", sql))
    monkeypatch.setattr(migrate, "migrations", lambda: steps)
    return number


def test_a_migration_is_preceded_by_a_checked_copy_of_the_old_file(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = with_step(monkeypatch)
    opened = open_folder(made.settings)
    opened.close()
    assert opened.steps == ["added"]
    assert read_once(opened.path, None, rows_added) == len(NUMBERS)
    before = next(opened.folder.live.glob(f"before-{number - 1}-*.sqlite"))
    assert before.stat().st_mode & 0o777 == 0o600
    assert noted(before) == NUMBERS
    assert all(check.ok for check in copies.verify_file(before, None))
    assert read_once(before, None, schema) == number - 1


def rows_added(r: Reader) -> int:
    return int(r.value("SELECT count(*) FROM added"))


def schema(r: Reader) -> int:
    return migrate.version(r.connection)


def test_without_room_for_that_copy_nothing_is_migrated(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = with_step(monkeypatch)
    huge = settings_for(made.folder, storage={"min_free_mb": 10**9})
    with pytest.raises(NoRoom) as refusal:
        open_folder(huge)
    assert refusal.value.status == 78
    assert read_once(made.live, None, schema) == number - 1


def test_only_the_newest_copies_before_migrations_are_kept(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = made.folder / "live"
    for day in range(1, 6):
        old = live / f"before-0-2025010{day}T000000Z.sqlite"
        old.write_bytes(b"old")
        os.utime(old, (day, day))
    with_step(monkeypatch)
    open_folder(settings_for(made.folder, copies={"keep": 2})).close()
    names = sorted(path.name for path in live.glob("before-*"))
    assert names[0] == "before-0-20250105T000000Z.sqlite"
    assert len(names) == 2


MIGRATING = """
import sys
from pathlib import Path
from scriptrun_box.kernel import migrate
from scriptrun_box.kernel.opening import open_folder
from tests.boxes import settings_for
steps = migrate.migrations()
grow = "INSERT INTO added SELECT e.seq FROM events e, events f;"
sql = "CREATE TABLE added (x INTEGER) STRICT;" + grow * 8
steps.append(migrate.Migration(steps[-1].number + 1, "added", sql))
migrate.migrations = lambda: steps
print("go", flush=True)
open_folder(settings_for(Path(sys.argv[1])))
print("done", flush=True)
"""


def test_a_migration_killed_at_any_point_leaves_the_old_file_or_the_new_one(made: Made) -> None:
    old, seen = migrate.migrations()[-1].number, set()
    for delay in (0.02, 0.06, 0.12, 0.2, 10):
        child = python(MIGRATING, made.folder)
        assert child.stdout is not None
        assert child.stdout.readline() == "go\n"
        if delay < 10:
            time.sleep(delay)
            child.kill()
        child.communicate()
        version = read_once(made.live, None, schema)
        seen.add(version)
        rows = read_once(made.live, None, rows_added) if version > old else None
        assert rows in (None, 8 * len(NUMBERS) ** 2)
        assert noted(made.live) == NUMBERS
    assert seen == {old, old + 1}


# Short verbs -------------------------------------------------------------------------------------


def test_a_short_verb_works_with_and_without_a_running_box(made: Made) -> None:
    with at_hand(made.settings) as (path, key):
        run_once(path, key, note, 301)
    opened = open_folder(made.settings)
    with at_hand(made.settings) as (path, key):
        run_once(path, key, note, 302)
    opened.close()
    assert noted(made.live)[-2:] == [301, 302]


def test_a_short_verb_in_an_empty_folder_makes_nothing(tmp_path: Path) -> None:
    with pytest.raises(NoBox, match="scriptrun-box init"), at_hand(settings_for(tmp_path / "x")):
        pass
    assert not (tmp_path / "x").exists()
