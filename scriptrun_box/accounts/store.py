"""The SQL of accounts: tenants, locations, users, sessions, links, keys and usage."""

import json
from typing import Any

from scriptrun_box.kernel.clock import DAY_MS, MINUTE_MS
from scriptrun_box.kernel.db import Reader, Writer

from .model import Key, KnownKey, Location, Tenant, User

# tenants and locations ------------------------------------------------------------------------


def tenants(r: Reader) -> list[Tenant]:
    """Every tenant, oldest first."""
    return [_tenant(row) for row in r.all("SELECT * FROM tenants ORDER BY created_at, id")]


def tenant(r: Reader, tenant_id: str) -> Tenant | None:
    """One tenant."""
    row = r.one("SELECT * FROM tenants WHERE id = ?", (tenant_id,))
    return _tenant(row) if row else None


def any_tenant(r: Reader) -> bool:
    """Whether the box is set up."""
    return bool(r.value("SELECT EXISTS (SELECT 1 FROM tenants)"))


def insert_tenant(w: Writer, made: Tenant) -> None:
    """Store a new tenant."""
    w.run(
        "INSERT INTO tenants (id, name, kind, plan, overage, created_at) VALUES (?, ?, ?, ?, ?, ?)",
        (made.id, made.name, made.kind, made.plan, made.overage, made.created_at),
    )


def update_tenant(w: Writer, tenant_id: str, plan: str | None, overage: bool | None) -> bool:
    """Change the plan, overage or both; whether there is such a tenant."""
    return bool(
        w.run(
            "UPDATE tenants SET plan = coalesce(?, plan), overage = coalesce(?, overage)"
            " WHERE id = ?",
            (plan, overage, tenant_id),
        )
    )


def locations(r: Reader, tenant_id: str) -> list[Location]:
    """A tenant's locations; the first is the default."""
    rows = r.all(
        "SELECT * FROM locations WHERE tenant_id = ? ORDER BY created_at, id", (tenant_id,)
    )
    columns = ("id", "tenant_id", "name", "address", "time_zone", "phone")
    return [Location(*(row[column] for column in columns)) for row in rows]


def insert_location(w: Writer, made: Location) -> None:
    """Store a new location."""
    w.run(
        "INSERT INTO locations (id, tenant_id, name, address, time_zone, phone, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (made.id, made.tenant_id, made.name, made.address, made.time_zone, made.phone, w.now),
    )


def update_location(w: Writer, place: Location) -> bool:
    """Change what is said of a location; whether the tenant has it."""
    return bool(
        w.run(
            "UPDATE locations SET name = ?, address = ?, time_zone = ?, phone = ?"
            " WHERE id = ? AND tenant_id = ?",
            (place.name, place.address, place.time_zone, place.phone, place.id, place.tenant_id),
        )
    )


# users ------------------------------------------------------------------------------------------


def users(r: Reader, tenant_id: str) -> list[User]:
    """A tenant's staff, oldest first."""
    rows = r.all("SELECT * FROM users WHERE tenant_id = ? ORDER BY created_at, id", (tenant_id,))
    return [_user(row) for row in rows]


def user(r: Reader, user_id: str) -> User | None:
    """One person."""
    row = r.one("SELECT * FROM users WHERE id = ?", (user_id,))
    return _user(row) if row else None


def user_by_email(r: Reader, email: str) -> User | None:
    """The person with that (folded) e-mail address."""
    row = r.one("SELECT * FROM users WHERE email = ?", (email,))
    return _user(row) if row else None


def credentials(r: Reader, user_id: str) -> Any:
    """password, failures, failed_at of one person."""
    return r.one("SELECT password, failures, failed_at FROM users WHERE id = ?", (user_id,))


def insert_user(w: Writer, made: User) -> None:
    """Store a new person, without a password."""
    w.run(
        "INSERT INTO users (id, tenant_id, email, name, role, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (made.id, made.tenant_id, made.email, made.name, made.role, made.created_at),
    )


def set_password(w: Writer, user_id: str, password: str) -> None:
    """Store a new password hash and forgive earlier failures."""
    w.run(
        "UPDATE users SET password = ?, failures = 0, failed_at = NULL WHERE id = ?",
        (password, user_id),
    )


def count_failure(w: Writer, user_id: str) -> None:
    """One more wrong password in a row."""
    w.run("UPDATE users SET failures = failures + 1, failed_at = ? WHERE id = ?", (w.now, user_id))


def note_sign_in(w: Writer, user_id: str) -> None:
    """The right password: forgive the wrong ones."""
    w.run(
        "UPDATE users SET failures = 0, failed_at = NULL, last_sign_in_at = ? WHERE id = ?",
        (w.now, user_id),
    )


