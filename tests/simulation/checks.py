"""What must be true of every story, whatever went wrong in it."""

import hashlib
import hmac
import json
from bisect import bisect_left
from collections import Counter, defaultdict
from typing import Any

from scriptrun_box.kernel import audit
from scriptrun_box.kernel.clock import HOUR_MS
from scriptrun_box.kernel.db import Reader

from .story import Post, Story, body_of

WINDOW_SECONDS = 60.0
AFTER_PAUSE_SECONDS = 1.0  # what was already on its way may still arrive
STALE_MS = 300_000
ORDER_OF_STATUS = ("created", "assigned", "out_for_delivery", "delivered")


class Broken(AssertionError):
    """A promise that did not hold."""


def check(story: Story) -> None:
    """Raise Broken for the first promise that does not hold."""
    for each in (
        _acknowledged_is_there,
        _nothing_doubled,
        _no_half_batch,
        _replays_are_the_first_answer,
        _minute_holds,
        _limiter_refuses_only_when_full,
        _hour_holds,
        _moves_stay,
        _books_agree,
        _events_arrive,
        _same_bytes_and_signed,
        _nothing_after_a_pause,
        _attempts_are_logged,
    ):
        each(story)


def _rows(story: Story, sql: str, *values: Any) -> list[Any]:
    rows: list[Any] = story.file.execute(sql, values).fetchall()
    return rows


def _require(held: bool, *words: object) -> None:
    if not held:
        raise Broken(" ".join(str(word) for word in words))


def _by_rx(story: Story) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = defaultdict(list)
    for row in _rows(story, "SELECT seq, id, rx_number, created_by, created_at FROM packages"):
        found[row["rx_number"]].append(row)
    return found


def _acknowledged_is_there(story: Story) -> None:
    stored = _by_rx(story)
    for batch in story.batches:
        for answer in batch.acknowledged:
            said = answer.json()["package_ids"]
            _require(len(said) == len(batch.good), "batch", batch.number, "ids for its orders")
            for rx, package_id in zip(batch.good, said, strict=True):
                there = [row["id"] for row in stored[rx]]
                _require(package_id in there, "acknowledged and lost:", rx, package_id)


def _nothing_doubled(story: Story) -> None:
    stored = _by_rx(story)
    for batch in story.batches:
        most = 1 if batch.idempotency_key else max(1, len(batch.acknowledged)) + batch.unanswered
        for rx in batch.good:
            _require(len(stored[rx]) <= most, rx, "is there", len(stored[rx]), "times")


def _no_half_batch(story: Story) -> None:
    stored = _by_rx(story)
    events = Counter(
        row["subject_id"]
        for row in _rows(story, "SELECT subject_id FROM events WHERE event = 'package.created'")
    )
    for batch in story.batches:
        counts = {len(stored[rx]) for rx in batch.good}
        _require(len(counts) == 1, "batch", batch.number, "is there in part:", counts)
        for rx in batch.good:
            for row in stored[rx]:
                _require(events[row["id"]] == 1, rx, "has", events[row["id"]], "events")
    _require(sum(events.values()) == sum(map(len, stored.values())), "an event without a package")


def _replays_are_the_first_answer(story: Story) -> None:
    for batch in story.batches:
        if batch.idempotency_key:
            bodies = {answer.body for answer in batch.acknowledged}
            _require(len(bodies) <= 1, "batch", batch.number, "got different answers")


def _minute_holds(story: Story) -> None:
    let_through: dict[Any, list[float]] = defaultdict(list)
    for passed in story.passed:
        if not passed.refused:
            let_through[(passed.process, passed.key)].append(passed.at)
    limit = story.limits["ingest_per_minute"]
    for who, moments in let_through.items():
        moments.sort()
        for place, moment in enumerate(moments[limit:]):
            span = moment - moments[place]
            _require(span >= WINDOW_SECONDS, who, limit + 1, "requests within", span, "s")


def _limiter_refuses_only_when_full(story: Story) -> None:
    """As far as answers tell: a request whose answer was lost may have counted, too."""
    lost = sum(batch.unanswered for batch in story.batches)
    limit = story.limits["ingest_per_minute"]
    for refused in (each for each in story.passed if each.refused):
        before = sum(
            other.process == refused.process
            and other.key == refused.key
            and not other.refused
            and refused.at - WINDOW_SECONDS < other.at <= refused.at
            for other in story.passed
        )
        _require(before + lost >= limit, "refused after", before, "of", limit)


