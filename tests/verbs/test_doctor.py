"""doctor as it is typed: what it says of a box, and how it ends."""

import json
import time
from pathlib import Path

import pytest
import time_machine

from tests.verbs.test_restore import typed

DAY_SECONDS = 86_400
NETWORK_ENDS = (
    (0, "", True),
    (760, "days: type scriptrun-box tls init", True),
    (900, " 0 ", False),
)


@pytest.mark.parametrize(("days", "words", "healthy"), NETWORK_ENDS)
def test_a_certificate_near_its_end_is_named_and_one_behind_it_is_grave(
    tmp_path: Path, days: int, words: str, healthy: bool
) -> None:
    assert typed("tenant", "create", "--name", "Corner Drug", "--data", tmp_path).exit_code == 0
    assert typed("tls", "init", "--data", tmp_path).exit_code == 0
    with time_machine.travel(time.time() + days * DAY_SECONDS, tick=False):
        done = typed("doctor", "--json", "--data", tmp_path)
    (network,) = (each for each in json.loads(done.stdout)["checks"] if each["name"] == "network")
    assert network["ok"] is (not words)
    assert words in network["message"]
    assert (done.exit_code == 0) is healthy
