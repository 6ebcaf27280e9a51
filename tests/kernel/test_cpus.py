"""Where the threads of a serving box run."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from scriptrun_box.kernel import cpus

ALLOWED = getattr(os, "sched_getaffinity", lambda pid: set())(0)
pytestmark = pytest.mark.skipif(len(ALLOWED) < 2, reason="needs Linux and two CPUs to choose from")


def affinity() -> set[int]:
    return set(os.sched_getaffinity(0))


def test_a_thread_shares_one_cpu_with_what_it_starts_and_helpers_roam() -> None:
    seen: list[set[int]] = []

    def loop() -> None:
        cpus.share_one()
        seen.append(affinity())
        child = threading.Thread(target=lambda: seen.append(affinity()))
        child.start()
        child.join()
        with ThreadPoolExecutor(1, initializer=cpus.roam) as helpers:
            seen.append(helpers.submit(affinity).result())

    thread = threading.Thread(target=loop)
    thread.start()
    thread.join()
    shared, started, helper = seen
    assert len(shared) == 1
    assert started == shared
    assert helper == ALLOWED
    assert affinity() == ALLOWED, "another thread's choice is its own"
