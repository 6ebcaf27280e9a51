"""At the door: handed over, left, not delivered; each act once, each package with its own proof."""

from dataclasses import replace

import httpx
import pytest
from starlette.applications import Starlette

from scriptrun_box.delivery import door, store
from scriptrun_box.delivery.model import Payment, Picture
from scriptrun_box.delivery.recall import recall
from scriptrun_box.kernel import blobs, clock
from scriptrun_box.kernel.errors import Conflict, Invalid, NotFound, Refusal
from scriptrun_box.packages import proofs
from scriptrun_box.packages import store as packages
from scriptrun_box.packages.actions import redeliver
from scriptrun_box.packages.model import Package
from scriptrun_box.patients import actions as patients
from scriptrun_box.patients import store as patients_store
from tests.pushing import get
from tests.routes.people import told
from tests.world import World

from .doors import ACTED_AT, DRIVER, LINKS, MARIA, SEEN, at_door, hand_over, leave, out

pytestmark = pytest.mark.anyio
COMPLETED, FAILED = "delivery.completed", "delivery.failed"


def refused(outcome: Package | Refusal) -> str:
    """The code an act was refused with."""
    assert isinstance(outcome, Refusal)
    return outcome.code


async def test_handing_over_is_told_as_published_with_the_time_of_the_act(
    client: httpx.AsyncClient, world: World
) -> None:
    scope = world.scope
    package_id = await out(client, world.db, scope, world.live, external_patient_id="PMS-9081")
    paid = {package_id: [Payment("card", 1250, card_last_four="4242", authorization="A77")]}
    await world.db.write(hand_over, scope, [package_id], at_door(), paid=paid)
    (data,) = await world.db.read(told, package_id, COMPLETED)
    links = data.pop("proof")
    assert data == {
        "package_id": package_id,
        "external_patient_id": "PMS-9081",
        "rx_number": "RX-8872341",
        "driver_id": "drv_luis",
        "delivered_at": "2026-04-20T18:41:57Z",
        "copay_collected": 12.5,
        "copay_method": "card",
    }
    assert (links["lat"], links["lng"], links["photo_url"]) == (25.8612, -80.2983, None)
    shape = (await get(client, world.live, f"packages/{package_id}")).json()
    picture = await client.get(shape["proof"]["signature_url"])
    assert (picture.status_code, picture.content) == (200, b"a drawn name")
    assert picture.headers["content-type"] == "image/png"
    assert picture.headers["content-disposition"] == 'inline; filename="signature.png"'
    assert (shape["status"], shape["delivered_at"]) == ("delivered", "2026-04-20T18:41:57Z")
    assert shape["copay"] == {"due": 12.5, "collected": 12.5, "method": "card"}
    assert await world.db.read(store.payments, package_id) == paid[package_id]


async def test_an_act_that_is_sent_again_happens_once(
    client: httpx.AsyncClient, world: World
) -> None:
    package_id = await out(client, world.db, world.scope, world.live)
    act = at_door()
    for _ in range(5):
        outcomes = await world.db.write(hand_over, world.scope, [package_id], act)
        package = outcomes[package_id]
        assert isinstance(package, Package) and package.status == "delivered"
    assert len(await world.db.read(told, package_id, COMPLETED)) == 1
    assert len(await world.db.read(proofs.every, package_id)) == 1


async def test_one_signature_is_for_all_packages_of_a_stop_and_one_refusal_holds_up_no_other(
    client: httpx.AsyncClient, world: World
) -> None:
    scope = world.scope
    one, two = [await out(client, world.db, scope, world.live) for _ in range(2)]
    controlled = await out(client, world.db, scope, world.live, controlled_substance=True)
    unknown = "0" * 32
    outcomes = await world.db.write(
        hand_over, scope, [one, controlled, unknown, two, one], at_door()
    )
    assert list(outcomes) == [one, controlled, unknown, two]
    assert (refused(outcomes[controlled]), refused(outcomes[unknown])) == (
        "id_missing",
        "not_found",
    )
    kept = [await world.db.read(proofs.latest, each) for each in (one, two)]
    assert len({each.signature_digest for each in kept if each}) == 1
    assert len({each.act_id for each in kept if each}) == 1
    assert await world.db.read(proofs.latest, controlled) is None
    assert await world.db.read(told, controlled, COMPLETED) == []


