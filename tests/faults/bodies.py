"""S2, S3 and S25: bodies of 100 MB to every address, compressed bombs, malformed requests."""

import gzip
import re
import socket
import time
from pathlib import Path

from scriptrun_box.urls import URLS
from tests.kernel.test_guard import MALFORMED
from tests.live.server import Box, batch

from .figures import Figure, all_of, at_most, none_of
from .load import loaded, memory_mb

SENT_BYTES = 100_000_000
PIECE = b"x" * 65536
KEPT_MB = 10.0  # most of it lies in the kernel's buffers of both ends
MEMORY_MB = 8.0
ANY_ID = "00000000-0000-4000-8000-000000000000"
PATIENCE_SECONDS = 10.0
NESTED = b'{"orders":' + b"[" * 100_000
STRICT = {
    "a hundred thousand brackets": NESTED,
    "NaN": b'{"orders":[{"copay_amount":NaN}]}',
    "an endless number": b'{"orders":[{"copay_amount":1e400}]}',
    "a key twice": b'{"orders":[],"orders":[]}',
    "half a surrogate": b'{"orders":[{"patient_name":"\\ud800"}]}',
    "not UTF-8": b'{"orders":[{"patient_name":"\xff"}]}',
    "UTF-16": '{"orders":[]}'.encode("utf-16"),
    "half a million orders": b'{"orders":[' + b"{}," * 300_000 + b"{}]}",
}


def run(work: Path, count: int) -> list[Figure]:
    """Every address there is, or the first `count`; then each malformed body and request once."""
    addresses = [(row.method, _filled(row.path)) for row in URLS][:count]
    addresses += [("POST", "/nowhere"), ("GET", "/nowhere")]
    with loaded(work / "bodies") as (box, key):
        _send(box, key, "GET", "/api/packages", chunked=True)
        before = peak = memory_mb(box)
        ended, swallowed = 0, 0
        for method, path in addresses:
            for chunked in (True, False):
                status, taken = _send(box, key, method, path, chunked)
                swallowed = max(swallowed, taken)
                ended += status >= 400
                peak = max(peak, memory_mb(box))
        bombs, strict = _bombs(box, key), sum(_strict(box, key, body) for body in STRICT.values())
        peak = max(peak, memory_mb(box))
        framed = sum(_raw(box, raw).startswith(b"HTTP/1.1 400 ") for raw in MALFORMED.values())
        alive = box.stop() == 0
    total = 2 * len(addresses)
    ran = f"{len(addresses)} addresses, chunked and announced"
    return [
        all_of("S2", "100 MB refused and the connection ended", ended, total, ran),
        at_most("S2", "of 100 MB taken, most", swallowed / 1e6, KEPT_MB, "MB", ran, 1),
        at_most(
            "S2", "memory grown by 100 MB bodies and bombs", peak - before, MEMORY_MB, "MB", ran
        ),
        none_of("S2", "compressed bombs not refused with 4xx", bombs, "gzip, 20 MB in 20 KB"),
        all_of("S3", "what strict JSON is not is refused with 4xx", strict, len(STRICT)),
        all_of("S25", "malformed framing gets 400", framed, len(MALFORMED)),
        all_of("S25", "the box ends in good order afterwards", int(alive), 1),
    ]


def _filled(path: str) -> str:
    return re.sub(r"\{[^}]*\}", ANY_ID, path)


def _head(key: str, method: str, path: str, *lines: str) -> bytes:
    head = (f"{method} {path} HTTP/1.1", "Host: localhost", f"X-API-Key: {key}")
    return "\r\n".join((*head, "Content-Type: application/json", *lines, "", "")).encode()


def _send(box: Box, key: str, method: str, path: str, chunked: bool) -> tuple[int, int]:
    """Send 100 MB until the server will have no more; the status, and the bytes it let us send."""
    length = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {SENT_BYTES}"
    piece = b"10000\r\n" + PIECE + b"\r\n" if chunked else PIECE
    sent, began = 0, time.monotonic()
    with socket.create_connection(("127.0.0.1", box.port), PATIENCE_SECONDS) as client:
        try:
            client.sendall(_head(key, method, path, length))
            while sent < SENT_BYTES and time.monotonic() - began < PATIENCE_SECONDS:
                client.sendall(piece)
                sent += len(PIECE)
        except OSError:
            pass
        return _status(client), sent


def _status(client: socket.socket) -> int:
    try:
        said = client.recv(65536)
    except OSError:
        return 499  # closed before the answer could be read: refused all the same
    return int(said.split(b" ")[1]) if said else 499


def _raw(box: Box, raw: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", box.port), PATIENCE_SECONDS) as client:
        try:
            client.sendall(raw)
            return client.recv(65536)
        except OSError:
            return b""


def _strict(box: Box, key: str, body: bytes) -> bool:
    head = _head(key, "POST", "/api/webhook/orders", f"Content-Length: {len(body)}")
    return _raw(box, head + body).startswith(b"HTTP/1.1 4")


def _bombs(box: Box, key: str) -> int:
    """Compressed orders to each address that takes JSON; how many were not refused."""
    unpacked = 0
    bomb = gzip.compress(batch({"notes": "x" * 20_000_000}).__repr__().encode())
    for row in URLS:
        if row.method in ("POST", "PATCH", "PUT") and row.path.startswith("/api/"):
            path = _filled(row.path)
            lines = ("Content-Encoding: gzip", f"Content-Length: {len(bomb)}")
            said = _raw(box, _head(key, row.method, path, *lines) + bomb)
            unpacked += not said.startswith(b"HTTP/1.1 4")
    return unpacked