def _hour_holds(story: Story) -> None:
    limit = story.limits["orders_per_hour"]
    for key_id, _ in story.people.keys.values():
        rows = _rows(
            story,
            "SELECT created_at FROM packages WHERE created_by = ? ORDER BY created_at",
            f"key:{key_id}",
        )
        moments = [row["created_at"] for row in rows]
        for place, moment in enumerate(moments):
            within = bisect_left(moments, moment + HOUR_MS) - place
            _require(within <= limit, within, "orders within an hour, limit", limit)


def _moves_stay(story: Story) -> None:
    for package_id, status in story.moves:
        (row,) = _rows(story, "SELECT status FROM packages WHERE id = ?", package_id)
        now, then = (ORDER_OF_STATUS.index(each) for each in (row["status"], status))
        _require(now >= then, package_id, "was", status, "and is", row["status"])


def _books_agree(story: Story) -> None:
    _require(audit.verify(Reader(story.file)) is None, "the audit chain is broken")
    live = _rows(story, "SELECT tenant_id, count(*) FROM packages WHERE test = 0 GROUP BY 1")
    used = _rows(story, "SELECT tenant_id, sum(orders) FROM usage_months GROUP BY 1")
    _require(sorted(map(tuple, live)) == sorted(map(tuple, used)), "usage is miscounted")
    searched = _rows(story, "SELECT count(*) FROM package_search")[0][0]
    _require(
        searched == _rows(story, "SELECT count(*) FROM packages")[0][0], "a package is not found"
    )


def _events_arrive(story: Story) -> None:
    arrived: dict[str, set[str]] = defaultdict(set)
    for post in story.posts:
        if post.ok:
            arrived[post.endpoint].add(body_of(post.body)["id"])
    for name, endpoint in story.people.endpoints.items():
        events = _rows(
            story,
            "SELECT id, event FROM events WHERE tenant_id = ? AND test = ?",
            endpoint.tenant_id,
            endpoint.test,
        )
        for event_id, event in events:
            if endpoint.hears(event):
                _require(event_id in arrived[name], "event", event_id, "never reached", name)


def _same_bytes_and_signed(story: Story) -> None:
    known = {row["id"]: row["body"] for row in _rows(story, "SELECT id, body FROM events")}
    for post in story.posts:
        event_id = post.headers["webhook-id"]
        _require(event_id in known, "event", event_id, "was sent and is not in the file")
        _require(post.body == known[event_id], "event", event_id, "was sent with other bytes")
        _require(_verifies(story, post), "event", event_id, "does not verify")


def _verifies(story: Story, post: Post) -> bool:
    """The published snippet, which receivers already run."""
    parts = dict(part.split("=") for part in post.headers["X-ScriptRun-Signature"].split(","))
    signed = parts["t"].encode() + b"." + post.body
    secret = story.people.endpoints[post.endpoint].secret
    wanted = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    return parts["v1"] == wanted and abs(post.wall_ms - int(parts["t"]) * 1000) <= STALE_MS


def _nothing_after_a_pause(story: Story) -> None:
    for name, paused, until in story.pauses:
        for post in story.posts:
            late = post.endpoint == name and paused + AFTER_PAUSE_SECONDS < post.at < until
            _require(not late, "sent to", name, "while it was paused")


def _attempts_are_logged(story: Story) -> None:
    rows = _rows(story, "SELECT endpoint_id, event_id, outcome FROM webhook_logs")
    places = {endpoint.id: name for name, endpoint in story.people.endpoints.items()}
    logged = Counter((places[row["endpoint_id"]], row["event_id"]) for row in rows)
    made = Counter((post.endpoint, post.headers["webhook-id"]) for post in story.posts)
    _require(made <= logged, "an attempt without a row in the log")
    took = Counter((post.endpoint, post.headers["webhook-id"]) for post in story.posts if post.ok)
    fine = Counter(
        (places[row["endpoint_id"]], row["event_id"]) for row in rows if row["outcome"] == "ok"
    )
    _require(fine <= took, "the log says ok, and the receiver did not")
    _require(all(row["outcome"] != "in_flight" for row in rows), "an attempt is still open")


def summary(story: Story) -> str:
    """What a story was about, in one line."""
    acknowledged = sum(bool(batch.acknowledged) for batch in story.batches)
    return json.dumps(
        {
            "lives": story.lives,
            "batches": len(story.batches),
            "acknowledged": acknowledged,
            "attempts": len(story.posts),
            "limits": story.limits,
        }
    )
