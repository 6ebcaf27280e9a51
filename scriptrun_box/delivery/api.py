"""Recalls, the sandbox's walk and the pictures behind signed links, over HTTP."""

from typing import cast

from pydantic import BaseModel, ConfigDict
from starlette.responses import Response

from scriptrun_box.kernel import clock
from scriptrun_box.kernel.errors import Forbidden, NotFound
from scriptrun_box.kernel.http import Call, json_answer, read_model
from scriptrun_box.packages import proofs
from scriptrun_box.packages.api import CancelIn, package_id_of, package_shape
from scriptrun_box.packages.lifecycle import FailureReason

from . import sandbox
from .recall import recall

PICTURE_CSP = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
PICTURE = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 320 200" width="320" height="200">'
    '<rect width="320" height="200" fill="#eef2f5"/>'
    '<text x="160" y="92" text-anchor="middle" font-family="sans-serif" font-size="20"'
    ' fill="#14202b">Sandbox {kind}</text>'
    '<text x="160" y="122" text-anchor="middle" font-family="sans-serif" font-size="13"'
    ' fill="#4a5a68">made up: nobody was there</text></svg>'
)


class FailIn(BaseModel):
    """The body of a sandbox failure."""

    model_config = ConfigDict(strict=True, extra="forbid")

    reason: FailureReason = "no_answer"


async def walk(call: Call) -> Response:
    """Take one step with a sandbox package; the last part of the path says which."""
    if not call.whose.test:
        raise Forbidden("This works with a sandbox key (sk_test_…) only.", code="sandbox_only")
    step = cast(sandbox.Step, call.url_row.path.rpartition("/")[2])
    reason = read_model(call, FailIn).reason if step == "fail" else ""
    package_id = package_id_of(call)
    await call.box.db.write(
        sandbox.walk, call.whose, call.caller.actor, package_id, step, reason, call.box.links
    )
    return json_answer(await package_shape(call, package_id))


async def recall_package(call: Call) -> Response:
    """Have a package that is out come back."""
    package_id = package_id_of(call)
    reason = read_model(call, CancelIn).reason
    await call.box.db.write(recall, call.whose, call.caller.actor, package_id, reason)
    return json_answer(await package_shape(call, package_id))


async def picture(call: Call) -> Response:
    """The photo or signature behind a signed link."""
    query = call.query_params
    expires, signature = query.get("expires", ""), query.get("signature", "")
    if not call.box.links.holds(call.url.path, expires, signature, clock.now_ms()):
        raise NotFound("This link has expired or is not whole.")
    proof = await call.box.db.read(proofs.latest, package_id_of(call))
    kind = call.url_row.path.rpartition("/")[2]
    if proof is None or not (proof.photo if kind == "photo" else proof.signature):
        raise NotFound("There is no such picture.")
    headers = {"Content-Security-Policy": PICTURE_CSP, "Cache-Control": "private, max-age=3600"}
    return Response(PICTURE.format(kind=kind), headers=headers, media_type="image/svg+xml")
