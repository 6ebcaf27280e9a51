"""What happened at a package's door: its proof, recorded by hand where no phone did, amended."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlsplit

from starlette.responses import Response

from scriptrun_box.accounts import gates
from scriptrun_box.delivery import door, store
from scriptrun_box.delivery.model import (
    ABOUT,
    ID_KINDS,
    METHODS,
    RELATIONS,
    Amendment,
    AtTheDoor,
    Handed,
    Identification,
    Payment,
    Picture,
    Recipient,
    Signature,
)
from scriptrun_box.delivery.payments import ON_A_CARD
from scriptrun_box.delivery.pictures import PICTURE_BYTES_MAX
from scriptrun_box.kernel import clock, ids
from scriptrun_box.kernel.db import Reader, Writer
from scriptrun_box.kernel.errors import Conflict, Invalid, NotFound, Refusal
from scriptrun_box.kernel.http import Call
from scriptrun_box.kernel.scope import Scope
from scriptrun_box.kernel.texts import clean
from scriptrun_box.packages import proofs
from scriptrun_box.packages.api import look
from scriptrun_box.packages.lifecycle import FAILURE_REASONS
from scriptrun_box.packages.model import Package, cents
from scriptrun_box.packages.proofs import Proof
from scriptrun_box.ui import pages, parcel, queries

from .package import id_of

UPLOAD_BYTES = 2 * PICTURE_BYTES_MAX + 64 * 1024  # a sheet and a photo, and what was typed
TEXT_MAX = 200  # characters
PAYMENTS = (1, 2)  # as many as the form has room for
DONE = {
    "delivered": "Recorded as delivered.",
    "failed": "Recorded as not delivered.",
    "amended": "Added to the record.",
    "given-up": "Noted: the photo will not come.",
}
RELATION_WORDS = {
    "patient": "the patient",
    "parent": "parent or guardian",
    "spouse": "spouse",
    "caregiver": "caregiver",
    "facility": "staff of a facility",
    "other": "somebody else",
}
METHOD_WORDS = {
    "cash": "cash",
    "check": "check",
    "card": "card",
    "card_on_file": "card on file",
    "hsa_fsa": "HSA or FSA card",
    "house_charge": "house charge",
    "prepaid": "paid before",
    "waived": "waived",
    "not_collected": "not collected",
    "split": "split",
}
ABOUT_WORDS = {
    "recipient": "who took it",
    "time": "the time",
    "place": "the place",
    "copay": "the copay",
    "picture": "a picture",
    "reason": "the reason",
    "other": "something else",
}


@dataclass(frozen=True, slots=True)
class Kept:
    """Everything that is kept of a package's door."""

    package: Package
    zone: str
    proofs: list[Proof]
    payments: list[Payment]
    amendments: list[Amendment]
    names: dict[str, str]


async def at_door(call: Call) -> Response:
    """GET /packages/{id}/door."""
    return await _page(call, notice=pages.done(call, DONE))


async def delivered(call: Call) -> Response:
    """POST /packages/{id}/delivered: as a driver without a phone tells, or brings on paper."""
    form, files = gates.form(call), gates.form_files(call)
    whole_ids = call.box.db.key is not None
    try:
        handed = _handed(form, await _encoded(call, files.get("sheet")))
        paid = {id_of(call): _payments(form)}
        photo = await _encoded(call, files.get("photo"))
    except Refusal as refusal:
        return await _refused(call, refusal)

    def act(w: Writer, at: AtTheDoor) -> door.Outcomes:
        whose, actor, links = call.whose, call.caller.actor, call.box.links
        return door.deliver(
            w, whose, actor, [id_of(call)], at, handed, paid, links, whole_ids=whole_ids
        )

    return await _record(call, photo, act, "delivered")


async def failed(call: Call) -> Response:
    """POST /packages/{id}/failed: as a driver without a phone tells."""
    form, files = gates.form(call), gates.form_files(call)
    reason = form.get("reason", "")
    try:
        if reason not in FAILURE_REASONS:
            raise _missing("reason", "Say why it was not delivered.")
        photo = await _encoded(call, files.get("photo"))
    except Refusal as refusal:
        return await _refused(call, refusal)

    def act(w: Writer, at: AtTheDoor) -> door.Outcomes:
        whose, actor, links = call.whose, call.caller.actor, call.box.links
        return door.fail(w, whose, actor, [id_of(call)], at, reason, links)

    return await _record(call, photo, act, "failed")


