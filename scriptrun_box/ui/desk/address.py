"""One address: what was read in it, where it stands, and what the desk decides about it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from scriptrun_box.accounts.gates import form
from scriptrun_box.geocoding import actions, store
from scriptrun_box.geocoding.api import PLACE_ID
from scriptrun_box.geocoding.api import correct as correct_by_parts
from scriptrun_box.geocoding.model import REASONS, CorrectIn, PinIn, Place, Point
from scriptrun_box.geocoding.reading import street_key
from scriptrun_box.kernel.db import Reader
from scriptrun_box.kernel.errors import Conflict, Invalid, NotFound
from scriptrun_box.kernel.http import Call
from scriptrun_box.kernel.scope import Scope
from scriptrun_box.kernel.shapes import checked
from scriptrun_box.packages import doors
from scriptrun_box.packages import store as packages
from scriptrun_box.packages.api import look
from scriptrun_box.packages.model import Package
from scriptrun_box.ui import pages, queries

from .addresses import PATH, SOURCES
from .drawing import SIZE, View, first_view, svg, view_of

PACKAGES_SHOWN = 50
PARTS = ("number", "street", "unit", "extra", "town", "state", "zip")
LABELS = {
    "number": "House number",
    "street": "Street",
    "unit": "Apartment, unit",
    "extra": "Gate code",
    "town": "Town",
    "state": "State",
    "zip": "ZIP",
}
WRONG_DEGREES = "Write degrees such as 25.77713 and -80.23456."
BETTER_WORDS = {"zip": "Five digits, or nothing.", "number": "It needs a house number.",
                "street": "It needs a street."}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Whole:
    """An address with everything its page shows."""

    place: Place
    points: list[Point]
    packages: list[Package]
    count: int
    names: dict[str, str]


async def address(call: Call) -> Response:
    """GET /addresses/{id}; after a click on the drawing, with the place that was clicked."""
    return await _page(call)


async def drawing(call: Call) -> Response:
    """GET /addresses/{id}/drawing.svg: the view that is asked for."""
    place, points = await call.box.db.read(_drawn, call.whose, _id(call))
    view = view_of(call.query_params.get("at", "")) or first_view(place, points)
    if view is None:
        view = View(39.8, -98.6, 60_000)  # the middle of the country: nothing is known
    spot = view_of(f"{call.query_params.get('pin', '')},{view.width:.0f}")
    pin = (spot.lat, spot.lng) if spot else None
    return Response(svg(view, points, pin), media_type="image/svg+xml")


async def accept(call: Call) -> Response:
    """POST /addresses/{id}/accept."""
    return await _decide(call, "accept", actions.accept)


async def ask(call: Call) -> Response:
    """POST /addresses/{id}/ask."""
    return await _decide(call, "ask", actions.asked)


async def pin(call: Call) -> Response:
    """POST /addresses/{id}/pin."""
    filled = form(call)
    try:
        given = {name: float(filled.get(name, "").strip()) for name in ("lat", "lng")}
        wish = checked(PinIn, given)
    except (ValueError, Invalid):
        return await _page(call, 400, wrong={"lat": WRONG_DEGREES}, filled=filled)
    return await _decide(call, "pin", actions.pin, wish.lat, wish.lng)


async def correct(call: Call) -> Response:
    """POST /addresses/{id}/correct."""
    filled = form(call)
    call.box.disk.check()
    try:
        parts = {name: filled.get(name, "").strip() for name in PARTS}
        wish = checked(CorrectIn, {**parts, "version": _stamp(call)})
        await correct_by_parts(call, call.whose, _id(call), wish)
    except Invalid as refusal:
        wrong = {str(item["field"]): _words(item) for item in refusal.details}
        return await _page(call, 400, wrong=wrong, filled=filled)
    except Conflict as refusal:
        return await _page(call, 409, problem=refusal.sentence)
    return pages.redirect(f"{PATH}?done=correct")


async def _decide(call: Call, word: str, act: Callable[..., Place], *given: Any) -> Response:
    """Do it and go back to the list; where it cannot be done, the page says why."""
    whose, actor, place_id, version = call.whose, call.caller.actor, _id(call), _stamp(call)
    call.box.disk.check()
    try:
        await call.box.db.write(lambda w: act(w, whose, actor, place_id, *given, version))
    except Conflict as refusal:
        return await _page(call, 409, problem=refusal.sentence)
    return pages.redirect(f"{PATH}?done={word}")


async def _page(
    call: Call,
    status: int = 200,
    *,
    wrong: dict[str, str] | None = None,
    filled: dict[str, str] | None = None,
    problem: str = "",
) -> Response:
    whole = await call.box.db.read(_whole, call.whose, _id(call))
    look(call, "address.read", whole.place.id)
    view = view_of(call.query_params.get("at", "")) or first_view(whole.place, whole.points)
    spot, stands = _clicked(call, view), whole.place.location
    at = spot or (stands and (stands.lat, stands.lng))
    is_rough = stands is not None and stands.confidence == "approximate"
    return await pages.render(
        call,
        "desk/address.html",
        status,
        whole=whole,
        place=whole.place,
        view=view,
        size=SIZE,
        spot=spot,
        at=at,
        typed=None if is_rough and not spot else at,  # nobody pins the middle of a ZIP by accident
        reasons=REASONS,
        sources=SOURCES,
        labels=LABELS,
        form=filled or {},
        wrong=wrong or {},
        problem=problem,
    )


def _clicked(call: Call, view: View | None) -> tuple[float, float] | None:
    """The place of a click on the drawing; without a mouse its button sends 0, 0."""
    x, y = (call.query_params.get(f"spot.{axis}", "") for axis in "xy")
    if view is None or not (x.isdecimal() and y.isdecimal() and len(x) + len(y) <= 8):
        return None
    return view.point(int(x), int(y)) if (int(x), int(y)) != (0, 0) else None


def _whole(r: Reader, scope: Scope, place_id: str) -> Whole:
    place, points = _drawn(r, scope, place_id)
    ids = doors.at(r, scope, place.door)
    found = [packages.get(r, scope, each) for each in ids[:PACKAGES_SHOWN]]
    names = queries.actor_names(r, scope.tenant_id, [place.decided_by or "box"])
    return Whole(place, points, [each for each in found if each], len(ids), names)


def _drawn(r: Reader, scope: Scope, place_id: str) -> tuple[Place, list[Point]]:
    place = actions.find(r, scope, place_id)
    street = street_key(place.parts.street)
    return place, store.points_along(r, street, place.parts.zip) if street else []


def _id(call: Call) -> str:
    """The id in the path; what cannot be one is nobody's."""
    place_id: str = call.path_params["id"]
    if not PLACE_ID.fullmatch(place_id):
        raise NotFound("There is no such address.")
    return place_id


def _stamp(call: Call) -> int:
    text = form(call).get("stamp", "")
    return int(text) if text.isdecimal() and len(text) < 10 else 0


def _words(item: Mapping[str, Any]) -> str:
    if item["code"] in ("too_short", "bad_format"):
        return BETTER_WORDS.get(str(item["field"]), str(item["message"]))
    return str(item["message"])
