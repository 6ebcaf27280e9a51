"""The delivery loop against real receivers and a real file."""

import asyncio
import json
import time
from typing import Any

import pytest
import stripe

from scriptrun_box.kernel import clock, outbox
from scriptrun_box.kernel.db import Writer
from scriptrun_box.kernel.resolver import Resolver
from scriptrun_box.kernel.scope import BOX
from scriptrun_box.webhooks import actions, claims, store
from scriptrun_box.webhooks.places import FAILING_MOST, IN_FLIGHT, RESERVED
from tests.receivers import Hit, answer, hang, receiving

from .conftest import Sending, World

pytestmark = pytest.mark.anyio


async def settled(world: World, endpoint: object, state: str, seconds: float = 5.0) -> None:
    """Wait until the endpoint has deliveries and all are in that state."""
    async with asyncio.timeout(seconds):
        while {row["state"] for row in await world.rows(endpoint)} != {state}:
            await asyncio.sleep(0.01)


def times(*statuses: int, then: int = 200):
    """Manners: these statuses, one after the other."""
    left = list(statuses)

    async def manners(hit: Hit, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        status = left.pop(0) if left else then
        await answer(status)(hit, reader, writer)

    return manners


# What arrives -----------------------------------------------------------------------------------


async def test_an_event_arrives_in_its_exact_bytes_signed_and_is_in_the_log(
    world: World, sending: Sending
) -> None:
    async with receiving() as receiver, sending():
        endpoint = await world.endpoint(receiver.url)
        event = await world.happens(copay=12.5)
        (hit,) = await receiver.got(1)
        await settled(world, endpoint, "delivered")
    assert hit.body == event.body
    assert list(json.loads(hit.body)) == ["id", "event", "created_at", "data"]
    assert hit.header("Content-Type") == "application/json"
    assert ("X-ScriptRun-Event", "package.created") in hit.headers
    assert stripe.WebhookSignature.verify_header(
        hit.body.decode(), hit.header("X-ScriptRun-Signature"), endpoint.secret, tolerance=300
    )
    (row,) = await world.logs(endpoint)
    assert (row.outcome, row.status, row.attempt, row.trigger) == ("ok", 200, 1, "auto")
    assert (row.event_id, row.event, row.next_at) == (event.id, "package.created", None)
    assert (row.address, row.answer) == ("127.0.0.1", b"ok")
    assert (await world.again(endpoint)).last_ok_at is not None


async def test_nothing_leaves_of_a_write_that_was_not_committed(
    world: World, sending: Sending
) -> None:
    def fails(w: Writer) -> None:
        outbox.append(w, world.ours, "package.created", "x", {})
        raise RuntimeError("after the event, before the commit")

    async with receiving() as receiver, sending():
        await world.endpoint(receiver.url)
        with pytest.raises(RuntimeError):
            await world.db.write(fails)
        kept = await world.happens()
        (hit,) = await receiver.got(1)
        await asyncio.sleep(0.1)
    assert [hit.body for hit in receiver.hits] == [kept.body]
    assert hit.body == kept.body


async def test_each_endpoint_hears_what_it_subscribed_to_since_it_was_made(
    world: World, sending: Sending
) -> None:
    async with receiving() as all_of_it, receiving() as some, sending():
        await world.happens(note="before anybody listened")
        await world.endpoint(all_of_it.url)
        await world.endpoint(some.url, events=("delivery.failed", "route.completed"))
        for name in ("package.created", "delivery.failed", "driver.status_changed"):
            await world.happens(event=name)
        await all_of_it.got(3)
        await some.got(1)
        await asyncio.sleep(0.1)
    heard = sorted(hit.header("X-ScriptRun-Event") for hit in all_of_it.hits)
    assert heard == ["delivery.failed", "driver.status_changed", "package.created"]
    assert [hit.header("X-ScriptRun-Event") for hit in some.hits] == ["delivery.failed"]


async def test_the_sandbox_and_other_tenants_are_worlds_of_their_own(
    world: World, sending: Sending
) -> None:
    async with (
        receiving() as ours,
        receiving() as sandbox,
        receiving() as stranger,
        sending(),
    ):
        await world.endpoint(ours.url, world.ours)
        await world.endpoint(sandbox.url, world.sandbox)
        await world.endpoint(stranger.url, world.stranger)
        live = await world.happens(world.ours)
        test = await world.happens(world.sandbox)
        await ours.got(1)
        await sandbox.got(1)
        await asyncio.sleep(0.1)
    assert [hit.body for hit in ours.hits] == [live.body]
    assert [hit.body for hit in sandbox.hits] == [test.body]
    assert json.loads(sandbox.hits[0].body)["test"] is True
    assert stranger.connections == 0


async def test_many_events_all_arrive_once_and_never_more_than_four_at_a_time(
    world: World, sending: Sending, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "FAN_OUT_EVENTS", 50)  # three portions
    now = most = 0

    async def count(hit: Hit, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.002)
        now -= 1
        await answer()(hit, reader, writer)

    def many(w: Writer) -> list[str]:
        facts = [("x", {"n": n}) for n in range(120)]
        return outbox.append_many(w, world.ours, "package.created", facts)

    async with receiving(count) as receiver, sending():
        endpoint = await world.endpoint(receiver.url)
        event_ids = await world.db.write(many)
        await receiver.got(120, seconds=30)
        await settled(world, endpoint, "delivered")
    assert sorted(json.loads(hit.body)["id"] for hit in receiver.hits) == sorted(event_ids)
    assert most == actions.IN_FLIGHT_PER_ENDPOINT


# What fails -------------------------------------------------------------------------------------


async def test_a_failure_is_tried_again_with_the_same_id_and_bytes_and_each_try_has_a_row(
    world: World, sending: Sending
) -> None:
    async with receiving(times(500, 404)) as receiver, sending(delays=(1100, 40)):
        endpoint = await world.endpoint(receiver.url)
        await world.happens()
        first, second, third = await receiver.got(3)
        await settled(world, endpoint, "delivered")
    assert first.body == second.body == third.body
    stamps = [hit.header("webhook-timestamp") for hit in (first, second)]
    assert stamps[0] < stamps[1], "signed anew, or receivers refuse it after five minutes"
    rows = await world.logs(endpoint)
    assert [(row.attempt, row.outcome, row.status) for row in rows] == [
        (1, "failed", 500),
        (2, "failed", 404),
        (3, "ok", 200),
    ]
    assert rows[0].next_at is not None
    assert rows[1].started_at >= rows[0].next_at
    assert (await world.again(endpoint)).failures == 0


@pytest.mark.parametrize("status", [301, 302, 307])
async def test_a_redirect_fails_and_is_not_followed(
    world: World, sending: Sending, status: int
) -> None:
    async with receiving() as canary, receiving() as receiver, sending():
        receiver.manners = answer(status, Location=canary.url)
        endpoint = await world.endpoint(receiver.url)
        await world.happens()
        await settled_log(world, endpoint)
    (row,) = await world.logs(endpoint)
    assert (row.outcome, row.error_class, row.status) == ("failed", "redirect", status)
    assert canary.connections == 0


async def settled_log(world: World, endpoint: object, count: int = 1) -> None:
    async with asyncio.timeout(5):
        while True:
            rows = await world.logs(endpoint)
            if len(rows) >= count and all(row.outcome != "in_flight" for row in rows):
                return
            await asyncio.sleep(0.01)


async def test_a_dead_receiver_costs_only_its_own_lane(world: World, sending: Sending) -> None:
    async with receiving(hang) as dead, receiving() as healthy, sending(timeout=3):
        await world.endpoint(dead.url)
        await world.endpoint(healthy.url)
        began = time.monotonic()
        for _ in range(40):
            await world.happens()
        await healthy.got(40)
        took = time.monotonic() - began
        await dead.got(4)
        assert len(dead.hits) == 4, "four in flight, the others wait in their lane"
    assert took < 2.5, "less than one attempt at the dead one takes"


async def test_dead_names_do_not_hold_up_a_healthy_one(world: World, sending: Sending) -> None:
    def lookup(host: str) -> list[str]:
        if host.startswith("dead"):
            time.sleep(0.5)
            raise OSError("no answer")
        return ["127.0.0.1"]

    resolver = Resolver(lookup, patience=0.3)
    async with receiving() as healthy, sending(resolver=resolver, delays=(100,)):
        for number in range(8):
            await world.endpoint(f"http://dead{number}.example:{healthy.port}/")
        await world.happens()
        await asyncio.sleep(0.8)
        await world.endpoint(f"http://pms.example:{healthy.port}/hook")
        began = time.monotonic()
        await world.happens()
        await healthy.got(1)
        assert time.monotonic() - began < 1
    await asyncio.sleep(1.5)  # no look-up outlives its test


async def test_retry_after_counts_for_the_whole_endpoint_but_not_for_what_a_person_asks(
    world: World, sending: Sending
) -> None:
    async with receiving(answer(503, Retry_After="1")) as receiver, sending(delays=(10,)):
        endpoint = await world.endpoint(receiver.url)
        await world.happens()
        await settled_log(world, endpoint)
        await world.happens()
        await asyncio.sleep(0.3)
        assert len(receiver.hits) == 1, "the second event waits, too"
        await world.db.write(actions.test, world.ours, BOX, endpoint.id)
        await receiver.got(2)
        receiver.manners = answer()
        began = time.monotonic()
        await receiver.got(4)
        assert time.monotonic() - began < 2.5
    assert receiver.hits[1].header("X-ScriptRun-Event") == "webhook.test"


async def test_a_forbidden_address_is_blocked_at_each_attempt(
    world: World, sending: Sending
) -> None:
    async with receiving() as canary, sending(networks=("10.0.0.0/8",), delays=(20,)):
        endpoint = await world.endpoint(canary.url)
        await world.happens()
        await world.db.write(actions.test, world.ours, BOX, endpoint.id)
        await settled_log(world, endpoint, 3)
    rows = await world.logs(endpoint)
    assert {(row.outcome, row.error_class) for row in rows} <= {
        ("blocked", "blocked"),
        ("interrupted", None),
    }
    assert canary.connections == 0


async def test_a_delivery_is_given_up_at_its_deadline_and_not_before(
    world: World, sending: Sending
) -> None:
    async with receiving(answer(500)) as receiver, sending(delays=(100,), give_up_ms=1000):
        endpoint = await world.endpoint(receiver.url)
        await world.happens()
        await settled(world, endpoint, "exhausted")
    rows = await world.logs(endpoint)
    assert len(rows) >= 5
    assert rows[-1].next_at is None
    (row,) = await world.rows(endpoint)
    assert row["deadline_at"] - 300 <= rows[-1].started_at <= row["deadline_at"]
    assert len(receiver.hits) == len(rows)


async def test_a_deadline_that_passed_while_the_box_was_off_leaves_one_attempt(
    world: World, sending: Sending
) -> None:
    async with receiving(answer(500)) as receiver:
        endpoint = await world.endpoint(receiver.url)
        await world.happens()
        await world.db.write(claims.fan_out, 1)
        await asyncio.sleep(0.01)
        async with sending(delays=(10,), give_up_ms=1):
            await settled(world, endpoint, "exhausted")
    assert len(receiver.hits) == 1


async def test_a_row_that_cannot_be_sent_is_our_fault_and_stops_nobody(
    world: World, sending: Sending
) -> None:
    async with receiving() as receiver:
        endpoint = await world.endpoint(receiver.url)
        pruned = await world.happens()
        sound = await world.happens()
        await world.set("UPDATE events SET body = NULL WHERE seq = ?", pruned.seq)
        async with sending():
            await receiver.got(1)
            await settled_log(world, endpoint, 2)
    assert [hit.body for hit in receiver.hits] == [sound.body]
    outcomes = {row.event_id: row.outcome for row in await world.logs(endpoint)}
    assert outcomes == {pruned.id: "internal_error", sound.id: "ok"}


async def test_a_receiver_that_failed_for_long_is_probed_and_its_first_2xx_frees_the_backlog(
    world: World, sending: Sending, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "RELEASE_ROWS", 2)  # bit by bit
    async with receiving(hang) as receiver, sending(delays=(3_600_000,), timeout=0.6):
        endpoint = await world.endpoint(receiver.url)
        await world.set(
            "UPDATE webhook_endpoints SET failures = 5, failing_since = created_at - 130000"
        )
        for _ in range(6):
            await world.happens()
        await receiver.got(1)
        await asyncio.sleep(0.1)
        assert len(receiver.hits) == 1, "one at a time"
        await receiver.got(3)
        receiver.manners = answer()
        await settled(world, endpoint, "delivered")
    assert (await world.again(endpoint)).failing_since is None


async def test_three_days_without_success_pause_the_endpoint_and_hold_its_events(
    world: World, sending: Sending
) -> None:
    async with receiving(answer(500)) as receiver, sending():
        endpoint = await world.endpoint(receiver.url)
        await world.set(
            "UPDATE webhook_endpoints SET failures = 19, failing_since = created_at - ?",
            72 * 3_600_000,
        )
        await world.happens()
        await settled(world, endpoint, "held")
        await asyncio.sleep(0.05)
        await world.happens()
        async with asyncio.timeout(5):
            while len(await world.rows(endpoint)) < 2:
                await asyncio.sleep(0.01)
    assert (await world.again(endpoint)).state == "paused_failing"
    assert [row["state"] for row in await world.rows(endpoint)] == ["held", "held"]
    assert len(receiver.hits) == 1


# Stopping and clocks ----------------------------------------------------------------------------


async def test_a_stop_drains_no_longer_than_allowed_and_gives_the_rest_back_uncharged(
    world: World, sending: Sending
) -> None:
    async with receiving(hang) as receiver:
        endpoint = await world.endpoint(receiver.url)
        async with sending() as deliveries:
            await world.happens()
            await receiver.got(1)
            began = time.monotonic()
            await deliveries.stop(drain_seconds=0.2)
            assert 0.15 < time.monotonic() - began < 1.5
        (row,) = await world.rows(endpoint)
        assert (row["state"], row["lease"]) == ("pending", None)
        (log,) = await world.logs(endpoint)
        assert log.outcome == "interrupted"
        assert (await world.again(endpoint)).failures == 0
        receiver.manners = answer()
        async with sending():
            await settled(world, endpoint, "delivered")
    first, second = receiver.hits
    assert first.body == second.body


async def test_a_stop_lets_an_attempt_under_way_end(world: World, sending: Sending) -> None:
    async def slow(hit: Hit, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.2)
        await answer()(hit, reader, writer)

    async with receiving(slow) as receiver:
        endpoint = await world.endpoint(receiver.url)
        async with sending() as deliveries:
            await world.happens()
            await receiver.got(1)
            await deliveries.stop(drain_seconds=2)
    await settled(world, endpoint, "delivered")


async def test_after_a_jump_of_the_clock_no_row_waits_for_years_and_nothing_is_sent_twice(
    world: World, sending: Sending
) -> None:
    async with receiving(answer(500)) as receiver, sending(delays=(50,)) as deliveries:
        endpoint = await world.endpoint(receiver.url)
        await world.db.write(actions.pause, world.ours, BOX, endpoint.id)
        await world.happens()
        await settled(world, endpoint, "held")
        receiver.manners = hang
        year = 365 * 86_400_000
        await world.set(
            "UPDATE webhook_deliveries SET state = 'pending', next_at = next_at + ?", year
        )
        await world.set(
            "UPDATE webhook_endpoints SET state = 'active', retry_after_until = ?",
            int(time.time() * 1000) + year,
        )
        await deliveries.tick()
        await receiver.got(1)
        # Now the clock jumps ahead: the lease looks long over, but the attempt is under way here.
        await world.set("UPDATE webhook_deliveries SET lease_until = 1")
        await deliveries.tick()
        await asyncio.sleep(0.2)
        assert len(receiver.hits) == 1


async def test_a_clock_set_back_an_hour_delays_no_retry_and_hides_no_event(
    world: World, sending: Sending, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with receiving(answer(500)) as receiver, sending(delays=(1_000,)) as deliveries:
        endpoint = await world.endpoint(receiver.url)
        await world.happens()
        await settled_log(world, endpoint)
        now_ms = clock.now_ms
        monkeypatch.setattr(clock, "now_ms", lambda: now_ms() - 3_600_000)
        receiver.manners = answer()
        await deliveries.tick()
        later = await world.happens()
        await receiver.got(3)
        await settled(world, endpoint, "delivered")
    assert later.body in [hit.body for hit in receiver.hits]


async def test_a_clock_set_a_year_ahead_ends_nobodys_tries_not_even_of_an_attempt_under_way(
    world: World, sending: Sending, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_ms = clock.now_ms

    async def jump(hit: Hit, *streams: Any) -> None:
        monkeypatch.setattr(clock, "now_ms", lambda: now_ms() + 365 * 86_400_000)
        await answer(500)(hit, *streams)

    async with receiving(jump) as receiver, sending(delays=(200,)):
        endpoint = await world.endpoint(receiver.url)
        await world.happens()
        await receiver.got(1)
        receiver.manners = answer()
        await settled(world, endpoint, "delivered")


async def test_a_lease_nobody_holds_any_more_is_given_back_by_the_heartbeat(
    world: World, sending: Sending
) -> None:
    async with receiving() as receiver:
        endpoint = await world.endpoint(receiver.url)
        await world.happens()
        async with sending() as deliveries:
            await receiver.got(1)
            await settled(world, endpoint, "delivered")
            await world.set(
                "UPDATE webhook_deliveries SET state = 'sending', lease = 'x', lease_until = 1"
            )
            await deliveries.tick()
            await receiver.got(2)


async def test_however_many_receivers_hang_the_last_places_are_for_the_others(
    world: World, sending: Sending
) -> None:
    async with receiving(hang) as dead, receiving() as healthy, sending():
        for _ in range(10):
            await world.endpoint(dead.url)
        for _ in range(4):
            await world.happens()
        await dead.got(IN_FLIGHT - RESERVED)
        await asyncio.sleep(0.2)
        assert len(dead.hits) == IN_FLIGHT - RESERVED
        await world.endpoint(healthy.url)
        began = time.monotonic()
        for _ in range(6):
            await world.happens()
        await healthy.got(6)
        assert time.monotonic() - began < 1


async def test_receivers_that_are_known_to_fail_share_half_of_the_places(
    world: World, sending: Sending
) -> None:
    async with receiving(hang) as dead, sending():
        for _ in range(FAILING_MOST + 4):
            await world.endpoint(dead.url)
        await world.set("UPDATE webhook_endpoints SET failures = 1")
        await world.happens()
        await dead.got(FAILING_MOST)
        await asyncio.sleep(0.2)
        assert len(dead.hits) == FAILING_MOST


# What people do ---------------------------------------------------------------------------------


async def test_deleting_an_endpoint_stops_sending(world: World, sending: Sending) -> None:
    async with receiving(answer(500)) as receiver, sending(delays=(200,)):
        endpoint = await world.endpoint(receiver.url)
        await world.happens()
        await settled_log(world, endpoint)
        await world.db.write(actions.delete, world.ours, BOX, endpoint.id)
        await world.happens()
        await asyncio.sleep(0.5)
    assert len(receiver.hits) == 1
    assert [row["state"] for row in await world.rows(endpoint)] == ["cancelled"]
    assert await world.db.read(store.endpoints, world.ours) == []


async def test_pausing_holds_and_resuming_delivers_and_the_time_between_does_not_count(
    world: World, sending: Sending
) -> None:
    async with receiving(answer(500)) as receiver, sending(delays=(60_000,)):
        endpoint = await world.endpoint(receiver.url)
        await world.happens()
        await settled_log(world, endpoint)
        before = (await world.rows(endpoint))[0]["deadline_at"]
        await world.db.write(actions.pause, world.ours, BOX, endpoint.id)
        await world.happens()
        await asyncio.sleep(0.3)
        assert [row["state"] for row in await world.rows(endpoint)] == ["held", "held"]
        receiver.manners = answer()
        resumed = await world.db.write(actions.resume, world.ours, BOX, endpoint.id)
        await receiver.got(3)
        await settled(world, endpoint, "delivered")
    assert resumed.state == "active"
    assert (await world.rows(endpoint))[0]["deadline_at"] >= before + 300


async def test_a_manual_attempt_neither_replaces_nor_uses_up_the_schedule(
    world: World, sending: Sending
) -> None:
    async with receiving(answer(500)) as receiver, sending(delays=(600, 60_000)):
        endpoint = await world.endpoint(receiver.url)
        await world.happens()
        await settled_log(world, endpoint)
        (row,) = await world.rows(endpoint)
        await world.db.write(actions.resend, world.ours, BOX, row["id"])
        await receiver.got(2)
        await settled_log(world, endpoint, 2)
        (after,) = await world.rows(endpoint)
        assert (after["state"], after["next_at"]) == ("pending", row["next_at"])
        await receiver.got(3)
        await settled_log(world, endpoint, 3)
        rows = await world.logs(endpoint)
        assert [each.trigger for each in rows] == ["auto", "manual", "auto"]
        assert rows[2].next_at is not None
        assert rows[2].next_at - rows[2].started_at >= 60_000, "the second delay, not the third"


async def test_a_manual_attempt_that_fails_leaves_a_delivered_row_delivered(
    world: World, sending: Sending
) -> None:
    async with receiving() as receiver, sending(delays=(20,)):
        endpoint = await world.endpoint(receiver.url)
        await world.happens()
        await receiver.got(1)
        await settled(world, endpoint, "delivered")
        receiver.manners = answer(500)
        (row,) = await world.rows(endpoint)
        await world.db.write(actions.resend, world.ours, BOX, row["id"])
        await receiver.got(2)
        await settled(world, endpoint, "delivered")
        await asyncio.sleep(0.2)
    assert len(receiver.hits) == 2
    assert receiver.hits[0].body == receiver.hits[1].body


async def test_a_test_is_one_attempt_even_on_a_paused_endpoint(
    world: World, sending: Sending
) -> None:
    async with receiving(answer(500)) as receiver, sending(delays=(20,)):
        endpoint = await world.endpoint(receiver.url)
        await world.db.write(actions.pause, world.ours, BOX, endpoint.id)
        delivery_id = await world.db.write(actions.test, world.ours, BOX, endpoint.id)
        (hit,) = await receiver.got(1)
        await settled(world, endpoint, "exhausted")
        await asyncio.sleep(0.2)
    assert len(receiver.hits) == 1
    body = json.loads(hit.body)
    assert (body["event"], body["test"]) == ("webhook.test", True)
    assert stripe.WebhookSignature.verify_header(
        hit.body.decode(), hit.header("X-ScriptRun-Signature"), endpoint.secret, tolerance=300
    )
    (row,) = await world.logs(endpoint)
    assert (row.delivery_id, row.trigger, row.outcome) == (delivery_id, "test", "failed")
    assert (await world.again(endpoint)).failures == 0


async def test_a_replay_sends_what_was_delivered_and_what_was_never_attempted(
    world: World, sending: Sending
) -> None:
    async with receiving() as receiver, sending() as deliveries:
        missed = await world.happens(note="before the endpoint was made")
        await world.happens(event="route.completed")
        await world.happens(world.stranger)
        endpoint = await world.endpoint(receiver.url, events=("package.created",))
        heard = await world.happens()
        await receiver.got(1)
        await settled(world, endpoint, "delivered")
        heads = await world.db.read(outbox.window, world.ours, 0, 1 << 60, 0, 100)
        queued = await world.db.write(actions.replay, endpoint.id, heads, deliveries.give_up_ms)
        await receiver.got(3)
        await settled(world, endpoint, "delivered")
    assert queued == 2
    assert sorted(hit.body for hit in receiver.hits[1:]) == sorted([missed.body, heard.body])
    assert [row.trigger for row in await world.logs(endpoint)] == ["auto", "replay", "replay"]


async def test_during_a_rotation_old_and_new_secret_verify_and_afterwards_only_the_new_one(
    world: World, sending: Sending
) -> None:
    def accepts(hit: Hit, secret: str) -> bool:
        header = hit.header("X-ScriptRun-Signature")
        try:
            return stripe.WebhookSignature.verify_header(hit.body.decode(), header, secret, 300)
        except stripe.SignatureVerificationError:
            return False

    async with receiving() as receiver, sending():
        endpoint = await world.endpoint(receiver.url)
        rotated = await world.db.write(actions.rotate_secret, world.ours, BOX, endpoint.id)
        assert rotated.secret is not None
        await world.happens()
        (during,) = await receiver.got(1)
        await world.set("UPDATE webhook_endpoints SET rotation_ends_at = 1")
        await world.happens()
        after = (await receiver.got(2))[1]
    assert accepts(during, endpoint.secret)
    assert accepts(during, rotated.secret)
    assert not accepts(after, endpoint.secret)
    assert accepts(after, rotated.secret)
