"""Facts about the file itself, by name: the table `meta`."""

from . import copies
from .db import Reader, Writer


def get(r: Reader, key: str) -> str | None:
    """A fact, or None where the file does not know it."""
    value: str | None = r.value("SELECT value FROM meta WHERE key = ?", (key,))
    return value


def put(w: Writer, key: str, value: str) -> None:
    """Note a fact over what was known."""
    copies.set_meta(w.connection, **{key: value})
