"""Plans: the one place that decides 402 (orders used up) and 403 (feature not on the plan)."""

from collections import Counter

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


class Meter:
    """Counts the orders of one transaction against hours and months; `write` stores the count."""

    def __init__(self, w: Writer, limits: LimitsSettings, plans: PlansSettings) -> None:
        self._w = w
        self._limits = limits
        self._plans = plans
        self._minutes: dict[str, list[tuple[int, int]]] = {}  # key id -> (minute, orders)
        self._months: dict[str, int] = {}  # tenant id -> orders
        self._new_by_key: Counter[str] = Counter()
        self._new_by_tenant: Counter[str] = Counter()
        self._over_by_tenant: Counter[str] = Counter()

    def charge(self, key: Key, tenant: Tenant, orders: int) -> None:
        """Let orders through, or raise RateLimited or OverPlan and count nothing of them."""
        self._need_room_in_hour(key, orders)
        self.charge_month(tenant, key.test, orders)
        self._new_by_key[key.id] += orders

    def charge_month(self, tenant: Tenant, test: bool, orders: int) -> None:
        """Let orders through that no key sent: they meet the plan's month alone, or OverPlan."""
        if test:
            return
        over = self._beyond_plan(tenant, orders)
        self._new_by_tenant[tenant.id] += orders
        self._over_by_tenant[tenant.id] += over

    def room(self, key: Key) -> Room:
        """What is left of the hour of a key that was charged here."""
        minutes, limit = self._minutes[key.id], orders_per_hour(self._limits, key)
        used = sum(count for _, count in minutes) + self._new_by_key[key.id]
        oldest = minutes[0][0] if minutes else self._w.now // MINUTE_MS
        wait = (oldest + 1) * MINUTE_MS + HOUR_MS - self._w.now
        return Room(limit, max(0, limit - used), whole_seconds(wait / 1000))

    def write(self) -> None:
        """Store what was let through."""
        month = clock.month(self._w.now)
        for key_id, orders in self._new_by_key.items():
            store.add_minute_usage(self._w, key_id, orders)
        for tenant_id, orders in self._new_by_tenant.items():
            over = self._over_by_tenant[tenant_id]
            store.add_month_usage(self._w, tenant_id, month, orders, over)

    def _need_room_in_hour(self, key: Key, orders: int) -> None:
        """Whole minutes are counted, also the oldest, which lies only partly within the hour.

        So no 3,600 seconds hold more than the limit, and a restart forgets nothing.
        """
        minutes = self._minutes.get(key.id)
        if minutes is None:
            oldest = (self._w.now - HOUR_MS) // MINUTE_MS
            minutes = self._minutes[key.id] = store.orders_since(self._w, key.id, oldest)
        limit = orders_per_hour(self._limits, key)
        used = sum(count for _, count in minutes) + self._new_by_key[key.id]
        if used + orders > limit:
            raise _hour_is_full(minutes, limit, used, orders, self._w.now)

    def _beyond_plan(self, tenant: Tenant, orders: int) -> int:
        """How many of these orders go beyond the month's plan, where the tenant may."""
        plan = plan_of(self._plans, tenant)
        if plan.monthly_orders is None:
            return 0
        if tenant.id not in self._months:
            month = clock.month(self._w.now)
            self._months[tenant.id] = store.month_usage(self._w, tenant.id, month)[0]
        used = self._months[tenant.id] + self._new_by_tenant[tenant.id]
        over = min(orders, max(0, used + orders - plan.monthly_orders))
        if over and not (plan.overage or tenant.overage):
            detail = {"limit": plan.monthly_orders, "used": used, "requested": orders}
            raise OverPlan(details=[detail])
        return over


def _hour_is_full(
    minutes: list[tuple[int, int]], limit: int, used: int, orders: int, now: int
) -> RateLimited:
    """429 with the seconds until enough of the hour's orders are an hour old."""
    free, wait = limit - used, HOUR_MS
    for minute, count in minutes:
        free += count
        if free >= orders:
            wait = (minute + 1) * MINUTE_MS + HOUR_MS - now
            break
    seconds = whole_seconds(wait / 1000)
    return RateLimited(
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
    return sum(count for _, count in minutes)


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
