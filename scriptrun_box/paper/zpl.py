"""Labels in ZPL II, the language of label printers: 4 by 6 inches at 203 or 300 dots per inch.

Coordinates are points (1/72 inch) as on the PDF, turned into dots on the way out. The file is plain
ASCII: whatever ZPL could take for a command, and every other letter, goes as ^FH hex of its UTF-8.
"""

from collections.abc import Sequence

from .fitting import LEADING, fit
from .letters import spelled
from .model import SANDBOX, SPELLED, Label

DPIS = (203, 300)
POINTS = 72  # an inch
WIDE, HIGH = 4 * POINTS, 6 * POINTS
EDGE = 12
INNER = WIDE - 2 * EDGE
QR_DOTS = {203: 9, 300: 10}  # dots a module: with its border the code is at least 1.1 inch wide
FIRST_QR_DOTS = 10  # printers begin a QR code so many dots too low
COMMANDS = frozenset("^~_")

# How wide font 0 draws a sign, in sizes: rather too wide, as printers differ.
_NARROW, _THIN, _BROAD = frozenset("iIjl.,:;'|!`"), frozenset('frt()[]{}/-" '), frozenset("mwMW@%&")
_PLAIN_SIGNS = str.maketrans(
    {"‘": "'", "’": "'", "“": '"', "”": '"', "–": "-", "—": "-", "…": "...", "\u00a0": " "}
)


def labels(wanted: Sequence[Label], dpi: int) -> bytes:
    """The commands for all of these labels."""
    return b"".join(label(each, dpi) for each in wanted)


def label(wanted: Label, dpi: int) -> bytes:
    """The commands for one label."""
    sheet = _Sheet(dpi)
    _head(sheet, wanted)
    sheet.box(EDGE, 98, wanted.name, INNER, 64, 30)
    y = sheet.box(EDGE, 166, wanted.door.street, INNER, 48, 21) + 2
    if wanted.door.unit:
        y = sheet.box(EDGE, y, wanted.door.unit, INNER, 34, 30) + 2
    sheet.box(EDGE, y, wanted.door.town, INNER, max(16, 258 - y), 19)
    sheet.rule(262)
    sheet.tags(EDGE, 268, wanted.words, 18)
    _foot(sheet, wanted)
    return sheet.finish()


def test_label(printer: str, pharmacy: str, at: str, dpi: int) -> bytes:
    """A label that shows that a printer is reached, and where its edges are."""
    sheet = _Sheet(dpi)
    sheet.outline(EDGE / 2)
    sheet.box(EDGE, 24, "TEST LABEL", INNER, 40, 34)
    y = sheet.box(EDGE, 80, printer, INNER, 60, 26) + 8
    y = sheet.box(EDGE, y, f"{pharmacy}, {at}", INNER, 60, 18) + 8
    words = f"4 x 6 inches at {dpi} dpi. The frame is complete where the label lies straight."
    sheet.box(EDGE, y, words, INNER, 80, 18)
    sheet.qr(EDGE, 300, "SRB:TEST")
    return sheet.finish()


def _head(sheet: "_Sheet", wanted: Label) -> None:
    phone = wanted.pharmacy.phone
    room = INNER - (text_width(phone, 13) + 10 if phone else 0)
    sheet.box(EDGE, 10, wanted.pharmacy.name, room, 26, 14)
    sheet.right(10, phone, 13)
    sheet.rule(38, 1.5)
    place = wanted.place
    if place.stop is not None:
        sheet.box(EDGE, 42, "STOP", 60, 12, 11)
        sheet.box(EDGE, 52, str(place.stop), 90, 46, 42)
        if place.stops:
            x = EDGE + text_width(str(place.stop), 42) + 6
            sheet.box(x, 78, f"of {place.stops}", 60, 16, 14)
    sheet.right(42, wanted.day, 18)
    sheet.right(61, wanted.window, 16)
    sheet.right(79, f"BAG {place.bag} OF {place.bags}" if place.bags > 1 else "", 17)
    if wanted.priority:
        sheet.tags(EDGE if place.stop is None else EDGE + 92, 44, (wanted.priority,), 17)
    sheet.rule(96)


