"""What a phone may tell: each kind of act, what it has to say, and what it does.

A slice that knows of another kind of act (a temperature, a hand-over) puts a line into `KINDS`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from scriptrun_box.delivery import door
from scriptrun_box.delivery.cold import readings
from scriptrun_box.delivery.model import (
    AtTheDoor,
    Handed,
    Identification,
    Payment,
    Recipient,
    Signature,
    Stood,
)
from scriptrun_box.drivers import actions as drivers
from scriptrun_box.drivers import notes
from scriptrun_box.kernel import audit
from scriptrun_box.kernel.clock import SECOND_MS
from scriptrun_box.kernel.db import Writer
from scriptrun_box.kernel.errors import Conflict, NotFound, Refusal
from scriptrun_box.kernel.links import Links
from scriptrun_box.kernel.scope import Actor, Scope
from scriptrun_box.packages import actions as packages
from scriptrun_box.packages import store as package_store
from scriptrun_box.routes import actions as routes
from scriptrun_box.routes import store as route_store
from scriptrun_box.routes.model import Route
from scriptrun_box.routes.sheet import whole

from . import model, store
from .model import ActIn, DeliverIn, DoorIn, Phone, RecipientIn

CLOCK_TOLERATED_MS = 30 * SECOND_MS  # the way to the box takes some of it
NOT_THERE = "Not there when I loaded the car."


@dataclass(frozen=True, slots=True)
class Context:
    """Who tells acts, by which clock, and what the box needs to take them."""

    scope: Scope
    phone: Phone
    ahead_ms: int  # of the phone's clock
    received_at: int
    links: Links
    whole_ids: bool  # the file is encrypted: ID numbers may be kept

    @property
    def actor(self) -> Actor:
        return Actor.driver(self.phone.driver_id)

    @property
    def driver_id(self) -> str:
        return self.phone.driver_id

    def moment(self, device_at: int) -> int:
        """When something was done, by the box's clock, and never later than it was told."""
        wrong = self.ahead_ms if abs(self.ahead_ms) > CLOCK_TOLERATED_MS else 0
        return min(device_at - wrong, self.received_at)


