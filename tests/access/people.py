"""The callers of the access matrix, the things they call about, and what the file holds."""

import asyncio
import itertools
import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import httpx
from starlette.applications import Starlette

from scriptrun_box.accounts import actions, signin
from scriptrun_box.accounts import store as accounts
from scriptrun_box.accounts.actions import digest_of
from scriptrun_box.accounts.model import KEY_SCOPES, User
from scriptrun_box.app import _write_behind
from scriptrun_box.delivery import door, sandbox
from scriptrun_box.delivery.cold import bags, packing, readings
from scriptrun_box.delivery.controlled import closing, incidents, rules
from scriptrun_box.delivery.controlled.model import Party
from scriptrun_box.delivery.model import AtTheDoor, Handed, Recipient
from scriptrun_box.delivery.phone import devices
from scriptrun_box.drivers import actions as drivers
from scriptrun_box.drivers import notes
from scriptrun_box.geocoding import actions as geocoding
from scriptrun_box.geocoding import store
from scriptrun_box.geocoding.reading import Parts, Read
from scriptrun_box.kernel import clock
from scriptrun_box.kernel.db import Reader, Writer
from scriptrun_box.kernel.ids import hex_id, prefixed
from scriptrun_box.kernel.scope import CLI, Scope
from scriptrun_box.orders.reading import Places, read_order
from scriptrun_box.packages import actions as packages
from scriptrun_box.packages import proofs
from scriptrun_box.paper import actions as paper
from scriptrun_box.patients import actions as patients
from scriptrun_box.patients import erasing
from scriptrun_box.patients import store as patient_store
from scriptrun_box.routes import actions as routes
from scriptrun_box.routes import plans
from scriptrun_box.webhooks import actions as webhooks
from scriptrun_box.webhooks.model import Endpoint
from tests.world import ORDER, World

from .table import SIGNED_IN, Row

# Written behind, by design, when a key or a session was used at all.
NOTES_OF_USE = {
    "api_keys": {"last_used_at"},
    "sessions": {"seen_at"},
    "phones": {"heard_at", "ahead_ms"},
}
LOCAL = ZoneInfo("America/New_York")
STEPS = {"assigned": 1, "out": 2, "failed": 3, "photo": 3, "signature": 3}
MADE_BY_TESTS = (
    "outcomes", "stops", "route_plans", "routes", "api_keys", "sessions", "one_time_links",
    "webhook_logs", "webhook_deliveries", "webhook_endpoints", "events", "proofs",
    "package_moves", "package_search", "packages", "driver_notes", "patients",
    "close_amendments", "day_closes", "incidents", "dispositions", "custody", "releases",
    "driver_pins", "state_rules", "drivers", "erasures", "sightings", "places",
    "print_jobs", "printers", "cold_quarantines", "cold_files", "cold_readings", "cold_packs",
    "cold_bags", "cold_rules", "phones", "phone_codes", "phone_acts", "idempotency",
)  # fmt: skip
OWN_RULE = {
    "state": "TX",
    "ask_id": "always",
    "min_age": 18,
    "second_check": "II",
    "restock": False,
    "signer": "named",
    "source": "Our board",
}
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody at the door: what they send along, and whose things they would ask for."""

    name: str
    scope: Scope
    headers: dict[str, str] = field(default_factory=dict)
    csrf: str = ""


@dataclass(frozen=True, slots=True)
class Subject:
    """A thing an address names; `query` and `token` where a signature or link opens it."""

    id: str
    query: str = ""
    stamp: str = ""
    token: str = ""
    driver: str = ""
    package: str = ""
    other: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, and the first of its body."""

    status: int
    headers: dict[str, str]
    body: str

    @property
    def code(self) -> str:
        return str(json.loads(self.body)["code"])


