"""One package: all it carries, its timeline, and what can be done with it."""

from collections.abc import Callable, Sequence
from typing import cast, get_args

from starlette.responses import Response

from scriptrun_box.accounts import gates
from scriptrun_box.accounts import store as accounts
from scriptrun_box.delivery import sandbox
from scriptrun_box.delivery.cold import packing
from scriptrun_box.delivery.cold.model import PackIn
from scriptrun_box.delivery.recall import recall as have_back
from scriptrun_box.drivers import dispatch
from scriptrun_box.kernel.db import Writer
from scriptrun_box.kernel.errors import Conflict, Invalid, NotFound
from scriptrun_box.kernel.http import Call
from scriptrun_box.kernel.scope import Actor, Scope
from scriptrun_box.kernel.shapes import checked
from scriptrun_box.orders import actions as orders
from scriptrun_box.orders.reading import Places
from scriptrun_box.packages import actions, last_acts
from scriptrun_box.packages.api import PACKAGE_ID, look
from scriptrun_box.packages.lifecycle import CANCEL_REASONS, FAILURE_REASONS, NOT_YET_OUT
from scriptrun_box.packages.model import Package
from scriptrun_box.packages.seen import Seen, as_seen, at_arrival
from scriptrun_box.patients import store as patients
from scriptrun_box.ui import chilling, driving, pages, parcel, queries
from scriptrun_box.ui.order_forms import filled_of, order_of, wrong_of

LATE_FIELDS = ("patient_phone", "notes")  # may still change once the package is out
STEPS: tuple[str, ...] = get_args(sandbox.Step)
DONE = {
    "saved": "Saved.",
    "entered": "The order is saved.",
    "cancelled": "The package is cancelled.",
    "assigned": "Assigned.",
    "unassigned": "Taken back; it waits to be assigned.",
    "both": "Both packages stay.",
    "one": "This one is cancelled, the earlier one stays.",
    "again": "It is back in the list to assign.",
    "returned": "It is back at the pharmacy.",
    "recalled": "Recalled: its driver brings it back.",
    "walked": "One step further.",
    "packed": "Packed: the bag's time runs.",
    "unpacked": "Taken out of its bag.",
}


async def package(call: Call) -> Response:
    """GET /packages/{id}."""
    return await _page(call, notice=pages.done(call, DONE))


async def edit(call: Call) -> Response:
    """POST /packages/{id}/edit: the whole form, as it stood when the page was loaded."""
    form = gates.form(call)
    call.box.disk.check()
    places = Places(await call.box.db.read(accounts.locations, call.whose.tenant_id))
    try:
        await call.box.db.write(
            _edit, call.whose, call.caller.actor, id_of(call), form.get("stamp", ""), form, places
        )
    except Invalid as refusal:
        return await _page(call, 400, given=form, wrong=wrong_of(refusal))
    except Conflict as refusal:
        return await _page(call, 409, problem=refusal.sentence)
    return _back(call, "saved")


async def cancel(call: Call) -> Response:
    """POST /packages/{id}/cancel."""
    reason = gates.form(call).get("reason", "")
    if reason not in CANCEL_REASONS:
        return await _page(call, 400, problem="Say why it is cancelled; nothing was changed.")
    whose, actor = call.whose, call.caller.actor
    return await _do(
        call, "cancelled", lambda w: actions.cancel(w, whose, actor, id_of(call), reason)
    )


async def recall(call: Call) -> Response:
    """POST /packages/{id}/recall: what is out comes back undelivered."""
    reason = gates.form(call).get("reason", "")
    if reason not in CANCEL_REASONS:
        return await _page(call, 400, problem="Say why it is recalled; nothing was changed.")
    whose, actor = call.whose, call.caller.actor
    return await _do(call, "recalled", lambda w: have_back(w, whose, actor, id_of(call), reason))


async def decide(call: Call) -> Response:
    """POST /packages/{id}/decide: both packages stay, or only the earlier one."""
    both = gates.form(call).get("keep") == "both"
    whose, actor = call.whose, call.caller.actor
    return await _do(
        call,
        "both" if both else "one",
        lambda w: actions.decide_duplicate(w, whose, actor, id_of(call), both),
    )


async def after_failure(call: Call) -> Response:
    """POST /packages/{id}/after-failure: deliver what came back again, or keep it here."""
    again = gates.form(call).get("act") == "redeliver"
    whose, actor, seen = call.whose, call.caller.actor, _seen(call)
    act = actions.redeliver if again else actions.give_back
    return await _do(
        call,
        "again" if again else "returned",
        lambda w: as_seen(w, whose, actor, id_of(call), act, seen),
    )


async def assign(call: Call) -> Response:
    """POST /packages/{id}/assign: to the chosen driver, from another one in the same step."""
    whose, actor, seen = call.whose, call.caller.actor, _seen(call)
    driver_id = gates.form(call).get("driver_id", "")
    if not driver_id:
        return await _page(call, 400, problem="Choose a driver; nothing was changed.")
    return await _do(
        call,
        "assigned",
        lambda w: dispatch.assign(w, whose, actor, id_of(call), driver_id, seen),
    )


