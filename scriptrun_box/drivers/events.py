"""What drivers tell the world: the `data` of their one event, without name or phone."""

from typing import Any, Literal

from scriptrun_box.kernel.clock import iso

from .model import Driver


def status_changed(
    was: Driver, now: Driver, shift: Literal["started", "ended"] | None
) -> dict[str, Any]:
    """`driver.status_changed`: online or offline, and whether a shift started or ended with it."""
    assert now.status_changed_at is not None
    return {
        "driver_id": now.id,
        "status": now.status,
        "shift": shift,
        "previous": was.status,
        "changed_at": iso(now.status_changed_at),
    }
