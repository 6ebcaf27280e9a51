"""The frame of every page: refusals people see, static files, a policy without inline code."""

import re

import httpx
import pytest

from scriptrun_box.kernel.http import CSP
from scriptrun_box.ui import pages
from tests.ui.conftest import PAGE, Push, Visit
from tests.world import World

pytestmark = pytest.mark.anyio
TEMPLATES = sorted((pages.HERE / "templates").rglob("*.html"))
INLINE = re.compile(r"""<style|\sstyle=|\son[a-z]+\s*=\s*["']|javascript:|<script(?![^>]*\ssrc=)""")


def test_the_policy_allows_nothing_inline_and_nothing_from_outside() -> None:
    assert "default-src 'self'" in CSP
    assert "unsafe" not in CSP and "http" not in CSP


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: str(path.name))
def test_no_template_needs_more_than_the_policy_allows(template: pages.Path) -> None:
    assert not INLINE.search(template.read_text("utf-8"))


async def test_static_files_are_kept_for_ever_under_the_hash_of_their_content(
    client: httpx.AsyncClient,
) -> None:
    for name in pages.ASSETS:
        answer = await client.get(pages.static_url(name))
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        stale = await client.get(f"/static/{name}?v=other")
        assert stale.headers["cache-control"] == "no-cache"
        same = await client.get(
            f"/static/{name}", headers={"If-None-Match": answer.headers["etag"]}
        )
        assert (same.status_code, same.content) == (304, b"")
    # The second is no static address but any other one, and this box is not set up.
    for name, status in (("nothing.css", 404), ("..%2fpages.py", 503)):
        assert (await client.get(f"/static/{name}")).status_code == status


async def test_a_refusal_on_a_page_is_one_calm_sentence_with_the_request_id(
    visit: Visit,
) -> None:
    owner = await visit("owner")
    answer = await owner.http.get("/nowhere/at/all", headers=PAGE)
    assert answer.status_code == 404
    assert "There is nothing at this address." in answer.text
    assert answer.headers["x-request-id"] in answer.text
    program = await owner.http.get("/packages/" + "0" * 32)
    assert program.json()["code"] == "not_found"


async def test_signed_out_leads_to_the_door_and_back(
    client: httpx.AsyncClient, world: World
) -> None:
    answer = await client.get("/packages?q=a%20b&status=open", headers=PAGE)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/sign-in?next=/packages%3Fq%3Da%2520b%26status%3Dopen"
    posted = await client.post("/sandbox", data={"test": "1"}, headers=PAGE)
    assert posted.headers["location"] == "/sign-in?next=/"
    assert (await client.get("/packages")).json()["code"] == "signed_out"


async def test_pages_with_patients_are_never_cached(visit: Visit, push: Push) -> None:
    (package_id,) = await push({})
    owner = await visit("owner")
    for path in ("/", "/packages", f"/packages/{package_id}", "/packages.csv", "/live/desk"):
        answer = await owner.http.get(path, headers=PAGE)
        assert answer.headers["cache-control"] == "no-store", path


async def test_the_navigation_shows_what_the_role_may_open(visit: Visit, push: Push) -> None:
    await push({}, {"patient_name": "B. Jones"})
    owner, teammate = (
        await (await visit("owner")).see("/"),
        await (await visit("teammate")).see("/"),
    )
    assert 'href="/settings/users"' in owner
    assert 'href="/settings/users"' in teammate  # to look at; only an owner changes anything
    assert 'href="/settings/users"' not in await (await visit("driver")).see("/")
    assert '<span class="num" data-count="/packages">2</span>' in owner
    assert 'href="/" aria-current="page"' in owner
