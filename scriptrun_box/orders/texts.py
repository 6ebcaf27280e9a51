"""An order's address and notes: looked at for gaps, and for what a driver must not read."""

import re

from scriptrun_box.packages.words import fold, squash

DRUG_WORD_MIN = 4
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
