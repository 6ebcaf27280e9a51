"""The phone over HTTP: joining, the shift, what it tells, pictures, and that it is still there."""

import re

from starlette.responses import Response

from scriptrun_box.accounts.gates import check_same_site, form
from scriptrun_box.delivery import door
from scriptrun_box.delivery.pictures import PICTURE_BYTES_MAX, Pictures
from scriptrun_box.kernel import clock
from scriptrun_box.kernel.errors import NotFound
from scriptrun_box.kernel.http import Call, json_answer, read_model

from . import acts, bundle, devices, silence, store
from .gate import cookie_name, phone_of
from .kinds import Context
from .model import ActsIn, Phone, answer_wire

TOKEN_MAX = 200  # characters of a code that are looked at
COOKIE_SECONDS = 400 * 24 * 3_600  # the longest that browsers keep one
AHEAD_NOTED_MS = 2_000  # a smaller change of a phone's clock is the network's
ACT_ID = re.compile(r"[0-9a-f]{32}")
PICTURE_BYTES = PICTURE_BYTES_MAX


async def join(call: Call) -> Response:
    """POST /phone/join/{id}: the phone that read a code is added, and gets its cookie."""
    check_same_site(call)
    token = str(call.path_params["id"])[:TOKEN_MAX]
    page_half = form(call).get("key", "")
    user_agent = call.headers.get("user-agent", "")
    joined = await call.box.db.write(devices.join, token, page_half, user_agent)
    answer = json_answer({"phone_id": joined.phone.id})
    answer.set_cookie(
        cookie_name(call),
        joined.token,
        max_age=COOKIE_SECONDS,
        httponly=True,
        samesite="strict",
        secure=call.url.scheme == "https",
        path="/",
    )
    return answer


async def here(call: Call) -> Response:
    """POST /phone/here: the phone is on, locked or not; whether it may still be used."""
    await _heard(call)
    return json_answer({"now": clock.now_ms()})


async def shift(call: Call) -> Response:
    """GET /phone/shift: everything the driver needs, for as long as there is no network."""
    await _heard(call)
    phone = phone_of(call)
    shown = await call.box.db.read(bundle.shift, call.whose, phone.driver_id, clock.now_ms())
    _note_look(call, phone, frozenset(shown["packages"]))
    return json_answer(shown)


def _note_look(call: Call, phone: Phone, package_ids: frozenset[str]) -> None:
    """A phone asks every minute: the audit hears of it when there is something new to see."""
    seen: dict[str, frozenset[str]] = call.app.state.phones_shown
    if package_ids - seen.get(phone.id, frozenset()):
        act = "packages.on_phone"
        tenant_id, actor = call.whose.tenant_id, call.caller.actor
        call.box.looks.add(tenant_id, actor, act, phone.id, count=len(package_ids))
    seen[phone.id] = package_ids


async def tell(call: Call) -> Response:
    """POST /phone/acts: what the driver did, in its order; an answer to each."""
    given = read_model(call, ActsIn)
    now = clock.now_ms()
    context = Context(
        scope=call.whose,
        phone=phone_of(call),
        ahead_ms=given.sent_at - now,
        received_at=now,
        links=call.box.links,
        whole_ids=call.box.db.key is not None,
    )
    await _heard(call)
    if abs(context.ahead_ms - context.phone.ahead_ms) > AHEAD_NOTED_MS:
        await call.box.db.write(store.set_ahead, context.phone.id, context.ahead_ms)
    answers = [await acts.take(call.box.db, _pictures(call), context, each) for each in given.acts]
    return json_answer({"now": now, "results": [answer_wire(each) for each in answers]})


async def put_photo(call: Call) -> Response:
    """PUT /phone/pictures/{id}/photo: the photo of an act at a door; once more changes nothing."""
    act_id = str(call.path_params["id"])
    phone = phone_of(call)
    known = call.box.db.peek(store.act, act_id) if ACT_ID.fullmatch(act_id) else None
    if known is None or known.driver_id != phone.driver_id:
        raise NotFound("There is no act that waits for this picture.")
    picture = await _pictures(call).encode(call.content)
    await call.box.db.write(
        door.attach,
        call.whose,
        call.caller.actor,
        act_id,
        phone.driver_id,
        picture,
        call.box.links,
    )
    return json_answer({"act_id": act_id})


async def _heard(call: Call) -> None:
    """Whoever was silent, and speaks, is online again."""
    phone = phone_of(call)
    if call.box.db.peek(silence.is_silenced, phone.driver_id):
        await call.box.db.write(silence.end, call.whose, phone.driver_id)


def _pictures(call: Call) -> Pictures:
    pictures: Pictures = call.app.state.pictures
    return pictures
