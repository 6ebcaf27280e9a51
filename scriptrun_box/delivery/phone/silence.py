"""Drivers whose phones say nothing for 15 minutes on shift are offline, until they speak again.

Nobody waits for anybody: a heartbeat looks at the rows. It concerns those who have a phone; whoever
is led by the desk alone says nothing, ever.
"""

from scriptrun_box.drivers import actions as drivers
from scriptrun_box.kernel import clock
from scriptrun_box.kernel.clock import MINUTE_MS
from scriptrun_box.kernel.db import Database, Reader, Writer
from scriptrun_box.kernel.errors import Conflict, NotFound
from scriptrun_box.kernel.scope import BOX, Actor, Scope

from . import store

SILENT_MS = 15 * MINUTE_MS
AT_ONCE = 100  # drivers of one beat


class Silences:
    """The heartbeat that looks for silent drivers."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._listening_since = clock.now_ms()  # before that nobody could be heard

    async def tick(self) -> None:
        """Put offline who has been silent for too long."""
        since = clock.now_ms() - SILENT_MS
        if self._listening_since > since:
            return
        for tenant_id, driver_id in await self._db.read(store.silent, since, AT_ONCE):
            await self._db.write(put_offline, Scope(tenant_id), driver_id, since)


def put_offline(w: Writer, scope: Scope, driver_id: str, since: int) -> None:
    """Say that a driver is offline, if they still say nothing."""
    if (scope.tenant_id, driver_id) in store.silent(w, since, AT_ONCE):
        drivers.set_online(w, scope, BOX, driver_id, False)
        store.set_silenced(w, driver_id)


def is_silenced(r: Reader, driver_id: str) -> bool:
    """Whether the box put this driver offline."""
    return store.silenced_at(r, driver_id) is not None


def end(w: Writer, scope: Scope, driver_id: str) -> None:
    """A driver is heard again: online, unless somebody has said otherwise since."""
    at = store.silenced_at(w, driver_id)
    store.delete_silence(w, driver_id)
    try:
        driver = drivers.find(w, scope, driver_id)
        if at == driver.status_changed_at and driver.on_shift:
            drivers.set_online(w, scope, Actor.driver(driver_id), driver_id, True)
    except (Conflict, NotFound):
        return
