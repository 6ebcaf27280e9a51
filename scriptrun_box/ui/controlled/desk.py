"""The page "Controlled": what is to be released, handed over, taken back, decided, and the day."""

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.responses import Response

from scriptrun_box.accounts import store as accounts
from scriptrun_box.accounts.gates import client, form, person_of_call
from scriptrun_box.delivery.controlled import closing, custody, people
from scriptrun_box.delivery.controlled.model import Party
from scriptrun_box.kernel import clock
from scriptrun_box.kernel.errors import Conflict, Forbidden, Invalid, RateLimited
from scriptrun_box.kernel.http import Call
from scriptrun_box.packages.api import look
from scriptrun_box.ui import pages

from . import queries

PATH = "/controlled"
SEAL = "seal_"  # and the package's id: the field a bag's serial is read into
DONE = {
    "handed": "Handed over: the driver may leave with it.",
    "pin": "The PIN is set.",
    "closed": "The day is closed.",
}
REFUSED = (Conflict, Invalid, Forbidden, RateLimited)


async def controlled(call: Call) -> Response:
    """GET /controlled."""
    return await _page(call, notice=pages.done(call, DONE))


async def live_controlled(call: Call) -> Response:
    """GET /live/controlled: the changing parts of the same page."""
    return await pages.render(call, "controlled/desk_live.html", **await _shown(call))


async def hand_over(call: Call) -> Response:
    """POST /controlled/hand-over: the pharmacist's session and the driver's PIN."""
    filled = form(call)
    seals = {
        name.removeprefix(SEAL): text
        for name, text in filled.items()
        if name.startswith(SEAL) and text.strip()
    }

    async def act() -> None:
        if not seals:
            raise Invalid("Read the seal of at least one bag; nothing was handed over.")
        giver, taker = me(call), await driver_of(call)
        whose = call.whose
        await call.box.db.write(custody.hand_over, whose, giver, taker, list(seals), seals)

    return await _do(call, "handed", act)


async def set_pin(call: Call) -> Response:
    """POST /controlled/pins: a driver types the PIN they chose."""
    filled = form(call)
    given = (filled.get("driver_id", ""), filled.get("pin", ""), filled.get("again", ""))
    return await _do(
        call,
        "pin",
        lambda: people.set_pin(call.box.db, call.whose, call.caller.actor, *given),
    )


async def close(call: Call) -> Response:
    """POST /controlled/close: the day's reconciliation."""
    filled = form(call)
    place, date = filled.get("pharmacy_id", ""), filled.get("date", "")
    return await _do(
        call,
        "closed",
        lambda: call.box.db.write(closing.close, call.whose, me(call), place, date),
    )


def me(call: Call) -> Party:
    """Whoever is signed in."""
    return Party(f"user:{person_of_call(call).user.id}", "session")


async def driver_of(call: Call) -> Party:
    """The driver whose PIN was typed; raises Forbidden or RateLimited."""
    filled = form(call)
    return await people.driver(
        call.box.db,
        call.app.state.sign_ins,
        call.whose,
        driver_id=filled.get("driver_id", "")[:100],
        pin=filled.get("pin", ""),
        address=client(call),
    )


def sentence_of(refusal: Conflict | Invalid | Forbidden | RateLimited) -> str:
    """What a page says of a refusal: of one about a field, what is wrong with it."""
    told = [str(each["message"]) for each in refusal.details if "message" in each]
    return told[0] if isinstance(refusal, Invalid) and told else refusal.sentence


async def _do(call: Call, word: str, act: Callable[[], Awaitable[object]]) -> Response:
    call.box.disk.check()
    try:
        await act()
    except REFUSED as refusal:
        return await _page(call, refusal.status, problem=sentence_of(refusal))
    return pages.redirect(f"{PATH}?done={word}")


async def _page(call: Call, status: int = 200, *, problem: str = "", notice: str = "") -> Response:
    shown = await _shown(call)
    filled = form(call) if problem else {}
    return await pages.render(
        call, "controlled/desk.html", status, **shown, problem=problem, filled=filled, notice=notice
    )


async def _shown(call: Call) -> dict[str, Any]:
    query = call.query_params
    place, date = query.get("pharmacy_id", ""), query.get("date", "")
    now = clock.now_ms()
    places = await call.box.db.read(accounts.locations, call.whose.tenant_id)
    known = place if any(each.id == place for each in places) else ""
    day = date if clock.is_date(date) and date <= clock.local_date(now, "UTC") else ""
    found = await call.box.db.read(queries.desk, call.whose, known, day, now)
    look(call, "controlled.listed", None)
    return {"desk": found, "places": places}
