"""How values are said on screens: times as people say them, money, counts; template filters."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from scriptrun_box.kernel import clock
from scriptrun_box.kernel.clock import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS

TIME = '<time datetime="{}" title="{}">{}</time>'
COUNTING = '<time datetime="{}" title="{}" data-ago>{}</time>'
STATUS_WORDS = {
    "created": "To assign",
    "assigned": "Assigned",
    "out_for_delivery": "Out for delivery",
    "delivered": "Delivered",
    "failed": "To decide",
    "returned": "Returned",
    "cancelled": "Cancelled",
}
STATUS_TONES = {
    "created": "info",
    "assigned": "info",
    "out_for_delivery": "warn",
    "delivered": "ok",
    "failed": "bad",
    "returned": "",
    "cancelled": "",
}


def day_start(now: int, zone: ZoneInfo) -> int:
    """The unix-millisecond time at which today began there."""
    midnight = datetime.fromtimestamp(now / 1000, zone).replace(
        hour=0, minute=0, second=0, microsecond=0
    )
    return int(midnight.timestamp() * 1000)


def ago_text(ms: int, now: int) -> str:
    """How long ago, as people say it."""
    passed = now - ms
    if passed < SECOND_MS:
        return "just now"
    if passed < MINUTE_MS:
        return f"{passed // SECOND_MS} s ago"
    if passed < HOUR_MS:
        return f"{passed // MINUTE_MS} min ago"
    if passed < DAY_MS:
        return f"{passed // HOUR_MS} h ago"
    days = passed // DAY_MS
    return "1 day ago" if days == 1 else f"{days} days ago"


def clock_text(ms: int, now: int, zone: ZoneInfo, seconds: bool = False) -> str:
    """The time of day there; with its date unless that is today."""
    then, today = datetime.fromtimestamp(ms / 1000, zone), datetime.fromtimestamp(now / 1000, zone)
    time = then.strftime("%H:%M:%S" if seconds else "%H:%M")
    if then.date() == today.date():
        return time
    return f"{_short(then.date(), today.date())}, {time}"


def day_text(text: str, today: date) -> str:
    """A calendar date (YYYY-MM-DD): today, tomorrow, yesterday, else Mon, Apr 20."""
    day = date.fromisoformat(text)
    near = {today: "today", today + timedelta(1): "tomorrow", today - timedelta(1): "yesterday"}
    return near.get(day) or f"{day:%a}, {_short(day, today)}"


def _short(day: date, today: date) -> str:
    return f"{day:%b} {day.day}" + (f", {day.year}" if day.year != today.year else "")


def long_date(ms: int, zone: ZoneInfo) -> str:
    """Monday, April 20."""
    day = datetime.fromtimestamp(ms / 1000, zone)
    return f"{day:%A, %B} {day.day}"


def money_text(cents: int) -> str:
    """$ 1,234.50"""
    return f"$ {cents / 100:,.2f}"


def copay_text(cents: int | None) -> str:
    """An amount due at the door: none due is not unknown."""
    if cents is None:
        return "unknown"
    return money_text(cents) if cents else "none due"


def many(count: int, one: str, more: str) -> str:
    """1 package, 2,000 packages."""
    return f"{count:,} {one if count == 1 else more}"


def _time(ms: int, text: str, zone: ZoneInfo, pattern: str = TIME) -> Markup:
    exact = datetime.fromtimestamp(ms / 1000, zone).strftime("%Y-%m-%d %H:%M:%S %Z")
    return Markup(pattern).format(clock.iso(ms), exact, text)  # noqa: S704 our own two patterns


@pass_context
def _ago(context: Context, ms: int | None) -> Markup | str:
    if ms is None:
        return "never"
    return _time(ms, ago_text(ms, clock.now_ms()), context["zone"], COUNTING)


@pass_context
def _clock(context: Context, ms: int | None, seconds: bool = False) -> Markup | str:
    if ms is None:
        return "–"
    zone = context["zone"]
    return _time(ms, clock_text(ms, clock.now_ms(), zone, seconds), zone)


@pass_context
def _day(context: Context, text: str) -> Markup:
    today = datetime.fromtimestamp(clock.now_ms() / 1000, context["zone"]).date()
    return Markup('<time datetime="{0}" title="{0}">{1}</time>').format(text, day_text(text, today))


@pass_context
def _long_date(context: Context, ms: int) -> str:
    return long_date(ms, context["zone"])


def _number(count: int) -> str:
    return f"{count:,}"


FILTERS: dict[str, Callable[..., Any]] = {
    "ago": _ago,
    "clock": _clock,
    "day": _day,
    "long_date": _long_date,
    "money": money_text,
    "copay": copay_text,
    "number": _number,
    "many": many,
    "status_word": STATUS_WORDS.__getitem__,
    "status_tone": STATUS_TONES.__getitem__,
}
