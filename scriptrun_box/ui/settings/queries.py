"""Read-only joins for the settings screens."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from scriptrun_box.kernel.clock import HOUR_MS
from scriptrun_box.kernel.db import Reader
from scriptrun_box.kernel.scope import Scope
from scriptrun_box.webhooks.journal import Wanted

HOURS = 24  # that the drawings of a webhook cover
BEHIND_MAX = 10_000  # orders a copy is told to be behind; more are "or more"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt as the table of a webhook's page shows it."""

    id: str
    delivery_id: str
    event_id: str
    event: str
    attempt: int
    trigger: str
    outcome: str
    status: int | None
    error_class: str | None
    started_at: int
    duration_ms: int | None
    next_at: int | None


@dataclass(frozen=True, slots=True)
class Hour:
    """The attempts of one hour: how many ended well, how many did not, and their middle time."""

    begins_at: int
    ok: int
    failed: int
    median_ms: int | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """Deliveries that are not over: due or to be tried again, under way, held by a pause."""

    pending: int
    sending: int
    held: int

    @property
    def total(self) -> int:
        return self.pending + self.sending + self.held


@dataclass(frozen=True, slots=True)
class AuditRow:
    """The last row of the audit chain."""

    seq: int
    at: int
    act: str


def names(r: Reader, tenant_id: str) -> Mapping[str, str]:
    """Who is behind an actor of this tenant: `user:…` by name, `key:…` by the key's name."""
    rows = r.all(
        "SELECT 'user:' || id AS actor, name FROM users WHERE tenant_id = :tenant UNION ALL"
        " SELECT 'key:' || id, name FROM api_keys WHERE tenant_id = :tenant",
        {"tenant": tenant_id},
    )
    return {row["actor"]: row["name"] for row in rows}


def attempts(r: Reader, endpoint_id: str, wanted: Wanted, limit: int) -> list[Attempt]:
    """A webhook's last attempts, newest first, without their answers."""
    rows = r.all(
        "SELECT id, delivery_id, event_id, event, attempt, trigger, outcome, status, error_class,"
        " started_at, duration_ms, next_at FROM webhook_logs"
        " WHERE endpoint_id = :endpoint AND (:outcome = '' OR outcome = :outcome)"
        " AND (:event = '' OR event = :event) AND (:since IS NULL OR started_at >= :since)"
        " AND (:until IS NULL OR started_at < :until)"
        " ORDER BY started_at DESC, id DESC LIMIT :limit",
        asdict(wanted) | {"endpoint": endpoint_id, "limit": limit},
    )
    return [Attempt(*row) for row in rows]


def hours(r: Reader, endpoint_id: str, now: int) -> list[Hour]:
    """A webhook's last 24 hours, oldest first; those without attempts too."""
    start = now // HOUR_MS * HOUR_MS - (HOURS - 1) * HOUR_MS
    rows = r.all(
        "WITH tried AS (SELECT (started_at - :start) / :hour AS hour, outcome = 'ok' AS ok,"
        " duration_ms FROM webhook_logs WHERE endpoint_id = :endpoint AND started_at >= :start"
        " AND outcome != 'in_flight'),"
        " ranked AS (SELECT *, row_number() OVER (PARTITION BY hour ORDER BY duration_ms) AS rank,"
        " count(*) OVER (PARTITION BY hour) AS tries FROM tried)"
        " SELECT hour, sum(ok) AS ok, tries,"
        " max(CASE WHEN rank = (tries + 1) / 2 THEN duration_ms END) AS median"
        " FROM ranked GROUP BY hour",
        {"start": start, "hour": HOUR_MS, "endpoint": endpoint_id},
    )
    found = {row["hour"]: row for row in rows}
    return [_hour(start + number * HOUR_MS, found.get(number)) for number in range(HOURS)]


def _hour(begins_at: int, row: Any) -> Hour:
    if row is None:
        return Hour(begins_at, 0, 0, None)
    return Hour(begins_at, row["ok"], row["tries"] - row["ok"], row["median"])


def waiting(r: Reader, endpoint_id: str) -> Waiting:
    """What waits to be sent to one webhook, each state by its own index."""
    sql = "SELECT count(*) FROM webhook_deliveries WHERE endpoint_id = ? AND state = '{}'"
    return Waiting(
        *(r.value(sql.format(state), (endpoint_id,)) for state in ("pending", "sending", "held"))
    )


def backlog(r: Reader, tenant_id: str) -> Waiting:
    """What waits to be sent to all webhooks of a tenant."""
    rows = r.all(
        "SELECT id FROM webhook_endpoints WHERE tenant_id = ? AND deleted_at IS NULL", (tenant_id,)
    )
    each = [waiting(r, row["id"]) for row in rows]
    return Waiting(
        sum(one.pending for one in each),
        sum(one.sending for one in each),
        sum(one.held for one in each),
    )


def last_audit(r: Reader) -> AuditRow | None:
    """The newest row of the audit."""
    row = r.one("SELECT seq, at, act FROM audit ORDER BY seq DESC LIMIT 1")
    return AuditRow(row["seq"], row["at"], row["act"]) if row else None


def orders_this_hour(r: Reader, tenant_id: str, minute: int) -> Mapping[str, int]:
    """Orders of each of a tenant's keys since that minute."""
    rows = r.all(
        "SELECT u.key_id, sum(u.orders) AS n FROM usage_minutes u"
        " JOIN api_keys k ON k.id = u.key_id WHERE k.tenant_id = ? AND u.minute >= ?"
        " GROUP BY u.key_id",
        (tenant_id, minute),
    )
    return {row["key_id"]: row["n"] for row in rows}


def orders_behind(r: Reader, event_seq: int) -> int:
    """How many packages were made since a copy whose last event that was, BEHIND_MAX at most."""
    count: int = r.value(
        "SELECT count(*) FROM"
        " (SELECT 1 FROM events WHERE seq > ? AND event = 'package.created' LIMIT ?)",
        (event_seq, BEHIND_MAX),
    )
    return count


def owns_box(r: Reader, scope: Scope) -> bool:
    """Whether this is the tenant the box was set up for; on one box there may be several."""
    first = r.value("SELECT id FROM tenants ORDER BY created_at, id LIMIT 1")
    return bool(first == scope.tenant_id)
