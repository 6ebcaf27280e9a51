"""Settings → Users: links shown once, roles, locking out; the owner's business only."""

import csv
import io
from urllib.parse import urlencode

import httpx
import pytest

from scriptrun_box.accounts import store
from scriptrun_box.accounts.model import User
from tests.ui.visits import Visitor, field, shown
from tests.world import World

pytestmark = pytest.mark.anyio
PAGE = "/settings/users"
NEW = {"name": "Noa Lindqvist", "email": "noa@corner.example", "role": "dispatcher"}


async def person(world: World, email: str) -> User | None:
    return await world.db.read(store.user_by_email, email)


async def test_a_new_person_gets_a_link_that_is_shown_once_and_works(
    client: httpx.AsyncClient, world: World
) -> None:
    owner = Visitor(client, world, "owner")
    form = field((await owner.get(PAGE)).text, "form_id", f'action="{PAGE}"')
    made = await owner.post(PAGE, {**NEW, "form_id": form})
    assert made.status_code == 200
    link = shown(made.text, "person-link")
    assert link.startswith("http://127.0.0.1:8787/link?token=")
    again = await owner.post(PAGE, {**NEW, "form_id": form})
    assert again.headers["location"] == f"{PAGE}?done=once"
    page = (await owner.get(PAGE)).text
    assert "Noa Lindqvist" in page
    assert link not in page
    body = urlencode(
        {
            "token": link.rpartition("=")[2],
            "password": "seven green bottles hang",
            "again": "seven green bottles hang",
        }
    )
    kind = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "text/html"}
    followed = await client.post("/link", content=body, headers=kind)
    assert followed.status_code == 303
    stored = await person(world, NEW["email"])
    assert stored is not None
    assert stored.has_password


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"email": "nobody"}, "not an e-mail address"),
        ({"email": "owner@corner-drug.example"}, "already here"),
        ({"email": "owner@harbor-pharmacy.example"}, "already here"),
        ({"name": " "}, "The name is missing"),
        ({"role": "boss"}, "The role is one of"),
    ],
)
async def test_a_wrong_field_is_told_and_nobody_is_added(
    client: httpx.AsyncClient, world: World, change: dict[str, str], words: str
) -> None:
    before = await world.db.read(store.users, world.pharmacy.tenant.id)
    refused = await Visitor(client, world, "owner").post(PAGE, {**NEW, **change})
    assert refused.status_code == 400
    assert words in refused.text
    assert await world.db.read(store.users, world.pharmacy.tenant.id) == before


async def test_a_role_is_changed_and_the_person_signs_in_again(
    client: httpx.AsyncClient, world: World
) -> None:
    owner = Visitor(client, world, "owner")
    done = await owner.post(f"{PAGE}/{world.teammate.id}/role", {"role": "pharmacist"})
    assert done.headers["location"] == f"{PAGE}?done=role"
    stored = await world.db.read(store.user, world.teammate.id)
    assert stored is not None
    assert stored.role == "pharmacist"
    assert (await Visitor(client, world, "teammate").get("/settings/usage")).status_code == 303


async def test_locking_out_ends_sessions_at_once_and_can_be_undone(
    client: httpx.AsyncClient, world: World
) -> None:
    owner, teammate = (Visitor(client, world, who) for who in ("owner", "teammate"))
    assert (await teammate.get("/settings/usage")).status_code == 200
    await owner.post(f"{PAGE}/{world.teammate.id}/lock-out")
    assert (await teammate.get("/settings/usage")).status_code == 303
    assert "locked out" in (await owner.get(PAGE)).text
    await owner.post(f"{PAGE}/{world.teammate.id}/let-in")
    stored = await world.db.read(store.user, world.teammate.id)
    assert stored is not None
    assert stored.disabled_at is None


async def test_a_reset_gives_a_link_once_and_signs_the_person_out(
    client: httpx.AsyncClient, world: World
) -> None:
    owner = Visitor(client, world, "owner")
    path = f"{PAGE}/{world.teammate.id}/reset"
    form = field((await owner.get(PAGE)).text, "form_id", path)
    made = await owner.post(path, {"form_id": form})
    assert "/link?token=" in shown(made.text, "person-link")
    assert (await Visitor(client, world, "teammate").get("/settings/usage")).status_code == 303
    again = await owner.post(path, {"form_id": form})
    assert again.headers["location"] == f"{PAGE}?done=once"


@pytest.mark.parametrize("act", ["role", "lock-out"])
async def test_the_last_owner_stays_one(client: httpx.AsyncClient, world: World, act: str) -> None:
    owner = Visitor(client, world, "owner")
    refused = await owner.post(f"{PAGE}/{world.owner.id}/{act}", {"role": "driver"})
    assert refused.status_code == 409
    assert "last owner" in refused.text
    assert (await owner.get(PAGE)).status_code == 200


async def test_teammates_see_who_works_here_and_cannot_change_it(
    client: httpx.AsyncClient, world: World
) -> None:
    teammate = Visitor(client, world, "teammate")
    page = await teammate.get(PAGE)
    assert "The pharmacist" in page.text
    assert "add-person" not in page.text
    for act in ("role", "reset", "lock-out", "let-in"):
        refused = await teammate.post(f"{PAGE}/{world.driver.id}/{act}", {"role": "owner"})
        assert refused.status_code == 403
    assert (await teammate.post(PAGE, {**NEW})).status_code == 403
    assert (await teammate.get(f"{PAGE}.csv")).status_code == 403
    assert await person(world, NEW["email"]) is None


@pytest.mark.parametrize("act", ["role", "reset", "lock-out", "let-in"])
async def test_a_stranger_touches_nobody_of_ours(
    client: httpx.AsyncClient, world: World, act: str
) -> None:
    stranger = Visitor(client, world, "other_owner")
    assert world.teammate.email not in (await stranger.get(PAGE)).text
    before = await world.db.read(store.user, world.teammate.id)
    tried = await stranger.post(f"{PAGE}/{world.teammate.id}/{act}", {"role": "owner"})
    assert tried.status_code in (303, 404)
    assert "/link?token=" not in tried.text
    assert await world.db.read(store.user, world.teammate.id) == before
    assert (await Visitor(client, world, "teammate").get(PAGE)).status_code == 200


async def test_a_form_without_the_pages_token_is_refused(
    client: httpx.AsyncClient, world: World
) -> None:
    owner = Visitor(client, world, "owner")
    assert (await owner.post(PAGE, {**NEW}, csrf="forged")).status_code == 403
    assert await person(world, NEW["email"]) is None


async def test_people_are_searched_and_exported(client: httpx.AsyncClient, world: World) -> None:
    owner = Visitor(client, world, "owner")
    page = (await owner.get(f"{PAGE}?q=PHARMACIST")).text
    assert "The pharmacist" in page
    assert "The driver" not in page
    exported = await owner.get(f"{PAGE}.csv")
    rows = list(csv.DictReader(io.StringIO(exported.content.decode("utf-8-sig"))))
    assert {row["role"] for row in rows} == {"owner", "dispatcher", "pharmacist", "driver"}
    assert {row["state"] for row in rows} == {"active"}
