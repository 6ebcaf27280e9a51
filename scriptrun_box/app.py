"""The composition root: what the running box is made of, who listens to what, which jobs beat."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import Lifespan, Receive, Scope, Send

from scriptrun_box.accounts import store as accounts
from scriptrun_box.accounts.actions import KEYS_CHANGED
from scriptrun_box.accounts.signin import SignIns
from scriptrun_box.delivery.cold import quarantine
from scriptrun_box.delivery.controlled import incidents
from scriptrun_box.delivery.packet.making import Packets
from scriptrun_box.delivery.phone import store as phones
from scriptrun_box.delivery.phone.silence import Silences
from scriptrun_box.delivery.pictures import Pictures
from scriptrun_box.geocoding import store as places
from scriptrun_box.geocoding.finder import Finder
from scriptrun_box.kernel import audit, clock, cpus, meta
from scriptrun_box.kernel.addresses import Allowed
from scriptrun_box.kernel.box import Box
from scriptrun_box.kernel.clock import DAY_MS, MINUTE_MS
from scriptrun_box.kernel.config import LOOPBACK_HOSTS, Settings
from scriptrun_box.kernel.db import Database, Signal, Writer
from scriptrun_box.kernel.disk import Disk
from scriptrun_box.kernel.http import Nowhere, routes
from scriptrun_box.kernel.jobs import Jobs
from scriptrun_box.kernel.links import Links
from scriptrun_box.kernel.log import log
from scriptrun_box.kernel.opening import Opened
from scriptrun_box.kernel.publisher import Publisher
from scriptrun_box.kernel.tls import machine_addresses, machine_names
from scriptrun_box.orders import store as orders
from scriptrun_box.paper.press import Press
from scriptrun_box.paper.spooler import Spooler
from scriptrun_box.patients.arrivals import Arrivals
from scriptrun_box.patients.erasing import Finishing
from scriptrun_box.routes.planning import Planner
from scriptrun_box.ui import pages
from scriptrun_box.ui.live import Hub
from scriptrun_box.urls import URLS
from scriptrun_box.webhooks import retention
from scriptrun_box.webhooks.delivery import Deliveries
from scriptrun_box.webhooks.feed import Bells

PULSE_SECONDS = 5.0
PULSES_MISSED = 4  # before the box counts as stuck
# Far beyond the hour that they limit: a clock set ahead and back again must not refill it.
MINUTES_KEPT_MS = 2 * DAY_MS
IDEMPOTENCY_CHUNK = 5_000  # old answers forgotten at a time


def create_app(settings: Settings, opened: Opened) -> Starlette:
    """The ASGI application over an opened folder; it owns the file while its lifespan lasts."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        try:
            async with AsyncExitStack() as ending:
                ending.callback(log.flush)
                helpers = ThreadPoolExecutor(thread_name_prefix="helper", initializer=cpus.roam)
                asyncio.get_running_loop().set_default_executor(helpers)
                ending.callback(opened.close)
                db = await Database.open(opened.path, opened.key)
                ending.push_async_callback(db.close)
                db.fatal = partial(_give_up, app)
                await _start(app, settings, opened, db, ending)
                yield
        except Exception as error:
            log.failure("the box could not start, or not end in good order", error)
            app.state.broken = True
            raise

    app = BoxApp(routes=routes(URLS), lifespan=lifespan)
    app.router.default = Nowhere()
    app.router.redirect_slashes = False  # it answers before any of our checks, with any Host
    app.state.refusal_page = pages.refusal_page
    app.state.sign_ins = SignIns()
    app.state.key_uses = {}
    app.state.phones_heard, app.state.phones_shown = {}, {}
    app.state.known_keys = {}
    app.state.pending_pins = OrderedDict()
    app.state.writing_behind = asyncio.Lock()
    app.state.answered_at = clock.monotonic()
    app.state.tried_at, app.state.trouble_writing = float("-inf"), None
    app.state.broken = False
    app.state.close_streams = lambda: None
    app.state.stop = lambda: None
    return app


