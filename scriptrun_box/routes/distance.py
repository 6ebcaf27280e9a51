"""How long it takes from door to door: as the owner's road server says, else as estimated.

The server speaks OSRM's table service. If it does not answer as it should, everything is estimated
and it is left alone for a while.
"""

import json
import urllib.request
from collections.abc import Sequence
from http.client import HTTPException
from itertools import product

from scriptrun_box.kernel import clock

from .times import METERS_A_SECOND, Point, road_meters

BLOCK = 50  # sources, and destinations, in one request: servers take 100 places as they come
ANSWER_SECONDS = 5.0
ANSWER_BYTES = 1 << 20
QUIET_SECONDS = 60.0  # after a failure

Matrix = list[list[int]]
_failed_at = float("-inf")


def seconds_between(points: Sequence[Point], pace: float, url: str) -> tuple[Matrix, str]:
    """(seconds from each point to each, "roads" or "estimate")."""
    if url:
        found = _asked(points, url.rstrip("/"))
        if found is not None:
            return found, "roads"
    return estimate(points, pace), "estimate"


def estimate(points: Sequence[Point], pace: float) -> Matrix:
    """Seconds by road as far as one can tell from the straight line."""
    size = len(points)
    found = [[0] * size for _ in range(size)]
    for a in range(size):
        for b in range(a):
            seconds = round(road_meters(points[a], points[b]) / METERS_A_SECOND * pace)
            found[a][b] = found[b][a] = seconds
    return found


def _asked(points: Sequence[Point], url: str) -> Matrix | None:
    """What the server says, block by block; None where it does not."""
    global _failed_at
    if clock.monotonic() < _failed_at + QUIET_SECONDS:
        return None
    starts = range(0, len(points), BLOCK)
    found = [[0] * len(points) for _ in points]
    try:
        for top, left in product(starts, starts):
            rows, columns = points[top : top + BLOCK], points[left : left + BLOCK]
            for number, row in enumerate(_block(url, rows, columns)):
                found[top + number][left : left + len(columns)] = row
    except (OSError, HTTPException, ValueError, KeyError, TypeError):
        _failed_at = clock.monotonic()
        return None
    return found


def _block(url: str, rows: Sequence[Point], columns: Sequence[Point]) -> Matrix:
    """One request; raises ValueError and its like for an answer that is not one."""
    places = ";".join(f"{lng:.6f},{lat:.6f}" for lat, lng in (*rows, *columns))
    sources = ";".join(str(number) for number in range(len(rows)))
    to = ";".join(str(len(rows) + number) for number in range(len(columns)))
    address = f"{url}/table/v1/driving/{places}?sources={sources}&destinations={to}"
    # The settings take http and https only.
    with urllib.request.urlopen(address, timeout=ANSWER_SECONDS) as answer:  # noqa: S310
        told = json.loads(answer.read(ANSWER_BYTES))["durations"]
    if len(told) != len(rows) or any(len(row) != len(columns) for row in told):
        raise ValueError("not a table of this size")
    return [[round(seconds) for seconds in row] for row in told]
