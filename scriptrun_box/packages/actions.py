"""What can be done with packages: create, edit, move on, cancel, decide about a duplicate."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from scriptrun_box.kernel import audit, ids, outbox
from scriptrun_box.kernel.db import Reader, Signal, Writer
from scriptrun_box.kernel.errors import Conflict, NotFound
from scriptrun_box.kernel.scope import Actor, Scope

from . import doors, events, lifecycle, store, words
from .model import ORDER_FIELDS, Content, Location, Package, order_fields

Move = Callable[[Writer, Scope, Actor, str], Package]  # a step of one package, by its id

CHANGED = "packages"
OFF_ROUTE = frozenset(("assign", "unassign", "redeliver", "cancel"))  # a step off its route, too
ALWAYS_EDITABLE = frozenset(("notes", "patient_phone"))  # also while out for delivery
WHAT_IT_IS = ("controlled_substance", "dea_schedule", "medications")
RELEASED = frozenset((*WHAT_IT_IS, "rx_number", "fill_number", "fill_date", "patient_name"))


@dataclass(frozen=True, slots=True)
class Created:
    """A new package, and the earlier one it may be a duplicate of."""

    package_id: str
    duplicate_of: str | None


def create_many(
    w: Writer, scope: Scope, actor: Actor, source: str, contents: list[Content]
) -> list[Created]:
    """Store packages and their events, in the order given."""
    keys = [words.name_key(content.patient_name) for content in contents]
    package_ids = [ids.hex_id() for _ in contents]
    duplicates = find_duplicates(w, scope, contents, keys, package_ids)
    made = [
        Created(package_id, duplicates.get(index)) for index, package_id in enumerate(package_ids)
    ]
    rows = [
        (each.package_id, content, key, each.duplicate_of)
        for each, content, key in zip(made, contents, keys, strict=True)
    ]
    store.insert_many(w, scope, actor, source, rows)
    facts = [
        (package_id, events.created(package_id, content, source))
        for package_id, content in zip(package_ids, contents, strict=True)
    ]
    outbox.append_many(w, scope, "package.created", facts)
    w.after_commit(Signal(CHANGED, scope.tenant_id, scope.test, tuple(package_ids)))
    return made


def find_duplicates(
    r: Reader, scope: Scope, contents: list[Content], keys: list[str], package_ids: list[str]
) -> dict[int, str]:
    """{index: id of an earlier package it may be a duplicate of}, within this batch too.

    A possible duplicate is a package not yet out, of the same date and patient name, with the same
    Rx number, or, where neither has one, with every field the same; never with another barcode.
    """
    wanted = [
        (content.delivery_date, key, content.rx_number)
        for content, key in zip(contents, keys, strict=True)
    ]
    earlier: dict[tuple[str, str, str | None], list[tuple[str, Content]]] = {}
    for package_id, key, content in store.same_name_and_date(r, scope, wanted):
        place = (content.delivery_date, key, content.rx_number)
        earlier.setdefault(place, []).append((package_id, content))
    duplicates: dict[int, str] = {}
    for index, (content, place) in enumerate(zip(contents, wanted, strict=True)):
        others = earlier.setdefault(place, [])
        for other_id, other in others:
            if may_be_same(content, other):
                duplicates[index] = other_id
                break
        others.append((package_ids[index], content))
    return duplicates


def may_be_same(one: Content, other: Content) -> bool:
    """Of two packages with the same date, name and Rx number (or none): may they be one order?"""
    if one.barcode and other.barcode and one.barcode != other.barcode:
        return False
    return one.rx_number is not None or one == other


def find(r: Reader, scope: Scope, package_id: str) -> Package:
    """The package, or NotFound: another tenant's is as unknown as one that never was."""
    package = store.get(r, scope, package_id)
    if package is None:
        raise NotFound("There is no such package.")
    return package


