"""Packages over HTTP: list, read, timeline, cancel, and what needs no driver to be named."""

import base64
import re
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from starlette.responses import Response

from scriptrun_box.kernel import clock
from scriptrun_box.kernel.db import Reader
from scriptrun_box.kernel.errors import Invalid, NotFound
from scriptrun_box.kernel.http import Call, json_answer, read_model
from scriptrun_box.kernel.links import Links
from scriptrun_box.kernel.scope import Scope

from . import actions, proofs, store
from .lifecycle import STATUSES, CancelReason
from .model import Package, move_wire, wire
from .seen import as_seen, at_arrival

LIMIT_DEFAULT, LIMIT_MAX = 50, 200
Q_MAX = 200
PACKAGE_ID = re.compile(r"[0-9a-f]{32}")
DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


class CancelIn(BaseModel):
    """The body of a cancellation, and of a recall: why."""

    model_config = ConfigDict(strict=True, extra="forbid")

    reason: CancelReason = "other"


class NothingIn(BaseModel):
    """The body of a move that needs none."""

    model_config = ConfigDict(strict=True, extra="forbid")


async def list_packages(call: Call) -> Response:
    """A page of packages, newest first; with updated_since by ascending change time."""
    wanted, limit, cursor = filter_of(call), limit_of(call), call.query_params.get("cursor")
    since = call.query_params.get("updated_since")
    scope = call.whose
    if since is not None:
        start = decode_cursor(cursor, 2) if cursor else (_milliseconds(since), -1)
        found = await call.box.db.read(
            store.changed_since, scope, wanted, (start[0], start[1]), limit + 1
        )
    else:
        before = decode_cursor(cursor, 1)[0] if cursor else None
        found = await call.box.db.read(store.page, scope, wanted, before, limit + 1)
    shown = found[:limit]
    following = None
    if len(found) > limit:
        last = shown[-1]
        following = encode_cursor((last.updated_at, last.seq) if since else (last.seq,))
    look(call, "packages.listed", None, count=len(shown))
    proved = await call.box.db.read(_proofs, shown, call.box.links)
    data = [wire(package, proved.get(package.id)) for package in shown]
    return json_answer({"data": data, "next_cursor": following})


async def read_package(call: Call) -> Response:
    """One package."""
    return json_answer(await package_shape(call, package_id_of(call)))


async def timeline(call: Call) -> Response:
    """Everything that happened to one package, oldest first."""
    entries = await call.box.db.read(_moves, call.whose, package_id_of(call))
    look(call, "package.timeline", package_id_of(call))
    return json_answer({"data": entries})


async def cancel_package(call: Call) -> Response:
    """Cancel a package that is not out yet."""
    wish = read_model(call, CancelIn)
    package_id = package_id_of(call)
    await call.box.db.write(actions.cancel, call.whose, call.caller.actor, package_id, wish.reason)
    return json_answer(await package_shape(call, package_id))


async def unassign_package(call: Call) -> Response:
    """Take a package back from its driver."""
    return await _as_seen(call, actions.unassign)


async def redeliver_package(call: Call) -> Response:
    """Have a failed package delivered again."""
    return await _as_seen(call, actions.redeliver)


async def return_package(call: Call) -> Response:
    """Take a failed package back to the pharmacy."""
    return await _as_seen(call, actions.give_back)


async def _as_seen(call: Call, act: actions.Move) -> Response:
    package_id = package_id_of(call)
    seen = call.box.db.peek(at_arrival, call.whose, package_id)
    read_model(call, NothingIn)
    await call.box.db.write(as_seen, call.whose, call.caller.actor, package_id, act, seen)
    return json_answer(await package_shape(call, package_id))


async def package_shape(call: Call, package_id: str) -> dict[str, Any]:
    """A package as the wire shows it, and the audit's note that somebody looked."""
    shape = await call.box.db.read(_shape, call.whose, package_id, call.box.links)
    look(call, "package.read", package_id)
    return shape


