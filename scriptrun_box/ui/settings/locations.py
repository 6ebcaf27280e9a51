"""Settings → Locations: the places orders go out from; their ids are the pharmacy_id of orders."""

from collections.abc import Mapping
from zoneinfo import available_timezones

from starlette.responses import Response

from scriptrun_box.accounts import actions, plans, store
from scriptrun_box.accounts.gates import form, person_of_call
from scriptrun_box.kernel.errors import Forbidden, Invalid
from scriptrun_box.kernel.http import Call
from scriptrun_box.ui import pages

PATH = "/settings/locations"
FIELDS = ("name", "address", "phone", "time_zone")
DONE = {"added": "The location is there.", "changed": "Saved."}


async def locations(call: Call) -> Response:
    """GET /settings/locations."""
    return await _page(call)


async def add(call: Call) -> Response:
    """POST /settings/locations."""
    person, given = person_of_call(call), _given(call)
    try:
        await call.box.db.write(
            actions.add_another_location,
            person.tenant,
            person.actor,
            call.box.settings.plans,
            **given,
        )
    except Invalid as refusal:
        return await _page(call, refusal.status, wrong=_wrong(refusal), filled=given)
    except Forbidden as refusal:
        return await _page(call, refusal.status, problem=refusal.sentence, filled=given)
    return pages.redirect(f"{PATH}?done=added")


async def change(call: Call) -> Response:
    """POST /settings/locations/{id}."""
    person, given = person_of_call(call), _given(call)
    location_id = call.path_params["id"]
    try:
        await call.box.db.write(
            actions.change_location, person.tenant.id, person.actor, location_id, **given
        )
    except Invalid as refusal:
        sentence = refusal.details[0]["message"] if refusal.details else refusal.sentence
        return await _page(call, refusal.status, problem=sentence)
    return pages.redirect(f"{PATH}?done=changed")


async def back(call: Call) -> Response:
    """GET where a form was posted: to the page itself."""
    return pages.redirect(PATH)


def _given(call: Call) -> dict[str, str]:
    filled = form(call)
    return {name: filled.get(name, "") for name in FIELDS}


def _wrong(refusal: Invalid) -> dict[str, str]:
    return {item["field"]: item["message"] for item in refusal.details}


async def _page(
    call: Call,
    status: int = 200,
    *,
    wrong: Mapping[str, str] | None = None,
    filled: Mapping[str, str] | None = None,
    problem: str = "",
) -> Response:
    person = person_of_call(call)
    places = await call.box.db.read(store.locations, person.tenant.id)
    plan = plans.plan_of(call.box.settings.plans, person.tenant)
    return await pages.render(
        call,
        "settings/locations.html",
        status,
        places=places,
        may_change=person.user.role == "owner",
        may_add="locations" in plan.features,
        plan=person.tenant.plan,
        zones=sorted(zone for zone in available_timezones() if "/" in zone),
        wrong=wrong or {},
        filled=filled or {"time_zone": places[0].time_zone},
        problem=problem,
        notice=pages.done(call, DONE),
    )
