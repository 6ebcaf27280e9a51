"""A pharmacist releases a controlled package: who may, seal, schedule, the second person."""

from dataclasses import replace

import pytest

from scriptrun_box.delivery.controlled import rules, store
from scriptrun_box.delivery.controlled.model import Party
from scriptrun_box.delivery.controlled.release import release
from scriptrun_box.kernel.db import Writer
from scriptrun_box.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from scriptrun_box.kernel.scope import CLI, Actor, Scope
from scriptrun_box.packages import actions as packages
from tests.world import World

from .hands import find, move_to, new_seal, owner, parcel, pharmacist, teammate

pytestmark = pytest.mark.anyio


async def test_a_release_names_who_when_seal_and_the_rule_it_went_by(world: World) -> None:
    package_id = await world.db.write(parcel, world.scope)
    after = await world.db.write(
        release, world.scope, pharmacist(world), package_id, " tb 00 17 ", None, None
    )
    assert after.released_at is not None
    found = await world.db.read(store.release, package_id)
    assert found is not None
    assert (found.by, found.at) == (f"user:{world.pharmacist.id}", after.released_at)
    assert (found.seal, found.schedule, found.second_by) == ("TB0017", "IV", None)
    assert (found.state, found.rule["state"]) == ("", rules.ELSEWHERE)


async def test_who_is_no_pharmacist_releases_nothing(world: World) -> None:
    package_id = await world.db.write(parcel, world.scope)
    strangers = (
        teammate(world),
        Party(f"user:{world.driver.id}", "password"),
        Party(f"user:{world.other_owner.id}", "session"),
        Party("key:key_1", "session"),
        Party("user:usr_nobody", "session"),
    )
    for who in strangers:
        with pytest.raises(Forbidden) as refused:
            await world.db.write(release, world.scope, who, package_id, new_seal())
        assert refused.value.code == "not_confirmed"
    assert (await world.db.read(find, world.scope, package_id)).released_at is None


async def test_a_seal_is_used_once_in_a_tenants_life(world: World) -> None:
    first, second = [await world.db.write(parcel, world.scope) for _ in range(2)]
    who, seal = owner(world), new_seal()
    await world.db.write(release, world.scope, who, first, seal)
    with pytest.raises(Invalid) as refused:
        await world.db.write(release, world.scope, who, second, seal.lower())
    assert refused.value.details[0]["field"] == "seal"
    assert (await world.db.read(find, world.scope, second)).released_at is None
    elsewhere = Scope(world.elsewhere.tenant.id)
    theirs = await world.db.write(parcel, elsewhere)
    await world.db.write(
        release, elsewhere, Party(f"user:{world.other_owner.id}", "session"), theirs, seal
    )


@pytest.mark.parametrize("seal", ["", "  ", "-1", "a seal with ünïcode", "x" * 65, "<script>"])
async def test_a_seal_is_letters_and_digits(world: World, seal: str) -> None:
    package_id = await world.db.write(parcel, world.scope)
    with pytest.raises(Invalid):
        await world.db.write(release, world.scope, owner(world), package_id, seal)


async def test_a_missing_schedule_is_said_and_a_known_one_stays(world: World) -> None:
    package_id = await world.db.write(parcel, world.scope, None)
    who = owner(world)
    with pytest.raises(Invalid) as refused:
        await world.db.write(release, world.scope, who, package_id, new_seal())
    assert refused.value.details[0] | {"message": ""} == {
        "field": "dea_schedule",
        "code": "missing",
        "message": "",
    }
    after = await world.db.write(release, world.scope, who, package_id, new_seal(), "III")
    assert after.content.dea_schedule == "III"
    known = await world.db.write(parcel, world.scope, "IV")
    with pytest.raises(Invalid):
        await world.db.write(release, world.scope, who, known, new_seal(), "V")


async def test_schedule_two_is_counted_by_a_second_person(world: World) -> None:
    package_id = await world.db.write(parcel, world.scope, "II")
    who = pharmacist(world)
    driver = Party(f"user:{world.driver.id}", "password")
    for second, kind in ((None, Invalid), (who, Invalid), (driver, Forbidden)):
        with pytest.raises(kind):
            await world.db.write(release, world.scope, who, package_id, new_seal(), None, second)
    await world.db.write(release, world.scope, who, package_id, new_seal(), None, teammate(world))
    found = await world.db.read(store.release, package_id)
    assert found is not None
    assert found.second_by == f"user:{world.teammate.id}"


