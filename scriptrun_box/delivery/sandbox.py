"""The sandbox's walk to the door: a made-up driver, a made-up proof, the same moves and events."""

import hashlib
from typing import Literal

from scriptrun_box.kernel import ids, outbox
from scriptrun_box.kernel.db import Writer
from scriptrun_box.kernel.errors import Forbidden
from scriptrun_box.kernel.links import Links
from scriptrun_box.kernel.scope import Actor, Scope
from scriptrun_box.packages import actions, events, proofs
from scriptrun_box.packages.model import Package
from scriptrun_box.packages.proofs import Proof
from scriptrun_box.routes.actions import note_done

from .controlled import made_up

Step = Literal["assign", "start", "deliver", "fail", "return"]
MADE_UP_PLACE = (25.7743, -80.1937)  # a street corner in Miami
MADE_UP_METHOD = "card"


def walk(
    w: Writer, scope: Scope, actor: Actor, package_id: str, step: Step, reason: str, links: Links
) -> Package:
    """Take one step with a sandbox package, through the same gates as a live one."""
    if not scope.test:
        raise Forbidden("This works with a sandbox key (sk_test_…) only.", code="sandbox_only")
    return make_up(w, scope, actor, package_id, step, reason, links)


def make_up(
    w: Writer, scope: Scope, actor: Actor, package_id: str, step: Step, reason: str, links: Links
) -> Package:
    """The step itself; the demonstration's invented live packages take it too."""
    if step == "assign":
        driver = made_up_driver(scope.tenant_id)
        return actions.move_on(w, scope, actor, package_id, "assign", driver_id=driver)
    if step == "start":
        open_gates(w, scope, actor, package_id)
        return actions.move_on(w, scope, actor, package_id, "start")
    if step == "deliver":
        return _deliver(w, scope, actor, package_id, links)
    if step == "fail":
        return _fail(w, scope, actor, package_id, reason, links)
    made_up.keep(w, scope, actor, actions.find(w, scope, package_id))
    return actions.give_back(w, scope, actor, package_id, by_pharmacist=True)


def made_up_driver(tenant_id: str) -> str:
    """The id of a tenant's sandbox driver: always the same one."""
    return "drv_" + hashlib.sha256(f"sandbox driver of {tenant_id}".encode()).hexdigest()[:32]


def open_gates(w: Writer, scope: Scope, actor: Actor, package_id: str) -> None:
    """Nobody packs, releases or hands over in the sandbox: the walk does it on the way out."""
    package = actions.find(w, scope, package_id)
    if package.status != "assigned":
        return  # the move itself says why not
    gates = []
    if package.content.cold_chain and package.packed_at is None:
        gates.append("packed_at")
    if package.content.controlled_substance:
        made_up.go_out(w, scope, actor, package)
        gates += [name for name in ("released_at", "handed_over_at") if not getattr(package, name)]
    if gates:
        actions.set_gates(w, scope, actor, package, gates)


def _deliver(w: Writer, scope: Scope, actor: Actor, package_id: str, links: Links) -> Package:
    package = actions.find(w, scope, package_id)
    due = package.content.copay_cents
    delivered = actions.move_on(
        w,
        scope,
        actor,
        package_id,
        "deliver",
        signed=True,
        recipient_identified=True,
        attempts=package.attempts + 1,
        delivered_at=w.now,
        copay_collected_cents=due or None,
        copay_method=MADE_UP_METHOD if due else None,
    )
    proof = _made_up(w, delivered, "delivered")
    shown = proofs.wire(proof, links, w.now)
    assert shown is not None
    data = events.completed(delivered, shown)
    outbox.append(w, scope, "delivery.completed", package_id, data)
    note_done(w, scope, delivered)
    return delivered


def _fail(
    w: Writer, scope: Scope, actor: Actor, package_id: str, reason: str, links: Links
) -> Package:
    package = actions.find(w, scope, package_id)
    failed = actions.move_on(
        w,
        scope,
        actor,
        package_id,
        "fail",
        detail={"reason": reason},
        attempts=package.attempts + 1,
        failure_reason=reason,
    )
    proof = _made_up(w, failed, "failed")
    shown = proofs.wire(proof, links, w.now)
    assert shown is not None
    del shown["signature_url"]
    data = events.failed(failed, w.now, shown)
    outbox.append(w, scope, "delivery.failed", package_id, data)
    note_done(w, scope, failed)
    return made_up.hand_in(w, scope, actor, failed)


def _made_up(w: Writer, package: Package, outcome: str) -> Proof:
    proof = Proof(
        id=ids.prefixed("prf"),
        package_id=package.id,
        attempt=package.attempts,
        outcome=outcome,
        driver_id=package.driver_id or made_up_driver(package.tenant_id),
        acted_at=w.now,
        lat=MADE_UP_PLACE[0],
        lng=MADE_UP_PLACE[1],
        photo=True,
        signature=outcome == "delivered",
        made_up=True,
        told_at=w.now,
    )
    proofs.insert(w, proof)
    return proof
