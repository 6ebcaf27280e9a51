"""Plans: the one place that decides 402 (orders used up) and 403 (feature not on the plan)."""

from scriptrun_box.kernel import clock
from scriptrun_box.kernel.clock import HOUR_MS, MINUTE_MS
from scriptrun_box.kernel.config import LimitsSettings, Plan, PlansSettings
from scriptrun_box.kernel.db import Reader, Writer
from scriptrun_box.kernel.errors import Forbidden, OverPlan, RateLimited
from scriptrun_box.kernel.limiter import Room, headers_of, whole_seconds

from . import store
from .model import Key, Rate, Tenant

PLAN_NAMES = tuple(PlansSettings.model_fields)


def plan_of(plans: PlansSettings, tenant: Tenant) -> Plan:
    """What the tenant's plan allows."""
    plan: Plan = getattr(plans, tenant.plan)
    return plan


def require_feature(plans: PlansSettings, tenant: Tenant, feature: str) -> None:
    """Raise Forbidden where the plan lacks the feature."""
    if feature not in plan_of(plans, tenant).features:
        raise Forbidden(
            f"The {tenant.plan} plan does not include {feature}.", code="feature_not_in_plan"
        )


def charge_month(w: Writer, plans: PlansSettings, tenant: Tenant, orders: int) -> None:
    """Count live orders against the month's plan, or raise OverPlan (which undoes the count)."""
    plan = plan_of(plans, tenant)
    month = clock.month(w.now)
    total = store.add_month_usage(w, tenant.id, month, orders)
    if plan.monthly_orders is None or total <= plan.monthly_orders:
        return
    if not (plan.overage or tenant.overage):
        detail = {"limit": plan.monthly_orders, "used": total - orders, "requested": orders}
        raise OverPlan(details=[detail])
    store.add_overage(w, tenant.id, month, min(orders, total - plan.monthly_orders))


def charge_hour(w: Writer, key: Key, limit: int, orders: int) -> None:
    """Count orders against the key's sliding hour, or raise RateLimited and count nothing.

    Whole minutes are counted, also the oldest, which lies only partly within the hour: so no 3,600
    seconds hold more than the limit, and a restart forgets nothing.
    """
    oldest = (w.now - HOUR_MS) // MINUTE_MS
    minutes = store.orders_since(w, key.id, oldest)
    used = sum(row["orders"] for row in minutes)
    if used + orders <= limit:
        store.add_minute_usage(w, key.id, orders)
        return
    free, wait = limit - used, HOUR_MS
    for row in minutes:
        free += row["orders"]
        if free >= orders:
            wait = (row["minute"] + 1) * MINUTE_MS + HOUR_MS - w.now
            break
    seconds = whole_seconds(wait / 1000)
    raise RateLimited(
        f"This key may send {limit} orders an hour; wait for the seconds in Retry-After.",
        code="orders_per_hour",
        details=[{"limit": limit, "used": used, "requested": orders}],
        headers={
            "Retry-After": str(seconds),
            **headers_of(Room(limit, max(0, limit - used), seconds)),
        },
    )


def hour_used(r: Reader, key_id: str, now: int) -> int:
    """Orders of the key that the sliding hour counts now."""
    minutes = store.orders_since(r, key_id, (now - HOUR_MS) // MINUTE_MS)
    return sum(row["orders"] for row in minutes)


def requests_per_minute(limits: LimitsSettings, key: Key, rate: Rate) -> int:
    """How many requests of this class the key may make in any 60 seconds."""
    if rate == "ingest":
        return key.ingest_per_minute or limits.ingest_per_minute
    if rate == "read":
        return limits.reads_per_minute
    if rate == "scan":
        return limits.scans_per_minute
    return limits.writes_per_minute


def orders_per_hour(limits: LimitsSettings, key: Key) -> int:
    """How many orders the key may send in any hour."""
    return key.orders_per_hour or limits.orders_per_hour
