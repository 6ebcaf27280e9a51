"""An order's address, looked at for gaps."""

import re

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
