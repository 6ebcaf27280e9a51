"""Pushing orders and reading packages, as the tests of packages do it."""

from typing import Any

import httpx

from scriptrun_box.accounts.actions import NewKey
from tests.world import header, orders


async def push(client: httpx.AsyncClient, key: NewKey, *changes: dict[str, Any]) -> list[str]:
    """The ids of packages made of orders with these changes."""
    answer = await client.post("/api/webhook/orders", json=orders(*changes), headers=header(key))
    assert answer.status_code == 200, answer.text
    assert answer.json()["created"] == len(changes)
    return list(answer.json()["package_ids"])


async def get(client: httpx.AsyncClient, key: NewKey, path: str, **query: Any) -> httpx.Response:
    """GET an address below /api."""
    return await client.get(f"/api/{path}", params=query, headers=header(key))


async def post(client: httpx.AsyncClient, key: NewKey, path: str, body: Any = None) -> Any:
    """POST to an address below /api; the JSON of a success."""
    answer = await client.post(f"/api/{path}", json=body, headers=header(key))
    assert answer.status_code == 200, answer.text
    return answer.json()


async def walk(client: httpx.AsyncClient, key: NewKey, package_id: str, *steps: str) -> Any:
    """Take a sandbox package some steps on; the package as it then stands."""
    shape = None
    for step in steps:
        path = (
            f"packages/{package_id}/cancel"
            if step == "cancel"
            else f"test/packages/{package_id}/{step}"
        )
        shape = await post(client, key, path)
    return shape


async def found(client: httpx.AsyncClient, key: NewKey, **query: Any) -> list[str]:
    """The ids a list shows on its first page, in its order."""
    answer = await get(client, key, "packages", **query)
    assert answer.status_code == 200, answer.text
    return [each["id"] for each in answer.json()["data"]]
