"""Controlled packages, their drivers and their people, for the tests of custody."""

import itertools
from typing import Any

from scriptrun_box.accounts import actions as accounts
from scriptrun_box.accounts import store as account_store
from scriptrun_box.delivery import sandbox
from scriptrun_box.delivery.controlled.custody import hand_over, take_back
from scriptrun_box.delivery.controlled.model import Check, Party
from scriptrun_box.delivery.controlled.release import release
from scriptrun_box.drivers import actions as drivers
from scriptrun_box.drivers import dispatch
from scriptrun_box.kernel.db import Reader, Writer
from scriptrun_box.kernel.links import Links
from scriptrun_box.kernel.scope import CLI, Scope
from scriptrun_box.orders.reading import Places, read_order
from scriptrun_box.packages import actions as packages
from scriptrun_box.packages.model import Package
from tests.world import ORDER, World

NUMBERS = itertools.count(1)
LINKS = Links("http://127.0.0.1:8787", "secret of the tests")


def pharmacist(world: World) -> Party:
    """The pharmacist, signed in."""
    return Party(f"user:{world.pharmacist.id}", "session")


def owner(world: World) -> Party:
    """The owner, by password."""
    return Party(f"user:{world.owner.id}", "password")


def teammate(world: World) -> Party:
    """A dispatcher, by password."""
    return Party(f"user:{world.teammate.id}", "password")


def new_driver(w: Writer, scope: Scope, employment: str = "employee") -> Party:
    """A driver who may carry everything, by PIN."""
    given = {
        "name": f"Luis {next(NUMBERS)}",
        "capabilities": ["controlled", "cold_chain"],
        "employment": employment,
    }
    return Party(f"driver:{drivers.create(w, scope, CLI, given).id}", "pin")


def driver_id(party: Party) -> str:
    return party.id.removeprefix("driver:")


def parcel(w: Writer, scope: Scope, schedule: str | None = "IV", **more: Any) -> str:
    """A new controlled package."""
    places = Places(account_store.locations(w, scope.tenant_id))
    order = {**ORDER, "patient_name": f"Maria {next(NUMBERS)}", "controlled_substance": True}
    order |= {"copay_amount": None, "rx_number": f"RX-{next(NUMBERS)}", **more}
    if schedule:
        order["dea_schedule"] = schedule
    content, _, _ = read_order(order, places, w.now)
    assert content is not None
    return packages.create_many(w, scope, CLI, "api", [content])[0].package_id


def new_seal() -> str:
    return f"TB-{next(NUMBERS):06}"


def released(w: Writer, scope: Scope, by: Party, driver: Party, **more: Any) -> tuple[str, str]:
    """(package, seal) of one that is assigned and released."""
    package_id, seal = parcel(w, scope, **more), new_seal()
    dispatch.assign(w, scope, CLI, package_id, driver_id(driver), None)
    release(w, scope, by, package_id, seal)
    return package_id, seal


def given(w: Writer, scope: Scope, by: Party, driver: Party, **more: Any) -> tuple[str, str]:
    """The same, handed over."""
    package_id, seal = released(w, scope, by, driver, **more)
    hand_over(w, scope, by, driver, [package_id], {package_id: seal})
    return package_id, seal


def failed(w: Writer, scope: Scope, by: Party, driver: Party, **more: Any) -> tuple[str, str]:
    """The same, out and not delivered."""
    package_id, seal = given(w, scope, by, driver, **more)
    packages.move_on(w, scope, CLI, package_id, "start")
    sandbox.make_up(w, scope, CLI, package_id, "fail", "no_id", LINKS)
    return package_id, seal


def back(w: Writer, scope: Scope, by: Party, driver: Party, **more: Any) -> tuple[str, str]:
    """The same, in the pharmacist's hands again, whole."""
    package_id, seal = failed(w, scope, by, driver, **more)
    take_back(w, scope, driver, by, {package_id: Check(seal, intact=True, count_ok=True)})
    return package_id, seal


def find(r: Reader, scope: Scope, package_id: str) -> Package:
    return packages.find(r, scope, package_id)


def move_to(w: Writer, world: World, address: str) -> None:
    """Say where the pharmacy is: its state's rule follows."""
    place = world.pharmacy.location
    accounts.change_location(
        w,
        world.pharmacy.tenant.id,
        CLI,
        place.id,
        name=place.name,
        address=address,
        time_zone=place.time_zone,
    )
