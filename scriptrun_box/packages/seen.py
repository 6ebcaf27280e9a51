"""A move made by what somebody saw: whoever was slower hears who was faster, and loses nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

from scriptrun_box.accounts.names import actor_name
from scriptrun_box.kernel import clock
from scriptrun_box.kernel.db import Reader, Writer
from scriptrun_box.kernel.errors import Conflict
from scriptrun_box.kernel.scope import Actor, Scope

from . import last_acts, store
from .actions import Move, find
from .model import Package


@dataclass(frozen=True, slots=True)
class Seen:
    """Where a package was, and who had it, when somebody decided about it."""

    status: str
    driver_id: str | None


def seen_of(package: Package) -> Seen:
    """What one sees of a package."""
    return Seen(package.status, package.driver_id)


def at_arrival(r: Reader, scope: Scope, package_id: str) -> Seen | None:
    """What a request that names nothing it saw goes by: the package as the request finds it.

    It is read before the request waits for the writer, so of two that arrive together the second
    finds the package changed. None where there is no such package: the move itself will say so.
    """
    package = store.get(r, scope, package_id)
    return seen_of(package) if package else None


def all_at_arrival(r: Reader, scope: Scope, package_ids: Sequence[str]) -> list[Seen | None]:
    """The same of several packages, in their order."""
    found = {each.id: seen_of(each) for each in store.these(r, scope, package_ids)}
    return [found.get(each) for each in package_ids]


def as_seen(
    w: Writer, scope: Scope, actor: Actor, package_id: str, act: Move, seen: Seen | None
) -> Package:
    """Take a step with a package that is as it was seen."""
    need_as_seen(w, find(w, scope, package_id), seen)
    return act(w, scope, actor, package_id)


def need_as_seen(r: Reader, package: Package, seen: Seen | None, standing: str = "") -> None:
    """Raise Conflict, with who was faster, where a package is no longer as it was seen.

    `standing` says how it is now, where the status alone says too little.
    """
    if seen is not None and seen != seen_of(package):
        raise faster(r, package, standing)


def faster(r: Reader, package: Package, standing: str = "") -> Conflict:
    """Who moved a package last, and how it stands now."""
    _, actor, at = last_acts.last_step(r, package)
    who = actor_name(r, package.tenant_id, actor)
    now = standing or package.status.replace("_", " ")
    return Conflict(
        f"{who[:1].upper()}{who[1:]} was faster: the package is {now}.",
        code="conflict",
        details=[
            {
                "status": package.status,
                "driver_id": package.driver_id,
                "actor": actor,
                "at": clock.iso(at),
            }
        ],
    )
