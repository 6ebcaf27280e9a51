"""On a webhook's page: send again, a span of time, a new secret, one attempt, notices."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from scriptrun_box.kernel import notices
from scriptrun_box.webhooks import journal, store
from scriptrun_box.webhooks.model import Endpoint
from tests.receivers import Receiver, answer, receiving
from tests.shared_box import client_of, running
from tests.ui.visits import Visitor, field, shown
from tests.world import World, build_world, header, orders

pytestmark = pytest.mark.anyio
PAGE = "/settings/integrations"
LOOPBACK = {"allow_networks": ["127.0.0.0/8"], "allow_http": True, "retry_delays": [3600]}


class Desk:
    """An owner in front of a webhook that leads to a receiver."""

    def __init__(self, world: World, client: httpx.AsyncClient, hook: Endpoint) -> None:
        self.world, self.client, self.hook = world, client, hook
        self.owner = Visitor(client, world, "owner")
        self.path = f"{PAGE}/webhooks/{hook.id}"

    async def push(self, rx: str) -> None:
        got = await self.client.post(
            "/api/webhook/orders", json=orders({"rx_number": rx}), headers=header(self.world.live)
        )
        assert got.status_code == 200

    async def over(self, count: int) -> list[journal.LogRow]:
        """The attempts, once there are so many and all are over; newest first."""
        return await self.world.attempts_over(self.hook.id, count)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as made:
        yield made


@pytest.fixture
async def desk(tmp_path: Path, receiver: Receiver) -> AsyncIterator[Desk]:
    async with running(tmp_path / "data", webhooks=LOOPBACK) as app, client_of(app) as client:
        world = await build_world(app.state.box.db)
        owner = Visitor(client, world, "owner")
        fields = {"url": receiver.url, "events": "*"}
        assert (await owner.post(f"{PAGE}/webhooks", fields)).status_code == 200
        (hook,) = await world.db.read(store.endpoints, world.scope)
        yield Desk(world, client, hook)


async def test_the_page_says_why_and_an_attempt_shows_both_sides_and_is_sent_again(
    desk: Desk, receiver: Receiver
) -> None:
    receiver.manners = answer(503, b"closed <b>today</b>")
    await desk.push("RX-1")
    (row,) = await desk.over(1)
    page = (await desk.owner.get(desk.path)).text
    assert "it answers 503, a fault of its own. 1 event is waiting" in page
    shown_attempt = await desk.owner.get(f"{PAGE}/attempts/{row.id}")
    assert "RX-1" in shown_attempt.text
    assert "closed &lt;b&gt;today&lt;/b&gt;" in shown_attempt.text
    receiver.manners = answer()
    sent = await desk.owner.post(f"{PAGE}/deliveries/{row.delivery_id}/resend")
    assert sent.headers["location"] == f"{desk.path}?done=resent"
    newest, _ = await desk.over(2)
    assert (newest.trigger, newest.outcome) == ("manual", "ok")
    assert "Everything has arrived" in (await desk.owner.get(desk.path)).text


async def test_resending_on_a_paused_webhook_is_refused_in_words(desk: Desk) -> None:
    await desk.push("RX-1")
    (row,) = await desk.over(1)
    await desk.owner.post(f"{desk.path}/pause")
    refused = await desk.owner.post(f"{PAGE}/deliveries/{row.delivery_id}/resend")
    assert refused.status_code == 409
    assert "paused; resume it first" in refused.text
    assert "held until you resume it" in (await desk.owner.get(desk.path)).text


async def test_a_span_of_time_is_sent_again(desk: Desk, receiver: Receiver) -> None:
    for rx in ("RX-1", "RX-2"):
        await desk.push(rx)
    await desk.over(2)
    done = await desk.owner.post(f"{desk.path}/replay", {"since": "2020-01-01T00:00"})
    assert done.headers["location"] == f"{desk.path}?replayed=2"
    assert "2 events on the way again" in (await desk.owner.get(done.headers["location"])).text
    rows = await desk.over(4)
    assert [row.trigger for row in rows[:2]] == ["replay", "replay"]
    wrong = await desk.owner.post(f"{desk.path}/replay", {"since": "yesterday"})
    assert (wrong.status_code, "Say from when on" in wrong.text) == (400, True)
    assert field(wrong.text, "since", f"{desk.path}/replay") == "yesterday", "what was typed stays"


async def test_a_new_secret_is_shown_once_and_the_overlap_is_ended(desk: Desk) -> None:
    form = field((await desk.owner.get(desk.path)).text, "form_id", f"{desk.path}/rotate")
    made = await desk.owner.post(f"{desk.path}/rotate", {"form_id": form})
    secret = shown(made.text, "hook-secret")
    hook = await desk.world.db.read(store.endpoint, desk.hook.id)
    assert hook is not None and hook.next_secret == secret
    again = await desk.owner.post(f"{desk.path}/rotate", {"form_id": form})
    assert again.headers["location"] == f"{desk.path}?done=rotated-once"
    page = (await desk.owner.get(desk.path)).text
    assert secret not in page and "both sign until" in page
    await desk.owner.post(f"{desk.path}/finish-rotation")
    hook = await desk.world.db.read(store.endpoint, desk.hook.id)
    assert hook is not None and (hook.secret, hook.next_secret) == (secret, None)


async def test_attempts_are_filtered_by_event_and_time_on_the_page_and_in_the_export(
    desk: Desk,
) -> None:
    await desk.push("RX-1")
    await desk.owner.post(f"{desk.path}/test")
    await desk.over(2)
    for query, count in (
        ("event=webhook.test", 1), ("event=package.created&outcome=ok", 1), ("outcome=failed", 0),
        ("until=2020-01-01T00:00", 0), ("since=2020-01-01T00:00", 2), ("since=rubbish", 2),
    ):  # fmt: skip
        live = await desk.owner.get(f"/live/webhooks/{desk.hook.id}?{query}")
        assert live.text.count("<tr data-key=") == count, query
        export = await desk.owner.get(f"{desk.path}/log.csv?{query}")
        assert len(export.text.splitlines()) == 1 + count, query


async def test_events_in_order_are_chosen_on_the_page(desk: Desk) -> None:
    fields = {"url": desk.hook.url, "events": "*", "ordered": "1"}
    await desk.owner.post(desk.path, fields)
    hook = await desk.world.db.read(store.endpoint, desk.hook.id)
    assert hook is not None and hook.ordered
    assert "in order" in (await desk.owner.get(desk.path)).text


async def test_a_notice_stands_on_every_page_where_somebody_may_see_it(desk: Desk) -> None:
    await desk.push("RX-1")
    hook = desk.hook
    await desk.world.db.write(
        notices.raise_notice, hook.scope, hook.id, "webhook_failing", "pms is down."
    )
    for path in ("/", "/live/desk", PAGE, desk.path):
        assert "pms is down." in (await desk.owner.get(path)).text, path
    stranger = Visitor(desk.client, desk.world, "other_owner")
    assert "pms is down." not in (await stranger.get(PAGE)).text
