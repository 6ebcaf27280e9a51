"""Recalls, the sandbox's walk and the pictures behind signed links, over HTTP."""

from typing import cast

from pydantic import BaseModel, ConfigDict
from starlette.responses import Response

from scriptrun_box.kernel import blobs, clock
from scriptrun_box.kernel.blobs import Blob
from scriptrun_box.kernel.db import Reader
from scriptrun_box.kernel.errors import Forbidden, Gone, NotFound
from scriptrun_box.kernel.http import Call, json_answer, read_model
from scriptrun_box.packages import proofs
from scriptrun_box.packages.api import CancelIn, package_id_of, package_shape
from scriptrun_box.packages.lifecycle import FailureReason
from scriptrun_box.packages.proofs import Proof

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
    """The photo or signature of an attempt, behind a signed link."""
    query = call.query_params
    expires, signature = query.get("expires", ""), query.get("signature", "")
    if not call.box.links.holds(call.url.path, expires, signature, clock.now_ms()):
        raise NotFound("This link has expired or is not whole.")
    kind = call.url_row.path.rpartition("/")[2]
    proof, blob = await call.box.db.read(_picture, call.path_params["id"], kind)
    if proof is None or not (proof.photo if kind == "photo" else proof.signature):
        raise NotFound("There is no such picture.")
    headers = {"Content-Security-Policy": PICTURE_CSP, "Cache-Control": "private, max-age=3600"}
    if proof.made_up:
        return Response(PICTURE.format(kind=kind), headers=headers, media_type="image/svg+xml")
    if blob is None:
        raise NotFound("The photo is still on its way from the driver's phone.", code="on_its_way")
    if blob.body is None:
        raise Gone()
    ending = blob.type.rpartition("/")[2]
    headers["Content-Disposition"] = f'inline; filename="{kind}.{ending}"'
    return Response(blob.body, headers=headers, media_type=blob.type)


def _picture(r: Reader, proof_id: str, kind: str) -> tuple[Proof | None, Blob | None]:
    proof = proofs.find(r, proof_id)
    digest = proof and (proof.photo_digest if kind == "photo" else proof.signature_digest)
    return proof, blobs.get(r, digest) if digest else None