def move_on(
    w: Writer,
    scope: Scope,
    actor: Actor,
    package_id: str,
    act: str,
    *,
    detail: dict[str, Any] | None = None,
    signed: bool = False,
    recipient_identified: bool = False,
    by_pharmacist: bool = False,
    driver_cold_chain: bool = True,
    driver_controlled: bool = True,
    acted_at: int | None = None,
    **facts: Any,
) -> Package:
    """Make one move of the state machine, with further columns; the package as it then stands.

    `acted_at` is when it was done, where that is not now: a phone without a network tells it later.
    Whoever gives it to somebody, takes it back or cancels it takes it off its route as well.
    """
    package = find(w, scope, package_id)
    to_status = lifecycle.move(
        act,
        package.facts(
            w.now if acted_at is None else acted_at,
            signed=signed,
            recipient_identified=recipient_identified,
            by_pharmacist=by_pharmacist,
            driver_cold_chain=driver_cold_chain,
            driver_controlled=driver_controlled,
        ),
    )
    if isinstance(to_status, lifecycle.Refused):
        raise _conflict(to_status.code, to_status.sentence, package)
    if act in OFF_ROUTE:
        facts = {"route_id": None, "stop_id": None, **facts}
        if package.route_id is not None:  # for who takes this step back
            from_stop = {"from_route_id": package.route_id, "from_stop_id": package.stop_id}
            detail = {**(detail or {}), **from_stop}
    if not store.set_status(w, package, to_status, **facts):
        raise _conflict(f"{act}_not_allowed", "Somebody else was faster; look again.", package)
    note(w, scope, actor, package, act, to_status, detail or {})
    return find(w, scope, package_id)


def set_stop(w: Writer, package: Package, route_id: str | None, stop_id: str | None) -> None:
    """Say which stop of which route takes a package; the route keeps who did it and when."""
    if not store.set_facts(w, package, route_id=route_id, stop_id=stop_id):
        raise _conflict("conflict", "Somebody else was faster; look again.", package)
    w.after_commit(Signal(CHANGED, package.tenant_id, package.test, (package.id,)))


def set_gates(w: Writer, scope: Scope, actor: Actor, package: Package, gates: list[str]) -> None:
    """Note facts the gates look at (packed_at, released_at, handed_over_at) as true from now on."""
    if not store.set_facts(w, package, **dict.fromkeys(gates, w.now)):
        raise _conflict("conflict", "Somebody else was faster; look again.", package)
    note(w, scope, actor, package, "gates", package.status, {"facts": gates})


def drop_gates(w: Writer, scope: Scope, actor: Actor, package: Package, gates: list[str]) -> None:
    """Note that these facts are no longer true."""
    if not store.set_facts(w, package, **dict.fromkeys(gates)):
        raise _conflict("conflict", "Somebody else was faster; look again.", package)
    note(w, scope, actor, package, "gates", package.status, {"no_longer": gates})


def set_schedule(w: Writer, scope: Scope, actor: Actor, package: Package, schedule: str) -> Package:
    """Say the DEA schedule of a controlled package that came without one."""
    if not store.set_facts(w, package, dea_schedule=schedule):
        raise _conflict("conflict", "Somebody else was faster; look again.", package)
    note(w, scope, actor, package, "edit", package.status, {"fields": ["dea_schedule"]})
    return find(w, scope, package.id)


def cancel(w: Writer, scope: Scope, actor: Actor, package_id: str, reason: str) -> Package:
    """Cancel a package that is not out yet."""
    return move_on(w, scope, actor, package_id, "cancel", detail={"reason": reason})


def restore(
    w: Writer, scope: Scope, actor: Actor, package_id: str, duplicate_of: str | None
) -> Package:
    """Take a cancellation back: the package waits to be assigned, or decided about again."""
    return move_on(
        w, scope, actor, package_id, "restore", driver_id=None, duplicate_of=duplicate_of
    )


def unassign(w: Writer, scope: Scope, actor: Actor, package_id: str) -> Package:
    """Take a package that is not out yet back from its driver."""
    detail = {"from_driver_id": find(w, scope, package_id).driver_id}
    return move_on(w, scope, actor, package_id, "unassign", detail=detail, driver_id=None)


def give_back(
    w: Writer, scope: Scope, actor: Actor, package_id: str, *, by_pharmacist: bool = False
) -> Package:
    """A failed package, or a recalled one that is back, stays at the pharmacy."""
    return move_on(w, scope, actor, package_id, "return", by_pharmacist=by_pharmacist)


