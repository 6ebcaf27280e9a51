"""Signing in: guessing is slowed down and stopped, and sessions end when they should."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine

from scriptrun_box.accounts import actions, signin
from scriptrun_box.accounts.model import Person
from scriptrun_box.accounts.signin import SignIns, person_of
from scriptrun_box.app import _write_behind
from scriptrun_box.kernel import clock
from scriptrun_box.kernel.db import Reader
from scriptrun_box.kernel.errors import RateLimited, Refusal, Unauthorized
from scriptrun_box.kernel.scope import CLI
from tests.shared_box import running
from tests.world import PASSWORD, World, build_world

pytestmark = pytest.mark.anyio
HERE, THERE = "192.168.1.10", "192.168.1.11"
WRONG = "another fifteen letters"


@pytest.fixture
async def sign_ins() -> SignIns:
    """A process that remembers nothing yet."""
    return SignIns()


@pytest.fixture
async def passing(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds that have passed on the clock that never steps, in the list's one place."""
    began, passed = clock.monotonic(), [0.0]
    monkeypatch.setattr(clock, "monotonic", lambda: began + passed[0])
    return passed


async def attempt(
    world: World, sign_ins: SignIns, password: str, email: str = "", address: str = HERE
) -> str | Refusal:
    """The session's token, or the refusal."""
    try:
        return await signin.sign_in(
            world.db,
            sign_ins,
            email=email or world.owner.email,
            password=password,
            address=address,
            device="a test",
        )
    except Refusal as refusal:
        return refusal


def told(refusal: str | Refusal) -> tuple[int, str, str]:
    assert isinstance(refusal, Refusal)
    return refusal.status, refusal.code, refusal.sentence


async def person(world: World, token: str | Refusal, sign_ins: SignIns) -> Person | None:
    assert isinstance(token, str)
    return await world.db.read(person_of, token, sign_ins, clock.now_ms())


async def test_the_right_password_opens_a_session(world: World, sign_ins: SignIns) -> None:
    token = await attempt(world, sign_ins, PASSWORD)
    found = await person(world, token, sign_ins)
    assert found is not None
    assert found.user.id == world.owner.id
    assert found.scope.test is False
    for email in (world.owner.email.upper(), f"  {world.owner.email} "):
        assert isinstance(await attempt(world, sign_ins, PASSWORD, email), str)


async def test_a_session_is_stored_as_its_digest(world: World, sign_ins: SignIns) -> None:
    token = await attempt(world, sign_ins, PASSWORD)
    assert isinstance(token, str)
    for file in world.db.path.parent.iterdir():
        assert token.encode() not in file.read_bytes()
        assert PASSWORD.encode() not in file.read_bytes()


async def test_the_same_words_whatever_was_wrong(world: World, sign_ins: SignIns) -> None:
    nobody = await attempt(world, sign_ins, PASSWORD, "nobody@example.com")
    assert told(nobody)[:2] == (401, "sign_in_failed")
    assert told(await attempt(world, sign_ins, WRONG)) == told(nobody)
    assert told(await attempt(world, sign_ins, "")) == told(nobody)
    tenant_id = world.pharmacy.tenant.id
    invited, _ = await world.db.write(
        lambda w: actions.add_user(
            w, tenant_id, CLI, email="new@corner-drug.example", name="New", role="driver"
        )
    )
    assert told(await attempt(world, sign_ins, PASSWORD, invited.email)) == told(nobody)
    await world.db.write(actions.set_disabled, tenant_id, CLI, world.teammate.id, True)
    assert told(await attempt(world, sign_ins, PASSWORD, world.teammate.email)) == told(nobody)
    await world.db.write(actions.set_disabled, tenant_id, CLI, world.teammate.id, False)
    assert isinstance(await attempt(world, sign_ins, PASSWORD, world.teammate.email), str)


