"""The peer: PocketBase as it comes, with a collection of the same fields and indexes."""

import http.client
import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.children import ChildFailed, running, wait_for_200
from benchmarks.competitor import Competitor
from benchmarks.load import Job
from benchmarks.orders import Order

COMMAND = str(Path(sys.executable).with_name("pocketbase"))
OWNER = {"identity": "owner@example.com", "password": "an invented password"}
CALLER = {"identity": "caller@example.com", "password": "an invented password"}
PATH = "/api/collections/packages/records"
BATCH_PATH = "/api/batch"
REQUEST_TIMEOUT_SECONDS = 30
MOST_ORDERS_PER_SECOND = 10_000

# What the box fills in by itself the caller sends here, as long as the box's own values.
EXTRA: Order = {
    "tenant_id": "ten_0123456789abcdef",
    "pharmacy_id": "00000000-0000-4000-8000-000000000000",
    "test": False,
    "status": "created",
    "delivery_date": "2026-11-23",
    "source": "api",
    "created_by": "key:key_0123456789abcdef",
}

TEXT_FIELDS = (
    *("tenant_id", "pharmacy_id", "patient_name", "patient_address", "patient_phone", "rx_number"),
    *("delivery_date", "external_patient_id", "notes", "barcode", "fill_number", "fill_date"),
    *("deliver_after", "deliver_by", "source", "created_by", "driver_id"),
)
SELECT_FIELDS = {
    "status": ("created", "assigned", "out_for_delivery", "delivered", "failed", "cancelled"),
    "priority": ("routine", "urgent", "stat"),
    "dea_schedule": ("II", "III", "IV", "V"),
}
BOOL_FIELDS = ("test", "requires_signature", "cold_chain", "controlled_substance")

# Those of the box's packages table; `created` stands for its seq, "" for its null.
INDEXES = (
    "CREATE INDEX packages_list ON packages (tenant_id, test, created)",
    "CREATE INDEX packages_status ON packages (tenant_id, test, status, created)",
    "CREATE INDEX packages_date ON packages (tenant_id, test, delivery_date, created)",
    "CREATE INDEX packages_changed ON packages (tenant_id, test, updated, created)",
    "CREATE INDEX packages_rx ON packages (tenant_id, rx_number, delivery_date, patient_name)"
    " WHERE rx_number != ''",
    "CREATE INDEX packages_barcode ON packages (tenant_id, barcode) WHERE barcode != ''",
    "CREATE INDEX packages_patient ON packages (tenant_id, external_patient_id)"
    " WHERE external_patient_id != ''",
    "CREATE INDEX packages_driver ON packages (driver_id, created) WHERE driver_id != ''",
    "CREATE INDEX packages_stat ON packages (tenant_id, test, created) WHERE priority = 'stat'",
    "CREATE INDEX packages_urgent ON packages (tenant_id, test, created) WHERE priority = 'urgent'",
    "CREATE INDEX packages_controlled ON packages (tenant_id, test, created)"
    " WHERE controlled_substance = 1",
    "CREATE INDEX packages_cold ON packages (tenant_id, test, created) WHERE cold_chain = 1",
    "CREATE INDEX packages_source ON packages (tenant_id, test, source, created)"
    " WHERE source != 'api'",
    "CREATE INDEX packages_without_rx ON packages (tenant_id, test, delivery_date, patient_name)"
    " WHERE rx_number = '' AND status IN ('created', 'assigned')",
)


class PocketBase(Competitor):
    """A data folder that serves may be started on, again and again."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder
        self.log = folder.with_suffix(".log")
        self.token = ""
        self._command("superuser", "upsert", OWNER["identity"], OWNER["password"])
        with self.serving():
            owner = self._sign_in("_superusers", OWNER)
            self._set_up(owner)
            self.token = self._sign_in("users", CALLER)

    @contextmanager
    def serving(self) -> Iterator["subprocess.Popen[bytes]"]:
        command = [*self._base(), "serve", "--http", f"127.0.0.1:{self.port}"]
        begun = time.monotonic()
        with running(command, self.log) as child:
            self.start_seconds = wait_for_200(child, self.port, "/api/health", self.log) - begun
            yield child

    def job(self, size: int, connections: int, seconds: float) -> Job:
        """One record a request, or `size` of them as one batch."""
        return Job(
            port=self.port,
            path=PATH if size == 1 else BATCH_PATH,
            headers={"Authorization": self.token},
            shape="record" if size == 1 else "record batch",
            size=size,
            first=self.acknowledged,
            connections=connections,
            seconds=seconds,
            max_requests=int(MOST_ORDERS_PER_SECOND * seconds / size),
            extra=EXTRA,
            item_path=PATH,
        )

    def on_disk(self) -> int:
        """How many packages are on disk."""
        database = sqlite3.connect(f"file:{self.folder / 'data.db'}?mode=ro", uri=True)
        try:
            return int(database.execute("SELECT count(*) FROM packages").fetchone()[0])
        finally:
            database.close()

    def version(self) -> str:
        return self._command("--version").split()[-1]

    def _set_up(self, owner: str) -> None:
        """The collection, the calling account, and batches of 100 (off by default)."""
        fields: list[dict[str, object]] = [{"name": n, "type": "text"} for n in TEXT_FIELDS]
        fields += [
            {"name": name, "type": "select", "values": values, "maxSelect": 1}
            for name, values in SELECT_FIELDS.items()
        ]
        fields += [{"name": name, "type": "bool"} for name in BOOL_FIELDS]
        fields += [
            {"name": "medications", "type": "json"},
            {"name": "copay_amount", "type": "number"},
            {"name": "created", "type": "autodate", "onCreate": True},
            {"name": "updated", "type": "autodate", "onCreate": True, "onUpdate": True},
        ]
        rule = '@request.auth.id != ""'
        collection = {
            "name": "packages",
            "type": "base",
            "fields": fields,
            "indexes": INDEXES,
            "createRule": rule,
            "viewRule": rule,
            "listRule": rule,
        }
        self._ask("POST", "/api/collections", collection, owner)
        account = {
            "email": CALLER["identity"],
            "password": CALLER["password"],
            "passwordConfirm": CALLER["password"],
        }
        self._ask("POST", "/api/collections/users/records", account, owner)
        batch = {"enabled": True, "maxRequests": 100, "timeout": 30, "maxBodySize": 0}
        self._ask("PATCH", "/api/settings", {"batch": batch}, owner)

    def _sign_in(self, collection: str, who: dict[str, str]) -> str:
        path = f"/api/collections/{collection}/auth-with-password"
        return str(self._ask("POST", path, who, "")["token"])

    def _ask(self, method: str, path: str, body: object, token: str) -> dict[str, object]:
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.port, timeout=REQUEST_TIMEOUT_SECONDS
        )
        headers = {"Content-Type": "application/json", "Authorization": token}
        try:
            connection.request(method, path, json.dumps(body), headers)
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        if answer.status != 200:
            raise ChildFailed(f"PocketBase answered {answer.status} to {path}: {text[:500]!r}")
        result: dict[str, object] = json.loads(text)
        return result

    def _base(self) -> list[str]:
        # Without these two it would look beside its own program for hooks and migrations.
        return [COMMAND, "--dir", str(self.folder), "--migrationsDir", f"{self.folder}-migrations"]

    def _command(self, *arguments: str) -> str:
        done = subprocess.run(
            [*self._base(), *arguments],
            capture_output=True,
            text=True,
            timeout=REQUEST_TIMEOUT_SECONDS,
            check=True,
            env=dict(os.environ),
        )
        return done.stdout
