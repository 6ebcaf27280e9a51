"""webhook listen: a receiver on this machine that verifies and prints what arrives."""

import hashlib
import hmac
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import click

from scriptrun_box.kernel import clock

from .common import Failure

TOLERANCE_SECONDS = 300
BODY_MAX_BYTES = 1024 * 1024


@click.group()
def webhook() -> None:
    """Webhooks: listen."""


@webhook.command()
@click.option("--port", type=click.IntRange(0, 65535), default=9787, show_default=True)
@click.option("--secret", help="the endpoint's signing secret (whsec_…), to verify with")
def listen(port: int, secret: str | None) -> None:
    """Receive events on 127.0.0.1, verify their signature, and print them."""
    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), receiver(secret))
    except OSError as error:
        raise Failure(f"Cannot listen on port {port}: {error.strerror}.") from None
    click.echo(f"Listening on http://127.0.0.1:{server.server_port}/ (stop with Ctrl+C)", err=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        server.server_close()


def receiver(secret: str | None) -> type[BaseHTTPRequestHandler]:
    """A request handler that answers 200 to what verifies and 400 to what does not."""

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(min(length, BODY_MAX_BYTES))
            header = self.headers.get("X-ScriptRun-Signature", "")
            now = clock.now_ms()
            verdict = "not checked" if secret is None else check(header, body, secret, now // 1000)
            accepted = verdict in ("verified", "not checked")
            self.send_response(200 if accepted else 400)
            self.send_header("Content-Length", "0")
            self.end_headers()
            event = self.headers.get("X-ScriptRun-Event", "-")
            click.echo(f"{clock.iso(now)} {event} {verdict}")
            click.echo(f"  {_shown(body)}")

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: what arrived is printed already."""

    return Receiver


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