@pytest.mark.parametrize("whole", [True, False])
async def test_an_id_number_is_kept_whole_only_in_an_encrypted_file(
    client: httpx.AsyncClient, world: World, whole: bool
) -> None:
    scope = world.scope
    package_id = await out(client, world.db, scope, world.live, controlled_substance=True)
    await world.db.write(hand_over, scope, [package_id], at_door(), to=SEEN, whole_ids=whole)
    proof = await world.db.read(proofs.latest, package_id)
    assert proof is not None
    assert (proof.id_kind, proof.id_jurisdiction, proof.id_last_four) == ("06", "FL", "23-0")
    assert proof.id_number == ("R362-540-77-123-0" if whole else None)


async def test_what_the_order_asks_for_is_never_passed_over(
    client: httpx.AsyncClient, world: World
) -> None:
    scope = world.scope
    package_id = await out(client, world.db, scope, world.live)
    for wish, code in (
        ({"signature": None}, "signature_missing"),
        ({"to": None}, "recipient_missing"),
    ):
        outcomes = await world.db.write(hand_over, scope, [package_id], at_door(), **wish)
        assert refused(outcomes[package_id]) == code
    outcomes = await world.db.write(leave, scope, [package_id], at_door(photo=True))
    assert refused(outcomes[package_id]) == "leave_at_door"
    stands = await world.db.read(packages.get, scope, package_id)
    assert stands is not None and (stands.status, stands.attempts) == ("out_for_delivery", 0)


async def test_another_drivers_and_a_strangers_package_stay_where_they_are(
    client: httpx.AsyncClient, world: World
) -> None:
    package_id = await out(client, world.db, world.scope, world.live)
    theirs = await world.db.write(
        door.fail,
        world.scope,
        DRIVER,
        [package_id],
        replace(at_door(), driver_id="drv_other"),
        "refused",
        LINKS,
    )
    assert refused(theirs[package_id]) == "not_this_driver"
    stranger = type(world.scope)(world.elsewhere.tenant.id)
    outcomes = await world.db.write(hand_over, stranger, [package_id], at_door())
    assert isinstance(outcomes[package_id], NotFound)
    assert await world.db.read(told, package_id, FAILED) == []


async def allow_leaving(world: World, package_id: str) -> None:
    """The patient of a package said that it may be left at the door."""
    package = await world.db.read(packages.get, world.scope, package_id)
    assert package is not None
    patient = await world.db.read(patients_store.for_package, package)
    assert patient is not None
    wish = {"leave_at_door": True}
    await world.db.write(patients.change, world.scope, DRIVER, patient.id, wish)


async def test_what_was_left_at_a_door_is_told_once_its_photo_is_here(
    app: Starlette, client: httpx.AsyncClient, world: World
) -> None:
    order = {"requires_signature": False, "copay_amount": 0.0, "external_patient_id": "PMS-L"}
    package_id = await out(client, world.db, world.scope, world.live, **order)
    await app.state.arrivals.catch_up()
    outcomes = await world.db.write(leave, world.scope, [package_id], at_door(photo=True))
    assert refused(outcomes[package_id]) == "leave_at_door"
    await allow_leaving(world, package_id)
    outcomes = await world.db.write(leave, world.scope, [package_id], at_door())
    assert refused(outcomes[package_id]) == "photo_missing"
    act = at_door(photo=True)
    await world.db.write(leave, world.scope, [package_id], act)
    assert await world.db.read(told, package_id, COMPLETED) == []
    shape = (await get(client, world.live, f"packages/{package_id}")).json()
    assert shape["status"] == "delivered"
    early = await client.get(shape["proof"]["photo_url"])
    assert (early.status_code, early.json()["code"]) == (404, "on_its_way")
    with pytest.raises(NotFound):
        await world.db.write(
            door.attach, world.scope, DRIVER, act.id, "drv_other", picture(b"x"), LINKS
        )
    for body in (b"a porch", b"another one"):
        await world.db.write(
            door.attach, world.scope, DRIVER, act.id, "drv_luis", picture(body), LINKS
        )
    (data,) = await world.db.read(told, package_id, COMPLETED)
    assert data["proof"]["photo_url"].startswith(f"{LINKS.public_url}/proof/prf_")
    shape = (await get(client, world.live, f"packages/{package_id}")).json()
    assert (await client.get(shape["proof"]["photo_url"])).content == b"a porch"
    assert data["proof"]["signature_url"] is None


