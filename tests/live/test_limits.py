"""The published limit under concurrency: of 700 requests at once with one key, exactly 600 pass."""

import asyncio
import json
from collections import Counter
from pathlib import Path

import pytest

from . import stored
from .server import PATIENCE_SECONDS, Box, batch, serving

pytestmark = pytest.mark.anyio
AT_ONCE = 700
PASS = 600  # a minute, by default
CALLERS = 50  # at the same time, each on a connection of its own
Answer = tuple[int, dict[str, str]]  # status, headers


async def answer_of(reader: asyncio.StreamReader) -> Answer:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("ascii").split("\r\n")
    headers = dict(line.split(": ", 1) for line in head[1:-2])
    await reader.readexactly(int(headers["content-length"]))
    return int(head[0].split(" ")[1]), headers


async def call(box: Box, requests: list[bytes]) -> list[Answer]:
    """One caller: request after request on one connection."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        reader, writer = await asyncio.open_connection("127.0.0.1", box.port)
        answers = []
        for request in requests:
            writer.write(request)
            answers.append(await answer_of(reader))
        writer.close()
        return answers


def request(key: str, number: int) -> bytes:
    body = json.dumps(batch({"rx_number": f"RX-{number}"}))
    head = (
        f"POST /api/webhook/orders HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return (head + body).encode()


async def test_of_seven_hundred_requests_at_once_exactly_six_hundred_pass(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as (box, key):
        requests = [request(key, number) for number in range(AT_ONCE)]
        shares = [requests[place::CALLERS] for place in range(CALLERS)]
        told = await asyncio.gather(*(call(box, share) for share in shares))
        answers = [each for share in told for each in share]
        assert Counter(status for status, _ in answers) == {200: PASS, 429: AT_ONCE - PASS}
        for _, headers in (each for each in answers if each[0] == 429):
            assert 1 <= int(headers["retry-after"]) <= 60
            assert headers["ratelimit-remaining"] == "0"
        assert box.stop() == 0
        assert len(stored.packages(box.folder)) == PASS
