"""The words of routes: a route, its stops, what callers may send, a route on the wire."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from scriptrun_box.kernel import clock
from scriptrun_box.kernel.clock import iso, iso_or_none
from scriptrun_box.packages.model import Location, Package

STOPS_MAX = 300  # packages, and so stops, on one route
BREAKS_MAX = 3
BREAK_MINUTES_MAX = 240
ID_MAX = 64  # characters

Status = Literal["planned", "started", "finished", "cancelled"]
STATUSES: tuple[str, ...] = get_args(Status)
OVER = ("finished", "cancelled")

Id = Annotated[str, Field(max_length=ID_MAX)]
Ids = Annotated[list[Id], Field(max_length=STOPS_MAX)]
Date = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
TimeOfDay = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]


class BreakIn(BaseModel):
    """A pause: it begins between `after` and `before`, at the location's time."""

    model_config = ConfigDict(strict=True, extra="forbid")

    after: TimeOfDay
    before: TimeOfDay
    minutes: int = Field(ge=1, le=BREAK_MINUTES_MAX)


Breaks = Annotated[list[BreakIn], Field(max_length=BREAKS_MAX)]


class RouteIn(BaseModel):
    """A new route."""

    model_config = ConfigDict(strict=True, extra="forbid")

    driver_id: Id
    date: Date | None = None
    pharmacy_id: Id | None = None
    ends_at_start: bool = True
    leaves_at: TimeOfDay | None = None
    breaks: Breaks = []
    package_ids: Ids = []


class RouteChangeIn(BaseModel):
    """A change of a route: what is absent stays; another driver_id hands all of it over."""

    model_config = ConfigDict(strict=True, extra="forbid")

    driver_id: Id = ""
    date: Date = ""
    ends_at_start: bool = True
    leaves_at: TimeOfDay | None = None
    breaks: Breaks = []
    version: int | None = None


class PackagesIn(BaseModel):
    """Packages to put on a route or take off it; `version` is the one the caller has seen."""

    model_config = ConfigDict(strict=True, extra="forbid")

    package_ids: Annotated[Ids, Field(min_length=1)]
    version: int | None = None


class PutIn(PackagesIn):
    """Packages to put on a route: at its end, or where `position` says, counted from 1."""

    position: int | None = Field(None, ge=1, le=STOPS_MAX)


class MoveStopIn(BaseModel):
    """Where a stop goes, counted from 1; without a position it stays, and is no longer fixed."""

    model_config = ConfigDict(strict=True, extra="forbid")

    position: int | None = Field(None, ge=1, le=STOPS_MAX)
    version: int | None = None


class StartIn(BaseModel):
    """The start of a route; `leave_behind` names the packages that may stay here."""

    model_config = ConfigDict(strict=True, extra="forbid")

    leave_behind: Ids = []
    version: int | None = None


class HandOverIn(BaseModel):
    """The body that gives a route to another driver."""

    model_config = ConfigDict(strict=True, extra="forbid")

    driver_id: Id
    version: int | None = None


class VersionIn(BaseModel):
    """The body of an act that needs no more than what the caller has seen."""

    model_config = ConfigDict(strict=True, extra="forbid")

    version: int | None = None


@dataclass(frozen=True, slots=True)
class Break:
    """A pause, times as "HH:MM" at the location."""

    after: str
    before: str
    minutes: int


@dataclass(frozen=True, slots=True)
class HandOver:
    """One driver took a route over from another."""

    at: int
    by: str
    from_driver_id: str
    driver_id: str


@dataclass(frozen=True, slots=True)
class Route:
    """A route as stored; times in unix milliseconds."""

    seq: int
    id: str
    tenant_id: str
    test: bool
    location_id: str
    driver_id: str
    date: str
    status: str
    ends_at_start: bool
    leaves_at: int | None
    breaks: tuple[Break, ...]
    hand_overs: tuple[HandOver, ...]  # oldest first
    meters: int | None
    started_at: int | None
    completed_at: int | None
    finished_at: int | None
    version: int
    created_at: int
    created_by: str
    updated_at: int
    updated_by: str


@dataclass(frozen=True, slots=True)
class Stop:
    """A door on a route."""

    id: str
    route_id: str
    position: int
    door: str
    fixed: bool
    arrives_at: int | None
    done_at: int | None


@dataclass(frozen=True, slots=True)
class Visit:
    """A stop with the packages that are still on it."""

    stop: Stop
    packages: tuple[Package, ...]

    @property
    def location(self) -> Location | None:
        """Where it is; the first of its packages that knows."""
        return next((each.location for each in self.packages if each.location), None)

    @property
    def address(self) -> str:
        """The address it really goes to."""
        return self.packages[0].address if self.packages else self.stop.door

    @property
    def approximate(self) -> bool:
        """Whether nobody knows exactly where it is."""
        place = self.location
        return place is None or place.confidence == "approximate"

    @property
    def stat(self) -> bool:
        return any(each.content.priority == "stat" for each in self.packages)