def picture(body: bytes) -> Picture:
    """A picture as the encoder gives it."""
    return Picture("image/jpeg", body)


async def test_a_photo_that_was_lost_with_its_phone_is_given_up_with_a_reason(
    app: Starlette, client: httpx.AsyncClient, world: World
) -> None:
    order = {"requires_signature": False, "copay_amount": 0.0, "external_patient_id": "PMS-G"}
    package_id = await out(client, world.db, world.scope, world.live, **order)
    await app.state.arrivals.catch_up()
    await allow_leaving(world, package_id)
    act = at_door(photo=True)
    await world.db.write(leave, world.scope, [package_id], act)
    proof = await world.db.read(proofs.latest, package_id)
    assert proof is not None
    words = "The phone fell into the canal."
    await world.db.write(door.give_photo_up, world.scope, DRIVER, proof.id, words, LINKS)
    (data,) = await world.db.read(told, package_id, COMPLETED)
    assert data["proof"]["photo_url"] is None
    (added,) = await world.db.read(store.amendments, package_id)
    assert (added.about, added.words, added.proof_id) == ("picture", words, proof.id)
    with pytest.raises(Conflict):
        await world.db.write(door.give_photo_up, world.scope, DRIVER, proof.id, words, LINKS)
    with pytest.raises(NotFound):
        await world.db.write(
            door.attach, world.scope, DRIVER, act.id, "drv_luis", picture(b"late"), LINKS
        )


async def test_a_failure_keeps_its_reason_when_the_package_goes_out_again(
    client: httpx.AsyncClient, world: World
) -> None:
    package_id = await out(client, world.db, world.scope, world.live)
    act = at_door(photo=True, note="The bell is broken.")
    await world.db.write(door.fail, world.scope, DRIVER, [package_id], act, "no_answer", LINKS)
    (data,) = await world.db.read(told, package_id, FAILED)
    assert (data["reason"], data["attempt"]) == ("no_answer", 1)
    assert data["failed_at"] == "2026-04-20T18:41:57Z"
    assert list(data["proof"]) == ["photo_url", "lat", "lng"]
    await world.db.write(redeliver, world.scope, DRIVER, package_id)
    (proof,) = await world.db.read(proofs.every, package_id)
    assert (proof.reason, proof.note, proof.attempt) == ("no_answer", "The bell is broken.", 1)
    assert proof.acted_at == ACTED_AT and proof.device_at == ACTED_AT + 1_500


async def test_a_copay_that_was_split_is_told_as_one_sum(
    client: httpx.AsyncClient, world: World
) -> None:
    package_id = await out(client, world.db, world.scope, world.live)
    paid = [
        Payment("cash", 500),
        Payment("check", 250, check_number="1042"),
        Payment("not_collected", 500, reason="will pay at the counter"),
    ]
    await world.db.write(
        hand_over, world.scope, [package_id], at_door(), to=MARIA, paid={package_id: paid}
    )
    (data,) = await world.db.read(told, package_id, COMPLETED)
    assert (data["copay_collected"], data["copay_method"]) == (7.5, "split")
    assert await world.db.read(store.payments, package_id) == paid


