"""POST /api/webhook/orders, as the published docs tell it."""

import httpx
import pytest

from tests.world import World, header, orders

pytestmark = pytest.mark.anyio
URL = "/api/webhook/orders"


async def test_the_published_curl_is_answered_with_exactly_the_published_keys(
    client: httpx.AsyncClient, world: World
) -> None:
    answer = await client.post(URL, json=orders(), headers=header(world.live))
    assert answer.status_code == 200
    shape = answer.json()
    assert list(shape) == ["created", "package_ids", "warnings"]
    assert shape["created"] == 1
    assert shape["warnings"] == []
    assert len(shape["package_ids"][0]) == 32
