"""Tenants and their people: adding, links, roles, locking out, and the box's first owner."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import time_machine

from scriptrun_box.accounts import actions, store
from scriptrun_box.accounts.model import KINDS, ROLES, User
from scriptrun_box.kernel import audit
from scriptrun_box.kernel.config import PlansSettings
from scriptrun_box.kernel.db import Database, Reader
from scriptrun_box.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from scriptrun_box.kernel.opening import open_folder
from scriptrun_box.kernel.scope import CLI
from tests.boxes import settings_for
from tests.world import World

pytestmark = pytest.mark.anyio
HASH = "scrypt$2$8$1$AAAA$AAAA"


async def add(world: World, **changes: Any) -> tuple[User, str]:
    """Another person of Corner Drug, and the token of their link."""
    wish = {"email": "new@corner-drug.example", "name": "New One", "role": "dispatcher", **changes}
    return await world.db.write(
        partial(actions.add_user, tenant_id=world.pharmacy.tenant.id, actor=CLI, **wish)
    )


def password_of(r: Reader, user_id: str) -> str | None:
    value: str | None = r.value("SELECT password FROM users WHERE id = ?", (user_id,))
    return value


def everything(r: Reader) -> list[int]:
    tables = ("users", "tenants", "locations", "api_keys", "one_time_links", "audit")
    return [r.value(f"SELECT count(*) FROM {table}") for table in tables]


async def refused(db: Database, kind: type[Exception], action: Callable[..., Any]) -> Any:
    """The refusal of an action that left nothing behind."""
    before = await db.read(everything)
    with pytest.raises(kind) as caught:
        await db.write(action)
    assert await db.read(everything) == before
    return caught.value


async def test_a_person_has_no_password_until_they_follow_their_link_once(world: World) -> None:
    made, token = await add(world, email=" New@Corner-Drug.Example ")
    assert (made.email, made.has_password) == ("new@corner-drug.example", False)
    followed = await world.db.write(actions.set_password_by_link, token, HASH)
    assert followed.id == made.id
    assert await world.db.read(password_of, made.id) == HASH
    again = partial(actions.set_password_by_link, token=token, password_hash="other")
    refusal = await refused(world.db, NotFound, again)
    assert refusal.code == "link_used"
    assert await world.db.read(password_of, made.id) == HASH


async def test_a_link_ends_after_an_hour_and_is_stored_as_its_digest(world: World) -> None:
    made, token = await add(world, email="late@corner-drug.example")
    for file in world.db.path.parent.iterdir():
        assert token.encode() not in file.read_bytes()
    with time_machine.travel(timedelta(minutes=61)):
        await refused(
            world.db,
            NotFound,
            partial(actions.set_password_by_link, token=token, password_hash="x"),
        )
    with time_machine.travel(timedelta(minutes=59)):
        await world.db.write(actions.set_password_by_link, token, HASH)
    assert await world.db.read(password_of, made.id) == HASH


async def test_a_new_link_makes_the_one_before_useless(world: World) -> None:
    made, first = await add(world, email="twice@corner-drug.example")
    tenant_id = world.pharmacy.tenant.id
    second = await world.db.write(actions.reset_password, tenant_id, CLI, made.id)
    await refused(
        world.db, NotFound, partial(actions.set_password_by_link, token=first, password_hash="x")
    )
    await world.db.write(actions.set_password_by_link, second, HASH)


@pytest.mark.parametrize("token", ["", "x", "é", "0" * 43])
async def test_a_made_up_link_opens_nothing(world: World, token: str) -> None:
    action = partial(actions.set_password_by_link, token=token, password_hash="x")
    assert (await refused(world.db, NotFound, action)).code == "link_used"


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"email": "nobody"}, "email", "bad_format"),
        ({"email": ""}, "email", "bad_format"),
        ({"email": "a b@example.com"}, "email", "bad_format"),
        ({"email": "a@b@example.com"}, "email", "bad_format"),
        ({"email": "a@exa\x00mple.com"}, "email", "bad_format"),
        ({"email": "x" * 65 + "@example.com"}, "email", "bad_format"),
        ({"email": "OWNER@corner-drug.example"}, "email", "conflict"),
        ({"email": "owner@harbor-pharmacy.example"}, "email", "conflict"),
        ({"role": "admin"}, "role", "not_allowed"),
        ({"name": " "}, "name", "missing"),
        ({"name": "a\u202eb"}, "name", "bad_characters"),
        ({"name": "x" * 201}, "name", "too_long"),
    ],
)
async def test_a_person_who_cannot_be_meant_is_not_added(
    world: World, changes: dict[str, Any], field: str, code: str
) -> None:
    wish = {"email": "ok@example.com", "name": "Ok", "role": "driver", **changes}
    tenant_id = world.pharmacy.tenant.id
    action = partial(actions.add_user, tenant_id=tenant_id, actor=CLI, **wish)
    refusal = await refused(world.db, Invalid, action)
    assert [(each["field"], each["code"]) for each in refusal.details] == [(field, code)]


async def test_the_last_owner_stays_one_and_stays_in(world: World) -> None:
    tenant_id, owner = world.pharmacy.tenant.id, world.owner.id
    lock = partial(
        actions.set_disabled, tenant_id=tenant_id, actor=CLI, user_id=owner, disabled=True
    )
    demote = partial(actions.set_role, tenant_id=tenant_id, actor=CLI, user_id=owner, role="driver")
    for action in (lock, demote):
        assert (await refused(world.db, Conflict, action)).code == "last_owner"
    second, _ = await add(world, email="second@corner-drug.example", role="owner")
    # Invited, but without a password nobody can sign in as them.
    assert (await refused(world.db, Conflict, demote)).code == "last_owner"
    await world.db.write(actions.set_password, tenant_id, CLI, second.id, "scrypt$…")
    await world.db.write(demote)
    assert (
        await refused(world.db, Conflict, partial(lock, user_id=second.id))
    ).code == "last_owner"
    await world.db.write(actions.set_role, tenant_id, CLI, owner, "owner")
    await world.db.write(partial(lock, user_id=second.id))  # a locked-out owner counts no more
    assert (await refused(world.db, Conflict, lock)).code == "last_owner"


@pytest.mark.parametrize("role", ROLES)
async def test_every_role_can_be_given_and_no_other(world: World, role: str) -> None:
    tenant_id = world.pharmacy.tenant.id
    await world.db.write(actions.set_role, tenant_id, CLI, world.teammate.id, role)
    found = await world.db.read(store.user, world.teammate.id)
    assert found is not None
    assert found.role == role
    action = partial(
        actions.set_role,
        tenant_id=tenant_id,
        actor=CLI,
        user_id=world.teammate.id,
        role=role.upper(),
    )
    await refused(world.db, Invalid, action)


async def test_nobody_touches_another_tenants_people(world: World) -> None:
    stranger = {"tenant_id": world.elsewhere.tenant.id, "actor": CLI, "user_id": world.driver.id}
    for action in (
        partial(actions.set_role, **stranger, role="owner"),
        partial(actions.set_disabled, **stranger, disabled=True),
        partial(actions.reset_password, **stranger),
    ):
        await refused(world.db, NotFound, action)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"kind": "hospital"}, "kind"),
        ({"plan": "free"}, "plan"),
        ({"time_zone": "Miami"}, "time_zone"),
        ({"time_zone": "America"}, "time_zone"),
        ({"time_zone": ""}, "time_zone"),
        ({"time_zone": "x" * 300}, "time_zone"),
        ({"time_zone": "../../etc/passwd"}, "time_zone"),
    ],
)
async def test_a_tenant_that_cannot_be_meant_is_not_made(
    world: World, changes: dict[str, Any], field: str
) -> None:
    wish = {"name": "N", "kind": "pharmacy", "plan": "pro", "time_zone": "America/Chicago"}
    action = partial(actions.create_tenant, actor=CLI, **{**wish, **changes})
    refusal = await refused(world.db, Invalid, action)
    assert refusal.details[0]["field"] == field


@pytest.mark.parametrize("kind", KINDS)
async def test_a_tenant_has_a_first_location_from_the_start(world: World, kind: str) -> None:
    made = await world.db.write(
        partial(
            actions.create_tenant,
            actor=CLI,
            name="  Lake Pharmacy ",
            kind=kind,
            plan="starter",
            time_zone="America/Chicago",
            address="1 Lake St",
        )
    )
    assert (made.tenant.name, made.tenant.kind, made.tenant.plan) == (
        "Lake Pharmacy",
        kind,
        "starter",
    )
    assert not made.tenant.overage
    assert await world.db.read(store.locations, made.tenant.id) == [made.location]
    assert made.location.time_zone == "America/Chicago"


async def test_what_was_done_to_accounts_is_in_the_audit(world: World) -> None:
    before = await world.db.read(acts)
    tenant_id = world.pharmacy.tenant.id
    made, token = await add(world, email="audit@corner-drug.example")
    await world.db.write(actions.set_password_by_link, token, HASH)
    await world.db.write(actions.set_role, tenant_id, CLI, made.id, "driver")
    await world.db.write(actions.set_disabled, tenant_id, CLI, made.id, True)
    await world.db.write(actions.reset_password, tenant_id, CLI, made.id)
    key = await world.key()
    await world.db.write(actions.revoke_key, tenant_id, CLI, key.key.id)
    assert (await world.db.read(acts))[len(before) :] == [
        ("cli", "user.added", made.id),
        (f"user:{made.id}", "user.password_set", made.id),
        ("cli", "user.role", made.id),
        ("cli", "user.disabled", made.id),
        ("cli", "user.password_reset", made.id),
        ("cli", "key.created", key.key.id),
        ("cli", "key.revoked", key.key.id),
    ]
    assert await world.db.read(audit.verify) is None


def acts(r: Reader) -> list[tuple[str, str, str]]:
    return [tuple(row) for row in r.all("SELECT actor, act, subject FROM audit ORDER BY seq")]


async def test_the_set_up_link_makes_the_first_owner_once(tmp_path: Path) -> None:
    opened = open_folder(settings_for(tmp_path / "data"))
    db = await Database.open(opened.path, opened.key)
    try:
        assert not await db.read(store.any_tenant)
        old = await db.write(actions.create_link, None)
        token = await db.write(actions.create_link, None)  # each start prints a new one
        wish = {
            "pharmacy": "Corner Drug",
            "time_zone": "America/Denver",
            "email": "owner@example.com",
            "name": "The owner",
            "password": HASH,
        }
        for useless in (old, "x", ""):
            await refused(db, NotFound, partial(actions.set_up, token=useless, **wish))
        await refused(db, Invalid, partial(actions.set_up, token=token, **{**wish, "email": "x"}))
        owner = await db.write(partial(actions.set_up, token=token, **wish))
        assert (owner.role, owner.email) == ("owner", "owner@example.com")
        (tenant,) = await db.read(store.tenants)
        assert (tenant.name, tenant.plan, tenant.kind) == ("Corner Drug", "pro", "pharmacy")
        await refused(db, NotFound, partial(actions.set_up, token=token, **wish))
        late = await db.write(actions.create_link, None)
        await refused(db, NotFound, partial(actions.set_up, token=late, **wish))
    finally:
        await db.close()
        opened.close()


async def test_a_location_is_changed_by_its_own_tenant_only(world: World) -> None:
    home, tenant_id = world.pharmacy.location, world.pharmacy.tenant.id
    change = partial(
        actions.change_location,
        actor=CLI,
        location_id=home.id,
        name="Main Street",
        address="1 Main St",
        time_zone="America/Chicago",
    )
    for stranger in (world.elsewhere.tenant.id, "ten_none"):
        await refused(world.db, NotFound, partial(change, tenant_id=stranger))
    bad = partial(change, tenant_id=tenant_id, time_zone="America")
    await refused(world.db, Invalid, bad)
    await world.db.write(partial(change, tenant_id=tenant_id))
    (after,) = await world.db.read(store.locations, tenant_id)
    assert (after.id, after.name, after.time_zone) == (home.id, "Main Street", "America/Chicago")


async def test_a_second_location_needs_a_plan_that_knows_them(world: World) -> None:
    plans = PlansSettings()
    add_one = partial(
        actions.add_another_location,
        actor=CLI,
        plans=plans,
        name="West",
        address="",
        time_zone="America/Denver",
    )
    pro = replace(world.pharmacy.tenant, plan="pro")
    refusal = await refused(world.db, Forbidden, partial(add_one, tenant=pro))
    assert refusal.code == "feature_not_in_plan"
    made = await world.db.write(partial(add_one, tenant=world.pharmacy.tenant))
    assert made in await world.db.read(store.locations, world.pharmacy.tenant.id)
