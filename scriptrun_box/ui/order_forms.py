"""An order as a form has it: read from what was typed, shown again, and said what is wrong."""

from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from scriptrun_box.kernel.errors import Invalid
from scriptrun_box.packages.model import Content, order_fields

from . import parcel

FLAGS = ("requires_signature", "cold_chain", "controlled_substance")
BETTER_WORDS = {
    ("patient_phone", "bad_format"): "Write it with its area code, such as 305 555 1234.",
    ("copay_amount", "wrong_type"): "Write dollars and cents, such as 12.50.",
    ("copay_amount", "bad_format"): "Write dollars and cents, such as 12.50.",
    ("dea_schedule", "conflict"): "A schedule needs the tick at controlled substance.",
}


def order_of(form: Mapping[str, str], names: Iterable[str] = parcel.FIELD_WORDS) -> dict[str, Any]:
    """The fields of a posted form as an order has them; a flag without a tick is false."""
    return {name: _value(name, form) for name in names if name in form or name in FLAGS}


def filled_of(content: Content) -> dict[str, str]:
    """An order as its form shows it."""
    shown = {}
    for name, value in {**order_fields(content), "pharmacy_id": content.location_id}.items():
        if name in FLAGS:
            if value:
                shown[name] = "on"
        elif name == "medications":
            shown[name] = "\n".join(content.medications or [])
        elif name == "copay_amount":
            shown[name] = "" if value is None else f"{value:.2f}"
        else:
            shown[name] = value or ""
    return shown


def wrong_of(refusal: Invalid) -> dict[str, str]:
    """What is wrong, by field, in the words of the form."""
    return {str(item["field"]): sentence(item) for item in refusal.details}


def sentence(item: Mapping[str, Any]) -> str:
    """A problem or a warning of an order in the words of its form."""
    name = str(item["field"])
    plain = str(item["message"]).replace(name, parcel.FIELD_WORDS.get(name, name))
    return BETTER_WORDS.get((name, item["code"]), plain)


def _value(name: str, form: Mapping[str, str]) -> Any:
    """A form's field as an order has it; an empty one says nothing."""
    if name in FLAGS:
        return name in form
    text = form[name].strip()
    if not text:
        return None
    if name == "medications":
        return [line.strip() for line in text.splitlines() if line.strip()]
    if name == "copay_amount":
        try:
            return Decimal(text.removeprefix("$").strip())
        except InvalidOperation:
            return text  # refused, in words, by the rules of an order
    return text
