"""Retention: what receivers got and said is forgotten after its time, bit by bit.

Of an event the hash and size of its body stay, of an attempt everything but the answer, and the
audit stays as a whole. An event that somebody still has to get keeps its body until that is over.
"""

from collections.abc import Iterable

from scriptrun_box.kernel import clock, outbox
from scriptrun_box.kernel.clock import DAY_MS
from scriptrun_box.kernel.db import Database, Reader, Writer

from . import claims, journal

OVER = "state IN ('delivered', 'exhausted', 'cancelled')"
ROWS = 250  # in one transaction: orders wait for no more than a few milliseconds
PORTIONS = 40  # in one beat


async def prune(db: Database, days: int) -> None:
    """The heartbeat: forget what is older than so many days, as much as one beat may."""
    before = clock.now_ms() - days * DAY_MS
    for _ in range(PORTIONS):
        if not await db.write(prune_some, before):
            return


def prune_some(w: Writer, before: int) -> bool:
    """One portion of everything; whether there may be more."""
    start, end = outbox.old_seqs(w, before, outbox.cursor(w, claims.CONSUMER), ROWS)
    over = _delete_over(w, start, ROWS)
    _delete_over_of(w, start, end)
    _delete_pings(w, before)
    seqs = {*range(start + 1, end + 1), *over}
    outbox.forget_bodies(w, sorted(seqs - _still_to_send(w, seqs)))
    if end > start:
        outbox.move_cursor(w, outbox.RETENTION, end)
    more = journal.forget_answers(w, before, ROWS)
    return more or end - start == ROWS or len(over) == ROWS


def _delete_over(w: Writer, through: int, limit: int) -> set[int]:
    """Delete deliveries of old events (a seq or before) that ended late; the events' seqs."""
    rows = w.all(
        f"DELETE FROM webhook_deliveries WHERE id IN (SELECT id FROM webhook_deliveries"  # noqa: S608
        f" WHERE event_seq <= ? AND {OVER} LIMIT ?) RETURNING event_seq",
        (through, limit),
    )
    return {row["event_seq"] for row in rows}


def _delete_over_of(w: Writer, start: int, end: int) -> None:
    """Delete the deliveries that are over of the events behind `start` up to `end`."""
    w.run(
        f"DELETE FROM webhook_deliveries WHERE event_seq > ? AND event_seq <= ? AND {OVER}",  # noqa: S608
        (start, end),
    )


def _delete_pings(w: Writer, before: int) -> None:
    """Delete test pings that were over before that time."""
    w.run("DELETE FROM webhook_deliveries WHERE event_seq IS NULL AND finished_at < ?", (before,))


def _still_to_send(r: Reader, seqs: Iterable[int]) -> set[int]:
    """Which of these events somebody still has to get."""
    sql = "SELECT EXISTS (SELECT 1 FROM webhook_deliveries WHERE event_seq = ?)"
    return {seq for seq in seqs if r.value(sql, (seq,))}
