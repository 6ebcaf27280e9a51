"""The controlled screens: who sees them, two people at the counter, the log, the day, the rules."""

import csv
import io

import httpx
import pytest
from starlette.applications import Starlette

from scriptrun_box.delivery import door
from scriptrun_box.delivery.controlled import people, store
from scriptrun_box.delivery.controlled.model import Party
from scriptrun_box.delivery.model import (
    AtTheDoor,
    Handed,
    Identification,
    Picture,
    Recipient,
    Signature,
)
from scriptrun_box.kernel.scope import CLI
from scriptrun_box.packages import actions as packages
from tests.delivery.hands import (
    LINKS,
    back,
    driver_id,
    failed,
    find,
    given,
    new_driver,
    new_seal,
    parcel,
    pharmacist,
    released,
)
from tests.ui.conftest import Visit
from tests.world import PASSWORD, World

pytestmark = pytest.mark.anyio
PIN = "804213"
PAGES = ("/controlled", "/controlled/log", "/controlled/log.csv", "/settings/state-rules")


async def with_pin(world: World) -> str:
    """A new driver who chose the PIN of these tests."""
    party = await world.db.write(new_driver, world.scope)
    await people.set_pin(world.db, world.scope, CLI, driver_id(party), PIN, PIN)
    return driver_id(party)


async def test_only_pharmacists_and_owners_see_them(visit: Visit, world: World) -> None:
    package_id = await world.db.write(parcel, world.scope)
    for who in ("owner", "pharmacist"):
        seen = await visit(who)
        for path in PAGES:
            await seen.see(path)
        assert 'href="/controlled"' in await seen.see("/")
        assert f'href="/controlled/packages/{package_id}"' in await seen.see(
            f"/packages/{package_id}"
        )
    for who in ("teammate", "driver"):
        other = await visit(who)
        for path in PAGES:
            await other.see(path, 403)
        assert 'href="/controlled"' not in await other.see("/")
    dispatcher = await visit("teammate")
    assert "/controlled/packages/" not in await dispatcher.see(f"/packages/{package_id}")


async def test_a_package_is_released_with_the_second_persons_password(
    visit: Visit, world: World
) -> None:
    package_id = await world.db.write(parcel, world.scope, "II")
    who, seal = await visit("pharmacist"), new_seal()
    path = f"/controlled/packages/{package_id}"
    wrong = await who.send(f"{path}/release", seal=seal)
    assert wrong.status_code == 400
    assert "A second person counts again" in wrong.text
    assert f'value="{seal}"' in wrong.text, "what was typed is still there"
    email = world.teammate.email
    for password, status in (("not it", 403), (PASSWORD, 303)):
        answer = await who.send(
            f"{path}/release", seal=seal, second_email=email, second_password=password
        )
        assert answer.status_code == status
        assert password not in answer.text
    page = await who.see(path)
    assert f"counted again by {world.teammate.name}" in page
    assert seal in page


async def test_the_driver_types_a_pin_and_has_it(visit: Visit, world: World) -> None:
    driver = await with_pin(world)
    party = pharmacist(world)
    package_id, seal = await world.db.write(
        released, world.scope, party, Party(f"driver:{driver}", "pin")
    )
    who = await visit("pharmacist")
    form = {"driver_id": driver, f"seal_{package_id}": seal}
    for pin, status in (("999999", 403), ("", 403), (PIN, 303)):
        answer = await who.send("/controlled/hand-over", **form, pin=pin)
        assert answer.status_code == status, answer.text
    nothing = await who.send("/controlled/hand-over", driver_id=driver, pin=PIN)
    assert nothing.status_code == 400
    (row,) = await world.db.read(store.chain, package_id)
    assert (row.giver, row.taker, row.taker_by) == (party.id, f"driver:{driver}", "pin")


