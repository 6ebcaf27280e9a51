"""Data folders for tests: settings, rows to put in, and what a file holds."""

import subprocess
import sys
from pathlib import Path
from typing import Any

from scriptrun_box.kernel import audit, outbox
from scriptrun_box.kernel.config import Settings
from scriptrun_box.kernel.db import Reader, Writer, read_once
from scriptrun_box.kernel.scope import BOX, Scope

CANARY = "ZZCANARYNAME7"
KEY = bytes(range(32))


def settings_for(folder: Path, *, key_file: Path | None = None, **sections: Any) -> Settings:
    """Settings of a box in `folder` that never finds the disk too full."""
    storage = {"folder": folder, "key_file": key_file, "min_free_mb": 0}
    storage |= sections.pop("storage", {})
    return Settings.model_validate({"storage": storage, **sections})


def key_file(folder: Path, key: bytes = KEY) -> Path:
    """A key file beside, never in, a data folder."""
    path = folder / f"{key[0]:02x}.key"
    path.write_text(key.hex())
    return path


def note(w: Writer, *numbers: int) -> None:
    """One event and one audit row for each number, as any action of the product writes them."""
    for number in numbers:
        audit.record(w, "ten_1", BOX, "note", str(number))
    facts = [(str(number), {"name": CANARY, "filler": "x" * 500}) for number in numbers]
    outbox.append_many(w, Scope("ten_1"), "package.created", facts)


def noted(path: Path, key: bytes | None = None) -> list[int]:
    """The numbers noted in a file."""
    return read_once(path, key, _noted)


def _noted(r: Reader) -> list[int]:
    return [int(row["subject_id"]) for row in r.all("SELECT subject_id FROM events ORDER BY seq")]


def python(code: str, *args: object) -> "subprocess.Popen[str]":
    """Another process of this Python, running `code`; kill and wait for it yourself."""
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, args)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
