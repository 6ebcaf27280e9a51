"""The people and keys of tests: Corner Drug with its staff, and a pharmacy of strangers."""

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import Any

from scriptrun_box.accounts import actions, passwords, signin
from scriptrun_box.accounts.actions import NewKey, NewTenant
from scriptrun_box.accounts.model import User
from scriptrun_box.kernel.db import Database, Writer
from scriptrun_box.kernel.scope import CLI, Scope
from scriptrun_box.webhooks import journal
from scriptrun_box.webhooks.model import LogRow

PASSWORD = "a dozen blue umbrellas"
ORDER = {
    "patient_name": "Maria Rodriguez",
    "patient_address": "123 Main St, Miami, FL 33178",
    "patient_phone": "+13055551234",
    "rx_number": "RX-8872341",
    "copay_amount": 12.50,
    "priority": "routine",
    "requires_signature": True,
}


@dataclass(frozen=True)
class World:
    """Everybody there is; `…_session` is the cookie value of a signed-in person."""

    db: Database
    pharmacy: NewTenant
    elsewhere: NewTenant
    live: NewKey
    sandbox: NewKey
    stranger: NewKey
    stranger_sandbox: NewKey
    owner: User
    teammate: User
    pharmacist: User
    driver: User
    other_owner: User
    sessions: dict[str, str]

    @property
    def scope(self) -> Scope:
        return Scope(self.pharmacy.tenant.id)

    @property
    def sandbox_scope(self) -> Scope:
        return Scope(self.pharmacy.tenant.id, test=True)

    async def key(self, **wish: Any) -> NewKey:
        """Another key of Corner Drug."""
        tenant_id = self.pharmacy.tenant.id
        wish = {"name": "another", **wish}
        return await self.db.write(
            partial(actions.create_key, tenant_id=tenant_id, actor=CLI, **wish)
        )

    async def attempts_over(self, endpoint_id: str, count: int) -> list[LogRow]:
        """A webhook's attempts, once there are so many and all are over; newest first."""
        async with asyncio.timeout(5):
            while True:
                rows = await self.db.read(journal.logs, endpoint_id, 100)
                if len(rows) >= count and all(row.outcome != "in_flight" for row in rows):
                    return rows
                await asyncio.sleep(0.02)


def header(key: NewKey) -> dict[str, str]:
    """The header that carries a key."""
    return {"X-API-Key": key.secret}


def cookie(world: World, who: str) -> dict[str, str]:
    """The cookie of a signed-in person: owner, teammate, pharmacist, driver or other_owner."""
    return {"scriptrun": world.sessions[who]}


def orders(*changes: dict[str, Any]) -> dict[str, Any]:
    """A body with one order for each set of changes; a change to None leaves the field out."""
    return {
        "orders": [
            {name: value for name, value in {**ORDER, **change}.items() if value is not None}
            for change in changes or ({},)
        ]
    }


async def build_world(db: Database) -> World:
    """Make everybody in one transaction; the password is hashed once for all."""
    return await db.write(_build, db, await passwords.hash_later(PASSWORD))


def _build(w: Writer, db: Database, password: str) -> World:
    pharmacy, elsewhere = (new_tenant(w, name) for name in ("Corner Drug", "Harbor Pharmacy"))
    people = {
        "owner": _person(w, pharmacy, "owner", password),
        "teammate": _person(w, pharmacy, "dispatcher", password),
        "pharmacist": _person(w, pharmacy, "pharmacist", password),
        "driver": _person(w, pharmacy, "driver", password),
        "other_owner": _person(w, elsewhere, "owner", password),
    }
    return World(
        db=db,
        pharmacy=pharmacy,
        elsewhere=elsewhere,
        live=new_key(w, pharmacy, test=False),
        sandbox=new_key(w, pharmacy, test=True),
        stranger=new_key(w, elsewhere, test=False),
        stranger_sandbox=new_key(w, elsewhere, test=True),
        sessions={name: signin.start_session(w, each, "tests") for name, each in people.items()},
        **people,
    )


def new_tenant(w: Writer, name: str) -> NewTenant:
    """A pharmacy of that name."""
    return actions.create_tenant(
        w, CLI, name=name, kind="pharmacy", plan="enterprise", time_zone="America/New_York"
    )


def _person(w: Writer, of: NewTenant, role: str, password: str) -> User:
    email = f"{role}@{of.tenant.name.lower().replace(' ', '-')}.example"
    made, _ = actions.add_user(w, of.tenant.id, CLI, email=email, name=f"The {role}", role=role)
    actions.set_password(w, of.tenant.id, CLI, made.id, password)
    return made


def new_key(w: Writer, of: NewTenant, *, test: bool) -> NewKey:
    """A key of a pharmacy."""
    return actions.create_key(w, of.tenant.id, CLI, name="tests", test=test)