class Scene:
    """The app with everybody in it."""

    def __init__(self, app: Starlette, world: World, client: httpx.AsyncClient) -> None:
        self.app = app
        self.world = world
        self.client = client

    async def tidy(self) -> None:
        """Take away what earlier tests made, so that looking at everything stays quick."""
        await self.world.db.write(_tidy)

    async def callers(self, row: Row) -> list[Caller]:
        """All fifteen, each with a key or session of their own that this row may use up."""
        return await self.world.db.write(_callers, self.world, row)

    async def caller(self, row: Row, name: str) -> Caller:
        """One of them."""
        (found,) = [each for each in await self.callers(row) if each.name == name]
        return found

    async def subject(self, kind: str, scope: Scope) -> Subject:
        """A fresh thing of that kind."""
        links = self.app.state.box.links
        return await self.world.db.write(_subject, kind, scope, links)

    async def call(
        self,
        row: Row,
        caller: Caller,
        subject: Subject,
        *,
        method: str = "",
        token: str | None = None,
        **headers: str,
    ) -> Answer:
        """Call as programs do, with a body that works; `token` instead of the right CSRF token."""
        path = row.path.replace("{id}", subject.id).replace("{name}", subject.id) + subject.query
        sent = {**caller.headers, **{name.replace("_", "-"): v for name, v in headers.items()}}
        content = b""
        if row.changes:
            body = {name: _filled(value, subject) for name, value in row.send.items()}
            if row.keyed or row.by_phone:
                content = json.dumps(body).encode()
                sent.setdefault("content-type", "application/json")
            else:
                csrf = caller.csrf if token is None else token
                content = urlencode({**body, "csrf": csrf} if csrf else body, doseq=True).encode()
                sent.setdefault("content-type", "application/x-www-form-urlencoded")
        if row.path == "/live":
            return await self._listen(method or row.method, sent)
        got = await self.client.request(method or row.method, path, headers=sent, content=content)
        return Answer(got.status_code, dict(got.headers), got.text)

    async def _listen(self, method: str, headers: dict[str, str]) -> Answer:
        """The first of a stream that never ends, and then hang up."""
        sent: list[dict[str, Any]] = []
        asked, heard = itertools.count(), asyncio.Event()

        async def receive() -> dict[str, Any]:
            if next(asked) == 0:
                return {"type": "http.request", "body": b"", "more_body": False}
            await heard.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            sent.append(message)
            if message["type"] == "http.response.body":
                heard.set()

        raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        scope = {
            "type": "http",
            "method": method,
            "path": "/live",
            "query_string": b"",
            "headers": [(b"host", b"localhost"), *raw],
            "scheme": "http",
        }
        await self.app(scope, receive, send)
        return Answer(sent[0]["status"], {}, sent[1].get("body", b"").decode())

    async def session_of(self, user: User) -> str:
        """The cookie value of a new session."""
        return await self.world.db.write(signin.start_session, user, "tests")

    async def set_plan(self, scope: Scope, plan: str) -> None:
        """Put a tenant on another plan."""
        await self.world.db.write(
            actions.update_tenant, scope.tenant_id, CLI, plan=plan, overage=None
        )

    async def everything(self) -> dict[str, list[Any]]:
        """Every row of every table, but for the notes of when keys and sessions were used."""
        await _write_behind(self.app)
        return await self.world.db.read(_everything)

    async def by_id(self, tables: Iterable[str]) -> dict[str, dict[str, dict[str, Any]]]:
        """The rows of some tables, each under its id."""
        return await self.world.db.read(_by_id, tuple(tables))


def changed(before: dict[str, list[Any]], after: dict[str, list[Any]]) -> list[str]:
    """The tables that are no longer the same."""
    return [name for name in before if before[name] != after[name]]


def unknown_id(like: str) -> str:
    """An id of the same form that nothing has."""
    return like[:-32] + hex_id()


def _filled(value: Any, subject: Subject) -> Any:
    if isinstance(value, list):
        return [_filled(each, subject) for each in value]
    if isinstance(value, dict):
        return {name: _filled(each, subject) for name, each in value.items()}
    if not isinstance(value, str):
        return value
    return value.format(
        unique=f"p{next(_numbers)}",
        stamp=subject.stamp,
        token=subject.token,
        driver=subject.driver,
        package=subject.package,
        other=subject.other,
    )