class BoxApp(Starlette):
    """Starlette without its middleware: every path of the table answers its own errors.

    Paths without a parameter, the pharmacy software's among them, are found without a search.
    """

    def __init__(self, routes: Sequence[Route], lifespan: Lifespan["BoxApp"]) -> None:
        super().__init__(routes=routes, lifespan=lifespan)
        self._exact = {each.path: each.app for each in routes if "{" not in each.path}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["app"] = self
        exact = self._exact.get(scope.get("path", ""))
        await (exact or self.router)(scope, receive, send)


async def _start(
    app: Starlette, settings: Settings, opened: Opened, db: Database, ending: AsyncExitStack
) -> None:
    """Put the parts together; what is started last ends first."""
    publisher = Publisher(db, opened.folder, settings)
    publisher.start()
    ending.push_async_callback(publisher.stop)
    box = app.state.box = Box(
        settings=settings,
        db=db,
        hosts=hosts(settings),
        is_set_up=_SetUp(db),
        links=Links(public_url(settings), await db.read(meta.known, "link_secret")),
        disk=Disk(opened.folder.live, settings.storage.min_free_mb),
        publisher=publisher,
    )
    ending.push_async_callback(_write_behind, app)
    db.listen(partial(_forget_keys, app))
    hub = app.state.live = Hub(db, app.state.sign_ins)
    db.listen(hub.on_signals)
    bells = app.state.bells = Bells()
    db.listen(bells.heard)
    app.state.close_streams = partial(_close_streams, hub, bells)
    arrivals = app.state.arrivals = Arrivals(db)
    await arrivals.start()
    app.state.erasing = Finishing(db, places.rebuild)
    pictures = app.state.pictures = Pictures()
    ending.push_async_callback(pictures.stop)
    ending.push_async_callback(arrivals.stop)
    deliveries = app.state.deliveries = Deliveries(
        db, settings.webhooks, partial(_allowed, settings)
    )
    await deliveries.start()
    ending.push_async_callback(deliveries.stop)
    finder = app.state.finder = Finder(db, settings.geocoding, settings.server.port)
    await finder.start()
    ending.push_async_callback(finder.stop)
    planner = app.state.planner = Planner(db, settings.routing.url)
    db.listen(planner.heard)
    ending.push_async_callback(planner.stop)
    packets = app.state.packets = Packets(db, opened.folder.packets, box.disk)
    db.listen(packets.heard)
    await packets.start()
    ending.push_async_callback(packets.stop)
    press = app.state.press = Press()
    ending.push_async_callback(press.stop)
    own_ports = frozenset([settings.server.port])
    spooler = app.state.spooler = Spooler(db, settings.printers.allow_networks, own_ports)
    await spooler.start()
    ending.push_async_callback(spooler.stop)
    app.state.silences = Silences(db)
    jobs = Jobs()
    for seconds, name, run in _jobs(app, box, deliveries):
        jobs.every(seconds, name, run)
    jobs.start()
    ending.push_async_callback(jobs.stop)


def _forget_keys(app: Starlette, signals: list[Signal]) -> None:
    """Keys are read again once one was made or revoked here."""
    if any(signal.topic == KEYS_CHANGED for signal in signals):
        app.state.known_keys.clear()


def _close_streams(hub: Hub, bells: Bells) -> None:
    """What would keep a stopping server waiting: live pages, and who waits for an event."""
    hub.close()
    bells.close()


def _give_up(app: Starlette, error: BaseException) -> None:
    """A commit may not be on disk although SQLite went on: end, and let a new process look."""
    log.failure("the file cannot be trusted any more, stopping", error)
    app.state.broken = True
    app.state.stop()


class _SetUp:
    """Whether there is a tenant; once there is one, there always is."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._known = False

    def __call__(self) -> bool:
        self._known = self._known or self._db.peek(accounts.any_tenant)
        return self._known


def public_url(settings: Settings) -> str:
    """The address callers reach the box at: as configured, else this machine's own."""
    server = settings.server
    if server.public_url:
        return server.public_url.rstrip("/")
    scheme = "https" if server.tls_cert else "http"
    loopback = server.host in LOOPBACK_HOSTS
    host = "127.0.0.1" if loopback else machine_names()[0]
    return f"{scheme}://{host}:{server.port}"


