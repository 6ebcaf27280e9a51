"""The optimiser, as the worker process runs it: PyVRP finds the routes, this asks and judges.

Promised times are hard: what cannot be reached in time is left out, and why is said. Stat stops
come first on their route. Between stops that somebody fixed at its beginning or end a route is
found; other fixed stops and breaks are worked in afterwards, and the stops around them tried in
other orders.
"""

import warnings
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from scriptrun_box.kernel import clock
from scriptrun_box.kernel.worker import Progress, serve

from .distance import Matrix, seconds_between
from .problem import OUT_OF_TURN, Answer, Car, Door, Problem, cost, problem_of, schedule

PRIZE = 30_000  # seconds of driving that a package is worth; urgent ones twice, stat thrice
PENALTY_MAX = 1_000_000.0  # of a package too many, or a second too late: more than any prize
FORBIDDEN = 1_000_000_000  # for a door this driver may not bring: more than any prize
STALLED_ROUNDS = 4_000  # without a better answer: it will hardly come
PROOF_SHARE = 0.3  # of the time to find any answer that leaves nothing out
POLISH_SHARE = 0.15  # of the time for what is worked in afterwards
PROGRESS_SECONDS = 0.3
OVERTIME_SHARE = 1.2  # of a fair share of the work, before more of it counts double
NO_LIMIT = 1 << 40


def run(job: dict[str, Any], on_progress: Progress) -> dict[str, Any]:
    """A problem as JSON to an answer as JSON."""
    return asdict(solve(problem_of(job), on_progress))


def solve(problem: Problem, on_progress: Progress) -> Answer:
    """The best answer found in the time there is."""
    began = clock.monotonic()
    points = [problem.start, *(door.point for door in problem.doors)]
    seconds, source = seconds_between(points, problem.pace, problem.url)
    fixed = {door for car in problem.cars for door, _ in car.fixed}
    hopeless = {
        number: why
        for number, door in enumerate(problem.doors)
        if number not in fixed and (why := _why_never(problem, door, number, seconds))
    }
    free = [n for n in range(len(problem.doors)) if n not in fixed and n not in hopeless]
    budget = problem.seconds - (clock.monotonic() - began)
    bent = any(car.breaks or car.fixed for car in problem.cars)
    if bent:
        budget *= 1 - POLISH_SHARE
    routes = (
        _vrp(problem, free, seconds, budget, on_progress) if free else [[] for _ in problem.cars]
    )
    brought = {number for route in routes for number in route}
    left = [(n, _why_not(problem, n)) for n in free if n not in brought]
    for number, car in enumerate(problem.cars):
        routes[number] = with_fixed(routes[number], car)
        if car.fixed or car.breaks:
            until = began + problem.seconds
            routes[number] = polished(problem, car, routes[number], seconds, until)
    planned = [
        schedule(problem, car, order, seconds)
        for car, order in zip(problem.cars, routes, strict=True)
    ]
    return Answer(
        routes=routes,
        arrivals=[arrivals for arrivals, _, _ in planned],
        left_out=[*hopeless.items(), *left],
        driving=sum(driven for _, driven, _ in planned),
        source=source,
    )


def with_fixed(route: Sequence[int], car: Car) -> list[int]:
    """A route with the doors that somebody put at a place at that place."""
    found = list(route)
    for door, place in sorted(car.fixed, key=_place):
        if place >= 0:
            found.insert(place, door)
    return [*found, *(door for door, place in sorted(car.fixed, key=_place) if place < 0)]


def _place(pair: tuple[int, int]) -> int:
    return pair[1]


def polished(
    problem: Problem, car: Car, route: list[int], seconds: Matrix, until: float
) -> list[int]:
    """The same doors in a better order, as far as one is found: pieces moved and turned around.

    Fixed doors keep their place.
    """
    still = {door for door, _ in car.fixed}
    places = [n for n, door in enumerate(route) if door not in still]
    best, least = list(route), cost(problem, car, route, seconds)
    better = True
    while better:
        better = False
        for first in range(len(places)):
            for last in range(first + 1, len(places)):
                if clock.monotonic() > until:
                    return best
                for moved in _moves([best[n] for n in places], first, last):
                    tried = list(best)
                    for place, door in zip(places, moved, strict=True):
                        tried[place] = door
                    weight = cost(problem, car, tried, seconds)
                    if weight < least:
                        best, least, better = tried, weight, True
    return best


