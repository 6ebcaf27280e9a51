"""Notes from drivers: somebody at the desk says that they have read one."""

from starlette.responses import Response

from scriptrun_box.accounts.gates import form
from scriptrun_box.drivers import notes
from scriptrun_box.kernel.http import Call
from scriptrun_box.ui import pages


async def read(call: Call) -> Response:
    """POST /notes/{id}/read: back to the page that showed it."""
    call.box.disk.check()
    note_id = call.path_params["id"]
    await call.box.db.write(notes.mark_read, call.whose, call.caller.actor, note_id)
    return pages.redirect(pages.local_path(form(call).get("next", "")))
