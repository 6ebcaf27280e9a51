"""A real `scriptrun-box serve` in a process of its own, over a data folder, for tests of the whole.

`serving` waits until the box answers, ends it whatever happens, and then reads what it wrote to
stdout and stderr: nothing of a patient may be in there.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import httpx

PATIENCE_SECONDS = 30.0  # for a start or an end on a busy machine
PASSWORD = "a dozen blue umbrellas"
EMAIL = "owner@corner-drug.example"
SIGN_IN = {"email": EMAIL, "password": PASSWORD}

# Every order of the live tests carries these; no log may, nor an encrypted file.
CANARY = {
    "patient_name": "Zzcanaryname Seven",
    "patient_address": "7777 Zzcanarystreet Ave, Miami, FL 33178",
    "patient_phone": "+13055550177",
    "rx_number": "RX-ZZCANARY8",
    "medications": ["Zzcanaryvastatin 9 mg"],
    "notes": "Zzcanarynote",
}
CANARY_WORDS = ("zzcanary", "3055550177")


@dataclass
class Box:
    """A data folder with the command line, and a server that is started, killed and stopped."""

    folder: Path
    env: dict[str, str] = field(default_factory=dict)
    port: int = 0
    prefix: Sequence[str] = ()  # of every command, such as `ip netns exec`
    process: "subprocess.Popen[bytes] | None" = None
    ca: Path | None = None

    def __post_init__(self) -> None:
        self.port = self.port or free_port()
        self.log = self.folder.parent / f"{self.folder.name}.log"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def cli(self, *args: str, given: str | None = None) -> str:
        """Run a verb of the command line to its good end; what it wrote to stdout."""
        done = subprocess.run(
            self.command(*args),
            env=self._environ(),
            input=given,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def init(self, *args: str) -> str:
        """Set the box up, and make its first key."""
        name = ("--pharmacy", "Corner Drug", "--email", EMAIL, "--password-stdin")
        self.cli("init", *name, *args, given=f"{PASSWORD}\n")
        return self.cli("key", "create", "--name", "tests")

    def start(self, *, wait: bool = True) -> "Box":
        """Start the server; it answers when this returns."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command("serve"), env=self._environ(), stdout=log, stderr=log
            )
        if wait:
            self.wait_until_it_answers()
        return self

    def wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self._answers():
            assert self.process is not None and self.process.poll() is None, self.said()
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.02)

    def _answers(self) -> bool:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == 200
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()

    def kill(self) -> None:
        """kill -9."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """SIGTERM; the exit status."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=PATIENCE_SECONDS)

    def said(self) -> str:
        """Everything the server has written to stdout and stderr."""
        return self.log.read_text("utf-8", errors="replace")

    def client(self, key: str = "", **options: Any) -> httpx.Client:
        """A client of this box, with a key where one is given."""
        headers = {"X-API-Key": key} if key else {}
        options = {"timeout": PATIENCE_SECONDS, "trust_env": False, **options}
        return httpx.Client(base_url=self.url, headers=headers, **options)

    def person(self) -> httpx.Client:
        """The owner, signed in."""
        with self.client() as client:
            assert client.post("/sign-in", data=SIGN_IN).status_code == 303
            return self.client(cookies=client.cookies)

    def end(self) -> None:
        """No process is left, and nothing of a patient in the log."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self.log.exists():
            said = self.said().lower()
            assert not [word for word in CANARY_WORDS if word in said]
            assert "traceback" not in said

    def command(self, *args: str) -> list[str]:
        return [*self.prefix, sys.executable, "-m", "scriptrun_box", *args]

    def _environ(self) -> dict[str, str]:
        own = {
            "SCRIPTRUN_BOX_STORAGE__FOLDER": str(self.folder),
            "SCRIPTRUN_BOX_STORAGE__MIN_FREE_MB": "0",
            "SCRIPTRUN_BOX_SERVER__PORT": str(self.port),
        }
        clean = {k: v for k, v in os.environ.items() if not k.startswith("SCRIPTRUN_BOX_")}
        named = {f"SCRIPTRUN_BOX_{name}": value for name, value in self.env.items()}
        return {**clean, **own, **named}


@contextmanager
def box(folder: Path, **env: str) -> Iterator[Box]:
    """A box with these settings (`WEBHOOKS__TIMEOUT`), not started yet; it ends for sure."""
    made = Box(folder, env)
    try:
        yield made
    finally:
        made.end()


@contextmanager
def serving(folder: Path, *init: str, **env: str) -> Iterator[tuple[Box, str]]:
    """A box that is set up and answers, and a key of it."""
    with box(folder, **env) as made:
        key = made.init(*init) if init or "STORAGE__KEY_FILE" in env else _take_over(folder)
        made.start()
        yield made, key


def _take_over(folder: Path) -> str:
    """Set a box up as a copy of one that the command line made earlier in this run; its key."""
    made = folder.parent.parent / "made-once"
    if not (made / "key").exists():
        with box(made / "data") as first:
            (made / "key").write_text(first.init())
    shutil.copytree(made / "data", folder)
    return (made / "key").read_text()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def order(**changes: Any) -> dict[str, Any]:
    """An order whose every text is a canary."""
    return {**CANARY, **changes}


def batch(*changes: dict[str, Any]) -> dict[str, Any]:
    """A body with one order for each set of changes."""
    return {"orders": [order(**change) for change in changes or ({},)]}