async def test_a_pin_is_guessed_only_so_often(app: Starlette, world: World) -> None:
    driver = await with_pin(world)
    for _ in range(people.LOCKED_AFTER):
        app.state.sign_ins.guesses.clear()
        with pytest.raises(Exception, match="not_confirmed"):
            await people.driver(
                world.db, app.state.sign_ins, world.scope, driver_id=driver, pin="1", address="a"
            )
    app.state.sign_ins.guesses.clear()
    with pytest.raises(Exception, match="not_confirmed"):
        await people.driver(
            world.db, app.state.sign_ins, world.scope, driver_id=driver, pin=PIN, address="a"
        )


async def test_a_pin_that_is_easy_to_guess_is_refused(visit: Visit, world: World) -> None:
    driver = await with_pin(world)
    who = await visit("owner")
    for pin, again in (("123456", "123456"), ("111111", "111111"), ("80421", "80421"), (PIN, "1")):
        answer = await who.send("/controlled/pins", driver_id=driver, pin=pin, again=again)
        assert answer.status_code == 400
    nobody = await who.send("/controlled/pins", driver_id="drv_1", pin=PIN, again=PIN)
    assert nobody.status_code == 404


async def test_what_comes_back_is_taken_back_by_two_and_decided_by_one(
    visit: Visit, world: World
) -> None:
    driver = await with_pin(world)
    party = Party(f"driver:{driver}", "pin")
    package_id, seal = await world.db.write(failed, world.scope, pharmacist(world), party)
    who, path = await visit("pharmacist"), f"/controlled/packages/{package_id}"
    assert "To take back from" in await who.see("/controlled")
    form = {"driver_id": driver, "seal": seal, "pin": PIN}
    unsaid = await who.send(f"{path}/take-back", **form)
    assert unsaid.status_code == 400
    done = await who.send(f"{path}/take-back", **form, intact="yes", count="yes")
    assert done.status_code == 303
    assert "does not let it go back to stock" in await who.see(path)
    refused = await who.send(f"{path}/decide", decision="restock")
    assert refused.status_code == 409
    await who.send(f"{path}/decide", decision="destroy", note="As our policy says")
    assert (await world.db.read(find, world.scope, package_id)).status == "returned"
    after = await who.send("/packages/" + package_id + "/after-failure", act="redeliver")
    assert after.status_code == 409


async def test_the_desk_cannot_bring_back_what_a_pharmacist_decides(
    visit: Visit, world: World, client: httpx.AsyncClient
) -> None:
    party = await world.db.write(new_driver, world.scope)
    package_id, _ = await world.db.write(back, world.scope, pharmacist(world), party)
    desk = await visit("teammate")
    page = await desk.see(f"/packages/{package_id}")
    assert "A pharmacist decides what becomes of it." in page
    assert "after-failure" not in page
    for act in ("redeliver", "return"):
        answer = await desk.send(f"/packages/{package_id}/after-failure", act=act)
        assert answer.status_code == 409
        assert "A pharmacist decides" in answer.text


async def test_the_log_has_the_pick_up_record_and_only_the_end_of_an_id(
    visit: Visit, world: World
) -> None:
    party = await world.db.write(new_driver, world.scope)
    package_id, seal = await world.db.write(given, world.scope, pharmacist(world), party)
    await world.db.write(packages.move_on, world.scope, CLI, package_id, "start")
    shown = Identification("06", "FL", "S530-421-88-123-7")
    drawn = Signature("[]", Picture("image/png", b"png"))
    now = 1_790_000_000_000
    at = AtTheDoor("0" * 32, driver_id(party), now, now, now)
    handed = Handed("to_person", Recipient("Maria T Rodriguez", "spouse", shown), drawn)
    outcomes = await world.db.write(
        door.deliver, world.scope, CLI, [package_id], at, handed, {}, LINKS, whole_ids=False
    )
    assert not isinstance(outcomes[package_id], Exception)
    who = await visit("owner")
    text = await who.see(f"/controlled/log.csv?q={seal}")
    (row,) = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    assert [row[name] for name in row if name.startswith("AIR")] == [
        "FL", "06", "23-7"[-4:], "03", "Rodriguez", "Maria T",
    ]  # fmt: skip
    assert (row["outcome"], row["seal"], row["dea_schedule"]) == ("delivered", seal, "IV")
    assert "S530" not in text


