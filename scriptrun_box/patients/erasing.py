"""Erasing a patient on request: at once from every screen, within moments from the file's bytes.

The first part is one transaction: their rows, and what their packages say of them, are overwritten.
The second writes anew what SQLite still has of it inside the file (search index, other indexes,
free pages, write-ahead log), a little at a time; until then the certificate says so. Copies made
before keep the patient until `copies.keep` lets go of them.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from scriptrun_box.kernel import clock
from scriptrun_box.kernel.clock import iso, iso_or_none
from scriptrun_box.kernel.db import Database, Reader, Writer
from scriptrun_box.kernel.errors import Conflict, NotFound
from scriptrun_box.kernel.scope import Actor, Scope
from scriptrun_box.packages import redaction
from scriptrun_box.packages.model import Package

from . import store
from .actions import need_living, note
from .model import Patient

FREE_PAGES = 500  # given back at a time
PACKAGES_MAX = 1_000_000_000  # all of them


@dataclass(frozen=True, slots=True)
class Erasure:
    """The proof that a patient was erased: not a word of them is in it."""

    patient_id: str
    tenant_id: str
    test: bool
    at: int
    by: str
    packages: int
    digest: str  # see `digest_of`
    finished_at: int | None  # when the last of it left the file's bytes


@dataclass(frozen=True, slots=True)
class Erased:
    """What was erased, for whoever keeps something of it elsewhere: the packages as they were."""

    erasure: Erasure
    packages: list[Package]


def erase(
    w: Writer, scope: Scope, actor: Actor, patient_id: str, version: int | None = None
) -> Erased:
    """Erase a living patient with all their numbers; raises Conflict while a package is open."""
    patient = need_living(w, scope, patient_id, version)
    numbers = store.numbers_of(store.all_of(w, patient))
    still_open = store.count_packages(w, patient, numbers, open_only=True)
    if still_open:
        raise Conflict(
            f"Packages of this patient that are not over: {still_open}."
            " Deliver, return or cancel them first.",
            code="patient_has_packages",
            details=[{"packages": still_open}],
        )
    packages = store.packages_of(w, patient, numbers, None, PACKAGES_MAX)
    redaction.redact(w, scope, actor, packages)
    return Erased(_forget(w, scope, actor, patient, packages), packages)


def _forget(
    w: Writer, scope: Scope, actor: Actor, patient: Patient, packages: list[Package]
) -> Erasure:
    digest = digest_of(patient.id, w.now, actor.id, [package.id for package in packages])
    erasure = Erasure(
        patient.id, patient.tenant_id, patient.test, w.now, actor.id, len(packages), digest, None
    )
    with w.leaving_no_trace():
        store.forget(w, patient)
    store.insert_erasure(w, erasure)
    note(w, scope, actor, patient, "erased", packages=len(packages), digest=digest)
    return erasure


def digest_of(patient_id: str, at: int, by: str, package_ids: list[str]) -> str:
    """SHA-256 over the patient's id, the time, who did it and the packages' ids, one a line."""
    lines = [patient_id, iso(at), by, *sorted(package_ids)]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def find(r: Reader, scope: Scope, patient_id: str) -> Erasure:
    """The certificate of a patient that was erased, or NotFound."""
    row = store.erasure(r, scope, patient_id)
    if row is None:
        raise NotFound("There is no such certificate.")
    return erasure_of(row)


def every(r: Reader, scope: Scope) -> list[Erasure]:
    """Every certificate there is, the newest first."""
    return [erasure_of(row) for row in store.erasures(r, scope)]


def wire(erasure: Erasure) -> dict[str, Any]:
    """A certificate as programs and people's files have it."""
    return {
        "patient_id": erasure.patient_id,
        "erased_at": iso(erasure.at),
        "erased_by": erasure.by,
        "packages": erasure.packages,
        "digest": erasure.digest,
        "finished_at": iso_or_none(erasure.finished_at),
        "test": erasure.test,
    }


def erasure_of(row: Any) -> Erasure:
    """A stored row as a certificate."""
    return Erasure(
        row["patient_id"],
        row["tenant_id"],
        bool(row["test"]),
        row["at"],
        row["by"],
        row["packages"],
        row["digest"],
        row["finished_at"],
    )


class Finishing:
    """The heartbeat that writes anew what still has the bytes of who was erased."""

    def __init__(self, db: Database, *others: Callable[[Writer], None]) -> None:
        """`others` write anew the indexes of what others keep of patients."""
        self._db = db
        self._rebuilds = (*map(_rebuilding, redaction.INDEXES), store.rebuild, *others)
        self._rewritten: set[str] = set()  # of these only the log is left

    async def tick(self) -> None:
        """Finish what there is; where a long read holds the log up, the next beat goes on."""
        waiting = await self._db.read(store.unfinished)
        if not waiting:
            return
        if not self._rewritten.issuperset(waiting):
            await self._rewrite()
            self._rewritten = set(waiting)
        if await self._db.checkpoint():
            await self._db.write(store.set_finished, waiting, clock.now_ms())

    async def _rewrite(self) -> None:
        begin = True
        while await self._db.write(redaction.merge_search, begin):
            begin = False
        for rebuild in self._rebuilds:
            await self._db.write(rebuild)
        while await self._db.write(_give_back):
            pass


def _rebuilding(index: str) -> Callable[[Writer], None]:
    return lambda w: redaction.rebuild(w, index)


def _give_back(w: Writer) -> bool:
    return w.give_back_pages(FREE_PAGES)
