"""The worker process: bounded, watched, expendable, and no child left behind."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from scriptrun_box.kernel import cpus
from scriptrun_box.kernel.worker import Worker, WorkFailed

pytestmark = pytest.mark.anyio
PLENTY_SECONDS = 30.0


@pytest.fixture
async def worker() -> AsyncIterator[Worker]:
    made = Worker("tests.kernel.odd_jobs")
    yield made
    await made.stop()


def alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def nothing(percent: int) -> None:
    """Nobody wants to know."""


async def test_jobs_share_a_child_that_is_modest_and_roams(worker: Worker) -> None:
    heard: list[int] = []
    first = await worker.run({"do": "work"}, PLENTY_SECONDS, heard.append)
    second = await worker.run({"do": "work"}, PLENTY_SECONDS, nothing)
    assert first == second, "one child for both"
    assert heard == [1]
    assert first["nice"] >= 15
    assert first["cpus"] == len(cpus._ALL)
    assert first["group"] == first["pid"], "Ctrl-C in a terminal does not reach it"


@pytest.mark.parametrize(
    ("do", "reason"), [("die", "died"), ("fail", "ValueError"), ("hog", "out_of_memory")]
)
async def test_a_job_that_goes_wrong_says_how_and_the_next_one_works(
    worker: Worker, do: str, reason: str
) -> None:
    with pytest.raises(WorkFailed) as failed:
        await worker.run({"do": do}, PLENTY_SECONDS, nothing)
    assert failed.value.reason == reason
    assert (await worker.run({"do": "work"}, PLENTY_SECONDS, nothing))["pid"]


async def test_a_job_that_takes_too_long_is_ended(worker: Worker) -> None:
    with pytest.raises(WorkFailed) as failed:
        await worker.run({"do": "sleep"}, 1.0, nothing)
    assert failed.value.reason == "out_of_time"


async def test_a_job_is_cancelled_at_once_and_the_loop_never_waits(worker: Worker) -> None:
    began = asyncio.Event()
    job = asyncio.create_task(
        worker.run({"do": "sleep"}, PLENTY_SECONDS, lambda percent: began.set())
    )
    async with asyncio.timeout(10):
        await began.wait()
        worker.cancel()
        with pytest.raises(WorkFailed) as failed:
            await job
    assert failed.value.reason == "cancelled"


async def test_a_killed_child_fails_its_job_and_nothing_else(worker: Worker) -> None:
    pid = (await worker.run({"do": "work"}, PLENTY_SECONDS, nothing))["pid"]
    os.kill(pid, 9)
    async with asyncio.timeout(10):
        while alive(pid) and "zombie" not in Path(f"/proc/{pid}/status").read_text():
            await asyncio.sleep(0.01)
    again = await worker.run({"do": "work"}, PLENTY_SECONDS, nothing)
    assert again["pid"] != pid


async def test_a_child_without_work_goes_home_and_none_outlives_the_box() -> None:
    worker = Worker("tests.kernel.odd_jobs", idle_seconds=0.2)
    pid = (await worker.run({"do": "work"}, PLENTY_SECONDS, nothing))["pid"]
    async with asyncio.timeout(10):
        while alive(pid):
            await asyncio.sleep(0.02)
    pid = (await worker.run({"do": "work"}, PLENTY_SECONDS, nothing))["pid"]
    await worker.stop()
    assert not alive(pid)
