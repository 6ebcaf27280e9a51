"""Packages of somebody who asked to be forgotten: what the law wants kept stays, no more.

Kept are Rx and fill numbers, dates, what the package needed, copay, who carried it, its story and
the proof of its delivery (DOMAIN: eleven years). Name, address, place, phone, drugs, notes, barcode
and patient number are overwritten, and every index that had them is written anew.
"""

from collections.abc import Sequence
from dataclasses import replace

from scriptrun_box.kernel.db import Reader, Writer
from scriptrun_box.kernel.scope import Actor, Scope

from . import actions, proofs, store, words
from .model import Content, Package

ERASED = "Erased on request"
MERGE_PAGES = 50  # of the search index, written at a time: a few milliseconds
# SQLite leaves a stale copy of an entry where it splits an index page; only a new index has none.
INDEXES = ("packages_patient", "packages_rx", "packages_without_rx", "packages_barcode")


def redact(w: Writer, scope: Scope, actor: Actor, packages: Sequence[Package]) -> None:
    """Overwrite what these packages say of a person; each one's timeline and audit say by whom."""
    kept = [(package, _redacted(package.content)) for package in packages]
    with w.leaving_no_trace():
        w.many(
            "UPDATE packages SET patient_name = ?, patient_address = ?, name_key = ?,"
            " patient_phone = NULL, medications = NULL, external_patient_id = NULL, notes = NULL,"
            " notes_withheld = 0, barcode = NULL, failure_note = NULL, address_incomplete = 0,"
            " door = NULL, corrected_address = NULL, lat = NULL, lng = NULL,"
            " location_source = NULL, location_confidence = NULL, updated_at = ? WHERE id = ?",
            [(ERASED, ERASED, words.name_key(ERASED), w.now, package.id) for package in packages],
        )
        proofs.forget_notes(w, [package.id for package in packages])
        w.many(
            "DELETE FROM package_search WHERE rowid = ?", [(package.seq,) for package in packages]
        )
    w.before_commit(
        store.index, [(package.seq, words.index_words(content)) for package, content in kept]
    )
    for package in packages:
        actions.note(w, scope, actor, package, "erase", package.status, {})


def _redacted(content: Content) -> Content:
    return replace(
        content,
        patient_name=ERASED,
        patient_phone=None,
        external_patient_id=None,
        barcode=None,
    )


def merge_search(w: Writer, begin: bool) -> bool:
    """Write the next pages of the search index anew, without what was deleted; whether more waits.

    `begin` takes up everything there is; what comes in later has nothing to lose.
    """
    before = changes(w)
    with w.leaving_no_trace():
        w.run(
            "INSERT INTO package_search (package_search, rank) VALUES ('merge', ?)",
            (-MERGE_PAGES if begin else MERGE_PAGES,),
        )
    return changes(w) - before >= 2  # FTS5's own sign that there was work


def rebuild(w: Writer, index: str) -> None:
    """Write one of INDEXES anew."""
    with w.leaving_no_trace():
        w.run(f"REINDEX {index}")


def changes(r: Reader) -> int:
    """How many rows this connection ever changed."""
    number: int = r.value("SELECT total_changes()")
    return number