def redeliver(
    w: Writer, scope: Scope, actor: Actor, package_id: str, *, by_pharmacist: bool = False
) -> Package:
    """Back to be assigned: the attempt or recall stays in the timeline and its proof, not here.

    What was packed cold is packed anew.
    """
    return move_on(
        w,
        scope,
        actor,
        package_id,
        "redeliver",
        by_pharmacist=by_pharmacist,
        driver_id=None,
        failure_reason=None,
        failure_note=None,
        recalled_at=None,
        packed_at=None,
        hold_until=None,
    )


def edit(w: Writer, scope: Scope, actor: Actor, package_id: str, content: Content) -> Package:
    """Replace what the order said with an already checked content; names of changed fields kept.

    Everything may change while created or assigned, notes and phone also while out for delivery.
    """
    package = find(w, scope, package_id)
    before, after = order_fields(package.content), order_fields(content)
    changed = [name for name in ORDER_FIELDS if before[name] != after[name]]
    if package.content.location_id != content.location_id:
        changed.append("pharmacy_id")
    editable = package.status in lifecycle.NOT_YET_OUT or (
        package.status == "out_for_delivery" and ALWAYS_EDITABLE.issuperset(changed)
    )
    if not editable:
        raise _conflict(
            "update_not_allowed", "This can no longer be changed where the package is.", package
        )
    if not changed:
        return package
    if RELEASED.intersection(changed) and _was_released(w, package):
        raise _conflict(
            "released", "A pharmacist has released it: what was released stays as it is.", package
        )
    if package.corrected_address and "patient_address" not in changed:
        content = replace(content, address_incomplete=False)
    if not store.set_content(w, package, content, package.duplicate_of):
        raise _conflict("update_not_allowed", "Somebody else was faster; look again.", package)
    if "patient_address" in changed:
        doors.forget(w, package_id)
    if "cold_chain" in changed:  # whatever it is now, it is packed anew
        store.set_facts(w, find(w, scope, package_id), packed_at=None, hold_until=None)
    note(w, scope, actor, package, "edit", package.status, {"fields": changed})
    return find(w, scope, package_id)


def _was_released(r: Reader, package: Package) -> bool:
    """Whether a pharmacist ever released it, also where that has ended since."""
    if package.released_at is not None:
        return True
    moves = store.moves(r, package) if package.content.controlled_substance else []
    return any("released_at" in move.detail.get("facts", ()) for move in moves)


def decide_duplicate(
    w: Writer, scope: Scope, actor: Actor, package_id: str, keep_both: bool
) -> Package:
    """Somebody at the desk says "both" (it stays) or "one" (this one is cancelled)."""
    package = find(w, scope, package_id)
    if package.duplicate_of is None:
        raise _conflict("not_a_duplicate", "This package is no possible duplicate.", package)
    if keep_both:
        if not store.set_facts(w, package, duplicate_of=None):
            raise _conflict("conflict", "Somebody else was faster; look again.", package)
        note(w, scope, actor, package, "both", package.status, {"other": package.duplicate_of})
        return find(w, scope, package_id)
    detail = {"reason": "entered_in_error", "duplicate_of": package.duplicate_of}
    return move_on(w, scope, actor, package_id, "cancel", detail=detail, duplicate_of=None)


def locate(
    w: Writer, scope: Scope, package_ids: list[str], door: str, location: Location | None
) -> None:
    """Say where the door of packages is; no change of the orders, so no line in their timeline."""
    for package_id in package_ids:
        store.set_location(w, package_id, door, location)
    if package_ids:
        w.after_commit(Signal(CHANGED, scope.tenant_id, scope.test, tuple(package_ids)))


def note(
    w: Writer,
    scope: Scope,
    actor: Actor,
    package: Package,
    act: str,
    to_status: str,
    detail: dict[str, Any],
) -> None:
    """The who-and-when of a change: timeline, audit, and a word to the open screens."""
    store.add_move(w, package, actor, act, to_status, detail)
    audit.record(
        w,
        scope.tenant_id,
        actor,
        f"package.{act}",
        package.id,
        **{"from": package.status, "to": to_status},
        **detail,
    )
    w.after_commit(Signal(CHANGED, scope.tenant_id, scope.test, (package.id,)))


def _conflict(code: str, sentence: str, package: Package) -> Conflict:
    return Conflict(sentence, code=code, details=[{"status": package.status}])
