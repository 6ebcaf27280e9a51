"""Plans: what the optimiser is asked about, a preview of what it found, and making it so.

A plan is a row: queued, running, ready, then committed, or failed or cancelled. Making it so looks
at every package and route again: what changed meanwhile is left as it is, and the plan says so.
"""

from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from scriptrun_box.drivers import store as drivers
from scriptrun_box.kernel import audit, clock, ids
from scriptrun_box.kernel.db import Reader, Signal, Writer
from scriptrun_box.kernel.errors import Conflict, NotFound
from scriptrun_box.kernel.scope import Actor, Scope
from scriptrun_box.packages import lifecycle
from scriptrun_box.packages import store as packages
from scriptrun_box.packages.model import Package

from . import actions, store
from .model import STOPS_MAX
from .plan import Plan
from .sheet import find, need_open, need_version
from .stops import need_driver, put, put_in_order

CHANGED = "route_plans"
WAITING_MAX = 5  # plans of a tenant that are not computed yet
EXTRA = (
    'The optimiser is not installed: its extra "routes" is missing'
    " (pip install scriptrun-box[routes])."
)


def available() -> bool:
    """Whether the optimiser is installed; without it routes are made by hand, or nearest first."""
    try:
        return bool(version("pyvrp"))
    except PackageNotFoundError:
        return False


def need_optimiser() -> None:
    """Raise Conflict, naming the extra that is missing."""
    if not available():
        raise Conflict(EXTRA, code="extra_missing", details=[{"extra": "routes"}])


def ask(w: Writer, scope: Scope, actor: Actor, given: Mapping[str, Any]) -> Plan:
    """Have drivers' routes of a day planned; `given` are checked fields of `OptimizeIn`."""
    location_id, time_zone = actions.location_of(w, scope, given.get("pharmacy_id"))
    date = actions.date_of(given.get("date") or clock.local_date(w.now, time_zone))
    driver_ids = list(dict.fromkeys(given["driver_ids"]))
    for driver_id in driver_ids:
        need_driver(w, scope, driver_id)
    package_ids = given.get("package_ids")
    if package_ids is not None:
        package_ids = list(dict.fromkeys(package_ids))
        for package_id in package_ids:
            if packages.get(w, scope, package_id) is None:
                raise NotFound("There is no such package.")
    request = {"driver_ids": driver_ids, "package_ids": package_ids}
    return _queue(w, scope, actor, location_id, date, None, request)


def ask_for_route(
    w: Writer, scope: Scope, actor: Actor, route_id: str, seen: int | None = None
) -> Plan:
    """Have the stops of one route put in the best order; its stops fixed by hand stay."""
    route = find(w, scope, route_id)
    need_version(w, route, seen)
    need_open(route)
    request = {"driver_ids": [route.driver_id], "package_ids": []}
    return _queue(w, scope, actor, route.location_id, route.date, route.id, request)


def read(r: Reader, scope: Scope, plan_id: str) -> Plan:
    """The plan, or NotFound."""
    plan = store.plan(r, scope, plan_id)
    if plan is None:
        raise NotFound("There is no such plan.")
    return plan


def cancel(w: Writer, scope: Scope, actor: Actor, plan_id: str) -> Plan:
    """Drop a plan, computed or not; again is nothing."""
    plan = read(w, scope, plan_id)
    if plan.status in ("cancelled", "failed"):
        return plan
    if plan.status == "committed":
        raise Conflict("This plan is already in use.", code="plan_committed")
    move(w, plan, status="cancelled")
    audit.record(w, scope.tenant_id, actor, "plan.cancelled", plan.id)
    return read(w, scope, plan_id)


def move(w: Writer, plan: Plan, **columns: Any) -> bool:
    """Change a plan while it is in the status that was read, and say so."""
    done = store.set_plan(w, plan, **columns)
    if done:
        w.after_commit(Signal(CHANGED, plan.tenant_id, plan.test, (plan.id,)))
    return done


def commit(w: Writer, scope: Scope, actor: Actor, plan_id: str) -> Plan:
    """Make a plan so: routes get these stops in this order, and whoever drives them the packages.

    What changed since it was computed stays as it is, and is told in the plan's `skipped`.
    """
    plan = read(w, scope, plan_id)
    if plan.status != "ready" or plan.result is None:
        raise Conflict(
            f"This plan is {plan.status}; only one that is ready can be used.",
            code="plan_not_ready",
            details=[{"status": plan.status}],
        )
    skipped: list[dict[str, str]] = []
    made: list[str] = []
    for wanted in plan.result["routes"]:
        if wanted["stops"]:
            route_id = _commit_route(w, scope, actor, plan, wanted, skipped)
            made += [route_id] if route_id else []
    result = {**plan.result, "skipped": skipped, "route_ids": made}
    move(w, plan, status="committed", result=result)
    audit.record(w, scope.tenant_id, actor, "plan.committed", plan.id, routes=made)
    return read(w, scope, plan_id)


