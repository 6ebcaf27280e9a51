"""What label printers were sent: each job with how far it is, and what can be done about it."""

from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from scriptrun_box.accounts.names import actor_name
from scriptrun_box.kernel.clock import iso, iso_or_none
from scriptrun_box.kernel.db import Reader
from scriptrun_box.kernel.errors import Conflict
from scriptrun_box.kernel.http import Call
from scriptrun_box.kernel.scope import Scope
from scriptrun_box.paper import actions, store
from scriptrun_box.paper.model import REASON_WORDS, Job
from scriptrun_box.ui import pages
from scriptrun_box.ui.settings.tables import csv_answer

PATH = "/print-jobs"
SHOWN = 100
EXPORTED_MAX = 10_000
DONE = {
    "queued": "On its way to the printer.",
    "retried": "The rest is on its way to the printer.",
    "cancelled": "Stopped. What the printer has already, it prints.",
}
STATE_WORDS = {
    "queued": ("Waiting", ""),
    "sending": ("Sending", "info"),
    "done": ("Sent", "ok"),
    "failed": ("Failed", "bad"),
    "cancelled": ("Stopped", ""),
}
COLUMNS = (
    "id", "printer", "kind", "state", "labels", "sent", "reason", "attempts", "created_at",
    "finished_at", "created_by",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """A job as the list shows it."""

    job: Job
    printer: str
    by: str
    word: str
    tone: str
    reason: str


async def jobs(call: Call) -> Response:
    """GET /print-jobs."""
    return await _page(call, notice=pages.done(call, DONE))


async def live_jobs(call: Call) -> Response:
    """GET /live/print-jobs: the changing part of the same list."""
    return await pages.render(call, "paper/jobs_live.html", **await _list(call))


async def export(call: Call) -> Response:
    """GET /print-jobs.csv."""
    lines = await call.box.db.read(_lines, call.whose, EXPORTED_MAX, "")
    return csv_answer("print-jobs.csv", COLUMNS, (_cells(line) for line in lines))


async def retry(call: Call) -> Response:
    """POST /print-jobs/{id}/retry: what is left of it."""
    return await _do(call, actions.retry, "retried")


async def again(call: Call) -> Response:
    """POST /print-jobs/{id}/again: all of it, as a new job."""
    return await _do(call, actions.again, "queued")


async def cancel(call: Call) -> Response:
    """POST /print-jobs/{id}/cancel."""
    return await _do(call, actions.cancel, "cancelled")


async def _do(call: Call, act: Any, word: str) -> Response:
    call.box.disk.check()
    job_id: str = call.path_params["id"]
    try:
        await call.box.db.write(act, call.whose, call.caller.actor, job_id)
    except Conflict as refusal:
        return await _page(call, refusal.status, problem=refusal.sentence)
    return pages.redirect(f"{PATH}?done={word}")


async def _page(call: Call, status: int = 200, *, problem: str = "", notice: str = "") -> Response:
    return await pages.render(
        call,
        "paper/jobs.html",
        status,
        **await _list(call),
        printers=await call.box.db.read(store.printers, call.whose.tenant_id),
        problem=problem,
        notice=notice,
    )


async def _list(call: Call) -> dict[str, Any]:
    query = call.query_params.get("q", "").strip()
    return {"lines": await call.box.db.read(_lines, call.whose, SHOWN, query), "query": query}


def _lines(r: Reader, scope: Scope, limit: int, query: str) -> list[Line]:
    names, people = store.printer_names(r, scope.tenant_id), {}
    lines = []
    for job in store.jobs(r, scope, limit):
        if job.created_by not in people:
            people[job.created_by] = actor_name(r, scope.tenant_id, job.created_by)
        word, tone = STATE_WORDS[job.state]
        reason = REASON_WORDS[job.reason] if job.reason else ""
        line = Line(job, names[job.printer_id], people[job.created_by], word, tone, reason)
        if query.casefold() in f"{line.printer} {line.by} {word} {reason}".casefold():
            lines.append(line)
    return lines


def _cells(line: Line) -> list[object]:
    job = line.job
    return [
        job.id,
        line.printer,
        job.kind,
        job.state,
        job.labels,
        job.sent,
        line.reason,
        job.attempts,
        iso(job.created_at),
        iso_or_none(job.finished_at),
        line.by,
    ]
