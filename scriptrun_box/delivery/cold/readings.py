"""Temperatures come in, typed at the desk, read at the door or by a logger, and are judged."""

from collections.abc import Sequence

from scriptrun_box.drivers.actions import invalid
from scriptrun_box.kernel import ids
from scriptrun_box.kernel.clock import MINUTE_MS
from scriptrun_box.kernel.db import Signal, Writer
from scriptrun_box.kernel.errors import Conflict, Invalid
from scriptrun_box.kernel.scope import Actor, Scope
from scriptrun_box.packages import actions as packages
from scriptrun_box.packages.actions import CHANGED
from scriptrun_box.packages.model import Package

from . import store
from .logger import Read
from .model import DECIMALS, Indicator, LoggerFile, Quarantine, Reading
from .quarantine import judge

READINGS_MAX = 10_000  # of one package
PART = 500  # readings that are stored at a time
AHEAD_MS = 5 * MINUTE_MS  # of our clock, for a reading that somebody types


def reading_at_door(
    w: Writer,
    scope: Scope,
    actor: Actor,
    package_id: str,
    acted_at: int,
    celsius: float | None,
    indicator: Indicator | None,
) -> Quarantine | None:
    """What the driver read at the door, at the device's time; sent again it is there already.

    The quarantine that the package is in then, if any: it counts from the reading on, so what is
    handed over after it is refused.
    """
    return _one(w, scope, actor, package_id, acted_at, "door", celsius, indicator)


def add(
    w: Writer,
    scope: Scope,
    actor: Actor,
    package_id: str,
    at: int | None,
    celsius: float | None,
    indicator: Indicator | None,
) -> Quarantine | None:
    """A reading somebody types; without a time it is of now."""
    if at is not None and not 0 <= at <= w.now + AHEAD_MS:
        raise invalid("at", "too_large", "That time is still to come.")
    if not packages.find(w, scope, package_id).content.cold_chain:
        raise Conflict("This package does not travel cold.", code="not_cold")
    return _one(w, scope, actor, package_id, at or w.now, "desk", celsius, indicator)


def _one(
    w: Writer,
    scope: Scope,
    actor: Actor,
    package_id: str,
    at: int,
    place: str,
    celsius: float | None,
    indicator: Indicator | None,
) -> Quarantine | None:
    package = packages.find(w, scope, package_id)
    if celsius is None and indicator is None:
        raise invalid("celsius", "missing", "Give a temperature, or how the indicator looks.")
    shown = None if celsius is None else round(celsius, DECIMALS)
    taken = Reading("hand", at, place, shown, indicator, actor.id, w.now)
    _need_room(store.count_readings(w, package_id), 1)
    store.insert_readings(w, package_id, [taken])
    w.after_commit(Signal(CHANGED, scope.tenant_id, scope.test, (package_id,)))
    return judge(w, scope, actor, package, min(at, w.now))


def need_importable(w: Writer, scope: Scope, package_id: str, read: Read) -> Package:
    """The package; raises Conflict or Invalid where a file of it cannot be stored."""
    package = packages.find(w, scope, package_id)
    if not package.content.cold_chain:
        raise Conflict("This package does not travel cold.", code="not_cold")
    if not read.points:
        raise Invalid(
            "No line of this file could be read; nothing was stored.",
            code="no_readings",
            details=problems_wire(read.problems),
        )
    _need_room(store.count_readings(w, package_id), len(read.points))
    return package


def store_part(
    w: Writer, scope: Scope, actor: Actor, package_id: str, points: Sequence[tuple[int, float]]
) -> int:
    """Store some of a logger's readings; how many were new. Those that are there stay as they are.

    A file is stored in parts, so that orders which arrive meanwhile need not wait for all of it.
    """
    packages.find(w, scope, package_id)
    taken = [
        Reading("logger", at, "logger", celsius, None, actor.id, w.now) for at, celsius in points
    ]
    return store.insert_readings(w, package_id, taken)


def finish_import(
    w: Writer, scope: Scope, actor: Actor, package_id: str, read: Read, added: int, digest: str
) -> tuple[LoggerFile, Quarantine | None]:
    """Note that a file was read in whole, and judge what it shows."""
    package = packages.find(w, scope, package_id)
    file = LoggerFile(
        id=ids.prefixed("lgf"),
        unit=read.unit,
        readings=len(read.points),
        added=added,
        bad=read.bad,
        problems=tuple(read.problems),
        imported_at=w.now,
        imported_by=actor.id,
    )
    store.insert_file(w, package_id, file, digest)
    packages.note(w, scope, actor, package, "temperatures", package.status, {"readings": added})
    return file, judge(w, scope, actor, package, w.now)


def problems_wire(problems: list[tuple[int, str]]) -> list[dict[str, object]]:
    """The lines that could not be read, as errors tell them."""
    return [{"row": line, "code": "bad_format", "message": f"{why}."} for line, why in problems]


def _need_room(known: int, more: int) -> None:
    if known + more > READINGS_MAX:
        raise Conflict(
            f"A package has at most {READINGS_MAX:,} readings.", code="too_many_readings"
        )
