"""The words of addresses: a place as stored, what people may decide about it, and its wire form."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from scriptrun_box.kernel.clock import iso, iso_or_none
from scriptrun_box.kernel.scope import Scope
from scriptrun_box.packages.model import Location

from .reading import Parts

PART_MAX = 128  # characters
NUMBER_MAX = 20

State = Literal["located", "waiting", "to_check"]
STATES: tuple[str, ...] = get_args(State)

# Why an address is not located: the code on the wire, and what the desk reads.
REASONS = {
    "no_street": "There is no street in it.",
    "no_number": "There is no house number in it.",
    "no_town": "It names neither a ZIP nor a town with its state.",
    "po_box": "A post office box has no door to deliver to.",
    "abroad": "It lies outside the United States.",
    "too_long": "There is more in it than an address.",
    "unreadable": "It could not be read.",
    "zip_unknown": "There is no such ZIP.",
    "zip_state": "The ZIP belongs to another state.",
    "zip_town": "The ZIP lies far from the town.",
    "only_zip": "Only the middle of its ZIP is known.",
    "nowhere": "No list of addresses in the box has it, and nobody else was asked.",
    "not_found": "The geocoder does not know it.",
    "no_answer": "The geocoder did not answer.",
    "same_point": "The geocoder gives one and the same point for different addresses.",
    "far_from_zip": "The geocoder puts it far from its ZIP.",
    "queued": "It is being looked for.",
}

Latitude = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
Longitude = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]
Part = Annotated[str, Field(max_length=PART_MAX)]


def _five_digits(text: str) -> str:
    if not re.fullmatch(r"([0-9]{5})?", text):
        raise PydanticCustomError("bad_format", "is five digits, or empty")
    return text


Zip = Annotated[str, AfterValidator(_five_digits)]


class AcceptIn(BaseModel):
    """The body that says a place is right as it is; `version` is the one the caller has seen."""

    model_config = ConfigDict(strict=True, extra="forbid")

    version: int | None = None


class PinIn(AcceptIn):
    """The body that says where a door is, in degrees."""

    lat: Latitude
    lng: Longitude


class CorrectIn(AcceptIn):
    """The body that says what an address should have been."""

    number: Annotated[str, Field(min_length=1, max_length=NUMBER_MAX)]
    street: Annotated[str, Field(min_length=1, max_length=PART_MAX)]
    unit: Part = ""
    extra: Part = ""
    town: Part = ""
    state: Annotated[str, Field(max_length=30)] = ""
    zip: Zip = ""


@dataclass(frozen=True, slots=True)
class Place:
    """A door as stored; times in unix milliseconds."""

    seq: int
    id: str
    tenant_id: str
    test: bool
    door: str
    building: str
    text: str
    parts: Parts
    middle: tuple[float, float] | None
    state: State
    reason: str
    location: Location | None
    same_as: str | None
    corrected: str | None  # how somebody at the desk wrote it
    tries: int
    next_at: int | None
    asked_at: int | None
    decided_at: int | None
    decided_by: str | None
    version: int
    created_at: int
    updated_at: int

    @property
    def scope(self) -> Scope:
        return Scope(self.tenant_id, self.test)


@dataclass(frozen=True, slots=True)
class Point:
    """An address point of a loaded file."""

    street: str
    number: str
    zip: str
    town: str
    unit: str
    lat: float
    lng: float


def wire(place: Place) -> dict[str, Any]:
    """A place as callers see it."""
    return {
        "id": place.id,
        "address": place.text,
        "parts": asdict(place.parts),
        "door": place.door,
        "same_as": place.same_as,
        "state": place.state,
        "reason": place.reason or None,
        "location": None if place.location is None else asdict(place.location),
        "asked_at": iso_or_none(place.asked_at),
        "decided_at": iso_or_none(place.decided_at),
        "decided_by": place.decided_by,
        "test": place.test,
        "version": place.version,
        "created_at": iso(place.created_at),
        "updated_at": iso(place.updated_at),
    }


def place_of(row: Mapping[str, Any]) -> Place:
    """A stored row as a place."""
    located = row["lat"] is not None
    return Place(
        seq=row["seq"],
        id=row["id"],
        tenant_id=row["tenant_id"],
        test=bool(row["test"]),
        door=row["door"],
        building=row["building"],
        text=row["text"],
        parts=Parts(
            row["number"],
            row["street"],
            row["unit"],
            row["extra"],
            row["town"],
            row["state_code"],
            row["zip"],
        ),
        middle=None if row["zip_lat"] is None else (row["zip_lat"], row["zip_lng"]),
        state=row["state"],
        reason=row["reason"],
        location=(
            Location(row["lat"], row["lng"], row["source"], row["confidence"]) if located else None
        ),
        same_as=row["same_as"],
        corrected=row["corrected"],
        tries=row["tries"],
        next_at=row["next_at"],
        asked_at=row["asked_at"],
        decided_at=row["decided_at"],
        decided_by=row["decided_by"],
        version=row["version"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )
