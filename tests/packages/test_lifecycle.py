"""The state machine: every move of every status, the gates, and the same under a race."""

import asyncio
import itertools
from dataclasses import fields, replace
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
MORE = """
                 pass_on           recall            restore
created          -                 -                 -
assigned         -                 -                 -
out_for_delivery out_for_delivery  out_for_delivery  -
delivered        -                 -                 -
failed           -                 -                 -
returned         -                 -                 -
cancelled        -                 -                 created
"""
RECALLED = {  # of a package that is out, instead of what the tables say
    "deliver": "-",
    "recall": "-",
    "redeliver": "created",
    "return": "returned",
}


def expected(recalled: bool = False) -> dict[tuple[str, str], str]:
    """{(status, act): where it leads, or "-"}."""
    found = {}
    for table in (TABLE, MORE):
        head, *lines = [line.split() for line in table.strip().splitlines()]
        for line in lines:
            found |= {(line[0], act): to for act, to in zip(head, line[1:], strict=True)}
    if recalled:
        found |= {("out_for_delivery", act): to for act, to in RECALLED.items()}
    return found


@pytest.mark.parametrize("recalled", [False, True])
@pytest.mark.parametrize(("status", "act"), list(itertools.product(STATUSES, ACTS)))
def test_every_act_leads_from_every_status_where_the_table_says(
    status: str, act: str, recalled: bool
) -> None:
    goes_to = expected(recalled)[status, act]
    outcome = move(act, Facts(status=status, recalled=recalled))
    if goes_to == "-":
        assert isinstance(outcome, Refused)
        gate = (status, act, recalled) == ("out_for_delivery", "deliver", True)
        assert outcome.code == ("recalled" if gate else f"{act}_not_allowed")
        assert outcome.sentence.endswith(".")
    else:
        assert outcome == goes_to


GATES = [
    # what the package is, the act it is held back from, the code, what opens the gate
    ({"undecided_duplicate": True}, "assign", "possible_duplicate", {"undecided_duplicate": False}),
    ({"cold_chain": True}, "start", "not_packed", {"packed": True}),
    ({"quarantined": True}, "assign", "quarantined", {"quarantined": False}),
    ({"quarantined": True}, "start", "quarantined", {"quarantined": False}),
    ({"quarantined": True}, "deliver", "quarantined", {"quarantined": False}),
    ({"quarantined": True}, "redeliver", "quarantined", {"quarantined": False}),
    ({"hold_passed": True}, "start", "hold_passed", {"hold_passed": False}),
    ({"hold_passed": True}, "deliver", "hold_passed", {"hold_passed": False}),
    ({"controlled_substance": True}, "start", "not_released", {"released": True}),
    (
        {"controlled_substance": True, "released": True},
        "start",
        "not_handed_over",
        {"handed_over": True},
    ),
    (
        {"cold_chain": True, "driver_cold_chain": False},
        "pass_on",
        "driver_not_cold_chain",
        {"driver_cold_chain": True},
    ),
    (
        {"controlled_substance": True, "driver_controlled": False},
        "pass_on",
        "driver_not_controlled",
        {"driver_controlled": True},
    ),
    ({"requires_signature": True}, "deliver", "signature_missing", {"signed": True}),
    ({"controlled_substance": True}, "deliver", "signature_missing", {"signed": True}),
    (
        {"controlled_substance": True, "signed": True},
        "deliver",
        "id_missing",
        {"recipient_identified": True},
    ),
    *(
        (
            {"controlled_substance": True, "handed_over": True},
            act,
            "still_with_driver",
            {"handed_over": False},
        )
        for act in ("assign", "unassign", "pass_on", "cancel", "redeliver", "return")
    ),
    *(
        ({"controlled_substance": True}, act, "pharmacist_decides", {"by_pharmacist": True})
        for act in ("redeliver", "return")
    ),
]
FROM = {
    "assign": "created",
    "unassign": "assigned",
    "cancel": "created",
    "start": "assigned",
    "pass_on": "out_for_delivery",
    "deliver": "out_for_delivery",
    "redeliver": "failed",
    "return": "failed",
}


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


FLAGS = len(fields(Facts)) - 1  # all but the status