def _callers(w: Writer, world: World, row: Row) -> list[Caller]:
    tenant_id, elsewhere = world.pharmacy.tenant.id, world.elsewhere.tenant.id
    live = Scope(tenant_id, test=row.sandbox and not row.keyed)
    people = {
        "owner": world.owner,
        "dispatcher": world.teammate,
        "pharmacist": world.pharmacist,
        "driver": world.driver,
        "other owner": world.other_owner,
        "ended session": world.owner,
    }
    callers = [Caller("nobody", live)]
    others = tuple(scope for scope in KEY_SCOPES if scope != row.scope)
    callers += [
        _key(w, "live key", Scope(tenant_id)),
        _key(w, "sandbox key", Scope(tenant_id, test=True)),
        _key(w, "stranger's key", Scope(elsewhere)),
        _key(w, "key without the scope", Scope(tenant_id), others),
        _key(w, "revoked key", Scope(tenant_id), revoked=True),
    ]
    for name, user in people.items():
        scope = Scope(user.tenant_id, live.test)
        token = signin.start_session(w, user, "tests")
        row_of = accounts.session(w, digest_of(token))
        accounts.set_session_test(w, row_of["digest"], live.test)
        callers.append(Caller(name, scope, {"cookie": f"scriptrun={token}"}, row_of["csrf"]))
        if name not in SIGNED_IN:
            accounts.delete_session(w, row_of["digest"])
    mine, theirs = Scope(tenant_id), Scope(elsewhere)
    callers += [
        _phone(w, "phone", mine),
        _phone(w, "other pharmacy's phone", theirs),
        _phone(w, "lost phone", mine, lost=True),
    ]
    return callers


def _phone(w: Writer, name: str, scope: Scope, lost: bool = False) -> Caller:
    key = "k" * devices.HALF_CHARS
    joined = devices.join(w, _phone_code(w, scope), key, "tests")
    if lost:
        devices.revoke(w, scope, CLI, joined.phone.id)
    headers = {"cookie": f"scriptrun-phone={joined.token}", "x-phone-key": key}
    return Caller(name, scope, headers)


def _phone_code(w: Writer, scope: Scope) -> str:
    driver = drivers.create(w, scope, CLI, {"name": f"Luis {next(_numbers)}"})
    return devices.make_code(w, scope, CLI, driver.id)


def _tidy(w: Writer) -> None:
    for name in MADE_BY_TESTS:
        w.run(f"DELETE FROM {name}")
    w.run("DELETE FROM users WHERE email LIKE '%@example.com'")


def _key(
    w: Writer,
    name: str,
    scope: Scope,
    scopes: tuple[str, ...] | None = None,
    revoked: bool = False,
) -> Caller:
    made = actions.create_key(w, scope.tenant_id, CLI, name=name, test=scope.test, scopes=scopes)
    if revoked:
        actions.revoke_key(w, scope.tenant_id, CLI, made.key.id)
    return Caller(name, scope, {"x-api-key": made.secret})


