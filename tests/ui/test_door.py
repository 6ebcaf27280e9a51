"""The door: signing in and out, setting up, one-time links, the sandbox switch."""

from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from scriptrun_box.accounts import actions
from scriptrun_box.app import create_app
from scriptrun_box.kernel.opening import open_folder
from scriptrun_box.kernel.scope import CLI
from scriptrun_box.ui.pages import local_path
from tests.boxes import settings_for
from tests.ui.conftest import HOST, PAGE, Visit
from tests.world import PASSWORD, World, cookie

pytestmark = pytest.mark.anyio
OWNER = "owner@corner-drug.example"


async def sign_in(client: httpx.AsyncClient, **changes: str) -> httpx.Response:
    form = {"email": OWNER, "password": PASSWORD, "next": "/packages"} | changes
    return await client.post("/sign-in", data=form, headers=PAGE)


async def test_a_right_password_opens_the_page_one_came_for(
    client: httpx.AsyncClient, world: World
) -> None:
    asked = await client.get("/packages?q=x", headers=PAGE)
    assert asked.status_code == 303
    assert asked.headers["location"] == "/sign-in?next=/packages%3Fq%3Dx"
    answer = await sign_in(client)
    assert (answer.status_code, answer.headers["location"]) == (303, "/packages")
    flags = answer.headers["set-cookie"].lower()
    assert "httponly" in flags and "samesite=lax" in flags and "path=/" in flags
    assert (await client.get("/packages", headers=PAGE)).status_code == 200


async def test_signing_in_makes_a_new_session_and_ends_the_one_before(
    client: httpx.AsyncClient, world: World
) -> None:
    former = cookie(world, "owner")["scriptrun"]
    client.cookies.set("scriptrun", former, domain="127.0.0.1")
    answer = await sign_in(client)
    assert answer.cookies["scriptrun"] != former
    client.cookies.clear()
    gone = await client.get("/", headers={**PAGE, "Cookie": f"scriptrun={former}"})
    assert gone.status_code == 303


async def test_the_same_sentence_for_a_wrong_password_and_an_unknown_person(
    client: httpx.AsyncClient, world: World
) -> None:
    wrong = await sign_in(client, password="not the password at all")
    unknown = await sign_in(client, email="nobody@nowhere.example")
    for answer in (wrong, unknown):
        assert answer.status_code == 401
        assert "The e-mail or the password is not right." in answer.text
        assert "set-cookie" not in answer.headers
    assert OWNER in wrong.text


async def test_guessing_has_to_wait(client: httpx.AsyncClient, world: World) -> None:
    for _ in range(5):
        await sign_in(client, password="wrong wrong wrong wrong")
    answer = await sign_in(client)
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) >= 1
    assert "try again in" in answer.text


@pytest.mark.parametrize(
    "elsewhere",
    ["//evil.example/", "https://evil.example/", "/\\evil.example", "evil", "", "/a\nb", "/" * 600],
)
def test_next_leads_only_to_pages_of_this_box(elsewhere: str) -> None:
    assert local_path(elsewhere) == "/"


async def test_another_site_cannot_sign_anyone_in(client: httpx.AsyncClient, world: World) -> None:
    form = {"email": OWNER, "password": PASSWORD}
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        answer = await client.post("/sign-in", data=form, headers={**PAGE, **headers})
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers


async def test_signing_out_ends_the_session_on_the_box(world: World, visit: Visit) -> None:
    owner = await visit("owner")
    answer = await owner.send("/sign-out")
    assert answer.headers["location"] == "/sign-in?done=out"
    owner.http.cookies.set("scriptrun", world.sessions["owner"], domain="127.0.0.1")
    assert (await owner.http.get("/", headers=PAGE)).status_code == 303


async def test_a_form_without_the_pages_token_changes_nothing(visit: Visit) -> None:
    owner = await visit("owner")
    answer = await owner.http.post("/sandbox", data={"test": "1"}, headers=PAGE)
    assert answer.status_code == 403
    assert "reload it and try again" in answer.text
    assert "Sandbox: nothing here reaches" not in await owner.see("/")


