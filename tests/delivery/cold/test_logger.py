"""The files of loggers: headings, units and dates; what cannot be read is told by its line."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scriptrun_box.delivery.cold import logger
from scriptrun_box.kernel.clock import MINUTE_MS, moment
from scriptrun_box.kernel.errors import Invalid

ZONE = "America/New_York"
NINE = moment("2026-04-20", "09:00", ZONE)

FILES = {
    "a plain one": "Time,Temperature (°C)\n2026-04-20 09:00,4.5\n",
    "no heading": "2026-04-20 09:00:00,4.5 °C\n",
    "degrees Fahrenheit": "Date/Time,Temp °F\n04/20/2026 9:00 AM,40.1\n",
    "date and time apart": "No.,Date,Time,Temp(C),Humidity(%)\n1,4/20/26,09:00:00,4.5,61\n",
    "semicolons": "Zeit / Time;Temperatur [°C]\n20.04.2026 09:00;4,5\n",
    "tabs": "Timestamp\tChannel 1 (°C)\n2026/04/20 09:00\t4.5\n",
    "a heading above": "Serial,A-12\nUnit: °C\n\nRecorded,Value\n2026-04-20T09:00:00-04:00,4.5\n",
    "with a zone": "time,celsius\n2026-04-20T13:00:00Z,4.5\n",
    "a limit beside it": "Time,High limit (°C),Temp (°C)\n2026-04-20 09:00,8.0,4.5\n",
    "quotes": '"Time","Temperature (°C)"\r\n"2026-04-20 09:00","4.5"\r\n',
}


@pytest.mark.parametrize("text", FILES.values(), ids=FILES.keys())
def test_a_file_is_read_as_loggers_write_it(text: str) -> None:
    found = logger.read(text, ZONE)
    assert (found.points, found.bad) == ([(NINE, 4.5)], 0)


def test_a_file_without_a_unit_is_asked_about_and_the_answer_counts() -> None:
    text = "time,temp\n2026-04-20 09:00,40.1\n"
    with pytest.raises(Invalid) as refusal:
        logger.read(text, ZONE)
    assert refusal.value.code == "unit_missing"
    assert logger.read(text, ZONE, "F").points == [(NINE, 4.5)]


def test_what_cannot_be_read_is_told_by_its_line_and_the_rest_counts() -> None:
    lines = ["time,celsius", "2026-04-20 09:00,4.5", "2026-04-20,4.5", "nonsense,4.5"]
    lines += ["2026-04-20 09:01,warm", "2026-04-20 09:02,400", "2026-04-20 09:03", ""]
    found = logger.read("\n".join([*lines, "2026-02-30 09:00,4.5"]), ZONE)
    assert found.points == [(NINE, 4.5)]
    assert found.problems == [
        (3, "its time cannot be read"),
        (4, "its time cannot be read"),
        (5, "its temperature is no number"),
        (6, "no thermometer shows that"),
        (7, "a column is missing"),
        (9, "its time cannot be read"),
    ]
    assert found.bad == 6


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Maria,Rodriguez\nRX-1,2\n", "no_table"),
        ("%PDF-1.4 \x00\x01", "no_table"),
        ("", "no_table"),
        ("time,celsius\n" + "2026-04-20 09:00,4.5\n" * logger.LINES_MAX, "too_many_lines"),
        ('time,celsius\n"' + "x" * 200_000, "no_table"),
    ],
)
def test_what_is_no_recording_is_refused_in_words(text: str, code: str) -> None:
    with pytest.raises(Invalid) as refusal:
        logger.read(text, ZONE)
    assert refusal.value.code == code
    assert "Maria" not in refusal.value.sentence


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_a_file_is_decoded_as_it_was_saved(encoding: str) -> None:
    text = FILES["degrees Fahrenheit"]
    assert logger.text_of(text.encode(encoding)) == text


@given(st.text(max_size=300))
def test_no_text_makes_it_stumble(text: str) -> None:
    with suppress(Invalid):
        found = logger.read(text, ZONE, "C")
        assert len(found.problems) <= min(found.bad, logger.PROBLEMS_TOLD)


@given(
    st.lists(st.integers(-300, 300), min_size=2, max_size=30),
    st.data(),
)
def test_a_file_may_come_in_parts(tenths: list[int], data: st.DataObject) -> None:
    heading = "time,celsius"
    lines = [
        f"2026-04-20 {9 + n // 60:02}:{n % 60:02},{tenth / 10}" for n, tenth in enumerate(tenths)
    ]
    cut = data.draw(st.integers(1, len(lines) - 1))
    whole = logger.read("\n".join([heading, *lines]), ZONE).points
    parts = [
        point
        for part in (lines[:cut], lines[cut:])
        for point in logger.read("\n".join([heading, *part]), ZONE).points
    ]
    assert parts == whole
    assert whole == [(NINE + n * MINUTE_MS, tenth / 10) for n, tenth in enumerate(tenths)]
