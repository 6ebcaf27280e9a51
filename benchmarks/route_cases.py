"""Five days of five drivers and 150 stops, and the same days given to other solvers.

The days are made in the way of Solomon and of Gehring and Homberger: doors uniform (R), in clusters
(C) or both (RC); demands against a tight capacity; promised times around the moments at which some
feasible tour would come by, narrow (1) or wide (2). All of them are made by a seed, so that they
are the same everywhere.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from math import atan2
from typing import Any

from scriptrun_box.routes.distance import Matrix, estimate
from scriptrun_box.routes.problem import Car, Door, Problem
from scriptrun_box.routes.times import DOOR_SECONDS

SHOP = (25.7743, -80.1937)
DRIVERS, STOPS = 5, 150
SPREAD = 0.09  # degrees: some ten kilometres to each side
CLUSTERS, CLUSTER_SPREAD = 9, 0.008
ROOM = 1.12  # capacity over an even share of the packages
LEFT_OUT = 1_000_000  # what leaving out a stop costs OR-Tools
NARROW_SECONDS, WIDE_SECONDS = 1_800, 7_200  # half of a window
KINDS = (("R1", 0.0, True), ("R2", 0.0, False), ("C1", 1.0, True), ("RC1", 0.5, True),
         ("RC2", 0.5, False))  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A day: the problem as the box poses it, and seconds between all places."""

    name: str
    problem: Problem
    seconds: Matrix

    def cost(self, routes: list[list[int]]) -> int:
        """Seconds of driving; raises where a rule is broken or a stop is missing."""
        total, brought = 0, []
        for car, route in zip(self.problem.cars, routes, strict=True):
            at, here, load = 0, 0, 0
            for number in route:
                door = self.problem.doors[number]
                way, here, load = self.seconds[here][number + 1], number + 1, load + door.size
                total, at = total + way, max(at + way, door.after or 0)
                if door.by is not None and at > door.by:
                    raise ValueError(f"{self.name}: a stop is late")
                at += door.seconds
                brought.append(number)
            total += self.seconds[here][0]
            if car.capacity is not None and load > car.capacity:
                raise ValueError(f"{self.name}: a vehicle is too full")
        if sorted(brought) != list(range(len(self.problem.doors))):
            raise ValueError(f"{self.name}: stops are missing")
        return total


def cases() -> list[Case]:
    """The five days."""
    return [_case(number, *kind) for number, kind in enumerate(KINDS)]


def _case(seed: int, name: str, clustered: float, narrow: bool) -> Case:
    dice = random.Random(f"routes {seed}")
    middles = [_near(dice, SHOP, SPREAD) for _ in range(CLUSTERS)]
    points = [
        _near(dice, dice.choice(middles), CLUSTER_SPREAD)
        if dice.random() < clustered
        else (SHOP[0] + dice.uniform(-SPREAD, SPREAD), SHOP[1] + dice.uniform(-SPREAD, SPREAD))
        for _ in range(STOPS)
    ]
    sizes = [dice.randint(1, 5) for _ in points]
    seconds = estimate([SHOP, *points], 1.0)
    half = NARROW_SECONDS if narrow else WIDE_SECONDS
    comes = _some_tour(points, sizes, seconds)
    doors = tuple(
        Door(
            point=point,
            size=size,
            seconds=DOOR_SECONDS,
            after=max(0, comes[number] - half),
            by=comes[number] + half,
        )
        for number, (point, size) in enumerate(zip(points, sizes, strict=True))
    )
    capacity = _capacity(sizes)
    problem = Problem(SHOP, doors, (Car(0, capacity),) * DRIVERS, balance=False)
    return Case(name, problem, seconds)


def _near(dice: random.Random, place: tuple[float, float], spread: float) -> tuple[float, float]:
    return dice.gauss(place[0], spread), dice.gauss(place[1], spread)


def _capacity(sizes: list[int]) -> int:
    return int(sum(sizes) / DRIVERS * ROOM) + 1


def _some_tour(
    points: list[tuple[float, float]], sizes: list[int], seconds: Matrix
) -> dict[int, int]:
    """When five drivers would be at each door who share them by direction, nearest first."""
    around = sorted(
        range(len(points)), key=lambda n: atan2(points[n][0] - SHOP[0], points[n][1] - SHOP[1])
    )
    share, found = sum(sizes) / DRIVERS, {}
    groups: list[list[int]] = [[] for _ in range(DRIVERS)]
    passed = 0
    for number in around:
        groups[min(DRIVERS - 1, int(passed / share))].append(number)
        passed += sizes[number]
    for group in groups:
        at, here, left = 0, 0, set(group)
        while left:
            near = min(left, key=lambda n: (seconds[here][n + 1], n))
            left.remove(near)
            at += seconds[here][near + 1]
            found[near] = at
            at, here = at + DOOR_SECONDS, near + 1
    return found


