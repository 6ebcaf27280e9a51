"""An order as callers send it: the published fields with their strict types and bounds."""

import re
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

NAME_MAX = 200
ADDRESS_MAX = 500
TEXT_MAX = 128
NOTES_MAX = 2_000
MEDICATIONS_MAX = 100
MEDICATION_MAX = 200
COPAY_MAX = Decimal("99999.99")  # dollars
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d", re.ASCII)


def _date(text: str) -> str:
    try:
        if _DATE.fullmatch(text):
            date.fromisoformat(text)
            return text
    except ValueError:
        pass
    raise PydanticCustomError("bad_format", "must be a date written YYYY-MM-DD")


def _time(text: str) -> str:
    if not _TIME.fullmatch(text):
        raise PydanticCustomError("bad_format", "must be a time written HH:MM")
    return text


def _uuid(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        raise PydanticCustomError("bad_format", "must be a UUID") from None


Text = Annotated[str, Field(min_length=1, max_length=TEXT_MAX)]
Date = Annotated[str, AfterValidator(_date)]
Time = Annotated[str, AfterValidator(_time)]


class OrderIn(BaseModel):
    """One order; `pharmacy_id` is a location, times and dates are the location's."""

    model_config = ConfigDict(strict=True, extra="ignore", hide_input_in_errors=True)

    patient_name: Annotated[str, Field(min_length=1, max_length=NAME_MAX)]
    patient_address: Annotated[str, Field(min_length=1, max_length=ADDRESS_MAX)]
    patient_phone: Text | None = None
    rx_number: Text | None = None
    medications: (
        Annotated[
            list[Annotated[str, Field(min_length=1, max_length=MEDICATION_MAX)]],
            Field(max_length=MEDICATIONS_MAX),
        ]
        | None
    ) = None
    copay_amount: Annotated[Decimal, Field(ge=0, le=COPAY_MAX, decimal_places=2)] | None = None
    priority: Literal["routine", "urgent", "stat"] = "routine"
    delivery_date: Date | None = None
    requires_signature: bool = False
    cold_chain: bool = False
    controlled_substance: bool | None = None
    dea_schedule: Literal["II", "III", "IV", "V"] | None = None
    external_patient_id: Text | None = None
    pharmacy_id: Annotated[str, AfterValidator(_uuid)] | None = None
    notes: Annotated[str, Field(min_length=1, max_length=NOTES_MAX)] | None = None
    barcode: Text | None = None
    fill_number: Text | None = None
    fill_date: Date | None = None
    deliver_after: Time | None = None
    deliver_by: Time | None = None


FIELDS = frozenset(OrderIn.model_fields)
TEXT_FIELDS = frozenset(  # where an empty text says the same as leaving the field out
    (
        "patient_phone",
        "rx_number",
        "external_patient_id",
        "notes",
        "barcode",
        "fill_number",
    )
)

_CODES = {
    "missing": "missing",
    "string_too_short": "too_short",
    "string_too_long": "too_long",
    "too_long": "too_long",
    "greater_than_equal": "too_small",
    "less_than_equal": "too_large",
    "literal_error": "not_allowed",
    "decimal_max_places": "bad_format",
    "decimal_max_digits": "too_large",
    "decimal_whole_digits": "too_large",
    "finite_number": "wrong_type",
    "bad_format": "bad_format",
}
_TYPES = {
    "string_type": "text",
    "bool_type": "true or false",
    "list_type": "a list of texts",
    "decimal_type": "a number",
    "is_instance_of": "a number",
}


def details(error: ValidationError) -> list[dict[str, Any]]:
    """What is wrong, field by field, without a submitted value."""
    items = []
    for item in error.errors(include_input=False, include_url=False, include_context=True):
        field = str(item["loc"][0]) if item["loc"] else ""
        code = _CODES.get(item["type"], "wrong_type")
        message = _message(field, code, item["type"], item.get("ctx", {}), item["msg"])
        items.append({"field": field, "code": code, "message": message})
    return items


def _message(field: str, code: str, kind: str, context: dict[str, Any], said: str) -> str:
    if code == "missing":
        return f"{field} is required."
    if code == "too_short":
        return f"{field} must not be empty."
    if kind == "string_too_long":
        return f"{field} has at most {context['max_length']} characters."
    if kind == "too_long":
        return f"{field} has at most {context['max_length']} entries."
    if code == "too_small":
        return f"{field} is at least {context['ge']}."
    if code == "too_large":
        return f"{field} is at most {COPAY_MAX}."
    if code == "not_allowed":
        return f"{field} is one of {context['expected']}."
    if kind == "decimal_max_places":
        return f"{field} has at most two decimals."
    if code == "bad_format":
        return f"{field} {said}."
    return f"{field} must be {_TYPES.get(kind, 'of another type')}."
