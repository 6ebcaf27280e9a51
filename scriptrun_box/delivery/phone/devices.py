"""Phones: a code at the desk adds one, a word at the desk takes its rights away at once.

The credential has two halves. One is a cookie that no script can read; the other stays on the phone
encrypted under the driver's PIN, which the box never learns. Only hashes of both are stored.
"""

import hmac
from dataclasses import dataclass

from scriptrun_box.accounts.actions import digest_of
from scriptrun_box.drivers import actions as drivers
from scriptrun_box.kernel import audit, ids, notices
from scriptrun_box.kernel.clock import MINUTE_MS
from scriptrun_box.kernel.db import Reader, Signal, Writer
from scriptrun_box.kernel.errors import Conflict, Invalid, NotFound, Unauthorized
from scriptrun_box.kernel.scope import Actor, Scope

from . import store
from .model import Phone

CODE_LIFE_MS = 15 * MINUTE_MS
PHONES_MAX = 5  # of one driver
HALF_CHARS = 43  # 256 bits in base64 of URLs
ODD = "phone_odd"  # the notice: something a phone told did not count

KINDS_OF_PHONE = (("iphone", "iPhone"), ("ipad", "iPad"), ("android", "Android phone"))
UNKNOWN = "This phone is not known here; ask the desk for a new code."
REVOKED = "This phone may no longer be used; what it held is gone. Ask the desk for a new code."
LOCKED = "Open the app with your PIN first."


@dataclass(frozen=True, slots=True)
class Joined:
    """A phone that was just added, and the half of its credential that goes into its cookie."""

    phone: Phone
    token: str


def make_code(w: Writer, scope: Scope, actor: Actor, driver_id: str) -> str:
    """A code that adds one phone for this driver, good once within 15 minutes."""
    driver = drivers.find(w, scope, driver_id)
    if scope.test:
        raise Conflict("Sandbox drivers have no phones.", code="sandbox_driver")
    if not driver.active:
        raise Conflict("This driver has left; take them on again first.", code="driver_left")
    if len(store.of_driver(w, driver.id)) >= PHONES_MAX:
        raise Conflict(
            f"This driver has {PHONES_MAX} phones already; take one away first.",
            code="too_many_phones",
        )
    token = ids.token()
    expires_at = w.now + CODE_LIFE_MS
    store.insert_code(w, digest_of(token), scope.tenant_id, driver.id, actor, expires_at)
    audit.record(w, scope.tenant_id, actor, "phone.code_made", driver.id)
    return token


def driver_of_code(r: Reader, token: str, now: int) -> str | None:
    """The name of the driver whose phone this code adds; None where it is used or too old."""
    row = store.code(r, digest_of(token), now)
    if row is None:
        return None
    driver = drivers.find(r, Scope(row["tenant_id"]), row["driver_id"])
    return driver.name if driver.active else None


def join(w: Writer, token: str, page_half: str, user_agent: str) -> Joined:
    """Add the phone that came with a code."""
    row = store.code(w, digest_of(token), w.now)
    if row is None:
        raise NotFound("This code was used, or is too old. Ask the desk for a new one.",
                       code="link_used")  # fmt: skip
    if len(page_half) != HALF_CHARS or not page_half.isascii():
        raise Invalid("This phone's browser is too old for the app.", code="bad_form")
    store.delete_code(w, digest_of(token))
    driver = drivers.find(w, Scope(row["tenant_id"]), row["driver_id"])
    made = Phone(
        id=ids.prefixed("phn"),
        tenant_id=driver.tenant_id,
        driver_id=driver.id,
        name=_name(user_agent),
        page_digest=digest_of(page_half),
        joined_at=w.now,
        heard_at=w.now,
        ahead_ms=0,
        revoked_at=None,
        revoked_by=None,
    )
    cookie_half = ids.token()
    store.insert(w, made, digest_of(cookie_half), row["made_by"])
    audit.record(
        w, driver.tenant_id, Actor.driver(driver.id), "phone.joined", made.id, driver_id=driver.id
    )
    _tell(w, made)
    return Joined(made, cookie_half)


def revoke(w: Writer, scope: Scope, actor: Actor, phone_id: str) -> Phone:
    """A phone is lost, or somebody else's now: its next word is refused. Again is nothing."""
    phone = find(w, scope, phone_id)
    if store.set_revoked(w, phone, actor):
        audit.record(
            w, scope.tenant_id, actor, "phone.revoked", phone.id, driver_id=phone.driver_id
        )
        _tell(w, phone)
    return phone


def see_odd(w: Writer, scope: Scope, actor: Actor, driver_id: str) -> None:
    """Somebody at the desk has looked at what a driver told that did not count."""
    driver = drivers.find(w, scope, driver_id)
    if store.set_seen(w, scope.tenant_id, driver.id, actor):
        audit.record(w, scope.tenant_id, actor, "phone.acts_seen", driver.id)
    notices.end(w, scope, driver.id, ODD)


def find(r: Reader, scope: Scope, phone_id: str) -> Phone:
    """The phone, or NotFound: another tenant's is as unknown as one that never was."""
    phone = None if scope.test else store.get(r, scope.tenant_id, phone_id)
    if phone is None:
        raise NotFound("There is no such phone.")
    return phone


def known(r: Reader, cookie_half: str, page_half: str | None) -> Phone:
    """The phone that holds this credential; raises Unauthorized. None: the cookie is enough."""
    phone = store.by_cookie(r, digest_of(cookie_half)) if cookie_half else None
    if phone is None:
        raise Unauthorized(UNKNOWN, code="phone_unknown")
    driver = drivers.find(r, Scope(phone.tenant_id), phone.driver_id)
    if phone.revoked_at is not None or not driver.active:
        raise Unauthorized(REVOKED, code="phone_revoked")
    if page_half is not None and not hmac.compare_digest(digest_of(page_half), phone.page_digest):
        raise Unauthorized(LOCKED, code="phone_locked")
    return phone


def _name(user_agent: str) -> str:
    told = user_agent.lower()
    return next((name for word, name in KINDS_OF_PHONE if word in told), "Phone")


def _tell(w: Writer, phone: Phone) -> None:
    w.after_commit(Signal(drivers.CHANGED, phone.tenant_id, False, (phone.driver_id,)))
