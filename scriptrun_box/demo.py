"""The demonstration: an invented pharmacy in the midst of a day, a receiver for its events."""

import secrets
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from io import StringIO
from ipaddress import ip_network
from itertools import count
from typing import Any, cast

from starlette.applications import Starlette

from scriptrun_box.accounts import actions as accounts
from scriptrun_box.accounts import passwords
from scriptrun_box.accounts import store as accounts_store
from scriptrun_box.accounts.model import User
from scriptrun_box.app import public_url
from scriptrun_box.delivery import sandbox
from scriptrun_box.delivery.cold import bags
from scriptrun_box.demo_orders import (
    DRIVERS,
    ON_SHIFT,
    PATIENTS,
    PHARMACY_ADDRESS,
    STORIES,
    Story,
    order,
    points,
)
from scriptrun_box.drivers import actions as drivers
from scriptrun_box.drivers import dispatch, notes
from scriptrun_box.drivers.model import Driver
from scriptrun_box.geocoding import loading
from scriptrun_box.geocoding import store as geocoding
from scriptrun_box.kernel import clock, meta
from scriptrun_box.kernel.clock import MINUTE_MS, SECOND_MS
from scriptrun_box.kernel.config import Settings
from scriptrun_box.kernel.db import Reader, Writer
from scriptrun_box.kernel.jobs import Jobs
from scriptrun_box.kernel.links import Links
from scriptrun_box.kernel.scope import BOX, CLI, Actor, Scope
from scriptrun_box.kernel.server import CannotListen, bind
from scriptrun_box.orders.reading import Places, read_order
from scriptrun_box.packages import actions as packages
from scriptrun_box.packages import store
from scriptrun_box.packages.store import Filter
from scriptrun_box.patients import actions as patients
from scriptrun_box.patients import store as patients_store
from scriptrun_box.ui.demo import drivers as sandbox_drivers
from scriptrun_box.ui.demo.receiver import Receiver
from scriptrun_box.ui.driving import problem
from scriptrun_box.webhooks import actions as webhooks
from scriptrun_box.webhooks import store as webhooks_store
from scriptrun_box.webhooks.model import EVERY_EVENT

MARK, PORT = "demo", "demo_receiver_port"  # facts of the file
PHARMACY, OWNER, EMAIL = "Corner Drug", "Dana Whitfield", "dana@corner-drug.example"
LOOPBACK = ip_network("127.0.0.0/8")
BAGS = {"Blue 12 L": 240, "Red 6 L": 90}  # minutes that they keep cold
APART_MS = 9 * MINUTE_MS  # between two orders; the newest came a few minutes ago
STEP_MS = 20 * MINUTE_MS  # between two steps of a package
SANDBOX_ORDERS = 4
ORDERS = 120  # that differ, of which the sandbox gets new ones
WORDS = (
    "amber anchor apple birch bramble canyon cedar clover cobalt copper coral cricket dapple dune"
    " ember falcon fennel fern garnet ginger harbor hazel heron indigo ivory jasper juniper kettle"
    " lantern larch lemon lilac linen maple marble meadow mint nectar nutmeg oat olive opal orchard"
    " otter pebble pepper plum poplar quartz quill raven river robin saffron sage sorrel spruce"
    " teal thistle tulip violet walnut willow wren"
).split()
PASSWORD_WORDS = 5


@dataclass(frozen=True, slots=True)
class Made:
    """What a first start has to say once."""

    email: str
    password: str
    live_key: str
    test_key: str


def demo_settings(settings: Settings) -> Settings:
    """The settings, with the built-in receiver allowed to hear of events."""
    allowed = (*settings.webhooks.allow_networks, LOOPBACK)
    hooks = settings.webhooks.model_copy(update={"allow_networks": allowed, "allow_http": True})
    return settings.model_copy(update={"webhooks": hooks})


def is_demo(r: Reader) -> bool | None:
    """Whether the file holds the demonstration; None while it holds nobody."""
    if not accounts_store.any_tenant(r):
        return None
    return meta.get(r, MARK) is not None


def receiver_port(r: Reader) -> int:
    """The port the receiver had last time; 0 before the first time."""
    return int(meta.get(r, PORT) or 0)


def receiver_sockets(wanted: int) -> Sequence[socket.socket]:
    """The receiver's place on this machine: the wanted port, or any when that one is taken."""
    try:
        return bind("127.0.0.1", wanted)
    except CannotListen:
        return bind("127.0.0.1", 0)