def set_disabled(w: Writer, tenant_id: str, user_id: str, disabled_at: int | None) -> bool:
    """Lock a person out or let them in again; whether that changed anything."""
    return bool(
        w.run(
            "UPDATE users SET disabled_at = ? WHERE id = ? AND tenant_id = ?"
            " AND (disabled_at IS NULL) != (? IS NULL)",
            (disabled_at, user_id, tenant_id, disabled_at),
        )
    )


def set_role(w: Writer, tenant_id: str, user_id: str, role: str) -> bool:
    """Give a person another role; whether there is such a person."""
    return bool(
        w.run(
            "UPDATE users SET role = ? WHERE id = ? AND tenant_id = ?", (role, user_id, tenant_id)
        )
    )


def active_owners(r: Reader, tenant_id: str) -> list[str]:
    """The ids of the people who can sign in and do everything."""
    rows = r.all(
        "SELECT id FROM users WHERE tenant_id = ? AND role = 'owner'"
        " AND disabled_at IS NULL AND password IS NOT NULL",
        (tenant_id,),
    )
    return [row["id"] for row in rows]


# sessions and one-time links ------------------------------------------------------------------


def insert_session(w: Writer, digest: bytes, user_id: str, csrf: str, device: str) -> None:
    """Store a new session."""
    w.run(
        "INSERT INTO sessions (digest, user_id, csrf, created_at, seen_at, device)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (digest, user_id, csrf, w.now, w.now, device),
    )


def session(r: Reader, digest: bytes) -> Any:
    """A session's row, or None."""
    return r.one("SELECT * FROM sessions WHERE digest = ?", (digest,))


def set_session_test(w: Writer, digest: bytes, test: bool) -> None:
    """Turn a person's screens to the sandbox or back."""
    w.run("UPDATE sessions SET test = ? WHERE digest = ?", (test, digest))


def delete_session(w: Writer, digest: bytes) -> None:
    """Sign out here."""
    w.run("DELETE FROM sessions WHERE digest = ?", (digest,))


def delete_sessions_of(w: Writer, user_id: str) -> None:
    """Sign out everywhere."""
    w.run("DELETE FROM sessions WHERE user_id = ?", (user_id,))


def touch_sessions(w: Writer, seen: dict[bytes, int]) -> None:
    """Remember when sessions were last used."""
    w.many(
        "UPDATE sessions SET seen_at = max(seen_at, ?) WHERE digest = ?",
        [(at, digest) for digest, at in seen.items()],
    )


def delete_old_sessions(w: Writer) -> None:
    """Forget sessions that ended by age."""
    w.run("DELETE FROM sessions WHERE created_at < ?", (w.now - DAY_MS,))


def insert_link(w: Writer, digest: bytes, user_id: str | None, expires_at: int) -> None:
    """Store a one-time link, and forget unused older ones for the same purpose."""
    w.run("DELETE FROM one_time_links WHERE user_id IS ? AND used_at IS NULL", (user_id,))
    w.run(
        "INSERT INTO one_time_links (digest, user_id, created_at, expires_at) VALUES (?, ?, ?, ?)",
        (digest, user_id, w.now, expires_at),
    )


def link(r: Reader, digest: bytes, now: int) -> Any:
    """A link that can still be used, or None."""
    return r.one(
        "SELECT * FROM one_time_links WHERE digest = ? AND used_at IS NULL AND expires_at > ?",
        (digest, now),
    )


def use_link(w: Writer, digest: bytes) -> bool:
    """Use a link up; whether this was the first and timely use."""
    return bool(
        w.run(
            "UPDATE one_time_links SET used_at = ?"
            " WHERE digest = ? AND used_at IS NULL AND expires_at > ?",
            (w.now, digest, w.now),
        )
    )


# keys -------------------------------------------------------------------------------------------


def insert_key(w: Writer, made: Key, digest: bytes) -> None:
    """Store a new key by its digest."""
    w.run(
        "INSERT INTO api_keys (id, digest, tenant_id, location_id, name, prefix, test, scopes,"
        " networks, ingest_per_minute, orders_per_hour, created_at, created_by)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            made.id,
            digest,
            made.tenant_id,
            made.location_id,
            made.name,
            made.prefix,
            made.test,
            None if made.scopes is None else json.dumps(made.scopes),
            None if made.networks is None else json.dumps(made.networks),
            made.ingest_per_minute,
            made.orders_per_hour,
            made.created_at,
            made.created_by,
        ),
    )


