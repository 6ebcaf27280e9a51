"""What drivers tell the desk: a note stands on top of the board until somebody has read it."""

from scriptrun_box.kernel import audit, ids
from scriptrun_box.kernel.db import Signal, Writer
from scriptrun_box.kernel.errors import NotFound
from scriptrun_box.kernel.scope import Actor, Scope
from scriptrun_box.kernel.texts import clean
from scriptrun_box.packages import actions as packages

from . import actions, store
from .actions import invalid
from .model import Note

NOTE_MAX = 500  # characters


def send(
    w: Writer, scope: Scope, actor: Actor, driver_id: str, package_id: str | None, text: str
) -> Note:
    """Tell the desk something, about a package or about the day; its words are in no log."""
    driver = actions.find(w, scope, driver_id)
    if package_id is not None:
        packages.find(w, scope, package_id)
    made = clean(text, lines=True)
    if made is None or not 0 < len(made[0]) <= NOTE_MAX:
        raise invalid("text", "bad_format", f"A note has 1 to {NOTE_MAX} characters.")
    note = Note(ids.prefixed("note"), driver.id, package_id, made[0], w.now, None, None)
    store.add_note(w, scope, note)
    audit.record(w, scope.tenant_id, actor, "driver.note_sent", note.id, driver_id=driver.id)
    _tell(w, scope, note)
    return note


def mark_read(w: Writer, scope: Scope, actor: Actor, note_id: str) -> Note:
    """Note who at the desk has read it: the first one counts."""
    note = store.note(w, scope, note_id)
    if note is None:
        raise NotFound("There is no such note.")
    if store.set_read(w, note, actor):
        audit.record(w, scope.tenant_id, actor, "driver.note_read", note.id)
        _tell(w, scope, note)
    return note


def _tell(w: Writer, scope: Scope, note: Note) -> None:
    """Open screens count unread notes beside the packages they are about."""
    about = () if note.package_id is None else (note.package_id,)
    w.after_commit(Signal(packages.CHANGED, scope.tenant_id, scope.test, about))