async def test_the_sandbox_is_marked_and_its_switch_keeps_the_page(visit: Visit) -> None:
    owner = await visit("owner")
    answer = await owner.send("/sandbox", test="1", next="/packages?status=open")
    assert answer.headers["location"] == "/packages?status=open"
    assert "Sandbox: nothing here reaches a patient" in await owner.see("/packages")
    answer = await owner.send("/sandbox", test="0", next="/packages/" + "0" * 32)
    assert answer.headers["location"] == "/packages"
    assert "Sandbox: nothing here" not in await owner.see("/packages")


async def test_a_driver_finds_a_page_that_says_so_and_no_desk(visit: Visit) -> None:
    driver = await visit("driver")
    assert "nothing for drivers on these pages" in await driver.see("/")
    assert "Not open to you" in await driver.see("/packages", 403)
    await driver.see("/packages.csv", 403)
    await driver.see("/live/desk", 403)


async def test_a_person_sets_a_password_by_link_once(
    app: Starlette, client: httpx.AsyncClient, world: World
) -> None:
    token = await world.db.write(
        actions.reset_password, world.pharmacy.tenant.id, CLI, world.teammate.id
    )
    page = await client.get(f"/link?token={token}", headers=PAGE)
    assert page.status_code == 200
    form = {"token": token, "password": "seven quiet harbours", "again": "seven quiet harbors"}
    answer = await client.post("/link", data=form, headers=PAGE)
    assert answer.status_code == 400
    assert "The two passwords are not the same." in answer.text
    form["again"] = form["password"]
    answer = await client.post("/link", data=form, headers=PAGE)
    assert answer.headers["location"] == "/"
    assert (await client.get("/", headers=PAGE)).status_code == 200
    client.cookies.clear()
    assert (await client.get(f"/link?token={token}", headers=PAGE)).status_code == 404
    again = await sign_in(
        client, email="dispatcher@corner-drug.example", password="seven quiet harbours"
    )
    assert again.status_code == 303


async def test_the_first_link_sets_the_box_up_and_works_once(tmp_path: Path) -> None:
    settings = settings_for(tmp_path / "data")
    app = create_app(settings, open_folder(settings))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=HOST, headers=PAGE) as http,
    ):
        assert (await http.get("/sign-in")).status_code == 503
        token = await app.state.box.db.write(actions.create_link, None)
        assert (await http.get("/set-up?token=guess")).status_code == 404
        elsewhere = httpx.ASGITransport(app, client=("192.0.2.77", 40_000))
        async with httpx.AsyncClient(transport=elsewhere, base_url=HOST) as stranger:
            for method in ("GET", "POST"):
                refused = await stranger.request(method, f"/set-up?token={token}")
                assert refused.json()["code"] == "source_refused"
        page = await http.get(f"/set-up?token={token}")
        assert page.status_code == 200
        assert '<option value="America/New_York" selected>' in page.text
        form = {
            "token": token, "pharmacy": "Corner Drug", "address": "1400 Elm St, Miami, FL 33125",
            "time_zone": "America/Chicago",
            "name": "Ada Okafor", "email": OWNER, "password": "short", "again": "short",
        }  # fmt: skip
        answer = await http.post("/set-up", data=form)
        assert answer.status_code == 400
        assert "at least 15 characters" in answer.text and "Ada Okafor" in answer.text
        form |= {"password": PASSWORD, "again": PASSWORD, "email": "no address"}
        answer = await http.post("/set-up", data=form)
        assert answer.status_code == 400
        assert "This is not an e-mail address." in answer.text
        answer = await http.post("/set-up", data=form | {"email": OWNER})
        assert answer.headers["location"] == "/"
        assert "No packages yet" in (await http.get("/")).text
        assert "1400 Elm St" in (await http.get("/settings/locations")).text
        assert (await http.get(f"/set-up?token={token}")).status_code == 404
