"""Looks at patients outlive a write that fails: the audit has them as soon as one succeeds."""

from typing import Any

import pytest
from starlette.applications import Starlette

from scriptrun_box import app as composition
from scriptrun_box.kernel.db import Reader
from scriptrun_box.kernel.errors import DiskFull
from scriptrun_box.kernel.scope import BOX

pytestmark = pytest.mark.anyio


def looks(r: Reader) -> list[str]:
    rows = r.all("SELECT subject FROM audit WHERE act = 'patient.seen' ORDER BY seq")
    return [row["subject"] for row in rows]


def no_room(*_: Any) -> None:
    raise DiskFull()


async def test_looks_whose_write_failed_are_written_with_the_next_and_in_order(
    app: Starlette, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = app.state.box
    box.looks.add("ten_1", BOX, "patient.seen", "first")
    with monkeypatch.context() as full:
        full.setattr(composition, "_write_uses", no_room)
        with pytest.raises(DiskFull):
            await composition._write_behind(app)
    assert await box.db.read(looks) == []
    box.looks.add("ten_1", BOX, "patient.seen", "second")
    await composition._write_behind(app)
    assert await box.db.read(looks) == ["first", "second"]
