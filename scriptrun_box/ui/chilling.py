"""The cold chain as screens say it: degrees in both units, what is left of a bag's time."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from scriptrun_box.delivery.cold import store
from scriptrun_box.delivery.cold.model import (
    DECIMALS,
    Bag,
    Finding,
    Pack,
    Rule,
    celsius_of,
    fahrenheit,
)
from scriptrun_box.kernel import clock
from scriptrun_box.kernel.clock import MINUTE_MS
from scriptrun_box.kernel.db import Reader
from scriptrun_box.kernel.scope import Scope
from scriptrun_box.packages.lifecycle import NOT_YET_OUT
from scriptrun_box.packages.model import Package

from .words import clock_text

LEFT = '<time datetime="{}" title="until {}" data-until>{}</time>'
TYPED = re.compile(r"([+-]?\d{1,3}(?:[.,]\d{1,2})?)\s*°?\s*([CF])?", re.IGNORECASE)
KIND_WORDS = {
    "warm": "too warm",
    "cold": "too cold",
    "indicator": "indicator changed",
    "hold": "the bag's time was over",
}
DISPOSITION_WORDS = {
    "release": "Release: it may be used",
    "redeliver": "Deliver again, packed anew",
    "return": "Return to the pharmacy",
    "destroy": "Destroy",
}
PLACE_WORDS = {"pack": "when packed", "desk": "desk", "door": "at the door", "logger": "logger"}
BETTER_WORDS = {
    ("celsius", "wrong_type"): "Write degrees, such as 4.5, or 40 F.",
    ("celsius", "missing"): "Write degrees, such as 4.5, or 40 F.",
    ("bag_id", "missing"): "Choose a bag.",
    ("bag_id", "not_allowed"): "Choose a bag.",
    ("gel_packs", "wrong_type"): "Write how many gel packs, such as 2.",
    ("hold_minutes", "wrong_type"): "Write whole minutes, such as 240.",
    ("name", "too_short"): "A bag needs a name.",
}


@dataclass(frozen=True, slots=True)
class Packing:
    """What the page of a cold package needs to pack it: the bags, and how it is packed now."""

    bags: Sequence[Bag]
    pack: Pack | None
    rule: Rule
    packable: bool


def packing_of(r: Reader, scope: Scope, package: Package) -> Packing | None:
    """The same of a package; None of one that need not be cold."""
    if not package.content.cold_chain:
        return None
    return Packing(
        bags=store.bags(r, scope),
        pack=store.packs_of(r, [package.id]).get(package.id) if package.packed_at else None,
        rule=store.rule(r, scope.tenant_id),
        packable=package.status in NOT_YET_OUT and package.quarantined_at is None,
    )


def pack_given(fields: Mapping[str, str]) -> dict[str, Any]:
    """The posted form of a pack-out as a program would send it."""
    given: dict[str, Any] = {"bag_id": fields.get("bag_id", "")}
    given["celsius"] = typed_degrees(fields.get("celsius", ""))
    given["gel_packs"] = typed_number(fields.get("gel_packs", "").strip() or "0")
    given["indicator_id"] = fields.get("indicator_id", "").strip() or None
    return given


def typed_degrees(text: str) -> float | str | None:
    """°C as somebody typed it, °F with F behind it; what is neither is handed back as it is."""
    text = text.strip()
    if not text:
        return None
    match = TYPED.fullmatch(text)
    if match is None:
        return text
    return celsius_of(float(match[1].replace(",", ".")), (match[2] or "C").upper())


def typed_number(text: str) -> int | str:
    """A whole number as somebody typed it; what is none is handed back as it is."""
    text = text.strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 9 else text


def said(details: Sequence[Mapping[str, Any]], sentence: str) -> str:
    """What is wrong with a form, in its words."""
    if not details:
        return sentence
    first = details[0]
    known = BETTER_WORDS.get((str(first.get("field")), str(first.get("code"))))
    return known or str(first.get("message", sentence))


def degrees(celsius: float | None) -> str:
    """4.5 °C (40.1 °F)"""
    if celsius is None:
        return "–"
    shown = round(celsius, 1 if round(celsius, 1) == round(celsius, DECIMALS) else DECIMALS)
    return f"{shown:g} °C ({fahrenheit(celsius):.1f} °F)"


def lasting(minutes: int) -> str:
    """45 min, 3 h 20 min, 4 h."""
    hours, rest = divmod(minutes, 60)
    if not hours:
        return f"{rest} min"
    return f"{hours} h {rest} min" if rest else f"{hours} h"


def left_text(until: int, now: int) -> str:
    """What is left of a bag's time."""
    if now > until:
        return f"over for {lasting((now - until) // MINUTE_MS)}"
    return f"{lasting((until - now) // MINUTE_MS)} left"


def finding(each: Finding) -> str:
    """A finding in words, without its time."""
    text = KIND_WORDS[each.kind]
    if each.worst is not None:
        text = f"{text}, {degrees(each.worst)}"
    return f"{text}, for {lasting(each.minutes)}" if each.minutes else text


@pass_context
def _left(context: Context, until: int | None) -> Markup | str:
    if until is None:
        return "–"
    now = clock.now_ms()
    exact = clock_text(until, now, context["zone"])
    return Markup(LEFT).format(clock.iso(until), exact, left_text(until, now))  # noqa: S704 ours


def until_word(until: int) -> str:
    """Until, or since, such a time."""
    return "since" if clock.now_ms() > until else "until"


FILTERS: dict[str, Callable[..., Any]] = {
    "degrees": degrees,
    "left": _left,
    "until_word": until_word,
    "finding": finding,
    "lasting": lasting,
    "disposition_word": DISPOSITION_WORDS.__getitem__,
    "reading_place": PLACE_WORDS.__getitem__,
}
