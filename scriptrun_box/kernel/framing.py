"""Where a request begins and ends: strict HTTP/1.1 framing, judged on bytes before any parser runs.

Two programs that disagree about where a request ends can be made to answer each other's callers.
So whatever can be read in two ways is refused, even where the RFC would let a server guess.
"""

import re

from .errors import Invalid, Refusal

HEAD_END = b"\r\n\r\n"
HEAD_BYTES = 32 * 1024
CHUNK_LINE_BYTES = 256  # a chunk's size with its extensions, which nobody uses
CHUNKED = -1  # instead of a length: the body tells itself where it ends

_REQUEST_LINE = re.compile(rb"(?!CONNECT )[A-Z-]+ /[!-~]* HTTP/1\.([01])\r\n")
_TELLING = re.compile(rb"\r\n(?:(host|content-length|transfer-encoding):([^\r]*)|[ \t])")
_UPGRADE_LINE = re.compile(rb"\r\nupgrade:[^\r]*", re.IGNORECASE)
_LENGTH = re.compile(rb"[0-9]{1,15}")
_CHUNK_LINE = re.compile(rb"([0-9a-fA-F]{1,15})(?:;[^\r\n]*)?\r\n")


class HeadTooLarge(Refusal):
    """The request line and headers are larger than HEAD_BYTES."""

    status = 431
    code = "head_too_large"
    sentence = "The request line and headers are larger than 32 KiB."


def malformed(why: str) -> Invalid:
    """The refusal of bytes that are not one plain request."""
    return Invalid(f"This is not a well-formed HTTP/1.1 request: {why}.", code="bad_request")


def read_head(head: bytes) -> tuple[bytes, int]:
    """The head as the parser may see it, and the length of its body in bytes or CHUNKED.

    `head` ends with its empty line. Raises Invalid. Every `Upgrade` is dropped: the box speaks no
    other protocol, and httptools takes the body for the first bytes of that protocol (Java's
    HttpClient offers h2c on each first request).
    """
    head = head.removeprefix(b"\r\n")  # one empty line before a request is to be ignored
    lines = head.count(b"\r\n")
    if head.count(b"\n") != lines or head.count(b"\r") != lines:
        raise malformed("a line must end with CR LF")
    line = _REQUEST_LINE.match(head)
    if not line:
        raise malformed("it must begin like GET /path HTTP/1.1")
    low = head.lower()
    if b"\r\nupgrade:" in low:
        head = _UPGRADE_LINE.sub(b"", head)
    telling = _TELLING.findall(low)
    fields = dict(telling)
    if b"" in fields:
        raise malformed("a header must not go on in the next line")
    if b"host" not in fields or len(fields) != len(telling):
        raise malformed("it needs one Host, and at most one Content-Length or Transfer-Encoding")
    return head, _body_length(fields, line[1])


def _body_length(fields: dict[bytes, bytes], minor_version: bytes) -> int:
    length, coding = fields.get(b"content-length"), fields.get(b"transfer-encoding")
    if coding is not None:
        if length is not None or minor_version == b"0" or coding.strip(b" \t") != b"chunked":
            raise malformed("the only transfer coding is chunked, without a Content-Length")
        return CHUNKED
    if length is None:
        return 0
    length = length.strip(b" \t")
    if not _LENGTH.fullmatch(length):
        raise malformed("its Content-Length is not a number")
    return int(length)


def check_start(start: bytes | bytearray) -> None:
    """Refuse the beginning of a head that no further byte can make good; raises Invalid."""
    if not (start[:1].isupper() or start.startswith(b"\r")):
        raise malformed("it must begin with a method")
    if start.count(b"\n") != start.count(b"\r\n"):
        raise malformed("a line must end with CR LF")
    if b"\n" in start[2:] and not _REQUEST_LINE.match(start.removeprefix(b"\r\n")):
        raise malformed("it must begin like GET /path HTTP/1.1")


class Chunks:
    """Follows a chunked body to its end; trailers are refused, as they would become headers."""

    def __init__(self) -> None:
        self._skip = 0  # bytes of the present chunk still to come
        self._line = b""  # the part of a line that has come
        self._after_data = False  # the next line is the CR LF behind a chunk's data
        self._last = False

    def end_in(self, data: bytes) -> int:
        """The offset behind the body's last byte, or -1 while it goes on; raises Invalid."""
        at = 0
        while True:
            step = min(self._skip, len(data) - at)
            self._skip -= step
            at += step
            if at == len(data):
                return -1
            end = data.find(b"\n", at) + 1
            self._line += data[at : end or None]
            if len(self._line) > CHUNK_LINE_BYTES:
                raise malformed("a chunk's size line is too long")
            if not end:
                return -1
            line, self._line, at = self._line, b"", end
            if self._after_data:
                if line != b"\r\n":
                    raise malformed("a chunk is longer than its size, or trailers follow the last")
                if self._last:
                    return at
            else:
                self._read_size(line)
            self._after_data = not self._after_data

    def _read_size(self, line: bytes) -> None:
        match = _CHUNK_LINE.fullmatch(line)
        if not match:
            raise malformed("a chunk must begin with its size")
        self._skip = int(match[1], 16)
        self._last = self._skip == 0
