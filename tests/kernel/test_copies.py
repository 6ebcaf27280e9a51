"""Copies made for people, what `verify` finds in a file, and `restore` putting one back."""

import shutil
import stat
from pathlib import Path

import pytest

from scriptrun_box.kernel import copies, migrate
from scriptrun_box.kernel.copies import backup_to, verify_file
from scriptrun_box.kernel.db import connect, connect_writer, read_once, run_once
from scriptrun_box.kernel.file_errors import (
    AlreadyRunning,
    Damaged,
    NewerFile,
    NoRights,
    NoRoom,
    WrongKey,
)
from scriptrun_box.kernel.folder import DataFolder
from scriptrun_box.kernel.opening import Opened, open_folder
from scriptrun_box.kernel.restoring import restore, restored_at
from tests.boxes import CANARY, KEY, key_file, note, noted, settings_for

NUMBERS = list(range(200))


def opened_box(tmp_path: Path, key: bytes | None = None) -> Opened:
    """A running box with rows, some of them only in its write-ahead log."""
    file = key_file(tmp_path, key) if key else None
    opened = open_folder(settings_for(tmp_path / "data", key_file=file))
    run_once(opened.path, key, note, *NUMBERS)
    return opened


def failed(path: Path, key: bytes | None = None) -> set[str]:
    return {check.name for check in verify_file(path, key) if not check.ok}


# backup FILE -------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [None, KEY], ids=["plain", "encrypted"])
def test_a_backup_of_a_running_box_is_one_whole_file_for_its_owner_alone(
    tmp_path: Path, key: bytes | None
) -> None:
    opened = opened_box(tmp_path, key)
    writing = connect_writer(opened.path, key)
    writing.execute("UPDATE events SET subject_id = '1000' WHERE subject_id = '0'")  # in the log
    target = tmp_path / "usb" / "monday.sqlite"
    target.parent.mkdir()
    facts = backup_to(opened.path, key, target)
    writing.close()
    opened.close()
    assert [path.name for path in target.parent.iterdir()] == ["monday.sqlite"]
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert noted(target, key) == [1000, *NUMBERS[1:]]
    assert failed(target, key) == set()
    assert facts.event_seq == len(NUMBERS)
    assert facts.size_bytes == target.stat().st_size
    assert facts.published_at


def test_a_copy_is_a_file_in_rollback_mode_that_any_sqlite_opens(tmp_path: Path) -> None:
    opened = opened_box(tmp_path)
    backup_to(opened.path, None, tmp_path / "copy.sqlite")
    opened.close()
    head = (tmp_path / "copy.sqlite").read_bytes()[:100]
    assert head[18:20] == b"\x01\x01"
    assert int.from_bytes(head[68:72]) == migrate.COPY_APPLICATION_ID


def test_a_backup_over_an_older_one_replaces_it_and_over_the_live_file_is_refused(
    tmp_path: Path,
) -> None:
    opened = opened_box(tmp_path)
    target = tmp_path / "copy.sqlite"
    backup_to(opened.path, None, target)
    run_once(opened.path, None, note, 500)
    backup_to(opened.path, None, target)
    assert noted(target)[-1] == 500
    with pytest.raises(NoRights, match="the live file itself"):
        backup_to(opened.path, None, opened.path)
    with pytest.raises(NoRights, match="is a folder"):
        backup_to(opened.path, None, tmp_path)
    with pytest.raises(NoRights, match="cannot be written"):
        backup_to(opened.path, None, tmp_path / "nowhere" / "copy.sqlite")
    opened.close()


def test_a_backup_of_a_damaged_file_leaves_the_older_backup_alone(tmp_path: Path) -> None:
    opened = opened_box(tmp_path)
    opened.close()
    target = tmp_path / "copy.sqlite"
    backup_to(opened.path, None, target)
    content = bytearray(opened.path.read_bytes())
    content[40 * 4096 : 41 * 4096] = bytes(4096)
    opened.path.write_bytes(content)
    with pytest.raises(Damaged):
        backup_to(opened.path, None, target)
    assert failed(target) == set()
    assert not copies.incoming(target).exists()


def test_an_encrypted_backup_shows_no_text_and_needs_the_same_key(tmp_path: Path) -> None:
    opened = opened_box(tmp_path, KEY)
    target = tmp_path / "copy.sqlite"
    backup_to(opened.path, KEY, target)
    opened.close()
    assert CANARY.encode() not in target.read_bytes()
    assert b"SQLite format 3" not in target.read_bytes()
    assert failed(target, None) == {"opens"}
    assert failed(target, bytes(32)) == {"opens"}
    assert failed(target, KEY) == set()


# verify ------------------------------------------------------------------------------------------


def test_verify_names_each_thing_it_looked_at(tmp_path: Path) -> None:
    opened = opened_box(tmp_path)
    checks = verify_file(opened.path, None)
    opened.close()
    assert [check.name for check in checks] == [
        "opens",
        "application_id",
        "schema",
        "integrity_check",
        "foreign_key_check",
        "audit_chain",
    ]
    assert all(check.ok for check in checks)


