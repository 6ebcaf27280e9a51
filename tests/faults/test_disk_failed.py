"""A disk that answers with an error while the box opens: one sentence and 75, to be tried again."""

from pathlib import Path

import pytest

from tests.live.server import box
from tests.programs import need

from .disk_errors import TRY_AGAIN, Faulty
from .load import PLAN, ended


@pytest.mark.parametrize("write", [2, 23], ids=["at its first look", "once it is open"])
def test_a_start_that_meets_a_disk_error_says_so_and_may_be_tried_again(
    tmp_path: Path, write: int
) -> None:
    need("strace")
    with box(tmp_path / "data") as sound:
        sound.init(*PLAN)
    faulty = Faulty(tmp_path / "data")
    faulty.fault = f"pwrite64:error=ENOSPC:when={write}..{write + 12}"
    try:
        faulty.start(wait=False)
        assert ended(faulty) == TRY_AGAIN
    finally:
        faulty.end()
    assert "scriptrun-box: The disk of the data folder answered with an error" in faulty.said()
