"""What the running process has at hand: settings, the file, the limits."""

from collections.abc import Callable
from dataclasses import dataclass, field

from .audit import Looks
from .config import Settings
from .db import Database
from .disk import Disk
from .limiter import Limiter
from .links import Links
from .publisher import Publisher


@dataclass(slots=True)
class Box:
    """Handed to every handler as `call.box`."""

    settings: Settings
    db: Database
    hosts: frozenset[str]
    is_set_up: Callable[[], bool]
    links: Links
    disk: Disk
    publisher: Publisher
    limiter: Limiter = field(default_factory=Limiter)
    looks: Looks = field(default_factory=Looks)

    @property
    def public_url(self) -> str:
        """The address callers reach the box at, without a slash at its end."""
        return self.links.public_url