def _subject(w: Writer, kind: str, scope: Scope, links: Any) -> Subject:
    if kind in ("package", "duplicate", *STEPS):
        return _package(w, kind, scope, links)
    if kind in ("at door", "awaiting photo"):
        return _at_door(w, kind, scope, links)
    if kind in ("route", "driven route", "stop"):
        return _route(w, kind, scope, links)
    if kind in ("plan", "ready plan"):
        return _plan(w, kind, scope, links)
    if kind in ("driver", "driver to plan", "driver on shift", "to assign", "note"):
        return _with_driver(w, kind, scope, links)
    if kind in ("patient", "merged", "over", "erased"):
        return _patient(w, kind, scope, links)
    if kind in ("phone", "phone code"):
        token = _phone_code(w, replace(scope, test=False))  # the sandbox has none
        if kind == "phone code":
            return Subject(token)
        return Subject(devices.join(w, token, "k" * devices.HALF_CHARS, "tests").phone.id)
    if kind == "address":
        return _address(w, scope)
    if kind in ("bag", "to pack", "packed", "quarantined"):
        return _cold(w, kind, scope, links)
    if kind in ("controlled", "controlled back", "incident", "closed day", "own rule"):
        return _controlled(w, kind, scope, links)
    if kind in ("webhook", "delivery", "finished delivery", "attempt"):
        url = f"http://127.0.0.1:9787/{next(_numbers)}"
        made, _ = webhooks.create(w, scope, CLI, url=url, events=("*",))
        if kind == "attempt":
            return Subject(_attempt(w, made))
        if kind == "webhook":
            return Subject(made.id)
        delivery_id = webhooks.test(w, scope, CLI, made.id)
        if kind == "finished delivery":  # nobody sends it while the table is gone through
            w.run("UPDATE webhook_deliveries SET state = 'exhausted' WHERE id = ?", (delivery_id,))
        return Subject(delivery_id)
    if kind == "packet":
        return Subject(_packet(w, scope))
    if kind == "location":
        zone = "America/New_York"
        place = actions.add_location(
            w, scope.tenant_id, CLI, name="Elsewhere", address="", time_zone=zone
        )
        return Subject(place.id)
    if kind == "key":
        return Subject(actions.create_key(w, scope.tenant_id, CLI, name="to revoke").key.id)
    if kind in ("printer", "print job", "failed print job"):
        return _printing(w, kind, scope)
    if kind in ("person", "locked-out person", "link"):
        email = f"someone{next(_numbers)}@example.com"
        who, token = actions.add_user(
            w, scope.tenant_id, CLI, email=email, name="Someone", role="dispatcher"
        )
        if kind == "locked-out person":
            actions.set_disabled(w, scope.tenant_id, CLI, who.id, True)
        return Subject(who.id, f"?token={token}" if kind == "link" else "", token=token)
    return Subject(kind)  # a name, such as that of a text or a static file


def _with_driver(w: Writer, kind: str, scope: Scope, links: Any) -> Subject:
    driver = drivers.create(w, scope, CLI, {"name": f"Luis {next(_numbers)}"})
    if kind == "to assign":
        return replace(_package(w, "package", scope, links), driver=driver.id)
    if kind == "note":
        return Subject(notes.send(w, scope, CLI, driver.id, None, "The gate is shut").id)
    if kind == "driver on shift":
        driver = drivers.set_shift(w, scope, CLI, driver.id, True)
    return Subject(driver.id, stamp=str(driver.version), driver=driver.id)


def _route(w: Writer, kind: str, scope: Scope, links: Any) -> Subject:
    """A route with one package on it; a driven one has delivered it."""
    driver = drivers.create(w, scope, CLI, {"name": f"Luis {next(_numbers)}"})
    package_id = _package(w, "package", scope, links).id
    given = {
        "driver_id": driver.id,
        "package_ids": [package_id],
        "pharmacy_id": packages.find(w, scope, package_id).content.location_id,
    }
    sheet = routes.create(w, scope, CLI, given)
    if kind == "driven route":
        routes.start(w, scope, CLI, sheet.route.id)
        sandbox.make_up(w, scope, CLI, package_id, "deliver", "", links)
    subject_id = sheet.visits[0].stop.id if kind == "stop" else sheet.route.id
    stamp, stop = str(sheet.route.version), sheet.visits[0].stop.id
    other = drivers.create(w, scope, CLI, {"name": f"Ana {next(_numbers)}"})
    return Subject(subject_id, stamp=stamp, package=package_id, other=stop, driver=other.id)


def _patient(w: Writer, kind: str, scope: Scope, links: Any) -> Subject:
    """A patient, and beside them another one (by id), or one merged into them (by number)."""
    found = []
    for _ in range(2):
        number = f"PMS-{next(_numbers)}"
        package_id = _package(w, "package", scope, links, external_patient_id=number).id
        package = packages.find(w, scope, package_id)
        patients.know(w, package.seq - 1, package.seq)
        patient = patient_store.for_package(w, package)
        assert patient is not None
        found.append(patient)
    one, other = found
    if kind == "patient":
        return Subject(one.id, stamp=str(one.version), other=other.id)
    if kind in ("over", "erased"):
        for package in patient_store.packages_of(w, one, [str(one.number)], None, 10):
            packages.cancel(w, scope, CLI, package.id, "other")
    if kind == "over":
        return Subject(one.id, stamp=str(one.version))
    if kind == "erased":
        return Subject(erasing.erase(w, scope, CLI, one.id).erasure.patient_id)
    one = patients.merge(w, scope, CLI, one.id, other.id)
    return Subject(one.id, stamp=str(one.version), other=str(other.number))


