"""How many requests a second the load generator sends when the server does nothing."""

import sys
from pathlib import Path

from benchmarks.children import free_port, running, wait_for_200
from benchmarks.load import Job, finish, start
from benchmarks.plan import SINGLE_CONNECTIONS, Plan

ENOUGH_PER_SECOND = 15_000
MOST_PER_SECOND = 200_000


class TooSlow(Exception):
    """The generator itself would be what is measured."""


def measure(folder: Path, plan: Plan) -> float:
    """Requests a second; raises when they are too few for any figure to mean something."""
    port = free_port()
    seconds = plan.warm_up_seconds
    job = Job(
        port=port,
        path="/",
        headers={},
        shape="orders",
        size=1,
        first=0,
        connections=SINGLE_CONNECTIONS,
        seconds=seconds,
        max_requests=int(MOST_PER_SECOND * seconds),
    )
    command = [sys.executable, "-m", "benchmarks.constant_server", str(port)]
    log = folder / "constant.log"
    with running(command, log) as server:
        wait_for_200(server, port, "/", log)
        rate = finish(start(job), job).requests_per_second
    if rate < ENOUGH_PER_SECOND:
        raise TooSlow(f"the load generator reaches only {rate:,.0f} requests/s here")
    return rate
