"""Settings → State rules: what each state wants of a controlled delivery, and where it says so."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from scriptrun_box.accounts import store as accounts
from scriptrun_box.accounts.gates import form, person_of_call
from scriptrun_box.delivery.controlled import rules
from scriptrun_box.kernel.errors import Invalid
from scriptrun_box.kernel.http import Call
from scriptrun_box.ui import pages
from scriptrun_box.ui.settings.tables import csv_answer

from . import words
from .desk import sentence_of

PATH = "/settings/state-rules"
DONE = {"saved": "Saved.", "restored": "Back to the rule that came with the box."}
COLUMNS = ("state", "ask_id", "min_age", "second_check", "restock", "signer", "source", "own")


async def state_rules(call: Call) -> Response:
    """GET /settings/state-rules."""
    return await _page(call, notice=pages.done(call, DONE))


async def export(call: Call) -> Response:
    """GET /settings/state-rules.csv."""
    found = await call.box.db.read(rules.rules, call.whose.tenant_id)
    rows = ([getattr(rule, name) for name in COLUMNS] for rule in found)
    return csv_answer("state-rules.csv", COLUMNS, rows)


async def save(call: Call) -> Response:
    """POST /settings/state-rules: a rule of the owner's own."""
    filled = form(call)
    age = filled.get("min_age", "")
    given: dict[str, Any] = {
        **{name: filled.get(name, "") for name in ("state", "ask_id", "second_check", "signer")},
        "source": filled.get("source", ""),
        "min_age": int(age[:4]) if age.isascii() and age.isdecimal() else -1,
        "restock": filled.get("restock") == "yes",
    }
    try:
        await call.box.db.write(rules.change, call.whose, call.caller.actor, given)
    except Invalid as refusal:
        return await _page(call, 400, problem=sentence_of(refusal), filled=filled)
    return pages.redirect(f"{PATH}?done=saved")


async def restore(call: Call) -> Response:
    """POST /settings/state-rules/restore."""
    state = form(call).get("state", "")
    await call.box.db.write(rules.restore, call.whose, call.caller.actor, state)
    return pages.redirect(f"{PATH}?done=restored")


async def _page(
    call: Call,
    status: int = 200,
    *,
    problem: str = "",
    filled: Mapping[str, str] | None = None,
    notice: str = "",
) -> Response:
    tenant_id = call.whose.tenant_id
    found = await call.box.db.read(rules.rules, tenant_id)
    places = await call.box.db.read(accounts.locations, tenant_id)
    asked = call.query_params.get("state", "")
    chosen = next((rule for rule in found if rule.state == asked), None)
    strict = next(rule for rule in found if rule.state == rules.ELSEWHERE)
    return await pages.render(
        call,
        "controlled/rules.html",
        status,
        rules=found,
        places=[(place.name, rules.state_of(place.address)) for place in places],
        start=chosen or strict,
        chosen=chosen,
        filled=filled or {},
        may_change=person_of_call(call).user.role == "owner",
        ask_id=words.ASK_ID,
        second=words.SECOND,
        signers=words.SIGNERS,
        problem=problem,
        notice=notice,
    )
