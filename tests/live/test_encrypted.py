"""A box with a key file: encrypted from the first day, and of no use without its key."""

import subprocess
from pathlib import Path

import pytest

from tests.boxes import key_file

from .server import CANARY_WORDS, PATIENCE_SECONDS, Box, batch, box

CANNOT_START = 78
OTHER_KEY = bytes(range(1, 33))


def readable(folder: Path) -> list[tuple[str, str]]:
    """The files under a folder in which a canary or SQLite's own head can be read."""
    words = [word.encode() for word in (*CANARY_WORDS, "corner drug", "sqlite format 3")]
    found = []
    for file in (each for each in folder.rglob("*") if each.is_file()):
        content = file.read_bytes().lower()
        found += [(file.name, word.decode()) for word in words if word in content]
    return found


@pytest.fixture(scope="module")
def encrypted(tmp_path_factory: pytest.TempPathFactory) -> Box:
    """A stopped, encrypted box that took in orders."""
    folder = tmp_path_factory.mktemp("encrypted")
    with box(folder / "data", STORAGE__KEY_FILE=str(key_file(folder))) as made:
        key = made.init()
        made.start()
        with made.client(key) as client:
            for _ in range(5):
                assert client.post("/api/webhook/orders", json=batch()).status_code == 200
            assert readable(made.folder) == [], "while it runs"
            shown = client.get("/api/packages").json()["data"]
            assert shown[0]["patient_name"] == batch()["orders"][0]["patient_name"]
        assert made.stop() == 0
        return made


def test_no_file_of_the_folder_can_be_read_without_the_key(encrypted: Box) -> None:
    files = {each.name for each in encrypted.folder.rglob("*") if each.is_file()}
    assert {"box.db", "scriptrun-box.sqlite"} <= files
    assert readable(encrypted.folder) == []


@pytest.mark.parametrize("given", ["another key", "no key", "a missing file"])
def test_without_the_right_key_it_does_not_start(
    encrypted: Box, tmp_path: Path, given: str
) -> None:
    before = (encrypted.folder / "live" / "box.db").read_bytes()
    env = {
        "another key": {"STORAGE__KEY_FILE": str(key_file(tmp_path, OTHER_KEY))},
        "no key": {},
        "a missing file": {"STORAGE__KEY_FILE": str(tmp_path / "gone.key")},
    }[given]
    wrong = Box(encrypted.folder, env)
    done = subprocess.run(
        wrong.command("serve"),
        env=wrong._environ(),
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert done.returncode == CANNOT_START
    (sentence,) = done.stderr.strip().splitlines()
    assert sentence.startswith("scriptrun-box: ") and "key" in sentence
    assert (encrypted.folder / "live" / "box.db").read_bytes() == before


def test_with_it_everything_is_there(encrypted: Box) -> None:
    encrypted.start()
    try:
        key = encrypted.cli("key", "create", "--name", "another")
        with encrypted.client(key) as client:
            assert len(client.get("/api/packages").json()["data"]) == 5
        assert encrypted.stop() == 0
    finally:
        encrypted.end()
