"""What the desk knows of a driver's phones, and how it is said."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from scriptrun_box.delivery.phone import store
from scriptrun_box.delivery.phone.model import Phone, Place
from scriptrun_box.kernel.clock import MINUTE_MS
from scriptrun_box.kernel.db import Reader
from scriptrun_box.kernel.scope import Scope

CLOCK_TOLD_MS = 2 * MINUTE_MS  # a phone's clock that is further off is said so


@dataclass(frozen=True, slots=True)
class Known:
    """What the desk knows of a driver's phones."""

    phones: list[Phone]
    place: Place | None
    odd: int  # acts that did not count, and nobody has looked at

    @property
    def heard_at(self) -> int | None:
        return max((phone.heard_at for phone in self.phones), default=None)


def known(r: Reader, scope: Scope, driver_id: str) -> Known:
    """A driver's phones, for their page."""
    return Known(
        store.of_driver(r, driver_id),
        store.place(r, driver_id),
        store.count_unseen(r, scope.tenant_id, driver_id),
    )


def clock_words(phone: Phone) -> str:
    """What is wrong with a phone's clock; empty where it is right."""
    off = abs(phone.ahead_ms)
    if off < CLOCK_TOLD_MS:
        return ""
    return f"its clock is {off // MINUTE_MS} min {'ahead' if phone.ahead_ms > 0 else 'behind'}"


FILTERS: dict[str, Callable[..., Any]] = {"clock_words": clock_words}