def _plan(w: Writer, kind: str, scope: Scope, links: Any) -> Subject:
    """A plan that nobody computes; a ready one takes a package to a driver."""
    driver = drivers.create(w, scope, CLI, {"name": f"Luis {next(_numbers)}"})
    package_id = _package(w, "package", scope, links).id
    w.run("DELETE FROM route_plans")  # the queue is short
    given = {"driver_ids": [driver.id], "package_ids": [package_id]}
    made = plans.ask(w, scope, CLI, given)
    if kind == "ready plan":
        stop = {"package_ids": [package_id], "arrives_at": w.now, "late": False}
        route = {"driver_id": driver.id, "route_id": None, "version": None, "stops": [stop]}
        seen = {package_id: ["created", None]}
        plans.move(w, made, status="ready", result={"routes": [route], "seen": seen})
    return Subject(made.id)


def _cold(w: Writer, kind: str, scope: Scope, links: Any) -> Subject:
    """A bag; a package to go into it, in it, or in quarantine (`other` is which)."""
    given = {"name": f"Blue {next(_numbers)}", "hold_minutes": 240}
    bag = bags.add(w, scope, CLI, given)
    if kind == "bag":
        return Subject(bag.id, stamp=str(bag.version))
    package_id = _package(w, "package", scope, links, cold_chain=True).id
    if kind == "to pack":
        return Subject(package_id, other=bag.id)
    packing.pack(w, scope, CLI, package_id, {"bag_id": bag.id, "celsius": 4.5})
    if kind == "packed":
        return Subject(package_id, other=bag.id)
    waiting = readings.add(w, scope, CLI, package_id, w.now + 1, 1.0, None)
    assert waiting is not None
    return Subject(package_id, other=waiting.id)


def _address(w: Writer, scope: Scope) -> Subject:
    """One that is to check, in the middle of its ZIP."""
    number = str(next(_numbers))
    parts = Parts(number, "Elm St", "", "", "Miami", "FL", "33125")
    door, middle = f"{number} elm st, 33125", (25.7825, -80.2397)
    place = store.insert(w, scope, f"{number} Elm St, Miami", Read(parts, door, door, "", middle))
    geocoding.settle(w, place, ask=False)
    return Subject(place.id, stamp=str(geocoding.find(w, scope, place.id).version))


def _controlled(w: Writer, kind: str, scope: Scope, links: Any) -> Subject:
    """A controlled package, one that came back, and what became of it."""
    boss = accounts.active_owners(w, scope.tenant_id)[0]
    pharmacist = Party(f"user:{boss}", "session")
    if kind == "own rule":
        rules.change(w, scope, CLI, {**OWN_RULE})
        return Subject("TX")
    if kind == "closed day":
        zone = "America/New_York"
        name = f"Day {next(_numbers)}"
        place = actions.add_location(w, scope.tenant_id, CLI, name=name, address="", time_zone=zone)
        return Subject(closing.close(w, scope, pharmacist, place.id).id)
    more = {"dea_schedule": "IV", "controlled_substance": True}
    package_id = _package(
        w, "package" if kind == "controlled" else "failed", scope, links, **more
    ).id
    if kind == "controlled":
        return Subject(package_id)
    if kind == "controlled back":
        return Subject(package_id)
    words = "Two are missing"
    return Subject(incidents.open_incident(w, scope, pharmacist, package_id, "count", words).id)


def _printing(w: Writer, kind: str, scope: Scope) -> Subject:
    """A printer, or what it was sent."""
    printer = paper.add_printer(
        w, scope.tenant_id, CLI, name="Front desk", host="192.0.2.1", port=9100, dpi=203
    )
    if kind == "printer":
        return Subject(printer.id)
    job = paper.print_test(w, scope, CLI, printer.id)
    if kind == "failed print job":
        paper.fail(w, job, "refused", 0)
    return Subject(job.id)


