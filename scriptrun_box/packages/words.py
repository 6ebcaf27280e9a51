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
)
_SEPARATORS = re.compile(r"[^\w]+|_+")
_DIGITS = re.compile(r"\d+")
LAST_DIGITS = 4  # people read the end of a number aloud
LOCAL_DIGITS = 7  # a phone number without its area code
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
    """What was typed in a search field, as the beginnings of words to look for."""
    squashed = (squash(part) for part in q.split())
    return [word for word in squashed if word][:TYPED_WORDS_MAX]


def match(words: Iterable[str]) -> str:
    """The full-text query for packages that have a word beginning with each of these."""
    return " AND ".join(f'"{word}"*' for word in words)


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
