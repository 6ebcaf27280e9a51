"""A form that another site made the browser send is refused, and nothing changes."""

from typing import Any

import pytest

from .people import Caller, Scene, changed
from .table import OPEN, ROWS, STAFF, Row

pytestmark = pytest.mark.anyio
FORMS = [row for row in ROWS if row.changes and STAFF & row.who and row not in OPEN]
OPEN_FORMS = [row for row in OPEN if row.changes]
FROM_ELSEWHERE: dict[str, dict[str, str]] = {
    "another site": {"origin": "http://evil.example"},
    "another port": {"origin": "http://127.0.0.1:81"},
    "an opaque origin": {"origin": "null"},
    "cross-site": {"sec_fetch_site": "cross-site"},
    "same-site": {"sec_fetch_site": "same-site"},  # a neighbour on the LAN's own domain
}
FROM_HERE = {"origin": "http://127.0.0.1:8787", "sec_fetch_site": "same-origin"}


async def owner_of(scene: Scene, row: Row) -> Caller:
    return await scene.caller(row, "owner")


def test_there_are_forms_to_protect() -> None:
    assert len(FORMS) > 20 and len(OPEN_FORMS) == 4


@pytest.mark.parametrize("row", FORMS, ids=str)
async def test_a_form_needs_the_token_of_its_own_session(scene: Scene, row: Row) -> None:
    owner, subject = await owner_of(scene, row), None
    other = await owner_of(scene, row)
    stranger = await scene.caller(row, "other owner")
    subject = await scene.subject(row.subject, owner.scope)
    wrong: dict[str, dict[str, Any]] = {
        "no token": {"token": ""},
        "another session's": {"token": other.csrf},
        "a stranger's": {"token": stranger.csrf},
        "half of it": {"token": owner.csrf[:20]},
        "a text that is not ASCII": {"token": "ü"},
        "in a body of another kind": {"content-type": "text/plain"},
        "another session's in the header": {"token": "", "x-csrf-token": other.csrf},
    }
    before = await scene.everything()
    for why, sent in wrong.items():
        answer = await scene.call(row, owner, subject, **sent)
        assert (answer.status, answer.code) == (403, "csrf"), why
    assert changed(before, await scene.everything()) == []


@pytest.mark.parametrize("row", FORMS, ids=str)
async def test_a_form_from_another_site_is_refused_even_with_the_token(
    scene: Scene, row: Row
) -> None:
    owner = await owner_of(scene, row)
    subject = await scene.subject(row.subject, owner.scope)
    before = await scene.everything()
    for why, headers in FROM_ELSEWHERE.items():
        answer = await scene.call(row, owner, subject, **headers)
        assert (answer.status, answer.code) == (403, "csrf"), why
    assert changed(before, await scene.everything()) == []
    answer = await scene.call(row, owner, subject, **FROM_HERE)
    assert answer.status == row.ok, "and from our own page it works"


@pytest.mark.parametrize("row", OPEN_FORMS, ids=str)
async def test_nobody_is_signed_in_by_another_site(scene: Scene, row: Row) -> None:
    nobody = await scene.caller(row, "nobody")
    subject = await scene.subject(row.subject, nobody.scope)
    before = await scene.everything()
    for why, headers in FROM_ELSEWHERE.items():
        answer = await scene.call(row, nobody, subject, **headers)
        assert (answer.status, answer.code) == (403, "csrf"), why
    assert changed(before, await scene.everything()) == []


@pytest.mark.parametrize("row", [row for row in ROWS if not row.changes], ids=str)
async def test_looking_changes_nothing_but_the_note_that_somebody_looked(
    scene: Scene, row: Row
) -> None:
    """A page another site makes the browser open must not do anything."""
    caller = await scene.caller(row, row.usual)
    subject = await scene.subject(row.subject, caller.scope)
    before = await scene.everything()
    answer = await scene.call(row, caller, subject)
    assert answer.status in (row.ok, row.ok_signed_in)
    assert set(changed(before, await scene.everything())) <= {"audit"}


async def test_the_cookie_is_out_of_reach_of_other_sites_and_of_scripts(scene: Scene) -> None:
    row = next(row for row in OPEN if str(row) == "POST /sign-in")
    answer = await scene.call(
        row, await scene.caller(row, "nobody"), await scene.subject("", scene.world.scope)
    )
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=lax" in cookie and "path=/" in cookie
    scene.client.cookies.clear()
