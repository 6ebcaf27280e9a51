"""What phones tell happens once each, in the driver's name, and the first one wins."""

import json
import random
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx
import pytest
from starlette.applications import Starlette

from scriptrun_box.delivery.phone import store
from scriptrun_box.drivers import notes
from scriptrun_box.drivers import store as driver_store
from scriptrun_box.kernel import audit, notices
from scriptrun_box.kernel.clock import HOUR_MS, MINUTE_MS
from scriptrun_box.kernel.db import Reader, Writer
from scriptrun_box.kernel.disk import Disk
from scriptrun_box.kernel.scope import CLI
from scriptrun_box.kernel.worker import Worker, WorkFailed
from scriptrun_box.packages import actions as packages
from scriptrun_box.packages import proofs
from scriptrun_box.packages import store as package_store
from scriptrun_box.routes import actions as routes
from scriptrun_box.routes import stops
from tests.world import World

from .handset import PERSON, Handset, handset, planned, status, under_way

pytestmark = pytest.mark.anyio
MORE_THAN_THERE_IS_MB = 10**9
SIGNED = {"requires_signature": True, "copay_amount": None}


def completed(r: Reader, package_id: str) -> list[dict[str, Any]]:
    """The data of every delivery.completed of a package."""
    sql = "SELECT body FROM events WHERE subject_id = ? AND event = 'delivery.completed'"
    return [json.loads(row["body"])["data"] for row in r.all(sql, (package_id,))]


async def test_a_whole_shift_told_at_once(client: httpx.AsyncClient, world: World) -> None:
    copay = {"requires_signature": True, "copay_amount": 12.5}
    out = await planned(client, world, SIGNED, copay, {**SIGNED, "copay_amount": 0})
    phone, (signed, paid, failed) = out.phone, out.package_ids
    payments = {
        paid: [
            {"method": "cash", "cents": 1000},
            {"method": "check", "cents": 250, "check_number": "1042"},
        ]
    }
    answers = await phone.send(
        phone.act("load", package_ids=out.package_ids),
        phone.act("start", route_id=out.route_id),
        phone.delivery(signed),
        phone.delivery(paid, payments=payments),
        phone.act("fail", package_ids=[failed], reason="no_answer", no_place="not allowed"),
        phone.act("finish", route_id=out.route_id),
        phone.act("shift_end"),
    )
    assert [each["outcome"] for each in answers] == ["taken"] * 7, answers
    assert [status(world, each) for each in out.package_ids] == ["delivered", "delivered", "failed"]
    (told,) = await world.db.read(completed, paid)
    assert (told["copay_collected"], told["copay_method"]) == (12.5, "split")
    proof = await world.db.read(proofs.latest, signed)
    assert proof is not None and (proof.recipient, proof.signature) == (PERSON["name"], True)
    driver = await world.db.read(driver_store.get, world.scope, out.driver_id)
    assert driver is not None and not driver.on_shift and driver.route_id is None


async def test_the_same_act_a_thousand_times_happens_once(
    client: httpx.AsyncClient, world: World
) -> None:
    out = await under_way(client, world, SIGNED)
    act = out.phone.delivery(out.package_ids[0])
    (first,) = await out.phone.send(act)
    assert first["outcome"] == "taken"
    outcomes = set()
    for _ in range(2):
        outcomes |= {(each["outcome"], each["was"]) for each in await out.phone.send(*[act] * 500)}
    assert outcomes == {("already", "taken")}
    assert len(await world.db.read(proofs.every, out.package_ids[0])) == 1
    assert len(await world.db.read(completed, out.package_ids[0])) == 1


async def test_an_act_that_is_sent_twice_in_one_body_happens_once(
    client: httpx.AsyncClient, world: World
) -> None:
    out = await planned(client, world, SIGNED)
    note = out.phone.act("note", text="Late by ten minutes")
    before = await world.db.read(driver_store.count_unread, world.scope)
    answers = await out.phone.send(note, note, note)
    assert [each["outcome"] for each in answers] == ["taken", "already", "already"]
    assert await world.db.read(driver_store.count_unread, world.scope) == before + 1


async def test_an_id_never_means_two_things(client: httpx.AsyncClient, world: World) -> None:
    out, other = await planned(client, world, SIGNED), await planned(client, world, SIGNED)
    note = out.phone.act("note", text="The gate is shut")
    assert (await out.phone.send(note))[0]["outcome"] == "taken"
    for phone, act in ((out.phone, {**note, "text": "Open again"}), (other.phone, note)):
        (answer,) = await phone.send(act)
        assert (answer["outcome"], answer["code"]) == ("refused", "act_reused")


