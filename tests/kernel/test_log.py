"""The log: one line an event, nothing forged, nothing flooded, and never in anybody's way."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scriptrun_box.kernel import clock
from scriptrun_box.kernel.log import MAX_VALUE_CHARS, REPEATS_PER_SECOND, Log, escaped


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


def test_a_line_tells_when_how_grave_and_what(
    stream: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "now_ms", lambda: 1_776_700_000_999)
    log = Log(stream)
    log.info("copy published", bytes=12, file="a b")
    log.warning("disk low")
    log.error("commit failed", kind="X")
    log.request("GET", "/api/packages/{id}", 200, 1.26, "key:key_1", "req_1")
    assert stream.getvalue().splitlines() == [
        "2026-04-20T15:46:40Z info copy published bytes=12 file=a\\x20b",
        "2026-04-20T15:46:40Z warning disk low",
        "2026-04-20T15:46:40Z error commit failed kind=X",
        "2026-04-20T15:46:40Z info request method=GET path=/api/packages/{id} status=200 ms=1.3"
        " caller=key:key_1 id=req_1",
    ]


@given(st.text())
def test_a_value_is_one_word_of_printable_ascii(text: str) -> None:
    word = escaped(text)
    assert word
    assert word.isascii()
    assert word.isprintable()
    assert " " not in word
    assert len(word) <= MAX_VALUE_CHARS * 10


@given(st.text(max_size=50), st.text(max_size=50))
def test_values_never_make_a_second_line(one: str, other: str) -> None:
    stream = io.StringIO()
    Log(stream).info("words", one=one, other=other)
    assert len(stream.getvalue().splitlines()) == 1
    assert stream.getvalue().count(" ") == 4


def test_a_failure_is_told_by_its_kind_and_place_and_not_by_its_text(stream: io.StringIO) -> None:
    try:
        int("Maria Rodriguez")
    except ValueError as error:
        Log(stream).failure("reading failed", error, id="req_1")
    line = stream.getvalue()
    assert "kind=ValueError" in line
    assert "test_log.py:" in line
    assert "id=req_1" in line
    assert "Maria" not in line


def test_a_flood_of_the_same_words_is_cut_off_each_second(
    stream: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1_776_700_000_000]
    monkeypatch.setattr(clock, "now_ms", lambda: now[0])
    log = Log(stream)
    for number in range(500):
        log.warning("the same", number=number)
    log.warning("another")
    assert len(stream.getvalue().splitlines()) == REPEATS_PER_SECOND + 1
    now[0] += 1_000
    log.warning("the same")
    assert len(stream.getvalue().splitlines()) == REPEATS_PER_SECOND + 2


class Broken(io.StringIO):
    """A stream whose disk is full or whose reader has gone."""

    def write(self, text: str) -> int:
        raise OSError("no space left")

    def flush(self) -> None:
        raise BrokenPipeError


@pytest.mark.parametrize("closed", [True, False])
def test_a_log_nobody_can_write_stops_nothing(closed: bool) -> None:
    stream = io.StringIO() if closed else Broken()
    log = Log(stream)
    if closed:
        stream.close()
    log.info("a")
    log.error("b")
    log.request("GET", "/", 200, 1.0, "-", "req_1")
    log.flush()


def test_the_log_moves_to_another_stream() -> None:
    first, second = io.StringIO(), io.StringIO()
    log = Log(first)
    log.info("one")
    log.to(second)
    log.info("two")
    assert "one" in first.getvalue()
    assert "two" not in first.getvalue()
    assert "two" in second.getvalue()
