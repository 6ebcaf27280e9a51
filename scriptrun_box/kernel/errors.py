"""Every refusal a caller can get, as one family and one JSON shape.

    Refusal                     status  code
    ├── Invalid                 400     validation_failed, invalid_json, bad_cursor, …
    ├── Unauthorized            401     key_missing, key_invalid, signed_out
    ├── OverPlan                402     plan_limit
    ├── Forbidden               403     role_missing, feature_not_in_plan, scope_missing, …
    ├── NotFound                404     not_found
    ├── MethodNotAllowed        405     method_not_allowed
    ├── RequestTimeout          408     request_timeout
    ├── Conflict                409     conflict, update_not_allowed, cancel_not_allowed, …
    ├── Gone                    410     pruned
    ├── TooLarge                413     body_too_large
    ├── UnsupportedMedia        415     unsupported_media_type
    ├── WrongHost               421     unknown_host
    ├── RateLimited             429     rate_limited, orders_per_hour
    ├── Internal                500     internal
    ├── Unavailable             503     not_set_up, starting, stopping, busy
    └── DiskFull                507     disk_full

An internal error never shows its text: `Internal` carries only the request id.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

Detail = Mapping[str, Any]


class Refusal(Exception):
    """A request we answer with a sentence: `status`, a stable `code`, `details`, extra headers."""

    status = 500
    code = "internal"
    sentence = "Something went wrong on our side; nothing was lost. Please try again."

    def __init__(
        self,
        sentence: str | None = None,
        *,
        code: str | None = None,
        details: Sequence[Detail] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(code or self.code)
        self.sentence = sentence or self.sentence
        self.code = code or self.code
        self.details = details
        self.headers = headers or {}

    def body(self, request_id: str) -> bytes:
        """The JSON bytes of the one error shape."""
        shape = {
            "error": self.sentence,
            "code": self.code,
            "details": list(self.details),
            "request_id": request_id,
        }
        return json.dumps(shape, ensure_ascii=False, separators=(",", ":")).encode()


class Invalid(Refusal):
    status = 400
    code = "validation_failed"
    sentence = "The request is not valid; see details."


class Unauthorized(Refusal):
    status = 401
    code = "key_invalid"
    sentence = "The API key is missing or not valid; send it in the X-API-Key header."


class OverPlan(Refusal):
    status = 402
    code = "plan_limit"
    sentence = "The plan's orders for this month are used up and overage is not switched on."


class Forbidden(Refusal):
    status = 403
    code = "role_missing"
    sentence = "This is not open to you."


class NotFound(Refusal):
    status = 404
    code = "not_found"
    sentence = "There is nothing at this address."


class MethodNotAllowed(Refusal):
    status = 405
    code = "method_not_allowed"
    sentence = "This address does not take that method."


class RequestTimeout(Refusal):
    status = 408
    code = "request_timeout"
    sentence = "The request took too long to arrive."


class Conflict(Refusal):
    status = 409
    code = "conflict"
    sentence = "This is not possible in the state it is in."


class Gone(Refusal):
    status = 410
    code = "pruned"
    sentence = "This is no longer kept."


class TooLarge(Refusal):
    status = 413
    code = "body_too_large"
    sentence = "The request body is larger than this address takes."


class UnsupportedMedia(Refusal):
    status = 415
    code = "unsupported_media_type"
    sentence = "Send the body as application/json."


class WrongHost(Refusal):
    status = 421
    code = "unknown_host"
    sentence = "This box does not answer to that host name; see server.allowed_hosts."


class RateLimited(Refusal):
    status = 429
    code = "rate_limited"
    sentence = "Too many requests; wait for the seconds in Retry-After, then try again with jitter."


class Internal(Refusal):
    pass


class Unavailable(Refusal):
    status = 503
    code = "busy"
    sentence = "The box cannot take this right now; please try again."


class DiskFull(Refusal):
    status = 507
    code = "disk_full"
    sentence = "The disk of the box is full: nothing was stored. Reading still works."

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "60"})