def wait_of(sign_ins: SignIns) -> int:
    """Seconds this address has to wait before it may guess again."""
    try:
        sign_ins.check("a@b.example", HERE)
    except RateLimited as refusal:
        return int(refusal.headers["Retry-After"])
    return 0


async def test_guessing_from_one_address_has_to_wait_ever_longer(passing: list[float]) -> None:
    sign_ins, waits = SignIns(), []
    for _ in range(16):
        assert wait_of(sign_ins) == 0
        sign_ins.wrong("a@b.example", HERE)
        waits.append(wait_of(sign_ins))
        passing[0] += waits[-1]
    assert waits[:4] == [0, 0, 0, 0]
    for number, wait in enumerate(waits[4:]):
        assert 0 <= wait - min(2**number, 300) <= 1, "rounded up"


@pytest.mark.parametrize("known", [True, False])
async def test_the_wait_is_the_same_for_a_person_and_for_nobody(
    world: World, passing: list[float], known: bool
) -> None:
    sign_ins = SignIns()
    email = world.driver.email if known else "nobody@example.com"
    refusals = [await attempt(world, sign_ins, WRONG, email) for _ in range(6)]
    assert [told(each)[0] for each in refusals] == [401] * 5 + [429]
    passing[0] += 2
    assert isinstance(await attempt(world, sign_ins, WRONG, email), Unauthorized)


def test_what_is_remembered_of_guesses_is_bounded() -> None:
    sign_ins = SignIns()
    for number in range(signin.REMEMBERED + 10):
        sign_ins.wrong(f"{number}@example.com", HERE)
    assert len(sign_ins.guesses) == signin.REMEMBERED


async def test_no_guess_is_remembered_at_a_length_nobody_has(
    world: World, sign_ins: SignIns
) -> None:
    await attempt(world, sign_ins, WRONG, "x" * 50_000 + "@example.com")
    ((email, _),) = sign_ins.guesses
    assert len(email) == signin.EMAIL_MAX_CHARS


async def test_while_one_address_waits_another_one_gets_in(
    world: World, passing: list[float]
) -> None:
    sign_ins = SignIns()
    for _ in range(6):
        refusal = await attempt(world, sign_ins, WRONG, world.pharmacist.email)
    assert isinstance(refusal, RateLimited)
    # even the right password waits here, and gets in from there
    assert isinstance(await attempt(world, sign_ins, PASSWORD, world.pharmacist.email), RateLimited)
    token = await attempt(world, sign_ins, PASSWORD, world.pharmacist.email, THERE)
    assert isinstance(token, str)
    # another person at the first address does not wait
    assert isinstance(await attempt(world, sign_ins, PASSWORD, world.owner.email), str)


async def test_the_right_password_forgives_the_wrong_ones(
    world: World, passing: list[float]
) -> None:
    sign_ins = SignIns()
    for _ in range(2):
        for _ in range(3):
            assert isinstance(await attempt(world, sign_ins, WRONG), Unauthorized)
        assert isinstance(await attempt(world, sign_ins, PASSWORD), str)


async def test_guesses_made_at_once_wait_too(world: World, passing: list[float]) -> None:
    sign_ins = SignIns()
    email = world.other_owner.email
    refusals = await asyncio.gather(*(attempt(world, sign_ins, WRONG, email) for _ in range(40)))
    assert sum(isinstance(each, Unauthorized) for each in refusals) == 5
    assert sum(isinstance(each, RateLimited) for each in refusals) == 35


async def test_after_a_hundred_wrong_passwords_from_anywhere_only_a_new_link_helps(
    tmp_path: Path,
) -> None:
    async with running(tmp_path / "data") as app:
        world = await build_world(app.state.box.db)
        await world.db.write(fail, world.owner.id, 99)
        sign_ins = SignIns()
        assert isinstance(await attempt(world, sign_ins, WRONG, address=THERE), Unauthorized)
        locked = await attempt(world, sign_ins, PASSWORD, address="192.168.1.12")
        assert told(locked)[:2] == (401, "sign_in_failed")
        tenant_id = world.pharmacy.tenant.id
        link = await world.db.write(actions.reset_password, tenant_id, CLI, world.owner.id)
        assert not isinstance(await attempt(world, SignIns(), PASSWORD), str)
        new = await world.db.read(stored_password, world.teammate.id)
        await world.db.write(actions.set_password_by_link, link, new)
        assert isinstance(await attempt(world, SignIns(), PASSWORD), str)


