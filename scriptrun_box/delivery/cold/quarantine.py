"""What was too warm, too cold or too long is not used before a pharmacist has decided."""

from scriptrun_box.drivers.actions import invalid
from scriptrun_box.kernel import clock, ids
from scriptrun_box.kernel.db import Database, Writer
from scriptrun_box.kernel.errors import Conflict
from scriptrun_box.kernel.scope import BOX, Actor, Scope
from scriptrun_box.kernel.texts import clean
from scriptrun_box.packages import actions as packages
from scriptrun_box.packages import store as stored
from scriptrun_box.packages.lifecycle import NOT_YET_OUT
from scriptrun_box.packages.model import Package

from . import packing, store, story
from .model import WORDS_MAX, Disposition, Finding, Quarantine

WATCHED_AT_ONCE = 100  # packages whose limit has passed


def judge(
    w: Writer, scope: Scope, actor: Actor, package: Package, known_at: int
) -> Quarantine | None:
    """Put a package in quarantine where something new is wrong; the quarantine it is in then.

    What a pharmacist has decided about already is not new. `known_at` is from when on the package
    must not be handed over.
    """
    known = store.quarantines(w, package.id)
    decided = {
        finding for each in known if each.decided_at is not None for finding in each.findings
    }
    found = tuple(each for each in story.findings(w, package, w.now) if each not in decided)
    waiting = next((each for each in known if each.decided_at is None), None)
    if waiting is not None:
        if found and found != waiting.findings:  # a further part of a file may show it better
            store.set_findings(w, waiting, found)
        if package.quarantined_at is not None and known_at < package.quarantined_at:
            _set(w, package, known_at)
        return waiting
    return _open(w, scope, actor, package, found, known_at) if found else None


def _open(
    w: Writer,
    scope: Scope,
    actor: Actor,
    package: Package,
    found: tuple[Finding, ...],
    known_at: int,
) -> Quarantine:
    made = Quarantine(
        ids.prefixed("qua"), package.id, w.now, actor.id, found, None, None, None, None
    )
    store.insert_quarantine(w, scope, made)
    _set(w, package, known_at)
    kinds = sorted({each.kind for each in found})
    packages.note(w, scope, actor, package, "quarantine", package.status, {"kinds": kinds})
    return made


async def watch(db: Database) -> None:
    """Put in quarantine whatever is still on its way when its bag keeps cold no longer."""
    if await db.read(lambda r: store.past_hold(r, clock.now_ms(), 1)):
        await db.write(put_overdue_in)


def put_overdue_in(w: Writer) -> None:
    """The same within a write, each from its own limit on."""
    for package in store.past_hold(w, w.now, WATCHED_AT_ONCE):
        scope = Scope(package.tenant_id, package.test)
        assert package.hold_until is not None
        if judge(w, scope, BOX, package, package.hold_until) is None:
            # Somebody decided about this very limit, or it need not be cold any more.
            stored.set_facts(w, package, hold_until=None)


def choices(package: Package) -> tuple[Disposition, ...]:
    """What a pharmacist can decide, by where the package is."""
    if package.status in NOT_YET_OUT:
        return "release", "redeliver", "destroy"
    out = package.status == "out_for_delivery"
    if package.status == "failed" or (out and package.recalled_at is not None):
        return "release", "redeliver", "return", "destroy"
    return ("release",) if out else ("release", "destroy")


def dispose(
    w: Writer,
    scope: Scope,
    actor: Actor,
    package_id: str,
    quarantine_id: str,
    disposition: str,
    words: str,
) -> Package:
    """A pharmacist decides, with words, about the quarantine they saw; the package goes its way."""
    package = packages.find(w, scope, package_id)
    known = store.quarantines(w, package.id)
    waiting = next((each for each in known if each.decided_at is None), None)
    if waiting is None or waiting.id != quarantine_id:
        raise Conflict("Somebody else has decided about this.", code="not_quarantined")
    made = clean(words, lines=True)
    if made is None or not 0 < len(made[0]) <= WORDS_MAX:
        raise invalid("words", "bad_format", f"Say why, in 1 to {WORDS_MAX:,} characters.")
    if disposition not in choices(package):
        out = package.status == "out_for_delivery"
        raise Conflict(
            "It is still out: recall it first, or have its driver bring it back."
            if out
            else "This cannot be decided where the package is.",
            code="disposition_not_allowed",
        )
    if not store.decide(w, waiting, actor, disposition, made[0]):
        raise Conflict("Somebody else has decided about this.", code="not_quarantined")
    _set(w, package, None, hold_until=_limit_after(package, w.now))
    detail = {"disposition": disposition, "quarantine_id": waiting.id}
    packages.note(w, scope, actor, package, "disposition", package.status, detail)
    return _go_on(w, scope, actor, package.id, disposition)


def _limit_after(package: Package, now: int) -> int | None:
    """A limit that has passed was decided about, and holds nobody up any more."""
    until = package.hold_until
    return None if until is not None and until < now else until


def _go_on(
    w: Writer, scope: Scope, actor: Actor, package_id: str, disposition: Disposition
) -> Package:
    package = packages.find(w, scope, package_id)
    here, back = package.status in NOT_YET_OUT, package.status in ("failed", "out_for_delivery")
    if disposition == "redeliver":
        if back:
            return packages.redeliver(w, scope, actor, package_id)
        return packing.take_out(w, scope, actor, package)
    if disposition == "destroy" and here:
        return packages.cancel(w, scope, actor, package_id, "other")
    if disposition in ("return", "destroy") and back:
        return packages.give_back(w, scope, actor, package_id)
    return package


def _set(w: Writer, package: Package, quarantined_at: int | None, **facts: int | None) -> None:
    if not stored.set_facts(w, package, quarantined_at=quarantined_at, **facts):
        raise Conflict("Somebody else was faster; look again.", code="conflict")
