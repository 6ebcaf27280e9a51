"""Drivers over HTTP: list, take on, read, change, shift, online; and giving packages to them."""

import re
from collections.abc import Callable
from typing import Any

from starlette.responses import Response

from scriptrun_box.kernel.db import Reader
from scriptrun_box.kernel.http import Call, json_answer, read_model
from scriptrun_box.kernel.scope import Scope
from scriptrun_box.packages import store as packages
from scriptrun_box.packages.api import (
    Q_MAX,
    bad,
    decode_cursor,
    encode_cursor,
    limit_of,
    location_id_of,
    package_id_of,
    package_shape,
)
from scriptrun_box.packages.seen import Seen, all_at_arrival, at_arrival
from scriptrun_box.packages.store import Carried

from . import actions, dispatch, many, store
from .model import (
    STATUSES,
    AssignIn,
    AssignManyIn,
    CancelManyIn,
    Driver,
    DriverChangeIn,
    DriverIn,
    ManyIn,
    ShiftIn,
    StatusIn,
    wire,
)

DRIVER_ID = re.compile(r"drv_[0-9a-f]{32}")
YES_NO = {"true": True, "false": False}


async def list_drivers(call: Call) -> Response:
    """A page of drivers, newest first."""
    wanted, limit, cursor = _filter_of(call), limit_of(call), call.query_params.get("cursor")
    before = decode_cursor(cursor, 1)[0] if cursor else None
    found, carried = await call.box.db.read(_page, call.whose, wanted, before, limit + 1)
    following = encode_cursor((found[limit - 1].seq,)) if len(found) > limit else None
    data = [wire(each, carried.get(each.id, Carried())) for each in found[:limit]]
    return json_answer({"data": data, "next_cursor": following})


async def create_driver(call: Call) -> Response:
    """Take a driver on."""
    given = read_model(call, DriverIn).model_dump()
    made = await call.box.db.write(actions.create, call.whose, call.caller.actor, given)
    return json_answer(wire(made, Carried()), 201)


async def read_driver(call: Call) -> Response:
    """One driver, with what they have right now."""
    return await _answer(call, driver_id_of(call))


async def change_driver(call: Call) -> Response:
    """Change what is said of a driver, or whether they drive here at all."""
    driver_id = driver_id_of(call)
    given = read_model(call, DriverChangeIn).model_dump(exclude_unset=True)
    version = given.pop("version", None)
    await call.box.db.write(
        actions.change, call.whose, call.caller.actor, driver_id, given, version
    )
    return await _answer(call, driver_id)


async def set_shift(call: Call) -> Response:
    """Start or end a driver's shift."""
    driver_id, on = driver_id_of(call), read_model(call, ShiftIn).shift == "start"
    await call.box.db.write(actions.set_shift, call.whose, call.caller.actor, driver_id, on)
    return await _answer(call, driver_id)


async def set_status(call: Call) -> Response:
    """Say that a driver is online or offline."""
    driver_id, online = driver_id_of(call), read_model(call, StatusIn).status == "online"
    await call.box.db.write(actions.set_online, call.whose, call.caller.actor, driver_id, online)
    return await _answer(call, driver_id)


async def assign_package(call: Call) -> Response:
    """Give a package to a driver, or in one step from another one to them."""
    package_id = package_id_of(call)
    seen = call.box.db.peek(at_arrival, call.whose, package_id)
    wish = read_model(call, AssignIn)
    if seen and "expected_driver_id" in wish.model_fields_set:
        seen = Seen("assigned" if wish.expected_driver_id else "created", wish.expected_driver_id)
    await call.box.db.write(
        dispatch.assign, call.whose, call.caller.actor, package_id, wish.driver_id, seen
    )
    return json_answer(await package_shape(call, package_id))


async def assign_many(call: Call) -> Response:
    """Give packages to a driver, in one go."""
    wish = read_model(call, AssignManyIn)
    return await _with_many(call, wish, many.assign, wish.driver_id)


async def unassign_many(call: Call) -> Response:
    """Take packages back from their drivers, in one go."""
    return await _with_many(call, read_model(call, ManyIn), many.unassign)


async def cancel_many(call: Call) -> Response:
    """Cancel packages, in one go."""
    wish = read_model(call, CancelManyIn)
    return await _with_many(call, wish, many.cancel, wish.reason)


async def _with_many(
    call: Call, wish: ManyIn, act: Callable[..., list[many.Result]], *more: str
) -> Response:
    ids = list(dict.fromkeys(wish.package_ids))
    found = call.box.db.peek(all_at_arrival, call.whose, ids)
    wishes = [many.Wish(*each) for each in zip(ids, found, strict=True)]
    results = await call.box.db.write(act, call.whose, call.caller.actor, wishes, *more)
    return json_answer(many.wire(results))


def driver_id_of(call: Call) -> str:
    """The id in the path: 400 when it cannot be one."""
    driver_id: str = call.path_params["id"]
    if not DRIVER_ID.fullmatch(driver_id):
        raise bad("id", "A driver id is drv_ and 32 hexadecimal digits.")
    return driver_id


async def _answer(call: Call, driver_id: str) -> Response:
    return json_answer(await call.box.db.read(_shape, call.whose, driver_id))


def _shape(r: Reader, scope: Scope, driver_id: str) -> dict[str, Any]:
    driver = actions.find(r, scope, driver_id)
    return wire(driver, actions.carried_by(r, scope, driver_id))


def _page(
    r: Reader, scope: Scope, wanted: store.Filter, before: int | None, limit: int
) -> tuple[list[Driver], dict[str, Carried]]:
    found = store.page(r, scope, wanted, before, limit)
    return found, packages.carried(r, scope, (each.id for each in found))


def _filter_of(call: Call) -> store.Filter:
    query = call.query_params
    status = query.get("status")
    if status is not None and status not in STATUSES:
        raise bad("status", f"status is one of {', '.join(STATUSES)}.")
    return store.Filter(
        q=query.get("q", "")[:Q_MAX],
        active=_yes_no(call, "active"),
        on_shift=_yes_no(call, "on_shift"),
        online=None if status is None else status == "online",
        location_id=location_id_of(query.get("pharmacy_id")),
    )


def _yes_no(call: Call, name: str) -> bool | None:
    text = call.query_params.get(name)
    if text is not None and text not in YES_NO:
        raise bad(name, f"{name} is true or false.")
    return None if text is None else YES_NO[text]
