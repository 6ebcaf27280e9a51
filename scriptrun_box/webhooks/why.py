"""Why is it not arriving? One sentence about a webhook, and one about an attempt. Pure."""

from collections.abc import Callable, Mapping

from .model import Endpoint, LogRow

Say = Callable[[int], str]  # a moment as the reader wants to see it

CLASSES = {
    "dns": "its name does not resolve",
    "connect": "nothing accepts a connection there",
    "timeout": "it did not answer in time",
    "reset": "it broke the connection off",
    "blocked": "its address is not allowed; an owner can allow its network",
}
STATUSES = {
    401: "it wants a sign-in (401)",
    403: "it refuses us (403)",
    404: "it knows no such address (404): is the path right?",
    405: "it takes no POST (405): is the path right?",
    410: "it says that it is gone for good (410)",
    413: "the event is too large for it (413)",
    429: "it asks us to be slower (429)",
}


def why(
    target: Endpoint,
    waiting: Mapping[str, int],
    next_at: int | None,
    latest: LogRow | None,
    now: int,
    say: Say,
) -> str:
    """Why something is not there yet, or that everything is; ends with what happens next."""
    held, open_ = waiting["held"], waiting["pending"] + waiting["sending"]
    if target.state == "paused_by_user":
        return f"It is paused: {_events(held)} held until you resume it."
    if target.state == "paused_failing":
        return (
            "It took nothing for three days and is paused:"
            f" {_events(held)} held until you resume it."
        )
    if held:
        return (
            f"{_events(held).capitalize()} held because this box was restored from a copy: decide"
            " about them under Settings → System."
        )
    if target.failures and latest is not None and latest.outcome != "ok":
        return (
            f"The last attempt failed: {reason(latest, target)}.{_then(open_, next_at, now, say)}"
        )
    if waiting["sending"]:
        return f"{_events(open_).capitalize()} being sent right now."
    if open_:
        return _then(open_, next_at, now, say).strip()
    if target.last_ok_at is None:
        return "Nothing has happened yet that it wants to hear of."
    return f"Everything has arrived, the last of it {say(target.last_ok_at)}."


def reason(attempt: LogRow, target: Endpoint) -> str:
    """Why an attempt was no success, as the end of a sentence."""
    if attempt.outcome == "internal_error":
        return "that was a fault of this box"
    if attempt.outcome == "interrupted":
        return "the box stopped in the middle of it"
    if attempt.error_class == "redirect":
        return (
            f"it answers with a redirect ({attempt.status}), which is never followed: enter the"
            " address it leads to"
        )
    if attempt.error_class == "tls":
        return (
            "it shows another certificate than the one that was pinned"
            if target.ca_pem
            else "its certificate is not one this box trusts; an owner can pin it"
        )
    if attempt.error_class in CLASSES:
        return CLASSES[attempt.error_class]
    status = attempt.status or 0
    return STATUSES.get(
        status, f"it answers {status}{', a fault of its own' if status >= 500 else ''}"
    )


def _then(open_: int, next_at: int | None, now: int, say: Say) -> str:
    if not open_ or next_at is None:
        return " Nothing waits for another try."
    when = "now" if next_at <= now else say(next_at)
    return f" {_events(open_).capitalize()} waiting, the next try is {when}."


def _events(count: int) -> str:
    return "1 event is" if count == 1 else f"{count:,} events are"
