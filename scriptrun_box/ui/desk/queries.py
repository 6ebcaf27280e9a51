"""What the dashboard shows, read in one snapshot: numbers, lists, the feed, the day by hour."""

import json
from collections.abc import Iterable
from dataclasses import dataclass

from scriptrun_box.kernel.clock import HOUR_MS
from scriptrun_box.kernel.db import Reader
from scriptrun_box.kernel.notices import Notice, open_notices
from scriptrun_box.kernel.scope import Scope
from scriptrun_box.packages.model import Move, Package, package_of
from scriptrun_box.ui import words
from scriptrun_box.ui.queries import actor_names, zone_of

LISTED = 50  # rows under "To assign"
DECIDED = 5  # rows under "To decide"
FED = 12  # lines of the feed
FEED_PACKAGES = 500  # newest packages the feed looks at: five full batches
FEED_MOVES = 300  # newest moves of the box the feed looks at
FEED_AUDIT = 300  # newest audit rows in which it looks for refused orders
SHOWN_ACTS = ("start", "deliver", "fail", "return", "redeliver", "cancel")


@dataclass(frozen=True, slots=True)
class Tiles:
    """The numbers at the top; money in cents."""

    to_assign: int = 0
    out: int = 0
    delivered: int = 0
    to_decide: int = 0
    check_address: int = 0
    duplicates: int = 0
    copay_due: int = 0
    copay_collected: int = 0


@dataclass(frozen=True, slots=True)
class Arrival:
    """The orders of one request."""

    at: int
    by: str
    source: str
    count: int
    refused: int
    address: str
    package_id: str
    kind: str = "arrival"


@dataclass(frozen=True, slots=True)
class Happening:
    """One move of a package."""

    at: int
    by: str
    move: Move
    address: str
    package_id: str
    status: str
    kind: str = "move"


@dataclass(frozen=True, slots=True)
class Trouble:
    """A webhook endpoint that does not take its events."""

    at: int
    url: str
    paused: bool
    waiting: int
    kind: str = "trouble"


Line = Arrival | Happening | Trouble


@dataclass(frozen=True, slots=True)
class Hour:
    """Orders in and deliveries within one hour of the day."""

    label: str
    orders: int
    delivered: int


@dataclass(frozen=True, slots=True)
class Desk:
    """Everything on the dashboard that changes while one looks at it."""

    tiles: Tiles
    to_assign: list[Package]
    to_decide: list[Package]
    feed: list[Line]
    names: dict[str, str]
    notices: list[Notice]


def desk(r: Reader, scope: Scope, now: int) -> Desk:
    """The live part of the dashboard."""
    today = words.day_start(now, zone_of(r, scope))
    feed: list[Line] = [*_arrivals(r, scope), *_happenings(r, scope), *_troubles(r, scope)]
    feed = sorted(feed, key=lambda line: line.at, reverse=True)[:FED]
    actors = [line.by for line in feed if not isinstance(line, Trouble)]
    return Desk(
        tiles=_tiles(r, scope, today),
        to_assign=_to_assign(r, scope),
        to_decide=_to_decide(r, scope),
        feed=feed,
        names=actor_names(r, scope.tenant_id, actors),
        notices=open_notices(r, scope),
    )


def any_package(r: Reader, scope: Scope) -> bool:
    """Whether there ever was one."""
    return bool(
        r.value(
            "SELECT EXISTS (SELECT 1 FROM packages WHERE tenant_id = ? AND test = ?)",
            (scope.tenant_id, scope.test),
        )
    )


def hours(r: Reader, scope: Scope, now: int) -> list[Hour]:
    """Today's orders and deliveries by hour, as far as there is something to draw."""
    zone = zone_of(r, scope)
    today = words.day_start(now, zone)
    counted: dict[tuple[str, int], int] = {}
    for column in ("created_at", "delivered_at"):
        # Whatever came or was delivered today was changed today: that is what the index knows.
        rows = r.all(
            f"SELECT ({column} - ?) / {HOUR_MS} AS hour, count(*) AS n FROM packages"  # noqa: S608
            f" WHERE tenant_id = ? AND test = ? AND updated_at >= ? AND {column} >= ?"
            " GROUP BY hour",
            (today, scope.tenant_id, scope.test, today, today),
        )
        counted.update({(column, row["hour"]): row["n"] for row in rows})
    busy = [hour for _, hour in counted]
    span = range(min([8, *busy]), max([18, *busy]) + 1)
    return [
        Hour(
            words.clock_text(today + hour * HOUR_MS, today, zone),
            counted.get(("created_at", hour), 0),
            counted.get(("delivered_at", hour), 0),
        )
        for hour in span
    ]


def _tiles(r: Reader, scope: Scope, today: int) -> Tiles:
    rows = {
        row["status"]: row
        for row in r.all(
            "SELECT status, count(*) AS n, sum(address_incomplete) AS incomplete,"
            " count(duplicate_of) AS duplicates, sum(copay_cents) AS due FROM packages"
            " WHERE tenant_id = ? AND test = ?"
            " AND status IN ('created', 'assigned', 'out_for_delivery', 'failed') GROUP BY status",
            (scope.tenant_id, scope.test),
        )
    }

    def total(column: str, *statuses: str) -> int:
        return sum(rows[status][column] or 0 for status in statuses if status in rows)

    done = r.one(
        "SELECT count(*) AS n, sum(copay_collected_cents) AS collected FROM packages"
        " WHERE tenant_id = ? AND test = ? AND updated_at >= ? AND delivered_at >= ?"
        " AND status = 'delivered'",
        (scope.tenant_id, scope.test, today, today),
    )
    return Tiles(
        to_assign=total("n", "created"),
        out=total("n", "out_for_delivery"),
        delivered=done["n"],
        to_decide=total("n", "failed"),
        check_address=total("incomplete", "created", "assigned"),
        duplicates=total("duplicates", "created", "assigned"),
        copay_due=total("due", "created", "assigned", "out_for_delivery"),
        copay_collected=done["collected"] or 0,
    )


