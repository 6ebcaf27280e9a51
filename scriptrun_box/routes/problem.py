"""What the optimiser is asked and how an order of stops is judged; without any names in it.

Times are seconds from the moment the first driver may leave.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from .times import Point

LATE_COST = 100  # a second too late weighs as much as driving this many
OUT_OF_TURN = 7_200  # going to a stat stop from one that is not weighs two hours of driving


@dataclass(frozen=True, slots=True)
class Door:
    """A stop to be planned."""

    point: Point
    size: int  # packages
    seconds: int  # at the door
    after: int | None = None
    by: int | None = None
    rank: int = 0  # 2 stat, 1 urgent, 0 routine
    drivers: tuple[int, ...] | None = None  # who may bring it; None is everybody

    @property
    def stat(self) -> bool:
        return self.rank == 2


@dataclass(frozen=True, slots=True)
class Car:
    """A driver's day."""

    leaves: int
    capacity: int | None = None
    ends_at_start: bool = True
    breaks: tuple[tuple[int, int, int], ...] = ()  # from, until, how long
    # (door, its place in the route: 0, 1, … from the first, -1, -2, … from the last)
    fixed: tuple[tuple[int, int], ...] = ()

    @property
    def first(self) -> list[int]:
        """The fixed doors that begin the route, without a gap."""
        return self._run(0, 1)

    @property
    def last(self) -> list[int]:
        """The fixed doors that end it, without a gap, in their order."""
        return self._run(-1, -1)[::-1]

    def _run(self, place: int, step: int) -> list[int]:
        at, found = {where: door for door, where in self.fixed}, []
        while place in at:
            found.append(at[place])
            place += step
        return found


@dataclass(frozen=True, slots=True)
class Problem:
    """Doors, cars, and where they start."""

    start: Point
    doors: tuple[Door, ...]
    cars: tuple[Car, ...]
    pace: float = 1.0
    url: str = ""  # of a road server
    seconds: float = 8.0  # to think
    balance: bool = True  # nobody drives much longer than the others


@dataclass(slots=True)
class Answer:
    """The doors of each car in order, when it is there, and what was left out and why."""

    routes: list[list[int]] = field(default_factory=list)
    arrivals: list[list[int]] = field(default_factory=list)
    left_out: list[tuple[int, str]] = field(default_factory=list)
    driving: int = 0  # seconds, all cars
    source: str = "estimate"


def schedule(
    problem: Problem, car: Car, order: Sequence[int], seconds: Sequence[Sequence[int]]
) -> tuple[list[int], int, int]:
    """(when the car is at each door, seconds driven, seconds too late) for this order."""
    at, here, driven, late = car.leaves, 0, 0, 0
    pauses, found = sorted(car.breaks), []
    for number in order:
        door = problem.doors[number]
        way = seconds[here][number + 1]
        at, driven, here = at + way, driven + way, number + 1
        while pauses and at >= pauses[0][0]:
            at += pauses.pop(0)[2]
        at = max(at, door.after or at)
        if door.by is not None:
            late += max(0, at - door.by)
        found.append(at)
        at += door.seconds
    if car.ends_at_start:
        driven += seconds[here][0]
    return found, driven, late


def cost(problem: Problem, car: Car, order: Sequence[int], seconds: Sequence[Sequence[int]]) -> int:
    """What an order weighs: driving, lateness, and stat stops behind others."""
    _, driven, late = schedule(problem, car, order, seconds)
    turns = sum(problem.doors[b].stat and not problem.doors[a].stat for a, b in pairwise(order))
    return driven + late * LATE_COST + turns * OUT_OF_TURN


def problem_of(told: dict[str, Any]) -> Problem:
    """A problem as JSON brought it."""
    doors = tuple(
        Door(
            **{
                **each,
                "point": tuple(each["point"]),
                "drivers": None if each["drivers"] is None else tuple(each["drivers"]),
            }
        )
        for each in told["doors"]
    )
    cars = tuple(
        Car(
            **{
                **each,
                "breaks": tuple(tuple(pause) for pause in each["breaks"]),
                "fixed": tuple(tuple(pair) for pair in each["fixed"]),
            }
        )
        for each in told["cars"]
    )
    return Problem(**{**told, "start": tuple(told["start"]), "doors": doors, "cars": cars})
