"""The day's reconciliation: out = delivered + returned + incidents, or the day stays open.

A close covers every hand-over of a location since the last one, up to the end of its day. What is
still out, or back and not decided about, is named and keeps the day open. A close is never changed;
what is found out later stands beside it.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta

from scriptrun_box.accounts import store as accounts
from scriptrun_box.accounts.model import Location
from scriptrun_box.kernel import audit, clock, ids
from scriptrun_box.kernel.db import Reader, Writer
from scriptrun_box.kernel.errors import Conflict, NotFound
from scriptrun_box.kernel.scope import Scope

from . import closes, people, store
from .model import Amendment, Close, Line, Outcome, Party
from .words import invalid, said, tell

LINES_MAX = 5_000  # hand-overs between two closes


@dataclass(frozen=True, slots=True)
class Day:
    """The hand-overs of a location since its last close."""

    location: Location
    date: str
    today: str
    last: Close | None
    lines: list[Line]

    def count(self, outcome: Outcome) -> int:
        """How many of them ended so."""
        return Counter(line.outcome for line in self.lines)[outcome]

    @property
    def open(self) -> list[Line]:
        """What keeps the day open."""
        return [line for line in self.lines if line.open]


def day(r: Reader, scope: Scope, location_id: str, now: int, wanted: str = "") -> Day:
    """How a day stands; `wanted` is a date up to today, else today."""
    location = place(r, scope, location_id)
    today = clock.local_date(now, location.time_zone)
    chosen = wanted or today
    if not clock.is_date(chosen) or chosen > today:
        raise invalid("date", "bad_format", "The day is a date, written YYYY-MM-DD, up to today.")
    last = closes.last(r, scope, location.id)
    after = last.until_seq if last else 0
    following = str(date.fromisoformat(chosen) + timedelta(1))
    end = clock.moment(following, "00:00", location.time_zone)
    until = store.last_out(r, scope, location.id, end)
    wanted_lines = store.Filter(location_id=location.id, after_seq=after, until_seq=until)
    return Day(location, chosen, today, last, store.log(r, scope, wanted_lines, LINES_MAX + 1))


def close(w: Writer, scope: Scope, pharmacist: Party, location_id: str, wanted: str = "") -> Close:
    """Close a day; raises Conflict, with what is open, where out is not accounted for."""
    people.need_pharmacist(w, scope, pharmacist)
    found = day(w, scope, location_id, w.now, wanted)
    if len(found.lines) > LINES_MAX:
        raise Conflict(
            "That is too much for one close; close an earlier day first.", code="day_open"
        )
    if found.open:
        raise Conflict(
            f"{len(found.open)} of {len(found.lines)} packages are not accounted for;"
            " the day stays open.",
            code="day_open",
            details=[
                {"package_id": line.package_id, "outcome": line.outcome} for line in found.open
            ],
        )
    after = found.last.until_seq if found.last else 0
    made = Close(
        id=ids.prefixed("day"),
        location_id=found.location.id,
        date=found.date,
        after_seq=after,
        until_seq=max((line.seq for line in found.lines), default=after),
        sent_out=len(found.lines),
        delivered=found.count("delivered"),
        returned=found.count("returned"),
        incidents=found.count("incident"),
        at=w.now,
        by=pharmacist.id,
    )
    late = found.last is not None and found.last.date >= found.date
    if late or not closes.insert(w, scope, made):
        raise Conflict("This day, or a later one, is closed already.", code="day_closed")
    audit.record(
        w,
        scope.tenant_id,
        pharmacist.actor,
        "controlled.day_closed",
        made.id,
        date=made.date,
        out=made.sent_out,
        delivered=made.delivered,
        returned=made.returned,
        incidents=made.incidents,
    )
    tell(w, scope, made.id)
    return made


def amend(w: Writer, scope: Scope, pharmacist: Party, close_id: str, words: str) -> None:
    """Say what was found out after a day was closed."""
    people.need_pharmacist(w, scope, pharmacist)
    found = find(w, scope, close_id)
    made = Amendment(said(words, "words", needed=True), w.now, pharmacist.id)
    closes.add_amendment(w, found, made)
    audit.record(w, scope.tenant_id, pharmacist.actor, "controlled.day_amended", found.id)
    tell(w, scope, found.id)


def find(r: Reader, scope: Scope, close_id: str) -> Close:
    """The closed day, or NotFound."""
    found = closes.get(r, scope, close_id)
    if found is None:
        raise NotFound("There is no such day.")
    return found


def lines_of(r: Reader, scope: Scope, found: Close) -> list[Line]:
    """The hand-overs a close covers, as they stand now."""
    wanted = store.Filter(
        after_seq=found.after_seq, until_seq=found.until_seq, location_id=found.location_id
    )
    return store.log(r, scope, wanted, LINES_MAX)


def place(r: Reader, scope: Scope, location_id: str) -> Location:
    """A location the scope may see, or NotFound; the first where none is named."""
    known = [
        each
        for each in accounts.locations(r, scope.tenant_id)
        if scope.location_id in (None, each.id)
    ]
    found = next((each for each in known if each.id == location_id or not location_id), None)
    if found is None:
        raise NotFound("There is no such location.")
    return found
