"""How a package is found as the counter types it: any accents, any punctuation, only the beginning.

Both what is stored and what is typed are folded to plain letters and digits; each typed word must
begin one of the package's words.
"""

import re
import unicodedata
from collections.abc import Iterable

from .model import Content

# Letters that are one sign to Unicode and two, or another one, to whoever types them.
_LETTERS = str.maketrans(
    {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "ł": "l", "ı": "i"}
    | {"ʻ": "", "ʼ": ""}  # an okina is a letter to Unicode, and an apostrophe to most people
)
_SEPARATORS = re.compile(r"[^\w]+|_+")
_DIGITS = re.compile(r"\d+")
_COUNTRY = re.compile(r"\+1[\s.(-]*(?=[0-9])")
_NUMBER = re.compile(r"[+0-9\s().-]*[0-9][0-9\s().-]*")
LAST_DIGITS = 4  # people read the end of a number aloud
LOCAL_DIGITS = 7  # a phone number without its area code
NANP_DIGITS = 11  # a North American number with its country's 1
TYPED_WORDS_MAX = 8


def fold(text: str) -> str:
    """Lower case without accents."""
    if text.isascii():
        return text.lower()
    bare = unicodedata.normalize("NFKD", text).casefold().translate(_LETTERS)
    return "".join(sign for sign in bare if not unicodedata.combining(sign))


def squash(text: str) -> str:
    """Folded, letters and digits only."""
    return _SEPARATORS.sub("", fold(text))


def name_key(name: str) -> str:
    """A name folded to compare with others: case, accents, punctuation and spacing do not count."""
    return " ".join(_SEPARATORS.sub(" ", fold(name)).split())


def index_words(content: Content) -> str:
    """The words a package is found by, separated by spaces."""
    words: list[str] = []
    for part in fold(content.patient_name).split():
        words += _with_parts(part)
    for number in (content.rx_number, content.barcode, content.external_patient_id):
        if number:
            words += _number_words(number)
    if content.patient_phone:
        digits = "".join(_DIGITS.findall(content.patient_phone)).removeprefix("1")
        words += [digits, digits[-LOCAL_DIGITS:], digits[-LAST_DIGITS:]]
    return " ".join(words)


def typed_words(q: str) -> list[str]:
    """What was typed in a search field, each word as a full-text expression."""
    q = _COUNTRY.sub("", q)
    typed = [q] if _NUMBER.fullmatch(q) else q.split()
    return [_expression(word) for word in typed if squash(word)][:TYPED_WORDS_MAX]


def match(words: Iterable[str]) -> str:
    """The full-text query for packages that have all of these."""
    return " AND ".join(words)


def _expression(typed: str) -> str:
    """A word, or a number however people break it up: it begins a word of the index.

    It does so as a whole, in its parts (O'Brien) or without the 1 before an area code.
    """
    parts = [part for part in _SEPARATORS.split(fold(typed)) if part]
    whole = "".join(parts)
    ways = [_begun([whole])]
    if len(parts) > 1:
        ways.append(_begun(parts[:TYPED_WORDS_MAX]))
    if len(whole) == NANP_DIGITS and whole.startswith("1") and whole.isdecimal():
        ways.append(_begun([whole[1:]]))
    return f"({' OR '.join(ways)})"


def _begun(parts: list[str]) -> str:
    """Each part is a word of the index; only the last may be the beginning of one."""
    return "(" + " AND ".join(f'"{part}"' for part in parts) + "*)"


def _with_parts(word: str) -> list[str]:
    """O'Brien is found as obrien, o and brien."""
    parts = [part for part in _SEPARATORS.split(word) if part]
    return parts if len(parts) < 2 else ["".join(parts), *parts]


def _number_words(number: str) -> list[str]:
    words = []
    for part in number.split():
        words += _with_parts(fold(part))
    for digits in _DIGITS.findall(number):
        words.append(digits)
        if len(digits) > LAST_DIGITS:
            words.append(digits[-LAST_DIGITS:])
    return words
