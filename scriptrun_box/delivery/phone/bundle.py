"""The shift as a phone shows it: the driver's routes, stops and packages, and nothing else.

All that is told of a package is its `DriverPackage`, beside it what is asked for at the door, and
keyed hashes of the codes on it. The key is new with every answer and goes to this phone alone, as a
barcode may hold an Rx number.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Any

from scriptrun_box.accounts import store as accounts
from scriptrun_box.accounts.model import Location
from scriptrun_box.delivery.cold import store as cold
from scriptrun_box.drivers import actions as drivers
from scriptrun_box.drivers.model import Driver
from scriptrun_box.kernel import clock
from scriptrun_box.kernel.db import Reader
from scriptrun_box.kernel.scope import Scope
from scriptrun_box.packages import lifecycle
from scriptrun_box.packages.model import Package
from scriptrun_box.patients.driver_view import DriverPackage, for_drivers
from scriptrun_box.routes import store as routes
from scriptrun_box.routes.model import Sheet, Visit
from scriptrun_box.routes.sheet import load

from . import store

ROUTES_MAX = 10  # planned or under way, of one driver
KEY_BYTES = 32
HASH_CHARS = 4
OPEN = ("started", "planned")

# Why a package may not leave yet, in a driver's words: what to do, never why.
GATE_WORDS = {
    "not_packed": "Not packed in its cold bag yet",
    "quarantined": "Put aside: a pharmacist decides",
    "hold_passed": "Packed too long ago: give it back",
    "not_released": "Not ready: the pharmacist has it",
    "not_handed_over": "Ask the pharmacist to hand it to you",
    "driver_not_cold_chain": "Not yours to carry: give it back",
    "driver_not_controlled": "Not yours to carry: give it back",
}


@dataclass(frozen=True, slots=True)
class _Told:
    """What one answer is made with."""

    driver: Driver
    key: bytes
    in_car: dict[str, bool]


def shift(r: Reader, scope: Scope, driver_id: str, now: int) -> dict[str, Any]:
    """Everything a driver needs today, as the phone keeps it for when there is no network.

    Who is not on shift sees no package.
    """
    driver = drivers.find(r, scope, driver_id)
    places = {place.id: place for place in accounts.locations(r, scope.tenant_id)}
    wanted = routes.Filter(statuses=OPEN, driver_id=driver_id)
    sheets = [
        load(r, scope, route)
        for route in routes.page(r, scope, wanted, None, ROUTES_MAX if driver.on_shift else 0)
        if route.status == "started"
        or route.date <= clock.local_date(now, places[route.location_id].time_zone)
    ]
    on_them = [
        package for sheet in sheets for package in sheet.packages if package.driver_id == driver_id
    ]
    in_car = store.loaded(r, driver_id, (package.id for package in on_them))
    rule = cold.rule(r, scope.tenant_id)
    told = _Told(driver, secrets.token_bytes(KEY_BYTES), in_car)
    named = {sheet.route.location_id for sheet in sheets} | {driver.profile.location_id}
    return {
        "now": now,
        "driver": {
            "id": driver.id,
            "name": driver.name,
            "on_shift": driver.on_shift,
            "online": driver.online,
            "shift_started_at": driver.shift_started_at,
        },
        "pharmacies": {
            place_id: _pharmacy(places[place_id])
            for place_id in sorted(named)
            if place_id in places
        },
        "scan_key": told.key.hex(),
        "cold": {"low": rule.low, "high": rule.high},
        "routes": [_route(sheet) for sheet in sorted(sheets, key=_first_things_first)],
        "packages": {
            package.id: _package(told, package, shown)
            for package, shown in zip(on_them, for_drivers(r, on_them), strict=True)
        },
    }


def _first_things_first(sheet: Sheet) -> tuple[bool, str, int]:
    return sheet.route.status != "started", sheet.route.date, sheet.route.seq


def _pharmacy(place: Location) -> dict[str, str]:
    return {
        "name": place.name,
        "address": place.address,
        "phone": place.phone,
        "time_zone": place.time_zone,
    }


def _route(sheet: Sheet) -> dict[str, Any]:
    route = sheet.route
    return {
        "id": route.id,
        "date": route.date,
        "status": route.status,
        "pharmacy_id": route.location_id,
        "stops": [
            _stop(sheet, visit, theirs)
            for visit in sheet.visits
            if (theirs := [p.id for p in visit.packages if p.driver_id == route.driver_id])
        ],
    }


def _stop(sheet: Sheet, visit: Visit, package_ids: list[str]) -> dict[str, Any]:
    place = visit.location
    return {
        "id": visit.stop.id,
        "address": visit.address,
        "lat": place and place.lat,
        "lng": place and place.lng,
        "approximate": visit.approximate,
        "deliver_after": sheet.due_after(visit),
        "deliver_by": sheet.due_by(visit),
        "arrives_at": visit.stop.arrives_at,
        "package_ids": package_ids,
    }


def _package(told: _Told, package: Package, shown: DriverPackage) -> dict[str, Any]:
    return {
        "id": shown.id,
        "status": shown.status,
        "name": shown.name,
        "address": shown.address,
        "phone": shown.phone,
        "notes": shown.notes,
        "instructions": shown.instructions,
        "may_receive": list(shown.may_receive),
        "leave_at_door": shown.leave_at_door,
        "priority": shown.priority,
        "sign": shown.sign or shown.check_id,
        "fridge": shown.fridge,
        "cold_until": shown.hold_until,
        "check_id": shown.check_id,
        "collect_cents": shown.collect_cents,
        "recalled": _comes_back(package),
        "gate": _gate(told.driver, package),
        "in_car": told.in_car.get(package.id),
        "scans": _hashes(told.key, package),
    }


def _comes_back(package: Package) -> bool:
    """Whether it is not delivered any more: called back, or its cold is over."""
    facts = package.facts(clock.now_ms())
    never = facts.recalled or facts.quarantined or facts.hold_passed
    return never and facts.status != "delivered"


def _gate(driver: Driver, package: Package) -> str | None:
    """What keeps a package here that waits to leave; None where nothing does."""
    if package.status != "assigned":
        return None
    facts = package.facts(
        clock.now_ms(),
        driver_cold_chain=driver.may("cold_chain"),
        driver_controlled=driver.may("controlled"),
    )
    why = lifecycle.move("start", facts)
    if not isinstance(why, lifecycle.Refused):
        return None
    return GATE_WORDS.get(why.code, "May not leave yet: ask the desk")


def _hashes(key: bytes, package: Package) -> list[str]:
    """What a scan of this package is compared with."""
    codes = [package.content.barcode]
    return [hashed(key, code) for code in codes if code]


def hashed(key: bytes, code: str) -> str:
    """A code as a phone may hold it: the first of its HMAC-SHA256, in hex.

    So little of it tells a driver's bags from each other, and from whom tries out every number
    that an Rx may have it hides the right one among a hundred others.
    """
    return hmac.new(key, code.strip().encode(), hashlib.sha256).hexdigest()[:HASH_CHARS]
