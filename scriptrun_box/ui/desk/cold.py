"""The cold packages of a day: to pack, how long they keep, what is at risk, what is quarantined."""

from collections import Counter
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from scriptrun_box.accounts.gates import PHARMACISTS, form, form_lists, person_of_call
from scriptrun_box.delivery.cold import bags, packing, store
from scriptrun_box.delivery.cold.api import BAG_ID
from scriptrun_box.delivery.cold.model import BagChangeIn, BagIn, PackIn, Rule, RuleIn
from scriptrun_box.kernel import clock
from scriptrun_box.kernel.db import Reader, Writer
from scriptrun_box.kernel.errors import Conflict, Invalid, NotFound, Refusal
from scriptrun_box.kernel.http import Call
from scriptrun_box.kernel.scope import Actor, Scope
from scriptrun_box.kernel.shapes import checked
from scriptrun_box.packages import store as stored
from scriptrun_box.packages.api import PACKAGE_ID, Q_MAX, look
from scriptrun_box.ui import chilling, pages
from scriptrun_box.ui.settings.tables import csv_answer

from .chilled import STATES, Day, Line, day

PATH = "/cold"
SHOWN_MAX, EXPORTED_MAX = 1_000, 20_000
PACKED_AT_ONCE = 50
NAMED_MAX = 5  # packages that could not be packed, by name
DONE = {
    "packed": "Packed: the bag's time runs.",
    "bag": "The bag is there.",
    "changed": "Saved.",
    "rule": "Saved: it counts from now on.",
}
COLUMNS = (
    "package_id", "state", "patient_name", "rx_number", "status", "bag", "gel_packs", "celsius",
    "indicator_id", "packed_at", "hold_until", "arrives_at", "quarantined_at",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Choice:
    """What the address of the list asks for."""

    q: str = ""
    state: str = ""
    date: str = ""

    def query(self, **more: str) -> str:
        """The address's query for this choice: `?…`, or nothing."""
        given = {"q": self.q, "state": self.state, "date": self.date} | more
        given = {name: value for name, value in given.items() if value}
        return f"?{urlencode(given)}" if given else ""


async def cold(call: Call) -> Response:
    """GET /cold."""
    return await page(call, notice=pages.done(call, DONE))


async def live_cold(call: Call) -> Response:
    """GET /live/cold: the changing parts of the same page."""
    return await pages.render(call, "desk/cold_live.html", **await _list(call))


async def export(call: Call) -> Response:
    """GET /cold.csv: all of the current filter."""
    choice = choice_of(call)
    shown = await call.box.db.read(_day, call.whose, choice, EXPORTED_MAX)
    look(call, "cold.exported", None, count=len(shown.lines))
    cells = [_cells(line) for line in shown.lines if _fits(line, choice)]
    return csv_answer(f"cold-{shown.date}.csv", COLUMNS, cells)


async def pack(call: Call) -> Response:
    """POST /cold/pack: what is ticked goes into one bag."""
    call.box.disk.check()
    ids = form_lists(call).get("package_ids", [])[: PACKED_AT_ONCE + 1]
    if not ids or len(ids) > PACKED_AT_ONCE or not all(map(PACKAGE_ID.fullmatch, ids)):
        sentence = f"Tick what goes into the bag, at most {PACKED_AT_ONCE} packages."
        return await page(call, 400, problem=sentence)
    try:
        given = checked(PackIn, chilling.pack_given(form(call))).model_dump()
        stayed = await call.box.db.write(_pack_each, call.whose, call.caller.actor, ids, given)
    except Invalid as refusal:
        return await page(call, 400, problem=chilling.said(refusal.details, refusal.sentence))
    if stayed:
        return await page(call, 409, problem=" ".join(stayed))
    return pages.redirect(f"{PATH}?done=packed")


async def add_bag(call: Call) -> Response:
    """POST /cold/bags."""
    fields = form(call)
    given = {"name": fields.get("name", "").strip()}
    minutes = chilling.typed_number(fields.get("hold_minutes", ""))
    try:
        named = checked(BagIn, {**given, "hold_minutes": minutes}).model_dump()
        await call.box.db.write(bags.add, call.whose, call.caller.actor, named)
    except (Invalid, Conflict) as refusal:
        return await _refused(call, refusal)
    return pages.redirect(f"{PATH}?done=bag#bags")


async def change_bag(call: Call) -> Response:
    """POST /cold/bags/{id}: its time, or out of use."""
    bag_id, fields = call.path_params["id"], form(call)
    if not BAG_ID.fullmatch(bag_id):
        raise NotFound("There is no such bag.")
    given: dict[str, Any] = {}
    if "retired" in fields:
        given["retired"] = fields["retired"] == "yes"
    if "hold_minutes" in fields:
        given["hold_minutes"] = chilling.typed_number(fields["hold_minutes"])
    stamp = fields.get("stamp", "")
    if stamp:
        given["version"] = chilling.typed_number(stamp)
    try:
        named = checked(BagChangeIn, given).model_dump(exclude_unset=True)
        await call.box.db.write(bags.change, call.whose, call.caller.actor, bag_id, named)
    except (Invalid, Conflict) as refusal:
        return await _refused(call, refusal)
    return pages.redirect(f"{PATH}?done=changed#bags")


async def set_rule(call: Call) -> Response:
    """POST /cold/rule: what counts as an excursion."""
    fields = form(call)
    given = {name: chilling.typed_degrees(fields.get(name, "")) for name in ("low", "high")}
    for name in ("low_minutes", "high_minutes"):
        given[name] = chilling.typed_number(fields.get(name, ""))
    try:
        rule = Rule(**checked(RuleIn, given).model_dump())
        await call.box.db.write(bags.set_rule, call.whose, call.caller.actor, rule)
    except Invalid as refusal:
        return await _refused(call, refusal)
    return pages.redirect(f"{PATH}?done=rule#rule")


def choice_of(call: Call) -> Choice:
    """The filters in the address; anything it cannot mean is left out."""
    query = call.query_params
    state, date = query.get("state", ""), query.get("date", "")
    return Choice(
        q=query.get("q", "").strip()[:Q_MAX],
        state=state if state in STATES else "",
        date=date if clock.is_date(date) else "",
    )


async def page(call: Call, status: int = 200, *, problem: str = "", notice: str = "") -> Response:
    """The page of the list, with the forms to pack, and for bags and the rule."""
    values = await _list(call)
    look(call, "cold.listed", None, count=len(values["lines"]))
    kept = await call.box.db.read(lambda r: store.bags(r, call.whose, retired=True))
    return await pages.render(
        call,
        "desk/cold.html",
        status,
        **values,
        bags=kept,
        in_use=[bag for bag in kept if bag.retired_at is None],
        rule=await call.box.db.read(store.rule, call.whose.tenant_id),
        clinical=person_of_call(call).user.role in PHARMACISTS.roles,
        problem=problem,
        notice=notice,
        form=form(call) if problem else {},
    )


async def _refused(call: Call, refusal: Refusal) -> Response:
    problem = chilling.said(refusal.details, refusal.sentence)
    return await page(call, refusal.status, problem=f"Nothing was saved: {problem}")


async def _list(call: Call) -> dict[str, Any]:
    choice = choice_of(call)
    shown = await call.box.db.read(_day, call.whose, choice, SHOWN_MAX)
    return {
        "choice": choice,
        "day": shown,
        "lines": [line for line in shown.lines if _fits(line, choice)],
        "states": STATES,
        "tally": Counter(line.state for line in shown.lines),
    }


def _day(r: Reader, scope: Scope, choice: Choice, limit: int) -> Day:
    return day(r, scope, choice.date, choice.q, clock.now_ms(), limit)


def _fits(line: Line, choice: Choice) -> bool:
    return not choice.state or line.state == choice.state


def _pack_each(
    w: Writer, scope: Scope, actor: Actor, package_ids: list[str], given: dict[str, Any]
) -> list[str]:
    """Pack each; the words about those that could not be, the others are packed."""
    stayed = []
    for package_id in dict.fromkeys(package_ids):
        try:
            packing.pack(w, scope, actor, package_id, given)
        except (Conflict, NotFound) as refusal:
            package = stored.get(w, scope, package_id)
            name = package.content.patient_name if package else "A package"
            stayed.append(f"{name}: {refusal.sentence}")
    more = len(stayed) - NAMED_MAX
    return stayed if more <= 0 else [*stayed[:NAMED_MAX], f"And {more} more."]


def _cells(line: Line) -> list[object]:
    package, made = line.package, line.pack
    return [
        package.id,
        line.state,
        package.content.patient_name,
        package.content.rx_number,
        package.status,
        made and made.bag,
        made and made.gel_packs,
        made and made.celsius,
        made and made.indicator_id,
        clock.iso_or_none(package.packed_at),
        clock.iso_or_none(package.keeps_until),
        clock.iso_or_none(line.arrives_at),
        clock.iso_or_none(package.quarantined_at),
    ]