async def test_one_bad_act_holds_up_none_of_the_others(
    client: httpx.AsyncClient, world: World
) -> None:
    out = await under_way(client, world, SIGNED, SIGNED)
    first, second = out.package_ids
    phone = out.phone
    answers = await phone.send(
        phone.delivery(first, signature=[[[5, 5, 0]]]),  # a dot is no signature
        phone.act("sing"),
        phone.act("load", package_ids=["not an id"]),
        {"kind": "note", "at": phone.now, "text": "without an id"},
        phone.act("deliver", package_ids=[first], how="thrown_over_the_fence"),
        phone.act("note", text=" "),
        phone.delivery(second),
    )
    assert [each["outcome"] for each in answers] == ["refused"] * 6 + ["taken"]
    assert answers[0]["code"] == "signature_empty" and answers[1]["code"] == "unknown_kind"
    assert all(each["sentence"] for each in answers[:6])
    assert [status(world, each) for each in (first, second)] == ["out_for_delivery", "delivered"]


async def test_what_needs_a_signature_is_not_delivered_without_strokes(
    client: httpx.AsyncClient, world: World
) -> None:
    out = await under_way(client, world, SIGNED)
    (package_id,) = out.package_ids
    for signature in (None, [], [[]], [[[1, 1, 0], [2, 2, 9]]]):
        (answer,) = await out.phone.send(out.phone.delivery(package_id, signature=signature))
        code = "signature_missing" if signature is None else "signature_empty"
        assert answer["code"] == code and answer["outcome"] != "taken"
    assert status(world, package_id) == "out_for_delivery"


async def test_a_proof_for_another_drivers_package_counts_for_nothing(
    client: httpx.AsyncClient, world: World
) -> None:
    mine, theirs = await under_way(client, world, SIGNED), await under_way(client, world, SIGNED)
    phone, (package_id,) = mine.phone, theirs.package_ids
    (delivered,) = await phone.send(phone.delivery(package_id))
    assert (delivered["outcome"], delivered["code"]) == ("conflict", "not_this_driver")
    failed = await phone.do("fail", package_ids=[package_id], reason="refused")
    assert failed["code"] == "not_this_driver"
    for kind, fields in (
        ("load", {"package_ids": [package_id]}),
        ("note", {"package_id": package_id, "text": "Hm"}),
        ("start", {"route_id": theirs.route_id}),
        ("finish", {"route_id": theirs.route_id}),
    ):
        answer = await phone.do(kind, **fields)
        assert answer["outcome"] == "refused", kind
    assert status(world, package_id) == "out_for_delivery"
    assert await world.db.read(proofs.every, package_id) == []


async def test_of_two_phones_the_first_wins_and_the_desk_hears_of_the_other(
    client: httpx.AsyncClient, world: World
) -> None:
    out = await under_way(client, world, SIGNED, SIGNED)
    second = await handset(client, world, out.driver_id)
    (first,) = await out.phone.send(out.phone.delivery(out.package_ids[0]))
    (late,) = await second.send(second.delivery(*out.package_ids))
    assert (first["outcome"], late["outcome"]) == ("taken", "conflict")
    assert [each["package_id"] for each in late["details"]] == [out.package_ids[0]]
    assert status(world, out.package_ids[1]) == "delivered", "the other one still counts"
    (notice,) = await world.db.read(notices.open_notices, world.scope, out.driver_id)
    assert notice.kind == "phone_odd" and "did not count" in notice.words
    wanted = store.Filter(driver_id=out.driver_id, unseen=True)
    (odd,) = await world.db.read(store.acts, world.scope.tenant_id, wanted, None, 10)
    assert (odd.kind, odd.outcome, odd.code) == ("deliver", "conflict", "deliver_not_allowed")


async def test_a_recall_that_was_first_keeps_the_package_from_being_delivered(
    client: httpx.AsyncClient, world: World
) -> None:
    out = await under_way(client, world, SIGNED)
    (package_id,) = out.package_ids
    await world.db.write(
        packages.move_on, world.scope, CLI, package_id, "recall", recalled_at=1_700_000_000_000
    )
    told = await out.phone.shift()
    assert told["packages"][package_id]["recalled"] is True
    (answer,) = await out.phone.send(out.phone.delivery(package_id))
    assert (answer["outcome"], answer["code"]) == ("conflict", "recalled")


