"""An order as callers send it: the published fields with their strict types and bounds."""

import re
from datetime import date
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
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
