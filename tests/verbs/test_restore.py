"""backup, verify and restore as they are typed, and how each verb ends when the file is no good."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from scriptrun_box.cli import main
from scriptrun_box.kernel.db import run_once
from scriptrun_box.kernel.opening import open_folder
from tests.boxes import note, noted, settings_for


def typed(*words: object) -> Result:
    """What somebody sees who types this."""
    return CliRunner().invoke(main, [str(word) for word in words])


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of a box in which three things happened."""
    opened = open_folder(settings_for(tmp_path / "box"))
    run_once(opened.path, None, note, 1, 2, 3)
    opened.close()
    file = tmp_path / "copy.sqlite"
    assert typed("backup", file, "--data", tmp_path / "box").exit_code == 0
    return file


def test_a_copy_is_restored_into_a_fresh_folder_without_a_question(
    tmp_path: Path, copy: Path
) -> None:
    done = typed("restore", copy, "--data", tmp_path / "fresh", "--json")
    assert done.exit_code == 0
    told = json.loads(done.stdout)
    assert told["kept_aside"] is None
    assert told["counts"]["events"] == 3
    assert noted(tmp_path / "fresh" / "live" / "box.db") == [1, 2, 3]


def test_restore_says_what_it_did_and_that_old_events_are_held(tmp_path: Path, copy: Path) -> None:
    told = typed("restore", copy, "--data", tmp_path / "box").stdout
    assert "3 events" in told
    assert "The file before is kept as" in told
    assert "are held" in told


def test_restore_ends_with_1_on_a_damaged_copy_and_on_a_running_box(
    tmp_path: Path, copy: Path
) -> None:
    opened = open_folder(settings_for(tmp_path / "running"))
    refused = typed("restore", copy, "--data", tmp_path / "running")
    opened.close()
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert refused.stderr.startswith("scriptrun-box: Another scriptrun-box is running on")
    copy.write_bytes(copy.read_bytes()[:20_000] + bytes(5_000) + copy.read_bytes()[25_000:])
    refused = typed("restore", copy, "--data", tmp_path / "box")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "damaged and was not restored" in refused.stderr
    assert noted(tmp_path / "box" / "live" / "box.db") == [1, 2, 3]


def test_verify_finds_a_good_copy_whole_and_a_damaged_one_not(tmp_path: Path, copy: Path) -> None:
    told = json.loads(typed("verify", copy, "--json").stdout)
    assert told["ok"] is True
    assert {check["name"] for check in told["checks"]} >= {"integrity_check", "audit_chain"}
    copy.write_bytes(copy.read_bytes()[:4_096])
    damaged = typed("verify", copy, "--data", tmp_path / "box")
    assert damaged.exit_code == 1
    assert "Traceback" not in damaged.output


def test_serve_tells_whoever_started_it_why_it_cannot_run(tmp_path: Path) -> None:
    opened = open_folder(settings_for(tmp_path / "box"))
    assert typed("serve", "--data", tmp_path / "box").exit_code == 75
    opened.close()
    (tmp_path / "box" / "live" / "box.db").write_bytes(b"")
    assert typed("serve", "--data", tmp_path / "box").exit_code == 79
    assert typed("doctor", "--data", tmp_path / "box").exit_code == 1
