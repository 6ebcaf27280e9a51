"""A real file with three tenants' worth of scopes, and a delivery loop that tests can run."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from scriptrun_box.accounts import actions as accounts
from scriptrun_box.kernel import migrate, outbox
from scriptrun_box.kernel.addresses import Allowed
from scriptrun_box.kernel.config import WebhooksSettings
from scriptrun_box.kernel.db import Database, Reader, Writer, connect_writer
from scriptrun_box.kernel.outbox import Event
from scriptrun_box.kernel.resolver import Resolver
from scriptrun_box.kernel.scope import BOX, Scope
from scriptrun_box.webhooks import actions, journal, store
from scriptrun_box.webhooks.delivery import Deliveries
from scriptrun_box.webhooks.model import Endpoint, LogRow
from scriptrun_box.webhooks.schedule import Schedule

LOOPBACK = ("127.0.0.0/8", "::1/128")
DAY_MS = 86_400_000


@dataclass
class World:
    """One file: our tenant, its sandbox, and a stranger."""

    db: Database
    ours: Scope
    sandbox: Scope
    stranger: Scope

    async def happens(
        self, scope: Scope | None = None, event: str = "package.created", **data: Any
    ) -> Event:
        """An event, committed."""
        event_id = await self.db.write(
            outbox.append, scope or self.ours, event, "subject", {"note": "Señora ✓", **data}
        )
        found = [one for one in await self.db.read(outbox.after, 0, 10_000) if one.id == event_id]
        return found[0]

    async def endpoint(
        self, url: str, scope: Scope | None = None, events: tuple[str, ...] = ("*",)
    ) -> Endpoint:
        """A new endpoint."""
        made, _ = await self.db.write(
            actions.create, scope or self.ours, BOX, url=url, events=events
        )
        return made

    async def again(self, endpoint: Endpoint) -> Endpoint:
        """The endpoint as it stands now."""
        found = await self.db.read(store.endpoint, endpoint.id)
        assert found is not None
        return found

    async def logs(self, endpoint: Endpoint) -> list[LogRow]:
        """Its attempts, oldest first."""
        return (await self.db.read(journal.logs, endpoint.id, 1000))[::-1]

    async def rows(self, endpoint: Endpoint) -> list[Any]:
        """Its deliveries, oldest first."""
        return await self.db.read(_rows, endpoint.id)

    async def set(self, sql: str, *values: Any) -> None:
        """Make a state that would take days to come about."""
        await self.db.write(_run, sql, values)


def _rows(r: Reader, endpoint_id: str) -> list[Any]:
    return r.all(
        "SELECT * FROM webhook_deliveries WHERE endpoint_id = ? ORDER BY created_at, id",
        (endpoint_id,),
    )


def _run(w: Writer, sql: str, values: tuple[Any, ...]) -> None:
    w.run(sql, values)


def new_file(path: Path) -> None:
    """A migrated, empty file."""
    connection = connect_writer(path)
    migrate.migrate(connection)
    connection.close()


def _tenant(w: Writer, name: str) -> Scope:
    made = accounts.create_tenant(
        w, BOX, name=name, kind="pharmacy", plan="pro", time_zone="America/New_York"
    )
    return Scope(made.tenant.id)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    path = tmp_path / "box.db"
    new_file(path)
    db = await Database.open(path)
    ours = await db.write(_tenant, "Palmetto Pharmacy")
    stranger = await db.write(_tenant, "Other Pharmacy")
    yield World(db, ours, Scope(ours.tenant_id, test=True), stranger)
    await db.close()


Sending = Callable[..., AbstractAsyncContextManager[Deliveries]]


@pytest.fixture
def sending(world: World) -> Sending:
    """A running delivery loop; retries come quickly unless told otherwise."""

    @asynccontextmanager
    async def run(
        *,
        delays: tuple[int, ...] = (60,),
        give_up_ms: int = DAY_MS,
        networks: tuple[str, ...] = LOOPBACK,
        timeout: float = 5.0,
        resolver: Resolver | None = None,
    ) -> AsyncIterator[Deliveries]:
        allowed = Allowed.of(networks, plain_http=True)
        deliveries = Deliveries(
            world.db,
            WebhooksSettings(timeout=timeout),
            lambda: allowed,
            resolver,
            Schedule(delays, give_up_ms, spread=lambda: 1.0),
        )
        await deliveries.start()
        try:
            yield deliveries
        finally:
            await deliveries.stop(drain_seconds=0.2)

    return run
