"""The delivery loop: one lane per endpoint with work, woken by commits, due times and a heartbeat.

    commit ─┐
    due time ┼─> dispatcher: fan out, mend, open lanes ─> lane: claim ─> attempts ─> finish
    1 s tick ┘                                              (4 in flight each, 32 in all)

Everything that must survive a crash is a row; what is here can be thrown away at any moment.
"""

import asyncio
import ssl
from collections.abc import Callable

from scriptrun_box.kernel import clock, outbox, outgoing, pinning, restoring
from scriptrun_box.kernel.addresses import AddressRefused, Allowed, find
from scriptrun_box.kernel.config import WebhooksSettings
from scriptrun_box.kernel.db import Database, Signal
from scriptrun_box.kernel.log import log
from scriptrun_box.kernel.outgoing import Outgoing, Result
from scriptrun_box.kernel.pinning import Seen
from scriptrun_box.kernel.resolver import NameNotFound, Resolver

from . import actions, claims, networks, restored, signing, store
from .model import Due, Parcel, invalid
from .places import Places, Rush
from .schedule import Schedule

DRAIN_SECONDS = 5.0  # for attempts under way when the box stops
START_SPREAD_MS = 5_000  # what a crash interrupted is sent again within this
LONGEST_SLEEP_SECONDS = 60.0
CLOCK_STEP_MS = 2_000  # wall against monotonic time: a larger difference was no drift
RETRY_WRITE_SECONDS = 1.0  # until a result that could not be written is tried again
WRITE_TRIES = 30
_DETAIL_CODES = {"url_too_long": "too_long", "bad_url": "bad_format", "bad_host": "bad_format"}


class _Lane:
    """What is under way to one endpoint."""

    def __init__(self) -> None:
        self.news = asyncio.Event()  # something may be claimable: a row, or a free place
        self.attempts: set[asyncio.Task[None]] = set()
        self.worked = False  # it has made an attempt
        self.failing = False  # as far as its last attempt tells
        self.task: asyncio.Task[None] | None = None


