"""What can be done with printers and with what they are sent; each job is a row that moves on."""

from collections.abc import Sequence
from typing import Any

from scriptrun_box.kernel import audit, ids
from scriptrun_box.kernel.addresses import REFUSED_PORTS
from scriptrun_box.kernel.clock import MINUTE_MS
from scriptrun_box.kernel.db import Reader, Signal, Writer
from scriptrun_box.kernel.errors import Conflict, Invalid, NotFound
from scriptrun_box.kernel.scope import BOX, Actor, Scope

from . import gather, store
from .model import Job, Printer
from .zpl import DPIS

CHANGED = "print_jobs"  # signalled at each change: for screens
QUEUED = "print_jobs_queued"  # signalled when there is something to send
WAITS_MS = 15 * MINUTE_MS  # a job that nobody could send for so long is not printed by surprise
PRINTERS_MAX = 20  # for each tenant
NAME_MAX = 60  # characters
RAW_PORT = 9100
LOWEST_PORT, HIGHEST_PORT = 1024, 65_535  # below listen other kinds of servers
RETRIABLE = ("failed", "cancelled")

# Printers -----------------------------------------------------------------------------------------


def add_printer(
    w: Writer, tenant_id: str, actor: Actor, *, name: str, host: str, port: int, dpi: int
) -> Printer:
    """Add a printer whose address was vetted."""
    if len(store.printers(w, tenant_id)) >= PRINTERS_MAX:
        raise Conflict(f"There are {PRINTERS_MAX} printers already.", code="too_many_printers")
    made = _printer(ids.prefixed("prn"), tenant_id, name, host, port, dpi)
    store.insert_printer(w, made, actor.id)
    audit.record(w, tenant_id, actor, "printer.added", made.id, host=made.host, port=port)
    return made


def change_printer(
    w: Writer,
    tenant_id: str,
    actor: Actor,
    printer_id: str,
    *,
    name: str,
    host: str,
    port: int,
    dpi: int,
) -> None:
    """Change what a printer is called, or where it is."""
    made = _printer(printer_id, tenant_id, name, host, port, dpi)
    if not store.update_printer(w, made):
        raise NotFound("There is no such printer.")
    audit.record(w, tenant_id, actor, "printer.changed", printer_id, host=made.host, port=port)


def remove_printer(w: Writer, tenant_id: str, actor: Actor, printer_id: str) -> None:
    """Nothing more is sent there; what waits for it fails."""
    if not store.remove_printer(w, tenant_id, printer_id):
        raise NotFound("There is no such printer.")
    for job in store.open_jobs(w):
        if job.printer_id == printer_id and job.state == "queued":
            fail(w, job, "removed", 0)
    audit.record(w, tenant_id, actor, "printer.removed", printer_id)


def find_printer(r: Reader, tenant_id: str, printer_id: str) -> Printer:
    """The printer, or NotFound."""
    found = store.printer(r, tenant_id, printer_id)
    if found is None or found.removed_at is not None:
        raise NotFound("There is no such printer.")
    return found


def _printer(printer_id: str, tenant_id: str, name: str, host: str, port: int, dpi: int) -> Printer:
    check(name, port, dpi)
    return Printer(printer_id, tenant_id, name, host, port, dpi, None)


def check(name: str, port: int, dpi: int) -> None:
    """Raise Invalid for what cannot be said of a printer."""
    if not name or len(name) > NAME_MAX or not name.isprintable():
        raise invalid("name", "bad_format", f"A printer needs a name of 1 to {NAME_MAX} letters.")
    if dpi not in DPIS:
        raise invalid("dpi", "not_allowed", "dpi is 203 or 300.")
    if not LOWEST_PORT <= port <= HIGHEST_PORT or (port in REFUSED_PORTS and port != RAW_PORT):
        raise invalid("port", "not_allowed", "A label printer listens on 9100, or one near it.")


def invalid(field: str, code: str, message: str) -> Invalid:
    """A refusal about one field."""
    return Invalid(message, details=[{"field": field, "code": code, "message": message}])


# Jobs, by hand ------------------------------------------------------------------------------------


def print_labels(
    w: Writer, scope: Scope, actor: Actor, printer_id: str, package_ids: Sequence[str]
) -> Job:
    """Queue the labels of these packages; refused where one of them cannot have a label."""
    wanted = list(dict.fromkeys(package_ids))
    gather.labels(w, scope, wanted)
    return _queue(w, scope, actor, printer_id, "labels", wanted)


def print_test(w: Writer, scope: Scope, actor: Actor, printer_id: str) -> Job:
    """Queue a label that shows that the printer is reached."""
    return _queue(w, scope, actor, printer_id, "test", [])


