"""What stands on each paper, made of what drivers may see, and the words it says it in."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from scriptrun_box.kernel import clock
from scriptrun_box.patients.driver_view import DriverPackage

from . import codes
from .doors import Door, door_of

PRIORITY_WORDS = {"stat": "STAT", "urgent": "URGENT", "routine": ""}
SPELLED = "Name or address spelled in plain letters."  # where the printer has no others
SANDBOX = "SANDBOX: no real delivery"
LABELLED = ("created", "assigned", "out_for_delivery", "failed")  # others go nowhere any more
LABELS_MAX = 300  # at a time
ROUTES_MAX = 200  # of a day
PICKS_MAX = 1_000  # on a list

# Why a job was not sent, or not all of it: what stands in print_jobs.reason, in words.
REASON_WORDS = {
    "refused": "The printer refused the connection: is it ready, and is the port right?",
    "unreachable": "Nothing answered at the printer's address: is it on, and on this network?",
    "unknown_name": "The printer's name is not known on this network.",
    "not_allowed": "A printer's address must be one of the local network.",
    "stalled": "The printer stopped taking labels: look at paper, ribbon and cover.",
    "closed": "The printer broke the connection off; the last label may be missing.",
    "interrupted": "The box was stopped while it was sending.",
    "too_old": "It waited too long for the printer, and was not printed by surprise.",
    "removed": "The printer was removed.",
    "gone": "None of its packages needs a label any more.",
    "internal": "Something went wrong on our side.",
}
_NANP = re.compile(r"\+1[2-9][0-9]{9}")


@dataclass(frozen=True, slots=True)
class Pharmacy:
    """Where a package comes from, as its paper says it."""

    name: str
    phone: str


@dataclass(frozen=True, slots=True)
class Place:
    """A package among others: its stop on the route, and which of a door's bags it is."""

    stop: int | None = None
    stops: int | None = None
    bag: int = 1
    bags: int = 1


@dataclass(frozen=True, slots=True)
class Label:
    """A label for one bag."""

    package_id: str
    pharmacy: Pharmacy
    name: str
    door: Door
    day: str
    window: str  # empty: any time of the day
    priority: str  # STAT, URGENT or empty
    words: tuple[str, ...]  # what is to be done at the door
    place: Place
    sandbox: bool

    @property
    def code(self) -> str:
        """What its QR code says."""
        return codes.of_package(self.package_id)

    @property
    def short(self) -> str:
        """The end of its id, for people to compare."""
        return self.package_id[-8:].upper()


@dataclass(frozen=True, slots=True)
class Bag:
    """One package of a stop, as the manifest lists it."""

    package_id: str
    name: str
    phone: str
    notes: tuple[str, ...]  # each a paragraph
    words: tuple[str, ...]
    priority: str
    window: str

    @property
    def code(self) -> str:
        """What its QR code says."""
        return codes.of_package(self.package_id)


@dataclass(frozen=True, slots=True)
class Stop:
    """A door on the way: all its bags, one signature."""

    number: int
    door: Door
    arrives: str  # empty where it is not known
    bags: tuple[Bag, ...]

    @property
    def signed(self) -> bool:
        """Whether somebody has to sign here."""
        return any("SIGN" in bag.words for bag in self.bags)


@dataclass(frozen=True, slots=True)
class Manifest:
    """A driver's stops of a day on paper."""

    route_id: str
    pharmacy: Pharmacy
    driver: str
    vehicle: str
    date: str
    day: str
    leaves: str
    stops: tuple[Stop, ...]
    collect: str  # all there is to collect; empty where nothing is
    sandbox: bool

    @property
    def code(self) -> str:
        """What its QR code says."""
        return codes.of_route(self.route_id)

    @property
    def bags(self) -> int:
        """How many bags leave with the driver."""
        return sum(len(stop.bags) for stop in self.stops)


@dataclass(frozen=True, slots=True)
class RouteLine:
    """A route of a day, to choose its paper by."""

    route_id: str
    driver: str
    status: str
    stops: int
    bags: int


@dataclass(frozen=True, slots=True)
class Pick:
    """One bag to fetch. For the staff, who file bags by name and Rx number; never a drug."""

    package_id: str
    name: str
    rx_number: str
    taken_from: str
    words: tuple[str, ...]
    priority: str
    window: str
    place: Place


@dataclass(frozen=True, slots=True)
class Pile:
    """The bags that one driver takes, or those that nobody has yet."""

    driver: str  # empty: not assigned yet
    picks: tuple[Pick, ...]