async def test_nothing_collected_is_zero_and_nothing_said_is_unknown(
    client: httpx.AsyncClient, world: World
) -> None:
    zero, unknown = [await out(client, world.db, world.scope, world.live) for _ in range(2)]
    paid = {zero: [Payment("waived", 1250, approved_by="usr_ana", reason="hardship on file")]}
    await world.db.write(hand_over, world.scope, [zero, unknown], at_door(), paid=paid)
    (first,) = await world.db.read(told, zero, COMPLETED)
    (second,) = await world.db.read(told, unknown, COMPLETED)
    assert (first["copay_collected"], first["copay_method"]) == (0, "waived")
    assert (second["copay_collected"], second["copay_method"]) == (None, None)


async def test_a_correction_stands_beside_the_record(
    client: httpx.AsyncClient, world: World
) -> None:
    package_id = await out(client, world.db, world.scope, world.live)
    await world.db.write(hand_over, world.scope, [package_id], at_door())
    before = await world.db.read(proofs.latest, package_id)
    write = world.db.write
    await write(door.amend, world.scope, DRIVER, package_id, None, "recipient", "It was her aunt.")
    for about, words in (("weather", "x"), ("time", " "), ("time", "x" * 1_001)):
        with pytest.raises(Invalid):
            await write(door.amend, world.scope, DRIVER, package_id, None, about, words)
    assert await world.db.read(proofs.latest, package_id) == before
    (added,) = await world.db.read(store.amendments, package_id)
    assert (added.words, added.actor) == ("It was her aunt.", DRIVER.id)


async def test_the_same_picture_is_stored_once(world: World) -> None:
    first = await world.db.write(blobs.put, "image/png", b"the same")
    assert await world.db.write(blobs.put, "image/png", b"the same") == first
    kept = await world.db.read(blobs.get, first)
    assert kept is not None and kept.body == b"the same"
    assert await world.db.read(blobs.get, blobs.digest_of(b"never")) is None


async def test_no_clock_puts_an_act_before_its_driver_had_the_package(
    client: httpx.AsyncClient, world: World
) -> None:
    package_id = await out(client, world.db, world.scope, world.live)
    early = replace(at_door(), acted_at=1, device_at=1)
    await world.db.write(hand_over, world.scope, [package_id], early)
    (data,) = await world.db.read(told, package_id, COMPLETED)
    assert data["delivered_at"] == "2026-04-20T17:41:57Z"
    proof = await world.db.read(proofs.latest, package_id)
    assert proof is not None and proof.device_at == 1


async def test_what_was_handed_over_before_a_recall_is_delivered_and_not_what_came_after(
    client: httpx.AsyncClient, world: World
) -> None:
    for acted_at, code in ((ACTED_AT, ""), (clock.now_ms() + 60_000, "recalled")):
        package_id = await out(client, world.db, world.scope, world.live)
        await world.db.write(recall, world.scope, DRIVER, package_id, "other")
        act = replace(at_door(), acted_at=acted_at)
        outcome = (await world.db.write(hand_over, world.scope, [package_id], act))[package_id]
        assert (outcome.code if isinstance(outcome, Refusal) else "") == code


async def test_a_payment_without_its_proof_is_refused_with_its_package(
    client: httpx.AsyncClient, world: World
) -> None:
    package_id = await out(client, world.db, world.scope, world.live)
    paid = {package_id: [Payment("waived", 1250)]}
    outcomes = await world.db.write(hand_over, world.scope, [package_id], at_door(), paid=paid)
    assert refused(outcomes[package_id]) == "validation_failed"
    assert await world.db.read(store.payments, package_id) == []


async def test_photos_that_nothing_waits_for_take_no_room(
    client: httpx.AsyncClient, world: World
) -> None:
    package_id = await out(client, world.db, world.scope, world.live)
    act = at_door(photo=True)
    await world.db.write(door.fail, world.scope, DRIVER, [package_id], act, "no_answer", LINKS)
    for number in range(3):
        body = b"a picture %d of %s" % (number, package_id.encode())
        await world.db.write(
            door.attach, world.scope, DRIVER, act.id, "drv_luis", picture(body), LINKS
        )
    kept = [
        await world.db.read(
            blobs.get, blobs.digest_of(b"a picture %d of %s" % (number, package_id.encode()))
        )
        for number in range(3)
    ]
    assert [each is not None for each in kept] == [True, False, False]
