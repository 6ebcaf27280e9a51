"""What years of use cost: the same requests against ten thousand packages and against a million.

Run as `python -m benchmarks.growth`: prints the table and writes it to docs/growth.md. Both boxes
are served at once and asked in turn: whatever else the machine does troubles both alike.
"""

import argparse
import http.client
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, urlencode

from benchmarks import history, machine, report
from benchmarks.children import ChildFailed
from benchmarks.ours import OWNER_EMAIL, OWNER_PASSWORD, Box
from benchmarks.report import Figure, Outcome
from scriptrun_box.kernel import copies

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "growth.md"
SMALL, LARGE = 10_000, 1_000_000
ROUNDS = 30  # of each page
SEARCH_ROUNDS = 6  # of each kind of search, a new one each time
LOADS, LOAD_SECONDS = 3, 1.5
COMMITS = 120  # of each size, in turn on both files
STARTS = 3


def _of_patient(number: int, field: str) -> str:
    found = history.patient(number * 331 % history.PATIENTS // 2 * 2 + 1)
    return str(found[field])


SEARCHES: dict[str, Callable[[int], str]] = {
    "a patient's whole name": lambda n: _of_patient(n, "patient_name"),
    "a common last name": lambda n: history.LAST_NAMES[n],
    "beginnings of both names": lambda n: (
        f"{history.FIRST_NAMES[n][:2]} {history.LAST_NAMES[n][:3]}"
    ),
    "three letters": lambda n: history.LAST_NAMES[n][:3],
    "one letter": lambda n: "marcjg"[n],
    "Rx number": lambda n: f"RX-{history.FIRST_RX + n * 997}",
    "Rx number, digits only": lambda n: str(history.FIRST_RX + n * 997),
    "last four digits": lambda n: f"{n * 997 % 10_000:04d}",
    "phone": lambda n: f"({(p := _of_patient(n, 'patient_phone'))[2:5]}) {p[5:8]}-{p[8:]}",
    "patient id": lambda n: _of_patient(n, "external_patient_id"),
    "nothing there": lambda n: f"zzz{n}",
}
WORDS = """# What years of use cost

Measured on $date, at commit $commit,
by `python -m benchmarks.growth`: $span of invented deliveries,
250 a day, with their events, moves, proofs, webhook attempts and audit, against forty days of them.
Both boxes were served at once and asked in turn.

$promises
$seen
$machine
The load average of the machine went from $load while this ran.
"""


@dataclass
class Served:
    """A box with its history, its key and a signed-in owner."""

    box: Box
    count: int
    cookie: str = ""

    def get(self, path: str) -> float:
        """Milliseconds of one GET, by key for the API and as the owner for pages."""
        keyed = path.startswith("/api/")
        headers = {"X-API-Key": self.box.key} if keyed else {"Cookie": self.cookie}
        began = time.perf_counter()
        status, _ = _ask(self.box.port, "GET", path, headers)
        took = (time.perf_counter() - began) * 1000
        if status != 200:
            raise ChildFailed(f"GET {path} was answered with {status}")
        return took

    def sign_in(self) -> None:
        body = urlencode({"email": OWNER_EMAIL, "password": OWNER_PASSWORD})
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        _, headers = _ask(self.box.port, "POST", "/sign-in", kind, body)
        self.cookie = (headers.get("set-cookie") or "").partition(";")[0]


def _ask(
    port: int, method: str, path: str, headers: dict[str, str], body: str | None = None
) -> tuple[int, http.client.HTTPMessage]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status, answer.headers
    finally:
        connection.close()


def main() -> int:
    """Exit status 0 when every must is met."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth", description=__doc__)
    parser.add_argument("--packages", type=int, default=LARGE)
    parser.add_argument("--quick", action="store_true", help="write no page")
    given = parser.parse_args()
    os.environ["SCRIPTRUN_BOX_LIMITS__READS_PER_MINUTE"] = "1000000"
    (ROOT / "build").mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="growth-", dir=ROOT / "build"))
    load = f"{os.getloadavg()[0]:.1f}"
    try:
        outcome = _measure(folder, given.packages)
        facts = machine.facts(folder, "not asked")[:-1]
    finally:
        shutil.rmtree(folder)
    now = datetime.now(UTC)
    words = {
        "date": now.strftime("%Y-%m-%d"),
        "commit": machine.commit(),
        "span": history.span(round(now.timestamp() * 1000), given.packages),
        "machine": report.table(("machine", ""), facts),
        "load": f"{load} to {os.getloadavg()[0]:.1f}",
    }
    page = report.page(outcome, words, WORDS)
    print(page)
    if not given.quick:
        PAGE.write_text(page, "utf-8")
    return 1 if any(figure.missed for figure in outcome.figures) else 0


def _measure(folder: Path, packages: int) -> Outcome:
    both = [_filled(folder / str(count), count) for count in (SMALL, packages)]
    outcome = Outcome()
    outcome.details += _starts(both)
    with ExitStack() as serving:
        for each in both:
            serving.enter_context(each.box.serving())
            each.sign_in()
        for step in (_pages, _searches, _served):
            print(f"measuring {step.__name__[1:]} …", file=sys.stderr, flush=True)
            outcome.add(step(both))
    outcome.add(_ingest(both))
    outcome.details += _publishing(both)
    return outcome


def _filled(folder: Path, count: int) -> Served:
    began = time.perf_counter()
    box = Box(folder)
    history.fill(box.file, count, time.time_ns() // 1_000_000)
    size = box.file.stat().st_size / 1e6
    took = time.perf_counter() - began
    print(f"{count:,} packages: {size:,.0f} MB in {took:.0f} s", file=sys.stderr, flush=True)
    return Served(box, count)


def _starts(both: list[Served]) -> list[tuple[str, str]]:
    found = []
    for each in both:
        times = []
        for _ in range(STARTS):
            with each.box.serving():
                times.append(each.box.start_seconds)
        found.append((f"start to first 200 at {each.count:,}", report.spread(times, "{:.2f} s")))
    return found


def _pages(both: list[Served]) -> Outcome:
    outcome = Outcome()
    for name, path in (
        ("list page", "/packages"),
        ("list by the API", "/api/packages"),
        ("second page by the API", "/api/packages?limit=200"),
        ("what is open", "/packages?status=open"),
        ("stat orders, of all time", "/packages?needs=stat"),
        ("failed, of all time", "/packages?status=failed"),
        ("Dashboard", "/"),
        ("Usage", "/settings/usage"),
        ("System", "/settings/system"),
    ):
        small, large = _in_turn(both, path)
        outcome.details.append((f"{name} at 10 k", report.spread(small, "{:.1f} ms")))
        outcome.details.append((f"{name} at 1 M", report.spread(large, "{:.1f} ms")))
        if name == "list page":
            outcome.figures.append(_ratio("list page, 1 M ÷ 10 k", small, large))
        if name == "Dashboard":
            most = statistics.median(large) / 1000
            figure = Figure("Dashboard served at 1 M", most, 1, 0.4, " s", digits=2)
            outcome.figures.append(figure)
    return outcome


def _in_turn(both: list[Served], path: str) -> tuple[list[float], list[float]]:
    small, large = both
    pairs = [(small.get(path), large.get(path)) for _ in range(ROUNDS)]
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]


def _searches(both: list[Served]) -> Outcome:
    outcome, all_of_them = Outcome(), []
    for name, made in SEARCHES.items():
        times = [
            each.get(f"{path}?q={quote(made(number))}")
            for number in range(SEARCH_ROUNDS)
            for path in ("/api/packages", "/packages")
            for each in both[1:]
        ]
        all_of_them += times
        outcome.details.append((f"search at 1 M: {name}", report.spread(times, "{:.1f} ms")))
    p95 = sorted(all_of_them)[int(len(all_of_them) * 0.95)]
    outcome.figures.append(Figure("search at 1 M, p95", p95, 50, 15, " ms"))
    return outcome


def _served(both: list[Served]) -> Outcome:
    """Orders over HTTP: what a large box also does meanwhile, its copies, is in these figures."""
    outcome = Outcome()
    for name, size, connections in (("single orders", 1, 8), ("batches of 100", 100, 2)):
        rates: list[list[float]] = [[], []]
        for _ in range(LOADS):
            for place, each in enumerate(both):
                result = each.box.load(size, connections, LOAD_SECONDS)
                rates[place].append(result.orders_per_second)
        for each, rate in zip(both, rates, strict=True):
            words = f"{name} served at {each.count:,}, copies beside"
            outcome.details.append((words, report.spread(rate, "{:,.0f}/s")))
    return outcome


def _ingest(both: list[Served]) -> Outcome:
    """Taking orders in, in turn on both files: the transaction and its commit, durable."""
    outcome = Outcome()
    makers = [history.Maker(each.box.file) for each in both]
    for name, size in (("singles, 16 a commit", 16), ("batches of 100", 100)):
        times: list[list[float]] = [[], []]
        for _ in range(COMMITS):
            for place, maker in enumerate(makers):
                times[place].append(maker.push(size) / size)
        for each, some in zip(both, times, strict=True):
            micro = [time * 1e6 for time in some]
            words = f"{name} at {each.count:,}, an order"
            outcome.details.append((words, report.spread(micro, "{:.0f} µs")))
        outcome.figures.append(_ratio(f"ingest of {name}, 1 M ÷ 10 k", *times))
    for maker in makers:
        maker.close()
    return outcome


def _publishing(both: list[Served]) -> list[tuple[str, str]]:
    found = []
    for each in both:
        began = time.perf_counter()
        copies.backup_to(each.box.file, None, each.box.folder / "copy.sqlite")
        took = time.perf_counter() - began
        size = each.box.file.stat().st_size / 1e6
        found.append((f"publishing at {each.count:,}", f"{took:.2f} s for {size:,.0f} MB"))
    return found


def _ratio(name: str, small: list[float], large: list[float]) -> Figure:
    ratio = statistics.median(large) / statistics.median(small)
    return Figure(name, ratio, 1.3, 1.1, digits=2)


if __name__ == "__main__":
    sys.exit(main())
