"""Asks the geocoder the owner set about one address: its street, town, state and ZIP, no more.

What does not answer, answers rubbish or far too much is a failure like any other, never an error.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any
from urllib.parse import urlencode

from scriptrun_box.kernel import outgoing
from scriptrun_box.kernel.addresses import Allowed
from scriptrun_box.kernel.config import GeocodingSettings
from scriptrun_box.kernel.outgoing import Outgoing
from scriptrun_box.kernel.resolver import Resolver

from .reading import Parts, line

SECONDS = 10.0  # for one question
PUBLIC = {
    "census": "https://geocoding.geo.census.gov",
    "nominatim": "https://nominatim.openstreetmap.org",
}
# An instance of one's own may be anywhere the owner's own network reaches, and there without TLS.
OWN_NETWORKS = (
    "127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "::1/128",
    "fc00::/7",
)  # fmt: skip
PUBLIC_GAP_SECONDS = 1.0  # the public Nominatim's rule, and polite elsewhere
OWN_GAP_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a question: a point in degrees, none, or a failure to be tried again."""

    point: tuple[float, float] | None = None
    failed: bool = False


FAILED = Answer(failed=True)


class Provider:
    """The geocoder as configured; `ask` never raises."""

    def __init__(self, settings: GeocodingSettings, own_port: int) -> None:
        self.name = settings.provider
        self._url = settings.url.rstrip("/") or PUBLIC.get(settings.provider, "")
        self._resolver = Resolver()
        networks = OWN_NETWORKS if settings.url else ()
        self._allowed = Allowed.of(networks, bool(settings.url), [own_port])
        self.gap_seconds = OWN_GAP_SECONDS if settings.url else PUBLIC_GAP_SECONDS

    async def ask(self, parts: Parts) -> Answer:
        """Where an address is."""
        wish = Outgoing(self._question(line(parts)), {}, b"", SECONDS, method="GET")
        got = await outgoing.post(wish, self._allowed, self._resolver, outgoing.public_tls())
        if got.outcome != "ok":
            return FAILED
        try:
            return self._read(json.loads(got.answer))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return FAILED

    def _question(self, address: str) -> str:
        if self.name == "census":
            query = {"address": address, "benchmark": "Public_AR_Current", "format": "json"}
            return f"{self._url}/geocoder/locations/onelineaddress?{urlencode(query)}"
        query = {"q": address, "format": "jsonv2", "limit": "1", "countrycodes": "us"}
        return f"{self._url}/search?{urlencode(query)}"

    def _read(self, answer: Any) -> Answer:
        if self.name == "census":
            matches = answer["result"]["addressMatches"]
            return _first([each["coordinates"] for each in matches], "y", "x")
        return _first(answer, "lat", "lon")


def _first(matches: Any, lat: str, lng: str) -> Answer:
    if not isinstance(matches, list):
        return FAILED
    if not matches:
        return Answer()
    first: Mapping[str, Any] = matches[0]
    point = (float(first[lat]), float(first[lng]))
    on_earth = all(map(isfinite, point)) and abs(point[0]) <= 90 and abs(point[1]) <= 180
    return Answer(point) if on_earth and point != (0.0, 0.0) else FAILED
