"""The short form of each fault; those of kill -9, SIGTERM, a second server and R14 stand elsewhere.

Seconds are left to the long form: here the machine may be busy.
"""

from pathlib import Path

import pytest

from tests.programs import need

from . import bodies, clock_steps, disk_errors, full, hooks, refusals, simulated, slow
from .figures import Figure

SLOW_CLIENTS = 100
STEPS = 2  # of the clock: ahead and back
ADDRESSES = 12
SEEDS = 20
KILLS = 3  # while events are sent


def hold(figures: list[Figure]) -> None:
    """No promise is broken, but for how long it took."""
    assert figures
    assert [each for each in figures if not each.held and not each.timed] == []


@pytest.mark.parametrize(
    "fault", ["fsync,fdatasync:error=EIO:when=9..16", "pwrite64:error=ENOSPC:when=60..72"]
)
def test_a_disk_that_answers_with_errors_loses_nothing_acknowledged(
    tmp_path: Path, fault: str
) -> None:
    need("strace")
    seen = disk_errors.one_run(tmp_path / "data", fault)
    assert seen.refused, "the fault was met"
    assert (seen.lost, seen.doubled, seen.damaged) == (0, 0, False)
    assert seen.exit_status in ({disk_errors.TRY_AGAIN} if "EIO" in fault else {None, 75})


def test_at_the_limit_of_file_sizes_orders_are_refused_and_the_box_goes_on(tmp_path: Path) -> None:
    hold(full.file_limit(tmp_path / "data", pushes=60))


def test_a_folder_that_may_not_be_written_is_refused_with_78_and_one_sentence(
    tmp_path: Path,
) -> None:
    hold(refusals.read_only(tmp_path))


def test_a_box_killed_while_receivers_fail_half_the_time_loses_no_event(tmp_path: Path) -> None:
    hold(hooks.run(tmp_path, KILLS))


def test_a_clock_that_is_set_ahead_and_back_holds_nothing_up(tmp_path: Path) -> None:
    clock_steps.library()
    hold(clock_steps.run(tmp_path, STEPS))


def test_huge_bodies_bombs_and_malformed_requests_cost_no_memory(tmp_path: Path) -> None:
    hold(bodies.run(tmp_path, ADDRESSES))


def test_simulated_stories_break_no_promise() -> None:
    hold(simulated.seeds(SEEDS))


def test_idle_clients_are_closed_and_a_good_one_is_served(tmp_path: Path) -> None:
    hold(slow.run(tmp_path, SLOW_CLIENTS))