def test_verify_names_the_audit_row_that_was_changed(tmp_path: Path) -> None:
    opened = opened_box(tmp_path)
    opened.close()
    content = opened.path.read_bytes()
    changed = content.replace(b"boxnote17{}", b"bobnote17{}", 1)
    assert changed != content
    opened.path.write_bytes(changed)
    wrong = [check for check in verify_file(opened.path, None) if not check.ok]
    assert [(check.name, check.detail) for check in wrong] == [
        ("audit_chain", "row 18 was changed")
    ]


def test_verify_finds_rows_that_point_nowhere_and_pages_that_are_gone(tmp_path: Path) -> None:
    opened = opened_box(tmp_path)
    opened.close()
    broken = connect(opened.path)
    broken.execute("PRAGMA foreign_keys = OFF")
    broken.execute(
        "INSERT INTO locations (id, tenant_id, name, address, time_zone, created_at)"
        " VALUES ('l', 'no such tenant', 'n', '', 'UTC', 1)"
    )
    broken.close()
    assert failed(opened.path) == {"foreign_key_check"}
    content = bytearray(opened.path.read_bytes())
    content[40 * 4096 : 41 * 4096] = bytes(4096)
    opened.path.write_bytes(content)
    assert failed(opened.path) >= {"integrity_check"}
    assert failed(tmp_path / "no such file") == {"opens"}


# restore FILE ------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [None, KEY], ids=["plain", "encrypted"])
def test_restore_swaps_the_file_keeps_the_old_one_and_counts(
    tmp_path: Path, key: bytes | None
) -> None:
    opened = opened_box(tmp_path, key)
    copy = tmp_path / "copy.sqlite"
    facts = backup_to(opened.path, key, copy)
    run_once(opened.path, key, note, 500)
    backup_to(opened.path, key, opened.folder.published)
    opened.close()

    done = restore(opened.folder, copy, key)

    assert noted(opened.path, key) == NUMBERS
    assert done.copied_at == facts.published_at
    assert done.counts["events"] == len(NUMBERS)
    assert "package_search_data" not in done.counts
    assert done.kept_aside is not None
    assert noted(done.kept_aside, key)[-1] == 500
    kept_copy = next(opened.folder.live.glob("replaced-*-published.sqlite"))
    assert noted(kept_copy, key)[-1] == 500, "it will be published over, and may be all there is"
    again = open_folder(settings_for(opened.folder.path, key_file=_key_of(tmp_path, key)))
    again.close()
    assert read_once(opened.path, key, restored_at) is not None
    assert failed(copy, key) == set()


def _key_of(tmp_path: Path, key: bytes | None) -> Path | None:
    return key_file(tmp_path, key) if key else None


def test_restore_needs_no_box_in_the_folder(tmp_path: Path) -> None:
    opened = opened_box(tmp_path)
    backup_to(opened.path, None, tmp_path / "copy.sqlite")
    opened.close()
    done = restore(DataFolder(tmp_path / "fresh"), tmp_path / "copy.sqlite", None)
    assert done.kept_aside is None
    again = open_folder(settings_for(tmp_path / "fresh"))
    again.close()
    assert not again.created
    assert noted(again.path) == NUMBERS


def test_restore_from_the_published_copy_answers_a_damaged_or_missing_live_file(
    tmp_path: Path,
) -> None:
    opened = opened_box(tmp_path)
    backup_to(opened.path, None, opened.folder.published)
    opened.close()
    opened.path.write_bytes(opened.path.read_bytes()[:10_000])
    opened.path.with_name("box.db-wal").write_bytes(b"what is left of a log")
    done = restore(opened.folder, opened.folder.published, None)
    assert noted(opened.path) == NUMBERS
    assert done.kept_aside is not None
    assert done.kept_aside.stat().st_size == 10_000
    assert done.kept_aside.with_name(done.kept_aside.name + "-wal").exists()
    opened.path.unlink()
    restore(opened.folder, opened.folder.published, None)
    assert noted(opened.path) == NUMBERS


def test_restore_refuses_and_touches_nothing(tmp_path: Path) -> None:
    opened = opened_box(tmp_path)
    good, bad, newer = (tmp_path / f"{name}.sqlite" for name in ("good", "bad", "newer"))
    backup_to(opened.path, None, good)
    content = bytearray(good.read_bytes())
    content[40 * 4096 : 41 * 4096] = bytes(4096)
    bad.write_bytes(content)
    shutil.copy(good, newer)
    ahead = connect(newer)
    ahead.execute("PRAGMA user_version = 9999")
    ahead.close()
    with pytest.raises(AlreadyRunning):
        restore(opened.folder, good, None)
    opened.close()
    before = {path: path.read_bytes() for path in opened.folder.live.iterdir()}
    with pytest.raises(Damaged, match="was not restored"):
        restore(opened.folder, bad, None)
    with pytest.raises(NewerFile):
        restore(opened.folder, newer, None)
    with pytest.raises(Damaged, match="There is no file"):
        restore(opened.folder, tmp_path / "none.sqlite", None)
    with pytest.raises(WrongKey):
        restore(opened.folder, good, KEY)
    with pytest.raises(NoRoom):
        restore(opened.folder, good, None, min_free_mb=10**9)
    assert {path: path.read_bytes() for path in opened.folder.live.iterdir()} == before
