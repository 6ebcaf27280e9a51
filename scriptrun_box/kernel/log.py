"""The log: a line per event, `time level words key=value`, never patient data or a query string."""

import sys
from typing import Any, TextIO

from . import clock

MAX_VALUE_CHARS = 200
LOG_BUFFER_BYTES = 64 * 1024
REPEATS_PER_SECOND = 20  # of the same words; more are counted, not written


class Log:
    """Writes lines to a stream; a heartbeat flushes what is buffered."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._second = 0
        self._seen: dict[str, int] = {}

    def to(self, stream: TextIO) -> None:
        """Write to another stream from now on."""
        self._stream = stream

    def info(self, words: str, **facts: Any) -> None:
        """Something worth knowing happened."""
        self._write("info", words, facts)

    def warning(self, words: str, **facts: Any) -> None:
        """Something needs a person's eye."""
        self._write("warning", words, facts)

    def error(self, words: str, **facts: Any) -> None:
        """Something of ours went wrong."""
        self._write("error", words, facts)
        self.flush()

    def failure(self, words: str, error: BaseException, **facts: Any) -> None:
        """An exception of ours: its type and place, as its text may hold a patient's data."""
        self.error(words, kind=type(error).__name__, where=place_of(error), **facts)

    def request(
        self, method: str, path: str, status: int, ms: float, caller: str, request: str
    ) -> None:
        """One answered request: the path as the URL table writes it, never its ids or query."""
        now = clock.iso(clock.now_ms())
        self._put(
            f"{now} info request method={method} path={path} status={status} ms={ms:.1f}"
            f" caller={caller} id={request}\n"
        )

    def flush(self) -> None:
        """Push out what the stream still buffers."""
        try:
            self._stream.flush()
        except (OSError, ValueError):
            pass  # nobody reads the log any more; that must not stop the box

    def _write(self, level: str, words: str, facts: dict[str, Any]) -> None:
        now = clock.now_ms()
        if now // 1000 != self._second:
            self._second, self._seen = now // 1000, {}
        seen = self._seen[words] = self._seen.get(words, 0) + 1
        if seen > REPEATS_PER_SECOND:
            return
        line = " ".join(f"{name}={escaped(value)}" for name, value in facts.items())
        self._put(f"{clock.iso(now)} {level} {words} {line}".rstrip() + "\n")

    def _put(self, line: str) -> None:
        try:
            self._stream.write(line)
        except (OSError, ValueError):
            pass  # a full disk, or a reader that has gone


def place_of(error: BaseException) -> str:
    """The file and line an exception was raised at."""
    frame = error.__traceback__
    if frame is None:
        return ""
    while frame.tb_next is not None:
        frame = frame.tb_next
    file = frame.tb_frame.f_code.co_filename
    return f"{file.rpartition('scriptrun_box/')[2]}:{frame.tb_lineno}"


def escaped(value: Any) -> str:
    """A value as one word of one line: control characters and spaces cannot forge another line."""
    text = str(value)[:MAX_VALUE_CHARS]
    return text.encode("unicode_escape").decode("ascii").replace(" ", "\\x20") or "-"


log = Log()
