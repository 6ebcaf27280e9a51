"""Passwords: what is allowed, and scrypt in a small pool of its own so that nobody else waits."""

import asyncio
import base64
import hashlib
import hmac
import secrets
import unicodedata
from concurrent.futures import ThreadPoolExecutor

from scriptrun_box.kernel import cpus
from scriptrun_box.kernel.errors import Invalid

MIN_CHARS = 15
MAX_CHARS = 256
N, R, P = 2**15, 8, 1  # 73 ms and 32 MB a password
MAX_MEMORY_BYTES = 64 * 1024 * 1024
SALT_BYTES = 16
MIN_DIFFERENT_CHARS = 5
COMMON = ("password", "12345678", "qwertyuiop", "letmein", "scriptrun", "iloveyou", "pharmacy")

_POOL = ThreadPoolExecutor(2, thread_name_prefix="scrypt", initializer=cpus.roam)


def check(password: str) -> None:
    """Raise Invalid, with a sentence, for a password that must not be used."""
    text = normal(password)
    if len(text) < MIN_CHARS:
        raise _refusal("too_short", f"A password needs at least {MIN_CHARS} characters.")
    if len(text) > MAX_CHARS:
        raise _refusal("too_long", f"A password has at most {MAX_CHARS} characters.")
    folded = text.casefold()
    if len(set(folded)) < MIN_DIFFERENT_CHARS or any(_only(word, folded) for word in COMMON):
        raise _refusal("not_allowed", "This password is too easy to guess; use a few random words.")


def hash_password(password: str) -> str:
    """scrypt$n$r$p$salt$hash, all in one string."""
    salt = secrets.token_bytes(SALT_BYTES)
    return f"scrypt${N}${R}${P}${_text(salt)}${_text(_scrypt(password, salt, N, R, P))}"


def matches(password: str, stored: str) -> bool:
    """Whether this is the password."""
    _, n, r, p, salt, wanted = stored.split("$")
    made = _scrypt(password, base64.b64decode(salt), int(n), int(r), int(p))
    return hmac.compare_digest(made, base64.b64decode(wanted))


async def hash_later(password: str) -> str:
    """`hash_password` off the event loop."""
    return await asyncio.get_running_loop().run_in_executor(_POOL, hash_password, password)


async def matches_later(password: str, stored: str | None) -> bool:
    """`matches` off the event loop; takes as long where there is no such person."""
    loop = asyncio.get_running_loop()
    right = await loop.run_in_executor(_POOL, matches, password, stored or NOBODY)
    return right and stored is not None


def normal(password: str) -> str:
    """One form for what looks the same however it was typed."""
    return unicodedata.normalize("NFKC", password)


def _only(word: str, text: str) -> bool:
    """Whether the text is little more than the common word, repeated or with digits."""
    return (
        word in text and len(text.replace(word, "").strip("0123456789!.- ")) < MIN_DIFFERENT_CHARS
    )


def _refusal(code: str, sentence: str) -> Invalid:
    return Invalid(sentence, details=[{"field": "password", "code": code, "message": sentence}])


def _scrypt(password: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    raw = normal(password).encode()
    return hashlib.scrypt(raw, salt=salt, n=n, r=r, p=p, maxmem=MAX_MEMORY_BYTES)


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


NOBODY = f"scrypt${N}${R}${P}${_text(bytes(SALT_BYTES))}${_text(bytes(64))}"
