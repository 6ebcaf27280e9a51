"""What can be done with accounts: make tenants, people and keys, change and revoke them."""

import hashlib
import re
import uuid
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any

from scriptrun_box.kernel import audit, ids
from scriptrun_box.kernel.clock import HOUR_MS, is_time_zone
from scriptrun_box.kernel.config import PlansSettings
from scriptrun_box.kernel.db import Signal, Writer
from scriptrun_box.kernel.errors import Conflict, Invalid, NotFound
from scriptrun_box.kernel.scope import BOX, Actor

from . import store
from .model import (
    KEY_SCOPES,
    KINDS,
    LIVE_PREFIX,
    ROLES,
    TEST_PREFIX,
    Key,
    Location,
    Tenant,
    User,
)
from .plans import PLAN_NAMES, require_feature

NAME_MAX = 200
PHONE_MAX = 30
LINK_LIFE_MS = HOUR_MS
SHOWN_CHARS = 4  # of a key, behind its prefix
EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,190}")
SESSIONS_ENDED = "sessions_ended"
KEYS_CHANGED = "keys_changed"  # or anything else that is remembered with a key


@dataclass(frozen=True, slots=True)
class NewTenant:
    """What `create_tenant` made."""

    tenant: Tenant
    location: Location


@dataclass(frozen=True, slots=True)
class NewKey:
    """What `create_key` made: `secret` is the key itself, to be shown once."""

    key: Key
    secret: str


def invalid(field: str, code: str, message: str) -> Invalid:
    """A refusal about one field."""
    return Invalid(message, details=[{"field": field, "code": code, "message": message}])


def create_tenant(
    w: Writer, actor: Actor, *, name: str, kind: str, plan: str, time_zone: str, address: str = ""
) -> NewTenant:
    """Make a tenant and its first location."""
    name = one_line("name", name)
    if kind not in KINDS:
        raise invalid("kind", "not_allowed", f"The kind is one of {', '.join(KINDS)}.")
    _check_plan(plan)
    made = Tenant(ids.prefixed("ten"), name, kind, plan, False, w.now)
    store.insert_tenant(w, made)
    audit.record(w, made.id, actor, "tenant.created", made.id, plan=plan, kind=kind)
    location = add_location(w, made.id, actor, name=name, address=address, time_zone=time_zone)
    return NewTenant(made, location)


def update_tenant(
    w: Writer, tenant_id: str, actor: Actor, *, plan: str | None, overage: bool | None
) -> None:
    """Change a tenant's plan, switch its overage on or off, or both."""
    if plan is not None:
        _check_plan(plan)
    if not store.update_tenant(w, tenant_id, plan, overage):
        raise NotFound()
    audit.record(w, tenant_id, actor, "tenant.changed", tenant_id, plan=plan, overage=overage)
    w.after_commit(Signal(KEYS_CHANGED, tenant_id))


def add_location(
    w: Writer,
    tenant_id: str,
    actor: Actor,
    *,
    name: str,
    address: str,
    time_zone: str,
    phone: str = "",
) -> Location:
    """Add a location; its id is a uuid, as callers send it in `pharmacy_id`."""
    made = _location(str(uuid.uuid4()), tenant_id, name, address, time_zone, phone)
    store.insert_location(w, made)
    audit.record(w, tenant_id, actor, "location.created", made.id)
    w.after_commit(Signal(KEYS_CHANGED, tenant_id))
    return made


def add_another_location(
    w: Writer,
    tenant: Tenant,
    actor: Actor,
    plans: PlansSettings,
    *,
    name: str,
    address: str,
    time_zone: str,
    phone: str = "",
) -> Location:
    """As `add_location`, where the plan knows more than one."""
    require_feature(plans, tenant, "locations")
    given = {"name": name, "address": address, "time_zone": time_zone, "phone": phone}
    return add_location(w, tenant.id, actor, **given)


def change_location(
    w: Writer,
    tenant_id: str,
    actor: Actor,
    location_id: str,
    *,
    name: str,
    address: str,
    time_zone: str,
    phone: str = "",
) -> None:
    """Change what a location is called, where it is, its time zone, or its phone number."""
    place = _location(location_id, tenant_id, name, address, time_zone, phone)
    if not store.update_location(w, place):
        raise NotFound("There is no such location.")
    audit.record(w, tenant_id, actor, "location.changed", location_id)
    w.after_commit(Signal(KEYS_CHANGED, tenant_id))


