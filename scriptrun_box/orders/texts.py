"""Texts, phones and addresses as callers send them: cleaned, normalised, looked at for gaps."""

import re
import unicodedata

import phonenumbers

from scriptrun_box.packages.words import fold, squash

# Invisible signs that change nothing a person sees, or the direction of what they see.
INVISIBLE = dict.fromkeys(
    [0x200B, 0x2060, 0xFEFF, 0x200E, 0x200F, 0x061C, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]
)
BAD_CATEGORIES = frozenset(("Cc", "Cs", "Zl", "Zp"))
LINE_BREAKS = "\n\r\t"
TRIMMED = f" {LINE_BREAKS}"  # at the ends; other control characters are no white space
DRUG_WORD_MIN = 4
E164 = re.compile(r"\+[1-9][0-9]{6,14}")
NANP = re.compile(r"\+1[2-9][0-9]{9}")
NANP_TYPED = re.compile(r"(?:\+?1[\s.-]*)?\(?([2-9][0-9]{2})\)?[\s.-]*([0-9]{3})[\s.-]*([0-9]{4})")
COUNTRY_AT_END = re.compile(r"[\s,]+(?:U\.?S\.?(?:A\.?)?|United States(?: of America)?)$", re.I)
ZIP_AT_END = re.compile(r"\b\d{5}(?:-\d{4})?\s*$")
STATES = frozenset(
    "AL AK AZ AR CA CO CT DE DC FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ"
    " NM NY NC ND OH OK OR PA PR RI SC SD TN TX UT VT VA VI GU AS MP WA WV WI WY".split()
)
STATE_NAMES = frozenset(
    "alabama alaska arizona arkansas california colorado connecticut delaware florida georgia"
    " hawaii idaho illinois indiana iowa kansas kentucky louisiana maine maryland massachusetts"
    " michigan minnesota mississippi missouri montana nebraska nevada ohio oklahoma oregon"
    " pennsylvania tennessee texas utah vermont virginia washington wisconsin wyoming".split()
) | {
    "new hampshire",
    "new jersey",
    "new mexico",
    "new york",
    "north carolina",
    "north dakota",
    "rhode island",
    "south carolina",
    "south dakota",
    "west virginia",
    "puerto rico",
}


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


def address_incomplete(address: str) -> bool:
    """No house number, or neither ZIP nor state."""
    if not address[-1:].isdigit():
        address = COUNTRY_AT_END.sub("", address)
    has_zip = ZIP_AT_END.search(address)
    street = address[: has_zip.start()] if has_zip else address
    if not any(sign.isdigit() for sign in street):
        return True
    return not (has_zip or _has_state(street))


def _has_state(street: str) -> bool:
    last = re.split(r"[\s,.]+", street.strip(" ,."))[-2:]
    if last[-1].upper() in STATES or last[-1].lower() in STATE_NAMES:
        return True
    return " ".join(last).lower() in STATE_NAMES


def names_treatment(notes: str, rx_number: str | None, medications: list[str] | None) -> bool:
    """Whether notes contain the order's own Rx number or one of its medications."""
    folded, squashed = fold(notes), squash(notes)
    if rx_number:
        number = squash(rx_number)
        digits = "".join(sign for sign in number if sign.isdigit())
        if (number and number in squashed) or (len(digits) > DRUG_WORD_MIN and digits in squashed):
            return True
    for medication in medications or ():
        name = fold(medication)
        word = re.match(r"[^\W\d_]+", name)
        if name in folded or (word and len(word[0]) >= DRUG_WORD_MIN and word[0] in folded):
            return True
    return False
