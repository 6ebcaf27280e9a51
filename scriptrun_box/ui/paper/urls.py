"""The addresses of paper, for the table in `scriptrun_box/urls.py`."""

from collections.abc import Sequence

from scriptrun_box.accounts.gates import STAFF
from scriptrun_box.kernel.http import Handler, Url
from scriptrun_box.ui import live

from . import jobs, labels, pick_list, routes


def _get(path: str, handler: Handler) -> Url:
    return Url("GET", path, handler, STAFF, page=True)


def _post(path: str, handler: Handler) -> Url:
    return Url("POST", path, handler, STAFF, page=True)


PAGES: Sequence[Url] = [
    _get("/packages/{id}/label", labels.label),
    _get("/packages/{id}/label.pdf", labels.label_pdf),
    _get("/labels", labels.labels),
    _get("/labels.pdf", labels.labels_pdf),
    _post("/labels/print", labels.print_labels),
    _get("/routes/{id}/labels", routes.route_labels),
    _get("/routes/{id}/labels.pdf", routes.route_labels_pdf),
    _get("/routes/{id}/manifest", routes.manifest),
    _get("/routes/{id}/manifest.pdf", routes.manifest_pdf),
    _get("/pick-list", pick_list.pick_list),
    _get("/pick-list.pdf", pick_list.pick_list_pdf),
    _get("/pick-list.csv", pick_list.export),
    _get("/print-jobs", jobs.jobs),
    _get("/print-jobs.csv", jobs.export),
    Url("GET", "/live/print-jobs", jobs.live_jobs, live.WATCHING, page=True),
    _post("/print-jobs/{id}/retry", jobs.retry),
    _post("/print-jobs/{id}/again", jobs.again),
    _post("/print-jobs/{id}/cancel", jobs.cancel),
]
