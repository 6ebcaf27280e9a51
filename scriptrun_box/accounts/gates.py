"""The gates of the URL table: a program with a key, or a signed-in person with a role."""

import hmac
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import cast

from scriptrun_box.kernel import clock
from scriptrun_box.kernel.db import Writer
from scriptrun_box.kernel.errors import Forbidden, Unauthorized
from scriptrun_box.kernel.http import Call
from scriptrun_box.kernel.scope import Actor, Scope

from . import plans, store
from .actions import digest_of
from .model import KeyCaller, KeyScope, KnownKey, Person, Rate, Role
from .signin import SignIns, person_of

COOKIE = "scriptrun"
SECURE_COOKIE = "__Host-scriptrun"
KEY_MAX_CHARS = 200
SAFE = ("GET", "HEAD")


@dataclass(frozen=True, slots=True)
class KeyGate:
    """Lets in a valid key: `scope` None takes any key; `rate` is the limit it counts against.

    With `checked_later` the key may come from memory, because the action looks again in its own
    transaction (`key_still_holds`) when another process has changed the file meanwhile.
    """

    scope: KeyScope | None
    rate: Rate
    feature: str | None = None
    checked_later: bool = False

    async def __call__(self, call: Call) -> None:
        secret = call.header(b"x-api-key") or ""
        if not secret:
            raise Unauthorized(code="key_missing")
        digest = digest_of(secret[:KEY_MAX_CHARS])
        known = _known_key(call, digest, self.checked_later)
        key, tenant = known.key, known.tenant
        scope = Scope(tenant.id, key.test, key.location_id)
        call.caller = KeyCaller(scope, Actor.key(key.id), known, digest)
        settings = call.box.settings
        limit = plans.requests_per_minute(settings.limits, key, self.rate)
        if key.networks is not None and not comes_from(client(call), key.networks):
            call.room = call.box.limiter.peek(key.id, self.rate, limit)  # told, but not used up
            raise Forbidden("This key may not be used from here.", code="source_refused")
        call.room = call.box.limiter.take(key.id, self.rate, limit)
        call.app.state.key_uses[key.id] = clock.now_ms()
        if self.scope and key.scopes is not None and self.scope not in key.scopes:
            raise Forbidden(f"This key lacks the scope {self.scope}.", code="scope_missing")
        if self.feature:
            plans.require_feature(settings.plans, tenant, self.feature)

    async def with_body(self, call: Call) -> None:
        """Once the body is read: nothing is changed below the disk's floor, reading goes on."""
        if call.method not in SAFE:
            call.box.disk.check()


@dataclass(frozen=True, slots=True)
class PersonGate:
    """Lets in a signed-in person with one of the roles; a change needs the page's token too."""

    roles: tuple[Role, ...]

    async def __call__(self, call: Call) -> None:
        person = signed_in(call)
        if person is None:
            raise Unauthorized("Please sign in.", code="signed_out")
        call.caller = person
        if person.user.role not in self.roles:
            raise Forbidden("Your role does not open this page.", code="role_missing")

    async def with_body(self, call: Call) -> None:
        """Once the body is read: a change must come from one of our own pages."""
        if call.method not in SAFE:
            check_same_site(call)
            given = call.headers.get("x-csrf-token") or form(call).get("csrf", "")
            if not hmac.compare_digest(given.encode(), person_of_call(call).csrf.encode()):
                raise Forbidden("The page is too old; reload it and try again.", code="csrf")


STAFF = PersonGate(("owner", "dispatcher", "pharmacist"))
OWNER = PersonGate(("owner",))
AUDITED = PersonGate(("owner", "pharmacist"))  # who answers an auditor
ANY_ROLE = PersonGate(("owner", "dispatcher", "pharmacist", "driver"))


def signed_in(call: Call) -> Person | None:
    """The person whose session cookie came with the call, if any."""
    token = call.cookies.get(cookie_name(call))
    if not token:
        return None
    sign_ins: SignIns = call.app.state.sign_ins
    now = clock.now_ms()
    person = call.box.db.peek(person_of, token, sign_ins, now)
    if person is not None:
        sign_ins.seen[person.session] = now
    return person


def _known_key(call: Call, digest: bytes, from_memory: bool) -> KnownKey:
    db, memory = call.box.db, call.app.state.known_keys
    known: KnownKey | None = memory.get(digest) if from_memory else None
    if known is None or known.epoch != db.epoch:
        known = db.peek(store.known_key, digest, db.epoch)
        if known is None:
            raise Unauthorized()
        memory[digest] = known
    return known


def need_key_now(call: Call) -> None:
    """Raise Unauthorized if the key was revoked since it was remembered."""
    db = call.box.db
    if db.peek(store.known_key, key_of(call).digest, db.epoch) is None:
        raise Unauthorized()


def key_still_holds(w: Writer, caller: KeyCaller) -> KnownKey:
    """The caller's key as this transaction knows it; raises Unauthorized if it was revoked."""
    if caller.known.epoch == w.epoch:
        return caller.known
    known = store.known_key(w, caller.digest, w.epoch)
    if known is None:
        raise Unauthorized()
    return known


def key_of(call: Call) -> KeyCaller:
    """The program behind a call that came through a KeyGate."""
    return cast(KeyCaller, call.caller)


def person_of_call(call: Call) -> Person:
    """The person behind a call that came through a PersonGate."""
    return cast(Person, call.caller)


def form(call: Call) -> dict[str, str]:
    """The fields of a posted form, the last value of each; empty when the body is no form."""
    return {name: values[-1] for name, values in form_lists(call).items()}


def form_lists(call: Call) -> dict[str, list[str]]:
    """As `form`, with every value of each field."""
    return call.posted().fields


def form_files(call: Call) -> dict[str, bytes]:
    """The files that came with a form, by the names of their fields."""
    return call.posted().files


def check_same_site(call: Call) -> None:
    """Refuse a form that another site made the browser send."""
    origin, site = call.headers.get("origin"), call.headers.get("sec-fetch-site")
    if site not in (None, "same-origin", "none") or (
        origin is not None and origin.partition("://")[2] != call.headers.get("host", "")
    ):
        raise Forbidden("This form came from another site.", code="csrf")


def cookie_name(call: Call) -> str:
    """The session cookie's name: bound to this host where the connection is encrypted."""
    return SECURE_COOKIE if call.url.scheme == "https" else COOKIE


def client(call: Call) -> str:
    """The address the connection came from."""
    return call.client.host if call.client else ""


def comes_from(address: str, networks: tuple[str, ...]) -> bool:
    """Whether an address lies in one of the networks (CIDR)."""
    try:
        source = ip_address(address)
    except ValueError:
        return False
    source = getattr(source, "ipv4_mapped", None) or source
    return any(source in network for network in _networks(networks))


@lru_cache(maxsize=1024)
def _networks(texts: tuple[str, ...]) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(text) for text in texts)
