"""What the controlled screens show: open packages by what is to be done, one package's story."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from scriptrun_box.delivery.controlled import closes, closing, custody, disposition, rules, store
from scriptrun_box.delivery.controlled.closing import Day
from scriptrun_box.delivery.controlled.model import (
    Amendment,
    Close,
    Disposition,
    Incident,
    Line,
    Release,
    Rule,
    Transfer,
)
from scriptrun_box.drivers import store as drivers
from scriptrun_box.drivers.model import Driver
from scriptrun_box.kernel.db import Reader
from scriptrun_box.kernel.scope import Scope
from scriptrun_box.packages.model import Package, package_of
from scriptrun_box.ui.queries import actor_names

OPEN = ("created", "assigned", "out_for_delivery", "failed")
LISTED = 500  # open packages of one status
INCIDENTS, CLOSES = 200, 60


@dataclass(frozen=True, slots=True)
class Pile:
    """Packages of one driver."""

    driver_id: str
    name: str
    packages: list[Package]


@dataclass(frozen=True, slots=True)
class Desk:
    """Everything on the page that changes while one looks at it."""

    to_release: list[Package]
    to_assign: list[Package]
    to_hand_over: list[Pile]
    with_drivers: list[Pile]
    to_take_back: list[Pile]
    to_decide: list[Package]
    incidents: list[Incident]
    day: Day
    drivers: list[Driver]
    with_pin: set[str]


@dataclass(frozen=True, slots=True)
class Whole:
    """One controlled package with all that its page shows."""

    package: Package
    releases: list[Release]
    chain: list[Transfer]
    dispositions: list[Disposition]
    incidents: list[Incident]
    state: str
    rule: Rule
    holder: str
    refusals: Mapping[str, str] | None  # of decisions; None: there is nothing to decide
    names: Mapping[str, str]
    has_pin: bool

    @property
    def story(self) -> list[tuple[str, object]]:
        """All that happened, oldest first, each with its kind."""
        told: list[tuple[int, str, object]] = [
            *((each.at, "release", each) for each in self.releases),
            *((each.at, "transfer", each) for each in self.chain),
            *((each.at, "decision", each) for each in self.dispositions),
            *((each.opened_at, "incident", each) for each in self.incidents),
        ]
        return [(kind, each) for _, kind, each in sorted(told, key=lambda line: line[0])]


@dataclass(frozen=True, slots=True)
class Closed:
    """A closed day with its lines as they stand now, and what was said since."""

    close: Close
    lines: list[Line]
    amendments: list[Amendment]
    names: Mapping[str, str]


def desk(r: Reader, scope: Scope, location_id: str, date: str, now: int) -> Desk:
    """The page, with the day of one location."""
    found = _open(r, scope)
    back = [each for each in found if each.status == "failed" or each.recalled_at is not None]
    here = [each for each in found if each not in back]
    waiting = [each for each in here if each.status in ("created", "assigned")]
    released = [each for each in waiting if each.released_at and not each.handed_over_at]
    active = drivers.by_name(r, scope, drivers.Filter(active=True), LISTED)
    names = {driver.id: driver.name for driver in active}
    return Desk(
        to_release=[each for each in waiting if each.released_at is None],
        to_assign=[each for each in released if each.status == "created"],
        to_hand_over=_piles([each for each in released if each.status == "assigned"], names),
        with_drivers=_piles([each for each in here if each.handed_over_at], names),
        to_take_back=_piles([each for each in back if each.handed_over_at], names),
        to_decide=[each for each in back if not each.handed_over_at],
        incidents=[each for each in store.incidents(r, scope, INCIDENTS) if not each.closed_at],
        day=closing.day(r, scope, location_id, now, date),
        drivers=[driver for driver in active if driver.may("controlled")],
        with_pin=store.drivers_with_pin(r, scope.tenant_id),
    )


def whole(r: Reader, scope: Scope, package: Package) -> Whole:
    """One package's story."""
    chain = store.chain(r, package.id)
    state, rule = rules.rule_for(r, scope, package.content.location_id)
    back = disposition.undecided(r, package)
    releases, decided = store.releases(r, package.id), store.dispositions(r, package.id)
    happened = store.incidents_of(r, package.id)
    people = {row.giver for row in chain} | {row.taker for row in chain}
    people |= {each.by for each in releases} | {each.by for each in decided}
    people |= {each.second_by or "" for each in releases}
    people |= {each.opened_by for each in happened}
    if package.driver_id:
        people.add(f"driver:{package.driver_id}")
    return Whole(
        package,
        releases,
        chain,
        decided,
        happened,
        state,
        rule,
        custody.holder(chain, package.status),
        None if back is None else disposition.refusals(r, scope, package, back),
        names_of(r, scope, people),
        package.driver_id in store.drivers_with_pin(r, scope.tenant_id),
    )


def closed(r: Reader, scope: Scope, close_id: str) -> Closed:
    """A closed day."""
    found = closing.find(r, scope, close_id)
    lines, said = closing.lines_of(r, scope, found), closes.amendments(r, found)
    people = {found.by, *(each.by for each in said), *people_in(lines)}
    return Closed(found, lines, said, names_of(r, scope, people))


def closed_days(r: Reader, scope: Scope, location_id: str) -> list[Close]:
    """The last closed days of a location."""
    place = closing.place(r, scope, location_id)
    return closes.page(r, scope, place.id, CLOSES)


def people_in(lines: Iterable[Line]) -> set[str]:
    """Everybody some lines of the log name."""
    found = set()
    for line in lines:
        found |= {line.giver, line.taker, line.released_by, line.second_by, line.decided_by}
        found.add(f"driver:{line.driver_id}")
    return {each for each in found if each}


def names_of(r: Reader, scope: Scope, people: Iterable[str]) -> dict[str, str]:
    """What people call each of them, user:… and driver:… alike."""
    known = {each for each in people if each}
    about = [each.removeprefix("driver:") for each in known if each.startswith("driver:")]
    called = drivers.names(r, scope.tenant_id, about)
    named = {
        f"driver:{driver_id}": called.get(driver_id, "a made-up driver") for driver_id in about
    }
    others = [each for each in known if not each.startswith("driver:")]
    return actor_names(r, scope.tenant_id, others) | named


def _open(r: Reader, scope: Scope) -> list[Package]:
    found: list[Package] = []
    for status in OPEN:  # few of many: the index of statuses finds them
        rows = r.all(
            "SELECT * FROM packages INDEXED BY packages_status WHERE tenant_id = ? AND test = ?"
            " AND status = ? AND controlled_substance = 1 ORDER BY seq LIMIT ?",
            (scope.tenant_id, scope.test, status, LISTED),
        )
        found += [package_of(row) for row in rows]
    return found


def _piles(found: Sequence[Package], names: Mapping[str, str]) -> list[Pile]:
    """By driver, in the order of their names."""
    piles: dict[str, list[Package]] = {}
    for package in found:
        piles.setdefault(package.driver_id or "", []).append(package)
    made = [Pile(each, names.get(each, "a made-up driver"), piles[each]) for each in piles]
    return sorted(made, key=lambda pile: pile.name.casefold())
