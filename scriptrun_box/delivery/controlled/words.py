"""Small things every act here needs: a refusal about a field, a seal as it is read, plain words."""

import re

from scriptrun_box.kernel.db import Signal, Writer
from scriptrun_box.kernel.errors import Conflict, Invalid
from scriptrun_box.kernel.scope import Scope
from scriptrun_box.kernel.texts import clean
from scriptrun_box.packages.model import Package

from .model import SEAL_MAX, WORDS_MAX

CHANGED = "controlled"
SEAL = re.compile(rf"[A-Z0-9][A-Z0-9./-]{{0,{SEAL_MAX - 1}}}")


def invalid(field: str, code: str, message: str) -> Invalid:
    """A refusal about one field."""
    return Invalid(message, details=[{"field": field, "code": code, "message": message}])


def conflict(code: str, sentence: str, package: Package) -> Conflict:
    """A refusal about one package as it stands."""
    details = [{"package_id": package.id, "status": package.status}]
    return Conflict(sentence, code=code, details=details)


def seal_of(text: str) -> str:
    """A seal's serial in one spelling; raises Invalid."""
    seal = spelled(text)
    if not SEAL.fullmatch(seal):
        raise invalid("seal", "bad_format", "A seal is letters and digits, as on the bag.")
    return seal


def spelled(text: str) -> str:
    """The same without looking whether it can be one: to compare."""
    return "".join(text.split()).upper()


def said(text: str, field: str = "note", *, needed: bool = False) -> str:
    """What somebody says, cleaned; raises Invalid."""
    made = clean(text, lines=True)
    if made is None or len(made[0]) > WORDS_MAX:
        raise invalid(field, "too_long", f"At most {WORDS_MAX} characters, without control signs.")
    if needed and not made[0]:
        raise invalid(field, "missing", "Say it in a few words.")
    return made[0]


def tell(w: Writer, scope: Scope, *ids: str) -> None:
    """A word to the open screens."""
    w.after_commit(Signal(CHANGED, scope.tenant_id, scope.test, ids))
