"""The box itself: set up through its own command line, served as a pharmacy would serve it."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.children import ChildFailed, running, wait_for_200
from benchmarks.competitor import Competitor
from benchmarks.load import Job, Result
from scriptrun_box.kernel import db

COMMAND = str(Path(sys.executable).with_name("scriptrun-box"))
PROBED = [sys.executable, "-m", "benchmarks.probed_serve"]
OWNER_EMAIL = "owner@example.com"
OWNER_PASSWORD = "an invented password"
PATH = "/api/webhook/orders"
NO_LIMIT = "100000000"
COMMAND_TIMEOUT_SECONDS = 60
MOST_ORDERS_PER_SECOND = (20_000, 60_000)  # one by one, in batches


class Box(Competitor):
    """A data folder of ours with one pharmacy and one key, served again and again."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder
        self.log = folder.with_suffix(".log")
        pharmacy = ["--pharmacy", "Bench Pharmacy", "--email", OWNER_EMAIL, "--plan", "enterprise"]
        self._command("init", *pharmacy, "--password-stdin", stdin=OWNER_PASSWORD + "\n")
        limits = ["--rate-ingest", NO_LIMIT, "--orders-per-hour", NO_LIMIT]
        self.key = self._command("key", "create", "--name", "bench", *limits).strip()

    @contextmanager
    def serving(self, *, probe_file: Path | None = None) -> Iterator["subprocess.Popen[bytes]"]:
        """Serve until the block ends; with `probe_file` the event loop's stalls are kept there."""
        env = {"SCRIPTRUN_BOX_SERVER__PORT": str(self.port)}
        program = [COMMAND]
        if probe_file:
            program = PROBED
            env["BENCH_PROBE_FILE"] = str(probe_file)
        command = [*program, "serve", "--data", str(self.folder)]
        begun = time.monotonic()
        with running(command, self.log, env) as child:
            self.start_seconds = wait_for_200(child, self.port, "/readyz", self.log) - begun
            yield child

    def job(self, size: int, connections: int, seconds: float) -> Job:
        """Orders for a while, `size` a request."""
        most = int(MOST_ORDERS_PER_SECOND[size > 1] * seconds / size)
        return Job(
            port=self.port,
            path=PATH,
            headers={"X-API-Key": self.key},
            shape="orders",
            size=size,
            first=self.acknowledged,
            connections=connections,
            seconds=seconds,
            max_requests=most,
        )

    def finish(self, generator: "subprocess.Popen[bytes]", job: Job) -> Result:
        """As ever; a load counts only when its orders were accepted without a word."""
        result = super().finish(generator, job)
        answer = json.loads(result.first_answer)
        if set(answer) != {"created", "package_ids", "warnings"} or answer["warnings"]:
            raise ChildFailed(f"the orders were not plainly accepted: {result.first_answer[:500]}")
        return result

    def on_disk(self) -> int:
        """How many packages are on disk."""
        return int(
            db.read_once(self.file, None, lambda r: r.value("SELECT count(*) FROM packages"))
        )

    @property
    def file(self) -> Path:
        return self.folder / "live" / "box.db"

    def _command(self, *arguments: str, stdin: str = "") -> str:
        done = subprocess.run(
            [COMMAND, *arguments, "--data", str(self.folder)],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=COMMAND_TIMEOUT_SECONDS,
            check=False,
        )
        if done.returncode != 0:
            raise ChildFailed(f"scriptrun-box {arguments[0]} refused: {done.stderr.strip()}")
        return done.stdout
