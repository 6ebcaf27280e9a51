"""Who confirms: the pharmacist, a second person, the driver; each by something only they have.

A driver without a sign-in chooses a PIN at the desk, typed by themselves; the box keeps its scrypt
alone. Nobody is both people of a hand-over.
"""

from typing import Any

from scriptrun_box.accounts import passwords, signin
from scriptrun_box.accounts import store as accounts
from scriptrun_box.accounts.model import User
from scriptrun_box.accounts.signin import SignIns
from scriptrun_box.drivers import actions as drivers
from scriptrun_box.kernel import audit
from scriptrun_box.kernel.db import Database, Reader, Writer
from scriptrun_box.kernel.errors import Unauthorized
from scriptrun_box.kernel.scope import Actor, Scope

from . import store
from .model import Party, not_confirmed
from .words import invalid, tell

PHARMACISTS = ("owner", "pharmacist")
STAFF = (*PHARMACISTS, "dispatcher")
PIN_MIN, PIN_MAX = 6, 12  # digits
LOCKED_AFTER = 20  # wrong PINs in a row, from anywhere; a new PIN unlocks


async def staff(
    db: Database, sign_ins: SignIns, scope: Scope, *, email: str, password: str, address: str
) -> Party:
    """Somebody of the staff by e-mail and password; raises Forbidden or RateLimited."""
    given = password[: passwords.MAX_CHARS + 1]
    try:
        user = await signin.vouch(db, sign_ins, email=email, password=given, address=address)
    except Unauthorized:
        raise not_confirmed() from None
    if user.tenant_id != scope.tenant_id or user.role not in STAFF:
        raise not_confirmed()
    return Party(f"user:{user.id}", "password")


async def driver(
    db: Database, sign_ins: SignIns, scope: Scope, *, driver_id: str, pin: str, address: str
) -> Party:
    """A driver by the PIN they chose; raises Forbidden or RateLimited, the same for any reason."""
    sign_ins.check(driver_id, address)
    sign_ins.wrong(driver_id, address)  # until it is found right, as with a password
    row = await db.read(_pin, scope, driver_id)
    right = await passwords.matches_later(pin[:PIN_MAX], row["pin"] if row else None)
    if row is None or not right or row["failures"] >= LOCKED_AFTER:
        if row:
            await db.write(_guessed, scope, driver_id, False)
        raise not_confirmed()
    if row["failures"]:
        await db.write(_guessed, scope, driver_id, True)
    sign_ins.right(driver_id, address)
    return Party(f"driver:{driver_id}", "pin")


async def set_pin(
    db: Database, scope: Scope, actor: Actor, driver_id: str, pin: str, again: str
) -> None:
    """A driver chooses their PIN at the desk; raises Invalid."""
    if not (pin.isascii() and pin.isdecimal() and PIN_MIN <= len(pin) <= PIN_MAX):
        raise invalid("pin", "bad_format", f"A PIN is {PIN_MIN} to {PIN_MAX} digits.")
    if len(set(pin)) < 3 or pin in "01234567890123456789" or pin in "98765432109876543210":
        raise invalid("pin", "not_allowed", "This PIN is too easy to guess.")
    if pin != again:
        raise invalid("again", "conflict", "The two PINs are not the same.")
    hashed = await passwords.hash_later(pin)
    await db.write(_store_pin, scope, actor, driver_id, hashed)


def need_pharmacist(r: Reader, scope: Scope, party: Party) -> User:
    """Raise Forbidden where a party is no pharmacist (or owner) of this tenant, or locked out."""
    return _need(r, scope, party, PHARMACISTS)


def need_second(r: Reader, scope: Scope, party: Party, first: Party) -> User:
    """Raise where a party is nobody of the staff, or the first person once more."""
    if party.id == first.id:
        raise invalid("second", "not_allowed", "The second person is somebody else.")
    return _need(r, scope, party, STAFF)


def driver_of(party: Party) -> str:
    """The driver's id behind a party; raises Forbidden where it is no driver."""
    kind, _, driver_id = party.id.partition(":")
    if kind != "driver":
        raise not_confirmed()
    return driver_id


def _need(r: Reader, scope: Scope, party: Party, roles: tuple[str, ...]) -> User:
    kind, _, user_id = party.id.partition(":")
    user = accounts.user(r, user_id) if kind == "user" else None
    if user is None or user.tenant_id != scope.tenant_id or user.disabled_at is not None:
        raise not_confirmed()
    if user.role not in roles:
        raise not_confirmed()
    return user


def _pin(r: Reader, scope: Scope, driver_id: str) -> dict[str, Any] | None:
    row = store.pin(r, driver_id)
    return dict(row) if row and row["tenant_id"] == scope.tenant_id else None


def _guessed(w: Writer, scope: Scope, driver_id: str, right: bool) -> None:
    store.count_failure(w, driver_id, right)
    if not right:
        audit.record(w, scope.tenant_id, Actor("anyone"), "driver.pin_wrong", driver_id)


def _store_pin(w: Writer, scope: Scope, actor: Actor, driver_id: str, hashed: str) -> None:
    drivers.find(w, scope, driver_id)
    store.set_pin(w, scope.tenant_id, driver_id, hashed, actor.id)
    audit.record(w, scope.tenant_id, actor, "driver.pin_set", driver_id)
    tell(w, scope, driver_id)
