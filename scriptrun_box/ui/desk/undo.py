"""Taking back what one did last, from the toast that told of it."""

from collections.abc import Sequence

from starlette.responses import Response

from scriptrun_box.accounts.gates import form
from scriptrun_box.drivers.many import Result
from scriptrun_box.kernel.errors import Conflict
from scriptrun_box.kernel.http import Call
from scriptrun_box.routes.undo import undo as take_back
from scriptrun_box.ui import pages

NUMBER_MAX_DIGITS = 18


async def undo(call: Call) -> Response:
    """POST /undo: back to the page the toast was on."""
    call.box.disk.check()
    results = await undone(call)
    stayed = [result.refusal for result in results if result.refusal]
    if stayed:
        raise Conflict(told(results), code=stayed[0].code)
    path = pages.local_path(form(call).get("next", ""))
    return pages.redirect(f"{path}{'&' if '?' in path else '?'}done={done_word(results)}")


async def undone(call: Call) -> Sequence[Result]:
    """Take back the act the form names; raises Conflict where that is no longer the last one."""
    text = form(call).get("undo", "")
    number = int(text) if text.isdecimal() and len(text) <= NUMBER_MAX_DIGITS else 0
    return await call.box.db.write(take_back, call.whose, call.caller.actor, number)


def done_word(results: Sequence[Result]) -> str:
    """How the page that comes next says it."""
    return "off_route" if any(result.off_route for result in results) else "undone"


def told(results: Sequence[Result]) -> str:
    """What an undo came to, in a sentence."""
    stayed = [result.refusal for result in results if result.refusal]
    if not stayed:
        return pages.UNDONE[done_word(results)]
    back = len(results) - len(stayed)
    begin = f"{back:,} of {len(results):,} are as before. " if back else "Nothing was undone. "
    return begin + stayed[0].sentence
