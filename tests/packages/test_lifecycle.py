"""The state machine: every move of every status, the gates, and the same under a race."""

import asyncio
import itertools
from dataclasses import replace
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scriptrun_box.kernel.errors import Conflict
from scriptrun_box.kernel.scope import CLI
from scriptrun_box.packages import actions, store
from scriptrun_box.packages.lifecycle import ACTS, STATUSES, Facts, Refused, move
from tests.world import World, header, orders

TABLE = """
            assign    unassign  start             deliver    fail    redeliver  return    cancel
created     assigned  -         -                 -          -       -          -         cancelled
assigned    assigned  created   out_for_delivery  -          -       -          -         cancelled
out_for_delivery -    -         -                 delivered  failed  -          -         -
delivered   -         -         -                 -          -       -          -         -
failed      -         -         -                 -          -       created    returned  -
returned    -         -         -                 -          -       -          -         -
cancelled   -         -         -                 -          -       -          -         -
"""


def expected() -> dict[tuple[str, str], str]:
    """{(status, act): where it leads, or "-"}."""
    head, *lines = [line.split() for line in TABLE.strip().splitlines()]
    return {
        (line[0], act): goes_to
        for line in lines
        for act, goes_to in zip(head, line[1:], strict=True)
    }


@pytest.mark.parametrize(("status", "act"), list(itertools.product(STATUSES, ACTS)))
def test_every_act_leads_from_every_status_where_the_table_says(status: str, act: str) -> None:
    goes_to = expected()[status, act]
    outcome = move(act, Facts(status=status))
    if goes_to == "-":
        assert isinstance(outcome, Refused)
        assert outcome.code == f"{act}_not_allowed"
        assert outcome.sentence.endswith(".")
    else:
        assert outcome == goes_to


GATES = [
    # what the package is, the act it is held back from, the code, what opens the gate
    ({"undecided_duplicate": True}, "assign", "possible_duplicate", {"undecided_duplicate": False}),
    ({"cold_chain": True}, "start", "not_packed", {"packed": True}),
    ({"controlled_substance": True}, "start", "not_released", {"released": True}),
    (
        {"controlled_substance": True, "released": True},
        "start",
        "not_handed_over",
        {"handed_over": True},
    ),
    ({"requires_signature": True}, "deliver", "signature_missing", {"signed": True}),
    ({"controlled_substance": True}, "deliver", "signature_missing", {"signed": True}),
    (
        {"controlled_substance": True, "signed": True},
        "deliver",
        "id_missing",
        {"recipient_identified": True},
    ),
]
FROM = {"assign": "created", "start": "assigned", "deliver": "out_for_delivery"}


@pytest.mark.parametrize(("facts", "act", "code", "opened_by"), GATES)
def test_a_gate_holds_until_its_fact_is_true(
    facts: dict[str, bool], act: str, code: str, opened_by: dict[str, bool]
) -> None:
    held = Facts(status=FROM[act], **facts)
    outcome = move(act, held)
    assert isinstance(outcome, Refused)
    assert outcome.code == code
    opened = move(act, replace(held, **opened_by))
    assert not isinstance(opened, Refused) or opened.code != code


@given(st.sampled_from(ACTS), st.builds(Facts, st.sampled_from(STATUSES), *[st.booleans()] * 9))
def test_whatever_the_facts_a_move_stays_on_the_table(act: str, facts: Facts) -> None:
    outcome = move(act, facts)
    if not isinstance(outcome, Refused):
        assert outcome == expected()[facts.status, act]
    if act == "deliver" and outcome == "delivered":
        assert facts.signed or not (facts.requires_signature or facts.controlled_substance)
    if act == "start" and outcome == "out_for_delivery":
        assert facts.packed or not facts.cold_chain
        assert (facts.released and facts.handed_over) or not facts.controlled_substance


NUMBERS = itertools.count()


# The same on the file ---------------------------------------------------------------------------