def _to_assign(r: Reader, scope: Scope) -> list[Package]:
    """STAT before urgent before routine, the newest first: a new order is seen at once."""
    rows = r.all(
        "SELECT * FROM packages WHERE seq IN (SELECT seq FROM packages"
        " WHERE tenant_id = ? AND test = ? AND status = 'created'"
        " ORDER BY priority = 'stat' DESC, priority = 'urgent' DESC, seq DESC LIMIT ?)"
        " ORDER BY priority = 'stat' DESC, priority = 'urgent' DESC, seq DESC",
        (scope.tenant_id, scope.test, LISTED),
    )
    return [package_of(row) for row in rows]


def _to_decide(r: Reader, scope: Scope) -> list[Package]:
    rows = r.all(
        "SELECT * FROM packages WHERE tenant_id = ? AND test = ? AND status = 'failed'"
        " ORDER BY seq DESC LIMIT ?",
        (scope.tenant_id, scope.test, DECIDED),
    )
    return [package_of(row) for row in rows]


def _arrivals(r: Reader, scope: Scope) -> list[Arrival]:
    """One line for each request that brought orders."""
    rows = r.all(
        "SELECT min(seq), id, patient_address, created_by, created_at, source, count(*) AS n"
        " FROM (SELECT * FROM packages WHERE tenant_id = ? AND test = ? ORDER BY seq DESC LIMIT ?)"
        " GROUP BY created_by, created_at, source ORDER BY created_at DESC",
        (scope.tenant_id, scope.test, FEED_PACKAGES),
    )
    if len(rows) > 1 and sum(row["n"] for row in rows) == FEED_PACKAGES:
        rows.pop()  # the oldest request is perhaps not counted whole
    refused = _refused(r, scope)
    return [
        Arrival(
            row["created_at"],
            row["created_by"],
            row["source"],
            row["n"],
            refused.get(row["id"], 0),
            row["patient_address"],
            row["id"],
        )
        for row in rows[:FED]
    ]


def _refused(r: Reader, scope: Scope) -> dict[str, int]:
    """{first package of a request: orders of it that were refused}, of the last requests."""
    rows = r.all(
        "SELECT detail FROM (SELECT act, detail FROM audit WHERE tenant_id = ?"
        " ORDER BY seq DESC LIMIT ?) WHERE act = 'orders.received'",
        (scope.tenant_id, FEED_AUDIT),
    )
    details = [json.loads(row["detail"]) for row in rows]
    return {detail["first"]: detail["refused"] for detail in details if detail.get("refused")}


def _happenings(r: Reader, scope: Scope) -> list[Happening]:
    rows = r.all(
        "SELECT m.*, p.patient_address, p.status FROM package_moves AS m"
        " CROSS JOIN packages AS p ON p.id = m.package_id"
        " WHERE m.seq > (SELECT coalesce(max(seq), 0) FROM package_moves) - ?"
        " AND m.act IN (SELECT value FROM json_each(?)) AND p.tenant_id = ? AND p.test = ?"
        " ORDER BY m.seq DESC LIMIT ?",
        (FEED_MOVES, json.dumps(SHOWN_ACTS), scope.tenant_id, scope.test, FED),
    )
    return [
        Happening(
            row["at"],
            row["actor"],
            Move(
                row["at"],
                row["actor"],
                row["act"],
                row["from_status"],
                row["to_status"],
                json.loads(row["detail"]),
            ),
            row["patient_address"],
            row["package_id"],
            row["status"],
        )
        for row in rows
    ]


def _troubles(r: Reader, scope: Scope) -> list[Trouble]:
    rows = r.all(
        "SELECT url, state, coalesce(paused_at, failing_since) AS at,"
        " (SELECT count(*) FROM webhook_deliveries AS d"
        "  WHERE d.endpoint_id = e.id AND d.state = 'pending')"
        " + (SELECT count(*) FROM webhook_deliveries AS d"
        "  WHERE d.endpoint_id = e.id AND d.state = 'held') AS waiting"
        " FROM webhook_endpoints AS e WHERE tenant_id = ? AND test = ? AND deleted_at IS NULL"
        " AND (state = 'paused_failing' OR failing_since IS NOT NULL)"
        " AND coalesce(paused_at, failing_since) IS NOT NULL",
        (scope.tenant_id, scope.test),
    )
    return [
        Trouble(row["at"], row["url"], row["state"] == "paused_failing", row["waiting"])
        for row in rows
    ]


def arrivals(r: Reader, stop_ids: Iterable[str]) -> dict[str, int]:
    """{stop: when its driver will be there} of those that are not done."""
    rows = r.all(
        "SELECT id, arrives_at FROM stops WHERE id IN (SELECT value FROM json_each(?))"
        " AND done_at IS NULL AND arrives_at IS NOT NULL",
        (json.dumps(sorted(stop_ids)),),
    )
    return {row["id"]: row["arrives_at"] for row in rows}