async def unassign(call: Call) -> Response:
    """POST /packages/{id}/unassign: back to be assigned."""
    whose, actor, seen = call.whose, call.caller.actor, _seen(call)
    return await _do(
        call, "unassigned", lambda w: as_seen(w, whose, actor, id_of(call), actions.unassign, seen)
    )


async def pack(call: Call) -> Response:
    """POST /packages/{id}/pack: into a bag, whose time runs from then on."""
    whose, actor = call.whose, call.caller.actor
    try:
        given = checked(PackIn, chilling.pack_given(gates.form(call))).model_dump()
    except Invalid as refusal:
        problem = chilling.said(refusal.details, refusal.sentence)
        return await _page(call, 400, problem=problem)
    return await _do(call, "packed", lambda w: packing.pack(w, whose, actor, id_of(call), given))


async def unpack(call: Call) -> Response:
    """POST /packages/{id}/unpack."""
    whose, actor = call.whose, call.caller.actor
    return await _do(call, "unpacked", lambda w: packing.unpack(w, whose, actor, id_of(call)))


async def walk(call: Call) -> Response:
    """POST /packages/{id}/walk: one made-up step of a sandbox package."""
    form = gates.form(call)
    step, reason = form.get("step", ""), form.get("reason", "no_answer")
    if step not in STEPS or reason not in FAILURE_REASONS:
        return await _page(call, 400, problem="There is no such step; nothing was changed.")
    taken = cast(sandbox.Step, step)
    whose, actor, links = call.whose, call.caller.actor, call.box.links
    return await _do(
        call,
        "walked",
        lambda w: sandbox.walk(w, whose, actor, id_of(call), taken, reason, links),
    )


async def _do(call: Call, word: str, act: Callable[[Writer], Package]) -> Response:
    """Do it and come back to the package; where it cannot be done, its page says why."""
    call.box.disk.check()
    whose, actor = call.whose, call.caller.actor
    try:
        _, number = await call.box.db.write(
            lambda w: last_acts.keeping(w, whose, actor, lambda: act(w))
        )
    except (Conflict, Invalid) as refusal:
        problem = chilling.said(refusal.details, refusal.sentence)
        if isinstance(refusal, Conflict):
            problem = refusal.sentence
        return await _page(call, refusal.status, problem=problem)
    return _back(call, f"{word}&undo={number}" if number else word)


def _seen(call: Call) -> Seen | None:
    """How the package stood on the page the form came from, or else stands now."""
    status, given, driver_id = gates.form(call).get("seen", "").partition(":")
    if given:
        return Seen(status, driver_id or None)
    return call.box.db.peek(at_arrival, call.whose, id_of(call))


def _back(call: Call, word: str) -> Response:
    return pages.redirect(f"/packages/{id_of(call)}?done={word}")


async def _page(
    call: Call,
    status: int = 200,
    *,
    problem: str = "",
    given: dict[str, str] | None = None,
    wrong: dict[str, str] | None = None,
    notice: str = "",
) -> Response:
    whole = await call.box.db.read(queries.whole, call.whose, id_of(call))
    if whole is None:
        raise NotFound("There is no such package.")
    look(call, "package.read", whole.package.id)
    found = whole.package
    drivers: Sequence[driving.Choice] = ()
    if found.status in NOT_YET_OUT and found.duplicate_of is None:
        drivers = await call.box.db.read(driving.choices, call.whose, found)
    return await pages.render(
        call,
        "desk/package.html",
        status,
        whole=whole,
        package=found,
        patient=await call.box.db.read(patients.for_package, found),
        drivers=drivers,
        cold=await call.box.db.read(chilling.packing_of, call.whose, found),
        form=given or filled_of(found.content),
        wrong=wrong or {},
        problem=problem,
        notice=notice,
        editable=found.status in NOT_YET_OUT,
        editable_late=found.status == "out_for_delivery",
        places=[(place.id, place.name) for place in whole.locations],
        cancel_reasons=parcel.CANCEL_WORDS,
        failure_reasons=parcel.FAILURE_WORDS,
    )


def _edit(
    w: Writer,
    scope: Scope,
    actor: Actor,
    package_id: str,
    stamp: str,
    form: dict[str, str],
    places: Places,
) -> None:
    found = actions.find(w, scope, package_id)
    if str(found.updated_at) != stamp:
        raise Conflict(
            "Somebody changed this package while you were typing; your changes are not saved."
            " Here is how it stands now."
        )
    names = LATE_FIELDS if found.status == "out_for_delivery" else tuple(parcel.FIELD_WORDS)
    orders.edit(w, scope, actor, package_id, order_of(form, names), places)


def id_of(call: Call) -> str:
    package_id: str = call.path_params["id"]
    if not PACKAGE_ID.fullmatch(package_id):
        raise NotFound("There is no such package.")
    return package_id