async def new_package(client: httpx.AsyncClient, world: World, **fields: Any) -> str:
    """A sandbox package that is nobody's duplicate."""
    body = orders({"barcode": f"B{next(NUMBERS)}", **fields})
    answer = await client.post("/api/webhook/orders", json=body, headers=header(world.sandbox))
    return str(answer.json()["package_ids"][0])


@pytest.mark.anyio
@settings(max_examples=30)
@given(acts=st.lists(st.sampled_from(ACTS), max_size=12))
async def test_random_acts_never_leave_the_table_and_each_leaves_its_line(
    client: httpx.AsyncClient, world: World, acts: list[str]
) -> None:
    package_id = await new_package(client, world)
    status, lines = "created", 1
    for act in acts:
        goes_to = expected()[status, act]
        step = actions.move_on
        if goes_to == "-":
            with pytest.raises(Conflict) as refused:
                await world.db.write(step, world.sandbox_scope, CLI, package_id, act)
            assert refused.value.details == [{"status": status}]
        else:
            await world.db.write(step, world.sandbox_scope, CLI, package_id, act, signed=True)
            status, lines = goes_to, lines + 1
        package = await world.db.read(store.get, world.sandbox_scope, package_id)
        assert package is not None
        assert package.status == status
        timeline = await world.db.read(store.moves, package)
        assert len(timeline) == lines
        assert timeline[-1].to_status == status


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("before", "path"),
    [
        ((), "/api/packages/{}/cancel"),
        (("assign",), "/api/packages/{}/cancel"),
        (("assign",), "/api/test/packages/{}/start"),
        (("assign", "start"), "/api/test/packages/{}/deliver"),
        (("assign", "start"), "/api/test/packages/{}/fail"),
        (("assign", "start", "fail"), "/api/test/packages/{}/return"),
    ],
)
async def test_of_many_who_race_for_one_move_exactly_one_wins(
    client: httpx.AsyncClient, world: World, before: tuple[str, ...], path: str
) -> None:
    package_id = await new_package(client, world)
    for step in before:
        url = f"/api/test/packages/{package_id}/{step}"
        assert (await client.post(url, headers=header(world.sandbox))).status_code == 200
    answers = await asyncio.gather(
        *(client.post(path.format(package_id), headers=header(world.sandbox)) for _ in range(25))
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 24
    url = f"/api/packages/{package_id}/timeline"
    timeline = (await client.get(url, headers=header(world.sandbox))).json()["data"]
    assert len(timeline) == len(before) + 2
    for answer in answers:
        if answer.status_code == 409:
            assert answer.json()["details"] == [{"status": timeline[-1]["to"]}]


@pytest.mark.anyio
async def test_a_cancel_racing_a_start_leaves_one_of_them_true(
    client: httpx.AsyncClient, world: World
) -> None:
    package_id = await new_package(client, world)
    base = f"/api/test/packages/{package_id}"
    await client.post(f"{base}/assign", headers=header(world.sandbox))
    start, cancel = await asyncio.gather(
        client.post(f"{base}/start", headers=header(world.sandbox)),
        client.post(f"/api/packages/{package_id}/cancel", headers=header(world.sandbox)),
    )
    assert {start.status_code, cancel.status_code} == {200, 409}


@pytest.mark.anyio
async def test_who_read_an_older_status_cannot_write_over_a_newer_one(
    client: httpx.AsyncClient, world: World
) -> None:
    package_id = await new_package(client, world)
    stale = await world.db.read(store.get, world.sandbox_scope, package_id)
    assert stale is not None
    await world.db.write(actions.cancel, world.sandbox_scope, CLI, package_id, "other")
    assert not await world.db.write(store.set_status, stale, "assigned")
    assert not await world.db.write(store.set_content, stale, stale.content, None)
    assert not await world.db.write(store.set_facts, stale, packed_at=1)
    after = await world.db.read(store.get, world.sandbox_scope, package_id)
    assert after is not None
    assert (after.status, after.packed_at) == ("cancelled", None)
