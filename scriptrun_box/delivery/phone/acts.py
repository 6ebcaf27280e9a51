"""What phones tell, each act once: what it is, who may do it, and what becomes of it.

An act happens in one transaction together with its row. The same id again is answered from that
row. One that cannot be is written down too, as of two phones the first wins and the desk has to
know of the other; it holds up none of those behind it.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

from scriptrun_box.delivery.model import Signature
from scriptrun_box.delivery.pictures import Pictures
from scriptrun_box.drivers import actions as drivers
from scriptrun_box.kernel import audit, notices, strict_json
from scriptrun_box.kernel.db import Database, Writer
from scriptrun_box.kernel.errors import Conflict, Forbidden, Invalid, NotFound, Refusal
from scriptrun_box.kernel.log import log
from scriptrun_box.kernel.shapes import checked

from . import store
from .bundle import GATE_WORDS
from .devices import ODD
from .kinds import KINDS, Context, Kind, package_ids_of
from .model import ActIn, Answer, DeliverIn, Outcome, Told

# What another try may mend (a full disk, a box that stops) is no answer to an act; these are.
FINAL = (Conflict, Invalid, NotFound, Forbidden)
ID_CHARS = 32
BROKEN = "The box could not take this; it will be tried again."


async def take(
    db: Database, pictures: Pictures, context: Context, raw: Mapping[str, Any]
) -> Answer:
    """What becomes of one act; raises only what another try may mend."""
    act_id = raw.get("id")
    shown_id = act_id if isinstance(act_id, str) and len(act_id) == ID_CHARS else ""
    try:
        kind, act = read(raw)
        digest = digest_of(raw)
        known = db.peek(store.act, act.id)
        if known is not None:
            return again(known, context, digest)
        drawn = await _drawn(pictures, act)
    except FINAL as refusal:
        bare = _bare(raw)
        if bare is None:
            return _refused(shown_id, refusal)
        return await db.write(note_refusal, context, *bare, digest_of(raw), refusal)
    try:
        return await db.write(happen, context, kind, act, digest, drawn)
    except FINAL as refusal:
        return await db.write(note_refusal, context, kind, act, digest, refusal)
    except Refusal:
        raise
    except Exception as error:  # this one waits; those behind it do not
        log.failure("an act of a phone failed", error)
        return Answer(act.id, "refused", "internal", BROKEN)


def read(raw: Mapping[str, Any]) -> tuple[Kind, ActIn]:
    """An act and its kind; raises Invalid."""
    name = raw.get("kind")
    kind = KINDS.get(name) if isinstance(name, str) else None
    if kind is None:
        raise Invalid("The box does not know this kind of act.", code="unknown_kind")
    return kind, checked(kind.shape, dict(raw))


def _bare(raw: Mapping[str, Any]) -> tuple[Kind, ActIn] | None:
    """What can be noted of an act that says something wrong: its id, its kind, when."""
    kind = KINDS.get(str(raw.get("kind")))
    try:
        act = checked(ActIn, {name: raw.get(name) for name in ("id", "kind", "at")})
    except Invalid:
        return None
    return None if kind is None else (kind, act)


def digest_of(raw: Mapping[str, Any]) -> bytes:
    """What tells two acts apart, whatever they are called."""
    return hashlib.sha256(strict_json.dumps(raw)).digest()


def again(known: Told, context: Context, digest: bytes) -> Answer:
    """The answer to what was told before, or to another act that took its id."""
    if known.driver_id != context.driver_id or known.digest != digest:
        sentence = "Another act has this id already; do it again."
        return Answer(known.id, "refused", "act_reused", sentence)
    return Answer(known.id, "already", known.code, known.sentence, known.outcome)


def happen(
    w: Writer, context: Context, kind: Kind, act: ActIn, digest: bytes, drawn: Signature | None
) -> Answer:
    """Do an act and note it, in one transaction; of the same one sent twice at once one happens."""
    known = store.act(w, act.id)
    if known is not None:
        return again(known, context, digest)
    details = kind.run(w, context, act, drawn)
    outcome: Outcome = "conflict" if details else "taken"
    code, sentence = (details[0]["code"], details[0]["sentence"]) if details else ("", "")
    if kind.kept:
        _note(w, context, act, digest, outcome, code, sentence)
    return Answer(act.id, outcome, code, sentence, details=details)


def note_refusal(
    w: Writer, context: Context, kind: Kind, act: ActIn, digest: bytes, refusal: Refusal
) -> Answer:
    """Note that an act could not be, and tell the desk where somebody else was first."""
    known = store.act(w, act.id)
    if known is not None:
        return again(known, context, digest)
    answer = _refused(act.id, refusal)
    if kind.kept:
        _note(w, context, act, digest, answer.outcome, answer.code, answer.sentence)
    return answer


def _refused(act_id: str, refusal: Refusal) -> Answer:
    outcome: Outcome = "conflict" if isinstance(refusal, Conflict) else "refused"
    details = tuple(
        {
            "package_id": str(each.get("package_id", "")),
            "code": str(each.get("code", "")),
            "sentence": GATE_WORDS.get(str(each.get("code")), str(each.get("message", ""))),
        }
        for each in refusal.details
        if "package_id" in each
    )
    return Answer(act_id, outcome, refusal.code, refusal.sentence, details=details)


def _note(
    w: Writer,
    context: Context,
    act: ActIn,
    digest: bytes,
    outcome: str,
    code: str,
    sentence: str,
) -> None:
    told = Told(
        seq=0,
        id=act.id,
        driver_id=context.driver_id,
        phone_id=context.phone.id,
        kind=act.kind,
        package_ids=tuple(package_ids_of(act)),
        digest=digest,
        device_at=act.at,
        acted_at=context.moment(act.at),
        received_at=context.received_at,
        outcome=outcome,
        code=code,
        sentence=sentence,
        seen_at=None,
        seen_by=None,
    )
    store.add_act(w, context.scope.tenant_id, told)
    detail = {"kind": act.kind, "phone": context.phone.id, "outcome": outcome, "code": code}
    audit.record(w, context.scope.tenant_id, context.actor, "phone.act", act.id, **detail)
    if outcome != "taken":
        _tell_desk(w, context)


def _tell_desk(w: Writer, context: Context) -> None:
    driver = drivers.find(w, context.scope, context.driver_id)
    count = store.count_unseen(w, context.scope.tenant_id, driver.id)
    acts = "One thing" if count == 1 else f"{count} things"
    words = f"{acts} that {driver.name}'s phone told did not count. Look at it on the Drivers page."
    notices.raise_notice(w, context.scope, driver.id, ODD, words, step=count)


async def _drawn(pictures: Pictures, act: ActIn) -> Signature | None:
    """The signature of a delivery, drawn before anything is written; raises Invalid for none."""
    if not isinstance(act, DeliverIn) or act.signature is None:
        return None
    return await pictures.draw([[tuple(point) for point in line] for line in act.signature])
