"""What people and programs can do with webhooks: make, change, pause, rotate, test, send again."""

from dataclasses import dataclass, replace
from typing import Any

from scriptrun_box.kernel import audit, clock, ids, notices, outbox, strict_json
from scriptrun_box.kernel.clock import DAY_MS
from scriptrun_box.kernel.db import Reader, Signal, Writer
from scriptrun_box.kernel.errors import Conflict, Gone, NotFound
from scriptrun_box.kernel.outbox import Head
from scriptrun_box.kernel.scope import Actor, Scope

from . import journal, networks, signing, store, troubles
from .model import PING, Endpoint, Exchange, Pin

TOPIC = "webhooks"  # signalled when an endpoint changed, or something is due that was not
MAX_ENDPOINTS = 50  # for each of a tenant's live side and its sandbox
IN_FLIGHT_PER_ENDPOINT = 4
OVERLAP_MS = DAY_MS  # how long both secrets sign after a rotation


@dataclass(frozen=True, slots=True)
class Rotated:
    """`secret` is shown once, and None where only the overlap was ended."""

    secret: str | None
    previous_valid_until: int


def create(
    w: Writer,
    scope: Scope,
    actor: Actor,
    *,
    url: str,
    events: tuple[str, ...],
    ordered: bool = False,
    pinned: Pin | None = None,
) -> tuple[Endpoint, str]:
    """A new endpoint and its signing secret, to be shown once; the URL was checked before."""
    if len(store.endpoints(w, scope)) >= MAX_ENDPOINTS:
        raise Conflict(f"There are {MAX_ENDPOINTS} webhooks already.", code="too_many_webhooks")
    made = Endpoint(
        id=ids.prefixed("whk"),
        tenant_id=scope.tenant_id,
        test=scope.test,
        url=url,
        events=events,
        state="active",
        secret=signing.new_secret(),
        next_secret=None,
        rotation_ends_at=None,
        ca_pem=pinned.pem if pinned else None,
        check_name=pinned.check_name if pinned else True,
        since_seq=outbox.last_seq(w),
        max_in_flight=_in_flight(ordered),
        failures=0,
        failing_since=None,
        releasing=False,
        retry_after_until=None,
        last_attempt_at=None,
        last_ok_at=None,
        paused_at=None,
        created_at=w.now,
        created_by=actor.id,
    )
    store.insert_endpoint(w, made)
    _note(w, made, actor, "webhook.created")
    return made, made.secret


def find(r: Reader, scope: Scope, endpoint_id: str) -> Endpoint:
    """One endpoint; raises NotFound, also where it is another tenant's or the other side's."""
    found = store.endpoint_of(r, scope, endpoint_id)
    if found is None:
        raise NotFound("There is no such webhook.")
    return found


def update(
    w: Writer,
    scope: Scope,
    actor: Actor,
    endpoint_id: str,
    *,
    url: str | None = None,
    events: tuple[str, ...] | None = None,
    ordered: bool | None = None,
) -> Endpoint:
    """Change the URL (checked before), the events, whether in order; None leaves as it is."""
    was = find(w, scope, endpoint_id)
    now = replace(
        was,
        url=url or was.url,
        events=events or was.events,
        max_in_flight=was.max_in_flight if ordered is None else _in_flight(ordered),
    )
    store.set_subscription(w, now)
    if now.url != was.url:
        _forgive(w, was)
    names = ("url", "events", "ordered")
    changed = [name for name in names if getattr(now, name) != getattr(was, name)]
    _note(w, was, actor, "webhook.changed", fields=changed)
    return find(w, scope, endpoint_id)


def delete(w: Writer, scope: Scope, actor: Actor, endpoint_id: str) -> None:
    """Send nothing more there, whatever waits; the log stays."""
    found = find(w, scope, endpoint_id)
    store.cancel(w, endpoint_id)
    store.delete_endpoint(w, endpoint_id)
    notices.end(w, scope, endpoint_id)
    _note(w, found, actor, "webhook.deleted")


def pause(w: Writer, scope: Scope, actor: Actor, endpoint_id: str) -> Endpoint:
    """Hold what waits and what comes; nothing is dropped."""
    found = find(w, scope, endpoint_id)
    if found.state == "active":
        store.set_state(w, endpoint_id, "paused_by_user", w.now)
        store.hold(w, endpoint_id)
        _note(w, found, actor, "webhook.paused")
    return find(w, scope, endpoint_id)


def resume(w: Writer, scope: Scope, actor: Actor, endpoint_id: str) -> Endpoint:
    """Send what was held and go on; the time it was paused does not count."""
    found = find(w, scope, endpoint_id)
    if found.state != "active":
        store.set_state(w, endpoint_id, "active", None)
        _forgive(w, found)
        released = store.release_held(w, endpoint_id, found.paused_at or w.now)
        _note(w, found, actor, "webhook.resumed", released=released)
    return find(w, scope, endpoint_id)


def rotate_secret(
    w: Writer, scope: Scope, actor: Actor, endpoint_id: str, *, finish_now: bool = False
) -> Rotated:
    """A new secret; both sign for a day, or until `finish_now`.

    Rotating again during the overlap replaces the new secret: that is what somebody does who lost
    it, and the old one, which the receiver still uses, stays.
    """
    found = find(w, scope, endpoint_id)
    if finish_now and found.next_secret is not None:
        store.set_secrets(w, endpoint_id, found.next_secret, None, None)
        _note(w, found, actor, "webhook.rotation_finished")
        return Rotated(None, w.now)
    secret = signing.new_secret()
    if finish_now:
        ends_at = w.now
        store.set_secrets(w, endpoint_id, secret, None, None)
    else:
        ends_at = w.now + OVERLAP_MS
        store.set_secrets(w, endpoint_id, found.secret, secret, ends_at)
    _note(w, found, actor, "webhook.secret_rotated")
    return Rotated(secret, ends_at)


