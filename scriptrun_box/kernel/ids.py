"""Identifiers: opaque, unguessable, and increasing with time so that B-trees append."""

import os
import random
import secrets
import threading
import time

RANDOM_BYTES = 9
POOL_BYTES = 4096  # read at once: each read lets go of the interpreter's lock

_pool = threading.local()


def hex_id() -> str:
    """32 hex digits: 14 of microseconds, then 18 random ones (so two never meet)."""
    return f"{time.time_ns() // 1000:014x}{_random_bytes().hex()}"


def _random_bytes() -> bytes:
    at = getattr(_pool, "at", POOL_BYTES)
    if at + RANDOM_BYTES > POOL_BYTES:
        _pool.unused, at = os.urandom(POOL_BYTES), 0
    _pool.at = at + RANDOM_BYTES
    taken: bytes = _pool.unused[at : _pool.at]
    return taken


def is_hex(text: str) -> bool:
    """Whether this could be a `hex_id`, of ours or of a client's making."""
    return len(text) == 32 and not text.strip("0123456789abcdef")


def prefixed(prefix: str) -> str:
    """An id people can tell the kind of: evt_…, key_…, usr_…"""
    return f"{prefix}_{hex_id()}"


def first_at(prefix: str, microseconds: int) -> str:
    """What every id made at that moment or later lies behind."""
    return f"{prefix}_{microseconds:014x}"


def moment_of(made: str) -> int:
    """The microsecond a prefixed id was made at."""
    return int(made.partition("_")[2][:14], 16)


def token() -> str:
    """256 random bits for links, sessions and keys, safe in a URL."""
    return secrets.token_urlsafe(32)


def request_id() -> str:
    """A short id that ties an answer to its log line; it opens nothing, so it may be guessed."""
    return f"req_{random.getrandbits(64):016x}"
