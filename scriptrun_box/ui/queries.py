"""Read-only joins for the screens, across the tables of several slices."""

from collections.abc import Mapping
from dataclasses import dataclass

from scriptrun_box.kernel.db import Reader
from scriptrun_box.kernel.scope import Scope


@dataclass(frozen=True, slots=True)
class Frame:
    """What the frame of every page shows: the place's time zone, and counts by path."""

    time_zone: str
    counts: Mapping[str, int]


NO_FRAME = Frame("UTC", {})


def frame(r: Reader, scope: Scope) -> Frame:
    """The frame of a signed-in person's pages."""
    zone = r.value(
        "SELECT time_zone FROM locations WHERE tenant_id = ? ORDER BY created_at, id LIMIT 1",
        (scope.tenant_id,),
    )
    waiting = r.value(
        "SELECT count(*) FROM packages WHERE tenant_id = ? AND test = ?"
        " AND status IN ('created', 'assigned', 'out_for_delivery', 'failed')",
        (scope.tenant_id, scope.test),
    )
    return Frame(zone or "UTC", {"/packages": waiting})