def look(call: Call, act: str, subject: str | None, **detail: Any) -> None:
    """Note in the audit who looked at patients; nobody waits for it."""
    call.box.looks.add(call.whose.tenant_id, call.caller.actor, act, subject, **detail)


def package_id_of(call: Call) -> str:
    """The id in the path: 400 when it cannot be one."""
    package_id: str = call.path_params["id"]
    if not PACKAGE_ID.fullmatch(package_id):
        raise bad("id", "A package id is 32 hexadecimal digits.")
    return package_id


def filter_of(call: Call) -> store.Filter:
    """What the query narrows the list to; raises Invalid for what cannot be meant."""
    query = call.query_params
    statuses = tuple(status for status in query.get("status", "").split(",") if status)
    if any(status not in STATUSES for status in statuses):
        raise bad("status", f"status is one of {', '.join(STATUSES)}.")
    delivery_date = query.get("delivery_date")
    if delivery_date is not None and not _is_date(delivery_date):
        raise bad("delivery_date", "delivery_date is written YYYY-MM-DD.")
    return store.Filter(
        q=query.get("q", "")[:Q_MAX],
        statuses=statuses,
        delivery_date=delivery_date,
        location_id=location_id_of(query.get("pharmacy_id")),
        external_patient_id=query.get("external_patient_id"),
        rx_number=query.get("rx_number"),
        barcode=query.get("barcode"),
        driver_id=query.get("driver_id"),
    )


def limit_of(call: Call) -> int:
    """How many rows the caller wants: 1 to 200."""
    text = call.query_params.get("limit", str(LIMIT_DEFAULT))
    if not (text.isascii() and text.isdigit() and len(text) < 4 and 1 <= int(text) <= LIMIT_MAX):
        raise bad("limit", f"limit is a number from 1 to {LIMIT_MAX}.")
    return int(text)


def encode_cursor(place: tuple[int, ...]) -> str:
    """A place in a list as the opaque text callers hand back."""
    text = ".".join(str(number) for number in place)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode_cursor(text: str, parts: int) -> tuple[int, ...]:
    """The place behind a cursor; raises Invalid for anything we did not make."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        numbers = raw.decode("ascii").split(".")
        if len(numbers) == parts and all(part.isdigit() and len(part) < 19 for part in numbers):
            return tuple(int(part) for part in numbers)
    except ValueError:  # binascii's and the decoder's are of this kind too
        pass
    raise bad("cursor", "This cursor is not one of ours; start from the first page.")


def bad(name: str, message: str) -> Invalid:
    """A malformed part of the address."""
    return Invalid(message, details=[{"field": name, "code": "bad_format", "message": message}])


def location_id_of(text: str | None) -> str | None:
    """A location's id as a query names it."""
    try:
        return None if text is None else str(UUID(text))
    except ValueError:
        raise bad("pharmacy_id", "pharmacy_id is a UUID.") from None


def _is_date(text: str) -> bool:
    try:
        return bool(DATE.fullmatch(text) and datetime.strptime(text, "%Y-%m-%d"))
    except ValueError:
        return False


def _milliseconds(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return int(moment.timestamp() * 1000)
    except (ValueError, OverflowError):
        raise bad("updated_since", "updated_since is an ISO 8601 time.") from None


def _shape(r: Reader, scope: Scope, package_id: str, links: Links) -> dict[str, Any]:
    package = store.get(r, scope, package_id)
    if package is None:
        raise NotFound("There is no such package.")
    return wire(package, proofs.wire(proofs.latest(r, package_id), links, clock.now_ms()))


def _proofs(r: Reader, shown: list[Package], links: Links) -> dict[str, dict[str, Any] | None]:
    now = clock.now_ms()
    tried = [package for package in shown if package.attempts]
    return {package.id: proofs.wire(proofs.latest(r, package.id), links, now) for package in tried}


def _moves(r: Reader, scope: Scope, package_id: str) -> list[dict[str, Any]]:
    package = store.get(r, scope, package_id)
    if package is None:
        raise NotFound("There is no such package.")
    return [move_wire(entry) for entry in store.moves(r, package)]