def point_at(w: Writer, port: int) -> None:
    """Have the demonstration's webhooks send to the receiver where it is now."""
    before, now = _base(receiver_port(w)), _base(port)
    meta.put(w, PORT, str(port))
    for endpoint in webhooks_store.every_endpoint(w):
        if before != now and endpoint.url.startswith(f"{before}/"):
            url = now + endpoint.url.removeprefix(before)
            webhooks.update(w, endpoint.scope, CLI, endpoint.id, url=url)


def attach(app: Starlette, sockets: Sequence[socket.socket]) -> None:
    """Let the receiver run as long as the app does; pages find it in `app.state.demo`."""
    inner = app.router.lifespan_context

    async def its_secrets() -> list[str]:
        found: list[str] = await app.state.box.db.read(_secrets_for, receiver.url)
        return found

    async def drive() -> None:
        await app.state.box.db.write(_drive, app.state.box.links, next(turns))

    receiver = app.state.demo = Receiver(sockets, its_secrets)
    turns = count()

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[Any]:
        await receiver.start()
        try:
            async with inner(app) as state:
                beat = Jobs()
                beat.every(sandbox_drivers.BEAT_SECONDS, "sandbox drivers", drive)
                beat.start()
                try:
                    yield state
                finally:
                    await beat.stop()
        finally:
            await receiver.stop()

    app.router.lifespan_context = lifespan


