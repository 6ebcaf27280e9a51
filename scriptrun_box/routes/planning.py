"""The one who computes plans: takes the oldest that waits, asks the worker, writes what it found.

Plans are rows, so a box that was stopped computes them after its next start.
"""

import asyncio
from dataclasses import asdict
from functools import partial

from scriptrun_box.kernel import clock
from scriptrun_box.kernel.db import Database, Reader, Signal, Writer
from scriptrun_box.kernel.log import log
from scriptrun_box.kernel.scope import Scope
from scriptrun_box.kernel.worker import Worker, WorkFailed

from . import plans, store
from .plan import Plan
from .posing import Posed, pose, told

SOLVE_SECONDS = 8.0  # of thinking
GRACE_SECONDS = 12.0  # to start the worker and to hear its last word
PROGRESS_SECONDS = 1.0  # between two notes of progress
FAILED = {
    "died": "The optimiser stopped by itself; nothing was changed. Try it again.",
    "out_of_time": "The optimiser gave no answer in time; nothing was changed. Try it again.",
    "out_of_memory": "This was too much for the optimiser; try fewer packages at once.",
    "nobody": "None of these drivers drives here any more.",
    "nothing": "There is nothing to plan: no package with a known place waits.",
}
ELSE_FAILED = "The optimiser could not work this out; nothing was changed."


class Planner:
    """Computes plans one after the other while the box runs."""

    def __init__(self, db: Database, url: str) -> None:
        self._db = db
        self._url = url
        self._worker = Worker("scriptrun_box.routes.solver")
        self._running: Plan | None = None
        self._task: asyncio.Task[None] | None = None
        self._notes: set[asyncio.Task[bool]] = set()
        self._noted_at = 0.0
        self._stopped = False

    def heard(self, signals: list[Signal]) -> None:
        """A plan was asked for or dropped: what runs may not be wanted any more."""
        if not any(signal.topic == plans.CHANGED for signal in signals):
            return
        running = self._running
        if running is not None and any(running.id in signal.ids for signal in signals):
            now = self._db.peek(store.plan, _scope(running), running.id)
            if now is None or now.status != "running":
                self._worker.cancel()
        self._go_on()

    async def tick(self) -> None:
        """Look for plans that wait; signals do so at once, this is for what was left behind."""
        self._go_on()

    async def stop(self) -> None:
        """End with the box: the worker too."""
        self._stopped = True
        await self._worker.stop()
        if self._task is not None:
            await self._task

    def _go_on(self) -> None:
        if not self._stopped and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._work_off(), name="plans")

    async def _work_off(self) -> None:
        while not self._stopped:
            waiting = await self._db.read(store.waiting_plans)
            if not waiting:
                return
            try:
                await self._compute(waiting[0])
            except Exception as error:
                log.failure("a plan could not be computed", error)
                await self._db.write(_end, waiting[0], {"status": "failed", "reason": ELSE_FAILED})

    async def _compute(self, waiting: Plan) -> None:
        """One plan to its end; a box that stops leaves it to the next start."""
        plan = self._running = await self._db.write(_begin, waiting)
        if plan is None:
            return
        try:
            posed = await self._db.read(pose, _scope(plan), plan, clock.now_ms())
            why = _senseless(posed)
            if why:
                await self._fail(plan, why)
                return
            job = {**asdict(posed.problem), "url": self._url, "seconds": SOLVE_SECONDS}
            answer = await self._worker.run(
                job, SOLVE_SECONDS + GRACE_SECONDS, partial(self._note, plan)
            )
            done = {"status": "ready", "progress": 100, "result": told(posed, answer)}
            await self._db.write(_end, plan, done)
        except WorkFailed as failure:
            if not self._stopped:
                await self._fail(plan, failure.reason)
        finally:
            self._running = None

    async def _fail(self, plan: Plan, reason: str) -> None:
        """A plan that was cancelled stays so."""
        words = FAILED.get(reason, ELSE_FAILED)
        await self._db.write(_end, plan, {"status": "failed", "reason": words})

    def _note(self, plan: Plan, percent: int) -> None:
        """Write how far it is, not too often."""
        if clock.monotonic() - self._noted_at < PROGRESS_SECONDS:
            return
        self._noted_at = clock.monotonic()
        note = asyncio.create_task(self._db.write(_progress, plan, percent))
        self._notes.add(note)
        note.add_done_callback(self._notes.discard)


def _scope(plan: Plan) -> Scope:
    return Scope(plan.tenant_id, plan.test)


def _senseless(posed: Posed) -> str:
    if not posed.drivers:
        return "nobody"
    return "" if posed.doors else "nothing"


def _progress(w: Writer, plan: Plan, percent: int) -> bool:
    return plans.move(w, plan, progress=percent)


def _begin(w: Writer, waiting: Plan) -> Plan | None:
    """The plan as running; None where somebody cancelled it."""
    if not plans.move(w, waiting, status="running", progress=0):
        return None
    return _again(w, waiting)


def _again(r: Reader, plan: Plan) -> Plan | None:
    return store.plan(r, _scope(plan), plan.id)


def _end(w: Writer, plan: Plan, columns: dict[str, object]) -> None:
    """Its last status, unless it got one from somebody else."""
    now = _again(w, plan)
    if now is not None and now.status in ("queued", "running"):
        plans.move(w, now, **columns)
