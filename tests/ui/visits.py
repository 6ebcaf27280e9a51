"""Somebody at a browser in tests: keeps the session, posts forms with the page's own token."""

import html
import re
from urllib.parse import urlencode

import httpx

from tests.world import World

CSRF = re.compile(r'name="csrf" value="([^"]*)"')
TEXT_HTML = {"Accept": "text/html"}


class Visitor:
    """A person of the world, or nobody; without scripts, as forms must work."""

    def __init__(self, client: httpx.AsyncClient, world: World, who: str = "") -> None:
        self._client = client
        self._headers = {**TEXT_HTML}
        if who:
            self._headers["Cookie"] = f"scriptrun={world.sessions[who]}"

    async def get(self, path: str) -> httpx.Response:
        return await self._client.get(path, headers=self._headers)

    async def post(
        self, path: str, fields: dict[str, str | list[str]] | None = None, *, csrf: str = ""
    ) -> httpx.Response:
        """Post a form; the token comes from a page unless it is given."""
        token = csrf or await self.csrf()
        body = urlencode({"csrf": token, **(fields or {})}, doseq=True)
        headers = {**self._headers, "Content-Type": "application/x-www-form-urlencoded"}
        return await self._client.post(path, content=body, headers=headers)

    async def csrf(self) -> str:
        """The token this person's pages carry."""
        found = CSRF.search((await self.get("/docs")).text)
        return found[1] if found else "none"


def field(page: str, name: str, start: str = "") -> str:
    """The value of the first input of that name behind `start`."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page[page.index(start) :])
    assert found, f"no input named {name}"
    return html.unescape(found[1])


def shown(page: str, element_id: str) -> str:
    """The text of the output or pre with that id."""
    found = re.search(rf'<(\w+)[^>]* id="{element_id}"[^>]*>(.*?)</\1>', page, re.DOTALL)
    assert found, f"nothing with the id {element_id}"
    return html.unescape(found[2])
