"""Texts and phone numbers as people and programs send them: cleaned and normalised."""

import re
import unicodedata

import phonenumbers

# Invisible signs that change nothing a person sees, or the direction of what they see.
INVISIBLE = dict.fromkeys(
    [0x200B, 0x2060, 0xFEFF, 0x200E, 0x200F, 0x061C, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]
)
BAD_CATEGORIES = frozenset(("Cc", "Cs", "Zl", "Zp"))
LINE_BREAKS = "\n\r\t"
TRIMMED = f" {LINE_BREAKS}"  # at the ends; other control characters are no white space
E164 = re.compile(r"\+[1-9][0-9]{6,14}")
NANP = re.compile(r"\+1[2-9][0-9]{9}")
NANP_TYPED = re.compile(r"(?:\+?1[\s.-]*)?\(?([2-9][0-9]{2})\)?[\s.-]*([0-9]{3})[\s.-]*([0-9]{4})")


def clean(text: str, *, lines: bool = False) -> tuple[str, bool] | None:
    """(the text in NFC with trimmed ends, whether invisible signs were removed); None if bad.

    `lines` allows line breaks and tabs.
    """
    if text.isascii() and text.isprintable():
        return text.strip(), False
    bare = text.translate(INVISIBLE)
    made = unicodedata.normalize("NFC", bare).strip(TRIMMED)
    for sign in made:
        if unicodedata.category(sign) in BAD_CATEGORIES and not (lines and sign in LINE_BREAKS):
            return None
    return made.strip(), len(bare) != len(text)


def phone(text: str) -> tuple[str, bool] | None:
    """(the number in E.164, whether it had to be normalised), or None where it is no number."""
    if NANP.fullmatch(text):
        return text, False
    if E164.fullmatch(text):
        return (text, False) if _possible(text) else None
    typed = NANP_TYPED.fullmatch(text)
    return ("+1" + "".join(typed.groups()), True) if typed else None


def _possible(number: str) -> bool:
    """Whether a number of that length exists in its country: possible is the rule, not valid."""
    try:
        reason = phonenumbers.is_possible_number_with_reason(phonenumbers.parse(number))
        return bool(reason == phonenumbers.ValidationResult.IS_POSSIBLE)  # a local one is not
    except phonenumbers.NumberParseException:
        return False
