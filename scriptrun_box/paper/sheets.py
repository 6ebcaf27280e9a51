"""Papers on letter pages as PDF: a route's manifest, the pick list. Drawn as labels are."""

from .drawing import Paper
from .model import SANDBOX, SPELLED, Bag, Manifest, Pick, PickList, Stop

WIDE, HIGH = 612.0, 792.0  # US letter
EDGE = 36.0
INNER = WIDE - 2 * EDGE
BOTTOM = HIGH - 48.0  # below stands the foot
QR = 58.0
LEFT = 46.0  # the column of stop numbers
TEXT = INNER - LEFT - QR - 8
NOTES_HIGH = 320.0  # the longest notes shrink into this
SIGN_HIGH = 30.0
# Columns of the pick list: box, name, Rx, from, needs.
BOX_X, NAME_X, RX_X, FROM_X, NEEDS_X = 0.0, 22.0, 212.0, 308.0, 386.0
KEPT = "Stays in the pharmacy: not for the driver."


def manifest(wanted: Manifest) -> bytes:
    """A driver's stops in their order, with a code for each bag and a line for each signature."""
    sheet = _Sheet("Route manifest", "Hand this back at the pharmacy.", wanted.sandbox)
    paper = sheet.paper
    paper.box(EDGE, EDGE, f"Route, {wanted.day}", 320, 30, 22, bold=True)
    y = paper.box(EDGE, 68, wanted.driver, 320, 40, 15, bold=True)
    counts = f"{_many(len(wanted.stops), 'stop')}, {_many(wanted.bags, 'bag')}"
    said = [wanted.vehicle, counts]
    said += [f"leaves {wanted.leaves}"] if wanted.leaves else []
    said += [f"{wanted.collect} to collect"] if wanted.collect else []
    y = paper.box(EDGE, y + 2, ", ".join(each for each in said if each), 360, 30, 11)
    who = " ".join(each for each in (wanted.pharmacy.name, wanted.pharmacy.phone) if each)
    y = paper.box(EDGE, y + 2, who, 360, 30, 11)
    paper.qr(WIDE - EDGE - 84, EDGE - 6, wanted.code, 84)
    sheet.y = max(y, EDGE + 84) + 4
    for stop in wanted.stops:
        _stop(sheet, stop)
    return sheet.finish()


def _stop(sheet: "_Sheet", stop: Stop) -> None:
    """A door: its address, its bags, and where somebody signs."""
    paper, x = sheet.paper, EDGE + LEFT
    street = paper.measure(", ".join(_filled(stop.door.street, stop.door.town)), TEXT, 60, 12)
    unit = paper.measure(stop.door.unit, TEXT, 36, 15, bold=True)
    bags = [_Row(paper, bag) for bag in stop.bags]
    head = street.height + unit.height + 4
    sheet.room(12 + head + bags[0].height + (SIGN_HIGH if len(bags) == 1 else 0))
    paper.rule(EDGE, sheet.y + 4, INNER)
    top = sheet.y + 8
    paper.line(EDGE, top, str(stop.number), 22, bold=True)
    paper.line(EDGE, top + 26, stop.arrives, 10)
    y = paper.lines(x, top, street)
    sheet.y = paper.lines(x, y, unit, bold=True) + 4
    for row in bags:
        sheet.room(row.height)
        row.draw(paper, x, sheet.y)
        sheet.y += row.height
    sheet.room(SIGN_HIGH)
    must = "Signature, required" if stop.signed else "Signature"
    for begin, wide, word in ((0, 150, "Received by"), (160, 200, must), (370, 110, "Time")):
        paper.rule(x + begin, sheet.y + 18, wide, 0.5)
        paper.line(x + begin, sheet.y + 19, word, 7)
    sheet.y += SIGN_HIGH


class _Row:
    """One bag of a stop on the manifest."""

    def __init__(self, paper: Paper, bag: Bag) -> None:
        self._bag = bag
        self._name = paper.measure(bag.name, TEXT, 40, 13, bold=True)
        self._about = paper.measure(", ".join(_filled(bag.phone, bag.window)), TEXT, 26, 10.5)
        high = NOTES_HIGH / max(1, len(bag.notes))
        self._notes = [paper.measure(text, TEXT, high, 9.5) for text in bag.notes]
        self._words = (*_filled(bag.priority), *bag.words)
        tags = 19.0 if self._words else 0.0
        notes = sum(each.height for each in self._notes)
        text = self._name.height + self._about.height + tags + notes + 4
        self.height = max(QR + 2, text)

    def draw(self, paper: Paper, x: float, y: float) -> None:
        """Write it down."""
        paper.qr(WIDE - EDGE - QR, y, self._bag.code, QR)
        y = paper.lines(x, y, self._name, bold=True)
        y = paper.lines(x, y, self._about)
        y = paper.tags(x, y + 1, self._words, TEXT, 10) + (2 if self._words else 0)
        for each in self._notes:
            y = paper.lines(x, y, each)