async def test_the_log_is_narrowed_to_schedule_two_and_to_days(visit: Visit, world: World) -> None:
    party = await world.db.write(new_driver, world.scope)
    _, seal = await world.db.write(given, world.scope, pharmacist(world), party)
    who = await visit("owner")
    assert seal in await who.see("/controlled/log?schedule=III-V")
    assert seal not in await who.see("/controlled/log?schedule=II")
    assert seal not in await who.see("/controlled/log?from=2020-01-01&until=2020-12-31")
    assert seal in await who.see("/controlled/log?from=never&until=9999-12-31&schedule=x")


async def test_an_incident_is_noted_step_by_step_and_printed(visit: Visit, world: World) -> None:
    party = await world.db.write(new_driver, world.scope)
    package_id, seal = await world.db.write(failed, world.scope, pharmacist(world), party)
    who, path = await visit("pharmacist"), f"/controlled/packages/{package_id}"
    empty = await who.send(f"{path}/incident", kind="missing", words=" ")
    assert empty.status_code == 400
    await who.send(f"{path}/incident", kind="missing", words="Not in the <car>")
    (made,) = await world.db.read(store.incidents_of, package_id)
    assert f'href="/controlled/incidents/{made.id}"' in await who.see("/")
    page = await who.see(f"/controlled/incidents/{made.id}")
    for said in ("Not in the &lt;car&gt;", seal, "Lost in transit", "employee"):
        assert said in page
    for step in ("notified", "filed"):
        answer = await who.send(f"/controlled/incidents/{made.id}/step", step=step)
        assert answer.status_code == 303
    gone = await who.send(f"/controlled/incidents/{made.id}/close", words="Police told", gone="yes")
    assert gone.status_code == 303
    assert (await world.db.read(find, world.scope, package_id)).status == "returned"
    late = await who.send(f"/controlled/incidents/{made.id}/close", words="Once more")
    assert late.status_code == 409
    assert made.id in await who.see("/controlled/incidents.csv")


async def test_a_day_is_closed_once_and_amended(visit: Visit, world: World) -> None:
    who = await visit("other_owner")
    done = await who.send("/controlled/close", date="", pharmacy_id="")
    assert done.status_code == 303
    again = await who.send("/controlled/close", date="", pharmacy_id="")
    assert again.status_code == 409
    log = await who.see("/controlled/log")
    path = log[log.index("/controlled/closes/") :].partition('"')[0]
    await who.send(f"{path}/amend", words="A bag was found behind the seat")
    assert "behind the seat" in await who.see(path)
    stranger = await visit("owner")
    await stranger.see(path, 404)


async def test_an_owner_words_a_rule_and_a_pharmacist_reads_it(visit: Visit, world: World) -> None:
    rule = {
        "state": "fl", "ask_id": "always", "min_age": "21", "second_check": "all",
        "signer": "patient", "source": "Our board, 3 November",
    }  # fmt: skip
    owner, reader = await visit("owner"), await visit("pharmacist")
    assert (await reader.send("/settings/state-rules", **rule)).status_code == 403
    bad = await owner.send("/settings/state-rules", **(rule | {"min_age": "old"}))
    assert bad.status_code == 400
    assert (await owner.send("/settings/state-rules", **rule)).status_code == 303
    assert "Our board, 3 November" in await reader.see("/settings/state-rules")
    assert "Our board" in await reader.see("/settings/state-rules.csv")
    await owner.see("/settings/state-rules?state=PA")
    await owner.send("/settings/state-rules/restore", state="FL")
    assert "Our board" not in await reader.see("/settings/state-rules")
