"""How SQLite finds what the box asks for: no statement of a request reads a large table through.

Every address of the access matrix is called, lists with each of their filters too, and an event is
delivered; each statement that ran is then explained by SQLite. Plans do not depend on how much is
in the file, as nothing here collects statistics.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from scriptrun_box import app as composition
from scriptrun_box.kernel import migrate
from scriptrun_box.kernel.connection import connect
from scriptrun_box.kernel.rows import Reader, Writer
from tests.access.people import Scene
from tests.access.table import ROWS
from tests.receivers import answer, receiving
from tests.shared_box import LIMITS, client_of, running
from tests.world import build_world, header, orders

pytestmark = pytest.mark.anyio

LARGE = {  # what grows with the years, and search beside them
    "packages",
    "patients",
    "package_search",
    "package_moves",
    "proofs",
    "releases",
    "custody",
    "dispositions",
    "phone_acts",
    "routes",
    "stops",
    "outcomes",
    "places",
    "sightings",
    "address_points",
    "events",
    "audit",
    "idempotency",
    "webhook_deliveries",
    "webhook_logs",
}
NAMED = re.compile(r"\b(?:FROM|JOIN|UPDATE|INTO)\s+(\w+)(?:\s+(?:AS\s+)?([a-z]\w*))?")
BY_INDEX = r" USING (?:COVERING )?INDEX (\w+)"
BY_WORDS_OR_ROWID = r" VIRTUAL TABLE INDEX \d+:([M=])"
SCAN = re.compile(rf"SCAN (\w+)(?:{BY_INDEX}|{BY_WORDS_OR_ROWID})?")
SORTED = "USE TEMP B-TREE FOR ORDER BY"
LAST_ONE = re.compile(r"FROM (\w+) ORDER BY \w+ DESC LIMIT 1$")
# What asks for several statuses, or for today, or for what waits, may sort the few it found.
MAY_SORT = ("status IN (", "updated_at >= ?")

# What is rare among years of others has an index of its own.
RARE = {
    "p.priority = 'stat'": "packages_stat",
    "p.priority = 'urgent'": "packages_urgent",
    "p.controlled_substance = 1": "packages_controlled",
    "p.cold_chain = 1": "packages_cold",
    "p.source != 'api'": "packages_source",
    "p.address_incomplete = 1": "packages_status",
    "p.duplicate_of IS NOT NULL": "packages_status",
    "p.status IN (?) ORDER": "packages_status",
}

API_LISTS = (
    "", "q=maria", "q=maria+ro&limit=1", "status=created", "status=created,failed",
    "delivery_date=2026-04-19", "external_patient_id=PMS-1", "rx_number=RX-1", "barcode=B1",
    "driver_id=drv_1", "updated_since=2026-04-19T00:00:00Z", "status=failed&q=maria",
)  # fmt: skip
ROUTE_LISTS = (
    "", "date=2026-04-19", "status=planned,started", "driver_id=drv_1", "q=luis",
    "date=2026-04-19&status=started&q=luis+ortega",
)  # fmt: skip
PAGE_LISTS = (
    "", "q=maria", "status=open", "status=delivered", "status=delivered_today", "date=2026-04-19",
    "needs=stat", "needs=urgent", "needs=signature", "needs=controlled", "needs=cold",
    "needs=copay", "needs=address", "needs=duplicate", "source=api", "source=csv",
    "q=maria&needs=stat", "before=1", "status=failed&needs=stat",
)  # fmt: skip


@dataclass(frozen=True)
class Explained:
    """A statement of the product and the lines of its plan."""

    sql: str
    plan: tuple[str, ...]

    def scans(self) -> Iterator[str]:
        """The large tables it reads from one end to the other."""
        names = {alias or table: table for table, alias in NAMED.findall(self.sql)}
        for line in self.plan:
            found = SCAN.match(line)
            if found and not found[3] and names.get(found[1]) in LARGE:
                yield f"{names[found[1]]} by {found[2] or 'its rows'}"


@contextmanager
def recording(seen: dict[str, Any]) -> Iterator[None]:
    """Every statement the product runs meanwhile, with values it had."""
    kept: list[Any] = []
    for owner, names in ((Reader, ("one", "all", "value")), (Writer, ("run", "many"))):
        for name in names:
            kept.append(patch.object(owner, name, _noting(getattr(owner, name), seen)))
    for each in kept:
        each.start()
    try:
        yield
    finally:
        for each in kept:
            each.stop()


def _noting(method: Any, seen: dict[str, Any]) -> Any:
    many = method.__name__ == "many"

    def noting(self: Any, sql: str, values: Any = ()) -> Any:
        if many:
            values = list(values)
        if values or not many:
            seen.setdefault(sql, values[0] if many else values)
        return method(self, sql, values)

    return noting


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def explained(tmp_path_factory: pytest.TempPathFactory) -> list[Explained]:
    """Everything the product asked the file while all of it was used once."""
    folder = tmp_path_factory.mktemp("plans") / "data"
    seen: dict[str, Any] = {}
    webhooks = {"allow_networks": ["127.0.0.1/32"], "allow_http": True, "retry_delays": [1]}
    async with running(folder, limits=LIMITS, webhooks=webhooks) as app, client_of(app) as client:
        await app.state.planner.stop()  # its plans are of no days, and take the machine
        scene = Scene(app, await build_world(app.state.box.db), client)
        await _use_everything(scene, seen)
        path = app.state.box.db.path
    return _explain(path, seen)


async def _use_everything(scene: Scene, seen: dict[str, Any]) -> None:
    for row in ROWS:
        await scene.tidy()
        for caller in await scene.callers(row):
            if caller.name in row.who:
                subject = await scene.subject(row.subject, caller.scope)
                with recording(seen):
                    await scene.call(row, caller, subject)
                break
    await scene.tidy()
    live = header(await scene.world.key())
    signed_in = {"Cookie": f"scriptrun={await scene.session_of(scene.world.owner)}"}
    with recording(seen):
        await _read_lists(scene, live, signed_in)
        await _deliver(scene, live, signed_in)
        await composition._write_behind(scene.app)
        await scene.app.state.box.db.write(composition._forget)


async def _read_lists(scene: Scene, live: dict[str, str], signed_in: dict[str, str]) -> None:
    for _ in range(2):
        again = {**live, "Idempotency-Key": "once"}
        await scene.client.post("/api/webhook/orders", json=orders({}, {}), headers=again)
    for query in API_LISTS:
        got = await scene.client.get(f"/api/packages?{query}", headers=live)
        assert got.status_code == 200, got.text
    for query in ROUTE_LISTS:
        got = await scene.client.get(f"/api/routes?{query}", headers=live)
        assert got.status_code == 200, got.text
    for query in PAGE_LISTS:
        for path in ("/packages", "/packages.csv"):
            got = await scene.client.get(f"{path}?{query}", headers=signed_in)
            assert got.status_code == 200, got.text


async def _deliver(scene: Scene, live: dict[str, str], signed_in: dict[str, str]) -> None:
    """One event to a receiver that fails at first."""
    async with receiving(answer(500)) as receiver:
        wish = {"url": receiver.url, "events": ["*"]}
        made = await scene.client.post("/api/webhooks", json=wish, headers=live)
        assert made.status_code == 201, made.text
        await scene.client.post("/api/webhook/orders", json=orders(), headers=live)
        await receiver.got(1)
        receiver.manners = answer(200)
        await receiver.got(2)
        await scene.app.state.deliveries.tick()
    page = f"/settings/integrations/webhooks/{made.json()['id']}"
    await scene.client.get(page, headers=signed_in)


def _explain(path: Path, seen: dict[str, Any]) -> list[Explained]:
    file = connect(path)
    try:
        return [
            Explained(
                sql,
                tuple(row["detail"] for row in file.execute(f"EXPLAIN QUERY PLAN {sql}", values)),
            )
            for sql, values in seen.items()
            if not sql.startswith("PRAGMA")
        ]
    finally:
        file.close()


@pytest.fixture(scope="module")
def partial(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The indexes that hold only some rows: reading one through is what it is for."""
    file = connect(tmp_path_factory.mktemp("schema") / "box.db")
    migrate.migrate(file)
    rows = file.execute(
        "SELECT name FROM sqlite_master WHERE type = 'index' AND sql LIKE '%WHERE%'"
    )
    names = {row["name"] for row in rows}
    file.close()
    return names


async def test_no_statement_of_a_request_reads_a_large_table_through(
    explained: list[Explained], partial: set[str]
) -> None:
    assert len(explained) > 100
    wrong = [
        f"{scan}: {each.sql}"
        for each in explained
        for scan in each.scans()
        if scan.rpartition(" ")[2] not in partial and not LAST_ONE.search(each.sql)
    ]
    assert wrong == [], "\n".join(wrong)


async def test_a_page_of_packages_is_read_in_its_order_and_not_sorted(
    explained: list[Explained],
) -> None:
    pages = [each for each in explained if re.match(r"SELECT p\.\* FROM packages AS p", each.sql)]
    assert len(pages) >= 10
    wrong = [
        each.sql
        for each in pages
        if SORTED in each.plan and not any(reason in each.sql for reason in MAY_SORT)
    ]
    assert wrong == [], "\n".join(wrong)


@pytest.mark.parametrize("condition", RARE)
async def test_what_is_rare_is_found_by_an_index_of_its_own(
    explained: list[Explained], condition: str
) -> None:
    lists = [each for each in explained if condition in each.sql and "FROM packages" in each.sql]
    assert lists
    for each in lists:
        assert any(RARE[condition] in line for line in each.plan), (each.sql, each.plan)
