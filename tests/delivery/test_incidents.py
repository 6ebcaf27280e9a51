"""Discrepancies and closed days: clocks, notices, words, and figures that add up."""

from datetime import date

import pytest

from scriptrun_box.delivery import sandbox
from scriptrun_box.delivery.controlled import closes, closing, incidents, store
from scriptrun_box.delivery.controlled.disposition import decide
from scriptrun_box.delivery.controlled.model import Party
from scriptrun_box.kernel import notices
from scriptrun_box.kernel.clock import DAY_MS
from scriptrun_box.kernel.db import Reader, Writer
from scriptrun_box.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from scriptrun_box.kernel.scope import CLI, Scope
from scriptrun_box.packages import actions as packages
from tests.world import World

from .hands import (
    LINKS,
    back,
    failed,
    find,
    given,
    new_driver,
    owner,
    pharmacist,
    teammate,
)

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("day", "due"),
    [("2026-11-23", "2026-11-24"), ("2026-11-27", "2026-11-30"), ("2026-11-28", "2026-11-30")],
)
def test_the_next_business_day_is_no_weekend(day: str, due: str) -> None:
    assert str(incidents.next_business_day(date.fromisoformat(day))) == due


async def test_an_incident_has_two_clocks_and_says_when_they_run_out(world: World) -> None:
    who = pharmacist(world)
    driver = await world.db.write(new_driver, world.scope)
    package_id, _ = await world.db.write(failed, world.scope, who, driver)
    with pytest.raises(Forbidden):
        await world.db.write(
            incidents.open_incident, world.scope, teammate(world), package_id, "missing", "Gone"
        )
    with pytest.raises(Invalid):
        await world.db.write(incidents.open_incident, world.scope, who, package_id, "missing", " ")
    made = await world.db.write(
        incidents.open_incident, world.scope, who, package_id, "missing", "Not in the car"
    )
    opened = date.fromisoformat(made.notice_due)
    assert (date.fromisoformat(made.form_due) - opened).days in (44, 43, 42)
    assert await said(world, made.id) == {incidents.NOTICE: 0}
    await world.db.write(incidents.remind, made.opened_at + 4 * DAY_MS)
    assert await said(world, made.id) == {incidents.NOTICE: 1}
    await world.db.write(incidents.note_step, world.scope, who, made.id, "notified")
    assert await said(world, made.id) == {}
    await world.db.write(incidents.remind, made.opened_at + 40 * DAY_MS)
    assert await said(world, made.id) == {incidents.FORM: 0}
    await world.db.write(incidents.remind, made.opened_at + 47 * DAY_MS)
    assert await said(world, made.id) == {incidents.FORM: 1}
    await world.db.write(incidents.note_step, world.scope, who, made.id, "filed")
    with pytest.raises(Conflict):
        await world.db.write(incidents.note_step, world.scope, who, made.id, "filed")
    with pytest.raises(Invalid):
        await world.db.write(incidents.close, world.scope, who, made.id, "")
    over = await world.db.write(incidents.close, world.scope, who, made.id, "Found", False)
    assert (over.closed_by, over.closing_words) == (who.id, "Found")
    assert await said(world, made.id) == {}
    with pytest.raises(Conflict):
        await world.db.write(incidents.close, world.scope, who, made.id, "Again")
    stranger = Scope(world.elsewhere.tenant.id)
    boss = Party(f"user:{world.other_owner.id}", "session")
    with pytest.raises(NotFound):
        await world.db.write(incidents.close, stranger, boss, made.id, "Mine now")


async def test_what_is_gone_for_good_is_with_nobody(world: World) -> None:
    who = pharmacist(world)
    driver = await world.db.write(new_driver, world.scope)
    package_id, _ = await world.db.write(failed, world.scope, who, driver)
    made = await world.db.write(
        incidents.open_incident, world.scope, who, package_id, "theft", "The car was broken into"
    )
    await world.db.write(incidents.close, world.scope, who, made.id, "Police report 12", True)
    chain = await world.db.read(store.chain, package_id)
    assert [(row.kind, row.taker) for row in chain][-1] == ("lost", "nobody")
    after = await world.db.read(find, world.scope, package_id)
    assert (after.status, after.handed_over_at) == ("returned", None)


