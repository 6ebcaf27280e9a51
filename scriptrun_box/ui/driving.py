"""A driver as screens say it: state, what they may carry, whom a package can be given to."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from scriptrun_box.drivers import store
from scriptrun_box.drivers.actions import ACTIVE_MAX
from scriptrun_box.drivers.model import Driver
from scriptrun_box.kernel.db import Reader
from scriptrun_box.kernel.scope import Scope
from scriptrun_box.packages import store as packages
from scriptrun_box.packages.model import Package
from scriptrun_box.packages.store import Carried

EMPLOYMENT_WORDS = {
    "employee": "Employee",
    "contractor": "Contractor",
    "agency": "Agency",
    "volunteer": "Volunteer",
}
CAPABILITY_WORDS = {
    "cold_chain": "Cold chain",
    "controlled": "Controlled",
    "card_reader": "Card reader",
}
FIELD_WORDS = {
    "name": "Name",
    "phone": "Phone",
    "employment": "Employment",
    "vehicle": "Vehicle",
    "capacity": "Capacity",
    "capabilities": "May carry",
    "pharmacy_id": "Starts from",
}
BETTER_WORDS = {
    ("name", "too_short"): "A driver needs a name.",
    ("phone", "bad_format"): "Write it with its area code, such as 305 555 1234.",
    ("capacity", "wrong_type"): "Write a whole number of packages, such as 40.",
    ("capacity", "too_small"): "At least one package goes in, or leave it empty.",
    ("capacity", "too_large"): "That is more than one vehicle takes.",
}


@dataclass(frozen=True, slots=True)
class Choice:
    """A driver in the list a package is given from; `problem` is why it cannot be to them."""

    driver_id: str
    label: str
    problem: str


def state(driver: Driver) -> tuple[str, str]:
    """(word, tone) of the pill."""
    if not driver.active:
        return "Left", ""
    if not driver.on_shift:
        return "Off shift", ""
    return ("Online", "ok") if driver.online else ("Offline", "warn")


def load_parts(carried: Carried) -> list[str]:
    """What somebody has right now, in words."""
    counts = ((carried.assigned, "assigned"), (carried.out, "out"))
    return [f"{count:,} {word}" for count, word in counts if count] or ["nothing"]


def load(carried: Carried, capacity: int | None = None) -> str:
    """The same as one text, with how much goes in."""
    text = ", ".join(load_parts(carried))
    return f"{text}, room for {capacity:,}" if capacity else text


def choices(r: Reader, scope: Scope, package: Package) -> Sequence[Choice]:
    """Whom a package can be given to, those on shift first; the one who has it is left out."""
    drivers = store.by_name(r, scope, store.Filter(active=True), ACTIVE_MAX)
    carried = packages.carried(r, scope, (driver.id for driver in drivers))
    return [
        Choice(
            driver.id,
            f"{driver.name} · {state(driver)[0].lower()}"
            f" · {load(carried.get(driver.id, Carried()))}",
            problem(driver, package),
        )
        for driver in drivers
        if package.status != "assigned" or driver.id != package.driver_id
    ]


def problem(driver: Driver, package: Package) -> str:
    """Why a driver cannot have a package; empty where they can."""
    if package.content.cold_chain and not driver.may("cold_chain"):
        return "may not carry cold packages"
    if package.content.controlled_substance and not driver.may("controlled"):
        return "may not carry controlled substances"
    return ""


FILTERS: dict[str, Callable[..., Any]] = {
    "driver_state": state,
    "load": load,
    "load_parts": load_parts,
    "employment_word": EMPLOYMENT_WORDS.__getitem__,
    "capability_word": CAPABILITY_WORDS.__getitem__,
}
