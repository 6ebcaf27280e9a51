"""What happens at a door: packages are handed over, left, or not delivered, each with its proof.

One act may be about several packages of a stop: one signature, one photo, a proof for each package.
What cannot be done with one of them holds up none of the others. Whatever was sent before is
answered again without happening again.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from scriptrun_box.kernel import blobs, ids, outbox
from scriptrun_box.kernel.db import Writer
from scriptrun_box.kernel.errors import Conflict, Invalid, NotFound, Refusal
from scriptrun_box.kernel.links import Links
from scriptrun_box.kernel.scope import Actor, Scope
from scriptrun_box.packages import actions as packages
from scriptrun_box.packages import events, proofs
from scriptrun_box.packages.model import Package
from scriptrun_box.packages.proofs import Proof
from scriptrun_box.packages.store import moves
from scriptrun_box.patients import store as patients
from scriptrun_box.patients.model import may_leave_at_door
from scriptrun_box.routes.actions import note_done

from . import store
from .model import ABOUT, LAST_FOUR, Amendment, AtTheDoor, Handed, Payment, Picture, collected
from .payments import need_proven

WORDS_MAX = 1_000  # characters of an amendment

Outcomes = dict[str, Package | Refusal]  # by package: how it then stands, or why it stays


def deliver(
    w: Writer,
    scope: Scope,
    actor: Actor,
    package_ids: Sequence[str],
    at: AtTheDoor,
    handed: Handed,
    payments: Mapping[str, list[Payment]],
    links: Links,
    *,
    whole_ids: bool,
) -> Outcomes:
    """Packages were handed over, or left at the door.

    `whole_ids` says that the file is encrypted: only then whole ID numbers are kept.
    """

    def one(package: Package, at: AtTheDoor) -> Package:
        paid = payments.get(package.id, [])
        need_proven(paid)
        delivered = _delivered(w, scope, actor, package, at, handed, paid)
        proof = _proof(delivered, "delivered", at, **_handed(w, handed, whole_ids))
        proofs.insert(w, proof)
        store.insert_payments(w, delivered, at.acted_at, paid)
        if not _holds_back(proof):
            _tell_completed(w, scope, delivered, proof, links)
        return delivered

    return _each(w, scope, package_ids, at, one)


def fail(
    w: Writer,
    scope: Scope,
    actor: Actor,
    package_ids: Sequence[str],
    at: AtTheDoor,
    reason: str,
    links: Links,
) -> Outcomes:
    """Packages could not be delivered; they stay with the driver until they are back."""

    def one(package: Package, at: AtTheDoor) -> Package:
        failed = packages.move_on(
            w,
            scope,
            actor,
            package.id,
            "fail",
            detail={"reason": reason},
            attempts=package.attempts + 1,
            failure_reason=reason,
            failure_note=at.note,
        )
        proof = _proof(failed, "failed", at, reason=reason, told_at=w.now)
        proofs.insert(w, proof)
        shown = proofs.wire(proof, links, w.now)
        assert shown is not None
        del shown["signature_url"]
        data = events.failed(failed, at.acted_at, shown)
        outbox.append(w, scope, "delivery.failed", failed.id, data)
        return failed

    return _each(w, scope, package_ids, at, one)


def attach(
    w: Writer, scope: Scope, actor: Actor, act_id: str, driver_id: str, photo: Picture, links: Links
) -> None:
    """The photo of an act has come; what waited for it is told now. Once more changes nothing."""
    found = [each for each in proofs.of_act(w, act_id) if each.driver_id == driver_id]
    if not any(each.photo for each in found):
        raise NotFound("There is no act that waits for this picture.")
    for proof in found:
        if not proof.awaits_photo:
            continue
        digest = blobs.put(w, photo.type, photo.body)
        proofs.set_photo(w, proof, digest)
        package = packages.find(w, scope, proof.package_id)
        packages.note(w, scope, actor, package, "photo", package.status, {})
        if proof.told_at is None:
            _tell_completed(w, scope, package, replace(proof, photo_digest=digest), links)


def give_photo_up(
    w: Writer, scope: Scope, actor: Actor, proof_id: str, words: str, links: Links
) -> None:
    """The photo will not come any more (a lost phone): somebody says why, and the event goes."""
    proof = proofs.find(w, proof_id)
    if proof is None:
        raise NotFound("There is no such proof.")
    package = packages.find(w, scope, proof.package_id)
    amend(w, scope, actor, package.id, proof_id, "picture", words)
    if not proof.awaits_photo or not proofs.give_photo_up(w, proof, words):
        raise Conflict("The photo has come meanwhile.", code="photo_is_here")
    if proof.told_at is None:
        _tell_completed(w, scope, package, replace(proof, photo=False), links)


def amend(
    w: Writer,
    scope: Scope,
    actor: Actor,
    package_id: str,
    proof_id: str | None,
    about: str,
    words: str,
) -> None:
    """Put words beside a record; the record stays as it was."""
    package = packages.find(w, scope, package_id)
    if about not in ABOUT or not 0 < len(words.strip()) <= WORDS_MAX:
        sentence = f"Say what is to be corrected in 1 to {WORDS_MAX} characters."
        raise Invalid(sentence, details=[{"field": "words", "code": "bad_format"}])
    amendment = Amendment(about, words.strip(), w.now, actor.id, proof_id)
    store.insert_amendment(w, actor, package_id, amendment)
    packages.note(w, scope, actor, package, "amend", package.status, {"about": about})


# one package -------------------------------------------------------------------------------------


def _each(
    w: Writer,
    scope: Scope,
    package_ids: Sequence[str],
    at: AtTheDoor,
    one: Callable[[Package, AtTheDoor], Package],
) -> Outcomes:
    """The act for each package; every refusal comes before anything of that package is written."""
    before = {each.package_id for each in proofs.of_act(w, at.id)}
    outcomes: Outcomes = {}
    for package_id in dict.fromkeys(package_ids):
        try:
            package = packages.find(w, scope, package_id)
            if package_id not in before:
                _need_carried(package, at.driver_id)
                package = one(package, _with_driver(w, package, at))
                note_done(w, scope, package)
            outcomes[package_id] = package
        except Refusal as refusal:
            outcomes[package_id] = refusal
    return outcomes


def _with_driver(w: Writer, package: Package, at: AtTheDoor) -> AtTheDoor:
    """No clock puts an act before its driver was given the package, which the box saw itself."""
    given = [move.at for move in moves(w, package) if move.act in ("assign", "pass_on")]
    return replace(at, acted_at=max([at.acted_at, *given[-1:]]))


def _need_carried(package: Package, driver_id: str) -> None:
    if package.driver_id != driver_id:
        raise Conflict(
            "This package is not with this driver.",
            code="not_this_driver",
            details=[{"status": package.status}],
        )


def _delivered(
    w: Writer,
    scope: Scope,
    actor: Actor,
    package: Package,
    at: AtTheDoor,
    handed: Handed,
    paid: list[Payment],
) -> Package:
    if handed.how == "left_at_door":
        _need_leave_at_door(w, package, at)
    elif handed.recipient is None:
        raise Conflict("Say who took it.", code="recipient_missing")
    money = collected(paid)
    return packages.move_on(
        w,
        scope,
        actor,
        package.id,
        "deliver",
        detail={"how": handed.how},
        signed=handed.signature is not None,
        recipient_identified=bool(handed.recipient and handed.recipient.identification),
        acted_at=at.acted_at,
        attempts=package.attempts + 1,
        delivered_at=at.acted_at,
        copay_collected_cents=money and money[0],
        copay_method=money and money[1],
    )


def _need_leave_at_door(w: Writer, package: Package, at: AtTheDoor) -> None:
    patient = patients.for_package(w, package)
    if not may_leave_at_door(package, patient):
        raise Conflict("This package may not be left at the door.", code="leave_at_door")
    if not at.photo:
        raise Conflict("What is left at a door needs a photo.", code="photo_missing")


def _holds_back(proof: Proof) -> bool:
    """What was left at a door is told once its photo is here: it is all the proof there is."""
    return proof.how == "left_at_door" and proof.awaits_photo


def _tell_completed(w: Writer, scope: Scope, package: Package, proof: Proof, links: Links) -> None:
    if not proofs.set_told(w, proof.id):
        return
    shown = proofs.wire(proof, links, w.now)
    assert shown is not None
    outbox.append(w, scope, "delivery.completed", package.id, events.completed(package, shown))


def _proof(package: Package, outcome: str, at: AtTheDoor, **more: Any) -> Proof:
    assert package.driver_id is not None
    return Proof(
        id=ids.prefixed("prf"),
        package_id=package.id,
        attempt=package.attempts,
        outcome=outcome,
        driver_id=package.driver_id,
        acted_at=at.acted_at,
        device_at=at.device_at,
        received_at=at.received_at,
        act_id=at.id,
        lat=at.place.lat if at.place else None,
        lng=at.place.lng if at.place else None,
        accuracy_m=at.place.accuracy_m if at.place else None,
        no_place=at.no_place,
        photo=at.photo,
        no_photo=at.no_photo,
        note=at.note,
        **more,
    )


def _handed(w: Writer, handed: Handed, whole_ids: bool) -> dict[str, Any]:
    """The columns of a proof that tell how packages were handed over."""
    who, drawn = handed.recipient, handed.signature
    shown = who and who.identification
    return {
        "how": handed.how,
        "recipient": who and who.name,
        "relation": who and who.relation,
        "id_kind": shown and shown.kind,
        "id_jurisdiction": shown and shown.jurisdiction,
        "id_number": shown.number if shown and whole_ids else None,
        "id_last_four": shown and shown.number[-LAST_FOUR:],
        "signature": drawn is not None,
        "strokes": drawn and drawn.strokes,
        "signature_digest": drawn and blobs.put(w, drawn.picture.type, drawn.picture.body),
        "no_signature": handed.no_signature,
    }
