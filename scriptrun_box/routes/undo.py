"""Taking back what one did last: each move, where nobody else has moved its package since."""

from dataclasses import replace

from scriptrun_box.drivers import dispatch
from scriptrun_box.drivers.many import Result, Wish, each
from scriptrun_box.kernel.db import Writer
from scriptrun_box.kernel.errors import Conflict, Invalid
from scriptrun_box.kernel.scope import BOX, Actor, Scope
from scriptrun_box.packages import actions as packages
from scriptrun_box.packages import last_acts
from scriptrun_box.packages.last_acts import Made
from scriptrun_box.packages.model import Package
from scriptrun_box.packages.seen import faster

from . import store
from .sheet import need_version
from .stops import change


def undo(w: Writer, scope: Scope, actor: Actor, number: int) -> list[Result]:
    """Put back what the act with this number moved; what no longer fits says who was faster.

    Each is a move of its own through the same gates, so it is in the timeline like any other. What
    was on a stop that is no longer there comes back to its driver without it, and says so.
    """
    made = {move.package_id: move for move in last_acts.take(w, scope, actor, number)}
    results = each(
        [Wish(package_id, None) for package_id in made],
        lambda wish: _take_back(w, scope, actor, made[wish.package_id]),
    )
    return [replace(each, off_route=_off_route(made[each.package_id], each)) for each in results]


def _take_back(w: Writer, scope: Scope, actor: Actor, move: Made) -> Package:
    package = packages.find(w, scope, move.package_id)
    if last_acts.last_step(w, package)[0] != move.seq:
        raise faster(w, package, dispatch.standing(w, package))
    _need_route_left_alone(w, scope, actor, package, move)
    before = move.detail.get("from_driver_id")
    if move.act == "cancel":
        of = move.detail.get("duplicate_of", package.duplicate_of)
        back = packages.restore(w, scope, actor, package.id, of)
        if move.from_status != "assigned" or package.driver_id is None:
            return back
        try:
            back = dispatch.assign(w, scope, actor, back.id, package.driver_id, None)
        except (Conflict, Invalid):  # who had it cannot have it any more
            return back
    elif before is not None:
        back = dispatch.assign(w, scope, actor, package.id, before, None)
    else:
        return packages.unassign(w, scope, actor, package.id)
    return _onto_its_stop(w, scope, actor, back, move)


def _need_route_left_alone(
    w: Writer, scope: Scope, actor: Actor, package: Package, move: Made
) -> None:
    """Raise Conflict where somebody else has arranged the route since that it is on now."""
    route = package.route_id and store.get(w, replace(scope, location_id=None), package.route_id)
    if route and route.updated_at > move.at and route.updated_by not in (actor.id, BOX.id):
        need_version(w, route, route.version - 1)


def _onto_its_stop(w: Writer, scope: Scope, actor: Actor, package: Package, move: Made) -> Package:
    """Where its stop still stands on a route that its driver has not started."""
    route_id = move.detail.get("from_route_id")
    route = route_id and store.get(w, replace(scope, location_id=None), route_id)
    if not route or (route.status, route.driver_id) != ("planned", package.driver_id):
        return package
    if move.detail["from_stop_id"] not in {stop.id for stop in store.stops(w, route.id)}:
        return package
    packages.set_stop(w, package, route.id, move.detail["from_stop_id"])
    change(w, scope, actor, route, "packages_put", {"packages": [package.id]})
    return packages.find(w, scope, package.id)


def _off_route(move: Made, result: Result) -> bool:
    was = move.detail.get("from_route_id")
    package = result.package
    return bool(was and package and package.driver_id and package.route_id != was)