Details = tuple[Mapping[str, str], ...]  # of each package that stays as it was: why
Run = Callable[[Writer, Context, Any, Signature | None], Details]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of act: what it has to say, and what it does."""

    shape: type[ActIn]
    run: Run
    kept: bool = True  # its row; without one it may be told again without harm


def package_ids_of(act: ActIn) -> list[str]:
    """The packages an act is about."""
    if isinstance(act, DoorIn | model.LoadIn):
        return act.package_ids
    if isinstance(act, model.NoteIn) and act.package_id is not None:
        return [act.package_id]
    return []


def _shift(on: bool) -> Run:
    def run(w: Writer, context: Context, act: ActIn, drawn: Signature | None) -> Details:
        drivers.set_shift(w, context.scope, context.actor, context.driver_id, on)
        return ()

    return run


def _online(online: bool) -> Run:
    def run(w: Writer, context: Context, act: ActIn, drawn: Signature | None) -> Details:
        drivers.set_online(w, context.scope, context.actor, context.driver_id, online)
        store.delete_silence(w, context.driver_id)  # from now on it is the driver's own word
        return ()

    return run


def _load(w: Writer, context: Context, act: model.LoadIn, drawn: Signature | None) -> Details:
    for package_id in act.package_ids:
        need_theirs(w, context, package_id)
    at = context.moment(act.at)
    store.set_loaded(w, context.driver_id, act.package_ids, at, act.missing)
    for package_id in act.package_ids:
        step = "package.missing_at_load" if act.missing else "package.loaded"
        audit.record(w, context.scope.tenant_id, context.actor, step, package_id)
        if act.missing:
            notes.send(w, context.scope, context.actor, context.driver_id, package_id, NOT_THERE)
    return ()


def _start(w: Writer, context: Context, act: model.RouteIn, drawn: Signature | None) -> Details:
    route = _route(w, context, act.route_id)
    waiting = [
        package.id
        for package in whole(w, context.scope, route).packages
        if package.status == "assigned"
    ]
    in_car = store.loaded(w, context.driver_id, waiting)
    left = [package_id for package_id in waiting if not in_car.get(package_id)]
    if route.status == "planned" and left:
        many = "One package is" if len(left) == 1 else f"{len(left)} packages are"
        sentence = "Not scanned into the car yet."
        raise Conflict(
            f"{many} not in the car; nothing was started.",
            code="not_loaded",
            details=[
                {"package_id": each, "code": "not_loaded", "message": sentence} for each in left
            ],
        )
    routes.start(w, context.scope, context.actor, route.id)
    return ()


def _finish(w: Writer, context: Context, act: model.RouteIn, drawn: Signature | None) -> Details:
    route = _route(w, context, act.route_id)
    routes.finish(w, context.scope, context.actor, route.id)
    return ()


def _send_note(w: Writer, context: Context, act: model.NoteIn, drawn: Signature | None) -> Details:
    if act.package_id is not None:
        need_theirs(w, context, act.package_id)
    notes.send(w, context.scope, context.actor, context.driver_id, act.package_id, act.text)
    return ()


def _position(
    w: Writer, context: Context, act: model.PositionIn, drawn: Signature | None
) -> Details:
    at = context.moment(act.at)
    store.set_place(w, context.scope.tenant_id, context.driver_id, at, act.place)
    return ()


def _deliver(w: Writer, context: Context, act: DeliverIn, drawn: Signature | None) -> Details:
    _read_cold(w, context, act)
    outcomes = door.deliver(
        w,
        context.scope,
        context.actor,
        act.package_ids,
        _at_the_door(context, act),
        Handed(act.how, _recipient(act.recipient), drawn, act.no_signature),
        {
            package_id: [Payment(**each.model_dump()) for each in paid]
            for package_id, paid in act.payments.items()
        },
        context.links,
        whole_ids=context.whole_ids,
    )
    return _stayed(outcomes)


def _recipient(given: RecipientIn | None) -> Recipient | None:
    if given is None:
        return None
    shown = given.identification
    if shown is None:
        return Recipient(given.name, given.relation)
    document = Identification(shown.kind, shown.jurisdiction, shown.number)
    return Recipient(given.name, given.relation, document)


def _fail(w: Writer, context: Context, act: model.FailIn, drawn: Signature | None) -> Details:
    _read_cold(w, context, act)
    at = _at_the_door(context, act)
    scope, actor, links = context.scope, context.actor, context.links
    return _stayed(door.fail(w, scope, actor, act.package_ids, at, act.reason, links))


def _read_cold(w: Writer, context: Context, act: DoorIn) -> None:
    """Store what was read of cold packages; before all else, as it may forbid handing them over."""
    for package_id in act.package_ids:
        shown = act.readings.get(package_id)
        package = None if shown is None else package_store.get(w, context.scope, package_id)
        if shown is None or package is None or not package.content.cold_chain:
            continue
        if package.status == "out_for_delivery" and package.driver_id == context.driver_id:
            readings.reading_at_door(
                w,
                context.scope,
                context.actor,
                package_id,
                context.moment(act.at),
                shown.celsius,
                shown.indicator,
            )


def _at_the_door(context: Context, act: DoorIn) -> AtTheDoor:
    place = act.place
    return AtTheDoor(
        id=act.id,
        driver_id=context.driver_id,
        acted_at=context.moment(act.at),
        device_at=act.at,
        received_at=context.received_at,
        place=None if place is None else Stood(place.lat, place.lng, place.accuracy_m),
        no_place=act.no_place,
        photo=act.photo,
        no_photo=act.no_photo,
        note=act.note,
    )


def _stayed(outcomes: door.Outcomes) -> Details:
    """What of an act at a door could not be, by package."""
    return tuple(
        {"package_id": package_id, "code": each.code, "sentence": each.sentence}
        for package_id, each in outcomes.items()
        if isinstance(each, Refusal)
    )


def need_theirs(w: Writer, context: Context, package_id: str) -> None:
    """Raise NotFound for a package of somebody else: to this driver there is none."""
    if packages.find(w, context.scope, package_id).driver_id != context.driver_id:
        raise NotFound("This package is not with you.", code="not_this_driver")


def _route(w: Writer, context: Context, route_id: str) -> Route:
    route = route_store.get(w, context.scope, route_id)
    if route is None or route.driver_id != context.driver_id:
        raise NotFound("This route is not yours.", code="not_found")
    return route


KINDS: Mapping[str, Kind] = {
    "shift_start": Kind(ActIn, _shift(True)),
    "shift_end": Kind(ActIn, _shift(False)),
    "online": Kind(ActIn, _online(True)),
    "offline": Kind(ActIn, _online(False)),
    "load": Kind(model.LoadIn, _load),
    "start": Kind(model.RouteIn, _start),
    "deliver": Kind(DeliverIn, _deliver),
    "fail": Kind(model.FailIn, _fail),
    "note": Kind(model.NoteIn, _send_note),
    "finish": Kind(model.RouteIn, _finish),
    "position": Kind(model.PositionIn, _position, kept=False),  # only the last one counts
}
