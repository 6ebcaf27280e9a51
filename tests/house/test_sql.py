"""Where SQL lives: a slice's store and the screens' read-only queries; who writes which table."""

import re
from collections import defaultdict

import pytest

from .source import PACKAGE, ROOT, Module, modules, strings

# Words of SQL as it is written here: upper case, and something behind them.
SQL = re.compile(
    r"\b(SELECT|INSERT INTO|UPDATE \w+ SET|DELETE FROM|(CREATE|DROP|ALTER) (TABLE|INDEX|VIRTUAL)"
    r"|PRAGMA|SAVEPOINT|VACUUM|ATTACH|REPLACE INTO|ORDER BY|GROUP BY)\s+[\w(*\"?{]"
    r"|\bWHERE \w+(\.\w+)? (=|IN|IS|<|>)|^(BEGIN|COMMIT|ROLLBACK)( |$)"
)
WRITES = re.compile(r"\b(?:INSERT(?: OR \w+)? INTO|REPLACE INTO|UPDATE|DELETE FROM)\s+([a-z_]+)\b")
COLUMNS = re.compile(r"([a-z_]+) \([a-z_, ]+\)\Z")  # what Writer.insert is given
CREATED = re.compile(r"^CREATE (?:VIRTUAL )?TABLE (\w+)", re.MULTILINE)

STORES = ("/store.py", "/queries.py")
ALSO = {  # a reason each
    f"{PACKAGE}/accounts/lying.py",  # where locations lie; store.py would be too long
    f"{PACKAGE}/delivery/controlled/closes.py",  # owns day_closes: store.py would be too long
    f"{PACKAGE}/packages/doors.py",  # where packages go; store.py would be too long
    f"{PACKAGE}/packages/proofs.py",  # owns the table proofs, which packages and delivery both need
    f"{PACKAGE}/packages/redaction.py",  # overwrites what store.py wrote: it would be too long
    f"{PACKAGE}/packages/last_acts.py",  # owns last_acts: store.py would be too long
    f"{PACKAGE}/webhooks/journal.py",  # owns webhook_logs: store.py would be too long
    f"{PACKAGE}/webhooks/networks.py",  # owns webhook_networks, as small as its table
    f"{PACKAGE}/webhooks/retention.py",  # deletes what store.py wrote, once it is old
}
KERNEL = f"{PACKAGE}/kernel/"  # its modules own a table each, or the file as a whole

