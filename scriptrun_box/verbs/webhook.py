"""Webhooks at a terminal: test, resend and replay what the running server sends; listen here."""

from typing import Any

import click

from scriptrun_box.kernel import outbox
from scriptrun_box.kernel.clock import SECOND_MS
from scriptrun_box.kernel.db import Reader
from scriptrun_box.kernel.errors import Invalid
from scriptrun_box.kernel.scope import CLI, Scope
from scriptrun_box.webhooks import actions, signing, store
from scriptrun_box.webhooks.model import moment

from . import listening
from .common import WRONG_USAGE, Failure, Shelf, as_json, of_tenant, show_json, verb

REPLAY_PORTION = 500  # events queued in one transaction
FAR_FUTURE_MS = 10**15


@click.group()
def webhook() -> None:
    """Webhooks: listen, test, resend, replay."""


@webhook.command()
@click.option("--port", type=click.IntRange(0, 65535), default=9787, show_default=True)
@click.option("--secret", help="the endpoint's signing secret (whsec_…), to verify with")
@click.option("--forward", metavar="URL", help="send on what verifies, signed anew, such as to"
              " http://127.0.0.1:3000/hook")  # fmt: skip
def listen(port: int, secret: str | None, forward: str | None) -> None:
    """Receive events on 127.0.0.1, verify their signature, print them, and send them on."""
    if forward is not None and secret is None:
        raise Failure("--forward signs anew and needs --secret for that.", WRONG_USAGE)
    if forward is not None and secret is not None and not signing.is_secret(secret):
        raise Failure("The secret is whsec_ and base64, as the box showed it.", WRONG_USAGE)
    if forward is not None and not forward.startswith(("http://", "https://")):
        raise Failure("--forward takes a URL such as http://127.0.0.1:3000/hook.", WRONG_USAGE)
    listening.listen(port, secret, forward)


@webhook.command()
@click.argument("endpoint_id", metavar="ENDPOINT")
@of_tenant
@as_json
@verb
def test(box: Shelf, endpoint_id: str, tenant_id: str | None, as_json: bool) -> None:
    """Send a test event to a webhook (whk_…), also to a paused one."""
    side = _side(box, tenant_id, endpoint_id)
    delivery_id = box.write(actions.test, side, CLI, endpoint_id)
    _tell(as_json, {"delivery_id": delivery_id}, f"Queued as {delivery_id}.")


@webhook.command()
@click.argument("delivery_id", metavar="DELIVERY")
@of_tenant
@as_json
@verb
def resend(box: Shelf, delivery_id: str, tenant_id: str | None, as_json: bool) -> None:
    """Send one delivery (dlv_…) again, beside its schedule."""
    row = box.read(store.delivery, delivery_id)
    side = _side(box, tenant_id, row["endpoint_id"] if row else "")
    box.write(actions.resend, side, CLI, delivery_id)
    _tell(as_json, {"delivery_id": delivery_id}, "Queued.")


@webhook.command()
@click.argument("endpoint_id", metavar="ENDPOINT")
@click.option("--since", required=True, help="a time such as 2026-04-19T18:42:10Z")
@click.option("--until", help="a time; without it, up to now")
@of_tenant
@as_json
@verb
def replay(
    box: Shelf,
    endpoint_id: str,
    since: str,
    until: str | None,
    tenant_id: str | None,
    as_json: bool,
) -> None:
    """Send the events of a span of time to a webhook again, also those never sent to it."""
    try:
        start = moment("since", since)
        end = FAR_FUTURE_MS if until is None else moment("until", until)
    except Invalid as refusal:
        raise Failure(refusal.details[0]["message"], WRONG_USAGE) from None
    side = _side(box, tenant_id, endpoint_id)
    box.write(actions.begin_replay, side, CLI, endpoint_id)
    give_up_ms = box.settings.webhooks.give_up_after * SECOND_MS
    queued, place = 0, box.read(outbox.pruned_through, side)
    while heads := box.read(outbox.window, side, start, end, place, REPLAY_PORTION):
        queued += box.write(actions.replay, endpoint_id, heads, give_up_ms)
        place = heads[-1].feed_seq
    _tell(as_json, {"queued": queued}, f"Queued: {queued:,}.")


def _side(box: Shelf, tenant_id: str | None, endpoint_id: str) -> Scope:
    """The live side or the sandbox of the tenant, whichever has this webhook."""
    tenant = box.tenant(tenant_id)
    found: Scope | None = box.read(_scope_of, endpoint_id)
    if found is None or found.tenant_id != tenant.id:
        raise Failure("There is nothing of that id.")
    return found


def _scope_of(r: Reader, endpoint_id: str) -> Scope | None:
    found = store.endpoint(r, endpoint_id)
    return found.scope if found else None


def _tell(as_json: bool, answer: dict[str, Any], words: str) -> None:
    if as_json:
        show_json(answer)
    else:
        click.echo(f"{words} A running box sends it within a second, a stopped one when it starts.")
