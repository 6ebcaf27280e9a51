"""What fuzzing found, each as a plain test."""

import httpx
import pytest

from tests.world import World, header

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("path", ["/api/packages", "/api/webhooks"])
@pytest.mark.parametrize("cursor", ["ä", "%F0%9D%9F%99", "a", "====", "..", "-1", "\u2028"])
async def test_a_cursor_of_other_letters_is_refused_in_words(
    client: httpx.AsyncClient, world: World, path: str, cursor: str
) -> None:
    answer = await client.get(path, params={"cursor": cursor}, headers=header(world.live))
    assert answer.status_code == 400
    assert answer.json()["details"][0]["field"] == "cursor"
