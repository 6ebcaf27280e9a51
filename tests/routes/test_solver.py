"""The optimiser's answers: every rule held, whatever the problem; what is left out has a reason."""

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scriptrun_box.routes.distance import estimate
from scriptrun_box.routes.posing import RANKS
from scriptrun_box.routes.problem import Answer, Car, Door, Problem, cost, schedule
from scriptrun_box.routes.solver import polished, solve

START = (25.7743, -80.1937)
HOUR = 3_600


def nothing(percent: int) -> None:
    """Nobody wants to know."""


def doors(seed: int, count: int, **changes: Any) -> tuple[Door, ...]:
    """Doors around the start."""
    dice = random.Random(seed)
    return tuple(
        Door(
            **{
                "point": (START[0] + dice.gauss(0, 0.05), START[1] + dice.gauss(0, 0.05)),
                "size": dice.choice((1, 1, 2)),
                "seconds": 180,
                **changes,
            }
        )
        for _ in range(count)
    )


def answer_to(problem: Problem) -> Answer:
    """An answer that holds the rules nobody may break."""
    answer = solve(problem, nothing)
    brought = [door for route in answer.routes for door in route]
    left = [door for door, _ in answer.left_out]
    assert sorted(brought + left) == list(range(len(problem.doors))), "each once, or left out once"
    for number, (car, route) in enumerate(zip(problem.cars, answer.routes, strict=True)):
        if car.capacity is not None:
            assert sum(problem.doors[door].size for door in route) <= car.capacity
        for door in route:
            drivers = problem.doors[door].drivers
            assert drivers is None or number in drivers
    return answer


def in_time(problem: Problem, answer: Answer) -> bool:
    return all(
        problem.doors[door].by is None or at <= problem.doors[door].by
        for route, arrivals in zip(answer.routes, answer.arrivals, strict=True)
        for door, at in zip(route, arrivals, strict=True)
    )


def test_everything_that_fits_is_brought_and_in_time() -> None:
    late = doors(1, 10, by=3 * HOUR)
    problem = Problem(START, (*late, *doors(2, 20)), (Car(0, 30), Car(HOUR, 30)), seconds=2)
    answer = answer_to(problem)
    assert answer.left_out == []
    assert in_time(problem, answer)


def test_a_promise_nobody_can_keep_leaves_out_that_package_and_says_so() -> None:
    problem = Problem(START, (*doors(3, 5), *doors(4, 1, by=5)), (Car(0),), seconds=1)
    answer = answer_to(problem)
    assert answer.left_out == [(5, "too_late")]
    many = Problem(START, doors(5, 12, by=20 * 60), (Car(0),), seconds=1)
    left = answer_to(many).left_out
    assert left
    assert {why for _, why in left} <= {"no_time", "too_late"}


def test_what_does_not_go_in_is_left_out_routine_first() -> None:
    stat = doors(6, 2, rank=RANKS["stat"], size=1)
    problem = Problem(START, (*doors(7, 6, size=1), *stat), (Car(0, 3),), seconds=1)
    answer = answer_to(problem)
    assert {6, 7} <= set(answer.routes[0])
    assert [why for _, why in answer.left_out] == ["no_room"] * 5


def test_only_who_may_carry_it_brings_it() -> None:
    cold = doors(8, 4, drivers=(1,))
    nobody = doors(9, 1, drivers=())
    problem = Problem(START, (*doors(10, 8), *cold, *nobody), (Car(0), Car(0)), seconds=1)
    answer = answer_to(problem)
    assert set(range(8, 12)) <= set(answer.routes[1])
    assert answer.left_out == [(12, "no_driver_may")]


def test_stat_comes_first() -> None:
    far = doors(11, 2, rank=RANKS["stat"], point=(START[0] + 0.2, START[1]))
    problem = Problem(START, (*doors(12, 10), *far), (Car(0),), seconds=1)
    assert set(answer_to(problem).routes[0][:2]) == {10, 11}


@pytest.mark.parametrize("fixed", [((3, 0),), ((3, -1),), ((3, 0), (4, -1)), ((3, 2), (4, 3))])
def test_a_stop_moved_by_hand_stays_where_it_was_put(fixed: tuple[tuple[int, int], ...]) -> None:
    problem = Problem(START, doors(13, 9), (Car(0, fixed=fixed), Car(0)), seconds=1)
    route = answer_to(problem).routes[0]
    for door, place in fixed:
        assert route[place] == door


def test_a_break_is_taken_and_what_is_promised_still_kept() -> None:
    pause = (HOUR // 2, HOUR, 1_800)
    problem = Problem(START, doors(14, 8, by=4 * HOUR), (Car(0, breaks=(pause,)),), seconds=1)
    answer = answer_to(problem)
    assert in_time(problem, answer)
    without = schedule(problem, Car(0), answer.routes[0], estimate_of(problem))
    assert answer.arrivals[0][-1] == without[0][-1] + 1_800


def test_nobody_drives_much_longer_than_the_others() -> None:
    problem = Problem(START, doors(15, 30), (Car(0), Car(0), Car(0)), seconds=2)
    assert min(len(route) for route in answer_to(problem).routes) >= 5


def estimate_of(problem: Problem) -> list[list[int]]:
    return estimate([problem.start, *(door.point for door in problem.doors)], problem.pace)


@settings(max_examples=12, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    count=st.integers(0, 12),
    cars=st.lists(
        st.builds(
            Car,
            leaves=st.integers(0, HOUR),
            capacity=st.none() | st.integers(0, 10),
            ends_at_start=st.booleans(),
        ),
        min_size=1,
        max_size=3,
    ),
    by=st.none() | st.integers(-HOUR, 2 * HOUR),
)
def test_whatever_is_asked_every_rule_is_held(
    seed: int, count: int, cars: list[Car], by: int | None
) -> None:
    problem = Problem(START, doors(seed, count, by=by), tuple(cars), seconds=0.3)
    assert in_time(problem, answer_to(problem))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 9))
def test_polishing_never_makes_an_order_worse_or_moves_what_is_fixed(seed: int, count: int) -> None:
    car = Car(0, fixed=((1, 1),))
    problem = Problem(START, doors(seed, count), (car,))
    seconds = estimate_of(problem)
    before = list(range(count))
    after = polished(problem, car, before, seconds, float("inf"))
    assert sorted(after) == before
    assert after[1] == 1
    assert cost(problem, car, after, seconds) <= cost(problem, car, before, seconds)