async def _record(
    call: Call, photo: Picture | None, act: Callable[[Writer, AtTheDoor], door.Outcomes], word: str
) -> Response:
    """Do it, with its photo in the same commit; where it cannot be done, the page says why."""
    kept = await call.box.db.read(_kept, call.whose, id_of(call))

    def whole(w: Writer) -> None:
        at = _act(gates.form(call), kept, photo is not None)
        outcome = act(w, at)[id_of(call)]
        if isinstance(outcome, Refusal):
            raise outcome
        if photo is not None:
            door.attach(
                w, call.whose, call.caller.actor, at.id, at.driver_id, photo, call.box.links
            )

    try:
        await call.box.db.write(whole)
    except (Invalid, Conflict) as refusal:
        return await _refused(call, refusal)
    return _back(call, word)


async def _refused(call: Call, refusal: Refusal) -> Response:
    problem = _sentence(refusal)
    return await _page(call, refusal.status, problem=problem, given=gates.form(call))


async def amend(call: Call) -> Response:
    """POST /packages/{id}/amend: words beside the record."""
    form = gates.form(call)
    about, words = form.get("about", ""), form.get("words", "")
    try:
        await call.box.db.write(
            door.amend, call.whose, call.caller.actor, id_of(call), None, about, words
        )
    except Invalid as refusal:
        return await _page(call, 400, problem=refusal.sentence, given=form)
    return _back(call, "amended")


async def no_photo(call: Call) -> Response:
    """POST /packages/{id}/no-photo: a photo that was lost with its phone."""
    form = gates.form(call)
    proof_id, words = form.get("proof", ""), form.get("words", "")
    try:
        await call.box.db.write(
            door.give_photo_up, call.whose, call.caller.actor, proof_id, words, call.box.links
        )
    except (Invalid, Conflict) as refusal:
        return await _page(call, refusal.status, problem=refusal.sentence, given=form)
    return _back(call, "given-up")


# What was typed ----------------------------------------------------------------------------------


def _act(form: dict[str, str], kept: Kept, photo: bool) -> AtTheDoor:
    """As somebody at the desk was told; the form's own id makes it happen once."""
    date, _, time = form.get("when", "").partition("T")
    now = clock.now_ms()
    try:
        acted_at = clock.moment(date, time, kept.zone)
    except ValueError:
        raise _missing("when", "Say when it happened.") from None
    if not kept.package.created_at <= acted_at + clock.MINUTE_MS <= now + clock.MINUTE_MS:
        raise _missing("when", "It happened after the order came in, and before now.")
    if not ids.is_hex(form.get("act", "")):
        raise _missing("act", "The page is too old; reload it and try again.")
    return AtTheDoor(
        form["act"],
        kept.package.driver_id or "",
        acted_at,
        acted_at,
        now,
        no_place="recorded at the desk",
        photo=photo,
        note=_text(form, "note"),
    )


def _handed(form: dict[str, str], sheet: Picture | None) -> Handed:
    if form.get("how") == "left_at_door":
        return Handed("left_at_door")
    name, relation = _text(form, "recipient"), form.get("relation", "")
    if name is None or relation not in RELATIONS:
        raise _missing("recipient", "Say who took it, and who that is to the patient.")
    number = _text(form, "id_number")
    shown = None
    if number is not None:
        kind, where = form.get("id_kind", ""), _text(form, "id_jurisdiction")
        if kind not in ID_KINDS or where is None:
            raise _missing("id_kind", "Say which kind of ID it was, and from where.")
        shown = Identification(kind, where, number)
    return Handed(
        "to_person",
        Recipient(name, relation, shown),
        None if sheet is None else Signature(None, sheet),
        no_signature=None if sheet else "recorded at the desk without one",
    )


