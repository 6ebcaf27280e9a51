"""Names in letters that a printer has: what it lacks is spelled in plain ones, never left out."""

from collections.abc import Callable

from anyascii import anyascii

BEYOND_LATIN = "\u0250"
UNKNOWN = "?"  # for a sign that has no spelling: that something stands there is seen


def spelled(text: str, has: Callable[[str], bool]) -> tuple[str, bool]:
    """The text in letters that can be printed, and whether any of it had to be spelled anew.

    A word is spelled as a whole: half a name in other letters reads as another name.
    """
    words = text.split(" ")
    made = [word if all(has(sign) for sign in word) else _plain(word) for word in words]
    return " ".join(made), made != words


def plain_letters(text: str) -> str:
    """The text in plain letters where it has others than those of Latin alphabets, else empty."""
    made, other = spelled(text, lambda sign: sign < BEYOND_LATIN or not sign.isalpha())
    return made if other else ""


def _plain(word: str) -> str:
    return anyascii(word).strip() or UNKNOWN * len(word)
