"""Reads what stands on a paper: every package becomes the driver's view of it first."""

from collections.abc import Sequence
from dataclasses import replace

from scriptrun_box.accounts import store as accounts
from scriptrun_box.drivers import store as drivers
from scriptrun_box.kernel import clock
from scriptrun_box.kernel.db import Reader
from scriptrun_box.kernel.errors import Conflict, NotFound
from scriptrun_box.kernel.scope import Scope
from scriptrun_box.packages import store as packages
from scriptrun_box.packages.lifecycle import NOT_YET_OUT
from scriptrun_box.packages.model import Package
from scriptrun_box.packages.words import fold
from scriptrun_box.patients.driver_view import DriverPackage, for_drivers
from scriptrun_box.routes import sheet as routes
from scriptrun_box.routes import store as route_store
from scriptrun_box.routes.model import OVER, Sheet, Visit

from . import store, zpl
from .doors import door_of
from .model import (
    LABELLED,
    LABELS_MAX,
    PICKS_MAX,
    PRIORITY_WORDS,
    ROUTES_MAX,
    Job,
    Label,
    Manifest,
    Pharmacy,
    Pick,
    PickList,
    Pile,
    Place,
    RouteLine,
    Stop,
    bag_of,
    day_text,
    label_of,
    taken_from,
    time_text,
    total,
    window_text,
    words_of,
)


def label(r: Reader, scope: Scope, package_id: str) -> Label:
    """The label of one package; raises NotFound, and Conflict where it goes nowhere any more."""
    return labels(r, scope, [package_id])[0]


def labels(r: Reader, scope: Scope, package_ids: Sequence[str]) -> list[Label]:
    """The labels of these packages in this order; raises NotFound and Conflict, as `label`."""
    found = store.several(r, scope, package_ids)
    if not package_ids or len(found) < len(package_ids):
        raise NotFound("There is no such package.")
    if len(found) > LABELS_MAX:
        raise Conflict(f"At most {LABELS_MAX} labels are made at a time.", code="too_many_labels")
    over = [package for package in found if package.status not in LABELLED]
    if over:
        raise Conflict(
            f"There is no label for a package that is {over[0].status}.",
            code="label_not_allowed",
            details=[{"status": over[0].status}],
        )
    return _labels(r, scope, found)


def pages(r: Reader, job: Job, dpi: int) -> list[bytes]:
    """Each label of a job for its printer; empty for a package that goes nowhere any more."""
    scope = Scope(job.tenant_id, job.test)
    found = [p for p in store.several(r, scope, job.package_ids) if p.status in LABELLED]
    made = {each.package_id: zpl.label(each, dpi) for each in _labels(r, scope, found)}
    return [made.get(package_id, b"") for package_id in job.package_ids]


def test_label(r: Reader, job: Job, dpi: int) -> bytes:
    """The label that shows that a printer is reached."""
    names, places = store.printer_names(r, job.tenant_id), accounts.locations(r, job.tenant_id)
    at = clock.iso(job.created_at)
    return zpl.test_label(names[job.printer_id], places[0].name, at, dpi)


def ids_of_day(r: Reader, scope: Scope, date: str) -> list[str]:
    """The packages of a day that still have to go out, as the pick list orders them."""
    found = [each for each in _waiting(r, scope, date) if each.duplicate_of is None]
    piles = _piles(r, scope, found[:PICKS_MAX])
    return [pick.package_id for pile in piles for pick in pile.picks][:LABELS_MAX]


def ids_of_route(r: Reader, scope: Scope, route_id: str) -> list[str]:
    """The packages of a route that still get a label, in the order of its stops."""
    found = routes.read(r, scope, route_id)
    return [package.id for package in found.packages if package.status in LABELLED]


def routes_of_day(r: Reader, scope: Scope, date: str) -> list[RouteLine]:
    """The routes of a day that are not over, by their drivers' names."""
    wanted = route_store.Filter(date=date, statuses=("planned", "started"))
    found = route_store.page(r, scope, wanted, None, ROUTES_MAX)
    ids = [route.id for route in found]
    names = drivers.names(r, scope.tenant_id, (route.driver_id for route in found))
    stops, bags = route_store.counts(r, ids), packages.count_on_routes(r, ids)
    lines = [
        RouteLine(
            route.id,
            names.get(route.driver_id, ""),
            route.status,
            stops[route.id].stops if route.id in stops else 0,
            bags.get(route.id, 0),
        )
        for route in found
    ]
    return sorted(lines, key=lambda line: (fold(line.driver), line.route_id))