OWNERS = {
    "meta": ("kernel/migrate.py", "kernel/copies.py", "kernel/restoring.py"),  # facts of the file
    "events": ("kernel/outbox.py",),
    "cursors": ("kernel/outbox.py",),
    "audit": ("kernel/audit.py",),
    "notices": ("kernel/notices.py",),
    "texts": ("ui/texts/store.py",),
    "tenants": ("accounts/store.py",),
    "locations": ("accounts/store.py", "accounts/lying.py"),
    "users": ("accounts/store.py",),
    "sessions": ("accounts/store.py",),
    "one_time_links": ("accounts/store.py",),
    "api_keys": ("accounts/store.py",),
    "usage_months": ("accounts/store.py",),
    "usage_minutes": ("accounts/store.py",),
    "packages": ("packages/store.py", "packages/doors.py", "packages/redaction.py"),
    "package_search": ("packages/store.py", "packages/redaction.py"),
    "package_moves": ("packages/store.py",),
    "last_acts": ("packages/last_acts.py",),
    "proofs": ("packages/proofs.py",),
    "copay_payments": ("delivery/store.py",),
    "amendments": ("delivery/store.py",),
    "packets": ("delivery/packet/store.py",),
    "blobs": ("kernel/blobs.py",),
    "state_rules": ("delivery/controlled/store.py",),
    "driver_pins": ("delivery/controlled/store.py",),
    "releases": ("delivery/controlled/store.py",),
    "custody": ("delivery/controlled/store.py",),
    "dispositions": ("delivery/controlled/store.py",),
    "incidents": ("delivery/controlled/store.py",),
    "day_closes": ("delivery/controlled/closes.py",),
    "close_amendments": ("delivery/controlled/closes.py",),
    "patients": ("patients/store.py",),
    "erasures": ("patients/store.py",),
    "drivers": ("drivers/store.py",),
    "places": ("geocoding/store.py",),
    "sightings": ("geocoding/store.py",),
    "point_files": ("geocoding/store.py",),
    "address_points": ("geocoding/store.py",),
    "routes": ("routes/store.py",),
    "stops": ("routes/store.py",),
    "outcomes": ("routes/store.py",),
    "route_plans": ("routes/store.py",),
    "cold_bags": ("delivery/cold/store.py",),
    "cold_rules": ("delivery/cold/store.py",),
    "cold_packs": ("delivery/cold/store.py",),
    "cold_readings": ("delivery/cold/store.py",),
    "cold_files": ("delivery/cold/store.py",),
    "cold_quarantines": ("delivery/cold/store.py",),
    "driver_notes": ("drivers/store.py",),
    "idempotency": ("orders/store.py",),
    "phones": ("delivery/phone/store.py",),
    "phone_codes": ("delivery/phone/store.py",),
    "phone_acts": ("delivery/phone/store.py",),
    "phone_loads": ("delivery/phone/store.py",),
    "phone_places": ("delivery/phone/store.py",),
    "phone_silences": ("delivery/phone/store.py",),
    "printers": ("paper/store.py",),
    "print_jobs": ("paper/store.py",),
    "webhook_endpoints": ("webhooks/store.py",),
    "webhook_deliveries": ("webhooks/store.py", "webhooks/retention.py"),
    "webhook_logs": ("webhooks/journal.py",),
    "webhook_networks": ("webhooks/networks.py",),
}


def tables() -> set[str]:
    """Every table the migrations make."""
    steps = (ROOT / PACKAGE / "migrations").glob("*.sql")
    return {name for step in steps for name in CREATED.findall(step.read_text("utf-8"))}


def written(module: Module) -> set[str]:
    """The tables a module writes."""
    found: set[str] = set()
    for _, text in strings(module):
        found |= set(WRITES.findall(text)) & tables()
        columns = COLUMNS.match(text)
        if columns and columns[1] in tables():
            found.add(columns[1])
    return found


def test_sql_stands_only_where_it_may() -> None:
    wrong = [
        f"{module.path}:{line} {text[:60]}"
        for module in modules()
        if not module.path.startswith(KERNEL)
        and not module.path.endswith(STORES)
        and module.path not in ALSO
        for line, text in strings(module)
        if SQL.search(text)
    ]
    assert wrong == []


def test_a_store_belongs_to_a_slice_and_queries_to_the_screens() -> None:
    for module in modules():
        if module.path.endswith("/queries.py"):
            assert module.path.startswith(f"{PACKAGE}/ui/"), module.path
            assert written(module) == set(), f"{module.path} only reads"


def test_every_table_has_one_owner_and_nobody_else_writes_it() -> None:
    assert set(OWNERS) == tables()
    writers = defaultdict(set)
    for module in modules():
        for table in written(module):
            writers[table].add(module.path.removeprefix(f"{PACKAGE}/"))
    assert writers == {table: set(owners) for table, owners in OWNERS.items()}


@pytest.mark.parametrize(
    ("text", "is_sql"),
    [
        ("SELECT 1 FROM x", True),
        ("UPDATE packages SET status = ?", True),
        ("PRAGMA data_version", True),
        ("BEGIN IMMEDIATE", True),
        (" WHERE id = ? AND lease = ?", True),
        ("Select the webhook to update.", False),
        ("Nothing to commit", False),
    ],
)
def test_the_rule_knows_sql_when_it_sees_it(text: str, is_sql: bool) -> None:
    assert bool(SQL.search(text)) is is_sql
