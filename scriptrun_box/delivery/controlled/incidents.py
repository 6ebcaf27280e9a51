"""Discrepancies: each is an incident with two clocks, closed with words, never deleted.

A theft or significant loss is told to the DEA in writing within one business day (21 CFR 1301.76),
on Form 106 within 45 days. A federal holiday counts as a business day here, so that the box is
never too late.
"""

from datetime import date, timedelta

from scriptrun_box.accounts import store as accounts
from scriptrun_box.kernel import audit, clock, notices
from scriptrun_box.kernel.db import Reader, Writer
from scriptrun_box.kernel.errors import Conflict, NotFound
from scriptrun_box.kernel.scope import Scope
from scriptrun_box.packages import actions as packages
from scriptrun_box.packages.model import Package

from . import custody, people, store
from .model import INCIDENT_KINDS, Incident, Party
from .words import conflict, invalid, said, tell

FORM_DAYS = 45
FORM_WARNING_DAYS = 7
WEEKEND = (5, 6)  # date.weekday()
STEPS = ("notified", "filed")
NOTICE, FORM = "controlled_notice", "controlled_form"


def open_incident(
    w: Writer, scope: Scope, pharmacist: Party, package_id: str, kind: str, words: str
) -> Incident:
    """Open one about a package that a pharmacist has released at some time."""
    people.need_pharmacist(w, scope, pharmacist)
    package = packages.find(w, scope, package_id)
    if kind not in INCIDENT_KINDS:
        raise invalid("kind", "not_allowed", f"kind is one of {', '.join(INCIDENT_KINDS)}.")
    if not store.releases(w, package_id):
        raise conflict("not_released", "It was never released here.", package)
    today = date.fromisoformat(clock.local_date(w.now, _zone(w, scope, package)))
    outs = [each.seq for each in store.chain(w, package_id) if each.kind == "out"]
    given = {
        "location_id": package.content.location_id,
        "package_id": package_id,
        "custody_seq": outs[-1] if outs else None,
        "kind": kind,
        "words": said(words, "words", needed=True),
        "opened_by": pharmacist.id,
        "notice_due": str(next_business_day(today)),
        "form_due": str(today + timedelta(FORM_DAYS)),
    }
    incident_id = store.add_incident(w, scope, given)
    audit.record(
        w, scope.tenant_id, pharmacist.actor, "incident.opened", incident_id, package=package_id
    )
    tell(w, scope, incident_id, package_id)
    made = find(w, scope, incident_id)
    _remind(w, scope, made, str(today))
    return made


def find(r: Reader, scope: Scope, incident_id: str) -> Incident:
    """The incident, or NotFound."""
    found = store.incident(r, scope, incident_id)
    if found is None:
        raise NotFound("There is no such incident.")
    return found


def note_step(w: Writer, scope: Scope, pharmacist: Party, incident_id: str, step: str) -> Incident:
    """The DEA was told in writing (notified), or Form 106 is filed."""
    people.need_pharmacist(w, scope, pharmacist)
    found = find(w, scope, incident_id)
    if step not in STEPS:
        raise invalid("step", "not_allowed", f"step is one of {', '.join(STEPS)}.")
    _mark(w, scope, pharmacist, found, step)
    notices.end(w, scope, found.id, NOTICE if step == "notified" else FORM)
    return find(w, scope, incident_id)


def close(
    w: Writer, scope: Scope, pharmacist: Party, incident_id: str, words: str, gone: bool = False
) -> Incident:
    """Close it with words; `gone`: the package its driver had is gone for good."""
    people.need_pharmacist(w, scope, pharmacist)
    found = find(w, scope, incident_id)
    explained = said(words, "words", needed=True)
    if gone:
        _give_up(w, scope, pharmacist, found)
    _mark(w, scope, pharmacist, found, "closed")
    store.set_closing_words(w, found, explained)
    notices.end(w, scope, found.id)
    return find(w, scope, incident_id)


def remind(w: Writer, now: int) -> None:
    """The heartbeat: say what is due, and what is late."""
    for scope, found in store.open_incidents(w):
        places = accounts.locations(w, scope.tenant_id)
        zone = next(place.time_zone for place in places if place.id == found.location_id)
        _remind(w, scope, found, clock.local_date(now, zone))


def next_business_day(day: date) -> date:
    """The next Monday to Friday after a day."""
    following = day + timedelta(1)
    while following.weekday() in WEEKEND:
        following += timedelta(1)
    return following


def _remind(w: Writer, scope: Scope, found: Incident, today: str) -> None:
    """A notice is due from the first hour; Form 106 is said a week before."""
    if found.notified_at is None:
        late = today > found.notice_due
        words = (
            f"The DEA was to be told of an incident in writing by {found.notice_due}."
            if late
            else f"An incident: tell the DEA in writing by {found.notice_due}."
        )
        notices.raise_notice(w, scope, found.id, NOTICE, words, int(late))
    soon = str(date.fromisoformat(found.form_due) - timedelta(FORM_WARNING_DAYS))
    if found.filed_at is None and today >= soon:
        late = today > found.form_due
        was = "was to be" if late else "is to be"
        words = f"DEA Form 106 of an incident {was} filed by {found.form_due}."
        notices.raise_notice(w, scope, found.id, FORM, words, int(late))


def _give_up(w: Writer, scope: Scope, pharmacist: Party, found: Incident) -> None:
    """A package that will not come back is with nobody, and nobody waits for it any more."""
    package = packages.find(w, scope, found.package_id)
    recalled = package.status == "out_for_delivery" and package.recalled_at is not None
    if package.handed_over_at is None or not (package.status == "failed" or recalled):
        raise conflict(
            "not_in_custody",
            "Only what a driver had, failed or recalled, can be given up.",
            package,
        )
    custody.lose(w, scope, pharmacist, package, found.id)
    packages.give_back(w, scope, pharmacist.actor, package.id, by_pharmacist=True)


def _mark(w: Writer, scope: Scope, pharmacist: Party, found: Incident, step: str) -> None:
    if not store.mark_incident(w, found, step, pharmacist.id):
        raise Conflict("That is noted already, or the incident is closed.", code="incident_over")
    audit.record(w, scope.tenant_id, pharmacist.actor, f"incident.{step}", found.id)
    tell(w, scope, found.id, found.package_id)


def _zone(r: Reader, scope: Scope, package: Package) -> str:
    places = accounts.locations(r, scope.tenant_id)
    return next(p.time_zone for p in places if p.id == package.content.location_id)
