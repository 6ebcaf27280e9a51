"""What the running process has at hand: settings, the file, the limits."""

from collections.abc import Callable
from dataclasses import dataclass, field

from .audit import Looks
from .config import Settings
from .db import Database
from .limiter import Limiter


@dataclass(slots=True)
class Box:
    """Handed to every handler as `call.box`."""

    settings: Settings
    db: Database
    hosts: frozenset[str]
    is_set_up: Callable[[], bool]
    public_url: str
    limiter: Limiter = field(default_factory=Limiter)
    looks: Looks = field(default_factory=Looks)
