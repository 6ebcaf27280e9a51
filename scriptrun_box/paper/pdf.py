"""Labels as PDF. To be drawn in a process of its own, never on the event loop."""

from collections.abc import Sequence

from .drawing import Paper, bold_width
from .model import SANDBOX, SPELLED, Label

INCH = 72.0
LABEL = (4 * INCH, 6 * INCH)
EDGE = 12.0  # white around a label
INNER = LABEL[0] - 2 * EDGE
QR_SIDE = 1.4 * INCH


def labels(wanted: Sequence[Label]) -> bytes:
    """Labels of 4 by 6 inches, each on its page."""
    paper = Paper("Labels", LABEL)
    for label in wanted:
        _label(paper, label)
        paper.end_page()
    return paper.finish()


def _label(paper: Paper, label: Label) -> None:
    _head(paper, label)
    paper.box(EDGE, 98, label.name, INNER, 64, 28, bold=True)
    y = 166.0
    y = paper.box(EDGE, y, label.door.street, INNER, 50, 19) + 2
    if label.door.unit:
        y = paper.box(EDGE, y, label.door.unit, INNER, 34, 27, bold=True) + 2
    paper.box(EDGE, y, label.door.town, INNER, max(16, 258 - y), 17)
    paper.rule(EDGE, 262, INNER)
    paper.tags(EDGE, 268, label.words, INNER, 16)
    _foot(paper, label)


def _head(paper: Paper, label: Label) -> None:
    phone = label.pharmacy.phone
    room = INNER - (bold_width(phone, 11) + 10 if phone else 0)
    paper.box(EDGE, 10, label.pharmacy.name, room, 24, 12, bold=True)
    paper.line(LABEL[0] - EDGE, 10, phone, 11, right=True)
    paper.rule(EDGE, 38, INNER, 1.5)
    place, right = label.place, LABEL[0] - EDGE
    if place.stop is not None:
        paper.line(EDGE, 42, "STOP", 10, bold=True)
        number = str(place.stop)
        paper.line(EDGE, 50, number, 42, bold=True)
        if place.stops:
            x = EDGE + bold_width(number, 42) + 4
            paper.line(x, 78, f"of {place.stops}", 12)
    paper.line(right, 42, label.day, 16, bold=True, right=True)
    paper.line(right, 60, label.window, 14, right=True)
    bag = f"BAG {place.bag} OF {place.bags}" if place.bags > 1 else ""
    paper.line(right, 77, bag, 16, bold=True, right=True)
    if label.priority:
        x = EDGE if place.stop is None else EDGE + 96
        paper.tags(x, 44, (label.priority,), 90, 16)
    paper.rule(EDGE, 96, INNER)


def _foot(paper: Paper, label: Label) -> None:
    top = LABEL[1] - QR_SIDE - 8
    paper.qr(EDGE - 6, top, label.code, QR_SIDE)
    x, wide = EDGE + QR_SIDE + 4, INNER - QR_SIDE - 4
    y = top + 20
    paper.line(x, y, label.short, 15, bold=True)
    y += 22
    if label.sandbox:
        y = paper.box(x, y, SANDBOX, wide, 30, 12, bold=True) + 3
    if paper.respelled:
        paper.box(x, y, SPELLED, wide, 30, 9)
