"""What people are told of a webhook that does not work: after 1, 24 and 72 hours, at a 410, and
when a delivery had to be set aside for a fault of this box."""

from urllib.parse import urlsplit

from scriptrun_box.kernel import notices
from scriptrun_box.kernel.clock import HOUR_MS
from scriptrun_box.kernel.db import Reader, Writer
from scriptrun_box.kernel.log import log

from . import store
from .model import Endpoint

FAILING, GONE, SET_ASIDE = "webhook_failing", "webhook_gone", "webhook_set_aside"
SAID_AFTER_HOURS = (1, 24, 72)


def unsaid(r: Reader, now: int) -> bool:
    """Whether a receiver has failed for so long that it is time to say so."""
    return any(_hours_to_say(r, each, now) for each in _failing(r, now))


def say(w: Writer) -> None:
    """Raise what is due of the notices about failing receivers."""
    for each in _failing(w, w.now):
        if _hours_to_say(w, each, w.now):
            note_failing(w, each)


def note_failing(w: Writer, target: Endpoint, paused: bool = False) -> None:
    """Say for how long a receiver has failed, or that it is paused for that."""
    hours = _hours(target, w.now)
    words = f"{host_of(target)} has taken no event for {_span(hours)}."
    step = hours
    if paused:
        words = f"{words} It is paused, and its events are held until you resume it."
        step = SAID_AFTER_HOURS[-1] + 1
    notices.raise_notice(w, target.scope, target.id, FAILING, words, step)


def note_gone(w: Writer, target: Endpoint) -> None:
    """A receiver says that it is gone for good; the promise to keep trying holds all the same."""
    words = (
        f"{host_of(target)} answers 410, it wants no more events: delete the webhook, or enter"
        " its new address. Until then everything is tried as ever."
    )
    notices.raise_notice(w, target.scope, target.id, GONE, words)


def set_aside(w: Writer, target: Endpoint, delivery_id: str) -> None:
    """A delivery cannot be sent, and that is our fault: the others go on, somebody is told."""
    log.error("webhook delivery set aside", delivery=delivery_id)
    words = (
        f"An event for {host_of(target)} could not be sent because of a fault of this box and was"
        " set aside. The log of the webhook shows it; resend it there."
    )
    notices.raise_notice(w, target.scope, target.id, SET_ASIDE, words)


def host_of(target: Endpoint) -> str:
    """What people know a receiver by."""
    return urlsplit(target.url).hostname or "the receiver"


def _failing(r: Reader, now: int) -> list[Endpoint]:
    found = store.failing_since(r, now - SAID_AFTER_HOURS[0] * HOUR_MS)
    return [each for each in found if each.state == "active"]


def _hours_to_say(r: Reader, target: Endpoint, now: int) -> bool:
    said = notices.step_of(r, target.scope, target.id, FAILING)
    return _hours(target, now) > (said or 0)


def _hours(target: Endpoint, now: int) -> int:
    """The longest span that has passed: 0, 1, 24 or 72 hours."""
    passed = (now - (target.failing_since or now)) // HOUR_MS
    return max((hours for hours in SAID_AFTER_HOURS if hours <= passed), default=0)


def _span(hours: int) -> str:
    return {0: "a while", 1: "an hour", 24: "a day", 72: "three days"}[hours]
