"""The cold chain over HTTP: bags, packing, readings, a logger's file, and a package's story."""

import asyncio
import hashlib
import re
from datetime import datetime
from typing import Any

from starlette.responses import Response

from scriptrun_box.drivers.actions import invalid
from scriptrun_box.kernel import clock
from scriptrun_box.kernel.clock import SECOND_MS
from scriptrun_box.kernel.db import Reader
from scriptrun_box.kernel.errors import NotFound
from scriptrun_box.kernel.http import Call, json_answer, read_model
from scriptrun_box.kernel.scope import Scope
from scriptrun_box.packages import store as packages
from scriptrun_box.packages.api import bad, look, package_id_of
from scriptrun_box.routes.sheet import time_zone_of

from . import bags, logger, packing, readings, store, story
from .model import (
    BagChangeIn,
    BagIn,
    LoggerFile,
    LoggerIn,
    PackIn,
    Quarantine,
    ReadingIn,
    bag_wire,
    story_wire,
)

BAG_ID = re.compile(r"bag_[0-9a-f]{32}")


async def list_bags(call: Call) -> Response:
    """Every bag, those in use first."""
    found = await call.box.db.read(lambda r: store.bags(r, call.whose, retired=True))
    return json_answer({"data": [bag_wire(each) for each in found]})


async def add_bag(call: Call) -> Response:
    """Take a bag into use."""
    given = read_model(call, BagIn).model_dump()
    made = await call.box.db.write(bags.add, call.whose, call.caller.actor, given)
    return json_answer(bag_wire(made), 201)


async def change_bag(call: Call) -> Response:
    """Change a bag, or take it out of use."""
    bag_id: str = call.path_params["id"]
    if not BAG_ID.fullmatch(bag_id):
        raise bad("id", "A bag id is bag_ and 32 hexadecimal digits.")
    given = read_model(call, BagChangeIn).model_dump(exclude_unset=True)
    changed = await call.box.db.write(bags.change, call.whose, call.caller.actor, bag_id, given)
    return json_answer(bag_wire(changed))


async def read_story(call: Call) -> Response:
    """A package's temperature since it was packed."""
    return await _answer(call, package_id_of(call))


async def pack(call: Call) -> Response:
    """Pack a cold package."""
    package_id, given = package_id_of(call), read_model(call, PackIn).model_dump()
    await call.box.db.write(packing.pack, call.whose, call.caller.actor, package_id, given)
    return await _answer(call, package_id)


async def unpack(call: Call) -> Response:
    """Take a package out of its bag again."""
    package_id = package_id_of(call)
    await call.box.db.write(packing.unpack, call.whose, call.caller.actor, package_id)
    return await _answer(call, package_id)


async def add_reading(call: Call) -> Response:
    """Note a temperature, or how an indicator looks."""
    package_id, given = package_id_of(call), read_model(call, ReadingIn)
    at = None if given.at is None else moment_of(given.at)
    await call.box.db.write(
        readings.add,
        call.whose,
        call.caller.actor,
        package_id,
        at,
        given.celsius,
        given.indicator,
    )
    return await _answer(call, package_id)


async def import_logger(call: Call) -> Response:
    """Read a logger's file in."""
    package_id, given = package_id_of(call), read_model(call, LoggerIn)
    file, waiting = await read_in(call, package_id, given.csv, given.unit)
    return json_answer(file_wire(file, waiting))


async def read_in(
    call: Call, package_id: str, text: str, unit: str | None
) -> tuple[LoggerFile, Quarantine | None]:
    """Store a logger's file; it is taken apart on a thread, so that nobody waits for it.

    Cut off in the midst, what is stored is so for good, and the same file again adds the rest.
    """
    zone = await call.box.db.read(_zone, call.whose, package_id)
    found = await asyncio.to_thread(logger.read, text, zone, unit)
    db, whose, actor = call.box.db, call.whose, call.caller.actor
    await db.write(readings.need_importable, whose, package_id, found)
    added = 0
    for start in range(0, len(found.points), readings.PART):
        part = found.points[start : start + readings.PART]
        added += await db.write(readings.store_part, whose, actor, package_id, part)
    digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
    return await db.write(readings.finish_import, whose, actor, package_id, found, added, digest)


def file_wire(file: LoggerFile, waiting: Quarantine | None) -> dict[str, Any]:
    """What became of a file."""
    return {
        "id": file.id,
        "unit": file.unit,
        "readings": file.readings,
        "added": file.added,
        "bad": file.bad,
        "problems": readings.problems_wire(list(file.problems)),
        "quarantined": waiting is not None,
    }


def moment_of(text: str) -> int:
    """Unix milliseconds of an ISO 8601 time that says its zone; raises Invalid."""
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            return round(moment.timestamp()) * SECOND_MS
    except (ValueError, OverflowError):
        pass
    raise invalid("at", "bad_format", "at is an ISO 8601 time with its zone.")


async def _answer(call: Call, package_id: str) -> Response:
    now = clock.now_ms()
    shape = await call.box.db.read(lambda r: story_wire(story.read(r, call.whose, package_id, now)))
    look(call, "package.cold_read", package_id)
    return json_answer(shape)


def _zone(r: Reader, scope: Scope, package_id: str) -> str:
    package = packages.get(r, scope, package_id)
    if package is None:
        raise NotFound("There is no such package.")
    return time_zone_of(r, scope.tenant_id, package.content.location_id)
