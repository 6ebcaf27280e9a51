"""A plain drawing of where an address may be: the known houses of its street, no network needed.

It is an image with which a form is sent, so a click on it works without scripts: the browser sends
where it was, and the page answers with that place.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, radians
from xml.sax.saxutils import escape

from scriptrun_box.geocoding.model import Place, Point

SIZE = 320  # pixels, both ways: fits a narrow screen
METERS_PER_DEGREE = 111_320.0  # of latitude
NEAREST = 12  # houses that the first view shows
WIDTH_MIN, WIDTH_MAX, WIDTH_FIRST = 60.0, 60_000.0, 3_000.0  # metres
LABELS_MAX = 60
LENGTHS = (  # metres, and how people here say it
    (8_046.7, "5 miles"), (3_218.7, "2 miles"), (1_609.3, "1 mile"), (804.7, "½ mile"),
    (304.8, "1,000 ft"), (152.4, "500 ft"), (61.0, "200 ft"), (30.5, "100 ft"), (0.0, ""),
)  # fmt: skip
LABEL_GAP = 14.0  # pixels between two numbers that are written
INK, HOUSE, PIN, PAPER, RULE = "#26302d", "#5b6b66", "#b3261e", "#f3f6f5", "#cdd7d3"


@dataclass(frozen=True, slots=True)
class View:
    """What a drawing shows: its middle in degrees, and how wide it is in metres."""

    lat: float
    lng: float
    width: float

    def text(self) -> str:
        """As it stands in an address."""
        return f"{self.lat:.6f},{self.lng:.6f},{self.width:.0f}"

    def zoomed(self, factor: float) -> "View":
        """The same middle, from further away or nearer."""
        return View(self.lat, self.lng, min(max(self.width * factor, WIDTH_MIN), WIDTH_MAX))

    def pixel(self, lat: float, lng: float) -> tuple[float, float]:
        """Where a point is drawn."""
        scale = SIZE / self.width
        east = (lng - self.lng) * METERS_PER_DEGREE * cos(radians(self.lat))
        north = (lat - self.lat) * METERS_PER_DEGREE
        return SIZE / 2 + east * scale, SIZE / 2 - north * scale

    def point(self, x: float, y: float) -> tuple[float, float]:
        """Which point is drawn there, in degrees to about ten centimetres."""
        scale = self.width / SIZE
        lat = self.lat + (SIZE / 2 - y) * scale / METERS_PER_DEGREE
        lng = self.lng + (x - SIZE / 2) * scale / METERS_PER_DEGREE / cos(radians(self.lat))
        return round(lat, 6), round(lng, 6)


def view_of(text: str) -> View | None:
    """A view as `text()` writes it."""
    try:
        lat, lng, width = map(float, text.split(","))
    except ValueError:
        return None
    sane = abs(lat) <= 85 and abs(lng) <= 180 and WIDTH_MIN <= width <= WIDTH_MAX
    return View(lat, lng, width) if sane else None


def first_view(place: Place, points: Sequence[Point]) -> View | None:
    """The houses with the nearest numbers, else the surroundings of where it stands."""
    wanted = _number(place.parts.number)
    near = sorted(points, key=lambda point: abs(_number(point.number) - wanted))[:NEAREST]
    if near:
        lats, lngs = [point.lat for point in near], [point.lng for point in near]
        lat, lng = (min(lats) + max(lats)) / 2, (min(lngs) + max(lngs)) / 2
        high = (max(lats) - min(lats)) * METERS_PER_DEGREE
        wide = (max(lngs) - min(lngs)) * METERS_PER_DEGREE * cos(radians(lat))
        return View(lat, lng, max(high, wide) * 1.3).zoomed(1)
    if place.location is None:
        return None
    return View(place.location.lat, place.location.lng, WIDTH_FIRST)


def svg(view: View, points: Sequence[Point], pin: tuple[float, float] | None) -> str:
    """The drawing; north is up."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{SIZE}" height="{SIZE}"'
        f' viewBox="0 0 {SIZE} {SIZE}" font-family="sans-serif" font-size="11">',
        f'<rect width="{SIZE}" height="{SIZE}" fill="{PAPER}" stroke="{RULE}"/>',
    ]
    written: list[tuple[float, float]] = []
    for point in points:
        x, y = view.pixel(point.lat, point.lng)
        if not (0 <= x <= SIZE and 0 <= y <= SIZE):
            continue
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{HOUSE}"/>')
        free = all(abs(x - a) > 2 * LABEL_GAP or abs(y - b) > LABEL_GAP for a, b in written)
        if free and len(written) < LABELS_MAX:
            written.append((x, y))
            number = escape(point.number)
            parts.append(f'<text x="{x + 5:.1f}" y="{y + 4:.1f}" fill="{INK}">{number}</text>')
    if pin is not None:
        x, y = view.pixel(*pin)
        parts.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="7" fill="none" stroke="{PIN}" stroke-width="3"/>'
        )
    parts.append(_rule(view))
    return "".join(parts) + "</svg>"


def _rule(view: View) -> str:
    """How long a round number of miles or feet is."""
    meters, said = next(each for each in LENGTHS if each[0] <= view.width / 3)
    length = SIZE * meters / view.width
    return (
        f'<path d="M10 {SIZE - 10}h{length:.1f}" stroke="{INK}" stroke-width="2"/>'
        f'<text x="10" y="{SIZE - 16}" fill="{INK}">{said}</text>'
    )


def _number(text: str) -> int:
    digits = "".join(sign for sign in text.partition("-")[0] if sign.isdecimal())
    return int(digits[:9] or 0)
