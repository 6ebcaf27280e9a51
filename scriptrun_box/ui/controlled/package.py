"""One controlled package: its chain of hands, and release, return, decision and incident."""

from collections.abc import Awaitable, Callable

from starlette.responses import Response

from scriptrun_box.accounts.gates import client, form
from scriptrun_box.delivery.controlled import custody, disposition, incidents, people, release
from scriptrun_box.delivery.controlled.model import DECISIONS, SCHEDULES, Check, Party
from scriptrun_box.kernel.errors import Invalid, NotFound
from scriptrun_box.kernel.http import Call
from scriptrun_box.packages import actions as packages
from scriptrun_box.packages.api import PACKAGE_ID, look
from scriptrun_box.packages.lifecycle import NOT_YET_OUT
from scriptrun_box.ui import pages

from . import queries, words
from .desk import PATH, REFUSED, driver_of, me, sentence_of

SECRET = ("pin", "second_password", "csrf")
DONE = {
    "released": "Released and sealed.",
    "back": "Taken back.",
    "decided": "Decided.",
    "incident": "The incident is open.",
}


async def package(call: Call) -> Response:
    """GET /controlled/packages/{id}."""
    return await _page(call, notice=pages.done(call, DONE))


async def let_go(call: Call) -> Response:
    """POST /controlled/packages/{id}/release."""
    filled = form(call)

    async def act() -> None:
        second = await _second(call)
        await call.box.db.write(
            release.release,
            call.whose,
            me(call),
            _id(call),
            filled.get("seal", ""),
            filled.get("dea_schedule") or None,
            second,
        )

    return await _do(call, "released", act)


async def take_back(call: Call) -> Response:
    """POST /controlled/packages/{id}/take-back: the driver's PIN, and what the pharmacist sees."""
    filled = form(call)

    async def act() -> None:
        if filled.get("intact") not in words.YES_NO or filled.get("count") not in words.YES_NO:
            raise Invalid("Say whether the seal is whole and the count is right.")
        check = Check(
            filled.get("seal", ""),
            filled["intact"] == "yes",
            filled["count"] == "yes",
            filled.get("note", ""),
        )
        driver = await driver_of(call)
        whose = call.whose
        await call.box.db.write(custody.take_back, whose, driver, me(call), {_id(call): check})

    return await _do(call, "back", act)


async def decide(call: Call) -> Response:
    """POST /controlled/packages/{id}/decide."""
    filled = form(call)
    given = (filled.get("decision", ""), filled.get("note", ""))
    return await _do(
        call,
        "decided",
        lambda: call.box.db.write(disposition.decide, call.whose, me(call), _id(call), *given),
    )


async def report(call: Call) -> Response:
    """POST /controlled/packages/{id}/incident."""
    filled = form(call)
    given = (filled.get("kind", ""), filled.get("words", ""))
    return await _do(
        call,
        "incident",
        lambda: call.box.db.write(incidents.open_incident, call.whose, me(call), _id(call), *given),
    )


async def _second(call: Call) -> Party | None:
    filled = form(call)
    email, password = filled.get("second_email", ""), filled.get("second_password", "")
    if not (email or password):
        return None
    return await people.staff(
        call.box.db,
        call.app.state.sign_ins,
        call.whose,
        email=email,
        password=password,
        address=client(call),
    )


async def _do(call: Call, word: str, act: Callable[[], Awaitable[object]]) -> Response:
    call.box.disk.check()
    try:
        await act()
    except REFUSED as refusal:
        return await _page(call, refusal.status, problem=sentence_of(refusal))
    return pages.redirect(f"{PATH}/packages/{_id(call)}?done={word}")


async def _page(call: Call, status: int = 200, *, problem: str = "", notice: str = "") -> Response:
    found = await call.box.db.read(packages.find, call.whose, _id(call))
    if not found.content.controlled_substance:
        raise NotFound("This is no controlled package.")
    look(call, "package.read", found.id)
    filled = {name: text for name, text in form(call).items() if name not in SECRET}
    return await pages.render(
        call,
        "controlled/package.html",
        status,
        whole=await call.box.db.read(queries.whole, call.whose, found),
        package=found,
        waiting=found.status in NOT_YET_OUT,
        filled=filled if problem else {},
        problem=problem,
        notice=notice,
        schedules=SCHEDULES,
        decisions=[(name, words.DECISIONS[name]) for name in DECISIONS],
        kinds=words.INCIDENTS,
        reminders=disposition.REMINDERS,
    )


def _id(call: Call) -> str:
    package_id: str = call.path_params["id"]
    if not PACKAGE_ID.fullmatch(package_id):
        raise NotFound("There is no such package.")
    return package_id