def _moves(doors: list[int], first: int, last: int) -> list[list[int]]:
    """Turn a piece around; take its first door to its end; take its last to its beginning."""
    before, piece, behind = doors[:first], doors[first : last + 1], doors[last + 1 :]
    return [
        before + piece[::-1] + behind,
        before + piece[1:] + piece[:1] + behind,
        before + piece[-1:] + piece[:-1] + behind,
    ]


def _vrp(
    problem: Problem, free: list[int], seconds: Matrix, budget: float, on_progress: Progress
) -> list[list[int]]:
    """The routes PyVRP finds: first with everything brought, else with as much as can be."""
    began = clock.monotonic()
    whole = _ask(problem, free, seconds, True, budget, PROOF_SHARE, on_progress)
    if whole is not None:
        return whole
    rest = budget - (clock.monotonic() - began)
    part = _ask(problem, free, seconds, False, rest, 1.0, on_progress)
    return part if part is not None else [[] for _ in problem.cars]


class _Until:
    """When the search stops: time is up, nothing better came for long, or nothing came at all."""

    def __init__(self, seconds: float, hope: float, on_progress: Progress) -> None:
        self._began = self._told = clock.monotonic()
        self._seconds, self._hope = seconds, seconds * hope
        self._on_progress = on_progress
        self._best, self._stalled = float("inf"), 0

    def __call__(self, best_cost: float) -> bool:
        now = clock.monotonic()
        spent = now - self._began
        if now - self._told > PROGRESS_SECONDS:
            self._told = now
            self._on_progress(min(99, int(100 * spent / self._seconds)))
        self._stalled = 0 if best_cost < self._best else self._stalled + 1
        self._best = min(self._best, best_cost)
        found = self._best < FORBIDDEN
        return (
            spent > self._seconds
            or (not found and spent > self._hope)
            or (found and self._stalled > STALLED_ROUNDS)
        )


def _ask(
    problem: Problem,
    free: list[int],
    seconds: Matrix,
    required: bool,
    budget: float,
    hope: float,
    on_progress: Progress,
) -> list[list[int]] | None:
    """One search; None where it found no answer that holds every rule."""
    from pyvrp import PenaltyParams, SolveParams
    from pyvrp import solve as search

    data = _data(problem, free, seconds, required)
    params = SolveParams(penalty=PenaltyParams(max_penalty=PENALTY_MAX))
    until = _Until(max(budget, 0.1), hope, on_progress)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it is hard shows in the answer
        result = search(data, until, seed=1, collect_stats=False, display=False, params=params)
    if not result.is_feasible() or (required and result.cost() >= FORBIDDEN):
        return None
    routes: list[list[int]] = [[] for _ in problem.cars]
    for route in result.best.routes():
        car = route.vehicle_type()
        doors = [free[each.idx] for each in route.schedule() if each.is_client()]
        routes[car] = [n for n in doors if _may(problem.doors[n], car)]
    return routes


def _data(problem: Problem, free: list[int], seconds: Matrix, required: bool) -> Any:
    """The problem as PyVRP wants it.

    Places are the start, the free doors, wherever a car ends that does not come back, and the doors
    that somebody fixed at the beginning or end of a route: there it begins or ends for the search.
    """
    import numpy
    from pyvrp import Depot, Location, ProblemData

    ends = sorted({n for car in problem.cars for n in (*car.first[-1:], *car.last[:1])})
    places = [0, *(n + 1 for n in (*free, *ends))]
    size, doors = len(places) + 1, slice(1, len(free) + 1)
    times = numpy.zeros((size, size), dtype=numpy.int64)
    times[:-1, :-1] = numpy.array(seconds, dtype=numpy.int64)[numpy.ix_(places, places)]
    ways = times.copy()
    stat = numpy.array([problem.doors[n].stat for n in free], dtype=bool)
    ways[doors, doors] += OUT_OF_TURN * (~stat[:, None] & stat[None, :])
    numpy.fill_diagonal(ways, 0)
    profiles, of_car = _profiles(problem, free, ways)
    depot_of = {n: place for place, n in enumerate(ends, 2)}
    share = _fair_share(problem, free, times[doors, doors])
    matrices: Any = [times] * len(profiles)
    return ProblemData(
        locations=[Location(0, 0) for _ in range(size)],
        clients=[_client(place, problem.doors[n], required) for place, n in enumerate(free, 1)],
        depots=[Depot(0), Depot(size - 1), *(Depot(places.index(n + 1)) for n in ends)],
        vehicle_types=[
            _vehicle(problem, car, seconds, depot_of, share, of_car[number])
            for number, car in enumerate(problem.cars)
        ],
        distance_matrices=profiles,
        duration_matrices=matrices,
    )


