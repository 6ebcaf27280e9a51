"""What the board shows, read in one snapshot: open packages of a day, drivers, stops, notes."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

from scriptrun_box.accounts import store as accounts
from scriptrun_box.accounts.model import Location
from scriptrun_box.drivers import store as drivers
from scriptrun_box.drivers.actions import ACTIVE_MAX
from scriptrun_box.drivers.model import Driver
from scriptrun_box.kernel import clock
from scriptrun_box.kernel.db import Reader
from scriptrun_box.kernel.scope import Scope
from scriptrun_box.packages import store as packages
from scriptrun_box.packages import words as typed
from scriptrun_box.packages.model import Package, package_of
from scriptrun_box.packages.store import Carried
from scriptrun_box.routes import store as routes
from scriptrun_box.routes.model import Route
from scriptrun_box.ui.parcel import OPEN

from .drawing import Place, tones_of
from .model import (
    ASSIGN,
    DECIDE,
    OUT,
    Board,
    Card,
    Choice,
    Column,
    Stop,
    column_of,
    lateness,
    rank,
)

LISTED = 1_000  # packages of each status
ROUTES = 200  # of a day, planned or under way
NOTES = 20  # unread notes, the oldest first
NO_NAME = "A made-up driver"


def board(r: Reader, scope: Scope, choice: Choice, now: int) -> Board:
    """The whole board; without a date that of today, as the place's own calendar has it."""
    locations = accounts.locations(r, scope.tenant_id)
    chosen = _chosen(choice, locations, now)
    found = [
        package
        for status in OPEN
        for package in _open(r, scope, chosen, locations, now, status, None)
    ]
    shown = _cards(r, found, locations, now)
    notes = drivers.unread_notes(r, scope, NOTES)
    people = drivers.by_name(
        r, scope, drivers.Filter(active=True, location_id=choice.location_id or None), ACTIVE_MAX
    )
    names = {each.id: each.name for each in people}
    unknown = {p.driver_id for p in found if p.driver_id} | {note.driver_id for note in notes}
    names |= drivers.names(r, scope.tenant_id, unknown - names.keys())
    columns = _columns(r, scope, people, names, shown)
    return Board(
        chosen,
        _today(locations, choice.location_id, now),
        columns,
        notes,
        names,
        tones_of([column.key for column in columns]),
        _routes(r, scope, chosen),
        locations,
        len(found),
        sum(_count(r, scope, chosen, locations, now, status) for status in OPEN),
    )


def cards(r: Reader, scope: Scope, choice: Choice, ids: Sequence[str], now: int) -> list[Card]:
    """Those of these packages that are on the board."""
    locations = accounts.locations(r, scope.tenant_id)
    chosen = _chosen(choice, locations, now)
    found = [
        package
        for status in OPEN
        for package in _open(r, scope, chosen, locations, now, status, ids)
    ]
    return _cards(r, found, locations, now)


def heads(r: Reader, scope: Scope, choice: Choice, now: int) -> Board:
    """The board without its cards, for who only wants to see what changed."""
    locations = accounts.locations(r, scope.tenant_id)
    chosen = _chosen(choice, locations, now)
    people = drivers.by_name(
        r, scope, drivers.Filter(active=True, location_id=choice.location_id or None), ACTIVE_MAX
    )
    notes = drivers.unread_notes(r, scope, NOTES)
    names = drivers.names(r, scope.tenant_id, (note.driver_id for note in notes))
    names |= {each.id: each.name for each in people}
    count = sum(_count(r, scope, chosen, locations, now, status) for status in OPEN)
    today = _today(locations, choice.location_id, now)
    columns = _columns(r, scope, people, names, [])
    tones = tones_of([column.key for column in columns])
    open_routes = _routes(r, scope, chosen)
    return Board(chosen, today, columns, notes, names, tones, open_routes, locations, 0, count)


def _routes(r: Reader, scope: Scope, choice: Choice) -> list[Route]:
    wanted = routes.Filter(date=choice.date, statuses=("started", "planned"))
    return routes.page(r, scope, wanted, None, ROUTES)


def shops(r: Reader, scope: Scope, location_id: str) -> list[Place]:
    """The pharmacies that say where they lie."""
    rows = r.all(
        "SELECT name, lat, lng FROM locations WHERE tenant_id = ? AND lat IS NOT NULL"
        " AND (? = '' OR id = ?) ORDER BY created_at, id",
        (scope.tenant_id, location_id, location_id),
    )
    return [Place(row["name"], row["lat"], row["lng"]) for row in rows]


