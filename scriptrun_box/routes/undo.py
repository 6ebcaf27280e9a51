"""Taking back what one did last: each move, where nobody else has moved its package since."""

from scriptrun_box.kernel.db import Writer
from scriptrun_box.kernel.errors import Conflict, Invalid
from scriptrun_box.kernel.scope import Actor, Scope
from scriptrun_box.packages import actions as packages
from scriptrun_box.packages import last_acts
from scriptrun_box.packages.last_acts import Made
from scriptrun_box.packages.model import Package
from scriptrun_box.packages.seen import faster

from . import dispatch
from .many import Result, Wish, each


def undo(w: Writer, scope: Scope, actor: Actor, number: int) -> list[Result]:
    """Put back what the act with this number moved; what no longer fits says who was faster.

    Each is a move of its own through the same gates, so it is in the timeline like any other.
    """
    made = {move.package_id: move for move in last_acts.take(w, scope, actor, number)}
    return each(
        [Wish(package_id, None) for package_id in made],
        lambda wish: _take_back(w, scope, actor, made[wish.package_id]),
    )


def _take_back(w: Writer, scope: Scope, actor: Actor, move: Made) -> Package:
    package = packages.find(w, scope, move.package_id)
    if last_acts.last_step(w, package)[0] != move.seq:
        raise faster(w, package, dispatch.standing(w, package))
    before = move.detail.get("from_driver_id")
    if move.act == "cancel":
        of = move.detail.get("duplicate_of", package.duplicate_of)
        back = packages.restore(w, scope, actor, package.id, of)
        if move.from_status != "assigned" or package.driver_id is None:
            return back
        try:
            return dispatch.assign(w, scope, actor, back.id, package.driver_id, None)
        except (Conflict, Invalid):  # who had it cannot have it any more
            return back
    if before is not None:
        return dispatch.assign(w, scope, actor, package.id, before, None)
    return packages.unassign(w, scope, actor, package.id)
