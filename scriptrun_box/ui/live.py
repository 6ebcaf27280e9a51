"""The live screens' wire: one stream of server-sent events for each open page.

A stream says only that something changed ("packages", with a few ids); the page then fetches what
it shows. Changes that come faster than ten a second are told together, so a burst of orders costs a
browser ten small fetches a second and the box next to nothing.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from starlette.responses import Response, StreamingResponse

from scriptrun_box.accounts import gates
from scriptrun_box.accounts.actions import SESSIONS_ENDED, digest_of
from scriptrun_box.accounts.gates import PersonGate
from scriptrun_box.accounts.model import Person
from scriptrun_box.accounts.signin import SignIns, person_of
from scriptrun_box.delivery.cold.bags import CHANGED as COLD
from scriptrun_box.delivery.controlled.words import CHANGED as CONTROLLED
from scriptrun_box.delivery.packet.actions import CHANGED as PACKETS
from scriptrun_box.drivers.actions import CHANGED as DRIVERS
from scriptrun_box.geocoding.actions import CHANGED as ADDRESSES
from scriptrun_box.kernel import clock
from scriptrun_box.kernel.db import Database, Signal
from scriptrun_box.kernel.errors import RateLimited, Unavailable
from scriptrun_box.kernel.http import Call
from scriptrun_box.kernel.scope import Scope
from scriptrun_box.packages.actions import CHANGED
from scriptrun_box.paper.actions import CHANGED as PRINT_JOBS
from scriptrun_box.patients.actions import CHANGED as PATIENTS
from scriptrun_box.routes.plans import CHANGED as PLANS
from scriptrun_box.routes.stops import CHANGED as ROUTES
from scriptrun_box.webhooks.actions import TOPIC as WEBHOOKS
from scriptrun_box.webhooks.claims import ATTEMPTED

TOPICS = (
    CHANGED,
    COLD,
    CONTROLLED,
    PATIENTS,
    DRIVERS,
    ADDRESSES,
    PRINT_JOBS,
    PACKETS,
    ROUTES,
    PLANS,
    WEBHOOKS,
    ATTEMPTED,
)
NAMED_MAX = 20  # ids told one by one; more are told as "many"
GAP_SECONDS = 0.1  # between two messages of a stream
HEARTBEAT_SECONDS = 15.0
STREAMS_PER_SESSION = 12
RETRY = b"retry: 1000\n\n"
HELLO = b"event: hello\ndata: {}\n\n"
BEAT = b": still here\n\n"
END = b"event: end\ndata: {}\n\n"


@dataclass(frozen=True, slots=True)
class Watching(PersonGate):
    """As PersonGate, for what a page fetches by itself: it does not keep an idle session alive."""

    async def __call__(self, call: Call) -> None:
        seen: dict[bytes, int] = call.app.state.sign_ins.seen
        digest = digest_of(call.cookies.get(gates.cookie_name(call), ""))
        before = seen.get(digest)
        await PersonGate.__call__(self, call)
        if before is None:
            seen.pop(digest, None)
        else:
            seen[digest] = before


WATCHING = Watching(("owner", "dispatcher", "pharmacist"))


@dataclass(slots=True, eq=False)
class Stream:
    """One open page: whose data it shows, and what it has not been told yet."""

    scope: Scope
    user_id: str
    session: bytes
    token: str
    untold: dict[str, set[str] | None] = field(default_factory=dict)  # None: too many to name
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    ended: bool = False

    def note(self, topic: str, ids: Sequence[str]) -> None:
        """Something changed; told with the next message."""
        known = self.untold.setdefault(topic, set())
        if known is not None:
            known.update(ids[: NAMED_MAX + 1])
            if len(known) > NAMED_MAX:
                self.untold[topic] = None
        self.woken.set()

    def end(self) -> None:
        """The page is told to go, and the stream closes."""
        self.ended = True
        self.woken.set()

    def message(self) -> bytes:
        """What changed since the last message; `ids` is null where there are too many to name."""
        lines = []
        for topic, ids in self.untold.items():
            shown = None if ids is None else sorted(ids)
            data = json.dumps({"topic": topic, "ids": shown})
            lines.append(f"event: changed\ndata: {data}\n\n")
        self.untold = {}
        self.woken.clear()
        return "".join(lines).encode()


class Hub:
    """Every open stream; `on_signals` is given to `Database.listen`."""

    def __init__(self, db: Database, sign_ins: SignIns) -> None:
        self.closed = False
        self._db = db
        self._sign_ins = sign_ins
        self._streams: set[Stream] = set()

    def on_signals(self, signals: Sequence[Signal]) -> None:
        """Pass on what a commit changed; look at once whether an ended session has a stream."""
        if not self._streams:
            return
        for signal in signals:
            if signal.topic in TOPICS:
                for stream in self._streams:
                    whose = stream.scope
                    if whose.tenant_id == signal.tenant_id and whose.test == signal.test:
                        stream.note(signal.topic, signal.ids)
            elif signal.topic == SESSIONS_ENDED:
                for stream in self._streams:
                    if stream.user_id in signal.ids:
                        self.check(stream)

    def check(self, stream: Stream) -> None:
        """End a stream whose session has ended, or turned to the sandbox or back."""
        person = self._db.peek(person_of, stream.token, self._sign_ins, clock.now_ms())
        if person is None or person.scope != stream.scope:
            stream.end()

    async def tick(self) -> None:
        """The heartbeat: a session may have run out, or been ended by another process, unsaid."""
        for stream in list(self._streams):
            self.check(stream)

    def close(self) -> None:
        """End every stream: the server is stopping."""
        self.closed = True
        for stream in self._streams:
            stream.end()

    def open(self, person: Person, token: str) -> Stream:
        """A new stream; raises when the session has too many or the server is stopping."""
        if self.closed:
            raise Unavailable("The box is stopping.", code="stopping")
        same = sum(stream.session == person.session for stream in self._streams)
        if same >= STREAMS_PER_SESSION:
            raise RateLimited(
                "Too many live pages are open; close some.", headers={"Retry-After": "15"}
            )
        return Stream(person.scope, person.user.id, person.session, token)

    async def messages(self, stream: Stream) -> AsyncIterator[bytes]:
        """The bytes of a stream until its session or the server ends, or the page goes away."""
        self._streams.add(stream)
        try:
            yield RETRY + HELLO
            beat = clock.monotonic() + HEARTBEAT_SECONDS
            while not stream.ended:
                await _woken(stream, beat - clock.monotonic())
                if clock.monotonic() >= beat:
                    beat = clock.monotonic() + HEARTBEAT_SECONDS
                    yield BEAT
                elif not stream.ended:
                    yield stream.message()
                    await asyncio.sleep(GAP_SECONDS)
            if not self.closed:
                yield END
        finally:
            self._streams.discard(stream)


async def _woken(stream: Stream, seconds: float) -> None:
    """Wait until there is something to tell, at most that long."""
    try:
        async with asyncio.timeout(max(0.0, seconds)):
            await stream.woken.wait()
    except TimeoutError:
        pass


async def stream(call: Call) -> Response:
    """GET /live: server-sent events for the page that asks."""
    hub: Hub = call.app.state.live
    token = call.cookies.get(gates.cookie_name(call), "")
    opened = hub.open(gates.person_of_call(call), token)
    return StreamingResponse(hub.messages(opened), media_type="text/event-stream")