def _drive(w: Writer, links: Links, turn: int) -> None:
    """One step of a sandbox driver; new sandbox orders come in on the way."""
    tenant_id = accounts_store.tenants(w)[0].id
    places = Places(accounts_store.locations(w, tenant_id))
    scope = Scope(tenant_id, test=True)

    def new() -> str:
        content, problems, _ = read_order(
            order(w.now // SECOND_MS % ORDERS, Story()), places, w.now
        )
        if content is None:
            raise ValueError(f"a demonstration order is refused: {problems}")
        return packages.create_many(w, scope, BOX, "api", [content])[0].package_id

    sandbox_drivers.step(w, tenant_id, links, turn, new)


# The seed -----------------------------------------------------------------------------------------


def seed(w: Writer, settings: Settings, password: str, port: int) -> Made:
    """Make the pharmacy, its keys, its webhooks and its packages, as if the day were under way."""
    now = w.now
    w.now = now - len(STORIES) * APART_MS  # every row is stamped with the writer's time
    owner = accounts.create_owner(
        w, CLI, pharmacy=PHARMACY, kind="pharmacy", plan="pro",
        time_zone=settings.pharmacy.time_zone, email=EMAIL, name=OWNER,
        password=passwords.hash_password(password),
    )  # fmt: skip
    tenant_id, actor = owner.tenant_id, Actor.user(owner.id)
    _add_staff(w, owner)
    _place(w, tenant_id, actor, settings)
    live = accounts.create_key(w, tenant_id, actor, name="Pharmacy software")
    test = accounts.create_key(w, tenant_id, actor, name="Trying things out", test=True)
    point_at(w, port)
    for scope, path in ((Scope(tenant_id), "live"), (Scope(tenant_id, True), "sandbox")):
        url = f"{_base(port)}/{path}"
        webhooks.create(w, scope, actor, url=url, events=(EVERY_EVENT,))
    links = Links(public_url(settings), meta.get(w, "link_secret") or "")
    for scope in (Scope(tenant_id), Scope(tenant_id, True)):
        for name, minutes in BAGS.items():
            bags.add(w, scope, actor, {"name": name, "hold_minutes": minutes})
    on_shift = _take_on(w, Scope(tenant_id), actor)
    _take_on(w, Scope(tenant_id, True), actor)
    seeder = _Seeder(w, now, Places(accounts_store.locations(w, tenant_id)), links, on_shift)
    seeder.play(Scope(tenant_id), Actor.key(live.key.id), STORIES)
    seeder.play(Scope(tenant_id, True), Actor.key(test.key.id), [Story()] * SANDBOX_ORDERS)
    w.now = now
    _describe(w, Scope(tenant_id), actor)
    _tell(w, Scope(tenant_id), on_shift[0])
    accounts_store.add_month_usage(w, tenant_id, clock.month(now), len(STORIES))
    meta.put(w, MARK, str(now))
    return Made(EMAIL, password, live.secret, test.secret)


def new_password() -> str:
    """A few random words: easy to type, in no list."""
    return "-".join(secrets.choice(WORDS) for _ in range(PASSWORD_WORDS))


class _Seeder:
    """Plays stories in the order of their time: audit and feed read like a day."""

    def __init__(
        self, w: Writer, now: int, places: Places, links: Links, on_shift: list[Driver]
    ) -> None:
        self.w, self.now, self.places, self.links = w, now, places, links
        self.on_shift = on_shift

    def play(self, scope: Scope, actor: Actor, stories: Sequence[Story]) -> None:
        """Take in one order for each story, then let each take its steps."""
        moments: list[tuple[int, int, str]] = []
        for number, story in enumerate(stories):
            came = self.now - (len(stories) - number) * APART_MS
            moments.append((came, number, ""))
            moments += [
                (min(came + count * STEP_MS, self.now), number, step)
                for count, step in enumerate(story.steps, 1)
            ]
        ids: dict[int, str] = {}
        # Two steps of one package may share the moment `now`: they keep their order.
        for at, number, step in sorted(moments, key=lambda moment: moment[:2]):
            self.w.now = at
            if step:
                self._step(scope, actor, ids[number], step, stories[number].reason)
            else:
                ids[number] = self._take_in(scope, actor, order(number, stories[number]))

    def _take_in(self, scope: Scope, actor: Actor, given: dict[str, Any]) -> str:
        content, problems, _ = read_order(given, self.places, self.w.now)
        if content is None:
            raise ValueError(f"a demonstration order is refused: {problems}")
        return packages.create_many(self.w, scope, actor, "api", [content])[0].package_id

    def _step(self, scope: Scope, actor: Actor, package_id: str, step: str, reason: str) -> None:
        if step == "cancel":
            packages.cancel(self.w, scope, actor, package_id, reason)
            return
        if step == "assign" and not scope.test:
            self._assign(scope, actor, package_id)
            return
        known = cast(sandbox.Step, step)
        sandbox.make_up(self.w, scope, actor, package_id, known, reason, self.links)

    def _assign(self, scope: Scope, actor: Actor, package_id: str) -> None:
        """To whoever may carry it, one after the other."""
        package = packages.find(self.w, scope, package_id)
        able = [each for each in self.on_shift if not problem(each, package)]
        driver = able[package.seq % len(able)]
        dispatch.assign(self.w, scope, actor, package_id, driver.id, None)


def _take_on(w: Writer, scope: Scope, actor: Actor) -> list[Driver]:
    """The drivers, and which of them are on shift."""
    made = [drivers.create(w, scope, actor, each) for each in DRIVERS]
    return [drivers.set_shift(w, scope, actor, each.id, True) for each in made[:ON_SHIFT]]


def _place(w: Writer, tenant_id: str, actor: Actor, settings: Settings) -> None:
    """The pharmacy has an address, and most of the town's doors are known."""
    (location,) = accounts_store.locations(w, tenant_id)
    accounts.change_location(
        w, tenant_id, actor, location.id, name=PHARMACY, address=PHARMACY_ADDRESS,
        time_zone=settings.pharmacy.time_zone,
    )  # fmt: skip
    file = geocoding.begin_file(w, "invented addresses")
    for portion in loading.portions(StringIO(points(ORDERS)), loading.Progress()):
        geocoding.add_points(w, file, portion)
    geocoding.finish_file(w, file, 0)


def _describe(w: Writer, scope: Scope, actor: Actor) -> None:
    """Say of some patients what the desk would know of them."""
    patients.know(w, 0, patients_store.newest_package(w))
    for number, words in PATIENTS.items():
        (patient,) = patients_store.page(w, scope, "", number, None, 1)
        patients.change(w, scope, actor, patient.id, words)


def _tell(w: Writer, scope: Scope, driver: Driver) -> None:
    """A driver who is out asks the desk something."""
    out = Filter(statuses=("out_for_delivery",), driver_id=driver.id)
    about = store.page(w, scope, out, None, 1)
    package_id = about[0].id if about else None
    notes.send(w, scope, BOX, driver.id, package_id, sandbox_drivers.NOTES[0])


def _add_staff(w: Writer, owner: User) -> None:
    for name, role in (("Robin Vale", "dispatcher"), ("Kai Mercer", "pharmacist")):
        email = f"{name.split()[0].lower()}@corner-drug.example"
        actor = Actor.user(owner.id)
        accounts.add_user(w, owner.tenant_id, actor, email=email, name=name, role=role)


def _secrets_for(r: Reader, base: str) -> list[str]:
    """Whatever may have signed what arrives at the receiver."""
    ours = [each for each in webhooks_store.every_endpoint(r) if each.url.startswith(f"{base}/")]
    return [secret for each in ours for secret in (each.secret, each.next_secret) if secret]


def _base(port: int) -> str:
    return f"http://127.0.0.1:{port}"