@given(st.sampled_from(ACTS), st.builds(Facts, st.sampled_from(STATUSES), *[st.booleans()] * FLAGS))
def test_whatever_the_facts_a_move_stays_on_the_table(act: str, facts: Facts) -> None:
    outcome = move(act, facts)
    if not isinstance(outcome, Refused):
        assert outcome == expected(facts.recalled)[facts.status, act]
    if act == "deliver" and outcome == "delivered":
        assert not (facts.recalled or facts.quarantined or facts.hold_passed)
        assert facts.signed or not (facts.requires_signature or facts.controlled_substance)
    if act == "start" and outcome == "out_for_delivery":
        assert facts.packed or not facts.cold_chain
        assert (facts.released and facts.handed_over) or not facts.controlled_substance
    if act in ("redeliver", "return") and outcome in ("created", "returned"):
        assert facts.by_pharmacist or not facts.controlled_substance


NUMBERS = itertools.count()
RECALL_FACTS = {"recall": 1, "redeliver": None}


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
    status, lines, recalled = "created", 1, False
    for act in acts:
        goes_to = expected(recalled)[status, act]
        step = actions.move_on
        if goes_to == "-":
            with pytest.raises(Conflict) as refused:
                await world.db.write(step, world.sandbox_scope, CLI, package_id, act)
            assert refused.value.details == [{"status": status}]
        else:
            facts = {} if act not in RECALL_FACTS else {"recalled_at": RECALL_FACTS[act]}
            await world.db.write(
                step, world.sandbox_scope, CLI, package_id, act, signed=True, **facts
            )
            status, lines = goes_to, lines + 1
            recalled = bool(facts.get("recalled_at", recalled))
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
async def test_of_a_recall_and_a_delivery_at_once_one_is_true(
    client: httpx.AsyncClient, world: World
) -> None:
    won = set()
    for first in (0, 1):
        package_id = await new_package(client, world)
        base = f"/api/test/packages/{package_id}"
        for step in ("assign", "start"):
            await client.post(f"{base}/{step}", headers=header(world.sandbox))
        paths = [f"{base}/deliver", f"/api/packages/{package_id}/recall"]
        racing = [paths[first], paths[1 - first]]
        answers = await asyncio.gather(
            *(client.post(path, headers=header(world.sandbox)) for path in racing)
        )
        assert sorted(answer.status_code for answer in answers) == [200, 409]
        shown = await client.get(f"/api/packages/{package_id}", headers=header(world.sandbox))
        delivered = shown.json()["status"] == "delivered"
        assert delivered is (shown.json()["recalled_at"] is None)
        refused = next(answer.json() for answer in answers if answer.status_code == 409)
        assert refused["code"] == ("recall_not_allowed" if delivered else "recalled")
        won.add(delivered)
    assert won == {True, False}


@pytest.mark.anyio
@pytest.mark.parametrize(("act", "status"), [("redeliver", "created"), ("return", "returned")])
async def test_a_recalled_package_is_not_delivered_and_is_decided_about_once_it_is_back(
    client: httpx.AsyncClient, world: World, act: str, status: str
) -> None:
    package_id = await new_package(client, world)
    base = f"/api/test/packages/{package_id}"
    early = await client.post(f"/api/packages/{package_id}/recall", headers=header(world.sandbox))
    assert (early.status_code, early.json()["code"]) == (409, "recall_not_allowed")
    for step in ("assign", "start"):
        await client.post(f"{base}/{step}", headers=header(world.sandbox))
    path = f"/api/packages/{package_id}"
    still_out = await client.post(f"{path}/{act}", headers=header(world.sandbox))
    assert still_out.json()["code"] == f"{act}_not_allowed"
    recalled = await client.post(
        f"{path}/recall", json={"reason": "picked_up"}, headers=header(world.sandbox)
    )
    assert recalled.json()["status"] == "out_for_delivery"
    assert recalled.json()["recalled_at"] is not None
    again = await client.post(f"{path}/recall", headers=header(world.sandbox))
    assert (again.status_code, again.json()["code"]) == (409, "recall_not_allowed")
    refused = await client.post(f"{base}/deliver", headers=header(world.sandbox))
    assert (refused.status_code, refused.json()["code"]) == (409, "recalled")
    back = await client.post(f"{path}/{act}", headers=header(world.sandbox))
    assert (back.status_code, back.json()["status"]) == (200, status)
    lines = (await client.get(f"{path}/timeline", headers=header(world.sandbox))).json()["data"]
    assert [line["act"] for line in lines][-2:] == ["recall", act]
    assert lines[-2]["detail"] == {"reason": "picked_up"}
    if act == "redeliver":
        assert back.json()["recalled_at"] is None
        for step in ("assign", "start", "deliver"):
            answer = await client.post(f"{base}/{step}", headers=header(world.sandbox))
            assert answer.status_code == 200, "its recall is over"


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