def test(w: Writer, scope: Scope, actor: Actor, endpoint_id: str) -> str:
    """Send one ping, also to a paused endpoint; the id of its delivery."""
    found = find(w, scope, endpoint_id)
    ping = {
        "id": ids.prefixed("evt"),
        "event": PING,
        "created_at": clock.iso(w.now),
        "data": {"webhook_id": endpoint_id},
        "test": True,
    }
    delivery_id = ids.prefixed("dlv")
    store.insert_ping(w, delivery_id, endpoint_id, strict_json.dumps(ping))
    _note(w, found, actor, "webhook.tested")
    return delivery_id


def resend(w: Writer, scope: Scope, actor: Actor, delivery_id: str) -> str:
    """Send one delivery now, beside its schedule, which it disturbs only by succeeding.

    The id of its webhook.
    """
    row = store.delivery(w, delivery_id)
    found = store.endpoint_of(w, scope, row["endpoint_id"]) if row else None
    if row is None or found is None:
        raise NotFound("There is no such delivery.")
    _refuse_paused(found)
    if row["state"] == "sending" or row["trigger"] == "manual":
        raise Conflict("This delivery is being sent right now.", code="already_sending")
    if row["event_seq"] is not None:
        event = outbox.get(w, row["event_seq"])
        if event is None or event.body is None:
            raise Gone("The event is no longer kept, so it cannot be sent again.")
    store.ask_again(w, delivery_id)
    notices.end(w, scope, found.id, troubles.SET_ASIDE)
    _note(w, found, actor, "webhook.resent", delivery=delivery_id)
    return found.id


def exchange(r: Reader, scope: Scope, attempt_id: str) -> Exchange:
    """One attempt with what was sent; raises NotFound."""
    row = journal.attempt(r, attempt_id)
    target = store.endpoint_of(r, scope, row.endpoint_id) if row else None
    if row is None or target is None:
        raise NotFound("There is no such attempt.")
    delivery = store.delivery(r, row.delivery_id)
    body: bytes | None = delivery["ping"] if delivery else None
    if delivery is not None and delivery["event_seq"] is not None:
        event = outbox.get(r, delivery["event_seq"])
        body = event.body if event else None
    return Exchange(row, target, target.url, body.decode("utf-8") if body else None)


def begin_replay(w: Writer, scope: Scope, actor: Actor, endpoint_id: str) -> Endpoint:
    """Refuse or note a replay, whose events then go to `replay` in portions."""
    found = find(w, scope, endpoint_id)
    _refuse_paused(found)
    notices.end(w, scope, endpoint_id, troubles.SET_ASIDE)
    _note(w, found, actor, "webhook.replayed")
    return found


def replay(w: Writer, endpoint_id: str, heads: list[Head], give_up_ms: int) -> int:
    """Queue these events anew, each with a whole schedule; how many.

    What waits or is being sent already stays as it is; what was never attempted comes too.
    """
    found = store.endpoint(w, endpoint_id)
    if found is None:
        return 0
    queued = 0
    fresh: list[tuple[Any, ...]] = []
    for head in heads:
        if not found.hears(head.event):
            continue
        row = store.delivery_of_event(w, head.seq, endpoint_id)
        deadline = w.now + give_up_ms
        if row is None:
            delivery_id = ids.prefixed("dlv")
            fresh.append(
                (delivery_id, head.seq, endpoint_id, "pending", "replay", w.now, deadline, w.now)
            )
        elif row["state"] in ("delivered", "exhausted", "cancelled"):
            store.start_over(w, row["id"], deadline)
        else:
            continue
        queued += 1
    store.insert_deliveries(w, fresh)
    w.after_commit(_signal(found))
    return queued


def allow(w: Writer, scope: Scope, actor: Actor, network: str) -> None:
    """Events of this tenant may be sent into this network (CIDR); who asked was checked before."""
    networks.allow(w, scope.tenant_id, network, actor.id)
    audit.record(w, scope.tenant_id, actor, "webhook.network_allowed", network)


def forbid(w: Writer, scope: Scope, actor: Actor, network: str) -> None:
    """They may no longer."""
    if networks.forbid(w, scope.tenant_id, network):
        audit.record(w, scope.tenant_id, actor, "webhook.network_forbidden", network)


def pin(w: Writer, scope: Scope, actor: Actor, endpoint_id: str, pinned: Pin | None) -> Endpoint:
    """Trust this certificate at this webhook and no other; None: whom everybody trusts."""
    found = find(w, scope, endpoint_id)
    pem, check_name = (pinned.pem, pinned.check_name) if pinned else (None, True)
    store.pin(w, endpoint_id, pem, check_name)
    _note(w, found, actor, "webhook.pinned" if pinned else "webhook.unpinned")
    return find(w, scope, endpoint_id)


def _in_flight(ordered: bool) -> int:
    return 1 if ordered else IN_FLIGHT_PER_ENDPOINT


def _forgive(w: Writer, found: Endpoint) -> None:
    """Past failures are no longer counted, nor talked about."""
    store.forgive(w, found.id)
    notices.end(w, found.scope, found.id)


def _refuse_paused(found: Endpoint) -> None:
    if found.state != "active":
        raise Conflict("This webhook is paused; resume it first.", code="webhook_paused")


def _note(w: Writer, found: Endpoint, actor: Actor, act: str, **detail: Any) -> None:
    audit.record(w, found.tenant_id, actor, act, found.id, **detail)
    w.after_commit(_signal(found))


def _signal(found: Endpoint) -> Signal:
    return Signal(TOPIC, found.tenant_id, found.test, (found.id,))
