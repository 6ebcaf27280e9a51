"""Facts about the file itself, by name: the table `meta`."""

from . import copies
from .db import Reader, Writer


def get(r: Reader, key: str) -> str | None:
    """A fact, or None where the file does not know it."""
    value: str | None = r.value("SELECT value FROM meta WHERE key = ?", (key,))
    return value


def known(r: Reader, key: str) -> str:
    """A fact that every file holds from its first day."""
    value = get(r, key)
    assert value is not None, key
    return value


def put(w: Writer, key: str, value: str) -> None:
    """Note a fact over what was known."""
    copies.set_meta(w.connection, **{key: value})
