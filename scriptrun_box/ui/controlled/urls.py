"""The addresses of the controlled screens, for the table in `scriptrun_box/urls.py`."""

from collections.abc import Sequence

from scriptrun_box.accounts.gates import OWNER, PHARMACISTS, PersonGate
from scriptrun_box.kernel.http import Handler, Url
from scriptrun_box.ui.live import Watching

from . import desk, incidents, log, package, settings


def _get(path: str, handler: Handler, gate: PersonGate = PHARMACISTS) -> Url:
    return Url("GET", path, handler, gate, page=True)


def _post(path: str, handler: Handler, gate: PersonGate = PHARMACISTS) -> Url:
    return Url("POST", path, handler, gate, page=True)


ONE = "/controlled/packages/{id}"
PAGES: Sequence[Url] = [
    _get("/controlled", desk.controlled),
    _get("/live/controlled", desk.live_controlled, Watching(PHARMACISTS.roles)),
    _post("/controlled/hand-over", desk.hand_over),
    _post("/controlled/pins", desk.set_pin),
    _post("/controlled/close", desk.close),
    _get(ONE, package.package),
    _post(f"{ONE}/release", package.let_go),
    _post(f"{ONE}/take-back", package.take_back),
    _post(f"{ONE}/decide", package.decide),
    _post(f"{ONE}/incident", package.report),
    _get("/controlled/log", log.show),
    _get("/controlled/log.csv", log.export),
    _get("/controlled/closes/{id}", log.close),
    _post("/controlled/closes/{id}/amend", log.amend),
    _get("/controlled/incidents.csv", incidents.export),
    _get("/controlled/incidents/{id}", incidents.incident),
    _post("/controlled/incidents/{id}/step", incidents.step),
    _post("/controlled/incidents/{id}/close", incidents.close),
    _get("/settings/state-rules", settings.state_rules),
    _get("/settings/state-rules.csv", settings.export),
    _post("/settings/state-rules", settings.save, OWNER),
    _post("/settings/state-rules/restore", settings.restore, OWNER),
]