# The same days for others -------------------------------------------------------------------------


def pyvrp_directly(case: Case, limit: float) -> list[list[int]]:
    """PyVRP as its manual shows it, for that many seconds."""
    from pyvrp import Model
    from pyvrp.stop import MaxRuntime

    model = Model()
    places = [model.add_location(0, 0) for _ in range(STOPS + 1)]
    depot = model.add_depot(places[0])
    for number, door in enumerate(case.problem.doors, 1):
        model.add_client(
            places[number],
            delivery=door.size,
            service_duration=door.seconds,
            tw_early=door.after or 0,
            tw_late=door.by or 0,
        )
    capacity = case.problem.cars[0].capacity or 0
    model.add_vehicle_type(DRIVERS, capacity, depot, depot)
    for a, row in enumerate(case.seconds):
        for b, way in enumerate(row):
            model.add_edge(places[a], places[b], distance=way, duration=way)
    best = model.solve(MaxRuntime(limit), display=False).best
    found = [[each.idx for each in route.schedule() if each.is_client()] for route in best.routes()]
    return found + [[] for _ in range(DRIVERS - len(found))]


def ortools(case: Case, limit: float) -> list[list[int]]:
    """OR-Tools' routing with guided local search, for that many seconds."""
    from ortools.constraint_solver import pywrapcp
    from ortools.constraint_solver.routing_enums_pb2 import (
        FirstSolutionStrategy,
        LocalSearchMetaheuristic,
    )

    doors, seconds = case.problem.doors, case.seconds
    manager = pywrapcp.RoutingIndexManager(STOPS + 1, DRIVERS, 0)
    routing = pywrapcp.RoutingModel(manager)

    def way(a: int, b: int) -> int:
        return seconds[manager.IndexToNode(a)][manager.IndexToNode(b)]

    def spent(a: int, b: int) -> int:
        node = manager.IndexToNode(a)
        return way(a, b) + (doors[node - 1].seconds if node else 0)

    def size(a: int) -> int:
        node = manager.IndexToNode(a)
        return doors[node - 1].size if node else 0

    routing.SetArcCostEvaluatorOfAllVehicles(routing.RegisterTransitCallback(way))
    day = 48 * 3_600
    routing.AddDimension(routing.RegisterTransitCallback(spent), day, day, True, "time")
    capacities = [case.problem.cars[0].capacity] * DRIVERS
    loads = routing.RegisterUnaryTransitCallback(size)
    routing.AddDimensionWithVehicleCapacity(loads, 0, capacities, True, "load")
    clock = routing.GetDimensionOrDie("time")
    for number, door in enumerate(doors, 1):
        index = manager.NodeToIndex(number)
        clock.CumulVar(index).SetRange(door.after or 0, door.by or day)
        routing.AddDisjunction([index], LEFT_OUT)  # it finds no first answer otherwise
    how = pywrapcp.DefaultRoutingSearchParameters()
    how.first_solution_strategy = FirstSolutionStrategy.PATH_CHEAPEST_ARC
    how.local_search_metaheuristic = LocalSearchMetaheuristic.GUIDED_LOCAL_SEARCH
    how.time_limit.FromMilliseconds(int(limit * 1_000))
    answer = routing.SolveWithParameters(how)
    found: list[list[int]] = []
    for vehicle in range(DRIVERS):
        found.append([])
        at = routing.Start(vehicle)
        while answer is not None and not routing.IsEnd(at):
            at = answer.Value(routing.NextVar(at))
            if not routing.IsEnd(at):
                found[-1].append(manager.IndexToNode(at) - 1)
    return found


def vroom(case: Case, limit: float) -> list[list[int]]:
    """VROOM at its most thorough, with the same limit."""
    import numpy
    from vroom import Input, Job, TimeWindow, Vehicle

    asked: Any = Input()
    asked.set_durations_matrix("car", numpy.array(case.seconds, dtype=numpy.uint32))
    capacity = case.problem.cars[0].capacity
    asked.add_vehicle([Vehicle(n, start=0, end=0, capacity=[capacity]) for n in range(DRIVERS)])
    asked.add_job(
        [
            Job(
                number,
                location=number + 1,
                default_service=door.seconds,
                delivery=[door.size],
                time_windows=[TimeWindow(door.after or 0, door.by or 0)],
            )
            for number, door in enumerate(case.problem.doors)
        ]
    )
    answer = asked.solve(5, nb_threads=1, timeout=timedelta(seconds=limit))
    found: list[list[int]] = [[] for _ in range(DRIVERS)]
    for _, step in answer.routes.iterrows():
        if step["type"] == "job":
            found[int(step["vehicle_id"])].append(int(step["id"]))
    return found


OTHERS: dict[str, Callable[[Case, float], list[list[int]]]] = {
    "OR-Tools": ortools,
    "VROOM": vroom,
}
