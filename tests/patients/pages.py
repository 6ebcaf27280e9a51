"""An encrypted file page by page: every byte as it is under its cipher, free pages and log too."""

from collections.abc import Iterator
from pathlib import Path

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

PAGE, SALT, IV, TAIL = 4096, 16, 16, 80  # SQLCipher 4: behind each page its IV and HMAC-SHA-512
LOG_HEAD, FRAME_HEAD = 32, 24  # of SQLite's write-ahead log


def plain_bytes(path: Path, key: bytes) -> bytes:
    """Every page of the live file and of the log beside it, decrypted."""
    log = Path(f"{path}-wal")
    pages = [*_of_file(path.read_bytes()), *(_of_log(log.read_bytes()) if log.exists() else ())]
    return b"".join(_plain(page, key, number) for number, page in pages)


def _of_file(held: bytes) -> Iterator[tuple[int, bytes]]:
    for at in range(0, len(held), PAGE):
        yield at // PAGE + 1, held[at : at + PAGE]


def _of_log(held: bytes) -> Iterator[tuple[int, bytes]]:
    for at in range(LOG_HEAD, len(held), FRAME_HEAD + PAGE):
        page = held[at + FRAME_HEAD : at + FRAME_HEAD + PAGE]
        if len(page) == PAGE:
            yield int.from_bytes(held[at : at + 4], "big"), page


def _plain(page: bytes, key: bytes, number: int) -> bytes:
    """The first page begins with the file's salt, which is no part of its text."""
    begin, end = SALT if number == 1 else 0, PAGE - TAIL
    cipher = Cipher(algorithms.AES(key), modes.CBC(page[end : end + IV])).decryptor()
    return cipher.update(page[begin:end]) + cipher.finalize()