def _payments(form: dict[str, str]) -> list[Payment]:
    """What was paid; a method without an amount is told as none."""
    paid = []
    for number in PAYMENTS:
        method, proof = form.get(f"method{number}", ""), _text(form, f"proof{number}")
        if not method:
            continue
        free = method in ("waived", "not_collected")
        paid.append(
            Payment(
                method,
                _cents(form.get(f"amount{number}", "")),
                check_number=proof if method == "check" else None,
                card_last_four=proof if method in ON_A_CARD else None,
                approved_by=proof if method == "waived" else None,
                reason=_text(form, "why") if free else None,
            )
        )
    return paid


def _cents(text: str) -> int:
    try:
        amount = Decimal(text.strip().removeprefix("$").strip() or "0")
        if not amount.is_finite() or amount != amount.quantize(Decimal("0.01")):
            raise InvalidOperation
    except InvalidOperation:
        raise _missing("amount", "Write dollars and cents, such as 12.50.") from None
    return cents(amount) or 0


def _text(form: dict[str, str], name: str) -> str | None:
    made = clean(form.get(name, ""))
    if made is None or len(made[0]) > TEXT_MAX:
        raise _missing(name, f"Write at most {TEXT_MAX} characters on one line.")
    return made[0] or None


def _missing(field: str, message: str) -> Invalid:
    return Invalid(message, details=[{"field": field, "code": "missing", "message": message}])


def _sentence(refusal: Refusal) -> str:
    """One that says what to mend: that of the first thing that is wrong."""
    first = next((str(each["message"]) for each in refusal.details if "message" in each), "")
    return f"Nothing was recorded: {first or refusal.sentence}"


async def _encoded(call: Call, body: bytes | None) -> Picture | None:
    """A file as the box keeps it; None where none came. Raises a Refusal for what is no picture."""
    picture: Picture | None = await call.app.state.pictures.encode(body) if body else None
    return picture


# The page ----------------------------------------------------------------------------------------


async def _page(
    call: Call,
    status: int = 200,
    *,
    problem: str = "",
    given: dict[str, str] | None = None,
    notice: str = "",
) -> Response:
    kept = await call.box.db.read(_kept, call.whose, id_of(call))
    look(call, "package.read", kept.package.id)
    now = clock.now_ms()
    time = clock.local_time(now, kept.zone)
    fresh = {"act": ids.hex_id(), "when": f"{clock.local_date(now, kept.zone)}T{time}"}
    return await pages.render(
        call,
        "desk/at_door.html",
        status,
        kept=kept,
        package=kept.package,
        pictures={each.id: _pictures(call, each, now) for each in kept.proofs},
        form=given or fresh,
        problem=problem,
        notice=notice,
        payments=PAYMENTS,
        encrypted=call.box.db.key is not None,
        words={
            "relation": RELATION_WORDS,
            "method": {each: METHOD_WORDS[each] for each in METHODS},
            "id": ID_KINDS,
            "failure": parcel.FAILURE_WORDS,
            "about": {each: ABOUT_WORDS[each] for each in ABOUT},
        },
    )


def _kept(r: Reader, scope: Scope, package_id: str) -> Kept:
    whole = queries.whole(r, scope, package_id)
    if whole is None:
        raise NotFound("There is no such package.")
    package = whole.package
    found = proofs.every(r, package_id)
    added = store.amendments(r, package_id)
    place = next(each for each in whole.locations if each.id == package.content.location_id)
    drivers = [each.driver_id for each in found]
    names = queries.names_in(r, scope.tenant_id, whole.moves, package.driver_id, *drivers)
    names |= queries.actor_names(r, scope.tenant_id, [each.actor for each in added])
    # An ID number is opened one by one, and that is kept.
    found = [replace(each, id_number=None) for each in found]
    paid = store.payments(r, package_id)
    return Kept(package, place.time_zone, found, paid, added, names)


def _pictures(call: Call, proof: Proof, now: int) -> dict[str, str]:
    """Where this page finds the pictures of an attempt: on the box it came from."""
    found: dict[str, Any] = proofs.wire(proof, call.box.links, now) or {}
    links = {name: found[f"{name}_url"] for name in ("photo", "signature")}
    return {
        name: f"{urlsplit(link).path}?{urlsplit(link).query}"
        for name, link in links.items()
        if link and not (name == "photo" and proof.awaits_photo)
    }


def _back(call: Call, word: str) -> Response:
    return pages.redirect(f"/packages/{id_of(call)}/door?done={word}")
