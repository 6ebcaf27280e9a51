"""The sandbox's custody: nobody releases, hands over or decides there, and the chain says so."""

from scriptrun_box.kernel.db import Writer
from scriptrun_box.kernel.ids import hex_id
from scriptrun_box.kernel.scope import Actor, Scope
from scriptrun_box.packages import actions as packages
from scriptrun_box.packages.model import Package

from . import custody, store
from .custody import MADE_UP
from .disposition import undecided
from .model import Check, Disposition, Party, Release


def go_out(w: Writer, scope: Scope, actor: Actor, package: Package) -> None:
    """Released and handed over by the walk itself; the gates are its caller's to open."""
    if package.handed_over_at is not None:
        return
    found = store.release(w, package.id) if package.released_at is not None else None
    if found is None:
        schedule = package.content.dea_schedule or "II"
        seal = f"MADE-UP-{hex_id()}".upper()
        found = Release(0, package.id, schedule, seal, "", {}, w.now, actor.id, None, None)
        store.insert_release(w, scope, found)
    giver, taker = Party(actor.id, MADE_UP), Party(f"driver:{package.driver_id}", MADE_UP)
    custody.add(w, scope, package, "out", giver, taker, Check(found.seal, True, True))


def come_back(w: Writer, scope: Scope, actor: Actor, package: Package) -> None:
    """Back at the counter, sealed and counted, and kept there."""
    is_back = package.status == "failed" or package.recalled_at is not None
    if not is_back or package.handed_over_at is None:
        return
    found = store.release(w, package.id)
    seal = found.seal if found else ""
    giver, taker = Party(f"driver:{package.driver_id}", MADE_UP), Party(actor.id, MADE_UP)
    custody.add(w, scope, package, "back", giver, taker, Check(seal, True, True))
    packages.drop_gates(w, scope, actor, package, ["handed_over_at"])
    back = undecided(w, package)
    assert back is not None
    store.add_disposition(w, Disposition(back.seq, package.id, "restock", MADE_UP, w.now, actor.id))
