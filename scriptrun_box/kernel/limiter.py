"""Sliding limits on requests: no window of 60 seconds lets more through, wherever it begins."""

from collections import deque
from dataclasses import dataclass, field

from . import clock
from .errors import RateLimited

WINDOW_SECONDS = 60.0
IDLE_SECONDS = 120.0  # a log nobody used for this long is forgotten


@dataclass(frozen=True, slots=True)
class Room:
    """What is left after a request was let through: for the RateLimit-* headers."""

    limit: int
    remaining: int
    reset_seconds: int


@dataclass(slots=True)
class _Log:
    """The moments of the requests let through within the window, oldest first."""

    moments: deque[float] = field(default_factory=deque)


class Limiter:
    """One exact log per (key, class of request), in memory: a restart begins a clean minute."""

    def __init__(self) -> None:
        self._logs: dict[tuple[str, str], _Log] = {}

    def take(self, key_id: str, rate: str, limit: int) -> Room:
        """Count one request, or raise RateLimited with the whole seconds until there is room."""
        now = clock.monotonic()
        log = self._logs.get((key_id, rate))
        if log is None:
            log = self._logs[(key_id, rate)] = _Log()
        moments = log.moments
        horizon = now - WINDOW_SECONDS
        while moments and moments[0] <= horizon:
            moments.popleft()
        if len(moments) >= limit:
            wait = whole_seconds(moments[0] - horizon) if moments else int(WINDOW_SECONDS)
            headers = {"Retry-After": str(wait), **headers_of(Room(limit, 0, wait))}
            raise RateLimited(headers=headers)
        moments.append(now)
        return Room(limit, limit - len(moments), whole_seconds(moments[0] - horizon))

    def peek(self, key_id: str, rate: str, limit: int) -> Room:
        """What is left, without counting a request."""
        log = self._logs.get((key_id, rate))
        horizon = clock.monotonic() - WINDOW_SECONDS
        used = sum(moment > horizon for moment in log.moments) if log else 0
        return Room(limit, max(limit - used, 0), int(WINDOW_SECONDS))

    def forget_idle(self) -> None:
        """Drop the logs of keys that have gone quiet; called by a heartbeat."""
        horizon = clock.monotonic() - IDLE_SECONDS
        for name, log in list(self._logs.items()):
            if not log.moments or log.moments[-1] <= horizon:
                del self._logs[name]


def whole_seconds(seconds: float) -> int:
    """Rounded up, at least 1: a caller that waits so long finds room."""
    return max(1, -int(-seconds // 1))


def headers_of(room: Room) -> dict[str, str]:
    """The three RateLimit headers of a keyed answer."""
    return {
        "RateLimit-Limit": str(room.limit),
        "RateLimit-Remaining": str(room.remaining),
        "RateLimit-Reset": str(room.reset_seconds),
    }
