"""Settings → System: which version and file this is, how old its copy, what needs a decision."""

import asyncio
import shutil
from dataclasses import dataclass
from ipaddress import ip_address
from typing import cast

from starlette.responses import Response

from scriptrun_box import __version__
from scriptrun_box.accounts.gates import form, person_of_call
from scriptrun_box.geocoding import actions as geocoding
from scriptrun_box.geocoding.actions import Standing
from scriptrun_box.kernel import audit, clock, migrate
from scriptrun_box.kernel.config import ServerSettings
from scriptrun_box.kernel.db import Database, Reader, read_once
from scriptrun_box.kernel.errors import Forbidden, Invalid
from scriptrun_box.kernel.http import Call
from scriptrun_box.ui import pages
from scriptrun_box.ui.texts.defaults import TITLES
from scriptrun_box.webhooks import restored
from scriptrun_box.webhooks.api import deliveries_of

from . import queries

PATH = "/settings/system"
STARTED = clock.monotonic()  # this module is loaded as the process starts
MEGABYTE = 1_000_000
WAL_SUFFIX = "-wal"
LATE_FACTOR = 2  # a copy this many times older than promised is called late


@dataclass(frozen=True, slots=True)
class Facts:
    """What the page asks the file for."""

    schema: int
    backlog: queries.Waiting
    orders_behind: int
    last_audit: queries.AuditRow | None
    addresses: Standing
    old_events: restored.OldEvents | None  # of a restored file, until somebody has decided


async def system(call: Call) -> Response:
    """GET /settings/system."""
    return await _page(call, "")


async def check_chain(call: Call) -> Response:
    """POST /settings/system/check-audit: every row of the audit, on a thread of its own."""
    _require_box_staff(call)
    db = call.box.db
    wrong, rows = await asyncio.to_thread(read_once, db.path, db.key, _verify)
    if wrong is None:
        return await _page(call, f"The chain is whole: {rows:,} rows checked.")
    return await _page(call, "", broken_at=wrong)


async def decide_restored(call: Call) -> Response:
    """POST /settings/system/restored: what becomes of the events a restored copy still had."""
    _require_box_staff(call)
    way, person = form(call).get("way", ""), person_of_call(call)
    if way not in restored.WAYS:
        raise Invalid(f"Choose one of {', '.join(restored.WAYS)}.", code="bad_form")
    await call.box.db.write(
        restored.settle,
        person.user.tenant_id,
        person.actor,
        cast(restored.Way, way),
        deliveries_of(call).give_up_ms,
    )
    return pages.redirect("/settings/system")


async def back(call: Call) -> Response:
    """GET where the button was posted: to the page itself."""
    return pages.redirect(PATH)


async def _page(call: Call, checked: str, broken_at: int | None = None) -> Response:
    _require_box_staff(call)
    box, person = call.box, person_of_call(call)
    copy = box.publisher.state()
    facts = await box.db.read(_facts, person.user.tenant_id, copy.event_seq)
    disk = shutil.disk_usage(box.db.path.parent)
    return await pages.render(
        call,
        "settings/system.html",
        version=__version__,
        facts=facts,
        behind_max=queries.BEHIND_MAX,
        newest_schema=migrate.migrations()[-1].number,
        size_mb=_size(box.db) / MEGABYTE,
        encrypted=box.db.key is not None,
        file=box.db.path,
        copy_file=box.db.path.parents[1] / "scriptrun-box.sqlite",
        copy=copy,
        copy_late=_is_late(copy.stale_seconds, box.settings.copies.max_stale_seconds),
        free_mb=box.disk.free_mb(),
        disk_low=box.disk.is_low(),
        min_free_mb=box.settings.storage.min_free_mb,
        disk_used=(disk.total - disk.free) / disk.total,
        disk_total_mb=disk.total / MEGABYTE,
        uptime_ms=round((clock.monotonic() - STARTED) * 1000),
        server=box.settings.server,
        geocoder=box.settings.geocoding.provider,
        public_url=box.public_url,
        hosts=sorted(box.hosts),
        plain_risk=is_plain_beyond_loopback(box.settings.server),
        checked=checked,
        broken_at=broken_at,
        texts=TITLES,
        may_change=person.user.role == "owner",
    )


def is_plain_beyond_loopback(server: ServerSettings) -> bool:
    """Whether patients' data crosses a network unencrypted."""
    if server.tls_cert is not None or server.host == "localhost":
        return False
    try:
        return not ip_address(server.host).is_loopback
    except ValueError:
        return True


def _is_late(stale_seconds: float, max_stale_seconds: int) -> bool:
    return stale_seconds > LATE_FACTOR * max_stale_seconds


def _require_box_staff(call: Call) -> None:
    if not call.box.db.peek(queries.owns_box, person_of_call(call).scope):
        raise Forbidden("This page is for the pharmacy this box was set up for.")


def _facts(r: Reader, tenant_id: str, copied_event: int) -> Facts:
    return Facts(
        schema=migrate.version(r.connection),
        backlog=queries.backlog(r, tenant_id),
        orders_behind=queries.orders_behind(r, copied_event),
        last_audit=queries.last_audit(r),
        addresses=geocoding.standing(r),
        old_events=restored.restored_hold(r),
    )


def _verify(r: Reader) -> tuple[int | None, int]:
    last = queries.last_audit(r)
    return audit.verify(r), last.seq if last else 0


def _size(db: Database) -> int:
    wal = db.path.with_name(db.path.name + WAL_SUFFIX)
    return db.path.stat().st_size + (wal.stat().st_size if wal.exists() else 0)
