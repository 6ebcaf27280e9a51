"""A route on paper: its manifest for the driver, and the labels of all its bags."""

from starlette.responses import Response

from scriptrun_box.kernel.errors import NotFound
from scriptrun_box.kernel.http import Call
from scriptrun_box.packages.api import look
from scriptrun_box.paper import gather
from scriptrun_box.paper.model import Manifest
from scriptrun_box.routes.api import ROUTE_ID

from . import labels, sheets


async def manifest(call: Call) -> Response:
    """GET /routes/{id}/manifest."""
    made = await _manifest(call)
    here = f"/routes/{made.route_id}"
    return await sheets.show(
        call,
        "paper/manifest.html",
        [made.code, *(bag.code for stop in made.stops for bag in stop.bags)],
        made=made,
        pdf=f"{here}/manifest.pdf",
        labels=f"{here}/labels",
        back=here,
        ids="",
    )


async def manifest_pdf(call: Call) -> Response:
    """GET /routes/{id}/manifest.pdf."""
    return await sheets.as_pdf(call, await _manifest(call), "manifest")


async def route_labels(call: Call) -> Response:
    """GET /routes/{id}/labels."""
    here = f"/routes/{_id(call)}"
    made = await labels.read(call, await _package_ids(call))
    return await labels.show(call, made, f"{here}/labels.pdf", f"{here}/manifest")


async def route_labels_pdf(call: Call) -> Response:
    """GET /routes/{id}/labels.pdf."""
    made = await labels.read(call, await _package_ids(call))
    return await sheets.as_pdf(call, tuple(made), "labels")


async def _manifest(call: Call) -> Manifest:
    made = await call.box.db.read(gather.manifest, call.whose, _id(call))
    look(call, "route.manifest", made.route_id, count=made.bags)
    return made


async def _package_ids(call: Call) -> list[str]:
    found = await call.box.db.read(gather.ids_of_route, call.whose, _id(call))
    if not found:
        raise NotFound("There is nothing to label on this route.")
    return found


def _id(call: Call) -> str:
    route_id: str = call.path_params["id"]
    if not ROUTE_ID.fullmatch(route_id):
        raise NotFound("There is no such route.")
    return route_id
