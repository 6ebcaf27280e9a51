"""What can be done with packets: ask for one, make it, take it away; each is a row."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from scriptrun_box.kernel import audit, ids
from scriptrun_box.kernel.clock import is_date
from scriptrun_box.kernel.db import Reader, Signal, Writer
from scriptrun_box.kernel.errors import Conflict, Invalid, NotFound
from scriptrun_box.kernel.scope import BOX, Actor, Scope
from scriptrun_box.packages import store as packages
from scriptrun_box.patients import store as patients

from . import store
from .model import KEPT_MS, OPEN_MAX, PACKAGES_MAX, Kind, Packet

CHANGED = "packets"  # signalled at each change: for screens
QUEUED = "packets_queued"  # signalled when there is something to make
RX_MAX_CHARS = 64
TOLD_MAX = 10  # lines named in one sentence

# What a packet covers -----------------------------------------------------------------------------


def ask_for_package(w: Writer, scope: Scope, actor: Actor, package_id: str) -> Packet:
    """Queue the packet of one package."""
    if packages.get(w, scope, package_id) is None:
        raise NotFound("There is no such package.")
    return _ask(w, scope, actor, "package", [package_id])


def ask_for_patient(w: Writer, scope: Scope, actor: Actor, patient_id: str) -> Packet:
    """Queue the packet of all packages of a patient, oldest first."""
    found = patients.get(w, scope, patient_id)
    if found is None:
        raise NotFound("There is no such patient.")
    numbers = patients.numbers_of(patients.all_of(w, found))
    theirs = patients.packages_of(w, found, numbers, None, PACKAGES_MAX + 1)
    return _ask(w, scope, actor, "patient", [each.id for each in reversed(theirs)])


def ask_for_dates(w: Writer, scope: Scope, actor: Actor, first: str, last: str) -> Packet:
    """Queue the packet of the packages whose delivery date is within these, both included."""
    if not (is_date(first) and is_date(last) and first <= last):
        raise _wrong("from", "Say from which day to which, the earlier one first.")
    found = store.ids_of_dates(w, scope, first, last, PACKAGES_MAX + 1)
    return _ask(w, scope, actor, "dates", found)


def ask_for_rx(w: Writer, scope: Scope, actor: Actor, text: str, leave_out: bool) -> Packet:
    """Queue the packet of a payer's audit: a line for each Rx number, perhaps with its date.

    Numbers that no package has refuse the whole, or are left out where the asker says so.
    """
    found: list[str] = []
    missing: list[str] = []
    for number, rx_number, date in _rx_lines(text):
        these = store.ids_of_rx(w, scope, rx_number, date)
        found += these
        if not these:
            missing.append(str(number))
    if missing and not (leave_out and found):
        named = ", ".join(missing[:TOLD_MAX])
        more = f" and {len(missing) - TOLD_MAX} more" if len(missing) > TOLD_MAX else ""
        lines = "line" if len(missing) == 1 else "lines"
        raise _wrong("rx", f"There is no such package: see {lines} {named}{more}.")
    return _ask(w, scope, actor, "rx", found)


def _rx_lines(text: str) -> list[tuple[int, str, str | None]]:
    """(line, Rx number, date or None); raises Invalid with the first line that is none."""
    lines = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.replace(",", " ").replace(";", " ").split()
        if not words:
            continue
        date = words[1] if len(words) == 2 else None
        if len(words) > 2 or len(words[0]) > RX_MAX_CHARS or (date and not is_date(date)):
            sentence = f"Line {number} is not an Rx number with a date such as 2026-04-19."
            raise _wrong("rx", sentence)
        lines.append((number, words[0], date))
    if not lines:
        raise _wrong("rx", "Write at least one Rx number.")
    if len(lines) > PACKAGES_MAX:
        raise _wrong("rx", f"At most {PACKAGES_MAX} Rx numbers go into one packet.")
    return lines


def again(w: Writer, scope: Scope, actor: Actor, packet_id: str) -> Packet:
    """Queue a new packet of the same packages."""
    was = find(w, scope, packet_id)
    if was.state not in ("gone", "failed"):
        raise Conflict("This packet is still there, or on its way.", code="packet_not_over")
    return _ask(w, scope, actor, was.kind, was.package_ids)


def find(r: Reader, scope: Scope, packet_id: str) -> Packet:
    """The packet, or NotFound."""
    found = store.get(r, scope, packet_id)
    if found is None:
        raise NotFound("There is no such packet.")
    return found


def _ask(w: Writer, scope: Scope, actor: Actor, kind: Kind | str, found: Sequence[str]) -> Packet:
    wanted = tuple(dict.fromkeys(found))
    if not wanted:
        raise Conflict("There is no package to put into a packet.", code="packet_empty")
    if len(wanted) > PACKAGES_MAX:
        sentence = f"At most {PACKAGES_MAX:,} packages go into one packet; ask for fewer."
        raise Conflict(sentence, code="packet_too_large")
    unmade = [each for each in store.kept(w) if each.state != "ready"]
    if sum(each.tenant_id == scope.tenant_id for each in unmade) >= OPEN_MAX:
        sentence = f"{OPEN_MAX} packets are waiting already; wait for one of them."
        raise Conflict(sentence, code="packets_waiting")
    made = Packet(
        seq=0,
        id=ids.prefixed("pck"),
        tenant_id=scope.tenant_id,
        test=scope.test,
        kind=kind,
        package_ids=wanted,
        packages=len(wanted),
        done=0,
        state="queued",
        reason=None,
        bytes=None,
        digest=None,
        created_at=w.now,
        created_by=actor.id,
        finished_at=None,
    )
    store.insert(w, made)
    _note(w, made, actor, "asked", kind=kind, packages=made.packages)
    w.after_commit(Signal(QUEUED))
    return made


def _wrong(field: str, message: str) -> Invalid:
    return Invalid(message, details=[{"field": field, "code": "bad_format", "message": message}])


# As it is made ------------------------------------------------------------------------------------


def restart(w: Writer) -> None:
    """A new process: what was being made waits again, and what was ready is not kept any more."""
    for each in store.kept(w):
        if each.state == "working":
            store.move(w, each, "queued", done=0)
        elif each.state == "ready":
            store.move(w, each, "gone")
        _tell(w, each)


def claim(w: Writer) -> Packet | None:
    """Take the oldest packet that waits. One is made at a time: one under way was left behind."""
    for each in store.kept(w):
        if each.state != "ready" and store.move(w, each, "working", done=0):
            _tell(w, each)
            return replace(each, state="working")
    return None


def progress(w: Writer, packet: Packet, done: int) -> None:
    """So many of its packages are in it."""
    store.move(w, packet, "working", done=done)
    _tell(w, packet)


def finish(w: Writer, packet: Packet, size: int, digest: str) -> None:
    """It is made: the audit keeps its digest, and of each package that it went out with it."""
    columns: dict[str, Any] = {"bytes": size, "digest": digest, "finished_at": w.now}
    if store.move(w, packet, "ready", done=packet.packages, **columns):
        _note(w, packet, BOX, "made", digest=digest, packages=packet.packages)
        for package_id in packet.package_ids:
            audit.record(
                w, packet.tenant_id, BOX, "package.in_packet", package_id, packet=packet.id
            )


def fail(w: Writer, packet: Packet, reason: str) -> None:
    """It could not be made."""
    if store.move(w, packet, "failed", reason=reason, finished_at=w.now):
        _note(w, packet, BOX, "failed", reason=reason)


def take_away(w: Writer) -> list[str]:
    """Packets whose hour is over cannot be downloaded any more; their ids."""
    over = [
        each
        for each in store.kept(w)
        if each.finished_at is not None and each.finished_at + KEPT_MS <= w.now
    ]
    for each in over:
        store.move(w, each, "gone")
        _tell(w, each)
    return [each.id for each in over]


def fetch(w: Writer, scope: Scope, actor: Actor, packet_id: str) -> Packet:
    """Somebody downloads a packet: it is in the audit before the first byte goes."""
    found = find(w, scope, packet_id)
    if found.state != "ready":
        raise not_ready()
    audit.record(w, scope.tenant_id, actor, "packet.downloaded", found.id, digest=found.digest)
    return found


def not_ready() -> Conflict:
    """There is no file to download."""
    sentence = "This packet is not ready yet, or not kept any more: then make it again."
    return Conflict(sentence, code="packet_not_ready")


def _note(w: Writer, packet: Packet, actor: Actor, act: str, **detail: Any) -> None:
    audit.record(w, packet.tenant_id, actor, f"packet.{act}", packet.id, **detail)
    _tell(w, packet)


def _tell(w: Writer, packet: Packet) -> None:
    w.after_commit(Signal(CHANGED, packet.tenant_id, packet.test, (packet.id,)))
