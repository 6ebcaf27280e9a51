"""Identifiers: opaque, unguessable, and increasing with time so that B-trees append."""

import secrets
import time

RANDOM_BITS = 74


def hex_id() -> str:
    """32 hex digits: 54 bits of microseconds, then 74 random bits (so two never meet)."""
    return f"{time.time_ns() // 1000 << RANDOM_BITS | secrets.randbits(RANDOM_BITS):032x}"


def prefixed(prefix: str) -> str:
    """An id people can tell the kind of: evt_…, key_…, usr_…"""
    return f"{prefix}_{hex_id()}"


def token() -> str:
    """256 random bits for links, sessions and keys, safe in a URL."""
    return secrets.token_urlsafe(32)


def request_id() -> str:
    """A short id that ties an answer to its log line."""
    return f"req_{secrets.token_hex(8)}"