async def test_only_what_waits_is_released_and_once(world: World) -> None:
    who = owner(world)
    twice, cancelled = [await world.db.write(parcel, world.scope) for _ in range(2)]
    plain = await world.db.write(_plain, world.scope)
    await world.db.write(release, world.scope, who, twice, new_seal())
    await world.db.write(packages.cancel, world.scope, CLI, cancelled, "other")
    codes = []
    for package_id in (twice, cancelled, plain):
        with pytest.raises(Conflict) as refused:
            await world.db.write(release, world.scope, who, package_id, new_seal())
        codes.append(refused.value.code)
    assert codes == ["already_released", "release_not_allowed", "not_controlled"]
    with pytest.raises(NotFound):
        await world.db.write(release, world.scope, who, "0" * 32, new_seal())


async def test_what_was_released_is_not_edited_into_something_else(world: World) -> None:
    package_id = await world.db.write(parcel, world.scope)
    await world.db.write(release, world.scope, owner(world), package_id, new_seal())
    before = await world.db.read(find, world.scope, package_id)
    for change in ({"controlled_substance": False, "dea_schedule": None}, {"rx_number": "RX-1"}):
        with pytest.raises(Conflict) as refused:
            await world.db.write(_edit, world.scope, package_id, change)
        assert refused.value.code == "released"
    assert await world.db.read(find, world.scope, package_id) == before
    drop = ["released_at"]  # a broken seal has ended its release
    await world.db.write(packages.drop_gates, world.scope, CLI, before, drop)
    with pytest.raises(Conflict):
        await world.db.write(_edit, world.scope, package_id, {"controlled_substance": False})
    after = await world.db.write(_edit, world.scope, package_id, {"notes": "Ring twice"})
    assert after.content.notes == "Ring twice"


async def test_the_rule_is_that_of_the_pharmacys_state_or_the_owners_own(world: World) -> None:
    rule = {
        "state": "fl",
        "ask_id": "unless_known",
        "min_age": 21,
        "second_check": "all",
        "restock": True,
        "signer": "patient",
        "source": "Our board's answer of 3 November.",
    }
    await world.db.write(move_to, world, "12 Oak St, Miami, FL 33125")
    try:
        place = world.pharmacy.location.id
        state, before = await world.db.read(rules.rule_for, world.scope, place)
        assert (state, before.state, before.own) == ("FL", rules.ELSEWHERE, False)
        await world.db.write(rules.change, world.scope, Actor.user(world.owner.id), rule)
        _, own = await world.db.read(rules.rule_for, world.scope, place)
        assert (own.min_age, own.restock, own.own) == (21, True, True)
        package_id = await world.db.write(parcel, world.scope, "V")
        with pytest.raises(Invalid):
            await world.db.write(release, world.scope, owner(world), package_id, new_seal())
        await world.db.write(rules.restore, world.scope, CLI, "FL")
        await world.db.write(release, world.scope, owner(world), package_id, new_seal())
        elsewhere = await world.db.read(rules.rules, world.elsewhere.tenant.id)
        assert not any(each.own for each in elsewhere)
    finally:
        await world.db.write(move_to, world, "")


@pytest.mark.parametrize(
    "change",
    [
        {"state": "XX"},
        {"min_age": 100},
        {"second_check": "never"},
        {"signer": "me"},
        {"source": ""},
    ],
)
async def test_a_rule_that_cannot_be_meant_is_refused(
    world: World, change: dict[str, object]
) -> None:
    rule = {
        "state": "FL", "ask_id": "always", "min_age": 18, "second_check": "II",
        "restock": False, "signer": "named", "source": "Ours",
    }  # fmt: skip
    with pytest.raises(Invalid):
        await world.db.write(rules.change, world.scope, CLI, rule | change)


@pytest.mark.parametrize(
    ("address", "state"),
    [
        ("12 Oak St, Miami, FL 33125", "FL"),
        ("12 Oak St, Austin tx", "TX"),
        ("1 Main St, Philadelphia, PA 19103-1234", "PA"),
        ("1 Main St", ""),
        ("", ""),
    ],
)
def test_a_state_is_read_from_the_end_of_an_address(address: str, state: str) -> None:
    assert rules.state_of(address) == state


def test_every_rule_that_comes_with_the_box_says_where_it_is_from() -> None:
    assert all(len(rule.source) > 20 for rule in rules.SEED.values())
    assert [rule.state for rule in rules.SEED.values() if rule.restock] == ["PA"]


def _plain(w: Writer, scope: Scope) -> str:
    return parcel(w, scope, None, controlled_substance=False)


def _edit(w: Writer, scope: Scope, package_id: str, change: dict[str, object]) -> object:

    content = find(w, scope, package_id).content
    return packages.edit(w, scope, CLI, package_id, replace(content, **change))  # type: ignore[arg-type]
