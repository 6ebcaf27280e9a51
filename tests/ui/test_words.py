"""How values are said: times, days, money, addresses."""

from datetime import date
from zoneinfo import ZoneInfo

import pytest

from scriptrun_box.kernel.clock import DAY_MS, HOUR_MS, MINUTE_MS
from scriptrun_box.packages.lifecycle import (
    ACTS,
    CANCEL_REASONS,
    FAILURE_REASONS,
    STATUSES,
)
from scriptrun_box.packages.model import ORDER_FIELDS, Move
from scriptrun_box.ui import parcel, words

NOW = 1_776_695_400_000  # 2026-04-20 10:30 in New York
NEW_YORK = ZoneInfo("America/New_York")


@pytest.mark.parametrize(
    ("passed", "said"),
    [
        (-5_000, "just now"),
        (999, "just now"),
        (4_000, "4 s ago"),
        (3 * MINUTE_MS, "3 min ago"),
        (2 * HOUR_MS, "2 h ago"),
        (DAY_MS, "1 day ago"),
        (40 * DAY_MS, "40 days ago"),
    ],
)
def test_how_long_ago_as_people_say_it(passed: int, said: str) -> None:
    assert words.ago_text(NOW - passed, NOW) == said


def test_a_time_of_today_stands_alone_any_other_with_its_date() -> None:
    assert words.clock_text(NOW, NOW, NEW_YORK) == "10:30"
    assert words.clock_text(NOW, NOW, NEW_YORK, seconds=True) == "10:30:00"
    assert words.clock_text(NOW - 11 * HOUR_MS, NOW, NEW_YORK) == "Apr 19, 23:30"
    assert words.clock_text(NOW - 400 * DAY_MS, NOW, NEW_YORK) == "Mar 16, 2025, 10:30"


def test_days_near_today_have_names() -> None:
    today = date(2026, 4, 20)
    said = [words.day_text(f"2026-04-{day}", today) for day in (19, 20, 21, 22)]
    assert said == ["yesterday", "today", "tomorrow", "Wed, Apr 22"]
    assert words.day_text("2027-01-04", today) == "Mon, Jan 4, 2027"


def test_the_day_starts_at_midnight_there_also_when_clocks_change() -> None:
    assert words.day_start(NOW, NEW_YORK) == NOW - 10 * HOUR_MS - 30 * MINUTE_MS
    spring = 1_772_978_400_000  # 2026-03-08 10:00, the clocks went forward at 2
    assert words.day_start(spring, NEW_YORK) == spring - 9 * HOUR_MS


def test_none_due_is_not_unknown() -> None:
    assert words.copay_text(None) == "unknown"
    assert words.copay_text(0) == "none due"
    assert words.copay_text(123_450) == "$ 1,234.50"


@pytest.mark.parametrize(
    ("address", "lines"),
    [
        ("123 Main St, Miami, FL 33178", ("123 Main St", "Miami, FL 33178")),
        ("1 Ocean Dr, Apt 4B, Miami, FL 33139", ("1 Ocean Dr, Apt 4B", "Miami, FL 33139")),
        ("1 Ocean Dr, Miami Beach FL", ("1 Ocean Dr", "Miami Beach FL")),
        ("200 Biscayne", ("200 Biscayne", "")),
    ],
)
def test_street_over_town(address: str, lines: tuple[str, str]) -> None:
    assert parcel.address_lines(address) == lines


def test_every_status_act_reason_and_field_has_words() -> None:
    assert set(words.STATUS_WORDS) == set(words.STATUS_TONES) == set(STATUSES)
    assert set(parcel.FAILURE_WORDS) == set(FAILURE_REASONS)
    assert set(parcel.CANCEL_WORDS) == set(CANCEL_REASONS)
    assert set(parcel.FIELD_WORDS) == {*ORDER_FIELDS, "pharmacy_id"}
    for act in (*ACTS, "create", "edit", "gates", "both"):
        assert parcel.event(Move(0, "box", act, "", "", {"source": "api", "facts": ["packed_at"]}))
