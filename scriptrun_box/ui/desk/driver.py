"""One driver: what is said of them, what they have, and what can be done."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from scriptrun_box.accounts import store as accounts
from scriptrun_box.accounts.gates import form
from scriptrun_box.accounts.model import Location
from scriptrun_box.drivers import actions
from scriptrun_box.drivers.api import DRIVER_ID
from scriptrun_box.drivers.model import Driver, DriverChangeIn
from scriptrun_box.kernel.db import Reader, Writer
from scriptrun_box.kernel.errors import Conflict, Invalid, NotFound
from scriptrun_box.kernel.http import Call
from scriptrun_box.kernel.scope import Scope
from scriptrun_box.kernel.shapes import checked
from scriptrun_box.packages import store as packages
from scriptrun_box.packages.api import look
from scriptrun_box.packages.model import Package
from scriptrun_box.packages.store import Carried
from scriptrun_box.routes import store as routes
from scriptrun_box.routes.model import Route
from scriptrun_box.ui import pages
from scriptrun_box.ui.phone.known import Known, known

from .drivers import DONE, PATH, filled_of, form_words, given_of, wrong_of

PACKAGES_SHOWN, ROUTES_SHOWN = 100, 5
DONE_HERE = {
    **DONE,
    "saved": "Saved.",
    "left": "Noted: they no longer drive here.",
    "back": "They drive here again.",
    "phone_revoked": "Shut out: the phone's next word is refused.",
}


@dataclass(frozen=True, slots=True)
class Whole:
    """A driver with everything their page shows."""

    driver: Driver
    carried: Carried
    packages: list[Package]
    locations: list[Location]
    routes: list[Route]  # planned or under way, the newest first
    phones: Known


async def driver(call: Call) -> Response:
    """GET /drivers/{id}."""
    return await _page(call, notice=pages.done(call, DONE_HERE))


async def edit(call: Call) -> Response:
    """POST /drivers/{id}: the whole form, as it stood when the page was loaded."""
    whose, actor, driver_id = call.whose, call.caller.actor, _id(call)
    text = form(call).get("stamp", "")
    version = int(text) if text.isdecimal() and len(text) < 10 else 0
    call.box.disk.check()
    try:
        given = checked(DriverChangeIn, given_of(call)).model_dump(exclude_unset=True)
        await call.box.db.write(actions.change, whose, actor, driver_id, given, version)
    except Invalid as refusal:
        return await _page(call, 400, filled=filled_of(call), wrong=wrong_of(refusal))
    except Conflict as refusal:
        if refusal.code == "driver_has_packages":
            return await _page(call, 409, filled=filled_of(call), problem=refusal.sentence)
        sentence = (
            "Somebody changed this driver while you were typing; your changes are not saved."
            " Here is how it stands now."
        )
        return await _page(call, 409, problem=sentence)
    return pages.redirect(f"{PATH}/{driver_id}?done=saved")


async def shift(call: Call) -> Response:
    """POST /drivers/{id}/shift: start or end it."""
    on = form(call).get("shift") == "start"
    whose, actor, driver_id = call.whose, call.caller.actor, _id(call)
    return await _do(
        call,
        "started" if on else "ended",
        lambda w: actions.set_shift(w, whose, actor, driver_id, on),
    )


async def status(call: Call) -> Response:
    """POST /drivers/{id}/status: online or offline."""
    online = form(call).get("status") == "online"
    whose, actor, driver_id = call.whose, call.caller.actor, _id(call)
    return await _do(
        call,
        "online" if online else "offline",
        lambda w: actions.set_online(w, whose, actor, driver_id, online),
    )


async def active(call: Call) -> Response:
    """POST /drivers/{id}/active: they left, or drive here again."""
    back = form(call).get("active") == "yes"
    whose, actor, driver_id = call.whose, call.caller.actor, _id(call)
    return await _do(
        call,
        "back" if back else "left",
        lambda w: actions.change(w, whose, actor, driver_id, {"active": back}),
    )


async def _do(call: Call, word: str, act: Callable[[Writer], Driver]) -> Response:
    """Do it and go back to where the button was; where it cannot be done, the page says why."""
    call.box.disk.check()
    try:
        await call.box.db.write(act)
    except Conflict as refusal:
        return await _page(call, 409, problem=refusal.sentence)
    path = pages.local_path(form(call).get("next", ""))
    if path.partition("?")[0] != PATH:  # only the list has such buttons too
        path = f"{PATH}/{_id(call)}"
    return pages.redirect(f"{path}{'&' if '?' in path else '?'}done={word}")


async def _page(
    call: Call,
    status: int = 200,
    *,
    filled: dict[str, Any] | None = None,
    wrong: dict[str, str] | None = None,
    problem: str = "",
    notice: str = "",
) -> Response:
    whole = await call.box.db.read(_whole, call.whose, _id(call))
    if whole.packages:
        look(call, "packages.listed", None, count=len(whole.packages))
    return await pages.render(
        call,
        "desk/driver_page.html",
        status,
        **form_words(),
        whole=whole,
        driver=whole.driver,
        form=filled or _form(whole.driver),
        wrong=wrong or {},
        problem=problem,
        notice=notice,
    )


def _whole(r: Reader, scope: Scope, driver_id: str) -> Whole:
    found = actions.find(r, scope, driver_id)
    theirs = routes.Filter(statuses=("started", "planned"), driver_id=driver_id)
    has = packages.Filter(statuses=("out_for_delivery", "assigned"), driver_id=driver_id)
    return Whole(
        found,
        actions.carried_by(r, scope, driver_id),
        packages.page(r, scope, has, None, PACKAGES_SHOWN),
        accounts.locations(r, scope.tenant_id),
        routes.page(r, scope, theirs, None, ROUTES_SHOWN),
        known(r, scope, driver_id),
    )


def _form(found: Driver) -> dict[str, Any]:
    """A driver as their form shows them."""
    profile = found.profile
    return {
        "name": profile.name,
        "phone": profile.phone or "",
        "employment": profile.employment,
        "vehicle": profile.vehicle or "",
        "capacity": "" if profile.capacity is None else str(profile.capacity),
        "capabilities": profile.capabilities,
        "pharmacy_id": profile.location_id,
        "stamp": str(found.version),
    }


def _id(call: Call) -> str:
    driver_id: str = call.path_params["id"]
    if not DRIVER_ID.fullmatch(driver_id):
        raise NotFound("There is no such driver.")
    return driver_id
