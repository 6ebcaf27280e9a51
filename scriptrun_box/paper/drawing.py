"""What all PDF papers are drawn with: fonts, fitted text, tags, QR codes, pages.

Only for the process that draws. Lengths are points (1/72 inch), y counts from the top.
"""

import io
from functools import cache

from . import codes
from .fitting import LEADING, Fitted, fit
from .letters import spelled

PLAIN, BOLD = "Roboto", "Roboto-Bold"
TAG_AIR = 5.0  # at each side of the words in a tag
RULE = 0.8


@cache
def fonts() -> frozenset[int]:
    """Load the fonts; the characters both have."""
    import font_roboto
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont

    known = []
    for name, file in ((PLAIN, font_roboto.Roboto), (BOLD, font_roboto.RobotoBold)):
        font = TTFont(name, file)
        pdfmetrics.registerFont(font)
        known.append(frozenset(font.face.charToGlyph))
    return known[0] & known[1]


def has(sign: str) -> bool:
    """Whether the fonts have this character."""
    return ord(sign) in fonts()


def width_of(text: str, size: float, font: str = PLAIN) -> float:
    """How wide a text is."""
    from reportlab.pdfbase import pdfmetrics

    fonts()
    width: float = pdfmetrics.stringWidth(text, font, size)
    return width


def bold_width(text: str, size: float) -> float:
    """How wide a text is in bold."""
    return width_of(text, size, BOLD)


class Paper:
    """A PDF in the making."""

    def __init__(self, title: str, size: tuple[float, float]) -> None:
        from reportlab.pdfgen.canvas import Canvas

        fonts()
        self._out = io.BytesIO()
        self._canvas = Canvas(self._out, pagesize=size, invariant=1)
        self._canvas.setTitle(title)
        self.width, self.height = size
        self.pages = 0
        self.respelled = False  # on this page: some text had letters the fonts lack

    def finish(self) -> bytes:
        """The file."""
        self._canvas.save()
        return self._out.getvalue()

    def end_page(self) -> None:
        """On to the next page."""
        self._canvas.showPage()
        self.pages += 1
        self.respelled = False

    def plain(self, text: str) -> str:
        """The text as these fonts can write it; remembers where they could not."""
        made, other = spelled(" ".join(text.split()), has)
        self.respelled = self.respelled or other
        return made

    def line(
        self, x: float, y: float, text: str, size: float, *, bold: bool = False, right: bool = False
    ) -> None:
        """One line whose letters stand on y + size; with `right` it ends at x."""
        self._canvas.setFont(BOLD if bold else PLAIN, size)
        draw = self._canvas.drawRightString if right else self._canvas.drawString
        draw(x, self.height - y - size, self.plain(text))

    def measure(
        self, text: str, width: float, height: float, largest: float, *, bold: bool = False
    ) -> Fitted:
        """A text as `box` would write it."""
        return fit(self.plain(text), width, height, largest, bold_width if bold else width_of)

    def lines(self, x: float, y: float, made: Fitted, *, bold: bool = False) -> float:
        """Fitted lines from y on; where they end."""
        for number, text in enumerate(made.lines):
            self.line(x, y + number * made.size * LEADING, text, made.size, bold=bold)
        return y + made.height

    def box(
        self,
        x: float,
        y: float,
        text: str,
        width: float,
        height: float,
        largest: float,
        *,
        bold: bool = False,
    ) -> float:
        """A text as large as it fits in this box; where it ends."""
        return self.lines(x, y, self.measure(text, width, height, largest, bold=bold), bold=bold)

    def rule(self, x: float, y: float, width: float, thick: float = RULE) -> None:
        """A line across."""
        self._canvas.setLineWidth(thick)
        self._canvas.line(x, self.height - y, x + width, self.height - y)

    def frame(self, x: float, y: float, width: float, height: float) -> None:
        """The outline of a box."""
        self._canvas.setLineWidth(RULE)
        self._canvas.rect(x, self.height - y - height, width, height, stroke=1, fill=0)

    def tags(self, x: float, y: float, words: tuple[str, ...], width: float, size: float) -> float:
        """Words in black boxes, row after row; where the last row ends."""
        high, at, top = size * 1.5, x, y
        for word in words:
            wide = bold_width(word, size) + 2 * TAG_AIR
            if at > x and at + wide > x + width:
                at, top = x, top + high + 3
            self._canvas.rect(at, self.height - top - high, wide, high, stroke=0, fill=1)
            self._canvas.setFillGray(1)
            self.line(at + TAG_AIR, top + size * 0.14, word, size, bold=True)
            self._canvas.setFillGray(0)
            at += wide + 4
        return top + high if words else y

    def qr(self, x: float, y: float, text: str, side: float) -> None:
        """A QR code with its white border in a square of this side."""
        rows = codes.matrix(text)
        module = side / (len(rows) + 2 * codes.QUIET)
        path = self._canvas.beginPath()
        for number, row in enumerate(rows):
            bottom = self.height - y - (number + 1 + codes.QUIET) * module
            for begin, length in _runs(row):
                left = x + (begin + codes.QUIET) * module
                path.rect(left, bottom, length * module, module)
        self._canvas.drawPath(path, stroke=0, fill=1)


def _runs(row: bytearray) -> list[tuple[int, int]]:
    """(begin, length) of each run of dark modules."""
    found: list[tuple[int, int]] = []
    for at, dark in enumerate(row):
        if dark and found and sum(found[-1]) == at:
            found[-1] = (found[-1][0], found[-1][1] + 1)
        elif dark:
            found.append((at, 1))
    return found