def hosts(settings: Settings) -> frozenset[str]:
    """The host names requests may carry: configured, else this machine's names and addresses."""
    configured = settings.server.allowed_hosts
    own = configured or (*machine_names(), *machine_addresses())
    public = urlsplit(public_url(settings)).hostname or ""
    return frozenset(name.lower() for name in (*LOOPBACK_HOSTS, *own, public) if name)


def _allowed(settings: Settings) -> Allowed:
    """Where events may be sent, beyond public addresses over https."""
    webhooks = settings.webhooks
    ports = frozenset([settings.server.port])
    return Allowed(webhooks.allow_networks, webhooks.allow_http, ports)


def _jobs(
    app: Starlette, box: Box, deliveries: Deliveries
) -> list[tuple[float, str, Callable[[], Awaitable[object]]]]:
    """What happens by the clock: seconds between two beats, a name, what is done."""
    return [
        (1, "webhooks", deliveries.tick),
        (5, "patients", app.state.arrivals.tick),
        (5, "erasures", app.state.erasing.tick),
        (5, "printers", app.state.spooler.tick),
        (10, "hold limits", partial(quarantine.watch, box.db)),
        (20, "packets", app.state.packets.tick),
        (1, "write behind", partial(_write_behind, app)),
        (1, "route plans", app.state.planner.tick),
        (1, "live screens", app.state.live.tick),
        (PULSE_SECONDS, "pulse", partial(_feel_pulse, app)),
        (20, "addresses", app.state.finder.tick),
        (60, "incidents", partial(box.db.write, _remind)),
        (20, "silent phones", app.state.silences.tick),
        (60, "retention", partial(retention.prune, box.db, box.settings.retention.events_days)),
        (60, "forget", partial(box.db.write, _forget)),
        (60, "forget idle limits", partial(_forget_limits, box)),
    ]


async def _feel_pulse(app: Starlette) -> None:
    """The file answers: what systemd's watchdog is told depends on this."""
    await app.state.box.db.read(accounts.any_tenant)
    app.state.answered_at = clock.monotonic()


def is_well(app: Starlette) -> bool:
    """Whether the file has answered within the last few beats."""
    silent_for: float = clock.monotonic() - app.state.answered_at
    return silent_for < PULSES_MISSED * PULSE_SECONDS


async def _write_behind(app: Starlette) -> None:
    """Write what nobody waited for: looks at patients, last uses of keys, sessions, phones."""
    box: Box = app.state.box
    sign_ins: SignIns = app.state.sign_ins
    log.flush()
    async with app.state.writing_behind:  # whoever waits here finds everything written
        looks = box.looks.take()
        keys, app.state.key_uses = app.state.key_uses, {}
        sessions, sign_ins.seen = sign_ins.seen, {}
        heard, app.state.phones_heard = app.state.phones_heard, {}
        if not (looks or keys or sessions or heard):
            return
        try:
            await box.db.write(_write_uses, looks, keys, sessions, heard)
        except Exception:
            box.looks.put_back(looks)  # a full disk, say: the next beat tries again
            raise


def _write_uses(
    w: Writer,
    looks: list[audit.Entry],
    keys: dict[str, int],
    sessions: dict[bytes, int],
    heard: dict[str, int],
) -> None:
    audit.write_looks(w, looks)
    accounts.touch_keys(w, keys)
    accounts.touch_sessions(w, sessions)
    phones.set_heard(w, heard)


def _remind(w: Writer) -> None:
    """What is due about an incident, and what is late."""
    incidents.remind(w, clock.now_ms())


def _forget(w: Writer) -> None:
    """Rows that no rule looks at any more."""
    accounts.delete_minutes_before(w, (clock.now_ms() - MINUTES_KEPT_MS) // MINUTE_MS)
    accounts.delete_old_sessions(w)
    orders.forget_old(w, IDEMPOTENCY_CHUNK)


async def _forget_limits(box: Box) -> None:
    box.limiter.forget_idle()
