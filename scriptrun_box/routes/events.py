"""What routes tell the world: the `data` of their one event."""

from collections.abc import Mapping
from typing import Any

from scriptrun_box.kernel.clock import iso

from .model import Route


def completed(
    route: Route, completed_at: int, stops: int, outcomes: Mapping[str, str]
) -> dict[str, Any]:
    """`route.completed`: the last stop is done; `outcomes` says how each package ended."""
    ended = list(outcomes.values())
    assert route.started_at is not None
    return {
        "route_id": route.id,
        "driver_id": route.driver_id,
        "started_at": iso(route.started_at),
        "completed_at": iso(completed_at),
        "stops": stops,
        "delivered": ended.count("delivered"),
        "failed": ended.count("failed"),
        "package_ids": sorted(outcomes),
    }
