"""What /docs and OpenAPI tell of webhooks."""

from scriptrun_box.kernel.http import Doc

from .api import EndpointChangeIn, EndpointIn, ReplayIn, RotationIn
from .model import OUTCOMES

GROUP = "Webhooks"
PAGE = {"limit": "1 to 200, default 50", "cursor": "next_cursor of the page before"}
ENDPOINT = {
    "id": "whk_00000000000000000000000000000000",
    "url": "https://example.com/hooks/scriptrun",
    "events": ["delivery.completed"],
    "state": "active",
    "test": False,
    "ordered": False,
    "pinned": False,
    "created_at": "2026-04-20T14:00:00Z",
    "last_attempt_at": None,
    "last_ok_at": None,
    "failing_since": None,
    "rotation_ends_at": None,
}
ATTEMPT = {
    "id": "att_00000000000000000000000000000000",
    "delivery_id": "dlv_00000000000000000000000000000000",
    "event_id": "evt_00000000000000000000000000000000",
    "event": "delivery.completed",
    "attempt": 1,
    "trigger": "auto",
    "outcome": "ok",
    "status": 200,
    "error_class": None,
    "started_at": "2026-04-20T14:00:00Z",
    "duration_ms": 84,
    "next_at": None,
}
EVENT = {
    "seq": 1,
    "id": "evt_00000000000000000000000000000000",
    "event": "package.created",
    "created_at": "2026-04-20T14:00:00Z",
    "data": {"package_id": "00000000000000000000000000000000"},
}
NEW = {"url": "https://example.com/hooks/scriptrun", "events": ["delivery.completed"]}

LIST = Doc(
    group=GROUP,
    summary="List webhooks",
    text="Newest first. A secret is never shown again.",
    query=PAGE,
    answer={"data": [ENDPOINT], "next_cursor": None},
    refusals=(400, 403),
)
CREATE = Doc(
    group=GROUP,
    summary="Subscribe a URL to events",
    text="The signing secret is in this answer and never again. Made with a sandbox key, the"
    " webhook hears of the sandbox only. The URL must be https and lead to a public address, or"
    " into a network the owner of this box allowed. With ordered each event waits until the one"
    " before it was taken or given up; without, up to four are under way at a time.",
    body=EndpointIn,
    example=NEW,
    answer={**ENDPOINT, "secret": "whsec_…"},
    status=201,
    refusals=(400, 403, 409),
)
READ = Doc(
    group=GROUP,
    summary="Read a webhook",
    text="With what waits for it, when the next attempt is made, and why something is not there.",
    answer={
        **ENDPOINT,
        "waiting": {"pending": 0, "sending": 0, "held": 0},
        "next_attempt_at": None,
        "why": "Nothing has happened yet that it wants to hear of.",
        "last_24h": {"attempts": 0, "accepted": 0, "success_rate": None, "median_ms": None},
        "notices": [],
    },
    refusals=(400, 403, 404),
)
CHANGE = Doc(
    group=GROUP,
    summary="Change a webhook's URL, events or order",
    body=EndpointChangeIn,
    example={"events": ["*"]},
    answer=ENDPOINT,
    refusals=(400, 403, 404),
)
DELETE = Doc(
    group=GROUP,
    summary="Delete a webhook",
    text="Nothing more is sent to it, whatever waits.",
    status=204,
    refusals=(400, 403, 404),
)
PAUSE = Doc(
    group=GROUP,
    summary="Pause a webhook",
    text="Its events are held, none is dropped, and the time does not count.",
    answer={**ENDPOINT, "state": "paused_by_user"},
    refusals=(400, 403, 404),
)
RESUME = Doc(
    group=GROUP,
    summary="Resume a webhook",
    text="What was held is sent now.",
    answer=ENDPOINT,
    refusals=(400, 403, 404),
)
ROTATE = Doc(
    group=GROUP,
    summary="Rotate a webhook's secret",
    text="For 24 hours both secrets sign; finish_now ends that, and the answer's secret is then"
    " null because the new one was shown before.",
    body=RotationIn,
    example={"finish_now": False},
    answer={"secret": "whsec_…", "previous_valid_until": "2026-04-21T14:00:00Z"},
    refusals=(400, 403, 404),
)
TEST = Doc(
    group=GROUP,
    summary="Send a test event",
    text="One attempt with the event webhook.test; the log shows how it went.",
    answer={"delivery_id": ATTEMPT["delivery_id"]},
    status=202,
    refusals=(400, 403, 404),
)
REPLAY = Doc(
    group=GROUP,
    summary="Send the events of a span of time again",
    text="Also those that were never attempted. What is still waiting stays as it is.",
    body=ReplayIn,
    example={"since": "2026-04-20T00:00:00Z", "until": "2026-04-20T12:00:00Z"},
    answer={"queued": 0},
    status=202,
    refusals=(400, 403, 404, 409),
)
LOGS = Doc(
    group=GROUP,
    summary="Read a webhook's attempts",
    text="Every attempt has a row, newest first.",
    query=PAGE
    | {
        "event": "only this event",
        "outcome": ", ".join(OUTCOMES),
        "since": "from this time on, such as 2026-04-20T14:00:00Z",
        "until": "before this time",
    },
    answer={"data": [ATTEMPT], "next_cursor": None},
    refusals=(400, 403, 404),
)
READ_ATTEMPT = Doc(
    group=GROUP,
    summary="Read one attempt",
    text="With the body that was sent and the first 8 KiB of the answer, while they are kept; after"
    " that its size. The signature is never kept.",
    answer={
        **ATTEMPT,
        "address": "203.0.113.7",
        "retry_after": None,
        "request": {"url": "https://example.com/hooks/scriptrun", "body": "{…}"},
        "answer": {"head": "content-type: text/plain", "body": "ok", "size": None},
    },
    refusals=(400, 403, 404),
)
RESEND = Doc(
    group=GROUP,
    summary="Send one delivery again",
    text="At once and beside its schedule, which it disturbs only by succeeding.",
    answer={"delivery_id": ATTEMPT["delivery_id"]},
    status=202,
    refusals=(400, 403, 404, 409, 410),
)
FEED = Doc(
    group="Events",
    summary="Read the feed of events",
    text="For systems that cannot be called: what webhooks get, in its order, oldest first. seq"
    " counts 1, 2, 3 for each account (its sandbox apart) without a gap. Keep next_after, ask with"
    " it again, and nothing is missed or doubled. With wait the answer comes as soon as there is"
    " something, or empty in the end. 410 where the events behind after are no longer kept. Needs"
    " no plan feature; a key bound to one location cannot read it, as it tells of all of them.",
    query={
        "after": "next_after of the answer before; 0 or absent: from the first one kept",
        "wait": "seconds to wait for something new, 0 to 30",
        "limit": "1 to 200, default 50",
    },
    answer={"data": [EVENT], "next_after": 1},
    refusals=(400, 403, 410),
)
