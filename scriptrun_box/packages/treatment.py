"""Whether a text tells what somebody takes: such a text is never shown to a driver."""

import re
from collections.abc import Sequence

from .words import fold, squash

DRUG_WORD_MIN = 4  # letters


def names_treatment(text: str, rx_number: str | None, medications: Sequence[str] | None) -> bool:
    """Whether a text contains an order's own Rx number or one of its medications."""
    folded, squashed = fold(text), squash(text)
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