def known_key(r: Reader, digest: bytes, epoch: int) -> KnownKey | None:
    """The key that has not been revoked, with its tenant and the locations it may name."""
    row = r.one(
        "SELECT k.*, t.name AS tenant_name, t.kind, t.plan, t.overage, t.created_at AS tenant_since"
        " FROM api_keys k JOIN tenants t ON t.id = k.tenant_id"
        " WHERE k.digest = ? AND k.revoked_at IS NULL",
        (digest,),
    )
    if row is None:
        return None
    owner = Tenant(
        row["tenant_id"],
        row["tenant_name"],
        row["kind"],
        row["plan"],
        bool(row["overage"]),
        row["tenant_since"],
    )
    key = _key(row)
    places = locations(r, owner.id)
    mine = tuple(place for place in places if key.location_id in (None, place.id))
    return KnownKey(key, owner, mine, epoch)


def keys(r: Reader, tenant_id: str) -> list[Key]:
    """A tenant's keys, oldest first, revoked ones too."""
    rows = r.all("SELECT * FROM api_keys WHERE tenant_id = ? ORDER BY created_at, id", (tenant_id,))
    return [_key(row) for row in rows]


def revoke_key(w: Writer, tenant_id: str, key_id: str, by: str) -> bool:
    """Revoke a key; whether it was there and still valid."""
    return bool(
        w.run(
            "UPDATE api_keys SET revoked_at = ?, revoked_by = ?"
            " WHERE id = ? AND tenant_id = ? AND revoked_at IS NULL",
            (w.now, by, key_id, tenant_id),
        )
    )


def touch_keys(w: Writer, used: dict[str, int]) -> None:
    """Remember when keys were last used."""
    w.many(
        "UPDATE api_keys SET last_used_at = ? WHERE id = ?",
        [(at, key_id) for key_id, at in used.items()],
    )


# usage ------------------------------------------------------------------------------------------


def month_usage(r: Reader, tenant_id: str, month: str) -> tuple[int, int]:
    """(orders accepted in the month, those of them beyond the plan)."""
    row = r.one(
        "SELECT orders, overage FROM usage_months WHERE tenant_id = ? AND month = ?",
        (tenant_id, month),
    )
    return (row["orders"], row["overage"]) if row else (0, 0)


def months(r: Reader, tenant_id: str) -> list[Any]:
    """month, orders, overage of every month with orders, newest first."""
    return r.all(
        "SELECT month, orders, overage FROM usage_months WHERE tenant_id = ? ORDER BY month DESC",
        (tenant_id,),
    )


def add_month_usage(w: Writer, tenant_id: str, month: str, orders: int, over: int = 0) -> None:
    """Count accepted orders against the month, `over` of them beyond the plan."""
    w.run(
        "INSERT INTO usage_months (tenant_id, month, orders, overage) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (tenant_id, month) DO UPDATE SET"
        " orders = orders + excluded.orders, overage = overage + excluded.overage",
        (tenant_id, month, orders, over),
    )


def orders_since(r: Reader, key_id: str, minute: int) -> list[tuple[int, int]]:
    """(minute, orders) of one key from that minute on, oldest first."""
    rows = r.all(
        "SELECT minute, orders FROM usage_minutes WHERE key_id = ? AND minute >= ? ORDER BY minute",
        (key_id, minute),
    )
    return [(row["minute"], row["orders"]) for row in rows]


def add_minute_usage(w: Writer, key_id: str, orders: int) -> None:
    """Count accepted orders against the key's current minute."""
    w.run(
        "INSERT INTO usage_minutes (key_id, minute, orders) VALUES (?, ?, ?)"
        " ON CONFLICT (key_id, minute) DO UPDATE SET orders = orders + excluded.orders",
        (key_id, w.now // MINUTE_MS, orders),
    )


def delete_minutes_before(w: Writer, minute: int) -> None:
    """Forget minutes no limit looks at any more."""
    w.run("DELETE FROM usage_minutes WHERE minute < ?", (minute,))


# rows -------------------------------------------------------------------------------------------


def _tenant(row: Any) -> Tenant:
    return Tenant(
        row["id"], row["name"], row["kind"], row["plan"], bool(row["overage"]), row["created_at"]
    )


def _user(row: Any) -> User:
    return User(
        row["id"],
        row["tenant_id"],
        row["email"],
        row["name"],
        row["role"],
        row["password"] is not None,
        row["created_at"],
        row["last_sign_in_at"],
        row["disabled_at"],
    )


def _key(row: Any) -> Key:
    values = {name: row[name] for name in Key.__dataclass_fields__}
    for name in ("scopes", "networks"):
        values[name] = None if row[name] is None else tuple(json.loads(row[name]))
    return Key(**values | {"test": bool(row["test"])})
