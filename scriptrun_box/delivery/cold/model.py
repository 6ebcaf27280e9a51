"""The words of the cold chain: bags, pack-outs, readings, quarantines; and each on the wire."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NamedTuple, get_args

from pydantic import BaseModel, ConfigDict, Field

from scriptrun_box.kernel.clock import MINUTE_MS, iso, iso_or_none
from scriptrun_box.packages.model import Package

NAME_MAX, INDICATOR_MAX, WORDS_MAX, ID_MAX = 60, 60, 1_000, 64  # characters
HOLD_MINUTES_MAX = 7 * 24 * 60  # a week
GEL_PACKS_MAX = 50
COLDEST, WARMEST = -90.0, 90.0  # °C: beyond it a thermometer is broken, or it was Fahrenheit
FILE_CHARS_MAX = 700_000  # of a logger file: what fits in a body of 1 MiB, escaped
RULE_MINUTES_MAX = 24 * 60
DECIMALS = 2  # of a temperature
READINGS_TOLD = 1_000  # the newest; the CSV file has them all

Indicator = Literal["unchanged", "changed"]
Disposition = Literal["release", "redeliver", "return", "destroy"]
Unit = Literal["C", "F"]
INDICATORS: tuple[str, ...] = get_args(Indicator)

BagName = Annotated[str, Field(min_length=1, max_length=NAME_MAX)]
HoldMinutes = Annotated[int, Field(ge=1, le=HOLD_MINUTES_MAX)]
Celsius = Annotated[float, Field(ge=COLDEST, le=WARMEST, allow_inf_nan=False)]
Minutes = Annotated[int, Field(ge=0, le=RULE_MINUTES_MAX)]


class BagIn(BaseModel):
    """A new bag: what stands on it, and how long it was qualified to keep cold."""

    model_config = ConfigDict(strict=True, extra="forbid")

    name: BagName
    hold_minutes: HoldMinutes


class BagChangeIn(BaseModel):
    """A change of a bag: what is absent stays; `version` is the one the caller has seen."""

    model_config = ConfigDict(strict=True, extra="forbid")

    name: BagName = ""
    hold_minutes: HoldMinutes = 1
    retired: bool = False
    version: int | None = None


class PackIn(BaseModel):
    """A pack-out: into which bag, with how many gel packs, at how many °C."""

    model_config = ConfigDict(strict=True, extra="forbid")

    bag_id: Annotated[str, Field(max_length=ID_MAX)]
    gel_packs: int = Field(0, ge=0, le=GEL_PACKS_MAX)
    celsius: Celsius
    indicator_id: Annotated[str, Field(max_length=INDICATOR_MAX)] | None = None


class ReadingIn(BaseModel):
    """A reading of a thermometer or an indicator; without a time it is of now."""

    model_config = ConfigDict(strict=True, extra="forbid")

    celsius: Celsius | None = None
    indicator: Indicator | None = None
    at: Annotated[str, Field(max_length=40)] | None = None


class LoggerIn(BaseModel):
    """A logger's file as text; `unit` where its heading does not say it."""

    model_config = ConfigDict(strict=True, extra="forbid")

    csv: Annotated[str, Field(min_length=1, max_length=FILE_CHARS_MAX)]
    unit: Unit | None = None


class RuleIn(BaseModel):
    """What counts as an excursion: beyond these °C for at least so many minutes."""

    model_config = ConfigDict(strict=True, extra="forbid")

    low: Celsius
    low_minutes: Minutes
    high: Celsius
    high_minutes: Minutes


@dataclass(frozen=True, slots=True)
class Rule:
    """The same as stored. The default is that of a state's vaccine programme (DOMAIN.md 2)."""

    low: float = 2.0
    low_minutes: int = 0
    high: float = 8.0
    high_minutes: int = 60


@dataclass(frozen=True, slots=True)
class Bag:
    """An insulated bag."""

    id: str
    name: str
    hold_minutes: int
    version: int
    created_at: int
    retired_at: int | None


@dataclass(frozen=True, slots=True)
class Pack:
    """A pack-out; times in unix milliseconds."""

    id: str
    package_id: str
    bag_id: str
    bag: str
    gel_packs: int
    celsius: float
    indicator_id: str | None
    packed_at: int
    packed_by: str
    hold_until: int
    ended_at: int | None
    ended_by: str | None


