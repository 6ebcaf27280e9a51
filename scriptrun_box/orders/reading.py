"""From the JSON of a batch to checked orders: what is accepted, what is refused, what to warn of.

Pure: it knows the tenant's locations and the time, and touches nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from pydantic import ValidationError

from scriptrun_box.accounts.model import Location
from scriptrun_box.kernel import clock, shapes, strict_json
from scriptrun_box.kernel.errors import Invalid
from scriptrun_box.kernel.texts import clean, phone
from scriptrun_box.packages.model import Content, cents
from scriptrun_box.packages.treatment import names_treatment

from . import texts
from .model import FIELDS, TEXT_FIELDS, OrderIn

BATCH_MAX = 100  # orders a request
DAYS_BACK, DAYS_AHEAD = 366, 731
UNKNOWN_FIELDS_SHOWN = 20  # warnings an order; a caller that sends more has seen enough

Item = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Places:
    """Where orders may go: the locations the caller may name, the default first."""

    locations: Sequence[Location]

    def find(self, pharmacy_id: str | None) -> Location | None:
        """The named location, or the default; None for one the caller may not name."""
        if pharmacy_id is None:
            return self.locations[0]
        return next((place for place in self.locations if place.id == pharmacy_id), None)


@dataclass(slots=True)
class Batch:
    """A read request: positions and contents of the good orders, errors and warnings of all."""

    indexes: list[int] = field(default_factory=list)
    contents: list[Content] = field(default_factory=list)
    errors: list[Item] = field(default_factory=list)  # {"index", "details"} for each refused order
    warnings: list[Item] = field(default_factory=list)


def read_batch(raw: bytes, places: Places, now: int) -> Batch:
    """Read a body of 1 to 100 orders, each on its own; raises Invalid for the body as a whole."""
    body = strict_json.load_object(raw)
    orders = body.get("orders")
    if orders is None:
        raise Invalid("The body needs a list named orders.", code="missing_orders")
    if not isinstance(orders, list):
        raise Invalid("orders must be a list.", code="missing_orders")
    if not orders:
        raise Invalid("The list of orders is empty.", code="empty_batch")
    if len(orders) > BATCH_MAX:
        sentence = f"A request takes at most {BATCH_MAX} orders; nothing was stored."
        raise Invalid(sentence, code="too_many_orders")
    batch = Batch()
    today = _Today(now)
    for index, order in enumerate(orders):
        reading = _Reading(places, today)
        content = reading.read(order)
        for warning in reading.warnings:
            batch.warnings.append({"index": index, **warning})
        if content is None:
            batch.errors.append({"index": index, "details": reading.problems})
        else:
            batch.indexes.append(index)
            batch.contents.append(content)
    return batch


def read_order(
    order: Any, places: Places, now: int
) -> tuple[Content | None, list[Item], list[Item]]:
    """(content or None, problems, warnings) of a single order, as forms and edits need it."""
    reading = _Reading(places, _Today(now))
    return reading.read(order), reading.problems, reading.warnings


class _Today:
    """The calendar date in each time zone at one moment, worked out once per request."""

    def __init__(self, now: int) -> None:
        self._now = now
        self._dates: dict[str, str] = {}

    def at(self, time_zone: str) -> str:
        if time_zone not in self._dates:
            self._dates[time_zone] = clock.local_date(self._now, time_zone)
        return self._dates[time_zone]


class _Reading:
    """One order on its way from JSON to content."""

    def __init__(self, places: Places, today: _Today) -> None:
        self.places = places
        self.today = today
        self.problems: list[Item] = []
        self.warnings: list[Item] = []

    def read(self, order: Any) -> Content | None:
        if not isinstance(order, dict):
            self.refuse("", "wrong_type", "An order must be a JSON object.")
            return None
        given = self._known(order)
        try:
            read = OrderIn.model_validate(given)
        except ValidationError as error:
            self.problems = shapes.problems(error, given) + self.problems
            return None
        content = self._content(read)
        return None if self.problems else content

    def refuse(self, name: str, code: str, message: str) -> None:
        self.problems.append({"field": name, "code": code, "message": message})

    def warn(self, name: str, code: str, message: str, **more: Any) -> None:
        self.warnings.append({"field": name, "code": code, "message": message, **more})

    def _known(self, order: dict[str, Any]) -> dict[str, Any]:
        """The known fields that say something, with cleaned texts; the others only warn."""
        given: dict[str, Any] = {}
        unknown = 0
        for position, (name, value) in enumerate(order.items()):
            if name not in FIELDS:
                unknown += 1
                if unknown <= UNKNOWN_FIELDS_SHOWN:
                    shown = strict_json.shown_name(name, position)
                    self.warn(shown, "unknown_field", "This field is not known and was ignored.")
            elif value is not None:
                cleaned = self._cleaned(name, value)
                if not (cleaned == "" and name in TEXT_FIELDS):
                    given[name] = cleaned
        return given

    def _cleaned(self, name: str, value: Any) -> Any:
        if type(value) is str:
            made = clean(value, lines=name == "notes")
            if made is None:
                self.refuse(name, "bad_characters", f"{name} has control characters.")
                return "-"  # stands in for the rest of the checks; the order is refused anyway
            if made[1]:
                self.warn(name, "characters_removed", f"Invisible characters left {name}.")
            return made[0]
        if type(value) is int and name == "copay_amount":
            return Decimal(value)
        if type(value) is list and name == "medications":
            return [self._cleaned(name, entry) for entry in value]
        return value

    def _content(self, order: OrderIn) -> Content | None:
        place = self.places.find(order.pharmacy_id)
        if place is None:
            self.refuse("pharmacy_id", "unknown_location", "There is no such location.")
            return None
        controlled, schedule = self._controlled(order)
        incomplete = texts.address_incomplete(order.patient_address)
        if incomplete:
            self.warn(
                "patient_address",
                "address_incomplete",
                "The address lacks a house number, or both ZIP and state.",
            )
        withheld = bool(order.notes) and names_treatment(
            order.notes or "", order.rx_number, order.medications
        )
        if withheld:
            self.warn(
                "notes", "notes_withheld", "The notes name the treatment: not for the driver."
            )
        return Content(
            location_id=place.id,
            patient_name=order.patient_name,
            patient_address=order.patient_address,
            patient_phone=self._phone(order.patient_phone),
            rx_number=order.rx_number,
            medications=order.medications,
            copay_cents=cents(order.copay_amount),
            priority=order.priority,
            delivery_date=self._delivery_date(order.delivery_date, self.today.at(place.time_zone)),
            requires_signature=order.requires_signature or controlled,
            cold_chain=order.cold_chain,
            controlled_substance=controlled,
            dea_schedule=schedule,
            external_patient_id=order.external_patient_id,
            notes=order.notes,
            notes_withheld=withheld,
            barcode=order.barcode,
            fill_number=order.fill_number,
            fill_date=order.fill_date,
            deliver_after=order.deliver_after,
            deliver_by=order.deliver_by,
            address_incomplete=incomplete,
        )

    def _phone(self, text: str | None) -> str | None:
        if text is None:
            return None
        made = phone(text)
        if made is None:
            self.refuse("patient_phone", "bad_format", "patient_phone must be in E.164 (+1…).")
            return None
        if made[1]:
            self.warn("patient_phone", "phone_normalised", "patient_phone was turned into E.164.")
        return made[0]

    def _delivery_date(self, text: str | None, today: str) -> str:
        if text is None or text == today:
            return today
        days = (date.fromisoformat(text) - date.fromisoformat(today)).days
        if days < -DAYS_BACK:
            self.refuse("delivery_date", "too_small", "delivery_date is at most a year back.")
        elif days > DAYS_AHEAD:
            self.refuse("delivery_date", "too_large", "delivery_date is at most two years ahead.")
        elif days < 0:
            self.warn("delivery_date", "delivery_date_in_past", "delivery_date is in the past.")
        return text

    def _controlled(self, order: OrderIn) -> tuple[bool, str | None]:
        controlled, schedule = order.controlled_substance, order.dea_schedule
        if controlled is False and schedule:
            self.refuse(
                "dea_schedule", "conflict", "dea_schedule contradicts controlled_substance: false."
            )
        elif controlled and not schedule:
            self.warn(
                "dea_schedule", "dea_schedule_missing", "The strictest rules apply until release."
            )
        elif schedule and controlled is None:
            self.warn(
                "controlled_substance",
                "controlled_substance_inferred",
                "Taken as controlled because a schedule is given.",
            )
            controlled = True
        return bool(controlled), schedule
