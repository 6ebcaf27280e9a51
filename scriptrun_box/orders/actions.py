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
from scriptrun_box.kernel.errors import Invalid, Refusal
from scriptrun_box.kernel.limiter import Room
from scriptrun_box.kernel.scope import Actor, Scope
from scriptrun_box.packages import actions as packages
from scriptrun_box.packages.actions import Created
from scriptrun_box.packages.model import Package, order_fields
from scriptrun_box.patients import actions as patients

from . import store
from .reading import Batch, Item, Places, read_order

DUPLICATE = "An order for the same patient and day is already here; the desk decides about both."


@dataclass(frozen=True, slots=True)
class Request:
    """Who sends which orders, by which settings, and the replay key when there is one."""

    caller: KeyCaller
    batch: Batch
    limits: LimitsSettings
    plans: PlansSettings
    idempotency_key: str | None
    body_hash: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """The bytes of a 200, and whether they were given before; else what is left of the hour."""

    body: bytes
    replayed: bool
    room: Room | None = None


Outcome = Answer | Refusal


def ingest(w: Writer, requests: list[Request]) -> list[Outcome]:
    """Take in the orders of the requests that wait for this commit, and make each one's answer.

    Of each request the good orders are stored or, where it is refused, nothing.
    """
    outcomes: dict[int, Outcome] = {}
    meter = plans.Meter(w, requests[0].limits, requests[0].plans)
    accepted: dict[int, Request] = {}
    twins: dict[int, Request] = {}  # of one already accepted here: the same replay key
    begun: set[tuple[str, str]] = set()
    for place, request in enumerate(requests):
        replay_key = (request.caller.key.id, request.idempotency_key or "")
        if replay_key in begun:
            twins[place] = request
            continue
        try:
            earlier = _admit(w, request, meter)
        except Refusal as refusal:
            outcomes[place] = refusal
            continue
        if earlier is not None:
            outcomes[place] = earlier
            continue
        accepted[place] = request
        if request.idempotency_key is not None:
            begun.add(replay_key)
    meter.write()
    outcomes |= zip(accepted, _create(w, list(accepted.values()), meter), strict=True)
    if twins:  # they now find the answer of the first
        outcomes |= zip(twins, ingest(w, list(twins.values())), strict=True)
    return [outcomes[place] for place in range(len(requests))]


def _admit(w: Writer, request: Request, meter: plans.Meter) -> Answer | None:
    """The earlier answer to a repeated request, or None for one to take in; raises Refusal."""
    known = key_still_holds(w, request.caller)
    if request.idempotency_key is not None:
        earlier = store.replay(w, known.key.id, request.idempotency_key, w.now)
        if earlier is not None:
            return _again(earlier, request.body_hash)
    if not request.batch.contents:
        raise nothing_accepted(request.batch.errors)
    meter.charge(known.key, known.tenant, len(request.batch.contents))
    return None


def _create(w: Writer, requests: list[Request], meter: plans.Meter) -> list[Answer]:
    """Store the orders of admitted requests; those of one key in as few statements as one batch."""
    answers: dict[int, Answer] = {}
    by_key: dict[str, list[int]] = {}
    for place, request in enumerate(requests):
        by_key.setdefault(request.caller.key.id, []).append(place)
    for places in by_key.values():
        caller = requests[places[0]].caller
        contents = [content for place in places for content in requests[place].batch.contents]
        made = packages.create_many(w, caller.scope, caller.actor, "api", contents)
        room = meter.room(caller.key)
        first = 0
        for place in places:
            behind = first + len(requests[place].batch.contents)
            body = _answer(w, requests[place], made[first:behind])
            answers[place] = Answer(body, replayed=False, room=room)
            first = behind
    return [answers[place] for place in range(len(requests))]


def _answer(w: Writer, request: Request, made: list[Created]) -> bytes:
    """The bytes of the 200, kept for a replay where the caller may ask for one; the audit's row."""
    batch, key = request.batch, request.caller.key
    audit.record(
        w,
        key.tenant_id,
        request.caller.actor,
        "orders.received",
        None,
        created=len(made),
        refused=len(batch.errors),
        first=made[0].package_id,
        last=made[-1].package_id,
    )
    answer = strict_json.dumps(_shape(batch, made))
    if request.idempotency_key is not None:
        store.keep(w, key.id, request.idempotency_key, request.body_hash, answer)
    return answer


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
    patients.know(w, changed.seq - 1, changed.seq)  # it may name another number now
    known = read_order(order, places, w.now)[2]
    return changed, [each for each in warnings if each["field"] in patch or each not in known]


def duplicate_warning(package_id: str) -> Item:
    """The warning of an order that may be that of an earlier package."""
    return {
        "field": "rx_number",
        "code": "possible_duplicate",
        "message": DUPLICATE,
        "package_id": package_id,
    }


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


def _shape(batch: Batch, made: list[Created]) -> dict[str, Any]:
    warnings = batch.warnings + [
        {"index": index, **duplicate_warning(created.duplicate_of)}
        for index, created in zip(batch.indexes, made, strict=True)
        if created.duplicate_of is not None
    ]
    shape: dict[str, Any] = {
        "created": len(made),
        "package_ids": [created.package_id for created in made],
        "warnings": sorted(warnings, key=lambda warning: int(warning["index"])),
    }
    if batch.errors:
        shape["errors"] = batch.errors
    return shape
