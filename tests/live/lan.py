"""Two machines on a network, as network namespaces: the box, and the pharmacy's own computer."""

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.programs import allowed, need

from .server import PATIENCE_SECONDS, Box

NETWORK = "10.77.0.0/24"
BOX_ADDRESS = "10.77.0.1"
PC_ADDRESS = "10.77.0.2"
OTHER_ADDRESS = "10.77.0.3"  # the same computer has a second one
PORT = 8787  # the box's default
HOSTS = Path("/etc/netns")  # where `ip netns exec` looks for a namespace's own /etc/hosts
UNTRUSTED, EMPTY_REPLY, RESET = 60, 52, 56  # how curl ends


@dataclass(frozen=True)
class Machine:
    """A network namespace; `run` is what one would type on it."""

    name: str

    @property
    def prefix(self) -> tuple[str, ...]:
        return (need("ip"), "netns", "exec", self.name)

    def run(self, *command: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
        done = subprocess.run(
            [*self.prefix, *command],
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS * 4,
            check=False,
        )
        assert not check or done.returncode == 0, done.stderr
        return done

    def curl(self, *args: str, check: bool = True) -> tuple[int, str, int]:
        """The status and body of an answer, and how curl itself ended."""
        done = self.run(need("curl"), "-s", "-w", "\n%{http_code}", *args, check=check)
        body, _, status = done.stdout.rpartition("\n")
        return int(status), body, done.returncode

    def post(self, url: str, key: str, body: Any, *more: str) -> tuple[int, Any]:
        """Post JSON; the status and the answer."""
        given = ("-X", "POST", url, "-H", f"X-API-Key: {key}", "-d", json.dumps(body))
        status, text, _ = self.curl(*given, "-H", "Content-Type: application/json", *more)
        return status, json.loads(text)


@dataclass(frozen=True)
class Lan:
    """The box's machine, under its name, and the pharmacy's computer."""

    box: Machine
    computer: Machine
    box_name: str


@contextmanager
def lan() -> Iterator[Lan]:
    """Both machines, connected; gone afterwards, with all that ran on them."""
    allowed(os.geteuid() == 0, "network namespaces without root")
    name = socket.gethostname().lower()
    made = Lan(Machine(f"box{os.getpid()}"), Machine(f"pc{os.getpid()}"), f"{name}.local")
    probe = _ip("netns", "add", made.box.name)
    allowed(probe.returncode == 0, "network namespaces")
    try:
        _connect(made, name)
        yield made
    finally:
        for machine in (made.box, made.computer):
            _ip("netns", "delete", machine.name)
            shutil.rmtree(HOSTS / machine.name, ignore_errors=True)
        if HOSTS.is_dir() and not any(HOSTS.iterdir()):
            HOSTS.rmdir()


def _connect(made: Lan, name: str) -> None:
    box, computer = made.box.name, made.computer.name
    names = f"127.0.0.1 localhost\n{BOX_ADDRESS} {name} {made.box_name}\n"
    for machine in (box, computer):
        (HOSTS / machine).mkdir(parents=True)
        (HOSTS / machine / "hosts").write_text(names)
    steps = [
        f"netns add {computer}",
        f"link add eth0 netns {box} type veth peer name eth0 netns {computer}",
        f"-n {box} address add {BOX_ADDRESS}/24 dev eth0",
        f"-n {computer} address add {PC_ADDRESS}/24 dev eth0",
        f"-n {computer} address add {OTHER_ADDRESS}/24 dev eth0",
    ]
    steps += [f"-n {machine} link set {dev} up" for machine in (box, computer)
              for dev in ("lo", "eth0")]  # fmt: skip
    for step in steps:
        done = _ip(*step.split())
        assert done.returncode == 0, (step, done.stderr)


def _ip(*args: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([need("ip"), *args], capture_output=True, text=True, check=False)


class LanBox(Box):
    """A box on its own machine, with nothing configured but its folder and its receivers."""

    def wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        machine = Machine(self.prefix[-1])
        url = f"https://127.0.0.1:{PORT}/healthz"
        while machine.curl("-k", url, check=False)[0] != 200:
            assert self.process is not None and self.process.poll() is None, self.said()
            assert time.monotonic() < deadline, self.said()
