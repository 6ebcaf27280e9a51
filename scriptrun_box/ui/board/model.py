"""What the board shows: cards in columns, in the order somebody should look at them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from scriptrun_box.accounts.model import Location
from scriptrun_box.drivers.model import Driver, Note
from scriptrun_box.kernel import clock
from scriptrun_box.kernel.clock import HOUR_MS, MINUTE_MS
from scriptrun_box.packages.model import Package
from scriptrun_box.packages.store import Carried
from scriptrun_box.routes.model import Route

SOON_MS = HOUR_MS  # what is not out yet and due within this is marked
PRIORITIES = {"stat": 0, "urgent": 1}
NEVER = "99:99"  # sorts behind every time of day
ASSIGN, OUT, DECIDE = "assign", "out", "decide"


@dataclass(frozen=True, slots=True)
class Choice:
    """What the address of the board asks for."""

    date: str
    q: str = ""
    location_id: str = ""
    map: bool = False


@dataclass(frozen=True, slots=True)
class Stop:
    """Where a package is on its route: the how manieth stop, and when the driver will be there."""

    position: int
    arrives_at: int | None


@dataclass(frozen=True, slots=True)
class Card:
    """A package on the board."""

    package: Package
    column: str
    rank: str  # cards of a column stand in the order of this
    stop: Stop | None
    late: tuple[str, str] | None  # (tone, words)
    problem: str  # why it is to decide about

    @property
    def seen(self) -> str:
        """How it stands, for who moves it to say what they saw."""
        return f"{self.package.id}:{self.package.status}:{self.package.driver_id or ''}"


@dataclass(frozen=True, slots=True)
class Column:
    """Where cards stand; `driver` is None for the columns that are nobody's."""

    key: str
    title: str
    driver: Driver | None = None
    carried: Carried = field(default_factory=Carried)
    takes: bool = True  # whether something can be put there
    cards: list[Card] = field(default_factory=list)

    @property
    def over(self) -> bool:
        """Whether the driver has more than goes in."""
        room = self.driver.profile.capacity if self.driver else None
        return room is not None and self.carried.assigned + self.carried.out > room


@dataclass(frozen=True, slots=True)
class Board:
    """All of it; `count` is how many open packages there are, of which `shown` are on it."""

    choice: Choice
    today: str
    columns: list[Column]
    notes: list[Note]
    names: Mapping[str, str]  # of drivers
    tones: Mapping[str, str]  # the class of each driver's colour
    routes: list[Route]  # planned and under way, of that day
    locations: list[Location]
    shown: int
    count: int

    @property
    def tomorrow(self) -> str:
        return (datetime.fromisoformat(self.today) + timedelta(1)).date().isoformat()


def column_of(package: Package) -> tuple[str, str]:
    """(column, problem) of an open package; the problem is empty where there is none."""
    if package.status == "failed":
        return DECIDE, "failed"
    if package.status == "out_for_delivery":
        return OUT, ""
    if package.duplicate_of is not None:
        return DECIDE, "duplicate"
    if package.status == "assigned" and package.driver_id is not None:
        return package.driver_id, ""
    return (DECIDE, "address") if package.content.address_incomplete else (ASSIGN, "")


def lateness(
    package: Package, stop: Stop | None, now: int, today: str, zone: ZoneInfo
) -> tuple[str, str] | None:
    """(tone, words) where a package is late, will be, or has to leave soon; seen before it is."""
    content = package.content
    if content.delivery_date < today:
        return "bad", "overdue"
    until = package.keeps_until
    if until is not None and package.status != "failed":
        if now > until:
            return "bad", "its bag is no longer cold"
        if stop is not None and stop.arrives_at is not None and stop.arrives_at > until:
            there = datetime.fromtimestamp(until / 1000, zone).strftime("%H:%M")
            return "bad", f"will be warm: cold until {there}"
    if package.status == "failed" or content.deliver_by is None:
        return None
    due = clock.moment(content.delivery_date, content.deliver_by, zone.key)
    if now > due:
        return "bad", f"late, was due {content.deliver_by}"
    if stop is not None and stop.arrives_at is not None and stop.arrives_at > due:
        there = datetime.fromtimestamp(stop.arrives_at / 1000, zone).strftime("%H:%M")
        return "bad", f"will be late: {there}, due {content.deliver_by}"
    if package.status != "out_for_delivery" and due - now <= SOON_MS:
        return "warn", f"due in {max(1, (due - now) // MINUTE_MS)} min"
    return None


def rank(package: Package, column: str, stop: Stop | None) -> str:
    """The order of a column: a driver's stops, else what is most pressing, oldest first."""
    content = package.content
    position = stop.position if stop else 9999
    pressing = f"{PRIORITIES.get(content.priority, 2)} {content.deliver_by or NEVER}"
    whose = package.driver_id or "" if column == OUT else ""
    return f"{whose} {position:04} {content.delivery_date} {pressing} {package.seq:012}"
