"""The cold packages of a day as the desk looks at them: what is pressing stands first."""

from collections.abc import Iterable
from dataclasses import dataclass

from scriptrun_box.delivery.cold import store
from scriptrun_box.delivery.cold.model import Pack
from scriptrun_box.kernel import clock
from scriptrun_box.kernel.db import Reader
from scriptrun_box.kernel.scope import Scope
from scriptrun_box.packages.lifecycle import NOT_YET_OUT
from scriptrun_box.packages.model import Package
from scriptrun_box.packages.words import squash
from scriptrun_box.ui.queries import zone_of

from .queries import arrivals

STATES = {  # in the order somebody should look at them: (word, tone)
    "quarantine": ("In quarantine", "bad"),
    "at_risk": ("At risk", "bad"),
    "to_pack": ("To pack", "warn"),
    "packed": ("Packed", "info"),
    "out": ("Out", "info"),
    "back": ("To decide", "bad"),
    "over": ("Over", ""),
}
ORDER = {state: place for place, state in enumerate(STATES)}
QUARANTINED_MAX = 500


@dataclass(frozen=True, slots=True)
class Line:
    """A cold package: how it is packed, and when its driver will be there."""

    package: Package
    pack: Pack | None
    arrives_at: int | None
    state: str


@dataclass(frozen=True, slots=True)
class Day:
    """The cold packages of a date; whatever is in quarantine stands among today's."""

    date: str
    today: bool
    lines: list[Line]
    whole: bool  # there are no more


def day(r: Reader, scope: Scope, date: str, q: str, now: int, limit: int) -> Day:
    """The day's packages that fit what was typed; without a date it is today."""
    today = clock.local_date(now, zone_of(r, scope).key)
    date = date or today
    found = store.cold_of_day(r, scope, date, limit + 1)
    whole = len(found) <= limit
    by_id = {package.id: package for package in found[:limit]}
    if date == today:
        by_id |= {each.id: each for each in store.quarantined(r, scope, QUARANTINED_MAX)}
    packs = store.packs_of(r, by_id)
    there = arrivals(r, {each.stop_id for each in by_id.values() if each.stop_id})
    lines = [
        Line(each, packs.get(each.id), at, state_of(each, at, now))
        for each in by_id.values()
        for at in [there.get(each.stop_id or "")]
    ]
    lines.sort(key=lambda line: (ORDER[line.state], line.package.hold_until or 0, line.package.seq))
    wanted = [squash(word) for word in q.split() if squash(word)]
    return Day(date, date == today, [line for line in lines if _fits(line, wanted)], whole)


def state_of(package: Package, arrives_at: int | None, now: int) -> str:
    """What a cold package waits for, or is threatened by."""
    if package.quarantined_at is not None:
        return "quarantine"
    if package.status == "failed":
        return "back"
    if package.status not in (*NOT_YET_OUT, "out_for_delivery"):
        return "over"
    if package.status in NOT_YET_OUT and package.packed_at is None:
        return "to_pack"
    until = package.keeps_until
    if until is not None and max(now, arrives_at or 0) > until:
        return "at_risk"
    return "out" if package.status == "out_for_delivery" else "packed"


def _fits(line: Line, wanted: Iterable[str]) -> bool:
    """Whether each typed word is in the name, the Rx number, the bag or its indicator."""
    content, pack = line.package.content, line.pack
    texts = [content.patient_name, content.rx_number, content.barcode]
    if pack is not None:
        texts += [pack.bag, pack.indicator_id]
    known = [squash(text) for text in texts if text]
    return all(any(word in text for text in known) for word in wanted)