async def test_a_day_closes_once_everything_is_accounted_for_and_never_changes(
    world: World,
) -> None:
    scope, who = Scope(world.elsewhere.tenant.id), Party(f"user:{world.other_owner.id}", "session")
    place = world.elsewhere.location.id
    driver = await world.db.write(new_driver, scope)
    delivered, _ = await world.db.write(given, scope, who, driver)
    returned, _ = await world.db.write(back, scope, who, driver)
    missing, _ = await world.db.write(failed, scope, who, driver)
    with pytest.raises(Conflict) as refused:
        await world.db.write(closing.close, scope, who, place)
    assert {each["package_id"] for each in refused.value.details} == {
        delivered,
        returned,
        missing,
    }
    await world.db.write(_deliver, scope, delivered)
    await world.db.write(decide, scope, who, returned, "destroy", "As our policy says")
    with pytest.raises(Conflict) as refused:
        await world.db.write(closing.close, scope, who, place)
    assert [each["package_id"] for each in refused.value.details] == [missing]
    made = await world.db.write(incidents.open_incident, scope, who, missing, "missing", "Gone")
    with pytest.raises(Forbidden):
        await world.db.write(closing.close, scope, teammate(world), place)
    closed = await world.db.write(closing.close, scope, who, place)
    assert (closed.sent_out, closed.delivered, closed.returned, closed.incidents) == (3, 1, 1, 1)
    with pytest.raises(Conflict) as refused:
        await world.db.write(closing.close, scope, who, place)
    assert refused.value.code == "day_closed"
    again = await world.db.write(
        incidents.open_incident, scope, who, delivered, "count", "The patient says two are missing"
    )
    assert again.id != made.id
    with pytest.raises(Invalid):
        await world.db.write(closing.amend, scope, who, closed.id, "")
    await world.db.write(closing.amend, scope, who, closed.id, "One more incident since")
    assert await world.db.read(closing.find, scope, closed.id) == closed
    (found,) = await world.db.read(closes.amendments, closed)
    assert (found.words, found.by) == ("One more incident since", who.id)
    now_open = await world.db.read(closing.day, scope, place, closed.at)
    assert now_open.lines == []
    assert len(await world.db.read(closing.lines_of, scope, closed)) == 3
    with pytest.raises(NotFound):
        await world.db.read(closing.find, world.scope, closed.id)


async def test_a_close_never_counts_less_than_there_is(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = await world.db.write(new_driver, world.scope)
    for _ in range(2):
        await world.db.write(given, world.scope, owner(world), driver)
    monkeypatch.setattr(closing, "LINES_MAX", 1)
    place = world.pharmacy.location.id
    with pytest.raises(Conflict) as refused:
        await world.db.write(closing.close, world.scope, owner(world), place)
    assert "close an earlier day first" in refused.value.sentence


@pytest.mark.parametrize("wanted", ["tomorrow", "2999-01-01", "2026-02-30"])
async def test_only_a_day_that_has_come_is_closed(world: World, wanted: str) -> None:
    place = world.pharmacy.location.id
    with pytest.raises(Invalid):
        await world.db.write(closing.close, world.scope, owner(world), place, wanted)


async def said(world: World, subject: str) -> dict[str, int]:
    """{kind: step} of the notices about something."""
    return await world.db.read(_said, world.scope, subject)


def _said(r: Reader, scope: Scope, subject: str) -> dict[str, int]:
    return {each.kind: each.step for each in notices.open_notices(r, scope, subject)}


def _deliver(w: Writer, scope: Scope, package_id: str) -> None:
    packages.move_on(w, scope, CLI, package_id, "start")
    sandbox.make_up(w, scope, CLI, package_id, "deliver", "", LINKS)
