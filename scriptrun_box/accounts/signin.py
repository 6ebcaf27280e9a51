"""Signing in and out: sessions kept in the file, guessing slowed down and then stopped."""

from collections import OrderedDict
from dataclasses import dataclass, field

from scriptrun_box.kernel import audit, clock, ids
from scriptrun_box.kernel.clock import DAY_MS, MINUTE_MS
from scriptrun_box.kernel.db import Database, Reader, Signal, Writer
from scriptrun_box.kernel.errors import RateLimited, Unauthorized
from scriptrun_box.kernel.scope import Actor, Scope

from . import passwords, store
from .actions import SESSIONS_ENDED, digest_of
from .model import Person, User

IDLE_MS = 60 * MINUTE_MS
AT_MOST_MS = DAY_MS
FREE_FAILURES = 5  # from one address for one e-mail, before it has to wait
LONGEST_WAIT_SECONDS = 300
LOCKED_AFTER = 100  # wrong passwords in a row, from anywhere; an owner's new link unlocks
REMEMBERED = 10_000  # (e-mail, address) pairs
EMAIL_MAX_CHARS = 320  # nobody has a longer one, and what is guessed is remembered
DEVICE_MAX = 120


@dataclass(slots=True)
class _Guesses:
    failures: int = 0
    not_before: float = 0.0


@dataclass(slots=True)
class SignIns:
    """What the process remembers between requests: wrong guesses, and when sessions were used."""

    guesses: OrderedDict[tuple[str, str], _Guesses] = field(default_factory=OrderedDict)
    seen: dict[bytes, int] = field(default_factory=dict)

    def check(self, email: str, address: str) -> None:
        """Raise RateLimited while this address has to wait for this e-mail."""
        guesses = self.guesses.get((email, address))
        wait = guesses.not_before - clock.monotonic() if guesses else 0
        if wait > 0:
            seconds = int(wait) + 1
            raise RateLimited(
                f"Too many wrong passwords; try again in {seconds} seconds.",
                headers={"Retry-After": str(seconds)},
            )

    def wrong(self, email: str, address: str) -> None:
        """One more wrong guess: after the free ones the wait doubles each time."""
        guesses = self.guesses.setdefault((email, address), _Guesses())
        guesses.failures += 1
        over = guesses.failures - FREE_FAILURES
        if over >= 0:
            wait = min(2.0 ** min(over, 10), LONGEST_WAIT_SECONDS)
            guesses.not_before = clock.monotonic() + wait
        self.guesses.move_to_end((email, address))
        while len(self.guesses) > REMEMBERED:
            self.guesses.popitem(last=False)

    def right(self, email: str, address: str) -> None:
        """The right password: forget the wrong ones."""
        self.guesses.pop((email, address), None)


async def sign_in(
    db: Database, sign_ins: SignIns, *, email: str, password: str, address: str, device: str
) -> str:
    """The token of a new session; raises Unauthorized or RateLimited, the same for any reason."""
    found = await vouch(db, sign_ins, email=email, password=password, address=address)
    return await db.write(start_session, found, device)


async def vouch(
    db: Database, sign_ins: SignIns, *, email: str, password: str, address: str
) -> User:
    """Who this e-mail and password belong to; raises Unauthorized or RateLimited as a sign-in."""
    email = email.strip().casefold()[:EMAIL_MAX_CHARS]
    sign_ins.check(email, address)
    sign_ins.wrong(email, address)  # until it is found right: guesses made at once count as well
    found = await db.read(store.user_by_email, email)
    row = await db.read(store.credentials, found.id) if found else None
    locked = row is not None and row["failures"] >= LOCKED_AFTER
    right = await passwords.matches_later(password, row["password"] if row else None)
    if found is None or not right or locked or found.disabled_at:
        if found:
            await db.write(_failed, found)
        raise Unauthorized("The e-mail or the password is not right.", code="sign_in_failed")
    sign_ins.right(email, address)
    return found


async def confirm(
    db: Database, sign_ins: SignIns, person: Person, password: str, address: str
) -> None:
    """Whoever is signed in types the password again; raises Unauthorized or RateLimited."""
    email = person.user.email
    sign_ins.check(email, address)
    sign_ins.wrong(email, address)  # until it is found right, as above
    row = await db.read(store.credentials, person.user.id)
    if not await passwords.matches_later(password, row["password"] if row else None):
        await db.write(_failed, person.user)
        raise Unauthorized("The password is not right.", code="sign_in_failed")
    sign_ins.right(email, address)


def start_session(w: Writer, user: User, device: str) -> str:
    """A new session for a person; its token goes into their cookie."""
    token = ids.token()
    store.note_sign_in(w, user.id)
    store.insert_session(w, digest_of(token), user.id, ids.token(), device[:DEVICE_MAX])
    audit.record(w, user.tenant_id, Actor.user(user.id), "user.signed_in", user.id)
    return token


def sign_out(w: Writer, person: Person) -> None:
    """End this session."""
    store.delete_session(w, person.session)
    audit.record(w, person.user.tenant_id, person.actor, "user.signed_out", person.user.id)
    w.after_commit(Signal(SESSIONS_ENDED, ids=(person.user.id,)))


def show_sandbox(w: Writer, person: Person, test: bool) -> None:
    """Turn this session's screens to the sandbox, or back to live."""
    store.set_session_test(w, person.session, test)


def person_of(r: Reader, token: str, sign_ins: SignIns, now: int) -> Person | None:
    """Who holds this session token; None when it has ended, idled too long or never was."""
    digest = digest_of(token)
    row = store.session(r, digest)
    if row is None:
        return None
    seen = max(row["seen_at"], sign_ins.seen.get(digest, 0))
    if not (abs(now - seen) < IDLE_MS and abs(now - row["created_at"]) < AT_MOST_MS):
        return None
    user = store.user(r, row["user_id"])
    if user is None or user.disabled_at is not None:
        return None
    tenant = store.tenant(r, user.tenant_id)
    if tenant is None:
        return None
    return Person(
        scope=Scope(user.tenant_id, bool(row["test"])),
        actor=Actor.user(user.id),
        user=user,
        tenant=tenant,
        session=digest,
        csrf=row["csrf"],
    )


def _failed(w: Writer, user: User) -> None:
    store.count_failure(w, user.id)
    audit.record(w, user.tenant_id, Actor("anyone"), "user.sign_in_failed", user.id)