@dataclass(frozen=True, slots=True)
class Sheet:
    """A route with its stops in order, at its location's time zone."""

    route: Route
    visits: tuple[Visit, ...]
    outcomes: Mapping[str, str]  # package id: delivered, failed, recalled
    time_zone: str

    @property
    def packages(self) -> list[Package]:
        """Every package that is on it now, in the order of the stops."""
        return [package for visit in self.visits for package in visit.packages]

    def due_by(self, visit: Visit) -> int | None:
        """When the earliest of the packages still to be delivered there is promised."""
        return min(self._times(visit, "deliver_by"), default=None)

    def due_after(self, visit: Visit) -> int | None:
        """From when on all packages still to be delivered there may be."""
        return max(self._times(visit, "deliver_after"), default=None)

    def late(self, visit: Visit) -> bool:
        """Whether the driver will come later than promised, as it is planned."""
        by, at = self.due_by(visit), visit.stop.arrives_at
        return visit.stop.done_at is None and None not in (by, at) and at > by  # type: ignore[operator]

    def hold_until(self, visit: Visit) -> int | None:
        """Until when the bags of what is still to be delivered there keep it cold."""
        limits = (p.keeps_until for p in visit.packages if p.id not in self.outcomes)
        return min((each for each in limits if each is not None), default=None)

    def past_hold(self, visit: Visit) -> bool:
        """Whether the driver will come when a bag keeps cold no longer, as it is planned."""
        until, at = self.hold_until(visit), visit.stop.arrives_at
        return visit.stop.done_at is None and None not in (until, at) and at > until  # type: ignore[operator]

    def _times(self, visit: Visit, field: str) -> Iterable[int]:
        for package in visit.packages:
            text = getattr(package.content, field)
            if text is not None and package.id not in self.outcomes:
                yield clock.moment(self.route.date, text, self.time_zone)


@dataclass(frozen=True, slots=True)
class Count:
    """How much is on a route."""

    stops: int = 0
    stops_done: int = 0
    packages: int = 0


def wire(route: Route, count: Count) -> dict[str, Any]:
    """A route as lists show it."""
    return {
        "id": route.id,
        "status": route.status,
        "date": route.date,
        "driver_id": route.driver_id,
        "pharmacy_id": route.location_id,
        "ends_at_start": route.ends_at_start,
        "leaves_at": iso_or_none(route.leaves_at),
        "breaks": breaks_wire(route.breaks),
        "hand_overs": [{**asdict(each), "at": iso(each.at)} for each in route.hand_overs],
        "meters": route.meters,
        "stops_count": count.stops,
        "stops_done": count.stops_done,
        "packages_count": count.packages,
        "started_at": iso_or_none(route.started_at),
        "completed_at": iso_or_none(route.completed_at),
        "finished_at": iso_or_none(route.finished_at),
        "test": route.test,
        "version": route.version,
        "created_at": iso(route.created_at),
        "updated_at": iso(route.updated_at),
    }


def sheet_wire(sheet: Sheet) -> dict[str, Any]:
    """A route with its stops in order."""
    done = sum(visit.stop.done_at is not None for visit in sheet.visits)
    count = Count(len(sheet.visits), done, len(sheet.packages))
    return {
        **wire(sheet.route, count),
        "approximate": any(visit.approximate for visit in sheet.visits if visit.packages),
        "late": any(sheet.late(visit) for visit in sheet.visits),
        "past_hold": any(sheet.past_hold(visit) for visit in sheet.visits),
        "stops": [
            _visit_wire(sheet, number, visit) for number, visit in enumerate(sheet.visits, 1)
        ],
    }


def _visit_wire(sheet: Sheet, number: int, visit: Visit) -> dict[str, Any]:
    place = visit.location
    return {
        "id": visit.stop.id,
        "position": number,
        "address": visit.address,
        "fixed": visit.stop.fixed,
        "lat": place and place.lat,
        "lng": place and place.lng,
        "approximate": visit.approximate,
        "deliver_after": iso_or_none(sheet.due_after(visit)),
        "deliver_by": iso_or_none(sheet.due_by(visit)),
        "arrives_at": iso_or_none(visit.stop.arrives_at),
        "late": sheet.late(visit),
        "hold_until": iso_or_none(sheet.hold_until(visit)),
        "past_hold": sheet.past_hold(visit),
        "done_at": iso_or_none(visit.stop.done_at),
        "package_ids": [package.id for package in visit.packages],
    }


def breaks_wire(breaks: Iterable[Break]) -> list[dict[str, Any]]:
    """Breaks as the wire and the file keep them."""
    return [{"after": b.after, "before": b.before, "minutes": b.minutes} for b in breaks]


def door_of(package: Package) -> str:
    """What packages of one stop have in common."""
    return package.door or package.content.patient_address


def route_of(row: Mapping[str, Any]) -> Route:
    """A stored row as a route."""
    return Route(
        seq=row["seq"],
        id=row["id"],
        tenant_id=row["tenant_id"],
        test=bool(row["test"]),
        location_id=row["location_id"],
        driver_id=row["driver_id"],
        date=row["date"],
        status=row["status"],
        ends_at_start=bool(row["ends_at_start"]),
        leaves_at=row["leaves_at"],
        breaks=tuple(Break(**each) for each in json.loads(row["breaks"])),
        hand_overs=tuple(HandOver(**each) for each in json.loads(row["hand_overs"])),
        meters=row["meters"],
        started_at=row["started_at"],
        completed_at=row["completed_at"],
        finished_at=row["finished_at"],
        version=row["version"],
        created_at=row["created_at"],
        created_by=row["created_by"],
        updated_at=row["updated_at"],
        updated_by=row["updated_by"],
    )


def stop_of(row: Mapping[str, Any]) -> Stop:
    """A stored row as a stop."""
    return Stop(
        id=row["id"],
        route_id=row["route_id"],
        position=row["position"],
        door=row["door"],
        fixed=bool(row["fixed"]),
        arrives_at=row["arrives_at"],
        done_at=row["done_at"],
    )
