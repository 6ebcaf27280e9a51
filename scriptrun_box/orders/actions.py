"""Taking orders in: one transaction for the packages, their events, the usage and the answer."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from scriptrun_box.accounts import plans
from scriptrun_box.accounts.gates import key_still_holds
from scriptrun_box.accounts.model import KeyCaller
from scriptrun_box.kernel import audit, strict_json
from scriptrun_box.kernel.config import LimitsSettings, PlansSettings
from scriptrun_box.kernel.db import Writer
from scriptrun_box.kernel.errors import Invalid
from scriptrun_box.kernel.scope import Actor, Scope
from scriptrun_box.packages import actions as packages
from scriptrun_box.packages.model import Package, order_fields

from . import store
from .reading import Batch, Item, Places, read_order

DUPLICATE = "An order for the same patient and day is already here; the desk decides about both."


@dataclass(frozen=True, slots=True)
class Request:
    """Who sends orders, by which settings, and the replay key when there is one."""

    caller: KeyCaller
    limits: LimitsSettings
    plans: PlansSettings
    idempotency_key: str | None
    body_hash: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """The bytes of a 200, and whether they were given before."""

    body: bytes
    replayed: bool


def ingest(w: Writer, request: Request, batch: Batch) -> Answer:
    """Store the good orders of a batch and make its answer; all of it or, on a refusal, nothing."""
    known = key_still_holds(w, request.caller)
    scope, actor, key, tenant = request.caller.scope, request.caller.actor, known.key, known.tenant
    if request.idempotency_key is not None:
        earlier = store.replay(w, key.id, request.idempotency_key, w.now)
        if earlier is not None:
            return _again(earlier, request.body_hash)
    if not batch.contents:
        raise nothing_accepted(batch.errors)
    limit = plans.orders_per_hour(request.limits, key)
    plans.charge_hour(w, key, limit, len(batch.contents))
    if not scope.test:
        plans.charge_month(w, request.plans, tenant, len(batch.contents))
    package_ids, duplicates = packages.create_many(w, scope, actor, "api", batch.contents)
    audit.record(
        w,
        tenant.id,
        actor,
        "orders.received",
        None,
        created=len(package_ids),
        refused=len(batch.errors),
        first=package_ids[0],
        last=package_ids[-1],
    )
    answer = strict_json.dumps(_shape(batch, package_ids, duplicates))
    if request.idempotency_key is not None:
        store.keep(w, key.id, request.idempotency_key, request.body_hash, answer)
    return Answer(answer, replayed=False)


def edit(
    w: Writer, scope: Scope, actor: Actor, package_id: str, patch: dict[str, Any], places: Places
) -> tuple[Package, list[Item]]:
    """Change an order's fields by the rules it came in by; the package as it stands, warnings."""
    package = packages.find(w, scope, package_id)
    order = {**order_fields(package.content), "pharmacy_id": package.content.location_id}
    if package.content.copay_cents is not None:
        order["copay_amount"] = Decimal(package.content.copay_cents) / 100
    if "controlled_substance" not in patch and not package.content.controlled_substance:
        order["controlled_substance"] = None
    content, problems, warnings = read_order({**order, **patch}, places, w.now)
    if content is None:
        raise Invalid(details=problems)
    changed = packages.edit(w, scope, actor, package_id, content)
    return changed, [warning for warning in warnings if warning["field"] in patch]


def nothing_accepted(errors: list[Item]) -> Invalid:
    """400: each order's problems in one flat list, with its index."""
    return Invalid(
        "No order was accepted; see details.",
        details=[
            {"index": error["index"], **detail} for error in errors for detail in error["details"]
        ],
    )


def _again(earlier: Any, body_hash: bytes) -> Answer:
    if earlier["body_hash"] != body_hash:
        raise Invalid(
            "This Idempotency-Key was used with another body.", code="idempotency_key_reused"
        )
    return Answer(earlier["answer"], replayed=True)


def _shape(batch: Batch, package_ids: list[str], duplicates: dict[int, str]) -> dict[str, Any]:
    warnings = batch.warnings + [
        {
            "index": batch.indexes[position],
            "field": "rx_number",
            "code": "possible_duplicate",
            "message": DUPLICATE,
            "package_id": package_id,
        }
        for position, package_id in duplicates.items()
    ]
    shape: dict[str, Any] = {
        "created": len(package_ids),
        "package_ids": package_ids,
        "warnings": sorted(warnings, key=lambda warning: int(warning["index"])),
    }
    if batch.errors:
        shape["errors"] = batch.errors
    return shape
