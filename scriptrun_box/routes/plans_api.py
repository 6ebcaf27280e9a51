"""Plans over HTTP: ask the optimiser, look how far it is, make so what it found, or drop it."""

import re

from starlette.responses import Response

from scriptrun_box.kernel.http import Call, json_answer, read_model
from scriptrun_box.packages.api import PACKAGE_ID, NothingIn, bad

from . import plans
from .api import route_id_of
from .model import VersionIn
from .plan import OptimizeIn, Plan, plan_wire

PLAN_ID = re.compile(r"pln_[0-9a-f]{32}")


async def optimize(call: Call) -> Response:
    """Have drivers' routes of a day planned."""
    given = read_model(call, OptimizeIn).model_dump()
    if not all(PACKAGE_ID.fullmatch(each) for each in given["package_ids"] or ()):
        raise bad("package_ids", "A package id is 32 hexadecimal digits.")
    plans.need_optimiser()
    made = await call.box.db.write(plans.ask, call.whose, call.caller.actor, given)
    return json_answer(plan_wire(made), 202)


async def optimize_route(call: Call) -> Response:
    """Have the stops of one route put in the best order."""
    route_id, wish = route_id_of(call), read_model(call, VersionIn)
    plans.need_optimiser()
    made = await call.box.db.write(
        plans.ask_for_route, call.whose, call.caller.actor, route_id, wish.version
    )
    return json_answer(plan_wire(made), 202)


async def read_plan(call: Call) -> Response:
    """One plan: how far it is, or what it found."""
    return _answer(await call.box.db.read(plans.read, call.whose, plan_id_of(call)))


async def commit_plan(call: Call) -> Response:
    """Make a plan so."""
    plan_id = plan_id_of(call)
    read_model(call, NothingIn)
    return _answer(await call.box.db.write(plans.commit, call.whose, call.caller.actor, plan_id))


async def cancel_plan(call: Call) -> Response:
    """Drop a plan."""
    plan_id = plan_id_of(call)
    read_model(call, NothingIn)
    return _answer(await call.box.db.write(plans.cancel, call.whose, call.caller.actor, plan_id))


def plan_id_of(call: Call) -> str:
    """The id in the path: 400 when it cannot be one."""
    plan_id: str = call.path_params["id"]
    if not PLAN_ID.fullmatch(plan_id):
        raise bad("id", "A plan id is pln_ and 32 hexadecimal digits.")
    return plan_id


def _answer(plan: Plan) -> Response:
    return json_answer(plan_wire(plan))
