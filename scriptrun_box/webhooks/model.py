"""The words of webhooks: endpoint, delivery, attempt, and what callers may send."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

from scriptrun_box.kernel.errors import Invalid
from scriptrun_box.kernel.scope import Scope

EventName = Literal[
    "delivery.completed",
    "delivery.failed",
    "package.created",
    "route.completed",
    "driver.status_changed",
    "*",
]
EVENT_NAMES: tuple[str, ...] = get_args(EventName)[:-1]
EVERY_EVENT = "*"
PING = "webhook.test"  # what a test sends: no event of the outbox

OUTCOMES = ("ok", "failed", "blocked", "interrupted", "internal_error", "in_flight")

State = Literal["active", "paused_by_user", "paused_failing"]
Trigger = Literal["auto", "manual", "replay", "test"]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Somebody's URL that wants to hear of events; the secrets are only for signing."""

    id: str
    tenant_id: str
    test: bool
    url: str
    events: tuple[str, ...]
    state: State
    secret: str
    next_secret: str | None  # during a rotation both sign
    rotation_ends_at: int | None
    ca_pem: str | None
    check_name: bool  # off: exactly the pinned certificate, whatever it names
    since_seq: int  # the newest event when it was made: it hears what comes behind
    max_in_flight: int
    failures: int  # in a row
    failing_since: int | None
    releasing: bool  # it is back: its backlog is let go bit by bit
    retry_after_until: int | None
    last_attempt_at: int | None
    last_ok_at: int | None
    paused_at: int | None
    created_at: int
    created_by: str

    @property
    def scope(self) -> Scope:
        """Whose events it hears."""
        return Scope(self.tenant_id, self.test)

    @property
    def ordered(self) -> bool:
        """Whether each event waits until the one before it is over."""
        return self.max_in_flight == 1

    def hears(self, event: str) -> bool:
        """Whether it subscribed to this event."""
        return EVERY_EVENT in self.events or event in self.events


@dataclass(frozen=True, slots=True)
class Pin:
    """Whom alone to trust at one receiver: its certificate or its authority, in PEM.

    With `check_name` off it is exactly this certificate, whatever name stands in it.
    """

    pem: str
    check_name: bool


@dataclass(frozen=True, slots=True)
class Parcel:
    """One claimed attempt, with all it takes to make it."""

    delivery_id: str
    log_id: str
    lease: str
    endpoint_id: str
    url: str
    secret: str
    next_secret: str | None
    ca_pem: str | None
    check_name: bool
    networks: tuple[str, ...]  # where its tenant's owner allowed to send, beside the settings
    event_id: str
    event: str
    body: bytes
    attempt: int
    trigger: Trigger


@dataclass(frozen=True, slots=True)
class Due:
    """An endpoint with something to send: from when on, and whether its last attempts failed."""

    endpoint_id: str
    at: int
    failing: bool


@dataclass(frozen=True, slots=True)
class LogRow:
    """One attempt as `webhook_logs` keeps it."""

    id: str
    endpoint_id: str
    delivery_id: str
    event_id: str
    event: str
    attempt: int
    trigger: str
    outcome: str
    status: int | None
    error_class: str | None
    address: str | None
    answer_head: str | None
    answer: bytes | None
    answer_size: int | None  # once the answer itself is no longer kept
    retry_after: int | None
    started_at: int
    duration_ms: int | None
    next_at: int | None


@dataclass(frozen=True, slots=True)
class Exchange:
    """An attempt with what was sent; `body` is None once it is no longer kept."""

    attempt: LogRow
    endpoint: Endpoint
    url: str
    body: str | None


def endpoint_from(row: Any) -> Endpoint:
    """An endpoint from its row."""
    values = {name: row[name] for name in Endpoint.__dataclass_fields__}
    return Endpoint(
        **values
        | {"events": tuple(json.loads(row["events"]))}
        | {name: bool(row[name]) for name in ("test", "check_name", "releasing")}
    )


def log_from(row: Any) -> LogRow:
    """An attempt from its row."""
    return LogRow(**{name: row[name] for name in LogRow.__dataclass_fields__})


def invalid(field: str, code: str, message: str) -> Invalid:
    """A refusal about one field."""
    return Invalid(message, details=[{"field": field, "code": code, "message": message}])


def moment(field: str, text: str) -> int:
    """An ISO 8601 time with a zone as unix milliseconds; raises Invalid."""
    try:
        parsed = datetime.fromisoformat(text)
        if parsed.tzinfo is None:
            raise ValueError("no zone")
        return int(parsed.timestamp() * 1000)
    except (ValueError, OverflowError):
        raise invalid(
            field, "bad_format", f"{field} is a time such as 2026-04-19T18:42:10Z."
        ) from None


def subscription(events: list[Any]) -> tuple[str, ...]:
    """The events in their own order, each once; the star stands alone."""
    if EVERY_EVENT in events:
        return (EVERY_EVENT,)
    return tuple(name for name in EVENT_NAMES if name in events)
