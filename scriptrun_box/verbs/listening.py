"""A receiver on this machine that verifies what arrives, prints it, and may send it on."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import click
import httpx

from scriptrun_box.kernel import clock
from scriptrun_box.webhooks import signing

from .common import Failure

TOLERANCE_SECONDS = 300
BODY_MAX_BYTES = 1024 * 1024
FORWARD_SECONDS = 14.0  # less than a box waits for its answer
BAD_GATEWAY = 502


def listen(port: int, secret: str | None, forward: str | None) -> None:
    """Serve until interrupted."""
    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), receiver(secret, forward))
    except OSError as error:
        raise Failure(f"Cannot listen on port {port}: {error.strerror}.") from None
    click.echo(f"Listening on http://127.0.0.1:{server.server_port}/ (stop with Ctrl+C)", err=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        server.server_close()


def receiver(secret: str | None, forward: str | None = None) -> type[BaseHTTPRequestHandler]:
    """A request handler that answers 200 to what verifies and 400 to what does not.

    With `forward` the answer to what verifies is that of the URL it was sent on to.
    """

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(min(length, BODY_MAX_BYTES))
            header = self.headers.get("X-ScriptRun-Signature", "")
            now = clock.now_ms()
            verdict = "not checked" if secret is None else check(header, body, secret, now // 1000)
            accepted = verdict in ("verified", "not checked")
            status, went = (200 if accepted else 400), ""
            if accepted and forward is not None and secret is not None:
                status = send_on(forward, dict(self.headers.items()), body, secret)
                went = f" -> {status}" if status != BAD_GATEWAY else " -> no answer"
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()
            event = self.headers.get("X-ScriptRun-Event", "-")
            click.echo(f"{clock.iso(now)} {event} {verdict}{went}")
            click.echo(f"  {_shown(body)}")

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: what arrived is printed already."""

    return Receiver


def send_on(url: str, headers: Mapping[str, str], body: bytes, secret: str) -> int:
    """Post an event to another URL, signed now with the same secret; the status, 502 for none."""
    signed = signing.headers(
        event=headers.get("X-ScriptRun-Event", ""),
        event_id=headers.get("webhook-id", ""),
        body=body,
        timestamp=clock.now_ms() // 1000,
        attempt=1,
        secret=secret,
    )
    try:
        answer = httpx.post(
            url, content=body, headers=signed, timeout=FORWARD_SECONDS, trust_env=False
        )
    except (httpx.HTTPError, httpx.InvalidURL):
        return BAD_GATEWAY
    return answer.status_code


def check(header: str, body: bytes, secret: str, now: int) -> str:
    """What the published verification says of a request: "verified", or why not."""
    parts = [part.partition("=") for part in header.split(",")]
    stamps = [value for name, _, value in parts if name == "t"]
    signatures = [value for name, _, value in parts if name == "v1"]
    if not stamps or not signatures or not stamps[0].isdigit():
        return "no signature"
    message = stamps[0].encode() + b"." + body
    wanted = hmac.new(secret.encode(), message, hashlib.sha256).hexdigest().encode()
    if not any(hmac.compare_digest(wanted, given.encode()) for given in signatures):
        return "wrong signature"
    return "verified" if abs(now - int(stamps[0])) <= TOLERANCE_SECONDS else "too old"


def _shown(body: bytes) -> str:
    try:
        return json.dumps(json.loads(body), ensure_ascii=False)
    except ValueError:
        return repr(body[:200])
