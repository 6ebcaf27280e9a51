"""Packing cold: into which bag, how long it holds; taken out again, or packed anew."""

from collections.abc import Mapping
from typing import Any

from scriptrun_box.drivers.actions import invalid
from scriptrun_box.kernel import ids
from scriptrun_box.kernel.clock import MINUTE_MS
from scriptrun_box.kernel.db import Writer
from scriptrun_box.kernel.errors import Conflict
from scriptrun_box.kernel.scope import Actor, Scope
from scriptrun_box.kernel.texts import clean
from scriptrun_box.packages import actions as packages
from scriptrun_box.packages import store as stored
from scriptrun_box.packages.lifecycle import NOT_YET_OUT
from scriptrun_box.packages.model import Package

from . import store
from .model import DECIMALS, Pack, Reading


def pack(
    w: Writer, scope: Scope, actor: Actor, package_id: str, given: Mapping[str, Any]
) -> Package:
    """Pack a cold package that is not out yet; `given` are checked fields of `PackIn`.

    From now on its bag's qualified time runs. One that is packed already is unpacked first: of two
    who pack it at once one wins.
    """
    package = need_packable(w, scope, package_id)
    if package.packed_at is not None:
        raise Conflict("This package is packed already.", code="packed_already")
    bag = store.bag(w, scope, given["bag_id"])
    if bag is None:
        raise invalid("bag_id", "not_allowed", "There is no such bag.")
    if bag.retired_at is not None:
        raise Conflict("This bag is no longer in use.", code="bag_retired")
    celsius, rule = round(given["celsius"], DECIMALS), store.rule(w, scope.tenant_id)
    if not rule.low <= celsius <= rule.high:
        raise invalid(
            "celsius", "not_allowed", f"It is packed at {rule.low:g} to {rule.high:g} °C only."
        )
    made = Pack(
        id=ids.prefixed("pak"),
        package_id=package.id,
        bag_id=bag.id,
        bag=bag.name,
        gel_packs=given.get("gel_packs", 0),
        celsius=celsius,
        indicator_id=_indicator_id(given.get("indicator_id")),
        packed_at=w.now,
        packed_by=actor.id,
        hold_until=w.now + bag.hold_minutes * MINUTE_MS,
        ended_at=None,
        ended_by=None,
    )
    store.end_packs(w, package.id, actor)  # what an earlier attempt left
    store.insert_pack(w, made)
    taken = Reading("hand", w.now, "pack", made.celsius, None, actor.id, w.now)
    store.insert_readings(w, package.id, [taken])
    detail = {"bag_id": bag.id, "gel_packs": made.gel_packs, "hold_minutes": bag.hold_minutes}
    return _set(w, scope, actor, package, "pack", detail, w.now, made.hold_until)


def unpack(w: Writer, scope: Scope, actor: Actor, package_id: str) -> Package:
    """Take a package that is not out yet out of its bag: it is packed anew before it leaves."""
    package = need_packable(w, scope, package_id)
    if package.packed_at is None:
        raise Conflict("This package is not packed.", code="not_packed")
    return take_out(w, scope, actor, package)


def take_out(w: Writer, scope: Scope, actor: Actor, package: Package) -> Package:
    """The same where somebody has looked already."""
    store.end_packs(w, package.id, actor)
    return _set(w, scope, actor, package, "unpack", {}, None, None)


def need_packable(w: Writer, scope: Scope, package_id: str) -> Package:
    """The package; raises Conflict where it is nothing to pack any more, or never was."""
    package = packages.find(w, scope, package_id)
    if not package.content.cold_chain:
        raise Conflict("This package does not travel cold.", code="not_cold")
    if package.status not in NOT_YET_OUT:
        raise Conflict(
            "It is packed and unpacked before it leaves, not afterwards.",
            code="pack_not_allowed",
            details=[{"status": package.status}],
        )
    if package.quarantined_at is not None:
        raise Conflict(
            "This package is in quarantine: a pharmacist decides first.", code="quarantined"
        )
    return package


def _set(
    w: Writer,
    scope: Scope,
    actor: Actor,
    package: Package,
    act: str,
    detail: dict[str, Any],
    packed_at: int | None,
    hold_until: int | None,
) -> Package:
    if not stored.set_facts(w, package, packed_at=packed_at, hold_until=hold_until):
        raise Conflict("Somebody else was faster; look again.", code="conflict")
    packages.note(w, scope, actor, package, act, package.status, detail)
    return packages.find(w, scope, package.id)


def _indicator_id(text: str | None) -> str | None:
    made = clean(text or "")
    if made is None:
        raise invalid("indicator_id", "bad_characters", "It has characters that cannot be shown.")
    return made[0] or None