def _given_an_hour_ago(w: Writer, package_id: str) -> None:
    w.run("UPDATE package_moves SET at = at - ? WHERE package_id = ?", (HOUR_MS, package_id))


@pytest.mark.parametrize("ahead_ms", [0, -3 * HOUR_MS, 26 * HOUR_MS, 5_000])
async def test_a_wrong_clock_is_measured_and_both_times_are_kept(
    client: httpx.AsyncClient, world: World, ahead_ms: int
) -> None:
    out = await under_way(client, world, SIGNED)
    phone, (package_id,) = out.phone, out.package_ids
    await world.db.write(_given_an_hour_ago, package_id)
    phone.ahead_ms = ahead_ms
    act = phone.delivery(package_id)
    act["at"] -= 40 * MINUTE_MS  # done a while ago, without a network
    true = act["at"] - ahead_ms
    assert (await phone.send(act))[0]["outcome"] == "taken"
    proof = await world.db.read(proofs.latest, package_id)
    assert proof is not None and proof.device_at == act["at"] and proof.received_at is not None
    assert abs(proof.acted_at - true) < 6_000 and proof.acted_at <= proof.received_at
    (known,) = await world.db.read(store.of_driver, out.driver_id)
    assert abs(known.ahead_ms - ahead_ms) < 3_000


async def test_a_route_starts_only_with_everything_in_the_car_and_every_gate_passed(
    client: httpx.AsyncClient, world: World
) -> None:
    out = await planned(client, world, SIGNED, {**SIGNED, "cold_chain": True})
    plain, cold = out.package_ids
    phone = out.phone
    empty = await phone.do("start", route_id=out.route_id)
    assert (empty["outcome"], empty["code"]) == ("conflict", "not_loaded")
    assert {each["package_id"] for each in empty["details"]} == {plain, cold}
    gone = await phone.do("load", package_ids=[cold], missing=True)
    assert gone["outcome"] == "taken"
    assert (await phone.do("load", package_ids=[plain]))["outcome"] == "taken"
    assert (await phone.do("start", route_id=out.route_id))["code"] == "not_loaded"
    assert (await phone.do("load", package_ids=[cold]))["outcome"] == "taken"
    unpacked = await phone.do("start", route_id=out.route_id)
    assert unpacked["code"] == "packages_cannot_leave"
    (why,) = unpacked["details"]
    assert (why["package_id"], why["sentence"]) == (cold, "Not packed in its cold bag yet")
    package = await world.db.read(package_store.get, world.scope, cold)
    assert package is not None
    await world.db.write(packages.set_gates, world.scope, CLI, package, ["packed_at"])
    assert (await phone.do("start", route_id=out.route_id))["outcome"] == "taken"
    assert status(world, cold) == "out_for_delivery"


async def test_what_needs_an_id_is_not_handed_over_without_one(
    client: httpx.AsyncClient, world: World
) -> None:
    out = await planned(client, world, {"controlled_substance": True, "dea_schedule": "II"})
    (package_id,) = out.package_ids
    package = await world.db.read(package_store.get, world.scope, package_id)
    assert package is not None
    gates = ["released_at", "handed_over_at"]
    await world.db.write(packages.set_gates, world.scope, CLI, package, gates)
    phone = out.phone
    load = phone.act("load", package_ids=[package_id])
    await phone.send(load, phone.act("start", route_id=out.route_id))
    (without,) = await phone.send(phone.delivery(package_id))
    assert (without["outcome"], without["code"]) == ("conflict", "id_missing")
    document = {"kind": "06", "jurisdiction": "FL", "number": "R123456789"}
    who = {**PERSON, "identification": document}
    assert (await phone.send(phone.delivery(package_id, recipient=who)))[0]["outcome"] == "taken"
    proof = await world.db.read(proofs.latest, package_id)
    assert proof is not None
    assert (proof.id_last_four, proof.id_number) == ("6789", None), "this file is not encrypted"


async def test_nothing_is_left_at_a_door_unless_the_patient_said_so(
    client: httpx.AsyncClient, world: World
) -> None:
    out = await under_way(client, world, {"copay_amount": None, "requires_signature": False})
    phone, (package_id,) = out.phone, out.package_ids
    left = {"how": "left_at_door", "recipient": None, "signature": None, "photo": True}
    (answer,) = await phone.send(phone.delivery(package_id, **left))
    assert (answer["outcome"], answer["code"]) == ("conflict", "leave_at_door")
    assert status(world, package_id) == "out_for_delivery"


