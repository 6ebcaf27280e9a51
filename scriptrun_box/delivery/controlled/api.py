"""Controlled substances over HTTP: a key brings the call, people confirm it with their secrets."""

from typing import Any

from starlette.responses import Response

from scriptrun_box.accounts.gates import client
from scriptrun_box.kernel import clock
from scriptrun_box.kernel.db import Reader
from scriptrun_box.kernel.http import Call, json_answer, read_model
from scriptrun_box.kernel.scope import Scope
from scriptrun_box.packages import actions as packages
from scriptrun_box.packages.api import (
    bad,
    decode_cursor,
    encode_cursor,
    limit_of,
    location_id_of,
    look,
    package_id_of,
)

from . import closing, custody, disposition, log, people, release, store
from .bodies import DecideIn, DriverIn, HandOverIn, PersonIn, ReleaseIn, TakeBackIn
from .model import Check, Party, entry_wire, release_wire, transfer_wire


async def release_package(call: Call) -> Response:
    """Release a controlled package in a sealed bag."""
    package_id, wish = package_id_of(call), read_model(call, ReleaseIn)
    await call.box.db.read(packages.find, call.whose, package_id)
    pharmacist = await _staff(call, wish.pharmacist)
    second = None if wish.second is None else await _staff(call, wish.second)
    await call.box.db.write(
        release.release,
        call.whose,
        pharmacist,
        package_id,
        wish.seal,
        wish.dea_schedule,
        second,
    )
    return await _answer(call, package_id)


async def hand_over(call: Call) -> Response:
    """A pharmacist gives sealed packages to their driver: all of them, or none."""
    wish = read_model(call, HandOverIn)
    seals = {each.package_id: each.seal for each in wish.packages}
    giver, taker = await _staff(call, wish.pharmacist), await _driver(call, wish.driver)
    await call.box.db.write(custody.hand_over, call.whose, giver, taker, list(seals), seals)
    shown = [await _shape(call, package_id) for package_id in seals]
    return json_answer({"data": shown})


async def take_back(call: Call) -> Response:
    """A driver gives a package back to a pharmacist."""
    package_id, wish = package_id_of(call), read_model(call, TakeBackIn)
    await call.box.db.read(packages.find, call.whose, package_id)
    check = Check(wish.seal, wish.seal_intact, wish.count_ok, wish.note)
    giver, taker = await _driver(call, wish.driver), await _staff(call, wish.pharmacist)
    await call.box.db.write(custody.take_back, call.whose, giver, taker, {package_id: check})
    return await _answer(call, package_id)


async def decide(call: Call) -> Response:
    """What becomes of a package that is back."""
    package_id, wish = package_id_of(call), read_model(call, DecideIn)
    await call.box.db.read(packages.find, call.whose, package_id)
    pharmacist = await _staff(call, wish.pharmacist)
    await call.box.db.write(
        disposition.decide, call.whose, pharmacist, package_id, wish.decision, wish.note
    )
    return await _answer(call, package_id)


async def read_custody(call: Call) -> Response:
    """The hands a package went through."""
    return await _answer(call, package_id_of(call))


async def read_log(call: Call) -> Response:
    """A page of the controlled log, newest first."""
    query, limit = call.query_params, limit_of(call)
    place = await call.box.db.read(
        closing.place, call.whose, location_id_of(query.get("pharmacy_id")) or ""
    )
    today = clock.local_date(clock.now_ms(), place.time_zone)
    since, until = query.get("from", "2000-01-01"), query.get("until", today)
    for name, text in (("from", since), ("until", until)):
        if not log.is_day(text):
            raise bad(name, f"{name} is written YYYY-MM-DD.")
    schedule = query.get("dea_schedule", "")
    if schedule not in log.SCHEDULES_BY_WORD:
        raise bad("dea_schedule", "dea_schedule is II or III-V.")
    named = place.id if "pharmacy_id" in query else ""
    wanted = log.wanted(since, until, schedule, named, place.time_zone)
    cursor = query.get("cursor")
    before = decode_cursor(cursor, 2) if cursor else None
    found = await call.box.db.read(_entries, call.whose, wanted, before, limit + 1)
    shown = found[:limit]
    look(call, "controlled.log_read", None, count=len(shown))
    last = shown[-1].line if len(found) > limit else None
    data = [entry_wire(each.line, log.picked_up(each.proof)) for each in shown]
    following = encode_cursor((last.at, last.seq)) if last else None
    return json_answer({"data": data, "next_cursor": following})


async def _staff(call: Call, given: PersonIn) -> Party:
    return await people.staff(
        call.box.db,
        call.app.state.sign_ins,
        call.whose,
        email=given.email,
        password=given.password,
        address=client(call),
    )


async def _driver(call: Call, given: DriverIn) -> Party:
    return await people.driver(
        call.box.db,
        call.app.state.sign_ins,
        call.whose,
        driver_id=given.driver_id,
        pin=given.pin,
        address=client(call),
    )


async def _answer(call: Call, package_id: str) -> Response:
    return json_answer(await _shape(call, package_id))


async def _shape(call: Call, package_id: str) -> dict[str, Any]:
    shape = await call.box.db.read(custody_shape, call.whose, package_id)
    look(call, "package.custody", package_id)
    return shape


def custody_shape(r: Reader, scope: Scope, package_id: str) -> dict[str, Any]:
    package = packages.find(r, scope, package_id)
    chain = store.chain(r, package_id)
    return {
        "package_id": package.id,
        "status": package.status,
        "holder": custody.holder(chain, package.status),
        "releases": [release_wire(each) for each in store.releases(r, package_id)],
        "transfers": [transfer_wire(each) for each in chain],
        "dispositions": [
            {
                "decision": each.decision,
                "note": each.note,
                "decided_at": clock.iso(each.at),
                "decided_by": each.by,
            }
            for each in store.dispositions(r, package_id)
        ],
        "incident_ids": [each.id for each in store.incidents_of(r, package_id)],
    }


def _entries(
    r: Reader,
    scope: Scope,
    wanted: store.Filter,
    before: tuple[int, ...] | None,
    limit: int,
) -> list[log.Entry]:
    return log.entries(r, store.newest(r, scope, wanted, before, limit))
