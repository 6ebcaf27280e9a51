"""The published limit under concurrency: of 700 requests at once with one key, exactly 600 pass."""

import asyncio
from collections import Counter
from pathlib import Path

import httpx
import pytest

from . import stored
from .server import PATIENCE_SECONDS, batch, serving

pytestmark = pytest.mark.anyio
AT_ONCE = 700
PASS = 600  # a minute, by default
CALLERS = 50  # at the same time


async def test_of_seven_hundred_requests_at_once_exactly_six_hundred_pass(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as (box, key):
        answers: list[httpx.Response] = []
        numbers = iter(range(AT_ONCE))
        async with httpx.AsyncClient(
            base_url=box.url,
            headers={"X-API-Key": key},
            limits=httpx.Limits(max_connections=CALLERS),
            timeout=PATIENCE_SECONDS,
            trust_env=False,
        ) as client:

            async def push_on() -> None:
                for number in numbers:
                    body = batch({"rx_number": f"RX-{number}"})
                    answers.append(await client.post("/api/webhook/orders", json=body))

            await asyncio.gather(*(push_on() for _ in range(CALLERS)))
        assert Counter(each.status_code for each in answers) == {200: PASS, 429: AT_ONCE - PASS}
        for refused in (each for each in answers if each.status_code == 429):
            assert 1 <= int(refused.headers["retry-after"]) <= 60
            assert refused.headers["ratelimit-remaining"] == "0"
        assert box.stop() == 0
        assert len(stored.packages(box.folder)) == PASS
