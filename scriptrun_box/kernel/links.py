"""Signed links: an address that opens one thing to whoever holds it, until it expires."""

import hashlib
import hmac
from dataclasses import dataclass

from .clock import DAY_MS

LIFE_MS = 30 * DAY_MS


@dataclass(frozen=True, slots=True)
class Links:
    """Makes and checks links under the box's public address with the file's own secret."""

    public_url: str
    secret: str

    def make(self, path: str, now: int) -> str:
        """The full address of a path, good for 30 days."""
        expires = (now + LIFE_MS) // 1000
        return f"{self.public_url}{path}?expires={expires}&signature={self._sign(path, expires)}"

    def holds(self, path: str, expires: str, signature: str, now: int) -> bool:
        """Whether this is a link of ours that has not expired."""
        if not (expires.isascii() and expires.isdigit() and len(expires) < 15):
            return False
        wanted = self._sign(path, int(expires)).encode()
        return hmac.compare_digest(wanted, signature.encode()) and int(expires) * 1000 > now

    def _sign(self, path: str, expires: int) -> str:
        message = f"{path}\n{expires}".encode()
        return hmac.new(self.secret.encode(), message, hashlib.sha256).hexdigest()
