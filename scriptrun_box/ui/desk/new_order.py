"""A new order at the counter: the patient found, warnings before saving, and on to the next one."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from scriptrun_box.accounts import gates
from scriptrun_box.accounts import store as accounts
from scriptrun_box.kernel import clock, ids
from scriptrun_box.kernel.db import Reader
from scriptrun_box.kernel.errors import Conflict, Invalid, OverPlan
from scriptrun_box.kernel.http import Call
from scriptrun_box.kernel.scope import Scope
from scriptrun_box.orders import by_hand
from scriptrun_box.orders.by_hand import Entry, Unsaved
from scriptrun_box.orders.reading import Item, Places
from scriptrun_box.packages import store as packages
from scriptrun_box.packages.api import PACKAGE_ID, Q_MAX, look
from scriptrun_box.packages.model import Package
from scriptrun_box.packages.words import name_key, squash
from scriptrun_box.patients import store as patients
from scriptrun_box.patients.api import PATIENT_ID
from scriptrun_box.patients.model import Patient
from scriptrun_box.ui import order_forms, pages

PATH = "/orders/new"
FOUND_MAX = 8  # people offered
LOOKED_AT = 50  # packages without a patient number, the newest first
THEIRS = ("patient_name", "patient_address", "patient_phone", "external_patient_id", "pharmacy_id")


@dataclass(frozen=True, slots=True)
class Known:
    """Somebody whom orders came for before; `key` names them in an address."""

    key: str
    last: Package
    patient: Patient | None

    @property
    def name(self) -> str:
        return self.last.content.patient_name

    @property
    def number(self) -> str | None:
        return self.last.content.external_patient_id

    @property
    def address(self) -> str:
        return self.last.content.patient_address

    @property
    def phone(self) -> str | None:
        return self.last.content.patient_phone

    @property
    def at(self) -> int:
        return self.last.created_at


@dataclass(frozen=True, slots=True)
class Warned:
    """A warning of an order in the words of the form."""

    code: str
    words: str
    package_id: str


async def new_order(call: Call) -> Response:
    """GET /orders/new: empty, or filled in with what is known of somebody."""
    return await _page(call)


async def live_found(call: Call) -> Response:
    """GET /live/orders/found: who fits what is typed so far."""
    q = _q(call)
    return await pages.render(call, "desk/new_order_found.html", q=q, found=await _find(call, q))


async def live_warned(call: Call) -> Response:
    """POST /live/orders/warned: what would be warned of; nothing is stored."""
    order, places = order_of(gates.form(call)), await _places(call)
    _, _, warnings = await call.box.db.read(
        by_hand.check, call.whose, order, places, clock.now_ms()
    )
    return await pages.render(call, "desk/new_order_warned.html", warnings=_warned(warnings))


async def save(call: Call) -> Response:
    """POST /orders: stored once, after its warnings were seen; then on to where one wants."""
    form = gates.form(call)
    call.box.disk.check()
    if not ids.is_hex(form.get("act", "")):
        return await _page(call, 400, problem="The page is too old: save once more.", given=form)
    entry = await _entry(call, form)
    try:
        made = await call.box.db.write(by_hand.enter, call.whose, call.caller.actor, entry)
    except Invalid as refusal:
        return await _page(call, 400, given=form, wrong=order_forms.wrong_of(refusal))
    except OverPlan as refusal:
        return await _page(call, 402, given=form, problem=refusal.sentence)
    except Conflict as refusal:
        sentence = "The order of this page is saved already. Save once more to enter another one."
        twin = str(refusal.details[0]["package_id"])
        return await _page(call, 409, given=form, problem=sentence, twin=twin)
    if isinstance(made, Unsaved):
        return await _page(call, 200, given=form, warnings=_warned(made.warnings), act=form["act"])
    paths = {"next": f"{PATH}?saved={made}", "label": f"/packages/{made}/label"}
    return pages.redirect(paths.get(form.get("then", ""), f"/packages/{made}?done=entered"))


def order_of(form: Mapping[str, str]) -> dict[str, Any]:
    """The posted form as a program would send the order: what is not ticked is not said."""
    return {
        name: value
        for name, value in order_forms.order_of(form).items()
        if value not in (None, False)
    }


async def _entry(call: Call, form: dict[str, str]) -> Entry:
    order = order_of(form)
    said = json.dumps(order, sort_keys=True, default=str)
    person = gates.person_of_call(call)
    return Entry(
        tenant=person.tenant,
        order=order,
        places=await _places(call),
        act=form["act"],
        body_hash=hashlib.sha256(said.encode()).digest(),
        warned=frozenset(form.get("warned", "").split()),
        source="manual",
        limits=call.box.settings.limits,
        plans=call.box.settings.plans,
    )


async def _places(call: Call) -> Places:
    return Places(await call.box.db.read(accounts.locations, call.whose.tenant_id))


async def _page(
    call: Call,
    status: int = 200,
    *,
    given: dict[str, str] | None = None,
    wrong: dict[str, str] | None = None,
    warnings: list[Warned] | None = None,
    problem: str = "",
    twin: str = "",
    act: str = "",
) -> Response:
    q, query = _q(call), call.query_params
    places = (await _places(call)).locations
    chosen = await call.box.db.read(_known, call.whose, query.get("from", ""))
    saved = await call.box.db.read(_saved, call.whose, query.get("saved", ""))
    if chosen is not None:
        look(call, "package.read", chosen.last.id)
    return await pages.render(
        call,
        "desk/new_order.html",
        status,
        q=q,
        found=await _find(call, q),
        chosen=chosen,
        saved=saved,
        places=[(place.id, place.name) for place in places],
        form=given or _filled(chosen, clock.local_date(clock.now_ms(), places[0].time_zone)),
        wrong=wrong or {},
        warnings=warnings or [],
        problem=problem,
        twin=twin,
        act=act or ids.hex_id(),
    )


def _filled(chosen: Known | None, today: str) -> dict[str, str]:
    form = {"delivery_date": today}
    if chosen is not None:
        filled = order_forms.filled_of(chosen.last.content)
        form |= {name: filled[name] for name in THEIRS}
    return form


def _q(call: Call) -> str:
    return call.query_params.get("q", "").strip()[:Q_MAX]


async def _find(call: Call, q: str) -> list[Known]:
    found = await call.box.db.read(find, call.whose, q) if q else []
    if found:
        look(call, "patients.listed", None, count=len(found))
    return found


def find(r: Reader, scope: Scope, q: str) -> list[Known]:
    """Patients whom this fits, and whom orders without a patient number came for."""
    shown = patients.show(r, patients.page(r, scope, q, None, None, FOUND_MAX))
    found = [Known(each.patient.id, each.last, each.patient) for each in shown if each.last]
    others: dict[tuple[str, str], Known] = {}
    for package in packages.page(r, scope, packages.Filter(q=q), None, LOOKED_AT):
        content = package.content
        if content.external_patient_id is None:
            who = name_key(content.patient_name), squash(content.patient_address)
            others.setdefault(who, Known(package.id, package, None))
    return [*found, *others.values()][:FOUND_MAX]


def _known(r: Reader, scope: Scope, key: str) -> Known | None:
    """Whom an address names: a patient, or whoever a package was for."""
    if PATIENT_ID.fullmatch(key):
        patient = patients.get(r, scope, key)
        shown = patients.show(r, [patient])[0] if patient and patient.erased_at is None else None
        return Known(key, shown.last, shown.patient) if shown and shown.last else None
    if PACKAGE_ID.fullmatch(key):
        package = packages.get(r, scope, key)
        return Known(key, package, patients.for_package(r, package)) if package else None
    return None


def _saved(r: Reader, scope: Scope, package_id: str) -> Package | None:
    return packages.get(r, scope, package_id) if PACKAGE_ID.fullmatch(package_id) else None


def _warned(warnings: list[Item]) -> list[Warned]:
    return [
        Warned(str(each["code"]), order_forms.sentence(each), str(each.get("package_id", "")))
        for each in warnings
    ]
