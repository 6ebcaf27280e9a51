"""Signatures of outgoing events, in the published form and in that of Standard Webhooks 1.0.

The published verification snippet turns the header into an object, so the last `v1=` wins and no
other part may be called t or v1; it wants no space after the comma.
"""

import base64
import binascii
import hashlib
import hmac
import secrets

SECRET_PREFIX = "whsec_"  # noqa: S105 - the public beginning of every secret
SECRET_BYTES = 32


def new_secret() -> str:
    """A secret both families of verifiers take: whsec_ and base64 of 32 bytes."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def is_secret(text: str) -> bool:
    """Whether it has the form of a secret of ours."""
    try:
        return bool(base64.b64decode(text.removeprefix(SECRET_PREFIX), validate=True))
    except binascii.Error:
        return False


def signature(secret: str, timestamp: int, body: bytes) -> str:
    """The published signature: hex HMAC-SHA256 of `{timestamp}.{body}`, the secret as given."""
    return hmac.new(secret.encode(), b"%d." % timestamp + body, hashlib.sha256).hexdigest()


def standard_signature(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """The Standard Webhooks signature: base64 HMAC-SHA256, the secret decoded from its base64."""
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    signed = f"{message_id}.{timestamp}.".encode() + body
    return base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def headers(
    *,
    event: str,
    event_id: str,
    body: bytes,
    timestamp: int,
    attempt: int,
    secret: str,
    next_secret: str | None = None,
) -> dict[str, str]:
    """Every header of one attempt (`attempt` counts from 1), signed anew at `timestamp` (seconds).

    During a rotation both secrets sign and take turns at being last: a receiver that looks only
    at the last signature accepts the second attempt at the latest, whichever secret it holds.
    """
    keys = [secret]
    if next_secret is not None:
        keys = [next_secret, secret] if attempt % 2 else [secret, next_secret]
    ours = "".join(f",v1={signature(key, timestamp, body)}" for key in keys)
    standard = " ".join(f"v1,{standard_signature(key, event_id, timestamp, body)}" for key in keys)
    return {
        "Content-Type": "application/json",
        "X-ScriptRun-Event": event,
        "X-ScriptRun-Signature": f"t={timestamp}{ours}",
        "webhook-id": event_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": standard,
    }
