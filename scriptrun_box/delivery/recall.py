"""Recalling what is out: it is not delivered any more, and its stop on a route may be done."""

from scriptrun_box.kernel.db import Writer
from scriptrun_box.kernel.scope import Actor, Scope
from scriptrun_box.packages import actions
from scriptrun_box.packages.model import Package
from scriptrun_box.routes.actions import note_done


def recall(w: Writer, scope: Scope, actor: Actor, package_id: str, reason: str) -> Package:
    """Have a package come back. It stays out until its driver hands it in."""
    recalled = actions.move_on(
        w, scope, actor, package_id, "recall", detail={"reason": reason}, recalled_at=w.now
    )
    note_done(w, scope, recalled)
    return recalled
