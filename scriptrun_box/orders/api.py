"""POST /api/webhook/orders: the pharmacy software's door."""

import hashlib
import re

from starlette.responses import Response

from scriptrun_box.accounts.gates import key_of, need_key_now
from scriptrun_box.kernel import clock
from scriptrun_box.kernel.errors import Invalid, Refusal, UnsupportedMedia
from scriptrun_box.kernel.http import Call, json_answer
from scriptrun_box.packages.api import package_id_of, package_shape

from .actions import Request, edit, ingest
from .reading import Places, read_batch

UTF8 = frozenset(("charset=utf-8", 'charset="utf-8"', "charset=utf8"))
IDEMPOTENCY_KEY = re.compile(r"[\x21-\x7e]{1,255}")


async def push_orders(call: Call) -> Response:
    """Take in 1 to 100 orders; the good ones are on disk before the answer leaves."""
    try:
        request = read_request(call)
    except Refusal:
        need_key_now(call)  # no transaction follows that would find it revoked
        raise
    answer = await call.box.db.write_each(ingest, request)
    if answer.room and call.room and answer.room.remaining < call.room.remaining:
        call.room = answer.room  # callers are told of the tightest limit
    headers = {"Idempotent-Replayed": "true"} if answer.replayed else None
    return Response(answer.body, headers=headers, media_type="application/json")


def read_request(call: Call) -> Request:
    """The orders of a call with all that decides about them; raises Refusal."""
    require_json(call)
    caller = key_of(call)
    return Request(
        caller=caller,
        batch=read_batch(call.content, Places(caller.known.locations), clock.now_ms()),
        limits=call.box.settings.limits,
        plans=call.box.settings.plans,
        idempotency_key=idempotency_key(call),
        body_hash=hashlib.sha256(call.content).digest(),
    )


async def edit_package(call: Call) -> Response:
    """Change an order's fields while its package allows it."""
    require_json(call)
    caller, package_id = key_of(call), package_id_of(call)
    patch = call.json()
    places = Places(caller.known.locations)
    _, warnings = await call.box.db.write(
        edit, caller.scope, caller.actor, package_id, patch, places
    )
    return json_answer({**await package_shape(call, package_id), "warnings": warnings})


def require_json(call: Call) -> None:
    """Raise UnsupportedMedia unless the body says it is JSON, plain and in UTF-8."""
    kind, *parameters = (call.header(b"content-type") or "").lower().split(";")
    charsets = [text.strip() for text in parameters if text.strip().startswith("charset=")]
    if kind.strip() != "application/json" or not UTF8.issuperset(charsets):
        raise UnsupportedMedia()
    if (call.header(b"content-encoding") or "identity").lower() != "identity":
        raise UnsupportedMedia("Send the body uncompressed.")


def idempotency_key(call: Call) -> str | None:
    """The Idempotency-Key header, 1 to 255 visible ASCII characters."""
    key = call.header(b"idempotency-key")
    if key is not None and not IDEMPOTENCY_KEY.fullmatch(key):
        raise Invalid(
            "An Idempotency-Key is 1 to 255 visible ASCII characters.", code="bad_idempotency_key"
        )
    return key
