"""Signatures against verifiers that nobody here wrote."""

import base64
import re
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from scriptrun_box.webhooks import signing
from tests.programs import need, need_package

BODY = '{"id":"evt_1","event":"package.created","data":{"who":"Señora ✓"}}'.encode()
MINUTES_AGO = 310  # seconds; receivers take 300

# The published snippet, its types taken off; nothing else is changed.
SNIPPET = """
import crypto from 'node:crypto'
import fs from 'node:fs'
function verify(rawBody, header, secret) {
  const parts = Object.fromEntries(header.split(',').map(p => p.split('=')))
  const expected = crypto.createHmac('sha256', secret).update(`${parts.t}.${rawBody}`).digest('hex')
  if (!crypto.timingSafeEqual(Buffer.from(expected), Buffer.from(parts.v1))) throw new Error('Invalid signature')
  if (Math.abs(Date.now()/1000 - Number(parts.t)) > 300) throw new Error('Stale webhook')
}
const [header, secret] = process.argv.slice(2)
verify(fs.readFileSync(0, 'utf8'), header, secret)
"""  # noqa: E501


def made(attempt: int = 1, body: bytes = BODY, ago: int = 0, **keys: Any) -> dict[str, str]:
    keys.setdefault("secret", signing.new_secret())
    return signing.headers(
        event="package.created",
        event_id="evt_1",
        body=body,
        timestamp=int(time.time()) - ago,
        attempt=attempt,
        **keys,
    )


def stripe_accepts(headers: dict[str, str], secret: str, body: bytes = BODY) -> bool:
    stripe = need_package("stripe")
    try:
        stripe.WebhookSignature.verify_header(
            body.decode(), headers["X-ScriptRun-Signature"], secret, tolerance=300
        )
    except stripe.SignatureVerificationError:
        return False
    return True


def snippet_accepts(headers: dict[str, str], secret: str, tmp_path: Path) -> bool:
    node = need("node")
    script = tmp_path / "verify.mjs"
    script.write_text(SNIPPET)
    command = [node, script, headers["X-ScriptRun-Signature"], secret]
    return subprocess.run(command, input=BODY, capture_output=True).returncode == 0


def test_the_published_signature_is_this_for_these_bytes() -> None:
    given = signing.signature("whsec_test", 1713547200, b'{"a":1}')
    assert given == "4b934352cb81ba0a43d8824f160f62e7adb548d8cc2d764a291ddfd89b63394b"


def test_the_header_has_no_space_and_exactly_one_t_and_64_hex_digits() -> None:
    header = made()["X-ScriptRun-Signature"]
    assert re.fullmatch(r"t=[0-9]{10},v1=[0-9a-f]{64}", header)


def test_headers_say_what_is_sent() -> None:
    headers = made()
    assert list(headers) == [
        "Content-Type",
        "X-ScriptRun-Event",
        "X-ScriptRun-Signature",
        "webhook-id",
        "webhook-timestamp",
        "webhook-signature",
    ]
    assert headers["Content-Type"] == "application/json"
    assert headers["X-ScriptRun-Event"] == "package.created"
    assert headers["webhook-id"] == "evt_1"


def test_a_secret_is_whsec_and_32_random_bytes() -> None:
    first, second = signing.new_secret(), signing.new_secret()
    assert first != second
    assert first.startswith("whsec_")
    assert len(base64.b64decode(first.removeprefix("whsec_"), validate=True)) == 32


def test_stripes_own_verifier_accepts_us_and_nothing_else() -> None:
    secret = signing.new_secret()
    assert stripe_accepts(made(secret=secret), secret)
    assert not stripe_accepts(made(secret=secret), signing.new_secret())
    assert not stripe_accepts(made(secret=secret), secret, BODY + b" ")
    assert not stripe_accepts(made(secret=secret, ago=MINUTES_AGO), secret)


def test_the_published_snippet_accepts_us_and_nothing_else(tmp_path: Path) -> None:
    secret = signing.new_secret()
    assert snippet_accepts(made(secret=secret), secret, tmp_path)
    assert not snippet_accepts(made(secret=secret), signing.new_secret(), tmp_path)
    assert not snippet_accepts(made(secret=secret, ago=MINUTES_AGO), secret, tmp_path)


def test_standard_webhooks_own_library_accepts_us_and_nothing_else() -> None:
    standard = need_package("standardwebhooks")
    secret = signing.new_secret()
    standard.Webhook(secret).verify(BODY.decode(), made(secret=secret))
    with pytest.raises(standard.WebhookVerificationError):
        standard.Webhook(signing.new_secret()).verify(BODY.decode(), made(secret=secret))


def test_during_a_rotation_stripe_and_standard_webhooks_accept_either_secret_each_time() -> None:
    standard = need_package("standardwebhooks")
    old, new = signing.new_secret(), signing.new_secret()
    for attempt in (1, 2):
        headers = made(attempt, secret=old, next_secret=new)
        for secret in (old, new):
            assert stripe_accepts(headers, secret)
            standard.Webhook(secret).verify(BODY.decode(), headers)


def test_during_a_rotation_the_snippet_accepts_the_old_secret_first_and_the_new_one_second(
    tmp_path: Path,
) -> None:
    old, new = signing.new_secret(), signing.new_secret()
    first, second = (made(attempt, secret=old, next_secret=new) for attempt in (1, 2))
    assert snippet_accepts(first, old, tmp_path)
    assert not snippet_accepts(first, new, tmp_path)
    assert snippet_accepts(second, new, tmp_path)
    assert not snippet_accepts(second, old, tmp_path)
