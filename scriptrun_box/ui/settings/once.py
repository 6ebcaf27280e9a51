"""Forms that make something shown once: sending the same form again makes nothing more."""

from collections import OrderedDict

from scriptrun_box.kernel import ids
from scriptrun_box.kernel.http import Call

REMEMBERED = 1_000  # forms
FIELD = "form_id"


class Forms:
    """The forms that have been used; a reload of their answer sends them a second time."""

    def __init__(self) -> None:
        self._used: OrderedDict[str, None] = OrderedDict()

    def first(self, form_id: str) -> bool:
        """Whether this form comes for the first time; one without an id always does."""
        if not form_id:
            return True
        if form_id in self._used:
            return False
        self._used[form_id] = None
        while len(self._used) > REMEMBERED:
            self._used.popitem(last=False)
        return True

    def release(self, form_id: str) -> None:
        """The form was refused: it may come again."""
        self._used.pop(form_id, None)


def new_form_id() -> str:
    """What a fresh form carries."""
    return ids.token()


def forms(call: Call) -> Forms:
    """The used forms of the running app."""
    state = call.app.state
    if not hasattr(state, "used_forms"):
        state.used_forms = Forms()
    found: Forms = state.used_forms
    return found
