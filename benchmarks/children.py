"""Child processes: started with an end in sight, watched for their first 200 and their memory."""

import http.client
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

START_TIMEOUT_SECONDS = 30
STOP_TIMEOUT_SECONDS = 30
POLL_SECONDS = 0.002
LAST_WORDS_LINES = 5  # of the log of a server that stopped


class ChildFailed(Exception):
    """A child process did not do what the benchmark needs of it."""


def free_port() -> int:
    """A port nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(
    command: Sequence[str], log: Path, env: dict[str, str] | None = None
) -> Iterator["subprocess.Popen[bytes]"]:
    """A server as a child in a session of its own, ended together with all it started."""
    with log.open("ab") as output:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=os.environ | (env or {}),
            start_new_session=True,
        )
    try:
        yield child
    finally:
        child.send_signal(signal.SIGTERM)
        try:
            child.wait(STOP_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            pass
        try:
            os.killpg(child.pid, signal.SIGKILL)  # the session is ours alone
        except ProcessLookupError:
            pass
        child.wait()


def wait_for_200(child: "subprocess.Popen[bytes]", port: int, path: str, log: Path) -> float:
    """Ask until the first 200 comes; the moment it came, as `time.monotonic()` tells it."""
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        if child.poll() is not None:
            said = "\n".join(log.read_text(errors="replace").splitlines()[-LAST_WORDS_LINES:])
            raise ChildFailed(f"the server stopped with status {child.returncode}:\n{said}")
        try:
            if get_status(port, path) == 200:
                return time.monotonic()
        except OSError:
            pass
        time.sleep(POLL_SECONDS)
    raise ChildFailed(f"no 200 within {START_TIMEOUT_SECONDS} s")


def get_status(port: int, path: str) -> int:
    """The status of one GET on a fresh connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=START_TIMEOUT_SECONDS)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()


def memory_mb(root: int) -> tuple[float, float]:
    """RSS and PSS in MB (10^6 bytes) of a process and all its descendants together."""
    rss = pss = 0
    for pid in _family(root):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            name, _, rest = line.partition(":")
            if name == "Rss":
                rss += int(rest.split()[0]) * 1024
            elif name == "Pss":
                pss += int(rest.split()[0]) * 1024
    return rss / 1e6, pss / 1e6


def _family(root: int) -> list[int]:
    family = [root]
    for pid in family:
        for tasks in Path(f"/proc/{pid}/task").iterdir():
            with suppress(FileNotFoundError):  # a thread that has ended meanwhile
                family += [int(each) for each in (tasks / "children").read_text().split()]
    return family
