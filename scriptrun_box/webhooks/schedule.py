"""When to try again: quickly at first, then hourly, once more just before giving up. Pure.

Hourly to the end and not ever more slowly, because a receiver that is switched off overnight
then hears of everything about half an hour after it is back.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass

from scriptrun_box.kernel.clock import HOUR_MS, MINUTE_MS, SECOND_MS
from scriptrun_box.kernel.config import WebhooksSettings

SPREAD = (0.8, 1.2)  # each delay is multiplied by something between, so that retries do not march
LAST_TRY_BEFORE_MS = MINUTE_MS  # before the deadline
LAST_TRY_SHARE = 10  # at most this part of a short give-up time
RETRY_AFTER_MAX_MS = HOUR_MS
FAR_AHEAD_SLACK_MS = 5 * MINUTE_MS

Spread = Callable[[], float]


def any_spread() -> float:
    """One factor between 0.8 and 1.2."""
    return random.uniform(*SPREAD)  # noqa: S311 - jitter, not a secret


@dataclass(frozen=True, slots=True)
class Schedule:
    """`delays_ms` after the first, second, … failure (the last one repeats), until `give_up_ms`."""

    delays_ms: tuple[int, ...]
    give_up_ms: int
    spread: Spread = any_spread

    @classmethod
    def of(cls, settings: WebhooksSettings) -> "Schedule":
        """As the owner set it."""
        delays = tuple(seconds * SECOND_MS for seconds in settings.retry_delays)
        return cls(delays, settings.give_up_after * SECOND_MS)

    def next_at(
        self, now: int, failures: int, deadline: int, not_before: int | None = None
    ) -> int | None:
        """When to try again after `failures` failures (the latest at `now`); None to give up.

        `not_before` is what the receiver asked for. The last try comes shortly before `deadline`
        whatever it asked; one that fails at or behind that moment is the end.
        """
        step = min(failures, len(self.delays_ms)) - 1
        planned = max(now + round(self.delays_ms[step] * self.spread()), not_before or 0)
        last = deadline - min(LAST_TRY_BEFORE_MS, self.give_up_ms // LAST_TRY_SHARE)
        if planned < last:
            return planned
        return last if now < last else None

    @property
    def furthest_ms(self) -> int:
        """How far ahead a row may lie; one that lies further was put there by a wrong clock."""
        longest = max(*self.delays_ms, RETRY_AFTER_MAX_MS)
        return round(longest * SPREAD[1]) + FAR_AHEAD_SLACK_MS
