"""The plain map: pharmacies and doors as dots of a drawing that needs no network."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, pi, radians, sin, sqrt

from .model import ASSIGN, DECIDE, OUT, Card

WIDTH, HEIGHT, EDGE = 400.0, 400.0, 22.0  # of the drawing's own units
LEAST_DEGREES = 0.01  # about a kilometre: one door alone is not the whole drawing
COLOURS = 10  # of drivers, as box.css names them; then they begin again
MILES_PER_DEGREE = 69.1
APART, TURN = 5.0, pi * (3 - sqrt(5))  # what is at one point is drawn as the seeds of a sunflower
FLOWER_MAX = 40.0  # how far its seeds lie from its middle, however many they are


@dataclass(frozen=True, slots=True)
class Place:
    """A pharmacy."""

    name: str
    lat: float
    lng: float


@dataclass(frozen=True, slots=True)
class Dot:
    """A point of the drawing: in its units, and in degrees for a map of tiles."""

    x: float
    y: float
    lat: float
    lng: float
    tone: str  # of its driver; empty while it is nobody's
    hollow: bool  # nobody knows exactly where that is
    number: int | None  # of the stop on its route
    title: str
    package_id: str = ""  # empty for a pharmacy


@dataclass(frozen=True, slots=True)
class Drawing:
    """What is drawn, and how many packages have no place yet."""

    shops: list[Dot]
    dots: list[Dot]
    nowhere: int
    scale_miles: float  # how long a fifth of the width is


def draw(cards: Sequence[Card], shops: Sequence[Place], tones: dict[str, str]) -> Drawing:
    """All that has a place, fitted into the drawing; north is up."""
    placed = [(card, card.package.location) for card in cards if card.package.location]
    points = [(place.lat, place.lng) for place in shops]
    points += [(place.lat, place.lng) for _, place in placed if place]
    if not points:
        return Drawing([], [], len(cards), 0)
    south, north = min(p[0] for p in points), max(p[0] for p in points)
    west, east = min(p[1] for p in points), max(p[1] for p in points)
    narrow = cos(radians((south + north) / 2))
    span = max(north - south, (east - west) * narrow, LEAST_DEGREES)
    scale = (WIDTH - 2 * EDGE) / span
    middle_lat, middle_lng = (south + north) / 2, (west + east) / 2

    apart = min(APART, FLOWER_MAX / sqrt(max(Counter(points).values())))
    there: Counter[tuple[float, float]] = Counter()

    def at(lat: float, lng: float) -> tuple[float, float]:
        aside, around = apart * sqrt(there[lat, lng]), TURN * there[lat, lng]
        there[lat, lng] += 1  # the next one at the same point stands beside this one
        x = WIDTH / 2 + (lng - middle_lng) * narrow * scale + aside * cos(around)
        y = HEIGHT / 2 - (lat - middle_lat) * scale + aside * sin(around)
        return _within(x, WIDTH), _within(y, HEIGHT)

    dots = [
        Dot(
            *at(place.lat, place.lng),
            place.lat,
            place.lng,
            tones.get(card.package.driver_id or "", ""),
            place.confidence == "approximate",
            card.stop.position if card.stop else None,
            card.package.content.patient_name,
            card.package.id,
        )
        for card, place in placed
        if place
    ]
    here = [
        Dot(*at(place.lat, place.lng), place.lat, place.lng, "", False, None, place.name)
        for place in shops
    ]
    miles = WIDTH / 5 / scale * MILES_PER_DEGREE
    return Drawing(here, dots, len(cards) - len(dots), round(miles, 1))


def _within(place: float, most: float) -> float:
    return round(max(EDGE / 2, min(most - EDGE / 2, place)), 1)


def tones_of(columns: Sequence[str]) -> dict[str, str]:
    """{driver: the class of their colour}, in the order of the columns."""
    drivers = [key for key in columns if key not in (ASSIGN, OUT, DECIDE)]
    return {driver: f"c{number % COLOURS}" for number, driver in enumerate(drivers)}
