"""The same move with many packages at once: what can be done is done, the rest says why not."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from scriptrun_box.kernel.db import Writer
from scriptrun_box.kernel.errors import Conflict, Invalid, NotFound
from scriptrun_box.kernel.scope import Actor, Scope
from scriptrun_box.packages import actions as packages
from scriptrun_box.packages.model import Package
from scriptrun_box.packages.seen import Seen, as_seen

from . import dispatch, store
from .actions import invalid


@dataclass(frozen=True, slots=True)
class Wish:
    """A package to move, and how it was seen by whoever wants it."""

    package_id: str
    seen: Seen | None


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one: the package as it then stands, or why it stays."""

    package_id: str
    package: Package | None
    refusal: Conflict | Invalid | NotFound | None = None
    off_route: bool = False  # it is back with its driver, but no longer on the route it was on


def assign(
    w: Writer, scope: Scope, actor: Actor, wishes: Sequence[Wish], driver_id: str
) -> list[Result]:
    """Give packages to one driver; raises Invalid where there is no such driver."""
    if store.get(w, scope, driver_id) is None:
        raise invalid("driver_id", "unknown_driver", "There is no such driver.")
    return each(
        wishes,
        lambda wish: dispatch.assign(w, scope, actor, wish.package_id, driver_id, wish.seen),
    )


def unassign(w: Writer, scope: Scope, actor: Actor, wishes: Sequence[Wish]) -> list[Result]:
    """Take packages back from their drivers."""
    return each(
        wishes,
        lambda wish: as_seen(w, scope, actor, wish.package_id, packages.unassign, wish.seen),
    )


def cancel(
    w: Writer, scope: Scope, actor: Actor, wishes: Sequence[Wish], reason: str
) -> list[Result]:
    """Cancel packages that are not out yet."""

    def one(w: Writer, scope: Scope, actor: Actor, package_id: str) -> Package:
        return packages.cancel(w, scope, actor, package_id, reason)

    return each(wishes, lambda wish: as_seen(w, scope, actor, wish.package_id, one, wish.seen))


def each(wishes: Sequence[Wish], act: Callable[[Wish], Package]) -> list[Result]:
    """One after the other, in one transaction. A refused act has written nothing."""
    results = []
    for wish in wishes:
        try:
            results.append(Result(wish.package_id, act(wish)))
        except (Conflict, Invalid, NotFound) as refusal:
            results.append(Result(wish.package_id, None, refusal))
    return results


def wire(results: Sequence[Result]) -> dict[str, Any]:
    """What became of each, in the order asked for."""
    return {
        "done": sum(result.refusal is None for result in results),
        "results": [_line(result) for result in results],
    }


def _line(result: Result) -> dict[str, Any]:
    if result.package is None:
        assert result.refusal is not None
        refusal = result.refusal
        return {"package_id": result.package_id, "code": refusal.code, "error": refusal.sentence}
    package = result.package
    return {"package_id": package.id, "status": package.status, "driver_id": package.driver_id}
