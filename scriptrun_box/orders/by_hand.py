"""Orders that people enter: by the rules of the API, warned of before anything is stored."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from scriptrun_box.accounts import plans
from scriptrun_box.accounts.model import Tenant
from scriptrun_box.kernel import audit
from scriptrun_box.kernel.config import LimitsSettings, PlansSettings
from scriptrun_box.kernel.db import Reader, Writer
from scriptrun_box.kernel.errors import Conflict, Invalid
from scriptrun_box.kernel.scope import Actor, Scope
from scriptrun_box.packages import actions as packages
from scriptrun_box.packages import words
from scriptrun_box.packages.model import Content

from . import store
from .actions import duplicate_warning
from .reading import Item, Places, read_order

UNSAVED = "-"  # stands in for the id of a package that is only looked at


@dataclass(frozen=True, slots=True)
class Entry:
    """An order as it was typed, and by which settings it is taken in.

    `act` is the id its page was made with: the same page sent twice makes one package. `warned`
    are the codes of the warnings its page showed.
    """

    tenant: Tenant
    order: Mapping[str, Any]
    places: Places
    act: str
    body_hash: bytes
    warned: frozenset[str]
    source: str
    limits: LimitsSettings
    plans: PlansSettings


@dataclass(frozen=True, slots=True)
class Unsaved:
    """Nothing was stored: there are warnings that nobody has seen."""

    warnings: list[Item]


def check(
    r: Reader, scope: Scope, order: Mapping[str, Any], places: Places, now: int
) -> tuple[Content | None, list[Item], list[Item]]:
    """(content or None, problems, warnings) of an order as it would be stored; stores nothing."""
    content, problems, warnings = read_order(dict(order), places, now)
    if content is not None:
        key = words.name_key(content.patient_name)
        found = packages.find_duplicates(r, scope, [content], [key], [UNSAVED])
        warnings += [duplicate_warning(package_id) for package_id in found.values()]
    return content, problems, warnings


def enter(w: Writer, scope: Scope, actor: Actor, entry: Entry) -> str | Unsaved:
    """Store the order; its package's id, also where the same page was sent before.

    Raises Invalid for an order that cannot be, OverPlan, and Conflict where the page was sent
    before with other words.
    """
    earlier = store.replay(w, actor.id, entry.act, w.now)
    if earlier is not None:
        package_id = bytes(earlier["answer"]).decode()
        if earlier["body_hash"] != entry.body_hash:
            raise Conflict(
                "The order of this page is saved already.",
                code="already_entered",
                details=[{"package_id": package_id}],
            )
        return package_id
    content, problems, warnings = check(w, scope, entry.order, entry.places, w.now)
    if content is None:
        raise Invalid(details=problems)
    if any(warning["code"] not in entry.warned for warning in warnings):
        return Unsaved(warnings)
    meter = plans.Meter(w, entry.limits, entry.plans)
    meter.charge_month(entry.tenant, scope.test, 1)
    meter.write()
    (made,) = packages.create_many(w, scope, actor, entry.source, [content])
    store.keep(w, actor.id, entry.act, entry.body_hash, made.package_id.encode())
    audit.record(w, scope.tenant_id, actor, "order.entered", made.package_id, source=entry.source)
    return made.package_id
