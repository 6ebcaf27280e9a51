"""One plan: how far the optimiser is, what it found and left out, use it or drop it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from scriptrun_box.drivers import store as drivers
from scriptrun_box.kernel.db import Reader
from scriptrun_box.kernel.errors import Conflict, NotFound
from scriptrun_box.kernel.http import Call
from scriptrun_box.kernel.scope import Scope
from scriptrun_box.packages import store as packages
from scriptrun_box.packages.api import look
from scriptrun_box.packages.model import Package
from scriptrun_box.routes import plans
from scriptrun_box.routes.plan import Plan
from scriptrun_box.routes.plans_api import PLAN_ID
from scriptrun_box.ui import pages

from .routes import PATH


@dataclass(frozen=True, slots=True)
class Shown:
    """A plan, and the drivers and packages it speaks of."""

    plan: Plan
    names: Mapping[str, str]
    packages: Mapping[str, Package]

    @property
    def result(self) -> dict[str, Any]:
        return {"routes": [], "left_out": [], "skipped": [], **(self.plan.result or {})}


async def plan(call: Call) -> Response:
    """GET /plans/{id}."""
    return await _page(call)


async def live_plan(call: Call) -> Response:
    """GET /live/plans/{id}: the changing parts of the same page."""
    shown = await call.box.db.read(_shown, call.whose, _id(call))
    return await pages.render(call, "desk/plan_live.html", shown=shown, plan=shown.plan)


async def use(call: Call) -> Response:
    """POST /plans/{id}/use: make it so, and on to the routes."""
    call.box.disk.check()
    try:
        done = await call.box.db.write(plans.commit, call.whose, call.caller.actor, _id(call))
    except Conflict as refusal:
        return await _page(call, 409, problem=refusal.sentence)
    result = done.result or {}
    if result.get("skipped"):
        return pages.redirect(f"/plans/{done.id}")
    if done.route_id is not None:
        return pages.redirect(f"{PATH}/{done.route_id}?done=used")
    return pages.redirect(f"{PATH}?date={done.date}")


async def drop(call: Call) -> Response:
    """POST /plans/{id}/cancel."""
    try:
        done = await call.box.db.write(plans.cancel, call.whose, call.caller.actor, _id(call))
    except Conflict as refusal:
        return await _page(call, 409, problem=refusal.sentence)
    back = f"{PATH}/{done.route_id}" if done.route_id else f"{PATH}?date={done.date}"
    return pages.redirect(back)


async def _page(call: Call, status: int = 200, *, problem: str = "") -> Response:
    shown = await call.box.db.read(_shown, call.whose, _id(call))
    look(call, "plan.read", shown.plan.id)
    return await pages.render(
        call, "desk/plan.html", status, shown=shown, plan=shown.plan, problem=problem
    )


def _shown(r: Reader, scope: Scope, plan_id: str) -> Shown:
    found = plans.read(r, scope, plan_id)
    result = found.result or {}
    named = {
        package_id
        for route in result.get("routes", ())
        for stop in route["stops"]
        for package_id in stop["package_ids"]
    }
    named |= {
        each["package_id"] for part in ("left_out", "skipped") for each in result.get(part, ())
    }
    known = {each: packages.get(r, scope, each) for each in named}
    return Shown(
        found,
        drivers.names(r, scope.tenant_id, found.request["driver_ids"]),
        {package_id: package for package_id, package in known.items() if package},
    )


def _id(call: Call) -> str:
    plan_id: str = call.path_params["id"]
    if not PLAN_ID.fullmatch(plan_id):
        raise NotFound("There is no such plan.")
    return plan_id
