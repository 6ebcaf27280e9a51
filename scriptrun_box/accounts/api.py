"""GET /api/account and /api/usage: who the key is, and how much of everything is left."""

from starlette.responses import Response

from scriptrun_box.kernel import clock
from scriptrun_box.kernel.db import Reader
from scriptrun_box.kernel.http import Call, json_answer

from . import plans, store
from .gates import key_of
from .model import Key, Location, Tenant


async def account(call: Call) -> Response:
    """The key's tenant, plan, features and locations."""
    caller = key_of(call)
    plan = plans.plan_of(call.box.settings.plans, caller.tenant)
    return json_answer(
        {
            "tenant": {
                "id": caller.tenant.id,
                "name": caller.tenant.name,
                "kind": caller.tenant.kind,
            },
            "plan": caller.tenant.plan,
            "features": list(plan.features),
            "test": caller.key.test,
            "locations": [location_shape(place) for place in caller.known.locations],
        }
    )


async def usage(call: Call) -> Response:
    """The month against the plan, overage, and each rate limit of the key."""
    caller = key_of(call)
    box = call.box
    month, used, over, hour = await box.db.read(_usage, caller.tenant, caller.key)
    plan = plans.plan_of(box.settings.plans, caller.tenant)
    limits = {}
    for rate in ("ingest", "read", "write", "scan"):
        most = plans.requests_per_minute(box.settings.limits, caller.key, rate)
        room = box.limiter.peek(caller.key.id, rate, most)
        limits[rate] = {"per_minute": room.limit, "remaining": room.remaining}
    most_orders = plans.orders_per_hour(box.settings.limits, caller.key)
    limits["orders"] = {"per_hour": most_orders, "remaining": max(0, most_orders - hour)}
    return json_answer(
        {
            "month": month,
            "plan": caller.tenant.plan,
            "orders": used,
            "limit": plan.monthly_orders,
            "overage": {"enabled": plan.overage or caller.tenant.overage, "orders": over},
            "limits": limits,
        }
    )


def location_shape(place: Location) -> dict[str, str]:
    """A location on the wire."""
    return {
        "id": place.id,
        "name": place.name,
        "address": place.address,
        "time_zone": place.time_zone,
    }


def _usage(r: Reader, tenant: Tenant, key: Key) -> tuple[str, int, int, int]:
    now = clock.now_ms()
    month = clock.month(now)
    used, over = store.month_usage(r, tenant.id, month)
    return month, used, over, plans.hour_used(r, key.id, now)
