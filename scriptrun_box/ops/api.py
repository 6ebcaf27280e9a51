"""GET /healthz, /readyz, /metrics and /ca.crt."""

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.responses import PlainTextResponse, Response

from scriptrun_box.accounts.gates import client, comes_from
from scriptrun_box.kernel import clock, meta, metrics
from scriptrun_box.kernel.box import Box
from scriptrun_box.kernel.db import Writer
from scriptrun_box.kernel.errors import Forbidden, NotFound, Refusal
from scriptrun_box.kernel.http import Call, json_answer

LOOPBACK = ("127.0.0.0/8", "::1/128")
CA_FILE = "ca.crt"  # where the authority is the box's own, it lies beside the certificate
CA_TYPE = "application/x-x509-ca-cert"  # phones offer to install it
TRIED_SECONDS = 1.0
Problem = dict[str, str]


async def healthz(call: Call) -> Response:
    """Alive: the process answers, the database is not asked."""
    return PlainTextResponse("ok\n")


async def readyz(call: Call) -> Response:
    """Ready: the file takes a write and the disk has room; else 503 with what is wrong."""
    problems = [trouble] if (trouble := await _trouble_writing(call)) else []
    if not call.box.is_set_up():
        problems.append({"code": "not_set_up", "message": "This box is not set up yet."})
    copy = call.box.publisher.state()
    if copy.error:
        problems.append({"code": "copy_failed", "message": copy.error})
    shape = {
        "ready": not problems,
        "problems": problems,
        "copy": {
            "published_at": clock.iso_or_none(copy.published_at),
            "stale_seconds": round(copy.stale_seconds, 1),
        },
        "disk_free_mb": call.box.disk.free_mb(),
    }
    return json_answer(shape, 503 if problems else 200)


async def show_metrics(call: Call) -> Response:
    """Prometheus text, for this machine and the networks the owner named."""
    allowed = tuple(str(network) for network in call.box.settings.metrics.allow_networks)
    if not comes_from(client(call), (*LOOPBACK, *allowed)):
        raise Forbidden("Metrics are not open to this address.", code="source_refused")
    metrics.COMMITS.set(call.box.db.commits)
    metrics.COPY_STALE.set(call.box.publisher.state().stale_seconds)
    metrics.DISK_FREE.set(call.box.disk.free_mb())
    return Response(metrics.text(), media_type=CONTENT_TYPE_LATEST)


async def ca_certificate(call: Call) -> Response:
    """The certificate of the box's own authority, for other machines to trust; no secret."""
    served = call.box.settings.server.tls_cert
    try:
        if served is not None:
            return Response(served.with_name(CA_FILE).read_bytes(), media_type=CA_TYPE)
    except FileNotFoundError:
        pass
    raise NotFound("This box has no certificate authority of its own.")


async def _trouble_writing(call: Call) -> Problem | None:
    """Why the file takes no write, as of at most a second ago: anyone may ask, as often as they
    like, and orders that share their commit with a write that is undone are taken in twice."""
    state = call.app.state
    if clock.monotonic() - state.tried_at >= TRIED_SECONDS:
        state.tried_at = clock.monotonic()
        state.trouble_writing = await _try(call.box)
    trouble: Problem | None = state.trouble_writing
    return trouble


async def _try(box: Box) -> Problem | None:
    try:
        box.disk.check()
        await box.db.write(_try_writing)
    except _Tried:
        return None
    except Refusal as refusal:
        return {"code": refusal.code, "message": refusal.sentence}
    except Exception as error:
        message = f"The file cannot be written ({type(error).__name__})."
        return {"code": "not_writable", "message": message}
    raise AssertionError("the write that shows the file takes one is undone")


class _Tried(Exception):
    """Undoes the write that showed the file takes one."""


def _try_writing(w: Writer) -> None:
    meta.put(w, "tried", "")
    raise _Tried
