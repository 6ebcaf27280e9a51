"""The words of phones: a phone, a code to add one, the acts it tells, and the answer to each."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from scriptrun_box.delivery.cold.model import Celsius, Indicator
from scriptrun_box.delivery.model import IdKind, Method, Relation
from scriptrun_box.kernel.texts import clean
from scriptrun_box.packages.lifecycle import FailureReason

ACTS_MAX = 500  # in one body
PACKAGES_MAX = 300  # of one act
MILLISECONDS_MAX = 2**48
NAME_MAX, NUMBER_MAX, NOTE_MAX, WHY_MAX = 200, 64, 500, 200  # characters
CENTS_MAX = 10_000_000
PAYMENTS_MAX = 10  # of one package
STROKES_MAX, POINTS_MAX = 400, 5_000  # of a signature; what is none is refused by who draws it
ACCURACY_MAX = 1_000_000.0  # metres

Outcome = Literal["taken", "already", "conflict", "refused"]

Id = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
RouteId = Annotated[str, Field(pattern=r"^rte_[0-9a-f]{32}$")]
Ids = Annotated[list[Id], Field(min_length=1, max_length=PACKAGES_MAX)]
Milliseconds = Annotated[int, Field(ge=0, le=MILLISECONDS_MAX)]
Latitude = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
Longitude = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]
Accuracy = Annotated[float, Field(ge=0, le=ACCURACY_MAX, allow_inf_nan=False)]
Point = Annotated[list[float], Field(min_length=2, max_length=3)]
Stroke = Annotated[list[Point], Field(max_length=POINTS_MAX)]


def _line(text: str) -> str:
    made = clean(text)
    if made is None or not made[0]:
        raise PydanticCustomError("bad_format", "is a line of words")
    return made[0]


Line = Annotated[str, AfterValidator(_line)]
Why = Annotated[Line, Field(max_length=WHY_MAX)]


class _Shape(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")


class ActsIn(_Shape):
    """What a phone tells: its acts in the order they were done, and what its clock says now."""

    acts: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=ACTS_MAX)]
    sent_at: Milliseconds


class ActIn(_Shape):
    """An act that needs no more words: a shift starts or ends, the driver goes on or offline."""

    id: Id
    kind: str
    at: Milliseconds  # by the phone's clock


class LoadIn(ActIn):
    """Packages were taken out of the pharmacy and into the car, or are `missing` there."""

    package_ids: Ids
    missing: bool = False


class RouteIn(ActIn):
    """A route is started or finished."""

    route_id: RouteId


class NoteIn(ActIn):
    """Words for the desk, about a package or about the day."""

    text: Annotated[str, Field(min_length=1, max_length=NOTE_MAX)]
    package_id: Id | None = None


class StoodIn(_Shape):
    """Where a phone was, in degrees and metres."""

    lat: Latitude
    lng: Longitude
    accuracy_m: Accuracy | None = None


class PositionIn(ActIn):
    """Where the driver is."""

    place: StoodIn


class ReadingIn(_Shape):
    """What the thermometer or the indicator of a cold package said at the door."""

    celsius: Celsius | None = None
    indicator: Indicator | None = None


class DoorIn(ActIn):
    """What every act at a door has: the packages, the place or why there is none, the photo."""

    package_ids: Ids
    readings: dict[Id, ReadingIn] = {}
    place: StoodIn | None = None
    no_place: Why | None = None
    photo: bool = False
    no_photo: Why | None = None
    note: Annotated[str, Field(max_length=NOTE_MAX)] | None = None


class FailIn(DoorIn):
    """Packages could not be delivered."""

    reason: FailureReason


class IdentificationIn(_Shape):
    """A document that was looked at."""

    kind: IdKind
    jurisdiction: Annotated[Line, Field(max_length=NUMBER_MAX)]
    number: Annotated[Line, Field(max_length=NUMBER_MAX)]


class RecipientIn(_Shape):
    """Who took the packages."""

    name: Annotated[Line, Field(max_length=NAME_MAX)]
    relation: Relation
    identification: IdentificationIn | None = None


class PaymentIn(_Shape):
    """One payment of one package's copay, in cents."""

    method: Method
    cents: Annotated[int, Field(ge=0, le=CENTS_MAX)]
    check_number: Annotated[str, Field(max_length=NUMBER_MAX)] | None = None
    card_last_four: Annotated[str, Field(pattern=r"^[0-9]{4}$")] | None = None
    authorization: Annotated[str, Field(max_length=NUMBER_MAX)] | None = None
    approved_by: Annotated[str, Field(max_length=NAME_MAX)] | None = None
    reason: Annotated[str, Field(max_length=WHY_MAX)] | None = None


class DeliverIn(DoorIn):
    """Packages were handed over, or left at the door; payments by package."""

    how: Literal["to_person", "left_at_door"]
    recipient: RecipientIn | None = None
    signature: Annotated[list[Stroke], Field(max_length=STROKES_MAX)] | None = None
    no_signature: Why | None = None
    payments: dict[Id, Annotated[list[PaymentIn], Field(max_length=PAYMENTS_MAX)]] = {}


@dataclass(frozen=True, slots=True)
class Phone:
    """A phone that was added; times in unix milliseconds."""

    id: str
    tenant_id: str
    driver_id: str
    name: str
    page_digest: bytes
    joined_at: int
    heard_at: int
    ahead_ms: int
    revoked_at: int | None
    revoked_by: str | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of an act; `details` says for each package that stays as it was, why."""

    id: str
    outcome: Outcome
    code: str = ""
    sentence: str = ""
    was: str = ""  # of one told before: what became of it then
    details: tuple[Mapping[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Told:
    """An act as stored."""

    seq: int
    id: str
    driver_id: str
    phone_id: str
    kind: str
    package_ids: tuple[str, ...]
    digest: bytes
    device_at: int
    acted_at: int
    received_at: int
    outcome: str
    code: str
    sentence: str
    seen_at: int | None
    seen_by: str | None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a driver was last."""

    at: int
    lat: float
    lng: float
    accuracy_m: float | None


OUTCOMES: tuple[str, ...] = get_args(Outcome)


def answer_wire(answer: Answer) -> dict[str, Any]:
    """An answer as the phone gets it."""
    return {
        "id": answer.id,
        "outcome": answer.outcome,
        "was": answer.was or answer.outcome,
        "code": answer.code,
        "sentence": answer.sentence,
        "details": [dict(each) for each in answer.details],
    }


def phone_of(row: Mapping[str, Any]) -> Phone:
    """A stored row as a phone."""
    return Phone(**{name: row[name] for name in Phone.__dataclass_fields__})
