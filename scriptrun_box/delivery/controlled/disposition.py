"""What becomes of a controlled package that is back: a pharmacist says it, once for each return."""

from collections.abc import Sequence

from scriptrun_box.kernel import audit
from scriptrun_box.kernel.db import Reader, Writer
from scriptrun_box.kernel.scope import Scope
from scriptrun_box.packages import actions as packages
from scriptrun_box.packages.model import Package

from . import incidents, people, rules, store
from .model import DECISIONS, Disposition, Party, Transfer
from .words import conflict, invalid, said, tell

STAFF_EMPLOYMENT = "employee"  # in whose hands a package has never left the pharmacy's control
REMINDERS = ("Reverse the claim.", "Void the PDMP date sold.")  # of what goes back to stock


def decide(
    w: Writer, scope: Scope, pharmacist: Party, package_id: str, decision: str, note: str = ""
) -> Package:
    """Deliver it again, back to stock, destroy it, or a discrepancy, which opens an incident."""
    people.need_pharmacist(w, scope, pharmacist)
    if decision not in DECISIONS:
        raise invalid("decision", "not_allowed", f"decision is one of {', '.join(DECISIONS)}.")
    package = packages.find(w, scope, package_id)
    back = undecided(w, package)
    if back is None:
        raise conflict("nothing_to_decide", "It is not back, or decided about already.", package)
    why_not = refusals(w, scope, package, back).get(decision)
    if why_not:
        raise conflict("decision_not_allowed", why_not, package)
    words = said(note, needed=decision in ("destroy", "discrepancy"))
    made = Disposition(back.seq, package.id, decision, words, w.now, pharmacist.id)
    if not store.add_disposition(w, made):
        raise conflict("nothing_to_decide", "It is decided about already.", package)
    audit.record(
        w, scope.tenant_id, pharmacist.actor, "controlled.decided", package.id, decision=decision
    )
    tell(w, scope, package.id)
    if decision == "discrepancy":
        kind = "count" if back.seal_intact else "seal"
        incidents.open_incident(w, scope, pharmacist, package.id, kind, words)
    step = packages.redeliver if decision == "redeliver" else packages.give_back
    return step(w, scope, pharmacist.actor, package.id, by_pharmacist=True)


def undecided(r: Reader, package: Package) -> Transfer | None:
    """The return nobody has decided about yet, where there is one."""
    chain = store.chain(r, package.id)
    if not chain or chain[-1].kind != "back" or chain[-1].status == "assigned":
        return None
    done = {each.custody_seq for each in store.dispositions(r, package.id)}
    return None if chain[-1].seq in done else chain[-1]


def refusals(r: Reader, scope: Scope, package: Package, back: Transfer) -> dict[str, str]:
    """{decision: why it cannot be taken} of those that cannot."""
    found = {}
    if not (back.seal_intact and back.count_ok):
        found["redeliver"] = found["restock"] = "The seal or the count was not right."
    elif why := _no_restock(r, scope, package, store.chain(r, package.id)):
        found["restock"] = why
    return found


def _no_restock(r: Reader, scope: Scope, package: Package, chain: Sequence[Transfer]) -> str:
    _, rule = rules.rule_for(r, scope, package.content.location_id)
    if not rule.restock:
        return "The rule of this state does not let it go back to stock."
    outs = [each for each in chain if each.kind == "out"]
    if not outs or any(each.employment != STAFF_EMPLOYMENT for each in outs):
        return "It left the hands of the pharmacy's own staff."
    return ""
