"""Text in a box: as large as it fits, never cut off."""

from collections.abc import Callable
from dataclasses import dataclass

Measure = Callable[[str, float], float]  # (text, size) -> width
LEADING = 1.16  # from one line to the next, in sizes
STEP = 0.94  # from one size to the next smaller one
SMALLEST = 0.05  # of the largest size: even 500 wide letters fit somewhere above


@dataclass(frozen=True, slots=True)
class Fitted:
    """Lines and the size at which they fit."""

    size: float
    lines: tuple[str, ...]

    @property
    def height(self) -> float:
        """From the top of the first line to the bottom of the last."""
        return len(self.lines) * self.size * LEADING


def fit(text: str, width: float, height: float, largest: float, measure: Measure) -> Fitted:
    """The text in its largest size at which it is no wider and no higher than the box."""
    size = largest
    while True:
        made = Fitted(size, wrap(text, width, size, measure))
        if made.height <= height or size < largest * SMALLEST:
            return made
        size *= STEP


def wrap(text: str, width: float, size: float, measure: Measure) -> tuple[str, ...]:
    """The text in lines of at most this width; a word that is wider is broken."""
    lines: list[str] = []
    line = ""
    for word in text.split():
        longer = f"{line} {word}" if line else word
        if measure(longer, size) <= width:
            line = longer
            continue
        if line:
            lines.append(line)
        *full, line = _broken(word, width, size, measure)
        lines += full
    if line:
        lines.append(line)
    return tuple(lines)


def _broken(word: str, width: float, size: float, measure: Measure) -> list[str]:
    """A word in pieces of at most this width, each of at least one sign."""
    pieces = [""]
    for sign in word:
        if pieces[-1] and measure(pieces[-1] + sign, size) > width:
            pieces.append("")
        pieces[-1] += sign
    return pieces
