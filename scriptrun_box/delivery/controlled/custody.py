"""The chain of hands: two people for every step, one holder at any time, and never a gap.

`hand_over` is the one way out and `take_back` the one way back. Each party says how they showed who
they are; at the desk that is the pharmacist's session and the driver's PIN, over the API password
and PIN.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from scriptrun_box.drivers import actions as drivers
from scriptrun_box.drivers import store as driver_store
from scriptrun_box.drivers.model import Driver
from scriptrun_box.kernel import audit
from scriptrun_box.kernel.db import Reader, Writer
from scriptrun_box.kernel.errors import Conflict
from scriptrun_box.kernel.scope import Scope
from scriptrun_box.packages import actions as packages
from scriptrun_box.packages.model import Package

from . import people, store
from .model import AT_ONCE_MAX, NOBODY, Check, Party, Transfer
from .words import conflict, invalid, said, seal_of, spelled, tell

MADE_UP = "made_up"


def hand_over(
    w: Writer,
    scope: Scope,
    giver: Party,
    taker: Party,
    package_ids: Sequence[str],
    seals: Mapping[str, str],
) -> list[Package]:
    """A pharmacist gives sealed packages to the driver they are assigned to: all of them, or none.

    `seals` is the serial read from each bag, by package. From here on the packages may leave.
    """
    people.need_pharmacist(w, scope, giver)
    driver = _driver(w, scope, people.driver_of(taker))
    wanted = list(dict.fromkeys(package_ids))
    if not 0 < len(wanted) <= AT_ONCE_MAX:
        raise invalid("packages", "too_long", f"1 to {AT_ONCE_MAX} packages at a time.")
    return [
        _give(w, scope, giver, taker, driver, package_id, seals.get(package_id, ""))
        for package_id in wanted
    ]


def take_back(
    w: Writer, scope: Scope, giver: Party, taker: Party, checks: Mapping[str, Check]
) -> list[Package]:
    """A driver gives packages back to a pharmacist, who looks at the seal and counts.

    Before it left it stays assigned, and needs a new hand-over; after that a pharmacist decides
    what becomes of it. A broken seal or a wrong count ends its release.
    """
    people.need_pharmacist(w, scope, taker)
    driver_id = people.driver_of(giver)
    return [
        _take(w, scope, giver, taker, driver_id, package_id, check)
        for package_id, check in checks.items()
    ]


def lose(w: Writer, scope: Scope, pharmacist: Party, package: Package, note: str) -> None:
    """What is gone for good is in nobody's hands; its incident says the rest."""
    gone = Check("", intact=False, count_ok=False, note=note)
    giver = Party(f"driver:{package.driver_id}", "absent")
    add(w, scope, package, "lost", giver, Party(NOBODY, pharmacist.id), gone)
    packages.drop_gates(w, scope, pharmacist.actor, package, ["handed_over_at"])


def holder(chain: Sequence[Transfer], status: str) -> str:
    """Who has a package by its chain: pharmacy, driver:…, recipient or nobody."""
    if not chain or chain[-1].kind == "back":
        return "pharmacy"
    if chain[-1].kind == "lost":
        return NOBODY
    return "recipient" if status == "delivered" else chain[-1].taker


def _give(
    w: Writer, scope: Scope, giver: Party, taker: Party, driver: Driver, package_id: str, seal: str
) -> Package:
    package = packages.find(w, scope, package_id)
    _need_ready(package, driver)
    released = store.release(w, package_id)
    if released is None or spelled(seal) != released.seal:
        raise conflict("seal_mismatch", "This is not the seal it was released with.", package)
    whole = Check(released.seal, intact=True, count_ok=True)
    add(w, scope, package, "out", giver, taker, whole)
    packages.set_gates(w, scope, giver.actor, package, ["handed_over_at"])
    return packages.find(w, scope, package_id)


def _take(
    w: Writer,
    scope: Scope,
    giver: Party,
    taker: Party,
    driver_id: str,
    package_id: str,
    check: Check,
) -> Package:
    package = packages.find(w, scope, package_id)
    if package.handed_over_at is None or package.driver_id != driver_id:
        raise conflict("not_in_custody", "This driver does not have this package.", package)
    on_its_way = package.status == "out_for_delivery" and package.recalled_at is None
    if package.status == "delivered" or on_its_way:
        raise conflict(
            "take_back_not_allowed", "First it is failed or recalled: it is on its way.", package
        )
    released = store.release(w, package_id)
    seen = replace(
        check,
        seal=seal_of(check.seal) if check.seal.strip() else "",
        note=said(check.note),
    )
    if released is not None and seen.seal != released.seal:
        seen = replace(seen, intact=False)
    add(w, scope, package, "back", giver, taker, seen)
    gates = ["handed_over_at"]
    if released is not None and not (seen.intact and seen.count_ok):
        store.end_release(w, released)
        gates.append("released_at")
    packages.drop_gates(w, scope, taker.actor, package, gates)
    return packages.find(w, scope, package_id)


def add(
    w: Writer,
    scope: Scope,
    package: Package,
    kind: str,
    giver: Party,
    taker: Party,
    check: Check,
) -> None:
    """Add a row to the chain, with its word in the audit."""
    driver = driver_store.get(w, replace(scope, location_id=None), package.driver_id or "")
    made = Transfer(
        seq=0,
        package_id=package.id,
        location_id=package.content.location_id,
        kind=kind,
        driver_id=package.driver_id or "",
        employment=driver.profile.employment if driver else MADE_UP,
        giver=giver.id,
        giver_by=giver.by,
        taker=taker.id,
        taker_by=taker.by,
        seal=check.seal,
        seal_intact=check.intact,
        count_ok=check.count_ok,
        status=package.status,
        note=check.note,
        at=w.now,
    )
    store.add_transfer(w, scope, made)
    actor = taker.actor if kind == "back" else giver.actor
    audit.record(
        w,
        scope.tenant_id,
        actor,
        f"controlled.{kind}",
        package.id,
        giver=giver.id,
        giver_by=giver.by,
        taker=taker.id,
        taker_by=taker.by,
        seal=check.seal,
        intact=check.intact,
        count_ok=check.count_ok,
    )
    tell(w, scope, package.id)


def _driver(r: Reader, scope: Scope, driver_id: str) -> Driver:
    driver = drivers.find(r, replace(scope, location_id=None), driver_id)
    if not driver.active:
        raise Conflict("This driver has left.", code="driver_left")
    return driver


def _need_ready(package: Package, driver: Driver) -> None:
    if not package.content.controlled_substance:
        raise conflict("not_controlled", "This is no controlled package.", package)
    if package.status != "assigned" or package.driver_id != driver.id:
        raise conflict("not_assigned", "It is not assigned to this driver.", package)
    if package.released_at is None:
        raise conflict("not_released", "A pharmacist has not released it yet.", package)
    if package.handed_over_at is not None:
        raise conflict("already_handed_over", "It is handed over already.", package)
