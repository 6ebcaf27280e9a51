"""What callers send about controlled substances: who confirms stands in every body."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from scriptrun_box.drivers.model import PackageId

from .model import AT_ONCE_MAX, SEAL_MAX, WORDS_MAX, Decision, Schedule

TEXT_MAX = 256

Text = Annotated[str, Field(max_length=TEXT_MAX)]
Words = Annotated[str, Field(max_length=WORDS_MAX)]


class Body(BaseModel):
    """What every body of this slice has in common."""

    model_config = ConfigDict(strict=True, extra="forbid")


class PersonIn(Body):
    """Somebody of the staff, as they sign in."""

    email: Text
    password: Text


class DriverIn(Body):
    """A driver, with the PIN they chose."""

    driver_id: Text
    pin: Text


class ReleaseIn(Body):
    """A release: the pharmacist, the seal, and where a rule wants it who counted again."""

    pharmacist: PersonIn
    seal: Annotated[str, Field(min_length=1, max_length=SEAL_MAX)]
    dea_schedule: Schedule | None = None
    second: PersonIn | None = None


class BagIn(Body):
    """A package and the serial read from its bag."""

    package_id: PackageId
    seal: Annotated[str, Field(min_length=1, max_length=SEAL_MAX)]


class HandOverIn(Body):
    """A pharmacist gives packages to their driver."""

    pharmacist: PersonIn
    driver: DriverIn
    packages: Annotated[list[BagIn], Field(min_length=1, max_length=AT_ONCE_MAX)]


class TakeBackIn(Body):
    """A driver gives a package back to a pharmacist."""

    pharmacist: PersonIn
    driver: DriverIn
    seal: Annotated[str, Field(max_length=SEAL_MAX)] = ""
    seal_intact: bool
    count_ok: bool
    note: Words = ""


class DecideIn(Body):
    """What becomes of a package that is back."""

    pharmacist: PersonIn
    decision: Decision
    note: Words = ""
