"""Why is it not arriving: one sentence for each state a webhook can be in."""

from dataclasses import replace
from typing import Any

import pytest

from scriptrun_box.webhooks.model import Endpoint, LogRow
from scriptrun_box.webhooks.why import reason, why

NOW = 1_776_624_130_000
ENDPOINT = Endpoint(
    id="whk_1", tenant_id="ten_1", test=False, url="https://pms.example/hook", events=("*",),
    state="active", secret="", next_secret=None, rotation_ends_at=None, ca_pem=None,
    check_name=True, since_seq=0, max_in_flight=4, failures=0, failing_since=None, releasing=False,
    retry_after_until=None, last_attempt_at=NOW, last_ok_at=NOW, paused_at=None, created_at=0,
    created_by="cli",
)  # fmt: skip
FAILED = LogRow(
    id="att_1", endpoint_id="whk_1", delivery_id="dlv_1", event_id="evt_1", event="package.created",
    attempt=1, trigger="auto", outcome="failed", status=500, error_class="http", address=None,
    answer_head=None, answer=None, answer_size=None, retry_after=None, started_at=NOW,
    duration_ms=5, next_at=None,
)  # fmt: skip


def told(
    waiting: dict[str, int] | None = None,
    next_at: int | None = None,
    latest: LogRow | None = None,
    **changes: Any,
) -> str:
    counts = {"pending": 0, "sending": 0, "held": 0} | (waiting or {})
    return why(replace(ENDPOINT, **changes), counts, next_at, latest, NOW, lambda at: "at 14:00")


@pytest.mark.parametrize(
    ("sentence", "part"),
    [
        (told(), "Everything has arrived, the last of it at 14:00."),
        (told(last_ok_at=None), "Nothing has happened yet"),
        (told({"held": 3}, state="paused_by_user"), "It is paused: 3 events are held"),
        (told({"held": 1}, state="paused_failing"), "three days and is paused: 1 event is held"),
        (told({"held": 2}), "restored from a copy"),
        (told({"sending": 1}), "1 event is being sent right now."),
        (told({"pending": 2}, NOW), "2 events are waiting, the next try is now."),
        (told({"pending": 1}, NOW + 9, FAILED, failures=2),
         "The last attempt failed: it answers 500, a fault of its own."
         " 1 event is waiting, the next try is at 14:00."),
        (told({}, None, FAILED, failures=2), "Nothing waits for another try."),
        (told({}, None, FAILED), "Everything has arrived"),
    ],
)  # fmt: skip
def test_a_webhook_says_why_something_is_not_there(sentence: str, part: str) -> None:
    assert part in sentence
    assert sentence.endswith(".")


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"status": None, "error_class": "dns"}, "name does not resolve"),
        ({"status": None, "error_class": "connect"}, "nothing accepts a connection"),
        ({"status": None, "error_class": "timeout"}, "did not answer in time"),
        ({"status": None, "error_class": "reset"}, "broke the connection off"),
        ({"status": None, "error_class": "blocked", "outcome": "blocked"}, "not allowed"),
        ({"status": 302, "error_class": "redirect"}, "redirect (302), which is never followed"),
        ({"status": 401}, "sign-in"), ({"status": 404}, "path right"), ({"status": 410}, "gone"),
        ({"status": 422}, "it answers 422"),
        ({"status": None, "error_class": None, "outcome": "interrupted"}, "box stopped"),
        ({"status": None, "error_class": None, "outcome": "internal_error"}, "fault of this box"),
        ({"status": None, "error_class": "tls"}, "an owner can pin it"),
    ],
)  # fmt: skip
def test_an_attempt_says_why_it_failed(changes: dict[str, Any], part: str) -> None:
    assert part in reason(replace(FAILED, **changes), ENDPOINT)


def test_a_pinned_receiver_with_another_certificate_is_told_so() -> None:
    row = replace(FAILED, status=None, error_class="tls")
    assert "than the one that was pinned" in reason(row, replace(ENDPOINT, ca_pem="…"))
