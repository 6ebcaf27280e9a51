"""The words of drivers: a driver as stored, what callers may send, the driver on the wire."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from scriptrun_box.kernel.clock import iso, iso_or_none
from scriptrun_box.packages.lifecycle import CancelReason
from scriptrun_box.packages.store import Carried

NAME_MAX, PHONE_MAX, VEHICLE_MAX, ID_MAX = 200, 40, 100, 64  # characters
MANY_MAX = 200  # packages in one go
CAPACITY_MAX = 1_000  # packages in one vehicle

Employment = Literal["employee", "contractor", "agency", "volunteer"]
Capability = Literal["cold_chain", "controlled", "card_reader"]
Status = Literal["online", "offline"]

EMPLOYMENTS: tuple[str, ...] = get_args(Employment)
CAPABILITIES: tuple[str, ...] = get_args(Capability)
STATUSES: tuple[str, ...] = get_args(Status)

Name = Annotated[str, Field(min_length=1, max_length=NAME_MAX)]
Phone = Annotated[str, Field(max_length=PHONE_MAX)]
Vehicle = Annotated[str, Field(max_length=VEHICLE_MAX)]
Capacity = Annotated[int, Field(ge=1, le=CAPACITY_MAX)]
Capabilities = Annotated[list[Capability], Field(max_length=20)]
PackageId = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
LocationId = Annotated[str, Field(max_length=ID_MAX)]


class DriverIn(BaseModel):
    """A new driver."""

    model_config = ConfigDict(strict=True, extra="forbid")

    name: Name
    phone: Phone | None = None
    employment: Employment = "employee"
    vehicle: Vehicle | None = None
    capacity: Capacity | None = None
    capabilities: Capabilities = []
    pharmacy_id: LocationId | None = None


class DriverChangeIn(BaseModel):
    """A change of a driver: what is absent stays; `version` is the one the caller has seen."""

    model_config = ConfigDict(strict=True, extra="forbid")

    name: Name = ""
    phone: Phone | None = None
    employment: Employment = "employee"
    vehicle: Vehicle | None = None
    capacity: Capacity | None = None
    capabilities: Capabilities = []
    pharmacy_id: LocationId | None = None
    active: bool = True
    version: int | None = None


class ShiftIn(BaseModel):
    """The body that starts or ends a shift."""

    model_config = ConfigDict(strict=True, extra="forbid")

    shift: Literal["start", "end"]


class StatusIn(BaseModel):
    """The body that says a driver is online or offline."""

    model_config = ConfigDict(strict=True, extra="forbid")

    status: Status


class AssignIn(BaseModel):
    """The body of an assignment; `expected_driver_id` is who has the package as the caller saw it.

    Without it that is whoever has the package when the request arrives.
    """

    model_config = ConfigDict(strict=True, extra="forbid")

    driver_id: str = Field(max_length=ID_MAX)
    expected_driver_id: str | None = Field(None, max_length=ID_MAX)


class ManyIn(BaseModel):
    """The packages of a move of many."""

    model_config = ConfigDict(strict=True, extra="forbid")

    package_ids: Annotated[list[PackageId], Field(min_length=1, max_length=MANY_MAX)]


class AssignManyIn(ManyIn):
    """The body that gives packages to one driver."""

    driver_id: str = Field(max_length=ID_MAX)


class CancelManyIn(ManyIn):
    """The body that cancels packages."""

    reason: CancelReason = "other"


@dataclass(frozen=True, slots=True)
class Profile:
    """What people say of a driver, checked and normalised."""

    name: str
    phone: str | None
    employment: str
    vehicle: str | None
    capacity: int | None
    capabilities: tuple[str, ...]
    location_id: str


@dataclass(frozen=True, slots=True)
class Driver:
    """A driver as stored; times in unix milliseconds."""

    seq: int
    id: str
    tenant_id: str
    test: bool
    profile: Profile
    shift_started_at: int | None
    online: bool
    status_changed_at: int | None
    left_at: int | None
    route_id: str | None  # the route they are out with
    version: int
    created_at: int
    created_by: str
    updated_at: int

    @property
    def name(self) -> str:
        return self.profile.name

    @property
    def on_shift(self) -> bool:
        return self.shift_started_at is not None

    @property
    def active(self) -> bool:
        """Whether they still drive for this tenant."""
        return self.left_at is None

    @property
    def status(self) -> Status:
        return "online" if self.online else "offline"

    def may(self, capability: Capability) -> bool:
        """Whether packages that need it may be given to them."""
        return capability in self.profile.capabilities


@dataclass(frozen=True, slots=True)
class Note:
    """What a driver told the desk; times in unix milliseconds."""

    id: str
    driver_id: str
    package_id: str | None
    text: str
    at: int
    read_at: int | None
    read_by: str | None


def wire(driver: Driver, carried: Carried) -> dict[str, Any]:
    """A driver as callers see one, with what they have right now."""
    profile = driver.profile
    return {
        "id": driver.id,
        "name": profile.name,
        "phone": profile.phone,
        "employment": profile.employment,
        "vehicle": profile.vehicle,
        "capacity": profile.capacity,
        "capabilities": list(profile.capabilities),
        "pharmacy_id": profile.location_id,
        "active": driver.active,
        "left_at": iso_or_none(driver.left_at),
        "on_shift": driver.on_shift,
        "shift_started_at": iso_or_none(driver.shift_started_at),
        "status": driver.status,
        "status_changed_at": iso_or_none(driver.status_changed_at),
        "route_id": driver.route_id,
        "packages": {"assigned": carried.assigned, "out_for_delivery": carried.out},
        "test": driver.test,
        "version": driver.version,
        "created_at": iso(driver.created_at),
        "updated_at": iso(driver.updated_at),
    }


def driver_of(row: Mapping[str, Any]) -> Driver:
    """A stored row as a driver."""
    return Driver(
        seq=row["seq"],
        id=row["id"],
        tenant_id=row["tenant_id"],
        test=bool(row["test"]),
        profile=Profile(
            name=row["name"],
            phone=row["phone"],
            employment=row["employment"],
            vehicle=row["vehicle"],
            capacity=row["capacity"],
            capabilities=tuple(json.loads(row["capabilities"])),
            location_id=row["location_id"],
        ),
        shift_started_at=row["shift_started_at"],
        online=bool(row["online"]),
        status_changed_at=row["status_changed_at"],
        left_at=row["left_at"],
        route_id=row["route_id"],
        version=row["version"],
        created_at=row["created_at"],
        created_by=row["created_by"],
        updated_at=row["updated_at"],
    )