def _packet(w: Writer, scope: Scope) -> str:
    """One that is ready, as far as its row knows; nobody makes it while the table is gone through.

    Whoever may have it hears that its file is not kept (409).
    """
    packet_id = prefixed("pck")
    columns = "id, tenant_id, test, kind, package_ids, packages, state, created_at, created_by"
    w.run(
        f"INSERT INTO packets ({columns}) VALUES (?, ?, ?, 'dates', '[]', 1, 'ready', 1, 'cli')",
        (packet_id, scope.tenant_id, scope.test),
    )
    return packet_id


def _attempt(w: Writer, made: Endpoint) -> str:
    """An attempt that was over long ago."""
    attempt_id = prefixed("att")
    w.run(
        "INSERT INTO webhook_logs (id, tenant_id, test, endpoint_id, delivery_id, event_id, event,"
        " attempt, trigger, outcome, started_at) VALUES (?, ?, ?, ?, 'dlv_1', 'evt_1',"
        " 'package.created', 1, 'auto', 'failed', 1)",
        (attempt_id, made.tenant_id, made.test, made.id),
    )
    return attempt_id


def _package(w: Writer, kind: str, scope: Scope, links: Any, **more: Any) -> Subject:
    name = f"Maria {next(_numbers)}"
    places = Places(accounts.locations(w, scope.tenant_id))
    location = next((p for p in places.locations if p.id == scope.location_id), None)
    where = {"pharmacy_id": location.id} if location else {}
    order = {**ORDER, **where, "patient_name": name, "copay_amount": None, **more}
    content, _, _ = read_order(order, places, w.now)
    assert content is not None
    many = [content, content] if kind == "duplicate" else [content]
    package_id = packages.create_many(w, scope, CLI, "api", many)[-1].package_id
    for step in ("assign", "start", "fail" if kind == "failed" else "deliver")[
        : STEPS.get(kind, 0)
    ]:
        sandbox.make_up(w, scope, CLI, package_id, step, "no_answer", links)  # type: ignore[arg-type]
    query = ""
    if kind in ("photo", "signature"):
        proof = proofs.latest(w, package_id)
        assert proof is not None
        query = "?" + links.make(f"/proof/{proof.id}/{kind}", clock.now_ms()).partition("?")[2]
        return Subject(proof.id, query)
    return Subject(package_id, query, str(packages.find(w, scope, package_id).updated_at))


def _at_door(w: Writer, kind: str, scope: Scope, links: Any) -> Subject:
    subject = _package(w, "out", scope, links, requires_signature=False)
    if kind == "at door":
        return replace(subject, stamp=f"{datetime.now(LOCAL):%Y-%m-%dT%H:%M}")
    driver = str(packages.find(w, scope, subject.id).driver_id)
    at = AtTheDoor(subject.id, driver, w.now, w.now, w.now, photo=True)
    handed = Handed("to_person", Recipient("Ann", "patient"))
    door.deliver(w, scope, CLI, [subject.id], at, handed, {}, links, whole_ids=False)
    proof = proofs.latest(w, subject.id)
    assert proof is not None
    return replace(subject, other=proof.id)


def _everything(r: Reader) -> dict[str, list[Any]]:
    tables = r.all(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%'"
    )
    # The last hash of the audit covers every row before it.
    found = {"audit": [r.value("SELECT hash FROM audit ORDER BY seq DESC LIMIT 1")]}
    for (name,) in tables:
        if name in found:
            continue
        columns = [row["name"] for row in r.all(f"PRAGMA table_info({name})")]
        kept = ", ".join(each for each in columns if each not in NOTES_OF_USE.get(name, ()))
        found[name] = [tuple(row) for row in r.all(f"SELECT {kept} FROM {name}")]
    return found


def _by_id(r: Reader, tables: tuple[str, ...]) -> dict[str, dict[str, dict[str, Any]]]:
    return {
        name: {
            row["id"]: dict(zip(row.keys(), row, strict=True))
            for row in r.all(f"SELECT * FROM {name}")
        }
        for name in tables
    }
