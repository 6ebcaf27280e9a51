"""How long it takes from door to door: by the owner's road server, else estimated."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from scriptrun_box.routes import distance
from scriptrun_box.routes.distance import estimate, seconds_between
from scriptrun_box.routes.times import DETOUR, road_meters, straight_meters

MIAMI, BEACH = (25.7743, -80.1937), (25.7907, -80.1300)
MANY = [(25.7 + n / 1000, -80.2) for n in range(120)]


@contextmanager
def roads(answer: Any) -> Iterator[str]:
    """A road server; `answer` makes the body of a request with so many sources and destinations."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = urlsplit(self.path)
            places = asked.path.rpartition("/")[2].split(";")
            query = parse_qs(asked.query)
            sources = [places[int(n)] for n in query["sources"][0].split(";")]
            to = [places[int(n)] for n in query["destinations"][0].split(";")]
            body = answer(sources, to)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            """Be silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def lat(place: str) -> float:
    return float(place.split(",")[1])


def test_the_way_by_road_is_longer_than_the_crow_flies() -> None:
    assert 6_000 < straight_meters(MIAMI, BEACH) < 7_000
    assert road_meters(MIAMI, BEACH) == DETOUR * straight_meters(MIAMI, BEACH)
    (_, there), _ = estimate([MIAMI, BEACH], 1.0)
    assert estimate([MIAMI, BEACH], 2.0)[0][1] == pytest.approx(2 * there, abs=1)


def test_a_road_server_is_asked_block_by_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distance, "_failed_at", float("-inf"))

    def table(sources: list[str], to: list[str]) -> bytes:
        assert len(sources) <= 50 and len(to) <= 50
        rows = [[(lat(a) - lat(b)) * 1000 for b in to] for a in sources]
        return json.dumps({"code": "Ok", "durations": rows}).encode()

    with roads(table) as url:
        seconds, source = seconds_between(MANY, 1.0, url)
    assert source == "roads"
    assert [row[0] for row in seconds] == list(range(120))


@pytest.mark.parametrize(
    "body",
    [b"", b"nonsense", b"[]", b'{"durations": null}', b'{"durations": [[0]]}',
     b'{"durations": [[null, null], [null, null]]}', b'{"durations": [["a", "b"], [1, 2]]}'],
)  # fmt: skip
def test_rubbish_means_estimates_and_some_peace(
    monkeypatch: pytest.MonkeyPatch, body: bytes
) -> None:
    monkeypatch.setattr(distance, "_failed_at", float("-inf"))
    asked = []

    def rubbish(sources: list[str], to: list[str]) -> bytes:
        asked.append(sources)
        return body

    with roads(rubbish) as url:
        for _ in range(2):
            seconds, source = seconds_between([MIAMI, BEACH], 1.0, url)
            assert (seconds, source) == (estimate([MIAMI, BEACH], 1.0), "estimate")
    assert len(asked) == 1


def test_a_server_that_is_not_there_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distance, "_failed_at", float("-inf"))
    assert seconds_between([MIAMI, BEACH], 1.0, "http://127.0.0.1:9")[1] == "estimate"
