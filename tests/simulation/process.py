"""One life of the box: the product's app and delivery loop, from a start to a kill or a stop."""

import asyncio
import json
from contextvars import copy_context
from dataclasses import dataclass
from functools import cache, partial
from types import SimpleNamespace
from typing import Any

from starlette.applications import Starlette

from scriptrun_box import app as composition
from scriptrun_box.accounts.signin import SignIns
from scriptrun_box.kernel.addresses import Allowed
from scriptrun_box.kernel.box import Box
from scriptrun_box.kernel.config import Settings
from scriptrun_box.kernel.links import Links
from scriptrun_box.webhooks.delivery import Deliveries

from .disk import Disk, SimulatedDatabase
from .loop import FAMILY, VirtualLoop

HOST = "box.local"
DRAIN_SECONDS = 1.0


class Lost(Exception):
    """No answer came: the process died, or the connection did."""


@dataclass(frozen=True)
class Answer:
    """What a caller got."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@cache
def _app() -> Starlette:
    """The app with its whole URL table; only one life uses it at a time."""
    return composition.create_app(Settings(), None)  # type: ignore[arg-type]


class Process:
    """A running box. `dead` once it was killed or stopped."""

    def __init__(self, number: int, disk: Disk, loop: VirtualLoop, settings: Settings) -> None:
        self.number = number
        self.disk = disk
        self._loop = loop
        self._family: set[asyncio.Task[Any]] = set()
        self._context = copy_context()
        self._context.run(FAMILY.set, self._family)
        self._context.run(self._compose, settings)

    def _compose(self, settings: Settings) -> None:
        """As `app._start`, without the publisher, the screens and the scheduler."""
        self.db = SimulatedDatabase(self.disk, self._loop)
        self.db.fatal = lambda error: self.disk.die("after a failed fsync")
        self.deliveries = Deliveries(
            self.db,
            settings.webhooks,
            lambda: Allowed(),
            resolver=SimpleNamespace(),  # type: ignore[arg-type]
        )
        self.app = app = _app()
        app.state.box = Box(
            settings=settings,
            db=self.db,
            hosts=frozenset([HOST]),
            is_set_up=lambda: True,
            links=Links(f"https://{HOST}", "secret"),
            disk=SimpleNamespace(check=lambda: None),  # type: ignore[arg-type]
            publisher=SimpleNamespace(),  # type: ignore[arg-type]
        )
        app.state.sign_ins = SignIns()
        app.state.key_uses, app.state.known_keys = {}, {}
        app.state.deliveries = self.deliveries
        self.db.listen(partial(composition._forget_keys, app))

    @property
    def dead(self) -> bool:
        return self.disk.dead

    async def start(self) -> None:
        """What `serve` does before it answers."""
        await self._within(self.deliveries.start())

    async def beat(self, forget: bool) -> None:
        """A heartbeat: the tick of the delivery loop, and now and then what is forgotten."""
        await self._within(self._beat(forget))

    async def _beat(self, forget: bool) -> None:
        await self.deliveries.tick()
        if forget:
            await composition._write_behind(self.app)
            await self.db.write(composition._forget)

    async def stop(self) -> None:
        """A clean stop."""
        await self._within(self.deliveries.stop(DRAIN_SECONDS))
        self.kill()

    def kill(self) -> None:
        """As kill -9: what was not committed never happened, and nothing here runs on."""
        self.disk.dead = True
        if self.disk.file.in_transaction:
            self.disk.file.execute("ROLLBACK")
        for task in list(self._family):
            task.cancel()

    async def call(
        self, method: str, path: str, secret: str, body: bytes = b"", **headers: str
    ) -> Answer:
        """One request over a connection that may die with the process; raises Lost."""
        sent = {"host": HOST, "x-api-key": secret, "content-type": "application/json"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        got: list[Any] = []
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": b"",
            "headers": [(name.encode(), value.encode()) for name, value in sent.items()],
            "scheme": "https",
            "server": (HOST, 443),
            "client": ("192.0.2.7", 4711),
        }

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            got.append(message)

        await self._within(self.app(scope, receive, send))
        head, *parts = got
        names = {name.decode(): value.decode() for name, value in head["headers"]}
        return Answer(head["status"], names, b"".join(part.get("body", b"") for part in parts))

    async def _within(self, coroutine: Any) -> Any:
        """Run something as a task of this process; Lost when the process dies first."""
        if self.dead:
            coroutine.close()
            raise Lost
        task = self._context.run(self._loop.create_task, coroutine)
        await asyncio.wait([task])
        if task.cancelled() or self.dead:
            if not task.cancelled():
                task.exception()
            raise Lost
        return task.result()
