"""Bags and the rule: what a pharmacy packs in, and what counts as too warm or too cold."""

from collections.abc import Mapping
from typing import Any

from scriptrun_box.drivers.actions import invalid
from scriptrun_box.kernel import audit, ids
from scriptrun_box.kernel.db import Reader, Signal, Writer
from scriptrun_box.kernel.errors import Conflict, NotFound
from scriptrun_box.kernel.scope import Actor, Scope
from scriptrun_box.kernel.texts import clean

from . import store
from .model import Bag, Rule

CHANGED = "cold"
BAGS_MAX = 500  # in use, for each of a tenant's live side and its sandbox


def add(w: Writer, scope: Scope, actor: Actor, given: Mapping[str, Any]) -> Bag:
    """Take a bag into use; `given` are checked fields of `BagIn`."""
    if len(store.bags(w, scope)) >= BAGS_MAX:
        raise Conflict(f"There are {BAGS_MAX} bags already.", code="too_many_bags")
    name = _name(w, scope, given["name"], None)
    made = Bag(ids.prefixed("bag"), name, given["hold_minutes"], 1, w.now, None)
    store.insert_bag(w, scope, actor, made)
    _note(w, scope, actor, made, "added", hold_minutes=made.hold_minutes)
    return made


def find(r: Reader, scope: Scope, bag_id: str) -> Bag:
    """The bag, or NotFound."""
    found = store.bag(r, scope, bag_id)
    if found is None:
        raise NotFound("There is no such bag.")
    return found


def change(w: Writer, scope: Scope, actor: Actor, bag_id: str, given: Mapping[str, Any]) -> Bag:
    """Change checked fields of `BagIn`, or `retired`; what is packed in it keeps its limit."""
    bag = find(w, scope, bag_id)
    seen = given.get("version")
    if seen is not None and seen != bag.version:
        raise Conflict("Somebody else changed this bag meanwhile; nothing was saved.")
    retired = given.get("retired", bag.retired_at is not None)
    name = _name(w, scope, given.get("name", bag.name), bag)
    minutes = given.get("hold_minutes", bag.hold_minutes)
    retired_at = (bag.retired_at or w.now) if retired else None
    if (name, minutes, retired_at) == (bag.name, bag.hold_minutes, bag.retired_at):
        return bag
    if not store.set_bag(w, bag, name, minutes, retired_at):
        raise Conflict("Somebody else was faster; look again.", code="conflict")
    changed = find(w, scope, bag_id)
    _note(w, scope, actor, changed, "changed", hold_minutes=minutes, retired=retired)
    return changed


def set_rule(w: Writer, scope: Scope, actor: Actor, rule: Rule) -> Rule:
    """Say what counts as an excursion from now on; what was decided stays decided."""
    if rule.low >= rule.high:
        raise invalid("low", "too_large", "The lower limit lies below the upper one.")
    store.set_rule(w, scope.tenant_id, actor, rule)
    audit.record(
        w,
        scope.tenant_id,
        actor,
        "cold.rule_changed",
        None,
        low=rule.low,
        low_minutes=rule.low_minutes,
        high=rule.high,
        high_minutes=rule.high_minutes,
    )
    w.after_commit(Signal(CHANGED, scope.tenant_id, scope.test))
    return rule


def _name(r: Reader, scope: Scope, text: str, itself: Bag | None) -> str:
    """A name as it is stored: one that no other bag in use has."""
    made = clean(text)
    if made is None or not made[0]:
        raise invalid("name", "bad_characters", "A bag needs a name that can be shown.")
    other = store.bag_named(r, scope, made[0])
    if other is not None and other != itself:
        raise invalid("name", "conflict", "There is a bag with this name already.")
    return made[0]


def _note(w: Writer, scope: Scope, actor: Actor, bag: Bag, act: str, **detail: Any) -> None:
    audit.record(w, scope.tenant_id, actor, f"cold_bag.{act}", bag.id, **detail)
    w.after_commit(Signal(CHANGED, scope.tenant_id, scope.test, (bag.id,)))