def manifest(r: Reader, scope: Scope, route_id: str) -> Manifest:
    """A route for its driver: what is still to be delivered, all of it once the route is over."""
    sheet = routes.read(r, scope, route_id)
    route, zone = sheet.route, sheet.time_zone
    driver = drivers.get(r, replace(scope, location_id=None), route.driver_id)
    views = for_drivers(r, [each for each in sheet.packages if _to_do(sheet, each)])
    on_it = {view.id: view for view in views}
    stops = [
        _stop(number, visit, left, zone)
        for number, visit in enumerate(sheet.visits, 1)
        if (left := [on_it[each.id] for each in visit.packages if each.id in on_it])
    ]
    return Manifest(
        route_id=route.id,
        pharmacy=pharmacies(r, scope.tenant_id)[route.location_id],
        driver=driver.name if driver else "",
        vehicle=(driver.profile.vehicle or "") if driver else "",
        date=route.date,
        day=day_text(route.date),
        leaves=time_text(route.leaves_at, zone),
        stops=tuple(stops),
        collect=total(views),
        sandbox=route.test,
    )


def _to_do(sheet: Sheet, package: Package) -> bool:
    return sheet.route.status in OVER or package.id not in sheet.outcomes


def _stop(number: int, visit: Visit, left: Sequence[DriverPackage], zone: str) -> Stop:
    return Stop(
        number=number,
        door=door_of(left[0].address),
        arrives=time_text(visit.stop.arrives_at, zone),
        bags=tuple(bag_of(each) for each in left),
    )


def pick_list(r: Reader, scope: Scope, date: str) -> PickList:
    """The bags to fetch for a day, of one location where the scope names it."""
    waiting = _waiting(r, scope, date)
    found = [package for package in waiting[:PICKS_MAX] if package.duplicate_of is None]
    places = accounts.locations(r, scope.tenant_id)
    named = [place.name for place in places if scope.location_id in (None, place.id)]
    return PickList(
        pharmacy=named[0] if len(named) == 1 else f"{len(named)} locations",
        day=day_text(date),
        piles=tuple(_piles(r, scope, found)),
        undecided=sum(package.duplicate_of is not None for package in waiting),
        more=len(waiting) > PICKS_MAX,
        sandbox=scope.test,
    )


def pharmacies(r: Reader, tenant_id: str) -> dict[str, Pharmacy]:
    """A tenant's locations as paper says them, by id."""
    places = accounts.locations(r, tenant_id)
    return {place.id: Pharmacy(place.name, place.phone) for place in places}


def _labels(r: Reader, scope: Scope, found: Sequence[Package]) -> list[Label]:
    seen = for_drivers(r, found)
    places, known = _places(r, scope, seen), pharmacies(r, scope.tenant_id)
    return [label_of(each, known[each.location_id], places[each.id]) for each in seen]


def _places(r: Reader, scope: Scope, seen: Sequence[DriverPackage]) -> dict[str, Place]:
    """Its stop, and which of its door's bags each of these is, counted over all that go there."""
    everywhere = replace(scope, location_id=None)
    found: dict[str, Place] = {}
    for route_id in {each.route_id for each in seen if each.route_id}:
        found |= _places_on(routes.read(r, everywhere, route_id))
    seen = [each for each in seen if each.id not in found]
    dates = {each.delivery_date for each in seen}
    bags: dict[tuple[str, str, str], list[str]] = {}
    for package_id, door in store.doors(r, everywhere, dates, LABELLED):
        bags.setdefault(door, []).append(package_id)
    for each in seen:
        together = bags.get((each.delivery_date, each.location_id, each.door), [])
        if each.id in together:
            found[each.id] = Place(bag=together.index(each.id) + 1, bags=len(together))
        else:
            found[each.id] = Place()
    return found


def _places_on(sheet: Sheet) -> dict[str, Place]:
    """The place of each package on a route."""
    stops = len(sheet.visits)
    return {
        package.id: Place(number, stops, bag, len(visit.packages))
        for number, visit in enumerate(sheet.visits, 1)
        for bag, package in enumerate(visit.packages, 1)
    }


def _waiting(r: Reader, scope: Scope, date: str) -> list[Package]:
    return store.of_days(r, scope, [date], NOT_YET_OUT, PICKS_MAX + 1)


def _piles(r: Reader, scope: Scope, found: Sequence[Package]) -> list[Pile]:
    """Piles by driver, those without one last; in each the stops in order, then by name."""
    seen = {view.id: view for view in for_drivers(r, found)}
    places = _places(r, scope, list(seen.values()))
    names = drivers.names(r, scope.tenant_id, (each.driver_id for each in found if each.driver_id))
    piles: dict[str, list[Pick]] = {}
    for package in found:
        view = seen[package.id]
        pick = Pick(
            package_id=view.id,
            name=view.name,
            rx_number=package.content.rx_number or "",
            taken_from=taken_from(view),
            words=words_of(view),
            priority=PRIORITY_WORDS[view.priority],
            window=window_text(view),
            place=places[view.id],
        )
        piles.setdefault(names.get(view.driver_id or "", ""), []).append(pick)
    ordered = sorted(piles, key=lambda name: (not name, fold(name)))
    return [Pile(name, tuple(sorted(piles[name], key=_order))) for name in ordered]


def _order(pick: Pick) -> tuple[int, str]:
    return pick.place.stop or 0, fold(pick.name)
