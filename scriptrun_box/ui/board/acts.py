"""What is done on the board: many packages to one place at once, and the last of it undone."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from urllib.parse import parse_qsl, urlsplit

from starlette.responses import Response

from scriptrun_box.accounts.gates import form, form_lists
from scriptrun_box.delivery.recall import recall
from scriptrun_box.drivers import actions as drivers
from scriptrun_box.drivers import dispatch, many
from scriptrun_box.drivers.many import Result, Wish
from scriptrun_box.drivers.model import MANY_MAX
from scriptrun_box.kernel.db import Writer
from scriptrun_box.kernel.errors import Conflict, Invalid
from scriptrun_box.kernel.http import Call
from scriptrun_box.kernel.scope import Actor, Scope
from scriptrun_box.packages import actions, last_acts, lifecycle
from scriptrun_box.packages.api import PACKAGE_ID
from scriptrun_box.packages.lifecycle import CANCEL_REASONS
from scriptrun_box.packages.model import Package
from scriptrun_box.packages.seen import Seen, as_seen
from scriptrun_box.packages.store import these
from scriptrun_box.routes import stops
from scriptrun_box.routes.sheet import find as find_route
from scriptrun_box.ui import pages, words
from scriptrun_box.ui.desk.undo import done_word, told, undone

from .model import ASSIGN, Choice
from .pages import PATH, chosen, page, query_of, some

RETURN, CANCEL, RECALL, ROUTE = "return", "cancel", "recall", "route"
NAMED_MAX = 5  # packages whose reason is said one by one

Act = Callable[[Writer, Scope, Actor, str], Package]


async def move(call: Call) -> Response:
    """POST /board/move: the ticked packages go where `to` says, all that can."""
    fields, choice = form(call), _choice(call)
    wishes = [wish for text in form_lists(call).get("package", []) if (wish := _wish(text))]
    to, _, reason = fields.get("to", "").partition(":")
    problem = ""
    if not wishes:
        problem = "Tick the packages first; nothing was changed."
    elif len(wishes) > MANY_MAX:
        problem = f"At most {MANY_MAX} packages at once; nothing was changed."
    elif not to or (to in (CANCEL, RECALL) and reason not in CANCEL_REASONS):
        problem = "Choose where they go; nothing was changed."
    if problem:
        return await _answer(call, choice, wishes, 400, [problem])
    call.box.disk.check()
    whose, actor = call.whose, call.caller.actor
    try:
        results, number = await call.box.db.write(_move, whose, actor, wishes, to, reason)
    except Invalid as refusal:
        return await _answer(call, choice, wishes, 400, [refusal.sentence])
    stayed = [result for result in results if result.refusal]
    moved = len(results) - len(stayed)
    problems = await _problems(call, stayed, moved)
    notice = f"{words.many(moved, 'package', 'packages')} moved." if moved else ""
    undo = str(number) if number else ""
    return await _answer(call, choice, wishes, 409 if stayed else 200, problems, notice, undo)


async def undo(call: Call) -> Response:
    """POST /board/undo: what one did last is as it was, where nobody has moved it since."""
    choice = _choice(call)
    call.box.disk.check()
    try:
        results = await undone(call)
    except Conflict as refusal:
        return await _answer(call, choice, [], 409, [refusal.sentence])
    stayed = any(result.refusal for result in results)
    wishes = [Wish(result.package_id, None) for result in results]
    sentence = told(results)
    if stayed:
        return await _answer(call, choice, wishes, 409, [sentence])
    return await _answer(call, choice, wishes, 200, [], sentence, done=done_word(results))


async def _answer(
    call: Call,
    choice: Choice,
    wishes: list[Wish],
    status: int,
    problems: list[str],
    notice: str = "",
    undo: str = "",
    done: str = "moved",
) -> Response:
    """To scripts the cards that may have moved; to a browser without them a page."""
    if "live" in form(call):
        ids = [wish.package_id for wish in wishes]
        return await some(call, choice, ids, problems=problems, notice=notice, undo=undo)
    if problems:
        return await page(call, choice, status, problems=problems, notice=notice, undo=undo)
    return pages.redirect(f"{PATH}{query_of(choice, done=done, undo=undo)}")


def _move(
    w: Writer, scope: Scope, actor: Actor, wishes: list[Wish], to: str, reason: str
) -> tuple[list[Result], int]:
    return last_acts.keeping(w, scope, actor, partial(_all, w, scope, actor, wishes, to, reason))


def _all(
    w: Writer, scope: Scope, actor: Actor, wishes: list[Wish], to: str, reason: str
) -> list[Result]:
    if to == CANCEL:
        return many.cancel(w, scope, actor, wishes, reason)
    if to == ASSIGN:
        return many.each(wishes, lambda wish: _back(w, scope, actor, wish))
    if to == RETURN:
        return _each(w, scope, actor, wishes, actions.give_back)
    if to == RECALL:
        return _each(w, scope, actor, wishes, partial(_recall, reason=reason))
    if to == ROUTE:
        return many.each(wishes, lambda wish: _put(w, scope, actor, wish, reason))
    return many.each(wishes, lambda wish: _give(w, scope, actor, wish, to))


def _each(w: Writer, scope: Scope, actor: Actor, wishes: list[Wish], act: Act) -> list[Result]:
    return many.each(wishes, lambda wish: as_seen(w, scope, actor, wish.package_id, act, wish.seen))


def _recall(w: Writer, scope: Scope, actor: Actor, package_id: str, *, reason: str) -> Package:
    return recall(w, scope, actor, package_id, reason)


def _back(w: Writer, scope: Scope, actor: Actor, wish: Wish) -> Package:
    """Among those to assign again: from its driver, or because it came back."""
    status = wish.seen.status if wish.seen else ""
    act = actions.unassign if status == "assigned" else actions.redeliver
    return as_seen(w, scope, actor, wish.package_id, act, wish.seen)


def _give(w: Writer, scope: Scope, actor: Actor, wish: Wish, driver_id: str) -> Package:
    """To a driver; what came back is first decided about."""
    if wish.seen is not None and wish.seen.status == "failed":
        raise Conflict("First put it to assign, to be delivered again.", code="assign_not_allowed")
    return dispatch.assign(w, scope, actor, wish.package_id, driver_id, wish.seen)


def _put(w: Writer, scope: Scope, actor: Actor, wish: Wish, route_id: str) -> Package:
    """On a route: at its end, or next where it is STAT; out at once with a driver on the way."""
    package = actions.find(w, scope, wish.package_id)
    route = find_route(w, scope, route_id)
    if route.status == "started":
        driver = drivers.find(w, scope, route.driver_id)
        facts = package.facts(
            w.now,
            driver_cold_chain=driver.may("cold_chain"),
            driver_controlled=driver.may("controlled"),
        )
        # Asked before anything is written: of many packages the others still go.
        why = lifecycle.move("start", replace(facts, status="assigned"))
        if isinstance(why, lifecycle.Refused):
            raise Conflict(why.sentence, code=why.code)
    stops.put(w, scope, actor, route_id, [package.id], seen={package.id: wish.seen})
    return actions.find(w, scope, package.id)


async def _problems(call: Call, stayed: list[Result], moved: int) -> list[str]:
    """What stayed, and why: by name where they are few."""
    if not stayed:
        return []
    ids = [result.package_id for result in stayed]
    found = await call.box.db.read(these, call.whose, ids)
    names = {package.id: package.content.patient_name for package in found}
    said = [
        f"{names.get(result.package_id, 'A package')}: {result.refusal.sentence}"
        for result in stayed[:NAMED_MAX]
        if result.refusal
    ]
    if len(stayed) > NAMED_MAX:
        said.append(f"And {len(stayed) - NAMED_MAX:,} more.")
    head = f"{words.many(len(stayed), 'package stays', 'packages stay')} as it was."
    return [head, *said] if moved or len(stayed) > 1 else said


def _choice(call: Call) -> Choice:
    """What the board the form was on showed."""
    return chosen(dict(parse_qsl(urlsplit(form(call).get("next", "")).query)))


def _wish(text: str) -> Wish | None:
    """A ticked card: its package, and how it was seen."""
    package_id, _, seen = text.partition(":")
    status, _, driver_id = seen.partition(":")
    if not PACKAGE_ID.fullmatch(package_id) or not status:
        return None
    return Wish(package_id, Seen(status, driver_id or None))
