"""The loaded address points: how an address is found among them."""

from scriptrun_box.kernel.db import Reader
from scriptrun_box.packages.model import Location

from . import store
from .model import Point
from .reading import Parts, km, street_key, unit_key
from .words import STREET_TYPES, short

SAME_DOOR_KM = 0.3  # points of one address lie no further apart, such as those of its units


def look_up(r: Reader, parts: Parts) -> Location | None:
    """Where an address is; None where the points do not have it, or have it in several places."""
    street, number = street_key(parts.street), short(parts.number)
    if not (street and number):
        return None
    found = _of_place(store.points_of(r, street, number), parts)
    confidence = "exact"
    if not found and street.split()[-1] not in STREET_TYPES:  # "450 Collins"
        found, confidence = _of_place(store.points_begun(r, street, number), parts), "near"
    unit = unit_key(parts.unit)
    own = [point for point in found if unit and unit_key(point.unit) == unit]
    return _one(own or found, confidence)


def _of_place(points: list[Point], parts: Parts) -> list[Point]:
    """Those of the ZIP; else those of the town, where one side knows no ZIP."""
    if parts.zip:
        same = [point for point in points if point.zip == parts.zip]
        if same or not parts.town:
            return same
    town = short(parts.town)
    return [point for point in points if point.town == town and not (parts.zip and point.zip)]


def _one(points: list[Point], confidence: str) -> Location | None:
    """The first of points that lie together."""
    if not points:
        return None
    first = points[0]
    here = (first.lat, first.lng)
    if any(km(here, (each.lat, each.lng)) > SAME_DOOR_KM for each in points):
        return None
    return Location(first.lat, first.lng, "points", confidence)