def pick_list(wanted: PickList) -> bytes:
    """The bags to fetch, in piles by driver."""
    sheet = _Sheet("Pick list", KEPT, wanted.sandbox)
    paper = sheet.paper
    paper.box(EDGE, EDGE, f"Pick list, {wanted.day}", INNER, 30, 22, bold=True)
    said = f"{wanted.pharmacy}, {_many(wanted.bags, 'bag')}"
    sheet.y = paper.box(EDGE, 66, said, INNER, 30, 12) + 2
    if wanted.undecided:
        more = f"{_many(wanted.undecided, 'possible duplicate')} not on this list: decide first."
        sheet.y = paper.box(EDGE, sheet.y, more, INNER, 20, 11, bold=True)
    if wanted.more:
        more = "There are more than a list holds: print it for one location at a time."
        sheet.y = paper.box(EDGE, sheet.y, more, INNER, 20, 11, bold=True)
    for pile in wanted.piles:
        sheet.room(64)
        name = f"{pile.driver or 'Not assigned yet'}: {_many(len(pile.picks), 'bag')}"
        sheet.y = paper.box(EDGE, sheet.y + 10, name, INNER, 20, 14, bold=True) + 2
        for pick in pile.picks:
            _pick(sheet, pick)
    return sheet.finish()


def _pick(sheet: "_Sheet", pick: Pick) -> None:
    paper = sheet.paper
    name = paper.measure(pick.name, RX_X - NAME_X - 6, 28, 11, bold=True)
    number = paper.measure(pick.rx_number or "no Rx", FROM_X - RX_X - 6, 24, 10)
    needs = paper.measure(", ".join(_needs(pick)), INNER - NEEDS_X, 28, 9.5)
    high = max(name.height, number.height, needs.height, 16) + 7
    sheet.room(high)
    paper.rule(EDGE, sheet.y, INNER, 0.4)
    y = sheet.y + 4
    paper.frame(EDGE + BOX_X + 2, y, 11, 11)
    paper.lines(EDGE + NAME_X, y, name, bold=True)
    paper.lines(EDGE + RX_X, y, number)
    paper.line(EDGE + FROM_X, y, pick.taken_from, 10, bold=pick.taken_from != "shelf")
    paper.lines(EDGE + NEEDS_X, y, needs)
    sheet.y += high


def _needs(pick: Pick) -> list[str]:
    place, said = pick.place, [pick.priority] if pick.priority else []
    said += [f"stop {place.stop}"] if place.stop is not None else []
    said += [f"bag {place.bag} of {place.bags}"] if place.bags > 1 else []
    return [*said, *_filled(pick.window), *pick.words]


class _Sheet:
    """Letter pages with a foot, filled from the top."""

    def __init__(self, title: str, foot: str, sandbox: bool) -> None:
        self.paper = Paper(title, (WIDE, HIGH))
        self.y = EDGE
        self._title = title
        self._foot = f"{SANDBOX}. {foot}" if sandbox else foot

    def room(self, high: float) -> None:
        """Begin another page where this one has no room for so much."""
        if self.y + high > BOTTOM:
            self._end()
            self.y = EDGE

    def finish(self) -> bytes:
        """The file."""
        self._end()
        return self.paper.finish()

    def _end(self) -> None:
        spelled = f" {SPELLED}" if self.paper.respelled else ""
        self.paper.line(EDGE, HIGH - 34, f"{self._foot}{spelled}", 9)
        page = f"{self._title}, page {self.paper.pages + 1}"
        self.paper.line(WIDE - EDGE, HIGH - 34, page, 9, right=True)
        self.paper.end_page()


def _filled(*texts: str) -> list[str]:
    return [text for text in texts if text]


def _many(count: int, one: str) -> str:
    return f"{count} {one}{'' if count == 1 else 's'}"
