"""What must not be in the repository: a machine's folders, a registry's address, a secret."""

import re
from pathlib import Path

import pytest

from .source import ROOT, tracked

MAX_BYTES = 2_000_000
FOLDER = re.compile(r"(?<![\w.~$}])/(work|root|home/\w+|Users/\w+|tmp/w)/[\w.]")
REGISTRY = re.compile(
    r"index-url|extra-index|find-links|(?m:^ *registry *= *https?:)|https?://[^\s\"'`)]*"
    r"(pypi|pythonhosted|npmjs|artifactory|nexus|devpi|/simple/|proxy\.golang)",
    re.IGNORECASE,
)
SECRET = re.compile(
    r"sk_(live|test)_[A-Za-z0-9_-]{20,}|whsec_[A-Za-z0-9+/]{40,}|AKIA[0-9A-Z]{16}|gh[pousr]_\w{30,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----\n"
)
ITSELF = Path(__file__)


def _texts() -> list[tuple[str, str]]:
    found = []
    for path in tracked():
        if path == ITSELF or path.stat().st_size > MAX_BYTES:
            continue
        try:
            found.append((path.relative_to(ROOT).as_posix(), path.read_text("utf-8")))
        except UnicodeDecodeError:
            continue
    return found


@pytest.mark.parametrize(
    "forbidden", [FOLDER, REGISTRY, SECRET], ids=["folder", "registry", "secret"]
)
def test_no_tracked_file_tells_of_the_machine_it_was_made_on(forbidden: re.Pattern[str]) -> None:
    found = [
        f"{name}:{text.count(chr(10), 0, match.start()) + 1} {match[0][:24]}"
        for name, text in _texts()
        for match in forbidden.finditer(text)
    ]
    assert found == []


def test_what_a_box_leaves_on_disk_is_never_tracked() -> None:
    names = [path.name for path in tracked()]
    made = (".sqlite", ".db", "-wal", "-shm", ".key", ".pem", ".crt", ".pyc")
    assert [name for name in names if name.endswith(made)] == []


@pytest.mark.parametrize(
    ("text", "forbidden"),
    [
        ("cd /root/checkout", FOLDER),
        ("see /home/maria/box", FOLDER),
        ("pip install --index-url http://10.0.0.5/simple/ x", REGISTRY),
        ("X-API-Key: sk_live_" + "a" * 43, SECRET),
    ],
)
def test_the_rule_knows_a_leak_when_it_sees_one(text: str, forbidden: re.Pattern[str]) -> None:
    assert forbidden.search(text)