def _profiles(problem: Problem, free: list[int], ways: Any) -> tuple[list[Any], list[int]]:
    """(ways of all kinds, which kind each car has): doors a car may not bring cost too much."""
    profiles, of_car = [ways], []
    for car in range(len(problem.cars)):
        banned = [place for place, n in enumerate(free, 1) if not _may(problem.doors[n], car)]
        of_car.append(len(profiles) if banned else 0)
        if banned:
            own = ways.copy()
            own[:, banned] += FORBIDDEN
            for place in banned:
                own[place, place] = 0
            profiles.append(own)
    return profiles, of_car


def _vehicle(
    problem: Problem,
    car: Car,
    seconds: Matrix,
    depot_of: dict[int, int],
    share: int,
    profile: int,
) -> Any:
    from pyvrp import VehicleType

    first, last = car.first, car.last
    leaves = car.leaves
    if first:
        arrivals, _, _ = schedule(problem, car, first, seconds)
        leaves = arrivals[-1] + problem.doors[first[-1]].seconds
    end = 0 if car.ends_at_start else 1
    return VehicleType(
        1,
        capacity=[_room(problem, car)],
        start_depot=depot_of[first[-1]] if first else 0,
        end_depot=depot_of[last[0]] if last else end,
        tw_early=leaves,
        start_late=leaves,
        shift_duration=share,
        max_overtime=NO_LIMIT if problem.balance else 0,
        unit_overtime_cost=1 if problem.balance else 0,
        profile=profile,
    )


def _client(location: int, door: Door, required: bool) -> Any:
    from pyvrp import Client

    return Client(
        location,
        delivery=[door.size],
        service_duration=door.seconds,
        tw_early=door.after or 0,
        tw_late=NO_LIMIT if door.by is None else door.by,
        prize=0 if required else PRIZE * (1 + door.rank) * door.size,
        required=required,
    )


def _room(problem: Problem, car: Car) -> int:
    if car.capacity is None:
        return NO_LIMIT
    return max(0, car.capacity - sum(problem.doors[door].size for door, _ in car.fixed))


def _fair_share(problem: Problem, free: list[int], times: Any) -> int:
    """Seconds of work for each driver, roughly: at the doors, and from each to a near one."""
    if not problem.balance or len(free) < 2:
        return NO_LIMIT
    near = sum(sorted(row)[1] for row in times.tolist())
    work = near + sum(problem.doors[n].seconds for n in free)
    return max(1, int(OVERTIME_SHARE * work / len(problem.cars)))


def _may(door: Door, car: int) -> bool:
    return door.drivers is None or car in door.drivers


def _why_never(problem: Problem, door: Door, number: int, seconds: Matrix) -> str:
    """Why nobody can bring it, even alone; empty where somebody can."""
    able = [car for n, car in enumerate(problem.cars) if _may(door, n)]
    if not able:
        return "no_driver_may"
    if all(_room(problem, car) < door.size for car in able):
        return "no_room"
    soonest = min(car.leaves for car in able) + seconds[0][number + 1]
    return "too_late" if door.by is not None and soonest > door.by else ""


def _why_not(problem: Problem, number: int) -> str:
    """Why the search left it out."""
    wanted = sum(door.size for door in problem.doors)
    room = sum(NO_LIMIT if car.capacity is None else car.capacity for car in problem.cars)
    return "no_room" if wanted > room else "no_time"


if __name__ == "__main__":
    serve(run)
