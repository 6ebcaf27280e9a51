"""The systemd unit: what the install page promises of it, and what systemd itself thinks of it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.programs import need

UNIT = Path(__file__).parents[2] / "systemd" / "scriptrun-box.service"
MAX_EXPOSURE = 1.6  # of 10; a bare unit has 9.6


def lines() -> dict[str, list[str]]:
    """Each setting with its values, comments left out."""
    found: dict[str, list[str]] = {}
    for line in UNIT.read_text("utf-8").splitlines():
        match = re.fullmatch(r"(\w+)=(.*)", line)
        if match:
            found.setdefault(match[1], []).append(match[2])
    return found


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("Type", "notify"),
        ("WatchdogSec", "30"),
        ("User", "scriptrun-box"),
        ("StateDirectory", "scriptrun-box scriptrun-box/tmp"),
        ("Environment", "TMPDIR=/var/lib/scriptrun-box/tmp"),
        ("UMask", "0077"),
        ("MemoryMax", "1G"),
        ("LimitNOFILE", "16384"),
        ("LimitCORE", "0"),
        ("TimeoutStopSec", "20"),
        ("Restart", "on-failure"),
        ("RestartPreventExitStatus", "78 79"),
        ("CapabilityBoundingSet", ""),
        ("ProtectSystem", "strict"),
        ("PrivateUsers", "yes"),
        ("MemoryDenyWriteExecute", "yes"),
    ],
)
def test_the_unit_says_what_the_install_page_promises(setting, value):
    assert lines()[setting] == [value]


def test_the_unit_starts_the_verb_that_there_is():
    start = lines()["ExecStart"]
    assert start == ["/opt/scriptrun-box/bin/scriptrun-box serve --data /var/lib/scriptrun-box"]


def test_the_key_of_the_file_is_a_credential_and_off_until_somebody_makes_one():
    assert "LoadCredential" not in lines()
    assert "#LoadCredential=db.key:/etc/scriptrun-box/db.key" in UNIT.read_text("utf-8")


def test_systemd_finds_no_fault_in_the_unit(tmp_path):
    copy = tmp_path / UNIT.name
    text = UNIT.read_text("utf-8")
    copy.write_text(text.replace("/opt/scriptrun-box/bin/scriptrun-box", sys.executable))
    done = subprocess.run(
        [need("systemd-analyze"), "verify", copy], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_systemd_finds_the_unit_well_locked_up():
    command = [need("systemd-analyze"), "security", "--offline=true", "--no-pager", str(UNIT)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    exposure = re.search(r"Overall exposure level for \S+: ([0-9.]+)", done.stdout)
    assert exposure and float(exposure[1]) <= MAX_EXPOSURE
