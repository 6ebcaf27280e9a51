"""A restored file: what its copy still had to send waits until somebody has decided about it.

Where the copy came from, those events may have been sent long ago, or be on their way right now. So
the first start puts them on hold; what happens afterwards is news and is sent as ever.
"""

from dataclasses import dataclass
from typing import Literal, get_args

from scriptrun_box.kernel import audit, restoring
from scriptrun_box.kernel.db import Reader, Signal, Writer
from scriptrun_box.kernel.errors import Conflict
from scriptrun_box.kernel.scope import Actor

from . import claims, store
from .actions import TOPIC

Way = Literal["send", "hold", "discard"]
WAYS: tuple[str, ...] = get_args(Way)


@dataclass(frozen=True, slots=True)
class OldEvents:
    """What waits for a decision: of which time the data is (ISO or "unknown"), how much of it."""

    data_from: str
    deliveries: int
    webhooks: int


def hold_old(w: Writer, give_up_ms: int) -> bool:
    """Put on hold what a restored file still had to send; whether there is more to be done.

    Webhooks that were paused in the copy hold their events anyway; a test ping is called off.
    """
    if not restoring.must_hold(w):
        return False
    more = claims.fan_out(w, give_up_ms, hold=True)[1] == claims.FAN_OUT_EVENTS
    if not more:
        for each in store.every_endpoint(w):
            store.cancel(w, each.id, store.PINGS)
            store.hold(w, each.id)
        restoring.note_held(w)
    return more


def restored_hold(r: Reader) -> OldEvents | None:
    """What waits for a decision on the whole box, or None where the file was not restored."""
    data_from = restoring.restored_at(r)
    if data_from is None:
        return None
    held = _held(r)
    return OldEvents(data_from, sum(held.values()), len(held))


def settle(w: Writer, tenant_id: str | None, actor: Actor, way: Way, give_up_ms: int) -> int:
    """Decide about the old events, once for the whole box; how many deliveries there were.

    "send" sends them now, each with a whole schedule of its own; "hold" pauses the webhooks they
    are for, and resuming one sends its share; "discard" never sends them by itself (a replay can).
    """
    if restoring.restored_at(w) is None:
        raise Conflict("Nothing waits for this decision (any more).", code="not_restored")
    held = _held(w)
    for endpoint_id in held:
        if way == "discard":
            store.cancel(w, endpoint_id, store.HELD)
            continue
        store.release_held(w, endpoint_id, 0)  # as if held from the first: no time has run off
        if way == "hold":
            store.set_state(w, endpoint_id, "paused_by_user", w.now)
            store.hold(w, endpoint_id)
    restoring.settle_restored(w)
    count = sum(held.values())
    audit.record(w, tenant_id, actor, f"restored.{way}", None, deliveries=count)
    w.after_commit(Signal(TOPIC))
    return count


def _held(r: Reader) -> dict[str, int]:
    """How much is held for each active webhook: only a restore does that."""
    active = [each.id for each in store.every_endpoint(r) if each.state == "active"]
    held = {endpoint_id: store.counts(r, endpoint_id)["held"] for endpoint_id in active}
    return {endpoint_id: count for endpoint_id, count in held.items() if count}
