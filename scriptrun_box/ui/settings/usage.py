"""Settings → Usage: the month against the plan, the months before, what each key may and does."""

from dataclasses import dataclass

from starlette.responses import Response

from scriptrun_box.accounts import plans, store
from scriptrun_box.accounts.gates import person_of_call
from scriptrun_box.accounts.model import Key
from scriptrun_box.kernel import clock
from scriptrun_box.kernel.clock import HOUR_MS, MINUTE_MS
from scriptrun_box.kernel.db import Reader
from scriptrun_box.kernel.http import Call
from scriptrun_box.ui import pages

from . import queries
from .tables import csv_answer


@dataclass(frozen=True, slots=True)
class Month:
    """Accepted orders of one month, and those of them beyond the plan."""

    month: str
    orders: int
    overage: int


@dataclass(frozen=True, slots=True)
class KeyUse:
    """What a key may do and how much of it is used right now."""

    key: Key
    ingest_limit: int
    ingest_used: int
    hour_limit: int
    hour_used: int


async def usage(call: Call) -> Response:
    """GET /settings/usage."""
    tenant = person_of_call(call).tenant
    plan = plans.plan_of(call.box.settings.plans, tenant)
    months = await _months(call)
    this = clock.month(clock.now_ms())
    used = next((each for each in months if each.month == this), Month(this, 0, 0))
    return await pages.render(
        call,
        "settings/usage.html",
        this=used,
        months=months,
        busiest=max((each.orders for each in months), default=0) or 1,
        plan=plan,
        plan_name=tenant.plan,
        overage=plan.overage or tenant.overage,
        keys=await _key_uses(call),
    )


async def export_months(call: Call) -> Response:
    """GET /settings/usage.csv."""
    rows = [(each.month, each.orders, each.overage) for each in await _months(call)]
    return csv_answer("usage.csv", ("month", "orders", "overage"), rows)


async def export_keys(call: Call) -> Response:
    """GET /settings/usage-keys.csv."""
    rows = [
        (use.key.name, use.key.prefix, "test" if use.key.test else "live", use.ingest_limit,
         use.ingest_used, use.hour_limit, use.hour_used)
        for use in await _key_uses(call)
    ]  # fmt: skip
    columns = ("name", "prefix", "kind", "requests_per_minute", "requests_last_minute",
               "orders_per_hour", "orders_last_hour")  # fmt: skip
    return csv_answer("usage-keys.csv", columns, rows)


async def _months(call: Call) -> list[Month]:
    rows = await call.box.db.read(store.months, person_of_call(call).user.tenant_id)
    return [Month(row["month"], row["orders"], row["overage"]) for row in rows]


async def _key_uses(call: Call) -> list[KeyUse]:
    box = call.box
    keys, orders = await box.db.read(_keys, person_of_call(call).user.tenant_id)
    found = []
    for key in keys:
        limit = plans.requests_per_minute(box.settings.limits, key, "ingest")
        room = box.limiter.peek(key.id, "ingest", limit)
        hour = plans.orders_per_hour(box.settings.limits, key)
        found.append(KeyUse(key, limit, limit - room.remaining, hour, orders.get(key.id, 0)))
    return found


def _keys(r: Reader, tenant_id: str) -> tuple[list[Key], dict[str, int]]:
    minute = (clock.now_ms() - HOUR_MS) // MINUTE_MS
    valid = [key for key in store.keys(r, tenant_id) if key.revoked_at is None]
    return valid, dict(queries.orders_this_hour(r, tenant_id, minute))
