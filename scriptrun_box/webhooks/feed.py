"""The pull feed: the same events, in their order and without a gap, for who cannot be called.

A caller that finds nothing new may wait: it holds no reader, is woken by the commit of an event of
its own feed, and is sent home when the box stops.
"""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from starlette.responses import Response

from scriptrun_box.accounts import store as accounts
from scriptrun_box.accounts.gates import key_of
from scriptrun_box.kernel import clock, outbox
from scriptrun_box.kernel.db import Reader, Signal
from scriptrun_box.kernel.errors import Forbidden, Gone, Unauthorized
from scriptrun_box.kernel.http import Call
from scriptrun_box.kernel.outbox import Event
from scriptrun_box.kernel.scope import Scope
from scriptrun_box.packages.api import bad, limit_of, look

MAX_WAIT_SECONDS = 30
RECHECK_SECONDS = 2.0  # another process on the box may have written without a signal here
MAX_PLACE = 10**15


class Bells:
    """Who waits for which feed: `heard` is given to `Database.listen`."""

    def __init__(self) -> None:
        self.closed = False
        self._waiting: dict[tuple[str, bool], set[asyncio.Event]] = {}

    def heard(self, signals: Sequence[Signal]) -> None:
        """Wake whoever waits for the feeds a commit added to."""
        for signal in signals:
            if signal.topic == outbox.TOPIC:
                for bell in self._waiting.get((signal.tenant_id, signal.test), ()):
                    bell.set()

    def close(self) -> None:
        """Wake everybody for the last time: the box is stopping."""
        self.closed = True
        for bells in self._waiting.values():
            for bell in bells:
                bell.set()

    @contextmanager
    def listening(self, scope: Scope) -> Iterator[asyncio.Event]:
        """A bell that rings at every new event of the feed, for the length of a `with` block."""
        bell, whose = asyncio.Event(), (scope.tenant_id, scope.test)
        self._waiting.setdefault(whose, set()).add(bell)
        try:
            yield bell
        finally:
            self._waiting[whose].discard(bell)
            if not self._waiting[whose]:
                del self._waiting[whose]


async def read_feed(call: Call) -> Response:
    """GET /api/events: what happened behind `after`; with `wait`, not before something has."""
    scope, limit = call.whose, limit_of(call)
    if scope.location_id is not None:
        raise Forbidden(
            "This key is bound to one location; the feed tells of all of them.",
            code="scope_missing",
        )
    after = _number(call, "after", MAX_PLACE)
    until = clock.monotonic() + _number(call, "wait", MAX_WAIT_SECONDS)
    bells: Bells = call.app.state.bells
    with bells.listening(scope) as bell:  # before the first look, so that nothing falls between
        events = await call.box.db.read(_behind, scope, after, limit)
        while not events and not bells.closed and (left := until - clock.monotonic()) > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(min(left, RECHECK_SECONDS)):
                    await bell.wait()
            bell.clear()
            _check_key(call)
            if call.box.db.peek(outbox.newest, scope) > after:
                events = await call.box.db.read(_behind, scope, after, limit)
    if events:
        look(call, "events.read", None, count=len(events))
    return _answer(events, after)


def _behind(r: Reader, scope: Scope, after: int, limit: int) -> list[Event]:
    """A page of the feed; raises Gone and Invalid where no page can begin there."""
    events = outbox.feed(r, scope, after, limit)
    newest = outbox.newest(r, scope)
    if after > newest:  # a copy was restored: whoever went on from here would miss what comes
        raise bad("after", f"The feed ends at {newest}; has a copy of this box been restored?")
    kept_after = outbox.pruned_through(r, scope)
    if after < kept_after:
        raise Gone(
            f"Events up to {kept_after} are no longer kept; go on with after={kept_after}.",
            details=[{"field": "after", "code": "too_small", "message": f"At least {kept_after}."}],
        )
    return events


def _answer(events: list[Event], after: int) -> Response:
    """The bodies in the bytes every webhook gets, each with its place put in front."""
    data = b",".join(b'{"seq":%d,' % each.feed_seq + (each.body or b"")[1:] for each in events)
    following = events[-1].feed_seq if events else after
    body = b'{"data":[%s],"next_after":%d}' % (data, following)
    return Response(body, media_type="application/json")


def _number(call: Call, name: str, most: int) -> int:
    text = call.query_params.get(name, "0")
    if not (
        text.isascii() and text.isdigit() and len(text) <= len(str(most)) and int(text) <= most
    ):
        raise bad(name, f"{name} is a whole number from 0 to {most}.")
    return int(text)


def _check_key(call: Call) -> None:
    """A key that was revoked while its call waited gets nothing any more."""
    if call.box.db.peek(accounts.known_key, key_of(call).digest, 0) is None:
        raise Unauthorized()
