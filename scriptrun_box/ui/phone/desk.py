"""Phones at the desk: a code to add one, a lost one shut out, and what phones told."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import segno
from starlette.responses import Response

from scriptrun_box.accounts.gates import form
from scriptrun_box.delivery.phone import devices, store
from scriptrun_box.delivery.phone.model import Told
from scriptrun_box.drivers import actions as drivers
from scriptrun_box.drivers import store as driver_store
from scriptrun_box.drivers.api import DRIVER_ID
from scriptrun_box.kernel import clock
from scriptrun_box.kernel.clock import iso
from scriptrun_box.kernel.config import LOOPBACK_HOSTS
from scriptrun_box.kernel.db import Reader
from scriptrun_box.kernel.errors import NotFound
from scriptrun_box.kernel.http import Call
from scriptrun_box.kernel.scope import Scope
from scriptrun_box.kernel.tls import machine_names
from scriptrun_box.ui import pages
from scriptrun_box.ui.settings.tables import csv_answer

PATH = "/phone-acts"
SHOWN, EXPORTED_MAX = 200, 20_000
KIND_WORDS = {
    "shift_start": "Started the shift",
    "shift_end": "Ended the shift",
    "online": "Went online",
    "offline": "Went offline",
    "load": "Loaded the car",
    "start": "Started the route",
    "deliver": "Delivered",
    "fail": "Could not deliver",
    "note": "Told the desk",
    "finish": "Finished the route",
}
OUTCOME_WORDS = {
    "taken": ("Counted", "ok"),
    "conflict": ("Did not count", "bad"),
    "refused": ("Refused", "warn"),
}
COLUMNS = (
    "id", "driver", "kind", "packages", "device_at", "acted_at", "received_at", "outcome", "code",
    "sentence", "seen_at",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """An act as the list shows it."""

    told: Told
    driver: str
    kind: str
    word: str
    tone: str


async def add(call: Call) -> Response:
    """POST /drivers/{id}/phones: a code to be read with the phone, shown this once."""
    call.box.disk.check()
    driver_id = _driver_id(call)
    token = await call.box.db.write(devices.make_code, call.whose, call.caller.actor, driver_id)
    driver = await call.box.db.read(drivers.find, call.whose, driver_id)
    address = _address(call)
    link = f"{address}/phone/join/{token}"
    return await pages.render(
        call,
        "phone/code.html",
        driver=driver,
        link=link,
        help_link=f"{address}/phone/help",
        code=segno.make_qr(link).svg_inline(border=4, omitsize=True, svgclass="qr", lineclass=None),
        unreachable=(urlsplit(address).hostname or "") in LOOPBACK_HOSTS,
        good_until=clock.now_ms() + devices.CODE_LIFE_MS,
    )


async def revoke(call: Call) -> Response:
    """POST /phones/{id}/revoke: the phone is lost; its next word is refused."""
    phone_id: str = call.path_params["id"]
    phone = await call.box.db.write(devices.revoke, call.whose, call.caller.actor, phone_id)
    return pages.redirect(f"/drivers/{phone.driver_id}?done=phone_revoked")


async def see(call: Call) -> Response:
    """POST /drivers/{id}/phone-acts: somebody has looked at what did not count."""
    driver_id = _driver_id(call)
    await call.box.db.write(devices.see_odd, call.whose, call.caller.actor, driver_id)
    return pages.redirect(pages.local_path(form(call).get("next", PATH)))


async def acts(call: Call) -> Response:
    """GET /phone-acts: what phones told, first of all what did not count."""
    q, everything = _choice(call)
    lines = await call.box.db.read(_lines, call.whose, q, everything, SHOWN)
    return await pages.render(call, "phone/acts.html", lines=lines, q=q, everything=everything)


async def export(call: Call) -> Response:
    """GET /phone-acts.csv."""
    q, everything = _choice(call)
    lines = await call.box.db.read(_lines, call.whose, q, everything, EXPORTED_MAX)
    return csv_answer("phone-acts.csv", COLUMNS, (_cells(line) for line in lines))


def _choice(call: Call) -> tuple[str, bool]:
    query = call.query_params
    return query.get("q", "").strip(), query.get("show") == "all"


def _lines(r: Reader, scope: Scope, q: str, everything: bool, limit: int) -> list[Line]:
    if scope.test:  # phones are for what is real
        return []
    wanted = store.Filter(odd=not everything)
    told = store.acts(r, scope.tenant_id, wanted, None, limit)
    names = driver_store.names(r, scope.tenant_id, (each.driver_id for each in told))
    lines = [_line(each, names.get(each.driver_id, "a driver")) for each in told]
    return [line for line in lines if _fits(line, q.casefold().split())]


def _line(told: Told, driver: str) -> Line:
    kind = KIND_WORDS.get(told.kind, told.kind)
    return Line(told, driver, kind, *OUTCOME_WORDS[told.outcome])


def _fits(line: Line, words: list[str]) -> bool:
    text = f"{line.driver} {line.kind} {line.word} {line.told.sentence}".casefold()
    return all(word in text for word in words)


def _cells(line: Line) -> list[Any]:
    told = line.told
    return [
        told.id,
        line.driver,
        told.kind,
        " ".join(told.package_ids),
        iso(told.device_at),
        iso(told.acted_at),
        iso(told.received_at),
        told.outcome,
        told.code,
        told.sentence,
        "" if told.seen_at is None else iso(told.seen_at),
    ]


def _address(call: Call) -> str:
    """Where phones reach the box: as configured, else by the name they find by themselves."""
    public = call.box.public_url
    parts = urlsplit(public)
    if call.box.settings.server.public_url or parts.hostname in LOOPBACK_HOSTS:
        return public
    found = (name for name in machine_names() if name.endswith(".local"))
    return public.replace(parts.hostname or "", next(found, parts.hostname or ""), 1)


def _driver_id(call: Call) -> str:
    driver_id: str = call.path_params["id"]
    if not DRIVER_ID.fullmatch(driver_id):
        raise NotFound("There is no such driver.")
    return driver_id
