"""The access matrix: every URL of the box against everybody who may come along."""

import pytest

from scriptrun_box.urls import URLS

from .people import Answer, Caller, Scene, changed
from .table import EVERYONE, KEYS, OPEN, ROWS, SIGNED_IN, Row

pytestmark = pytest.mark.anyio
SECRETS = ("whsec_", "Maria", "+1305", "123 Main", "RX-")


def refusal(row: Row, caller: Caller) -> tuple[int, str]:
    """Status and code for somebody the row does not name."""
    if row.by_phone:
        return 401, "phone_revoked" if caller.name == "lost phone" else "phone_unknown"
    if not row.keyed:
        return (403, "role_missing") if caller.name in SIGNED_IN else (401, "signed_out")
    if caller.name == "key without the scope":
        return 403, "scope_missing"
    if caller.name == "revoked key":
        return 401, "key_invalid"
    return (403, "sandbox_only") if caller.name in KEYS else (401, "key_missing")


def test_every_route_has_a_row_and_every_row_a_route() -> None:
    rows = sorted((row.method, row.path) for row in ROWS)
    assert rows == sorted((url.method, url.path) for url in URLS)


def test_the_addresses_that_are_open_to_everyone_are_these() -> None:
    assert [str(row) for row in ROWS if row.who == EVERYONE] == [str(row) for row in OPEN]
    gateless = {(url.method, url.path) for url in URLS if type(url.gate).__name__ == "function"}
    assert gateless == {(row.method, row.path) for row in OPEN}


@pytest.mark.parametrize("row", ROWS, ids=str)
async def test_whoever_the_row_names_gets_in(scene: Scene, row: Row) -> None:
    for caller in await scene.callers(row):
        if caller.name in row.who:
            subject = await scene.subject(row.subject, caller.scope)
            answer = await scene.call(row, caller, subject)
            ok = row.ok_signed_in if row.ok_signed_in and caller.name in SIGNED_IN else row.ok
            assert answer.status == ok, (caller.name, answer.body[:300])


@pytest.mark.parametrize("row", [row for row in ROWS if row not in OPEN], ids=str)
async def test_everybody_else_is_refused_and_nothing_changes(scene: Scene, row: Row) -> None:
    callers = [each for each in await scene.callers(row) if each.name not in row.who]
    assert len(callers) >= 2
    subjects = {each.name: await scene.subject(row.subject, each.scope) for each in callers}
    before = await scene.everything()
    for caller in callers:
        answer = await scene.call(row, caller, subjects[caller.name])
        assert (answer.status, answer.code) == refusal(row, caller), caller.name
        assert not any(secret in answer.body for secret in SECRETS), caller.name
        if row.method == "GET":
            head = await scene.call(row, caller, subjects[caller.name], method="HEAD")
            assert head.status == answer.status
    assert changed(before, await scene.everything()) == []


@pytest.mark.parametrize("row", [row for row in ROWS if row.scope == "webhooks:manage"], ids=str)
async def test_a_plan_without_webhooks_refuses_them_and_nothing_changes(
    scene: Scene, row: Row
) -> None:
    caller = await scene.caller(row, "stranger's key")
    subject = await scene.subject(row.subject, caller.scope)
    await scene.set_plan(caller.scope, "starter")
    try:
        before = await scene.everything()
        answer = await scene.call(row, caller, subject)
        assert (answer.status, answer.code) == (403, "feature_not_in_plan")
        assert changed(before, await scene.everything()) == []
    finally:
        await scene.set_plan(caller.scope, "enterprise")


@pytest.mark.parametrize("row", [row for row in ROWS if row.who <= SIGNED_IN], ids=str)
async def test_a_browser_is_sent_to_the_sign_in_page_and_back(scene: Scene, row: Row) -> None:
    caller = await scene.caller(row, "ended session")
    subject = await scene.subject(row.subject, caller.scope)
    answer = await scene.call(row, caller, subject, accept="text/html")
    if row.path == "/live":  # a stream, no page
        assert answer.status == 401
        return
    # Back to the page; a form that was posted is not posted again.
    back = row.path.replace("{id}", subject.id).replace("{name}", subject.id)
    back = "/" if row.changes else back
    assert (answer.status, answer.headers["location"]) == (303, f"/sign-in?next={back}")


def _is_refused(answer: Answer, status: int, code: str) -> bool:
    return (answer.status, answer.code) == (status, code)


@pytest.mark.parametrize("scheme", ["Bearer ", "Basic ", ""])
async def test_a_key_counts_in_its_own_header_only(scene: Scene, scheme: str) -> None:
    (row,) = [row for row in ROWS if str(row) == "GET /api/packages"]
    key = (await scene.caller(row, "live key")).headers["x-api-key"]
    subject = await scene.subject("", scene.world.scope)
    nobody = Caller("nobody", scene.world.scope, {"authorization": scheme + key})
    assert _is_refused(await scene.call(row, nobody, subject), 401, "key_missing")
    in_cookie = Caller("nobody", scene.world.scope, {"cookie": f"X-API-Key={key}; scriptrun={key}"})
    assert _is_refused(await scene.call(row, in_cookie, subject), 401, "key_missing")


async def test_a_session_token_is_no_key_and_a_key_is_no_session(scene: Scene) -> None:
    rows = {str(row): row for row in ROWS}
    keyed, page = rows["GET /api/packages"], rows["GET /packages"]
    subject = await scene.subject("", scene.world.scope)
    token = (await scene.caller(page, "owner")).headers["cookie"].partition("=")[2]
    key = (await scene.caller(keyed, "live key")).headers["x-api-key"]
    as_key = Caller("nobody", scene.world.scope, {"x-api-key": token})
    assert _is_refused(await scene.call(keyed, as_key, subject), 401, "key_invalid")
    as_session = Caller("nobody", scene.world.scope, {"cookie": f"scriptrun={key}"})
    assert _is_refused(await scene.call(page, as_session, subject), 401, "signed_out")


@pytest.mark.parametrize("path", ["/packages/", "/api/packages/", "/healthz/", "/x"])
async def test_an_address_that_is_not_in_the_table_is_unknown_whoever_asks(
    scene: Scene, path: str
) -> None:
    for caller in await scene.callers(ROWS[0]):
        got = await scene.client.get(path, headers=caller.headers)
        assert (got.status_code, got.json()["code"]) == (404, "not_found")
        assert got.headers["x-request-id"] == got.json()["request_id"]
        elsewhere = await scene.client.get(path, headers={**caller.headers, "host": "evil.example"})
        assert (elsewhere.status_code, elsewhere.json()["code"]) == (421, "unknown_host")