class Deliveries:
    """Sends what the outbox holds to whoever wants to hear it. `start`, `tick` each second, `stop`.

    `allowed` is asked at every attempt, so that what the owner changes counts at once.
    """

    def __init__(
        self,
        db: Database,
        settings: WebhooksSettings,
        allowed: Callable[[], Allowed],
        resolver: Resolver | None = None,
        schedule: Schedule | None = None,
    ) -> None:
        self._db = db
        self._seconds = settings.timeout
        self._schedule = schedule or Schedule.of(settings)
        self._allowed = allowed
        self._resolver = resolver or Resolver()
        self._wake = asyncio.Event()
        self._ticked = True
        self._clock_apart = _wall_minus_monotonic_ms()
        self._anyone = True  # there are endpoints, as far as we know
        self._stopping = False
        self._places = Places()
        self._rush = Rush()
        self._lanes: dict[str, _Lane] = {}
        self._sending: set[str] = set()  # deliveries whose attempt is under way here
        self._dispatcher: asyncio.Task[None] | None = None
        db.listen(self._heard)

    # What others call ---------------------------------------------------------------------------

    async def start(self) -> None:
        """Take back what a crash left under way, hold what a copy had to send, begin to send."""
        left = await self._db.write(claims.give_back, START_SPREAD_MS)
        if left:
            log.info("webhook attempts were interrupted", count=left)
        if await self._db.read(restoring.must_hold):
            log.warning("this file was restored: its old events are held until somebody decides")
            while await self._db.write(restored.hold_old, self.give_up_ms):
                pass
        self._dispatcher = asyncio.create_task(self._dispatch())

    async def tick(self) -> None:
        """The heartbeat: look for whatever was missed. Waits for no delivery."""
        self._ticked = True
        self._wake.set()

    async def stop(self, drain_seconds: float = DRAIN_SECONDS) -> None:
        """Claim no more, let attempts under way end, give the leases of the rest back."""
        self._stopping = True
        if self._dispatcher is not None:
            self._dispatcher.cancel()
            await asyncio.wait([self._dispatcher])
        lanes = [lane.task for lane in self._lanes.values() if lane.task]
        attempts = [task for lane in self._lanes.values() for task in lane.attempts]
        for task in lanes:
            task.cancel()
        if attempts:
            _, late = await asyncio.wait(attempts, timeout=drain_seconds)
            for task in late:
                task.cancel()
        await asyncio.gather(*lanes, *attempts, return_exceptions=True)
        await self._db.write(claims.give_back)

    async def check(self, url: str, tenant_id: str) -> str:
        """The URL, if events may be sent there as things stand; raises Invalid."""
        allowed = self._allowed().plus(await self._db.read(networks.allowed, tenant_id))
        try:
            await find(url, allowed, self._resolver)
        except AddressRefused as refused:
            code = _DETAIL_CODES.get(refused.code, "not_allowed")
            raise invalid("url", code, refused.sentence) from None
        except NameNotFound:
            raise invalid("url", "not_allowed", "The URL's host name does not resolve.") from None
        return url

    async def look(self, url: str) -> Seen:
        """What certificate a URL shows, and where it leads; see `pinning.look`."""
        return await pinning.look(url, self._allowed(), self._resolver)

    @property
    def give_up_ms(self) -> int:
        """How long after an event its delivery is given up."""
        return self._schedule.give_up_ms

    # The dispatcher -----------------------------------------------------------------------------

    def _heard(self, signals: list[Signal]) -> None:
        for signal in signals:
            if signal.topic == actions.TOPIC:
                self._anyone = True
                self._wake.set()
            elif signal.topic == outbox.TOPIC and self._anyone:
                self._wake.set()

    async def _dispatch(self) -> None:
        # Not to_thread: it takes our context along, in which anyio sees a loop running already.
        await asyncio.get_running_loop().run_in_executor(None, outgoing.warm_up)
        while True:
            self._wake.clear()
            try:
                seconds = await self._round()
            except Exception as error:
                log.failure("webhook dispatcher stumbled", error)
                seconds = RETRY_WRITE_SECONDS
            try:
                async with asyncio.timeout(seconds):
                    await self._wake.wait()
            except TimeoutError:
                pass  # something is due

    async def _round(self) -> float:
        """Open a lane for everything due; the seconds until something else is."""
        ticked, self._ticked = self._ticked, False
        if ticked:
            await self._mend()
        if self._anyone or ticked:
            began = clock.monotonic()
            self._anyone, events = await self._db.write(claims.fan_out, self.give_up_ms)
            self._rush.note(events)
            await self._rush.rest(clock.monotonic() - began)
            if events == claims.FAN_OUT_EVENTS:
                self._wake.set()
        now = clock.now_ms()
        next_at = None
        for due in await self._db.read(store.waiting):
            if due.at <= now:
                self._open_lane(due)
            elif next_at is None or due.at < next_at:
                next_at = due.at
        return LONGEST_SLEEP_SECONDS if next_at is None else (next_at - now) / 1000

    async def _mend(self) -> None:
        await self._follow_clock()
        sending = frozenset(self._sending)
        furthest = self._schedule.furthest_ms
        if await self._db.read(claims.needs_mending, clock.now_ms(), furthest, sending):
            await self._db.write(claims.mend, furthest, sending)

    async def _follow_clock(self) -> None:
        before, self._clock_apart = self._clock_apart, _wall_minus_monotonic_ms()
        step = self._clock_apart - before
        if abs(step) > CLOCK_STEP_MS:
            await self._db.write(store.shift, step)

    def _open_lane(self, due: Due) -> None:
        lane = self._lanes.get(due.endpoint_id)
        if lane is None:
            lane = self._lanes[due.endpoint_id] = _Lane()
            lane.failing = due.failing
            lane.task = asyncio.create_task(self._run_lane(due.endpoint_id, lane))
        lane.news.set()

    # A lane -------------------------------------------------------------------------------------

    async def _run_lane(self, endpoint_id: str, lane: _Lane) -> None:
        try:
            while lane.attempts or lane.news.is_set():
                await lane.news.wait()
                lane.news.clear()
                while await self._claim_some(endpoint_id, lane):
                    pass
        except Exception as error:
            log.failure("webhook lane stumbled", error, endpoint=endpoint_id)
        finally:
            if lane.attempts and not self._stopping:
                await asyncio.wait(lane.attempts)
            del self._lanes[endpoint_id]
            if lane.worked:
                self._wake.set()  # the next due time lies elsewhere now

    async def _claim_some(self, endpoint_id: str, lane: _Lane) -> bool:
        """Begin as many attempts as there are due rows and free places; whether there were any."""
        under_way, failing = len(lane.attempts), lane.failing
        await self._rush.turn()
        wanted = 1 if self._rush.on else actions.IN_FLIGHT_PER_ENDPOINT - under_way
        places = await self._places.take(wanted, under_way, failing)
        parcels: list[Parcel] = []
        try:
            if places:
                parcels = await self._db.write(
                    claims.claim,
                    endpoint_id,
                    len(lane.attempts),
                    places,
                    round(self._seconds * 1000),
                )
        finally:
            self._places.release(places - len(parcels), failing)
        for parcel in parcels:
            self._begin(lane, parcel, failing)
        return bool(parcels)

    def _begin(self, lane: _Lane, parcel: Parcel, failing: bool) -> None:
        """One attempt, on a place that was taken for a lane that fails or does not."""
        lane.worked = True
        self._sending.add(parcel.delivery_id)
        task = asyncio.create_task(self._attempt(lane, parcel))
        lane.attempts.add(task)

        def ended(task: asyncio.Task[None]) -> None:
            lane.attempts.discard(task)
            self._sending.discard(parcel.delivery_id)
            self._places.release(1, failing)
            lane.news.set()

        task.add_done_callback(ended)

    # An attempt ---------------------------------------------------------------------------------

    async def _attempt(self, lane: _Lane, parcel: Parcel) -> None:
        result = await self._send(parcel)
        lane.failing = result.outcome != "ok"
        for _ in range(WRITE_TRIES):
            try:
                await self._follow_clock()  # first: a clock set ahead must not end its tries
                next_at = await self._db.write(claims.finish, parcel, result, self._schedule)
            except Exception as error:  # a full disk, say
                log.failure("webhook attempt could not be written down", error)
                await asyncio.sleep(RETRY_WRITE_SECONDS)
            else:
                if next_at is not None:
                    self._wake.set()
                return
        # Its lease runs out, and it is sent again: at least once, not at most once.

    async def _send(self, parcel: Parcel) -> Result:
        try:
            headers = signing.headers(
                event=parcel.event,
                event_id=parcel.event_id,
                body=parcel.body,
                timestamp=clock.now_ms() // 1000,
                attempt=parcel.attempt,
                secret=parcel.secret,
                next_secret=parcel.next_secret,
            )
            request = Outgoing(parcel.url, headers, parcel.body, self._seconds)
            allowed = self._allowed().plus(parcel.networks)
            return await outgoing.post(request, allowed, self._resolver, _tls_of(parcel))
        except Exception as error:  # our own fault: the row must not stop the lane
            log.failure("webhook attempt failed for a reason of ours", error)
            return Result("internal_error")


def _wall_minus_monotonic_ms() -> int:
    return clock.now_ms() - round(clock.monotonic() * 1000)


def _tls_of(parcel: Parcel) -> ssl.SSLContext:
    if parcel.ca_pem is None:
        return outgoing.public_tls()
    return outgoing.pinned_tls(parcel.ca_pem, parcel.check_name)