@dataclass(frozen=True, slots=True)
class PickList:
    """What to fetch for a day. It stays in the pharmacy."""

    pharmacy: str
    day: str
    piles: tuple[Pile, ...]
    undecided: int  # possible duplicates, which nobody may pack before the desk has decided
    more: bool  # there are more than a list holds
    sandbox: bool

    @property
    def bags(self) -> int:
        """How many bags there are to fetch."""
        return sum(len(pile.picks) for pile in self.piles)


@dataclass(frozen=True, slots=True)
class Printer:
    """A label printer of the pharmacy; a removed one is still named by its jobs."""

    id: str
    tenant_id: str
    name: str
    host: str
    port: int
    dpi: int
    removed_at: int | None


@dataclass(frozen=True, slots=True)
class Job:
    """Labels on their way to a printer; times in unix milliseconds."""

    seq: int
    id: str
    tenant_id: str
    test: bool
    printer_id: str
    kind: str  # labels, test
    package_ids: tuple[str, ...]
    labels: int
    sent: int
    state: str  # queued, sending, done, failed, cancelled
    reason: str | None
    attempts: int
    queued_at: int
    started_at: int | None
    finished_at: int | None
    created_at: int
    created_by: str


def label_of(package: DriverPackage, pharmacy: Pharmacy, place: Place) -> Label:
    """The label of a package."""
    return Label(
        package_id=package.id,
        pharmacy=pharmacy,
        name=package.name,
        door=door_of(package.address),
        day=day_text(package.delivery_date),
        window=window_text(package),
        priority=PRIORITY_WORDS[package.priority],
        words=words_of(package),
        place=place,
        sandbox=package.test,
    )


def phone_text(number: str | None) -> str:
    """+13055550142 as (305) 555-0142; any other as it is."""
    if number is None or not _NANP.fullmatch(number):
        return number or ""
    return f"({number[2:5]}) {number[5:8]}-{number[8:]}"


def bag_of(package: DriverPackage) -> Bag:
    """A package as the manifest lists it."""
    return Bag(
        package_id=package.id,
        name=package.name,
        phone=phone_text(package.phone),
        notes=_said(package),
        words=(*words_of(package), *(("MAY BE LEFT AT DOOR",) if package.leave_at_door else ())),
        priority=PRIORITY_WORDS[package.priority],
        window=window_text(package),
    )


def _said(package: DriverPackage) -> tuple[str, ...]:
    """What is written to the driver: of this order, and of whom it is for every time."""
    receivers = "; ".join(package.may_receive)
    said = package.notes, package.instructions, receivers and f"May receive it: {receivers}"
    return tuple(text for text in said if text)


def words_of(package: DriverPackage) -> tuple[str, ...]:
    """What is to be done with it at the door, in words."""
    said = []
    if package.check_id:
        said.append("ID CHECK")
    if package.sign:
        said.append("SIGN")
    if package.fridge:
        said.append("FRIDGE")
    if package.collect_cents:
        said.append(f"COLLECT {dollars(package.collect_cents)}")
    return tuple(said)


def taken_from(package: DriverPackage) -> str:
    """Where in the pharmacy it lies."""
    if package.fridge:
        return "fridge"
    return "locked cabinet" if package.check_id else "shelf"


def window_text(package: DriverPackage) -> str:
    """9:00-12:00, after 9:00, by 12:00, or nothing."""
    after, by = package.deliver_after, package.deliver_by
    if after and by:
        return f"{_hour(after)}-{_hour(by)}"
    if after:
        return f"after {_hour(after)}"
    return f"by {_hour(by)}" if by else ""


def day_text(text: str) -> str:
    """2026-04-21 as Tue, Apr 21."""
    day = date.fromisoformat(text)
    return f"{day:%a}, {day:%b} {day.day}"


def time_text(ms: int | None, time_zone: str) -> str:
    """A time of day at the pharmacy; empty where there is none."""
    return "" if ms is None else _hour(clock.local_time(ms, time_zone))


def dollars(cents: int) -> str:
    """$12.50"""
    return f"${cents // 100:,}.{cents % 100:02}"


def total(packages: Sequence[DriverPackage]) -> str:
    """All there is to collect; empty where nothing is."""
    cents = sum(package.collect_cents or 0 for package in packages)
    return dollars(cents) if cents else ""


def _hour(text: str) -> str:
    return text.removeprefix("0")