@pytest.mark.parametrize(
    ("body", "status_code"),
    [
        ({"acts": [], "sent_at": 1}, 400),
        ({"acts": [{}]}, 400),
        ({"acts": "x", "sent_at": 1}, 400),
        ({"acts": [{}] * 501, "sent_at": 1}, 400),
        ({"acts": [{"x": "y" * 1_100_000}], "sent_at": 1}, 413),
    ],
)
async def test_a_body_that_is_none_is_refused_whole(
    client: httpx.AsyncClient, world: World, body: dict[str, Any], status_code: int
) -> None:
    out = await planned(client, world, SIGNED)
    answer = await out.phone.ask("POST", "/phone/acts", json=body)
    assert answer.status_code == status_code


async def test_only_the_last_place_of_a_driver_is_kept(
    client: httpx.AsyncClient, world: World
) -> None:
    out = await planned(client, world, SIGNED)
    phone = out.phone
    older = phone.act("position", place={"lat": 25.7, "lng": -80.1, "accuracy_m": 5})
    older["at"] -= MINUTE_MS
    newer = phone.act("position", place={"lat": 25.8, "lng": -80.2})
    await phone.send(newer, older, newer)
    place = await world.db.read(store.place, out.driver_id)
    assert place is not None and (place.lat, place.accuracy_m) == (25.8, None)


async def test_the_driver_stands_in_timeline_and_audit_and_no_patient_does(
    client: httpx.AsyncClient, world: World
) -> None:
    out = await under_way(client, world, {**SIGNED, "patient_name": "Zzcanary Person"})
    await out.phone.send(out.phone.delivery(out.package_ids[0]))
    package = await world.db.read(package_store.get, world.scope, out.package_ids[0])
    assert package is not None
    moves = await world.db.read(package_store.moves, package)
    assert [each.actor for each in moves if each.act in ("start", "deliver")] == [
        f"driver:{out.driver_id}"
    ] * 2
    rows = await world.db.read(lambda r: [tuple(row) for row in audit.rows(r)])
    assert "Zzcanary" not in repr(rows) and PERSON["name"] not in repr(rows)


async def test_sixty_stops_with_answers_lost_at_random_are_each_done_once(
    client: httpx.AsyncClient, world: World
) -> None:
    out = await planned(client, world, *[SIGNED] * 60)
    phone, chance = out.phone, random.Random(7)
    acts = [
        phone.act("load", package_ids=out.package_ids),
        phone.act("start", route_id=out.route_id),
    ]
    for number, package_id in enumerate(out.package_ids):
        if number % 9 == 0:
            acts.append(phone.act("fail", package_ids=[package_id], reason="no_answer"))
        else:
            acts.append(phone.delivery(package_id))
    acts += [phone.act("finish", route_id=out.route_id), phone.act("shift_end")]
    sent = await until_all_are_answered(phone, acts, chance)
    assert sent > len(acts), "some were sent more than once"
    outcomes = [len(await world.db.read(proofs.every, each)) for each in out.package_ids]
    assert outcomes == [1] * 60
    states = [status(world, each) for each in out.package_ids]
    assert (states.count("delivered"), states.count("failed")) == (53, 7)
    told = [len(await world.db.read(completed, each)) for each in out.package_ids]
    assert sum(told) == 53 and max(told) == 1


async def test_a_full_disk_takes_nothing_and_the_same_acts_count_once_it_has_room(
    app: Starlette, client: httpx.AsyncClient, world: World, tmp_path: Path
) -> None:
    out = await under_way(client, world, SIGNED)
    phone, act = out.phone, out.phone.delivery(out.package_ids[0])
    usual, app.state.box.disk = app.state.box.disk, Disk(tmp_path, MORE_THAN_THERE_IS_MB)
    try:
        answer = await phone.ask("POST", "/phone/acts", json={"acts": [act], "sent_at": phone.now})
        assert (answer.status_code, answer.json()["code"]) == (507, "disk_full")
        assert int(answer.headers["retry-after"]) >= 1
        assert (await phone.ask("GET", "/phone/shift")).status_code == 200, "reading goes on"
    finally:
        app.state.box.disk = usual
    assert status(world, out.package_ids[0]) == "out_for_delivery"
    assert (await phone.send(act))[0]["outcome"] == "taken"


