"""Route plans: what they cost against other solvers, and what the orders feel while one is made."""

import asyncio
import json
import random
import statistics
import time
import urllib.request
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from benchmarks.ours import Box
from benchmarks.plan import SINGLE_CONNECTIONS, Plan
from benchmarks.report import Figure, Outcome, spread
from benchmarks.route_cases import DRIVERS, OTHERS, SHOP, STOPS, Case, cases, pyvrp_directly
from scriptrun_box.kernel import db
from scriptrun_box.kernel.db import Writer
from scriptrun_box.kernel.worker import Worker
from scriptrun_box.packages import store as packages
from scriptrun_box.packages.model import Location
from scriptrun_box.routes.planning import SOLVE_SECONDS

DIRECT_SECONDS = 60.0
GIVE_UP_SECONDS = 60.0


def measure(folder: Path, plan: Plan) -> Outcome:
    """Five days for each solver, then single orders beside a plan."""
    days = cases()
    ours = [_ours(case) for case in days]
    direct = [case.cost(pyvrp_directly(case, DIRECT_SECONDS)) for case in days]
    figures = [_figure(f"PyVRP directly, {DIRECT_SECONDS:.0f} s", ours, direct, 1.02, 1.01)]
    details = [_detail("plans", days, [cost for cost, _ in ours])]
    details.append(_detail("PyVRP directly", days, direct))
    for name, solve in OTHERS.items():
        costs = [_cost(case, solve(case, SOLVE_SECONDS)) for case in days]
        figures.append(_figure(name, ours, costs, 1.01, 0.98))
        details.append(_detail(name, days, costs))
    took = max(seconds for _, seconds in ours)
    figures.append(Figure("slowest of the five plans", took, 10, 5, " s", digits=1))
    beside = _beside(folder, plan)
    ratio = statistics.median(during / alone for alone, during in beside)
    figures.append(Figure("orders' p99 while a plan is made ÷ without", ratio, 2, 1.3, digits=2))
    details.append(("p99 of orders, ms, alone", spread([alone for alone, _ in beside], "{:.1f}")))
    details.append(("p99 of orders, ms, beside a plan", spread([d for _, d in beside], "{:.1f}")))
    return Outcome(figures, details)


def _ours(case: Case) -> tuple[int, float]:
    """(seconds driven, seconds taken) by the worker as the box uses it, its start included."""

    async def run() -> dict[str, Any]:
        worker = Worker("scriptrun_box.routes.solver")
        try:
            job = asdict(replace(case.problem, seconds=SOLVE_SECONDS))
            return await worker.run(job, GIVE_UP_SECONDS, lambda percent: None)
        finally:
            await worker.stop()

    began = time.monotonic()
    answer = asyncio.run(run())
    return case.cost(answer["routes"]), time.monotonic() - began


def _cost(case: Case, routes: list[list[int]]) -> int | None:
    """None where the solver brought not everything in time."""
    try:
        return case.cost(routes)
    except ValueError:
        return None


def _figure(
    name: str,
    ours: list[tuple[int, float]],
    theirs: list[int | None] | list[int],
    must: float,
    aim: float,
) -> Figure:
    """The worst day decides; a day that they could not do is not counted."""
    ratios = [mine / cost for (mine, _), cost in zip(ours, theirs, strict=True) if cost]
    title = f"plan ÷ {name}, worst of {len(ratios)} days"
    if not ratios:
        return Figure(title, None, must, aim, note="it brought not everything in time on any day")
    return Figure(title, max(ratios), must, aim, digits=3)


def _detail(name: str, days: list[Case], costs: list[int] | list[int | None]) -> tuple[str, str]:
    said = (
        f"{case.name} {'–' if cost is None else format(cost, ',')}"
        for case, cost in zip(days, costs, strict=True)
    )
    return f"{name}: seconds driven", ", ".join(said)


def _beside(folder: Path, plan: Plan) -> list[tuple[float, float]]:
    """Rounds of (p99 alone, p99 while a plan is computed), of single orders."""
    box = Box(folder / "routes")
    found = []
    with box.serving():
        who, on_it = _a_day(box)
        box.load(1, SINGLE_CONNECTIONS, plan.warm_up_seconds)
        for _ in range(plan.rounds):
            alone = box.load(1, SINGLE_CONNECTIONS, plan.load_seconds).p99_ms
            wish = {"driver_ids": who, "package_ids": on_it}
            asked = _call(box, "/api/routes/optimize", wish)
            during = box.load(1, SINGLE_CONNECTIONS, plan.load_seconds).p99_ms
            _wait(box, asked["id"])
            found.append((alone, during))
    return found


def _a_day(box: Box) -> tuple[list[str], list[str]]:
    """(drivers, packages with places) of one day."""
    who = [_call(box, "/api/drivers", {"name": f"Driver {n}"})["id"] for n in range(DRIVERS)]
    on_it: list[str] = []
    for first in range(0, STOPS, 50):
        orders = [
            {"patient_name": f"Person {n}", "patient_address": f"{n} Ocean Dr, Miami, FL 33139"}
            for n in range(first + 1, first + 51)
        ]
        on_it += _call(box, "/api/webhook/orders", {"orders": orders})["package_ids"]
    box.acknowledged += STOPS
    db.run_once(box.file, None, _place, on_it)
    return who, on_it


def _place(w: Writer, package_ids: list[str]) -> None:
    dice = random.Random("places")
    for package_id in package_ids:
        there = Location(dice.gauss(SHOP[0], 0.05), dice.gauss(SHOP[1], 0.05), "pin", "exact")
        packages.set_location(w, package_id, package_id, there)


def _wait(box: Box, plan_id: str) -> None:
    until = time.monotonic() + GIVE_UP_SECONDS
    while time.monotonic() < until:
        plan = _call(box, f"/api/plans/{plan_id}")
        if plan["status"] == "ready":
            return
        if plan["status"] not in ("queued", "running"):
            break
        time.sleep(1)
    raise RuntimeError("a plan was not computed")


def _call(box: Box, path: str, body: Any = None) -> Any:
    headers = {"X-API-Key": box.key, "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{box.port}{path}", data, headers)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)
