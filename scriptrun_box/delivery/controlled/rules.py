"""What each state wants of a controlled delivery: seeded, shown with its source, the owner's own.

The state is that of the pharmacy the package leaves from, read from its location's address: that is
whose board asks. A location whose address names no state goes by the strictest rule, `*`.
"""

import re
from dataclasses import replace
from typing import Any

from scriptrun_box.accounts import store as accounts
from scriptrun_box.kernel import audit
from scriptrun_box.kernel.db import Reader, Writer
from scriptrun_box.kernel.errors import NotFound
from scriptrun_box.kernel.scope import Actor, Scope
from scriptrun_box.kernel.texts import clean
from scriptrun_box.orders.texts import STATES

from . import store
from .model import WORDS_MAX, Rule
from .words import invalid

ELSEWHERE = "*"
AGE_MIN, AGE_MAX = 0, 99  # years
ASK_ID = ("always", "unless_known")
SECOND_CHECKS = ("none", "II", "all")
SIGNERS = ("patient", "named", "anyone")
TOKEN = re.compile(r"[A-Za-z]+")

_UNKNOWN = (
    "ID if the recipient is not known to the pharmacist (NAMSDL 2013, by"
    " preventionsolutions.edc.org; old, check again)."
)
_SOURCES = {
    ELSEWHERE: "The box's own, on the strict side: 33 states have the pharmacist ask for ID"
    " (NAMSDL 2013); no return to stock where no rule was read that allows it.",
    "TX": "H&S 481.074(a)(5): none to a person not known without ID of who takes possession;"
    " 22 TAC 291.12: tamper-evident pack, log of date sent and delivered (texas.public.law).",
    "CA": "16 CCR 1713(b): to a home or office the patient named, hospital or clinic; not to"
    " unlicensed pick-up places (govt.westlaw).",
    "PA": "49 Pa. Code 27.102, 33 Pa.B. 5202: what pharmacy staff carried and never left control"
    " may return to stock after the pharmacist's look at it; lots are never mixed.",
    "MD": "COMAR 10.34.10.07: no restock after sale and leaving possession, except sealed"
    " manufacturer's or unit dose; technicians may not accept returns (mdrules.elaws.us).",
    "HI": f"HRS 461-10.2: returns accepted for disposal only (lawserver.com). {_UNKNOWN}",
    "NY": f"10 NYCRR 80.73(b): orange label, CONTROLLED SUBSTANCE, DANGEROUS UNLESS USED AS"
    f" DIRECTED. {_UNKNOWN}",
    "DE": "ID for any controlled substance (NAMSDL 2013, by preventionsolutions.edc.org; old,"
    " check again).",
    **dict.fromkeys("CT ID IN LA ME MI MN NM ND OK SC VA".split(), _UNKNOWN),
}
_STRICT = Rule(ELSEWHERE, "always", 18, "II", False, "named", _SOURCES[ELSEWHERE])
_RESTOCK = ("PA",)
_UNLESS_KNOWN = frozenset("CT HI ID IN LA ME MI MN NM NY ND OK SC TX VA".split())
SEED = {
    state: replace(
        _STRICT,
        state=state,
        ask_id="unless_known" if state in _UNLESS_KNOWN else "always",
        restock=state in _RESTOCK,
        source=source,
    )
    for state, source in _SOURCES.items()
}


def rules(r: Reader, tenant_id: str) -> list[Rule]:
    """Every rule there is for a tenant: its own in the place of those that came with the box."""
    own = {rule.state: rule for rule in store.own_rules(r, tenant_id)}
    return [rule for _, rule in sorted({**SEED, **own}.items())]


def rule_for(r: Reader, scope: Scope, location_id: str) -> tuple[str, Rule]:
    """(the state a location lies in, empty where its address names none; the rule it goes by)."""
    place = next(each for each in accounts.locations(r, scope.tenant_id) if each.id == location_id)
    state = state_of(place.address)
    known = {rule.state: rule for rule in rules(r, scope.tenant_id)}
    return state, known.get(state, known[ELSEWHERE])


def state_of(address: str) -> str:
    """The state at the end of an address, as its two capital letters; empty where there is none."""
    last = TOKEN.findall(address)[-1:]
    return last[0].upper() if last and last[0].upper() in STATES else ""


def change(w: Writer, scope: Scope, actor: Actor, given: dict[str, Any]) -> Rule:
    """Put an owner's rule in the place of what was there; raises Invalid."""
    state = str(given["state"]).strip().upper()
    if state not in STATES and state != ELSEWHERE:
        raise invalid("state", "not_allowed", "A state is its two letters, such as FL.")
    for name, known in (("ask_id", ASK_ID), ("second_check", SECOND_CHECKS), ("signer", SIGNERS)):
        if given[name] not in known:
            raise invalid(name, "not_allowed", f"{name} is one of {', '.join(known)}.")
    if not AGE_MIN <= given["min_age"] <= AGE_MAX:
        raise invalid("min_age", "bad_format", f"An age is {AGE_MIN} to {AGE_MAX} years.")
    said = clean(str(given["source"]), lines=True)
    if said is None or not 0 < len(said[0]) <= WORDS_MAX:
        raise invalid("source", "missing", "Say where the rule is written.")
    made = Rule(
        state,
        given["ask_id"],
        given["min_age"],
        given["second_check"],
        given["restock"],
        given["signer"],
        said[0],
        own=True,
    )
    store.set_rule(w, scope.tenant_id, made, actor.id)
    audit.record(w, scope.tenant_id, actor, "controlled.rule_changed", state)
    return made


def restore(w: Writer, scope: Scope, actor: Actor, state: str) -> None:
    """Back to the rule that came with the box, or to that of every other state."""
    if not store.drop_rule(w, scope.tenant_id, state):
        raise NotFound("There is no rule of your own for this state.")
    audit.record(w, scope.tenant_id, actor, "controlled.rule_restored", state)
