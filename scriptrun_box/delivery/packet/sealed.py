"""A file that nobody can read but the process that wrote it: its key is never on the disk.

Packets hold patients' data and lie outside the box's own file, which may be encrypted. So they lie
under a key of their own (AES-256 in counter mode), in a file for its owner alone; what is left of
one after a crash is noise. What was changed in it on the way, verify.py finds.
"""

import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

KEY_BYTES, NONCE_BYTES = 32, 16
READ_BYTES = 128 * 1024


class Sealed:
    """One such file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._key, self._nonce = os.urandom(KEY_BYTES), os.urandom(NONCE_BYTES)

    def create(self) -> io.RawIOBase:
        """Begin it; what is written must be closed."""
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        return _Sealing(os.fdopen(descriptor, "wb"), self._cipher().encryptor())

    def read(self) -> Iterator[bytes]:
        """What was written, piece by piece; open from now on, whoever deletes it meanwhile."""
        return _pieces(self.path.open("rb"), self._cipher().decryptor())

    def _cipher(self) -> Any:
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

        return Cipher(algorithms.AES(self._key), modes.CTR(self._nonce))


def _pieces(file: BinaryIO, decryptor: Any) -> Iterator[bytes]:
    with file:
        while piece := file.read(READ_BYTES):
            yield decryptor.update(piece)


class _Sealing(io.RawIOBase):
    """Encrypts what is written; it cannot be sought in."""

    def __init__(self, file: Any, encryptor: Any) -> None:
        self._file = file
        self._encryptor = encryptor

    def writable(self) -> bool:
        return True

    def write(self, piece: Any) -> int:
        self._file.write(self._encryptor.update(piece))
        return len(piece)

    def flush(self) -> None:
        if not self._file.closed:
            self._file.flush()

    def close(self) -> None:
        self._file.close()
        super().close()
