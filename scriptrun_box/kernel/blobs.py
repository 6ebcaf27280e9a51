"""Pictures and files within the one file: stored once by what they are, found by their SHA-256."""

import hashlib
from dataclasses import dataclass

from .db import Reader, Writer


@dataclass(frozen=True, slots=True)
class Blob:
    """A stored picture or file; `body` is None once it is no longer kept."""

    digest: bytes
    type: str
    body: bytes | None


def digest_of(body: bytes) -> bytes:
    """What a body is found by."""
    return hashlib.sha256(body).digest()


def put(w: Writer, type: str, body: bytes) -> bytes:
    """Store a body, unless the same one is there; its digest."""
    digest = digest_of(body)
    w.run(
        "INSERT INTO blobs (digest, type, size, body) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (digest, type, len(body), body),
    )
    return digest


def get(r: Reader, digest: bytes) -> Blob | None:
    """What is stored under a digest."""
    row = r.one("SELECT type, body FROM blobs WHERE digest = ?", (digest,))
    return None if row is None else Blob(digest, row["type"], row["body"])


def type_of(r: Reader, digest: bytes) -> str | None:
    """The kind of what is stored under a digest, without reading it."""
    kind: str | None = r.value("SELECT type FROM blobs WHERE digest = ?", (digest,))
    return kind
