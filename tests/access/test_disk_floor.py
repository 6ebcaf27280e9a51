"""Below the disk's floor no program changes anything, and every program goes on reading."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from scriptrun_box.kernel.disk import Disk

from .people import Scene, changed
from .table import API, Row

pytestmark = pytest.mark.anyio
MORE_THAN_THERE_IS_MB = 10**9


@pytest.fixture
def low(box: Scene, tmp_path: Path) -> Iterator[None]:
    """The disk has less room than the owner wants to keep."""
    state = box.app.state.box
    usual, state.disk = state.disk, Disk(tmp_path, MORE_THAN_THERE_IS_MB)
    yield
    state.disk = usual


@pytest.mark.usefixtures("low")
@pytest.mark.parametrize("row", API, ids=str)
async def test_a_program_reads_and_is_refused_to_write(scene: Scene, row: Row) -> None:
    caller = await scene.caller(row, "sandbox key")
    subject = await scene.subject(row.subject, caller.scope)
    before = await scene.everything()
    answer = await scene.call(row, caller, subject)
    if not row.changes:
        assert answer.status == row.ok
        return
    assert (answer.status, answer.code) == (507, "disk_full")
    assert int(answer.headers["retry-after"]) >= 1
    assert changed(before, await scene.everything()) == []
