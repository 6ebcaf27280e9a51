"""A pharmacist lets a controlled package go: sealed, its schedule said, counted twice by rule."""

from dataclasses import asdict

from scriptrun_box.kernel import audit
from scriptrun_box.kernel.db import Writer
from scriptrun_box.kernel.scope import Scope
from scriptrun_box.packages import actions as packages
from scriptrun_box.packages import lifecycle
from scriptrun_box.packages.model import Package

from . import people, rules, store
from .model import SCHEDULES, Party, Release
from .words import conflict, invalid, seal_of, tell


def release(
    w: Writer,
    scope: Scope,
    pharmacist: Party,
    package_id: str,
    seal: str,
    schedule: str | None = None,
    second: Party | None = None,
) -> Package:
    """Release a package in a sealed bag whose serial was never used before.

    `schedule` is needed where the order did not say it. `second` counted again and looked at the
    seal, where the rule of the pharmacy's state wants that.
    """
    people.need_pharmacist(w, scope, pharmacist)
    package = packages.find(w, scope, package_id)
    _need_waiting(package)
    schedule = _schedule(package, schedule)
    state, rule = rules.rule_for(w, scope, package.content.location_id)
    if second is not None:
        people.need_second(w, scope, second, pharmacist)
    elif rule.needs_second(schedule):
        raise invalid("second", "missing", "A second person counts again and looks at the seal.")
    if package.content.dea_schedule is None:
        package = packages.set_schedule(w, scope, pharmacist.actor, package, schedule)
    made = Release(
        seq=0,
        package_id=package.id,
        schedule=schedule,
        seal=seal_of(seal),
        state=state,
        rule=asdict(rule),
        at=w.now,
        by=pharmacist.id,
        second_by=None if second is None else second.id,
        ended_at=None,
    )
    if not store.insert_release(w, scope, made):
        raise invalid("seal", "not_allowed", "This seal was used before; take a new bag.")
    packages.set_gates(w, scope, pharmacist.actor, package, ["released_at"])
    audit.record(
        w,
        scope.tenant_id,
        pharmacist.actor,
        "controlled.released",
        package.id,
        schedule=schedule,
        seal=made.seal,
        by=pharmacist.by,
        second=made.second_by,
    )
    tell(w, scope, package.id)
    return packages.find(w, scope, package.id)


def _need_waiting(package: Package) -> None:
    if not package.content.controlled_substance:
        raise conflict("not_controlled", "This is no controlled package.", package)
    if package.status not in lifecycle.NOT_YET_OUT:
        raise conflict("release_not_allowed", "It can no longer be released here.", package)
    if package.released_at is not None:
        raise conflict("already_released", "A pharmacist has released it already.", package)


def _schedule(package: Package, given: str | None) -> str:
    known = package.content.dea_schedule
    if known is None and given is None:
        raise invalid("dea_schedule", "missing", "The order did not say the schedule; say it.")
    if known is not None and given not in (None, known):
        raise invalid("dea_schedule", "conflict", f"The order says schedule {known}.")
    schedule = known or given or ""
    if schedule not in SCHEDULES:
        raise invalid("dea_schedule", "not_allowed", "A schedule is II, III, IV or V.")
    return schedule