def _foot(sheet: "_Sheet", wanted: Label) -> None:
    sheet.qr(EDGE, 328, wanted.code)
    x, y = EDGE + 112, 340.0
    y = sheet.box(x, y, wanted.short, INNER - 112, 20, 18) + 6
    if wanted.sandbox:
        y = sheet.box(x, y, SANDBOX, INNER - 112, 34, 15) + 4
    if sheet.respelled:
        sheet.box(x, y, SPELLED, INNER - 112, 30, 11)


class _Sheet:
    """One label in the making."""

    def __init__(self, dpi: int) -> None:
        self._dpi = dpi
        self.respelled = False
        self._out = [f"^XA^CI28^LH0,0^PW{self._dots(WIDE)}^LL{self._dots(HIGH)}"]

    def finish(self) -> bytes:
        """The commands."""
        return ("\n".join([*self._out, "^PQ1^XZ"]) + "\n").encode("ascii")

    def box(
        self, x: float, y: float, text: str, width: float, height: float, largest: float
    ) -> float:
        """A text as large as it fits in this box; where it ends."""
        made = fit(self._plain(text), width, height, largest, text_width)
        for number, line in enumerate(made.lines):
            self._text(x, y + number * made.size * LEADING, line, made.size)
        return y + made.height

    def right(self, y: float, text: str, size: float) -> None:
        """One line that ends at the right edge."""
        if text:
            text = self._plain(text)
            block = f"^FB{self._dots(INNER)},1,0,R"
            self._text(EDGE, y, text, size, block)

    def rule(self, y: float, thick: float = 1) -> None:
        """A line from edge to edge."""
        dots = self._dots(thick)
        self._out.append(f"^FO{self._dots(EDGE)},{self._dots(y)}^GB{self._dots(INNER)},0,{dots}^FS")

    def outline(self, edge: float) -> None:
        """A frame so far from the edges."""
        at, wide, high = (self._dots(each) for each in (edge, WIDE - 2 * edge, HIGH - 2 * edge))
        self._out.append(f"^FO{at},{at}^GB{wide},{high},{self._dots(1)}^FS")

    def tags(self, x: float, y: float, words: tuple[str, ...], size: float) -> None:
        """Words in black boxes, row after row."""
        high, at = size * 1.3, x
        for word in words:
            wide = text_width(word, size) + 10
            if at > x and at + wide > EDGE + INNER:
                at, y = x, y + high + 3
            place = f"^FO{self._dots(at)},{self._dots(y)}"
            self._out.append(
                f"{place}^GB{self._dots(wide)},{self._dots(high)},{self._dots(high)}^FS"
            )
            self._text(at + 5, y + size * 0.2, word, size, "^FR")
            at += wide + 4

    def qr(self, x: float, y: float, text: str) -> None:
        """A QR code with 15 % to spare."""
        top = self._dots(y) - FIRST_QR_DOTS
        size = QR_DOTS[self._dpi]
        self._out.append(f"^FO{self._dots(x)},{top}^BQN,2,{size}^FDMA,{text}^FS")

    def _plain(self, text: str) -> str:
        made, other = spelled(" ".join(text.translate(_PLAIN_SIGNS).split()), has)
        self.respelled = self.respelled or other
        return made

    def _text(self, x: float, y: float, text: str, size: float, more: str = "") -> None:
        place = f"^FO{self._dots(x)},{self._dots(y)}"
        self._out.append(f"{place}^A0N,{self._dots(size)}{more}^FH^FD{escaped(text)}^FS")

    def _dots(self, points: float) -> int:
        return max(1, round(points * self._dpi / POINTS))


def escaped(text: str) -> str:
    """A text behind ^FH: no command, no control character, nothing beyond ASCII."""
    return "".join(
        sign
        if " " <= sign <= "~" and sign not in COMMANDS
        else "".join(f"_{byte:02X}" for byte in sign.encode())
        for sign in text
    )


def has(sign: str) -> bool:
    """Whether font 0 of every such printer has the letter: those of western languages."""
    return " " <= sign <= "~" or "\u00a1" <= sign <= "\u017f"


def text_width(text: str, size: float) -> float:
    """How wide font 0 draws a text, at the most."""
    return size * sum(_width(sign) for sign in text)


def _width(sign: str) -> float:
    if sign in _NARROW:
        return 0.31
    if sign in _THIN:
        return 0.38
    if sign in _BROAD:
        return 0.87
    return 0.62 if sign.isupper() or sign > "~" else 0.54