def _chosen(choice: Choice, locations: Sequence[Location], now: int) -> Choice:
    date = choice.date or _today(locations, choice.location_id, now)
    return replace(choice, date=date)


def _today(locations: Sequence[Location], location_id: str, now: int) -> str:
    zone = next((each.time_zone for each in locations if each.id == location_id), None)
    return clock.local_date(now, zone or (locations[0].time_zone if locations else "UTC"))


def _columns(
    r: Reader, scope: Scope, people: Sequence[Driver], names: dict[str, str], shown: list[Card]
) -> list[Column]:
    carried = packages.carried(r, scope, (each.id for each in people))
    made = {
        DECIDE: Column(DECIDE, "To decide", takes=False),
        ASSIGN: Column(ASSIGN, "To assign"),
        **{
            each.id: Column(each.id, each.name, each, carried.get(each.id, Carried()))
            for each in people
        },
    }
    for card in shown:
        if card.column not in made and card.column != OUT:  # who has left, or was made up
            title = names.get(card.column, NO_NAME)
            made[card.column] = Column(card.column, title, takes=False)
    made[OUT] = Column(OUT, "Out for delivery", takes=False)
    for card in sorted(shown, key=lambda card: card.rank):
        made[card.column].cards.append(card)
    return list(made.values())


def _cards(
    r: Reader, found: Sequence[Package], locations: Sequence[Location], now: int
) -> list[Card]:
    zones = {place.id: ZoneInfo(place.time_zone) for place in locations}
    todays = {place.id: clock.local_date(now, place.time_zone) for place in locations}
    stops = _stops(r, [package.stop_id for package in found if package.stop_id])
    made = []
    for package in found:
        place = package.content.location_id
        column, problem = column_of(package)
        stop = stops.get(package.stop_id or "")
        late = lateness(package, stop, now, todays[place], zones[place])
        made.append(Card(package, column, rank(package, column, stop), stop, late, problem))
    return made


def _stops(r: Reader, ids: Sequence[str]) -> dict[str, Stop]:
    rows = r.all(
        "SELECT id, position, arrives_at FROM stops"
        " WHERE id IN (SELECT value FROM json_each(?)) AND done_at IS NULL",
        (json.dumps(sorted(set(ids))),),
    )
    return {row["id"]: Stop(row["position"], row["arrives_at"]) for row in rows}


def _open(
    r: Reader,
    scope: Scope,
    choice: Choice,
    locations: Sequence[Location],
    now: int,
    status: str,
    ids: Sequence[str] | None,
) -> list[Package]:
    source, where, values = _narrowed(scope, choice, locations, now, status)
    if ids is not None:
        source = source.replace(" INDEXED BY packages_status", "")
        where += " AND p.id IN (SELECT value FROM json_each(?))"
        values.append(json.dumps(list(ids)))
    rows = r.all(
        f"SELECT p.* FROM {source} WHERE {where}"  # noqa: S608
        " ORDER BY p.duplicate_of IS NULL, p.address_incomplete DESC,"  # to decide about
        " CASE p.priority WHEN 'stat' THEN 0 WHEN 'urgent' THEN 1 ELSE 2 END,"
        " p.deliver_by IS NULL, p.deliver_by, p.seq LIMIT ?",
        [*values, LISTED],
    )
    return [package_of(row) for row in rows]


def _count(
    r: Reader,
    scope: Scope,
    choice: Choice,
    locations: Sequence[Location],
    now: int,
    status: str,
) -> int:
    source, where, values = _narrowed(scope, choice, locations, now, status)
    number: int = r.value(f"SELECT count(*) FROM {source} WHERE {where}", values)  # noqa: S608
    return number


def _narrowed(
    scope: Scope, choice: Choice, locations: Sequence[Location], now: int, status: str
) -> tuple[str, str, list[Any]]:
    """FROM and WHERE of one status' open packages; today's board has what is overdue, too."""
    source = "packages AS p INDEXED BY packages_status"
    first = "" if choice.date == _today(locations, choice.location_id, now) else choice.date
    where = (
        "p.tenant_id = ? AND p.test = ? AND p.status IN (?)"
        " AND p.delivery_date >= ? AND p.delivery_date <= ?"
    )
    values: list[Any] = [scope.tenant_id, scope.test, status, first, choice.date]
    if choice.location_id:
        where += " AND p.location_id = ?"
        values.append(choice.location_id)
    sought = typed.typed_words(choice.q)
    if sought:
        source = "package_search AS s CROSS JOIN packages AS p ON p.seq = s.rowid"
        where += " AND s.package_search MATCH ?"
        values.append(typed.match(sought))
    return source, where, values