def _queue(
    w: Writer, scope: Scope, actor: Actor, printer_id: str, kind: str, package_ids: list[str]
) -> Job:
    found = find_printer(w, scope.tenant_id, printer_id)
    made = Job(
        seq=0,
        id=ids.prefixed("prj"),
        tenant_id=scope.tenant_id,
        test=scope.test,
        printer_id=found.id,
        kind=kind,
        package_ids=tuple(package_ids),
        labels=len(package_ids) or 1,
        sent=0,
        state="queued",
        reason=None,
        attempts=0,
        queued_at=w.now,
        started_at=None,
        finished_at=None,
        created_at=w.now,
        created_by=actor.id,
    )
    store.insert_job(w, made)
    _note(w, made, actor, "queued", labels=made.labels, printer=found.id)
    w.after_commit(Signal(QUEUED))
    return made


def find_job(r: Reader, scope: Scope, job_id: str) -> Job:
    """The job, or NotFound."""
    found = store.job(r, scope, job_id)
    if found is None:
        raise NotFound("There is no such print job.")
    return found


def retry(w: Writer, scope: Scope, actor: Actor, job_id: str) -> Job:
    """Send what is left of a job that failed or was cancelled."""
    found = find_job(w, scope, job_id)
    find_printer(w, scope.tenant_id, found.printer_id)
    if not store.set_job(
        w, found, *RETRIABLE, state="queued", queued_at=w.now, reason=None, finished_at=None
    ):
        raise Conflict("Only a job that failed or was stopped can be sent on.", code="job_not_over")
    _note(w, found, actor, "retried")
    w.after_commit(Signal(QUEUED))
    return find_job(w, scope, job_id)


def again(w: Writer, scope: Scope, actor: Actor, job_id: str) -> Job:
    """Print all of a job once more, as a new one."""
    found = find_job(w, scope, job_id)
    if found.kind == "test":
        return print_test(w, scope, actor, found.printer_id)
    return print_labels(w, scope, actor, found.printer_id, found.package_ids)


def cancel(w: Writer, scope: Scope, actor: Actor, job_id: str) -> Job:
    """Send no more of a job; what the printer has, it prints."""
    found = find_job(w, scope, job_id)
    if not store.set_job(w, found, "queued", "sending", state="cancelled", finished_at=w.now):
        raise Conflict("This job is over already.", code="job_over")
    _note(w, found, actor, "cancelled")
    return find_job(w, scope, job_id)


# Jobs, as they are sent ---------------------------------------------------------------------------


def waiting(r: Reader) -> list[str]:
    """The printers that something is queued for."""
    return list(dict.fromkeys(j.printer_id for j in store.open_jobs(r) if j.state == "queued"))


def claim(w: Writer, printer_id: str) -> tuple[Job, Printer] | None:
    """Take the next job of a printer; those that waited too long fail on the way."""
    for job in store.open_jobs(w):
        if job.printer_id != printer_id or job.state != "queued":
            continue
        found = store.printer(w, job.tenant_id, printer_id)
        if found is None or found.removed_at is not None:
            fail(w, job, "removed", job.sent)
        elif w.now - job.queued_at > WAITS_MS:
            fail(w, job, "too_old", job.sent)
        elif store.set_job(
            w, job, "queued", state="sending", started_at=w.now, attempts=job.attempts + 1
        ):
            _tell(w, job)
            return job, found
    return None


def progress(w: Writer, job: Job, sent: int) -> bool:
    """The printer took so many labels; whether the job goes on."""
    _tell(w, job)
    return store.set_job(w, job, "sending", sent=sent)


def finish(w: Writer, job: Job, sent: int) -> None:
    """The printer took them all."""
    if store.set_job(w, job, "sending", state="done", sent=sent, finished_at=w.now):
        _note(w, job, BOX, "done")


def fail(w: Writer, job: Job, reason: str, sent: int) -> None:
    """It could not be sent, or not all of it."""
    if store.set_job(
        w, job, "queued", "sending", state="failed", reason=reason, sent=sent, finished_at=w.now
    ):
        _note(w, job, BOX, "failed", reason=reason, sent=sent)


def interrupt(w: Writer) -> int:
    """Nobody is sending any more: what was under way failed; how many there were."""
    cut = [job for job in store.open_jobs(w) if job.state == "sending"]
    for job in cut:
        fail(w, job, "interrupted", job.sent)
    return len(cut)


def _note(w: Writer, job: Job, actor: Actor, act: str, **detail: Any) -> None:
    audit.record(w, job.tenant_id, actor, f"print_job.{act}", job.id, **detail)
    _tell(w, job)


def _tell(w: Writer, job: Job) -> None:
    w.after_commit(Signal(CHANGED, job.tenant_id, job.test, (job.id,)))
