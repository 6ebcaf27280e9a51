"""What can be done with drivers: take on, change, let go, start and end shifts, on and offline."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

from scriptrun_box.accounts import store as accounts
from scriptrun_box.kernel import audit, ids, outbox
from scriptrun_box.kernel.db import Reader, Signal, Writer
from scriptrun_box.kernel.errors import Conflict, Invalid, NotFound
from scriptrun_box.kernel.scope import Actor, Scope
from scriptrun_box.kernel.texts import clean
from scriptrun_box.kernel.texts import phone as e164
from scriptrun_box.packages import store as packages
from scriptrun_box.packages.store import Carried

from . import events, store
from .model import CAPABILITIES, Driver, Profile

CHANGED = "drivers"
ACTIVE_MAX = 500  # for each of a tenant's live side and its sandbox
NEW = Profile("", None, "employee", None, None, (), "")


def create(w: Writer, scope: Scope, actor: Actor, given: Mapping[str, Any]) -> Driver:
    """Take a driver on, off shift; `given` are checked fields of `DriverIn`."""
    if store.count(w, replace(scope, location_id=None), store.Filter(active=True)) >= ACTIVE_MAX:
        raise Conflict(f"There are {ACTIVE_MAX} drivers already.", code="too_many_drivers")
    made = Driver(
        seq=0,
        id=ids.prefixed("drv"),
        tenant_id=scope.tenant_id,
        test=scope.test,
        profile=_profile(w, scope, NEW, {"pharmacy_id": None, **given}),
        shift_started_at=None,
        online=False,
        status_changed_at=None,
        left_at=None,
        route_id=None,
        version=1,
        created_at=w.now,
        created_by=actor.id,
        updated_at=w.now,
    )
    store.insert(w, made)
    _note(w, scope, actor, made, "created")
    return find(w, scope, made.id)


def find(r: Reader, scope: Scope, driver_id: str) -> Driver:
    """The driver, or NotFound: another tenant's is as unknown as one that never was."""
    driver = store.get(r, scope, driver_id)
    if driver is None:
        raise NotFound("There is no such driver.")
    return driver


def change(
    w: Writer,
    scope: Scope,
    actor: Actor,
    driver_id: str,
    given: Mapping[str, Any],
    version: int | None = None,
) -> Driver:
    """Change checked fields of `DriverIn`, and `active`: whether they drive here at all.

    `version` is the one that was seen; without it the change goes by what is there.
    """
    driver = find(w, scope, driver_id)
    if version is not None and version != driver.version:
        raise Conflict(
            "Somebody else changed this driver meanwhile; nothing was saved.",
            details=[{"version": driver.version}],
        )
    profile = _profile(w, scope, driver.profile, given)
    fields = [
        name
        for name in Profile.__dataclass_fields__
        if getattr(profile, name) != getattr(driver.profile, name)
    ]
    if fields:
        _need_not_in_use(w, driver, profile)
        _need(store.set_profile(w, driver, profile))
        _note(w, scope, actor, driver, "changed", fields=fields)
    if "active" in given:
        return _set_active(w, scope, actor, find(w, scope, driver_id), given["active"])
    return find(w, scope, driver_id)


def set_shift(w: Writer, scope: Scope, actor: Actor, driver_id: str, on: bool) -> Driver:
    """Start or end a shift. Whoever starts is online, whoever ends offline; again is nothing."""
    driver = find(w, scope, driver_id)
    if driver.on_shift == on:
        return driver
    if not driver.active:
        raise Conflict("This driver has left; take them on again first.", code="driver_left")
    return _set_state(
        w,
        scope,
        actor,
        driver,
        shift_started_at=w.now if on else None,
        online=on,
        shift="started" if on else "ended",
    )


def set_online(w: Writer, scope: Scope, actor: Actor, driver_id: str, online: bool) -> Driver:
    """Say that a driver on shift is online or offline; again is nothing."""
    driver = find(w, scope, driver_id)
    if driver.online == online:
        return driver
    if not driver.on_shift:
        raise Conflict("Start this driver's shift first.", code="not_on_shift")
    since = driver.shift_started_at
    return _set_state(w, scope, actor, driver, shift_started_at=since, online=online)


def set_route(w: Writer, driver: Driver, route_id: str | None) -> None:
    """Say which route a driver is out with, or none; the route keeps who did it and when."""
    _need(store.set_route(w, driver, route_id))
    w.after_commit(Signal(CHANGED, driver.tenant_id, driver.test, (driver.id,)))


def carried_by(r: Reader, scope: Scope, driver_id: str) -> Carried:
    """What a driver has right now."""
    return packages.carried(r, scope, [driver_id]).get(driver_id, Carried())