class Reading(NamedTuple):  # there are thousands of them
    """What a thermometer, a logger or an indicator said."""

    series: str  # hand, logger
    at: int
    place: str  # pack, desk, door, logger
    celsius: float | None
    indicator: str | None
    taken_by: str
    recorded_at: int


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that should not have been: warm, cold, indicator, or hold (its limit passed)."""

    kind: str
    began_at: int
    ended_at: int | None
    worst: float | None  # °C

    @property
    def minutes(self) -> int | None:
        """How long it lasted."""
        return None if self.ended_at is None else (self.ended_at - self.began_at) // MINUTE_MS


@dataclass(frozen=True, slots=True)
class LoggerFile:
    """A file that was read in, and what could not be."""

    id: str
    unit: str
    readings: int
    added: int
    bad: int
    problems: tuple[tuple[int, str], ...]  # line as an editor counts it, why
    imported_at: int
    imported_by: str


@dataclass(frozen=True, slots=True)
class Quarantine:
    """Why a package may not be used, and what the pharmacist decided."""

    id: str
    package_id: str
    opened_at: int
    opened_by: str
    findings: tuple[Finding, ...]
    decided_at: int | None
    decided_by: str | None
    disposition: str | None
    words: str | None


@dataclass(frozen=True, slots=True)
class Story:
    """All that is known of a package's temperature; `counted` are the readings since its pack-out,
    until it was delivered."""

    package: Package
    rule: Rule
    packs: tuple[Pack, ...]
    readings: tuple[Reading, ...]
    counted: tuple[Reading, ...]
    findings: tuple[Finding, ...]
    mean_kinetic: float | None
    files: tuple[LoggerFile, ...]
    quarantines: tuple[Quarantine, ...]

    @property
    def pack(self) -> Pack | None:
        """The pack-out that holds, or held last."""
        return self.packs[-1] if self.packs else None

    @property
    def waiting(self) -> Quarantine | None:
        """The quarantine that a pharmacist has to decide."""
        return next((each for each in self.quarantines if each.decided_at is None), None)


def fahrenheit(celsius: float) -> float:
    """The same temperature in °F."""
    return celsius * 9 / 5 + 32


def celsius_of(degrees: float, unit: str) -> float:
    """°C, rounded as it is stored."""
    return round(degrees if unit == "C" else (degrees - 32) * 5 / 9, DECIMALS)


def bag_wire(bag: Bag) -> dict[str, Any]:
    """A bag as callers see it."""
    return {
        "id": bag.id,
        "name": bag.name,
        "hold_minutes": bag.hold_minutes,
        "retired_at": iso_or_none(bag.retired_at),
        "version": bag.version,
        "created_at": iso(bag.created_at),
    }


def pack_wire(pack: Pack) -> dict[str, Any]:
    """A pack-out as callers see it."""
    return {
        "id": pack.id,
        "bag_id": pack.bag_id,
        "bag": pack.bag,
        "gel_packs": pack.gel_packs,
        "celsius": pack.celsius,
        "indicator_id": pack.indicator_id,
        "packed_at": iso(pack.packed_at),
        "packed_by": pack.packed_by,
        "hold_until": iso(pack.hold_until),
        "ended_at": iso_or_none(pack.ended_at),
    }


def reading_wire(reading: Reading) -> dict[str, Any]:
    """A reading as callers see it."""
    return {
        "at": iso(reading.at),
        "place": reading.place,
        "celsius": reading.celsius,
        "indicator": reading.indicator,
        "taken_by": reading.taken_by,
    }


def finding_wire(finding: Finding) -> dict[str, Any]:
    """A finding as callers see it."""
    return {
        "kind": finding.kind,
        "began_at": iso(finding.began_at),
        "ended_at": iso_or_none(finding.ended_at),
        "minutes": finding.minutes,
        "worst_celsius": finding.worst,
    }


def quarantine_wire(each: Quarantine) -> dict[str, Any]:
    """A quarantine as callers see it; the pharmacist's own words stay on the screens."""
    return {
        "id": each.id,
        "opened_at": iso(each.opened_at),
        "findings": [finding_wire(finding) for finding in each.findings],
        "decided_at": iso_or_none(each.decided_at),
        "decided_by": each.decided_by,
        "disposition": each.disposition,
    }


def story_wire(story: Story) -> dict[str, Any]:
    """A package's temperature as callers see it."""
    package, pack = story.package, story.pack
    return {
        "package_id": package.id,
        "cold_chain": package.content.cold_chain,
        "packed_at": iso_or_none(package.packed_at),
        "hold_until": iso_or_none(package.keeps_until),
        "quarantined_at": iso_or_none(package.quarantined_at),
        "pack": pack and pack_wire(pack),
        "mean_kinetic_celsius": rounded(story.mean_kinetic),
        "excursions": [finding_wire(each) for each in story.findings],
        "quarantines": [quarantine_wire(each) for each in story.quarantines],
        "readings": [reading_wire(each) for each in story.readings[-READINGS_TOLD:]],
    }


def rounded(celsius: float | None) -> float | None:
    """A temperature as it is shown to programs."""
    return None if celsius is None else round(celsius, DECIMALS)


def findings_text(findings: Sequence[Finding]) -> str:
    """Findings as the file keeps them."""
    return json.dumps([[f.kind, f.began_at, f.ended_at, f.worst] for f in findings])


def bag_of(row: Mapping[str, Any]) -> Bag:
    """A stored row as a bag."""
    return Bag(
        id=row["id"],
        name=row["name"],
        hold_minutes=row["hold_minutes"],
        version=row["version"],
        created_at=row["created_at"],
        retired_at=row["retired_at"],
    )


def quarantine_of(row: Mapping[str, Any]) -> Quarantine:
    """A stored row as a quarantine."""
    return Quarantine(
        id=row["id"],
        package_id=row["package_id"],
        opened_at=row["opened_at"],
        opened_by=row["opened_by"],
        findings=tuple(Finding(*each) for each in json.loads(row["findings"])),
        decided_at=row["decided_at"],
        decided_by=row["decided_by"],
        disposition=row["disposition"],
        words=row["words"],
    )