def _location(
    location_id: str, tenant_id: str, name: str, address: str, time_zone: str, phone: str
) -> Location:
    if not is_time_zone(time_zone):
        message = "The time zone is a name such as America/New_York."
        raise invalid("time_zone", "bad_format", message)
    place = one_line("address", address) if address.strip() else ""
    number = one_line("phone", phone) if phone.strip() else ""
    if len(number) > PHONE_MAX:
        raise invalid("phone", "too_long", f"A phone number has at most {PHONE_MAX} characters.")
    return Location(location_id, tenant_id, one_line("name", name), place, time_zone, number)


def add_user(
    w: Writer, tenant_id: str, actor: Actor, *, email: str, name: str, role: str
) -> tuple[User, str]:
    """Add a person, who has no password yet; also the token of the link to set one."""
    email = email.strip().casefold()
    if not (EMAIL.fullmatch(email) and email.isprintable()):
        raise invalid("email", "bad_format", "This is not an e-mail address.")
    if role not in ROLES:
        raise invalid("role", "not_allowed", f"The role is one of {', '.join(ROLES)}.")
    if store.user_by_email(w, email):
        raise invalid("email", "conflict", "A person with this e-mail address is already here.")
    made = User(
        ids.prefixed("usr"),
        tenant_id,
        email,
        one_line("name", name),
        role,
        False,
        w.now,
        None,
        None,
    )
    store.insert_user(w, made)
    audit.record(w, tenant_id, actor, "user.added", made.id, role=role)
    return made, create_link(w, made.id)


def create_link(w: Writer, user_id: str | None) -> str:
    """The token of a one-time link: to set up the box (no user), or for a person's password."""
    token = ids.token()
    store.insert_link(w, digest_of(token), user_id, w.now + LINK_LIFE_MS)
    return token


def reset_password(w: Writer, tenant_id: str, actor: Actor, user_id: str) -> str:
    """The token of a link with which a person sets a new password; ends their sessions."""
    found = store.user(w, user_id)
    if found is None or found.tenant_id != tenant_id:
        raise NotFound("There is no such person.")
    _end_sessions(w, user_id)
    audit.record(w, tenant_id, actor, "user.password_reset", user_id)
    return create_link(w, user_id)


def set_password(w: Writer, tenant_id: str, actor: Actor, user_id: str, password_hash: str) -> None:
    """Store an (already checked and hashed) password; ends every session of the person."""
    store.set_password(w, user_id, password_hash)
    _end_sessions(w, user_id)
    audit.record(w, tenant_id, actor, "user.password_set", user_id)


def set_password_by_link(w: Writer, token: str, password_hash: str) -> User:
    """Follow a person's one-time link."""
    row = store.link(w, digest_of(token), w.now)
    found = store.user(w, row["user_id"]) if row and row["user_id"] else None
    if found is None or not store.use_link(w, digest_of(token)):
        raise link_used_up()
    set_password(w, found.tenant_id, Actor.user(found.id), found.id, password_hash)
    return found


def set_up(
    w: Writer, token: str, *, pharmacy: str, time_zone: str, email: str, name: str, password: str,
    address: str = "",
) -> User:  # fmt: skip
    """Follow the box's set-up link: the first tenant with its owner (password already hashed)."""
    if store.any_tenant(w) or not store.use_link(w, digest_of(token)):
        raise link_used_up()
    return create_owner(
        w, BOX, pharmacy=pharmacy, kind="pharmacy", plan="pro", time_zone=time_zone, email=email,
        name=name, password=password, address=address,
    )  # fmt: skip


def create_owner(
    w: Writer, actor: Actor, *, pharmacy: str, kind: str, plan: str, time_zone: str, email: str,
    name: str, password: str, address: str = "",
) -> User:  # fmt: skip
    """A tenant and the person who owns it, whose password is already hashed."""
    made = create_tenant(
        w, actor, name=pharmacy, kind=kind, plan=plan, time_zone=time_zone, address=address
    )
    owner, _ = add_user(w, made.tenant.id, actor, email=email, name=name, role="owner")
    set_password(w, made.tenant.id, actor, owner.id, password)
    return owner


def link_used_up() -> NotFound:
    """What anyone hears whose link cannot be used (again)."""
    return NotFound("This link has been used or is too old; ask for a new one.", code="link_used")


def set_disabled(w: Writer, tenant_id: str, actor: Actor, user_id: str, disabled: bool) -> None:
    """Lock a person out at once, or let them in again; the last owner stays."""
    if disabled and store.active_owners(w, tenant_id) == [user_id]:
        raise Conflict("The last owner cannot be locked out.", code="last_owner")
    if not store.set_disabled(w, tenant_id, user_id, w.now if disabled else None):
        raise NotFound("There is no such person.")
    if disabled:
        _end_sessions(w, user_id)
    audit.record(w, tenant_id, actor, "user.disabled" if disabled else "user.enabled", user_id)


