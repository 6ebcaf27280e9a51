"""The data folder: its layout, its lock, the key, and where it refuses to lie."""

import os
import stat
import time
from pathlib import Path

import pytest

from scriptrun_box.kernel.file_errors import (
    AlreadyRunning,
    NetworkFolder,
    NoRights,
    WrongKey,
)
from scriptrun_box.kernel.folder import DataFolder, file_system, read_key
from scriptrun_box.kernel.opening import open_folder
from tests.boxes import KEY, python, settings_for

HOLD = """
import sys
from pathlib import Path
from scriptrun_box.kernel.opening import open_folder
from tests.boxes import settings_for
opened = open_folder(settings_for(Path(sys.argv[1])))
print("open", flush=True)
sys.stdin.read()
"""
AS_ANOTHER_USER = """
import os, sys
from pathlib import Path
from scriptrun_box.kernel.file_errors import CannotUse
from scriptrun_box.kernel.opening import open_folder
from tests.boxes import settings_for
settings = settings_for(Path(sys.argv[1]))
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
try:
    open_folder(settings)
except CannotUse as error:
    print(type(error).__name__, error.status, error.sentence)
"""


def test_the_first_start_lays_out_a_folder_for_its_owner_alone(tmp_path: Path) -> None:
    opened = open_folder(settings_for(tmp_path / "data"))
    opened.close()
    assert opened.created
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == ["README.txt", "live"]
    assert sorted(path.name for path in opened.folder.live.iterdir()) == [
        "box.db",
        "instance",
        "lock",
    ]
    assert "scriptrun-box.sqlite" in (tmp_path / "data" / "README.txt").read_text()
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in opened.folder.live.iterdir()}
    assert modes == {"box.db": 0o600, "instance": 0o600, "lock": 0o600}
    assert stat.S_IMODE(opened.folder.live.stat().st_mode) == 0o700


def test_a_second_start_finds_what_the_first_one_made(tmp_path: Path) -> None:
    open_folder(settings_for(tmp_path)).close()
    mark = (tmp_path / "live" / "instance").read_text()
    opened = open_folder(settings_for(tmp_path))
    opened.close()
    assert not opened.created
    assert opened.checked
    assert opened.folder.mark.read_text() == mark


def test_a_live_folder_open_to_others_is_closed_to_them(tmp_path: Path) -> None:
    open_folder(settings_for(tmp_path)).close()
    (tmp_path / "live").chmod(0o755)
    open_folder(settings_for(tmp_path)).close()
    assert stat.S_IMODE((tmp_path / "live").stat().st_mode) == 0o700


def test_a_second_process_is_refused_with_75_within_two_seconds(tmp_path: Path) -> None:
    first = python(HOLD, tmp_path)
    try:
        assert first.stdout is not None
        assert first.stdout.readline() == "open\n"
        began = time.monotonic()
        with pytest.raises(AlreadyRunning) as refusal:
            open_folder(settings_for(tmp_path))
        assert time.monotonic() - began < 2
        assert refusal.value.status == 75
        assert refusal.value.sentence == f"Another scriptrun-box is running on {tmp_path}."
    finally:
        first.kill()
        first.communicate()
    open_folder(settings_for(tmp_path)).close()  # a killed process leaves no lock behind


@pytest.mark.parametrize("part", ["folder", "live"])
def test_a_folder_that_cannot_be_written_is_refused_with_78(
    tmp_path_factory: pytest.TempPathFactory, part: str
) -> None:
    base = tmp_path_factory.mktemp("other")
    for parent in (base, base.parent):
        parent.chmod(0o755)
    if not os.access(base.parent.parent, os.X_OK) or os.stat(base.parent.parent).st_mode & 1 == 0:
        base.parent.parent.chmod(0o711)
    data = base / "data"
    open_folder(settings_for(data)).close()
    locked = data if part == "folder" else data / "live"
    data.chmod(0o777)
    locked.chmod(0o500 if os.geteuid() else 0o700 if part == "live" else 0o555)
    try:
        child = python(AS_ANOTHER_USER, data)
        out, err = child.communicate(timeout=10)
    finally:
        locked.chmod(0o700)
    assert out.startswith("NoRights 78 "), err
    assert str(data) in out
    assert "cannot be written" in out


def test_a_live_file_of_another_user_is_refused(tmp_path: Path) -> None:
    open_folder(settings_for(tmp_path)).close()
    if os.geteuid() == 0:
        pytest.skip("root may write every file; the folder test above runs as another user")
    (tmp_path / "live" / "box.db").chmod(0o400)
    with pytest.raises(NoRights):
        open_folder(settings_for(tmp_path))


def test_a_network_file_system_is_refused_for_the_live_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounts = tmp_path / "mounts"
    share = str(tmp_path / "a share").replace(" ", "\\040")
    for kind in ("nfs4", "cifs", "fuse.sshfs"):
        mounts.write_text(f"/dev/vda / ext4 rw 0 0\nserver:/x {share} {kind} rw 0 0\n")
        monkeypatch.setattr("scriptrun_box.kernel.folder.file_system", _reading(mounts))
        with pytest.raises(NetworkFolder) as refusal:
            DataFolder(tmp_path / "a share" / "data").make()
        assert refusal.value.status == 78
        assert kind in refusal.value.sentence
        assert not (tmp_path / "a share").exists()
        DataFolder(tmp_path / "local").make()


def _reading(mounts: Path) -> object:
    return lambda path: file_system(path, mounts)


def test_the_file_system_of_a_folder_is_that_of_the_nearest_mount(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text("a / ext4 rw 0 0\nb /srv nfs rw 0 0\nc /srv/box xfs rw 0 0\n")
    kinds = [file_system(Path(p), mounts) for p in ("/srv/box/live", "/srv/boxes", "/home")]
    assert kinds == ["xfs", "nfs", "ext4"]
    assert file_system(Path("/srv"), tmp_path / "no mounts told") == ""


def test_a_key_is_read_raw_or_in_hexadecimal_or_as_a_credential(tmp_path: Path) -> None:
    raw, written, credentials = tmp_path / "raw", tmp_path / "hex", tmp_path / "credentials"
    raw.write_bytes(KEY)
    written.write_text(KEY.hex() + "\n")
    credentials.mkdir()
    (credentials / "db.key").write_bytes(KEY)
    environ = {"CREDENTIALS_DIRECTORY": str(credentials)}
    assert read_key(settings_for(tmp_path, key_file=raw), {}) == KEY
    assert read_key(settings_for(tmp_path, key_file=written), {}) == KEY
    assert read_key(settings_for(tmp_path), environ) == KEY
    assert read_key(settings_for(tmp_path), {}) is None
    assert read_key(settings_for(tmp_path), {"CREDENTIALS_DIRECTORY": str(tmp_path)}) is None


@pytest.mark.parametrize("content", [b"", b"too short", b"z" * 64, bytes(33), None])
def test_a_key_that_cannot_be_used_is_refused_and_never_ignored(
    tmp_path: Path, content: bytes | None
) -> None:
    if content is not None:
        (tmp_path / "bad.key").write_bytes(content)
    with pytest.raises(WrongKey) as refusal:
        open_folder(settings_for(tmp_path / "data", key_file=tmp_path / "bad.key"))
    assert refusal.value.status == 78
    assert not (tmp_path / "data").exists()
