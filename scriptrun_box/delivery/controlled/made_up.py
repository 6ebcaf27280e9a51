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


def hand_in(w: Writer, scope: Scope, actor: Actor, package: Package) -> Package:
    """What a made-up driver could not deliver is at the counter again, sealed and counted."""
    chain = store.chain(w, package.id)
    if package.handed_over_at is None or not chain or chain[-1].taker_by != MADE_UP:
        return package
    giver, taker = Party(f"driver:{package.driver_id}", MADE_UP), Party(actor.id, MADE_UP)
    custody.add(w, scope, package, "back", giver, taker, Check(chain[-1].seal, True, True))
    packages.drop_gates(w, scope, actor, package, ["handed_over_at"])
    return packages.find(w, scope, package.id)


def keep(w: Writer, scope: Scope, actor: Actor, package: Package) -> None:
    """The same, and it is kept there."""
    if package.status == "failed" or package.recalled_at is not None:
        back = undecided(w, hand_in(w, scope, actor, package))
        if back is not None:
            made = Disposition(back.seq, package.id, "restock", MADE_UP, w.now, actor.id)
            store.add_disposition(w, made)
