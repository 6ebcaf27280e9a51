"""The words of accounts: tenant, location, user, key, and what each caller carries along."""

from dataclasses import dataclass
from typing import Literal, get_args

from scriptrun_box.kernel.http import Caller

Kind = Literal["pharmacy", "dispatch"]
Role = Literal["owner", "dispatcher", "pharmacist", "driver"]
KeyScope = Literal[
    "orders:write",
    "packages:read",
    "packages:write",
    "webhooks:manage",
    "dispatch:manage",
    "labels:scan",
]
Rate = Literal["ingest", "read", "write", "scan"]

KINDS: tuple[str, ...] = get_args(Kind)
ROLES: tuple[str, ...] = get_args(Role)
KEY_SCOPES: tuple[str, ...] = get_args(KeyScope)
LIVE_PREFIX = "sk_live_"
TEST_PREFIX = "sk_test_"


@dataclass(frozen=True, slots=True)
class Tenant:
    """A pharmacy or a dispatcher account; `overage` lets it pass its plan's orders, metered."""

    id: str
    name: str
    kind: str
    plan: str
    overage: bool
    created_at: int


@dataclass(frozen=True, slots=True)
class Location:
    """A place of a tenant; its id is the `pharmacy_id` of orders."""

    id: str
    tenant_id: str
    name: str
    address: str
    time_zone: str
    phone: str = ""  # as people write it; stands on labels


@dataclass(frozen=True, slots=True)
class User:
    """A person on the staff; without a password until they have followed their link."""

    id: str
    tenant_id: str
    email: str
    name: str
    role: str
    has_password: bool
    created_at: int
    last_sign_in_at: int | None
    disabled_at: int | None


@dataclass(frozen=True, slots=True)
class Key:
    """An API key as its owner sees it again; the key itself is shown once and never stored."""

    id: str
    tenant_id: str
    location_id: str | None
    name: str
    prefix: str
    test: bool
    scopes: tuple[str, ...] | None
    networks: tuple[str, ...] | None
    ingest_per_minute: int | None
    orders_per_hour: int | None
    created_at: int
    created_by: str
    last_used_at: int | None
    revoked_at: int | None


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A key with what every call of it needs, as read from the file in that epoch of it."""

    key: Key
    tenant: Tenant
    locations: tuple[Location, ...]
    epoch: int


@dataclass(frozen=True, slots=True)
class KeyCaller(Caller):
    """A program that called with a key."""

    known: KnownKey
    digest: bytes

    @property
    def key(self) -> Key:
        return self.known.key

    @property
    def tenant(self) -> Tenant:
        return self.known.tenant


@dataclass(frozen=True, slots=True)
class Person(Caller):
    """A signed-in member of the staff; `csrf` must come back with every form."""

    user: User
    tenant: Tenant
    session: bytes
    csrf: str
