"""A plan of routes: what callers may ask for, as stored, and on the wire."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from scriptrun_box.kernel.clock import iso

from .model import Date, Id

DRIVERS_MAX = 50  # in one plan
PLANNED_MAX = 1_000  # packages in one plan


class OptimizeIn(BaseModel):
    """What to plan: these drivers' routes of a day, with these packages and what is on them.

    Without package_ids all that wait to be assigned on that day.
    """

    model_config = ConfigDict(strict=True, extra="forbid")

    driver_ids: Annotated[list[Id], Field(min_length=1, max_length=DRIVERS_MAX)]
    date: Date | None = None
    pharmacy_id: Id | None = None
    package_ids: Annotated[list[Id], Field(max_length=PLANNED_MAX)] | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What the optimiser is asked, how far it is, and what it found."""

    seq: int
    id: str
    tenant_id: str
    test: bool
    location_id: str
    date: str
    route_id: str | None  # where only one route is put in order
    status: str  # queued, running, ready, failed, cancelled, committed
    progress: int  # percent
    request: dict[str, Any]
    result: dict[str, Any] | None
    reason: str | None
    created_at: int
    created_by: str
    updated_at: int


def plan_wire(plan: Plan) -> dict[str, Any]:
    """A plan as callers see it: how far it is, and once it is ready what would be done."""
    result = plan.result or {}
    routes = [
        {
            "driver_id": route["driver_id"],
            "route_id": route["route_id"],
            "stops": [
                {**stop, "position": number, "arrives_at": iso(stop["arrives_at"])}
                for number, stop in enumerate(route["stops"], 1)
            ],
        }
        for route in result.get("routes", ())
    ]
    return {
        "id": plan.id,
        "status": plan.status,
        "progress": plan.progress,
        "date": plan.date,
        "pharmacy_id": plan.location_id,
        "route_id": plan.route_id,
        "reason": plan.reason,
        "routes": routes,
        "left_out": result.get("left_out", []),
        "driving_seconds": result.get("driving_seconds"),
        "distances": result.get("distances"),
        "skipped": result.get("skipped", []),
        "route_ids": result.get("route_ids", []),
        "test": plan.test,
        "created_at": iso(plan.created_at),
        "updated_at": iso(plan.updated_at),
    }


def plan_of(row: Mapping[str, Any]) -> Plan:
    """A stored row as a plan."""
    return Plan(
        seq=row["seq"],
        id=row["id"],
        tenant_id=row["tenant_id"],
        test=bool(row["test"]),
        location_id=row["location_id"],
        date=row["date"],
        route_id=row["route_id"],
        status=row["status"],
        progress=row["progress"],
        request=json.loads(row["request"]),
        result=None if row["result"] is None else json.loads(row["result"]),
        reason=row["reason"],
        created_at=row["created_at"],
        created_by=row["created_by"],
        updated_at=row["updated_at"],
    )