def _commit_route(
    w: Writer,
    scope: Scope,
    actor: Actor,
    plan: Plan,
    wanted: Mapping[str, Any],
    skipped: list[dict[str, str]],
) -> str | None:
    """One driver's part; the route's id, or None where nothing of it could be."""
    on_it = [package_id for stop in wanted["stops"] for package_id in stop["package_ids"]]
    reason = _route_changed(w, scope, wanted)
    good = []
    for package_id in on_it:
        why = reason or _changed(w, scope, plan, wanted["driver_id"], package_id)
        if why:
            skipped.append({"package_id": package_id, "reason": why})
        else:
            good.append(package_id)
    good = good[:STOPS_MAX]
    if not good:
        return None
    route_id = wanted["route_id"] or _route_for(w, scope, actor, plan, wanted["driver_id"])
    put(w, scope, actor, route_id, good)
    arrivals = {
        package_id: stop["arrives_at"]
        for stop in wanted["stops"]
        for package_id in stop["package_ids"]
    }
    put_in_order(w, scope, actor, route_id, good, by=plan.id, arrivals=arrivals)
    return route_id


def _route_for(w: Writer, scope: Scope, actor: Actor, plan: Plan, driver_id: str) -> str:
    """The driver's route of that day, made where there is none yet."""
    there = store.planned_for(w, scope, driver_id, plan.location_id, plan.date)
    if there is not None:
        return there.id
    given = {"driver_id": driver_id, "date": plan.date, "pharmacy_id": plan.location_id}
    return actions.create(w, scope, actor, given).route.id


def _route_changed(r: Reader, scope: Scope, wanted: Mapping[str, Any]) -> str:
    """Why nothing goes on this route any more; empty where it is as it was."""
    driver = drivers.get(r, scope, wanted["driver_id"])
    if driver is None or not driver.active:
        return "driver_left"
    if wanted["route_id"] is None:
        return ""
    route = store.get(r, scope, wanted["route_id"])
    return "" if route and route.version == wanted["version"] else "route_changed"


def _changed(r: Reader, scope: Scope, plan: Plan, driver_id: str, package_id: str) -> str:
    """Why a package stays as it is; empty where it is as the optimiser saw it."""
    package = packages.get(r, scope, package_id)
    assert plan.result is not None
    if package is None or (package.status, package.driver_id) != tuple(
        plan.result["seen"][package_id]
    ):
        return "changed"
    return _refused(r, scope, package, driver_id)


def _refused(r: Reader, scope: Scope, package: Package, driver_id: str) -> str:
    """The code of the gate that keeps a package from a driver; empty where none does."""
    if package.status not in ("created", "assigned"):
        return ""  # out already, on its own route
    driver = drivers.get(r, replace(scope, location_id=None), driver_id)
    assert driver is not None
    facts = package.facts(
        clock.now_ms(),
        driver_cold_chain=driver.may("cold_chain"),
        driver_controlled=driver.may("controlled"),
    )
    why = lifecycle.move("assign", facts)
    return why.code if isinstance(why, lifecycle.Refused) else ""


def _queue(
    w: Writer,
    scope: Scope,
    actor: Actor,
    location_id: str,
    date: str,
    route_id: str | None,
    request: dict[str, Any],
) -> Plan:
    waiting = [plan for plan in store.waiting_plans(w) if plan.tenant_id == scope.tenant_id]
    if len(waiting) >= WAITING_MAX:
        raise Conflict(
            f"{WAITING_MAX} plans are still being computed; wait for one of them.",
            code="too_many_plans",
        )
    made = Plan(
        seq=0,
        id=ids.prefixed("pln"),
        tenant_id=scope.tenant_id,
        test=scope.test,
        location_id=location_id,
        date=date,
        route_id=route_id,
        status="queued",
        progress=0,
        request=request,
        result=None,
        reason=None,
        created_at=w.now,
        created_by=actor.id,
        updated_at=w.now,
    )
    store.insert_plan(w, made)
    audit.record(w, scope.tenant_id, actor, "plan.asked", made.id, date=date)
    w.after_commit(Signal(CHANGED, scope.tenant_id, scope.test, (made.id,)))
    return read(w, scope, made.id)
