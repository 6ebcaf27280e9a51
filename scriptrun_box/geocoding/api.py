"""Addresses over HTTP: the list of what is to check, one address, and what is decided about it."""

import re

from starlette.responses import Response

from scriptrun_box.kernel.errors import Forbidden, Invalid, Unavailable
from scriptrun_box.kernel.http import Call, json_answer, read_model
from scriptrun_box.kernel.scope import Scope
from scriptrun_box.kernel.texts import clean
from scriptrun_box.kernel.worker import WorkFailed
from scriptrun_box.packages.api import (
    Q_MAX,
    bad,
    decode_cursor,
    encode_cursor,
    limit_of,
    look,
)

from . import actions, store
from .finder import Finder
from .model import STATES, AcceptIn, CorrectIn, PinIn, Place, wire
from .reading import Parts, Read, line
from .words import state_code

PLACE_ID = re.compile(r"adr_[0-9a-f]{32}")


async def list_addresses(call: Call) -> Response:
    """A page of addresses in one state, newest first."""
    scope, limit, cursor = _scope(call), limit_of(call), call.query_params.get("cursor")
    state = call.query_params.get("state", "to_check")
    if state not in STATES:
        raise bad("state", f"state is one of {', '.join(STATES)}.")
    before = decode_cursor(cursor, 1)[0] if cursor else None
    q = call.query_params.get("q", "")[:Q_MAX]
    found = await call.box.db.read(store.page, scope, state, q, before, limit + 1)
    following = encode_cursor((found[limit - 1].seq,)) if len(found) > limit else None
    look(call, "addresses.listed", None, count=len(found[:limit]))
    return json_answer({"data": [wire(each) for each in found[:limit]], "next_cursor": following})


async def read_address(call: Call) -> Response:
    """One address."""
    found = await call.box.db.read(actions.find, _scope(call), place_id_of(call))
    look(call, "address.read", found.id)
    return json_answer(wire(found))


async def accept_address(call: Call) -> Response:
    """It is right as it is."""
    wish, who = read_model(call, AcceptIn), call.caller.actor
    place_id = place_id_of(call)
    return _answer(
        await call.box.db.write(actions.accept, _scope(call), who, place_id, wish.version)
    )


async def ask_address(call: Call) -> Response:
    """Somebody asked the patient."""
    wish, who = read_model(call, AcceptIn), call.caller.actor
    place_id = place_id_of(call)
    return _answer(
        await call.box.db.write(actions.asked, _scope(call), who, place_id, wish.version)
    )


async def pin_address(call: Call) -> Response:
    """It is exactly here."""
    wish, who = read_model(call, PinIn), call.caller.actor
    place_id, at = place_id_of(call), (wish.lat, wish.lng)
    return _answer(
        await call.box.db.write(actions.pin, _scope(call), who, place_id, *at, wish.version)
    )


async def correct_address(call: Call) -> Response:
    """It should have been another address."""
    wish, place_id = read_model(call, CorrectIn), place_id_of(call)
    return _answer(await correct(call, _scope(call), place_id, wish))


async def correct(call: Call, scope: Scope, place_id: str, wish: CorrectIn) -> Place:
    """Correct an address as wished: over the API and at the desk alike."""
    finder: Finder = call.app.state.finder
    await call.box.db.read(actions.find, scope, place_id)
    text, read = await judged(finder, wish)
    return await call.box.db.write(
        actions.correct,
        scope,
        call.caller.actor,
        place_id,
        text,
        read,
        finder.asks,
        wish.version,
    )


async def judged(finder: Finder, wish: CorrectIn) -> tuple[str, Read]:
    """(the wished parts as one line, what the reader says of them); raises Invalid."""
    wished = wish.model_dump(exclude={"version"})
    given = {name: _cleaned(name, text) for name, text in wished.items()}
    if given["state"]:
        given["state"] = state_code(given["state"])
        if not given["state"]:
            raise _wrong("state", "not_allowed", "state is two letters, such as FL, or its name.")
    try:
        read = await finder.helper.judge(Parts(**given))
    except WorkFailed:
        raise Unavailable(headers={"Retry-After": "5"}) from None
    return line(read.parts, whole=True), read


def _cleaned(name: str, text: str) -> str:
    made = clean(text)
    if made is None:
        raise _wrong(name, "bad_characters", f"{name} has characters that cannot be shown.")
    return made[0]


def _wrong(field: str, code: str, message: str) -> Invalid:
    return Invalid(message, details=[{"field": field, "code": code, "message": message}])


def place_id_of(call: Call) -> str:
    """The id in the path: 400 when it cannot be one."""
    place_id: str = call.path_params["id"]
    if not PLACE_ID.fullmatch(place_id):
        raise bad("id", "An address id is adr_ and 32 hexadecimal digits.")
    return place_id


def _scope(call: Call) -> Scope:
    """Addresses are known for the whole account: not for a key that sees one location only."""
    if call.whose.location_id is not None:
        raise Forbidden(
            "This key is bound to one location; addresses belong to all of them.",
            code="scope_missing",
        )
    return call.whose


def _answer(place: Place) -> Response:
    return json_answer(wire(place))