def fail(w: Any, user_id: str, times: int) -> None:
    w.run("UPDATE users SET failures = ? WHERE id = ?", (times, user_id))


def stored_password(r: Reader, user_id: str) -> str:
    return str(r.value("SELECT password FROM users WHERE id = ?", (user_id,)))


async def test_a_session_ends_after_an_hour_without_use_and_a_day_at_most(
    world: World, sign_ins: SignIns
) -> None:
    token = await attempt(world, sign_ins, PASSWORD)
    for minutes, in_use in [(0, True), (59, True), (61, False), (-59, True), (-61, False)]:
        with time_machine.travel(timedelta(minutes=minutes)):
            found = await person(world, token, SignIns())
            assert (found is not None) == in_use, minutes
    sign_ins = SignIns()
    for hours in range(24):  # used all the time
        with time_machine.travel(timedelta(hours=hours, seconds=hours)):
            found = await person(world, token, sign_ins)
            assert found is not None, hours
            sign_ins.seen[found.session] = clock.now_ms() + 59 * 60_000
    with time_machine.travel(timedelta(hours=24, minutes=1)):
        assert await person(world, token, sign_ins) is None


async def test_when_a_session_was_used_is_remembered_across_a_restart(tmp_path: Path) -> None:
    async with running(tmp_path / "data") as app:
        world = await build_world(app.state.box.db)
        token = world.sessions["owner"]
        found = await person(world, token, SignIns())
        assert found is not None
        app.state.sign_ins.seen[found.session] = clock.now_ms() + 50 * 60_000
        await _write_behind(app)
    async with running(tmp_path / "data") as app:
        with time_machine.travel(timedelta(minutes=100)):
            now = clock.now_ms()
            db = app.state.box.db
            assert await db.read(person_of, token, SignIns(), now) is not None
            assert await db.read(person_of, token, SignIns(), now + 15 * 60_000) is None


async def test_leaving_ends_this_session_and_a_reset_ends_them_all(
    world: World, sign_ins: SignIns
) -> None:
    email = world.pharmacist.email
    tokens = [await attempt(world, sign_ins, PASSWORD, email) for _ in range(3)]
    first = await person(world, tokens[0], sign_ins)
    assert first is not None
    await world.db.write(signin.sign_out, first)
    assert [bool(await person(world, token, sign_ins)) for token in tokens] == [False, True, True]
    tenant_id = world.pharmacy.tenant.id
    await world.db.write(actions.reset_password, tenant_id, CLI, world.pharmacist.id)
    assert not any([await person(world, token, sign_ins) for token in tokens])


@pytest.mark.parametrize("change", ["role", "disabled", "password"])
async def test_what_changes_a_persons_rights_ends_their_sessions(
    world: World, sign_ins: SignIns, change: str
) -> None:
    token = await attempt(world, sign_ins, PASSWORD, world.driver.email)
    other = await attempt(world, sign_ins, PASSWORD)
    tenant_id, user_id = world.pharmacy.tenant.id, world.driver.id
    if change == "role":
        await world.db.write(actions.set_role, tenant_id, CLI, user_id, "driver")
    elif change == "disabled":
        await world.db.write(actions.set_disabled, tenant_id, CLI, user_id, True)
        await world.db.write(actions.set_disabled, tenant_id, CLI, user_id, False)
    else:
        same = await world.db.read(stored_password, user_id)
        await world.db.write(actions.set_password, tenant_id, CLI, user_id, same)
    assert await person(world, token, sign_ins) is None
    assert await person(world, other, sign_ins) is not None