def set_role(w: Writer, tenant_id: str, actor: Actor, user_id: str, role: str) -> None:
    """Give a person another role; the last owner stays one."""
    if role not in ROLES:
        raise invalid("role", "not_allowed", f"The role is one of {', '.join(ROLES)}.")
    if role != "owner" and store.active_owners(w, tenant_id) == [user_id]:
        raise Conflict("The last owner stays an owner.", code="last_owner")
    if not store.set_role(w, tenant_id, user_id, role):
        raise NotFound("There is no such person.")
    _end_sessions(w, user_id)
    audit.record(w, tenant_id, actor, "user.role", user_id, role=role)


def create_key(
    w: Writer,
    tenant_id: str,
    actor: Actor,
    *,
    name: str,
    test: bool = False,
    scopes: tuple[str, ...] | None = None,
    networks: tuple[str, ...] | None = None,
    location_id: str | None = None,
    ingest_per_minute: int | None = None,
    orders_per_hour: int | None = None,
) -> NewKey:
    """Make an API key; its secret leaves here once and only its SHA-256 is stored."""
    name = one_line("name", name)
    for scope in scopes or ():
        if scope not in KEY_SCOPES:
            raise invalid("scopes", "not_allowed", f"A scope is one of {', '.join(KEY_SCOPES)}.")
    known = [location.id for location in store.locations(w, tenant_id)]
    if location_id is not None and location_id not in known:
        raise invalid("location_id", "unknown_location", "There is no such location.")
    for limit in (ingest_per_minute, orders_per_hour):
        if limit is not None and limit < 1:
            raise invalid("limit", "too_small", "A limit is at least 1.")
    secret = (TEST_PREFIX if test else LIVE_PREFIX) + ids.token()
    key = Key(
        id=ids.prefixed("key"),
        tenant_id=tenant_id,
        location_id=location_id,
        name=name,
        prefix=secret[: len(LIVE_PREFIX) + SHOWN_CHARS],
        test=test,
        scopes=tuple(scopes) if scopes else None,
        networks=tuple(_network(text) for text in networks) if networks else None,
        ingest_per_minute=ingest_per_minute,
        orders_per_hour=orders_per_hour,
        created_at=w.now,
        created_by=actor.id,
        last_used_at=None,
        revoked_at=None,
    )
    store.insert_key(w, key, digest_of(secret))
    audit.record(w, tenant_id, actor, "key.created", key.id, test=test)
    w.after_commit(Signal(KEYS_CHANGED, tenant_id))
    return NewKey(key, secret)


def revoke_key(w: Writer, tenant_id: str, actor: Actor, key_id: str) -> None:
    """Revoke a key: the next call with it is refused."""
    if not store.revoke_key(w, tenant_id, key_id, actor.id):
        raise NotFound("There is no such key, or it is already revoked.")
    audit.record(w, tenant_id, actor, "key.revoked", key_id)
    w.after_commit(Signal(KEYS_CHANGED, tenant_id))


def digest_of(secret: str) -> bytes:
    """SHA-256: enough for 256 random bits."""
    return hashlib.sha256(secret.encode()).digest()


def one_line(field: str, text: Any) -> str:
    """A short text of people's, trimmed; raises Invalid."""
    trimmed = str(text).strip()
    if not trimmed:
        raise invalid(field, "missing", f"The {field} is missing.")
    if len(trimmed) > NAME_MAX:
        raise invalid(field, "too_long", f"The {field} has at most {NAME_MAX} characters.")
    if not trimmed.isprintable():
        raise invalid(field, "bad_characters", f"The {field} has characters that cannot be shown.")
    return trimmed


def _check_plan(plan: str) -> None:
    if plan not in PLAN_NAMES:
        raise invalid("plan", "not_allowed", f"The plan is one of {', '.join(PLAN_NAMES)}.")


def _network(text: str) -> str:
    try:
        return str(ip_network(text.strip(), strict=False))
    except ValueError:
        message = "A network is written like 192.168.1.0/24."
        raise invalid("networks", "bad_format", message) from None


def _end_sessions(w: Writer, user_id: str) -> None:
    store.delete_sessions_of(w, user_id)
    w.after_commit(Signal(SESSIONS_ENDED, ids=(user_id,)))
