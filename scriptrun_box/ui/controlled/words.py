"""How the screens say what is controlled: decisions, incidents, rules, who has it."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from jinja2 import pass_context
from jinja2.runtime import Context

from scriptrun_box.delivery.controlled.model import Line, Rule

YES_NO = ("yes", "no")
DECISIONS = {
    "redeliver": "Deliver it again",
    "restock": "Back to stock",
    "destroy": "Destroy it",
    "discrepancy": "A discrepancy",
}
DECIDED = {
    "redeliver": "to be delivered again",
    "restock": "back to stock",
    "destroy": "destroyed",
    "discrepancy": "a discrepancy",
}
INCIDENTS = {
    "missing": "Missing",
    "theft": "Theft",
    "count": "Wrong count",
    "seal": "Broken seal",
    "other": "Something else",
}
OUTCOMES = {
    "delivered": ("Delivered", "ok"),
    "returned": ("Returned", ""),
    "incident": ("Incident", "bad"),
    "out": ("Still out", "warn"),
}
ASK_ID = {"always": "always", "unless_known": "unless known to the pharmacist"}
SECOND = {"none": "never", "II": "for schedule II", "all": "for every schedule"}
SIGNERS = {
    "patient": "the patient",
    "named": "the patient, or whom they named",
    "anyone": "an adult at the address",
}
SHOWN_BY = {
    "session": "signed in",
    "password": "by password",
    "pin": "by PIN",
    "phone": "on the phone",
    "made_up": "made up in the sandbox",
    "absent": "not there",
}


def outcome(line: Line) -> tuple[str, str]:
    """(word, tone) of a line's pill."""
    if line.undecided and line.outcome == "returned":
        return "To decide", "bad"
    return OUTCOMES[line.outcome]


def holder(who: str, names: Mapping[str, str]) -> str:
    """Who has it."""
    plain = {
        "pharmacy": "the pharmacy",
        "recipient": "the recipient",
        "nobody": "nobody: it is lost",
    }
    return plain.get(who) or names.get(who, "a made-up driver")


@pass_context
def moment(context: Context, ms: int | None) -> str:
    """Date and time of day there, as paper needs them."""
    if ms is None:
        return "–"
    return datetime.fromtimestamp(ms / 1000, context["zone"]).strftime("%Y-%m-%d %H:%M")


def state_word(rule: Rule) -> str:
    """Which state a rule is of."""
    return "Every other state" if rule.state == "*" else rule.state


FILTERS: dict[str, Callable[..., Any]] = {
    "outcome": outcome,
    "holder": holder,
    "moment": moment,
    "state_word": state_word,
    "decided_word": DECIDED.__getitem__,
    "incident_word": INCIDENTS.__getitem__,
    "ask_id_word": ASK_ID.__getitem__,
    "second_word": SECOND.__getitem__,
    "signer_word": SIGNERS.__getitem__,
    "shown_by": lambda how: SHOWN_BY.get(how, ""),
}
