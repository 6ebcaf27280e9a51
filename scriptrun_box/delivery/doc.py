"""What /docs and OpenAPI tell of recalls, and of the sandbox's walk to the door."""

from scriptrun_box.kernel.http import Doc
from scriptrun_box.packages.api import CancelIn
from scriptrun_box.packages.doc import PACKAGE

from .api import FailIn

ANSWER = {"id": "00000000000000000000000000000000", "status": "…", "test": True}


def _step(summary: str, text: str) -> Doc:
    return Doc(
        group="Sandbox", summary=summary, text=text, answer=ANSWER, refusals=(400, 403, 404, 409)
    )


ASSIGN = _step("Assign a sandbox package", "To a made-up driver. Sandbox keys only.")
START = _step("Send a sandbox package out", "What would have to be packed or released is.")
DELIVER = _step("Deliver a sandbox package", "With a made-up proof; sends delivery.completed.")
RETURN = _step("Return a failed sandbox package", "Back to the pharmacy.")
FAIL = Doc(
    group="Sandbox",
    summary="Fail a sandbox package",
    text="Sends delivery.failed with the reason.",
    body=FailIn,
    example={"reason": "no_answer"},
    answer=ANSWER,
    refusals=(400, 403, 404, 409),
)
RECALL = Doc(
    group="Packages",
    summary="Recall a package that is out",
    text="Its driver is told not to deliver it, and from now on it cannot be: of a recall and a"
    " delivery at the same time one wins. It stays out_for_delivery, with recalled_at, until the"
    " driver hands it in: then redeliver or return says what becomes of it.",
    body=CancelIn,
    example={"reason": "patient_request"},
    answer={**PACKAGE, "status": "out_for_delivery", "recalled_at": "2026-04-20T14:00:00Z"},
    refusals=(400, 404, 409),
)
