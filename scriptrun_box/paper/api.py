"""A package's label over HTTP: as PDF, or in the language of label printers."""

from starlette.responses import Response

from scriptrun_box.kernel.http import Call
from scriptrun_box.packages.api import bad, look, package_id_of

from . import gather, zpl
from .press import Press

PDF, ZPL = "application/pdf", "text/plain"


async def read_label(call: Call) -> Response:
    """The label of one package: ?format=pdf, or zpl with ?dpi=203 or 300."""
    package_id = package_id_of(call)
    kind, dpi = call.query_params.get("format", "pdf"), call.query_params.get("dpi", "203")
    if kind not in ("pdf", "zpl"):
        raise bad("format", "format is pdf or zpl.")
    if dpi not in [str(known) for known in zpl.DPIS]:
        raise bad("dpi", "dpi is 203 or 300.")
    label = await call.box.db.read(gather.label, call.whose, package_id)
    if kind == "zpl":
        answer = Response(zpl.label(label, int(dpi)), media_type=ZPL)
    else:
        answer = Response(await press_of(call).draw((label,)), media_type=PDF)
    look(call, "package.label", package_id)
    return answer


def press_of(call: Call) -> Press:
    """What draws the box's PDFs."""
    press: Press = call.app.state.press
    return press