def _set_active(w: Writer, scope: Scope, actor: Actor, driver: Driver, active: bool) -> Driver:
    if driver.active == active:
        return driver
    if not active:
        _need_not_under_way(driver)
        _need_empty_hands(w, scope, driver)
        driver = set_shift(w, scope, actor, driver.id, False)
    _need(store.set_left(w, driver, None if active else w.now))
    _note(w, scope, actor, driver, "came_back" if active else "left")
    return find(w, scope, driver.id)


def _need_not_under_way(driver: Driver) -> None:
    if driver.route_id is not None:
        raise Conflict(
            "This driver is out on a route; finish it first.",
            code="driver_under_way",
            details=[{"route_id": driver.route_id}],
        )


def _need_empty_hands(r: Reader, scope: Scope, driver: Driver) -> None:
    """Whoever leaves hands over first what they have, of every location."""
    has = carried_by(r, replace(scope, location_id=None), driver.id)
    count = has.assigned + has.out
    if count:
        raise Conflict(
            f"This driver still has {count} package{'' if count == 1 else 's'};"
            " give them to somebody else first.",
            code="driver_has_packages",
            details=[{"assigned": has.assigned, "out_for_delivery": has.out}],
        )


def _need_not_in_use(r: Reader, driver: Driver, profile: Profile) -> None:
    """Nobody loses the leave to carry what is in their hands."""
    cold, controlled = packages.carried_needs(r, driver.tenant_id, driver.id)
    for name, needed in (("cold_chain", cold), ("controlled", controlled)):
        lost = name in driver.profile.capabilities and name not in profile.capabilities
        if needed and lost:
            raise Conflict(
                "This driver has packages that need it; give them to somebody else first.",
                code="driver_has_packages",
                details=[{"capability": name}],
            )


def _set_state(
    w: Writer,
    scope: Scope,
    actor: Actor,
    driver: Driver,
    *,
    shift_started_at: int | None,
    online: bool,
    shift: Literal["started", "ended"] | None = None,
) -> Driver:
    _need(store.set_state(w, driver, shift_started_at=shift_started_at, online=online))
    now = find(w, scope, driver.id)
    data = events.status_changed(driver, now, shift)
    outbox.append(w, scope, "driver.status_changed", driver.id, data)
    _note(w, scope, actor, driver, "status_changed", status=now.status, shift=shift)
    return now


def _profile(r: Reader, scope: Scope, was: Profile, given: Mapping[str, Any]) -> Profile:
    """A profile with the given fields in the place of its own; raises Invalid."""
    changed: dict[str, Any] = {
        name: given[name] for name in ("employment", "capacity") if name in given
    }
    for name in ("name", "vehicle"):
        if name in given:
            changed[name] = _text(name, given[name])
    if "phone" in given:
        changed["phone"] = _phone(given["phone"])
    if "capabilities" in given:
        named = given["capabilities"]
        changed["capabilities"] = tuple(each for each in CAPABILITIES if each in named)
    if "pharmacy_id" in given:
        changed["location_id"] = _location(r, scope, given["pharmacy_id"])
    return replace(was, **changed)


def _text(field: str, text: str | None) -> str | None:
    made = clean(text or "")
    if made is None:
        raise invalid(field, "bad_characters", f"{field} has characters that cannot be shown.")
    if field == "name" and not made[0]:
        raise invalid(field, "too_short", "A driver needs a name.")
    return made[0] or None


def _phone(text: str | None) -> str | None:
    if text is None:
        return None
    made = e164(text.strip())
    if made is None:
        raise invalid("phone", "bad_format", "phone must be in E.164 (+1…).")
    return made[0]


def _location(r: Reader, scope: Scope, location_id: str | None) -> str:
    """The home a caller names, or their first; only of those they may name."""
    known = [
        place.id
        for place in accounts.locations(r, scope.tenant_id)
        if scope.location_id in (None, place.id)
    ]
    if location_id is None:
        return known[0]
    if location_id not in known:
        raise invalid("pharmacy_id", "unknown_location", "There is no such location.")
    return location_id


def invalid(field: str, code: str, message: str) -> Invalid:
    """A refusal about one field."""
    return Invalid(message, details=[{"field": field, "code": code, "message": message}])


def _need(written: bool) -> None:
    if not written:
        raise Conflict("Somebody else was faster; look again.", code="conflict")


def _note(w: Writer, scope: Scope, actor: Actor, driver: Driver, act: str, **detail: Any) -> None:
    audit.record(w, scope.tenant_id, actor, f"driver.{act}", driver.id, **detail)
    w.after_commit(Signal(CHANGED, scope.tenant_id, scope.test, (driver.id,)))
