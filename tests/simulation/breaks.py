"""Mutations of the product, each of which breaks a promise: the simulation must notice them."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import patch

from scriptrun_box.accounts import store as accounts
from scriptrun_box.kernel import clock, db, limiter, outbox
from scriptrun_box.kernel.errors import RateLimited
from scriptrun_box.orders import store as orders
from scriptrun_box.packages import store as packages
from scriptrun_box.webhooks import claims, journal, signing, store
from scriptrun_box.webhooks.schedule import Schedule

CONTROL_SEEDS = range(1, 400)  # by which each has to be noticed


def acknowledges_before_the_disk() -> Any:
    """A commit that fails is answered as if it had not."""
    commit = db.Database._commit

    def hopeful(self: Any, group: Any) -> Any:
        try:
            return commit(self, group)
        except db.DatabaseError:
            if all(waiting.result is not None for waiting in group):
                return []
            raise

    return patch.object(db.Database, "_commit", hopeful)


def commits_row_by_row() -> Any:
    """The rows of one request are not one transaction."""

    def one_by_one(w: Any, into: str, rows: Any) -> None:
        for row in rows:
            marks = ", ".join("?" * len(row))
            w.connection.execute(f"INSERT INTO {into} VALUES ({marks})", row)
            w.connection.execute("COMMIT")
            w.connection.execute("BEGIN IMMEDIATE")

    return patch.object(db.Writer, "insert", one_by_one)


def forgets_answers() -> Any:
    """An Idempotency-Key is not looked up."""
    return patch.object(orders, "replay", lambda *_: None)


def keeps_another_answer() -> Any:
    """What is kept for a replay is not what was answered."""
    keep = orders.keep

    def other(w: Any, key: str, name: str, body_hash: bytes, answer: bytes) -> None:
        keep(w, key, name, body_hash, answer + b" ")

    return patch.object(orders, "keep", other)


def short_minute() -> Any:
    """The limiter forgets requests after 45 seconds."""
    return patch.object(limiter, "WINDOW_SECONDS", 45.0)


def fixed_minutes() -> Any:
    """The limiter begins anew with each minute, so its edge lets twice as many through."""
    take = limiter.Limiter.take

    def fixed(self: Any, key_id: str, rate: str, limit: int) -> Any:
        return take(self, f"{key_id} {clock.monotonic() // 60}", rate, limit)

    return patch.object(limiter.Limiter, "take", fixed)


def counts_refusals() -> Any:
    """The limiter counts what it refuses: who keeps asking is never let in."""
    take = limiter.Limiter.take

    def greedy(self: Any, key_id: str, rate: str, limit: int) -> Any:
        try:
            return take(self, key_id, rate, limit)
        except RateLimited:
            self._logs[(key_id, rate)].moments.append(clock.monotonic())
            raise

    return patch.object(limiter.Limiter, "take", greedy)


def short_hour() -> Any:
    """The hour's orders are those of the current minute."""
    since = accounts.orders_since
    return patch.object(accounts, "orders_since", lambda r, key, at: since(r, key, at + 60))


def cursor_runs_ahead() -> Any:
    """The cursor passes events for which no delivery was made."""
    move = outbox.move_cursor
    return patch.object(outbox, "move_cursor", lambda w, who, seq: move(w, who, seq + 1))


def forgets_some_deliveries() -> Any:
    """Once in a while the cursor moves on and the deliveries are not written."""
    insert = store.insert_deliveries

    def careless(w: Any, rows: Any) -> None:
        if w.now % 10:
            insert(w, rows)

    return patch.object(store, "insert_deliveries", careless)


def one_try() -> Any:
    """A failed attempt is the last."""
    return patch.object(Schedule, "next_at", lambda *_: None)


def leases_for_ever() -> Any:
    """What a crash left under way stays under way."""
    return patch.multiple(
        claims, give_back=lambda w, spread_ms=0: 0, needs_mending=lambda *_: False
    )


def trusts_the_clock() -> Any:
    """A clock that is set back leaves what is planned where it is, far ahead."""
    return patch.multiple(store, shift=lambda *_: None, too_far_ahead=lambda *_: False)


def new_bytes_each_time() -> Any:
    """The body is made anew for a second attempt."""
    content = claims._content

    def anew(w: Any, row: Any) -> Any:
        event_id, event, body = content(w, row)
        return event_id, event, body.replace(b":", b": ", 1) if row["attempts"] > 1 else body

    return patch.object(claims, "_content", anew)


def new_id_each_time() -> Any:
    """Receivers cannot tell a second attempt from another event."""
    headers = signing.headers

    def renamed(**given: Any) -> dict[str, str]:
        return headers(**given) | {"webhook-id": f"evt_{given['attempt']}"}

    return patch.object(signing, "headers", renamed)


def signs_once() -> Any:
    """A second attempt carries the time of an earlier one."""
    headers = signing.headers

    def stale(**given: Any) -> dict[str, str]:
        late = 400 if given["attempt"] > 1 else 0
        return headers(**{**given, "timestamp": given["timestamp"] - late})

    return patch.object(signing, "headers", stale)


def deaf_to_pauses() -> Any:
    """A pause is answered and changes nothing."""
    return patch.multiple(store, hold=lambda *_: None, set_state=lambda *_: None)


def no_log() -> Any:
    """Attempts leave no row."""
    return patch.object(journal, "begin", lambda *_: None)


def hides_from_the_search() -> Any:
    """A package is stored and cannot be found."""
    return patch.object(packages, "_index", lambda *_: None)


BREAKS: dict[str, Callable[[], Any]] = {
    made.__name__: made
    for made in (
        acknowledges_before_the_disk,
        commits_row_by_row,
        forgets_answers,
        keeps_another_answer,
        short_minute,
        fixed_minutes,
        counts_refusals,
        short_hour,
        cursor_runs_ahead,
        forgets_some_deliveries,
        one_try,
        leases_for_ever,
        trusts_the_clock,
        new_bytes_each_time,
        new_id_each_time,
        signs_once,
        deaf_to_pauses,
        no_log,
        hides_from_the_search,
    )
}


@contextlib.contextmanager
def broken(name: str | None) -> Iterator[None]:
    """The product with one mutation, or as it is."""
    with BREAKS[name]() if name else contextlib.nullcontext():
        yield
