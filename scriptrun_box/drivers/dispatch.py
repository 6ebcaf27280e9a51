"""Giving a package to a driver: only to who may carry it, and never over somebody else's choice."""

from scriptrun_box.kernel.db import Writer
from scriptrun_box.kernel.errors import Conflict
from scriptrun_box.kernel.scope import Actor, Scope
from scriptrun_box.packages import actions as packages
from scriptrun_box.packages.model import Package
from scriptrun_box.packages.seen import Seen, need_as_seen

from . import store
from .actions import invalid
from .model import Driver


def assign(
    w: Writer, scope: Scope, actor: Actor, package_id: str, driver_id: str, seen: Seen | None
) -> Package:
    """Give a package to a driver, or in one step from another one to them.

    It stays as it is where they have it already. `seen` is how the package stood when somebody
    decided this: if that is no longer so, the answer is a Conflict that names who was faster.
    """
    package = packages.find(w, scope, package_id)
    driver = store.get(w, scope, driver_id)
    if driver is None:
        raise invalid("driver_id", "unknown_driver", "There is no such driver.")
    if (package.status, package.driver_id) == ("assigned", driver.id):
        return package
    need_as_seen(w, package, seen, standing(w, package))
    if not driver.active:
        raise Conflict("This driver has left.", code="driver_left")
    return _move(w, scope, actor, package, "assign", driver)


def pass_on(w: Writer, scope: Scope, actor: Actor, package: Package, driver: Driver) -> Package:
    """Another driver takes a package over that is out already."""
    return _move(w, scope, actor, package, "pass_on", driver)


def _move(
    w: Writer, scope: Scope, actor: Actor, package: Package, act: str, driver: Driver
) -> Package:
    detail = {"driver_id": driver.id}
    if package.driver_id is not None:
        detail["from_driver_id"] = package.driver_id
    return packages.move_on(
        w,
        scope,
        actor,
        package.id,
        act,
        detail=detail,
        driver_cold_chain=driver.may("cold_chain"),
        driver_controlled=driver.may("controlled"),
        driver_id=driver.id,
    )


def standing(w: Writer, package: Package) -> str:
    """How a package stands, with the name of who has it."""
    if package.status != "assigned" or package.driver_id is None:
        return ""
    names = store.names(w, package.tenant_id, [package.driver_id])
    return f"assigned to {names.get(package.driver_id, 'a driver')}"