async def test_an_act_that_breaks_the_box_waits_and_those_behind_it_do_not(
    client: httpx.AsyncClient, world: World
) -> None:
    out = await planned(client, world, SIGNED)
    broken, fine = out.phone.act("note", text="breaks"), out.phone.act("offline")
    with patch.object(notes, "send", side_effect=ZeroDivisionError):
        answers = await out.phone.send(broken, fine)
    assert [(each["outcome"], each["code"]) for each in answers] == [
        ("refused", "internal"),
        ("taken", ""),
    ]
    assert (await out.phone.send(broken))[0]["outcome"] == "taken", "it was not written off"


async def until_all_are_answered(
    phone: Handset, acts: list[dict[str, Any]], chance: random.Random
) -> int:
    """Send as the app does: in order, in batches, again while no answer came. How many were."""
    waiting, sent = list(acts), 0
    while waiting:
        batch = waiting[: chance.randint(1, 12)]
        sent += len(batch)
        answers = await phone.send(*batch)
        if chance.random() < 0.4:
            continue  # the answer is lost on the way
        assert {each["was"] for each in answers} == {"taken"}
        waiting = waiting[len(batch) :]
    return sent


async def test_an_act_that_says_something_wrong_is_noted_for_the_desk(
    client: httpx.AsyncClient, world: World
) -> None:
    out = await under_way(client, world, SIGNED)
    (package_id,) = out.package_ids
    for recipient in (
        {"name": " ", "relation": "spouse"},
        {"name": "A\x00B", "relation": "spouse"},
    ):
        (answer,) = await out.phone.send(out.phone.delivery(package_id, recipient=recipient))
        assert answer["outcome"] == "refused"
    wanted = store.Filter(driver_id=out.driver_id, unseen=True)
    odd = await world.db.read(store.acts, world.scope.tenant_id, wanted, None, 10)
    assert [(each.kind, each.outcome) for each in odd] == [("deliver", "refused")] * 2
    (notice,) = await world.db.read(notices.open_notices, world.scope, out.driver_id)
    assert notice.words.startswith("2 things")
    assert status(world, package_id) == "out_for_delivery"


async def test_a_note_of_several_lines_arrives_whole(
    client: httpx.AsyncClient, world: World
) -> None:
    out = await under_way(client, world, SIGNED)
    answer = await out.phone.do("note", text="Gate code\n1234")
    assert answer["outcome"] == "taken"


async def test_a_picture_worker_that_is_gone_refuses_nothing_for_good(
    client: httpx.AsyncClient, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = await under_way(client, world, SIGNED)
    (package_id,) = out.package_ids
    act = out.phone.delivery(package_id)

    async def gone(*_: Any) -> Any:
        raise WorkFailed("died")

    with monkeypatch.context() as patched:
        patched.setattr(Worker, "run", gone)
        body = {"acts": [act], "sent_at": out.phone.now}
        answer = await out.phone.ask("POST", "/phone/acts", json=body)
        assert answer.status_code == 503 and answer.headers["Retry-After"]
    (taken,) = await out.phone.send(act)
    assert taken["outcome"] == "taken"


async def test_what_came_back_is_loaded_anew(client: httpx.AsyncClient, world: World) -> None:
    out = await under_way(client, world, SIGNED)
    (package_id,) = out.package_ids
    await out.phone.do("fail", package_ids=[package_id], reason="no_answer")
    await out.phone.do("finish", route_id=out.route_id)
    await world.db.write(packages.redeliver, world.scope, CLI, package_id)
    given = {"driver_id": out.driver_id, "package_ids": [package_id]}
    again = await world.db.write(routes.create, world.scope, CLI, given)
    answer = await out.phone.do("start", route_id=again.route.id)
    assert answer["code"] == "not_loaded"


async def test_who_takes_a_route_over_sees_nothing_of_what_the_other_driver_has_done(
    client: httpx.AsyncClient, world: World
) -> None:
    out = await under_way(client, world, SIGNED, SIGNED)
    done, left = out.package_ids
    await out.phone.send(out.phone.delivery(done))
    other = await planned(client, world)
    await world.db.write(stops.hand_over, world.scope, CLI, out.route_id, other.driver_id)
    told = await other.phone.shift()
    assert list(told["packages"]) == [left]
    (route,) = [each for each in told["routes"] if each["id"] == out.route_id]
    assert [stop["package_ids"] for stop in route["stops"]] == [[left]]
