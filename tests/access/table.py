"""Who may call what: one row for each method and path, written by hand beside the URL table.

The callers are those of `people.py`. A row says who gets in; everybody else is refused, and with
which words follows from what the row wants: a key, or a signed-in person.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from tests.world import orders

KEYS = frozenset({"live key", "sandbox key", "stranger's key"})
SANDBOX_KEY = frozenset({"sandbox key"})
OWNERS = frozenset({"owner", "other owner"})
STAFF = OWNERS | {"dispatcher", "pharmacist"}
PHARMACISTS = OWNERS | {"pharmacist"}
BOX_STAFF = STAFF - {"other owner"}  # pages of the box itself belong to its first tenant
BOX_OWNER = frozenset({"owner"})
SIGNED_IN = STAFF | {"driver"}
ANY_KEY = KEYS | {"key without the scope"}
PHONE = frozenset({"phone", "other pharmacy's phone"})
EVERYONE = ANY_KEY | SIGNED_IN | PHONE
EVERYONE |= {"nobody", "revoked key", "ended session", "lost phone"}

HOOK = {"url": "http://127.0.0.1:9787/hook", "events": ["*"]}
ON_IT = {"package_ids": ["{package}"]}
DRIVERS = {"driver_ids": ["{driver}"]}
POINT = {"lat": 25.77713, "lng": -80.23456}
PARTS = {"number": "12", "street": "Oak St", "town": "Miami", "state": "FL", "zip": "33125"}
TO_DRIVER = {"driver_id": "{driver}"}
TO_MERGE = {"patient_id": "{other}"}
TO_SPLIT = {"external_patient_id": "{other}"}
BY_HAND = {"act": "a" * 32, "when": "{stamp}", "how": "to_person", "relation": "patient"}
TYPED = {"patient_name": "Maria {unique}", "patient_address": "123 Main St, Miami, FL 33178"}
PACK = {"bag_id": "{other}", "celsius": 4.5}
DECIDED = {"disposition": "release", "words": "Stable for a day at room temperature"}
LOGGER = {"csv": "time,celsius\n2026-04-20 09:00,4.5"}
MANY = {"package_ids": ["0" * 32]}
PRINTER = {"host": "192.168.1.50", "port": "9100", "dpi": "203"}
PIN = {"pin": "804213", "again": "804213"}
DECISION = {"decision": "destroy", "note": "By our policy"}
TROUBLE = {"kind": "count", "words": "Two are missing"}
RULE = {
    "state": "FL",
    "ask_id": "always",
    "min_age": "18",
    "second_check": "II",
    "signer": "named",
    "source": "Our board",
}
DRIVER = {"driver": {"driver_id": "drv_{unique}", "pin": "804213"}}
WHOLE = {"seal": "TB-1", "seal_intact": True, "count_ok": True}
BAG = {"package_id": "0" * 32, "seal": "TB-1"}
NO_DAYS = {"kind": "dates", "from": "1999-01-01", "until": "1999-01-02"}
NEW_PERSON = {"name": "Sam Rivera", "email": "{unique}@example.com", "role": "dispatcher"}
PASSWORDS = {"password": "a dozen blue umbrellas", "again": "a dozen blue umbrellas"}
CREDENTIALS = {"email": "owner@corner-drug.example", "password": "a dozen blue umbrellas"}


@dataclass(frozen=True, slots=True)
class Row:
    """One method on one path.

    `subject` is the kind of thing its `{id}` names, `send` a body that works (`{unique}`,
    `{stamp}`, `{token}`, `{driver}`, `{other}` are filled in), `ok` the status of who gets in.
    """

    method: str
    path: str
    who: frozenset[str]
    ok: int = 200
    subject: str = ""
    send: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    scope: str = ""  # a key needs this one
    sandbox: bool = False  # works on sandbox packages only
    ok_signed_in: int = 0  # where that differs from `ok`
    unknown: int = 404  # for an id that nothing (of the caller's) has

    @property
    def keyed(self) -> bool:
        """Whether it is for programs with a key."""
        return bool(self.who & KEYS) and self.who != EVERYONE

    @property
    def by_phone(self) -> bool:
        """Whether it is for drivers' phones."""
        return self.who == PHONE

    @property
    def usual(self) -> str:
        """Somebody of Corner Drug whom the row lets in."""
        return "live key" if self.keyed else "phone" if self.by_phone else "owner"

    @property
    def changes(self) -> bool:
        return self.method not in ("GET", "HEAD")

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def _api(scope: str, method: str, path: str, ok: int = 200, subject: str = "", **send: Any) -> Row:
    return Row(method, path, KEYS, ok, subject, send, scope)


def _confirmed(path: str, subject: str, **send: Any) -> Row:
    """An act that a person confirms: here nobody does, so that a key alone gets nowhere."""
    send |= {"pharmacist": {"email": "{unique}@corner-drug.example", "password": "no idea"}}
    return Row("POST", path, KEYS, 403, subject, send, "packages:write")


def _walk(step: str, subject: str, **send: Any) -> Row:
    path = f"/api/test/packages/{{id}}/{step}"
    return Row("POST", path, SANDBOX_KEY, 200, subject, send, "packages:write", sandbox=True)


def _page(path: str, who: frozenset[str] = STAFF, ok: int = 200, subject: str = "") -> Row:
    return Row("GET", path, who, ok, subject)


def _back(path: str, subject: str = "") -> Row:
    """The address of a form, opened as a page: on to where the form is."""
    return Row("GET", path, STAFF, 303, subject, unknown=303)


def _form(path: str, who: frozenset[str], subject: str = "", ok: int = 303, **send: Any) -> Row:
    return Row("POST", path, who, ok, subject, send)


def _phone(method: str, path: str, ok: int = 200, subject: str = "", **send: Any) -> Row:
    return Row(method, path, PHONE, ok, subject, send)


API = [
    _api("orders:write", "POST", "/api/webhook/orders", **orders()),
    _api("packages:read", "GET", "/api/packages"),
    _api("packages:read", "GET", "/api/packages/{id}", subject="package"),
    _api("packages:write", "PATCH", "/api/packages/{id}", subject="package", notes="Ring twice"),
    _api("packages:read", "GET", "/api/packages/{id}/timeline", subject="package"),
    _api("packages:write", "POST", "/api/packages/{id}/cancel", subject="package"),
    _api("packages:write", "POST", "/api/packages/{id}/assign", subject="to assign", **TO_DRIVER),
    _api("packages:write", "POST", "/api/packages/{id}/unassign", subject="assigned"),
    _api("packages:write", "POST", "/api/packages/{id}/redeliver", subject="failed"),
    _api("packages:write", "POST", "/api/packages/{id}/return", subject="failed"),
    _api("packages:read", "GET", "/api/patients"),
    _api("packages:read", "GET", "/api/patients/{id}", subject="patient"),
    _api("packages:write", "PATCH", "/api/patients/{id}", subject="patient", notes="Ring twice"),
    _api("packages:write", "POST", "/api/patients/{id}/merge", subject="patient", **TO_MERGE),
    _api("packages:write", "POST", "/api/patients/{id}/split", subject="merged", **TO_SPLIT),
    _api("packages:read", "GET", "/api/patients/{id}/erasure", subject="erased"),
    _api("packages:write", "POST", "/api/packages/{id}/recall", subject="out"),
    _api("packages:write", "POST", "/api/packages/assign", 400, **MANY, **TO_DRIVER),  # unknown
    _api("packages:write", "POST", "/api/packages/unassign", **MANY),
    _api("packages:write", "POST", "/api/packages/cancel", **MANY),
    _api("packages:read", "GET", "/api/packages/{id}/cold", subject="packed"),
    _api("packages:write", "POST", "/api/packages/{id}/pack", subject="to pack", **PACK),
    _api("packages:write", "POST", "/api/packages/{id}/unpack", subject="packed"),
    _api("packages:write", "POST", "/api/packages/{id}/temperature", subject="packed", celsius=5),
    _api("packages:write", "POST", "/api/packages/{id}/logger", subject="packed", **LOGGER),
    _api("packages:read", "GET", "/api/cold-bags"),
    _api("packages:write", "POST", "/api/cold-bags", 201, name="Blue {unique}", hold_minutes=240),
    _api("packages:write", "PATCH", "/api/cold-bags/{id}", subject="bag", hold_minutes=200),
    _api("packages:read", "GET", "/api/packages/{id}/custody", subject="controlled"),
    _confirmed("/api/packages/{id}/release", "controlled", seal="{unique}"),
    _confirmed("/api/packages/{id}/take-back", "controlled", **DRIVER, **WHOLE),
    _confirmed("/api/packages/{id}/disposition", "controlled back", **DECISION),
    _confirmed("/api/controlled/hand-over", "", **DRIVER, packages=[BAG]),
    _api("packages:read", "GET", "/api/controlled/log"),
    _api("packages:read", "GET", "/api/packages/{id}/label", subject="package"),
    _api("dispatch:manage", "GET", "/api/drivers"),
    _api("dispatch:manage", "POST", "/api/drivers", 201, name="Luis Ortega"),
    _api("dispatch:manage", "GET", "/api/drivers/{id}", subject="driver"),
    _api("dispatch:manage", "PATCH", "/api/drivers/{id}", subject="driver", vehicle="Van 3"),
    _api("dispatch:manage", "POST", "/api/drivers/{id}/shift", subject="driver", shift="start"),
    _api("dispatch:manage", "POST", "/api/drivers/{id}/status", subject="driver", status="offline"),
    _api("dispatch:manage", "GET", "/api/routes"),
    _api("dispatch:manage", "POST", "/api/routes", 201, subject="driver to plan", **TO_DRIVER),
    _api("dispatch:manage", "GET", "/api/routes/{id}", subject="route"),
    _api("dispatch:manage", "PATCH", "/api/routes/{id}", subject="route", leaves_at="09:30"),
    _api("dispatch:manage", "POST", "/api/routes/{id}/hand-over", subject="route", **TO_DRIVER),
    _api("dispatch:manage", "POST", "/api/routes/{id}/packages", subject="route", **ON_IT),
    _api("dispatch:manage", "POST", "/api/routes/{id}/take-off", subject="route", **ON_IT),
    _api("dispatch:manage", "POST", "/api/routes/{id}/nearest", subject="route"),
    _api("dispatch:manage", "POST", "/api/routes/optimize", 202, "driver to plan", **DRIVERS),
    _api("dispatch:manage", "POST", "/api/routes/{id}/optimize", 202, "route"),
    _api("dispatch:manage", "GET", "/api/plans/{id}", subject="plan"),
    _api("dispatch:manage", "POST", "/api/plans/{id}/commit", subject="ready plan"),
    _api("dispatch:manage", "POST", "/api/plans/{id}/cancel", subject="plan"),
    _api("dispatch:manage", "POST", "/api/routes/{id}/start", subject="route"),
    _api("dispatch:manage", "POST", "/api/routes/{id}/finish", subject="driven route"),
    _api("dispatch:manage", "POST", "/api/routes/{id}/cancel", subject="route"),
    _api("dispatch:manage", "POST", "/api/stops/{id}", subject="stop", position=1),
    _api("dispatch:manage", "GET", "/api/addresses"),
    _api("dispatch:manage", "GET", "/api/addresses/{id}", subject="address"),
    _api("dispatch:manage", "POST", "/api/addresses/{id}/pin", subject="address", **POINT),
    _api("dispatch:manage", "POST", "/api/addresses/{id}/accept", subject="address"),
    _api("dispatch:manage", "POST", "/api/addresses/{id}/correct", subject="address", **PARTS),
    _api("dispatch:manage", "POST", "/api/addresses/{id}/ask", subject="address"),
    _api("packages:read", "GET", "/api/events"),
    Row("GET", "/api/account", ANY_KEY),
    Row("GET", "/api/usage", ANY_KEY),
    _api("webhooks:manage", "GET", "/api/webhooks"),
    _api("webhooks:manage", "POST", "/api/webhooks", 201, **HOOK),
    _api("webhooks:manage", "GET", "/api/webhooks/{id}", subject="webhook"),
    _api("webhooks:manage", "PATCH", "/api/webhooks/{id}", subject="webhook", events=["*"]),
    _api("webhooks:manage", "DELETE", "/api/webhooks/{id}", 204, "webhook"),
    _api("webhooks:manage", "POST", "/api/webhooks/{id}/pause", subject="webhook"),
    _api("webhooks:manage", "POST", "/api/webhooks/{id}/resume", subject="webhook"),
    _api("webhooks:manage", "POST", "/api/webhooks/{id}/test", 202, "webhook"),
    _api(
        "webhooks:manage",
        "POST",
        "/api/webhooks/{id}/replay",
        202,
        "webhook",
        since="2026-04-19T18:42:10Z",
    ),
    _api("webhooks:manage", "POST", "/api/webhooks/{id}/rotate-secret", subject="webhook"),
    _api("webhooks:manage", "GET", "/api/webhooks/{id}/logs", subject="webhook"),
    _api("webhooks:manage", "GET", "/api/webhook-attempts/{id}", subject="attempt"),
    _api("webhooks:manage", "POST", "/api/webhook-deliveries/{id}/resend", 202, "delivery"),
    _walk("assign", "package"),
    _walk("start", "assigned"),
    _walk("deliver", "out"),
    _walk("fail", "out", reason="no_answer"),
    _walk("return", "failed"),
]

# The only addresses that are open to everyone. A new one has to be named here.
OPEN = [
    _page("/healthz", EVERYONE),
    _page("/readyz", EVERYONE),
    _page("/metrics", EVERYONE),  # to loopback and metrics.allow_networks: see test_matrix
    _page("/ca.crt", EVERYONE, ok=404),  # 404 as this box has no certificate of its own
    _page("/proof/{id}/photo", EVERYONE, subject="photo"),  # by its signature
    _page("/proof/{id}/signature", EVERYONE, subject="signature"),
    _page("/static/{name}", EVERYONE, subject="box.css"),
    _page("/docs", EVERYONE),
    _page("/openapi.json", EVERYONE),
    _page("/security", EVERYONE),
    _page("/baa", EVERYONE),
    _page("/terms", EVERYONE),
    _page("/set-up", EVERYONE, ok=404),  # 404 as this box is set up
    _form("/set-up", EVERYONE, ok=404, token="{token}", **PASSWORDS),
    Row("GET", "/sign-in", EVERYONE, ok_signed_in=303),
    _form("/sign-in", EVERYONE, **CREDENTIALS),
    _page("/link", EVERYONE, subject="link"),
    _form("/link", EVERYONE, subject="link", token="{token}", **PASSWORDS),
    _page("/phone", EVERYONE),  # the app itself holds nobody's data
    _page("/phone/help", EVERYONE),
    _page("/phone/sw.js", EVERYONE),
    _page("/phone/manifest.webmanifest", EVERYONE),
    _page("/static/phone/{name}", EVERYONE, subject="main.js"),
    _page("/phone/join/{id}", EVERYONE, subject="phone code"),  # by its code
    _form("/phone/join/{id}", EVERYONE, "phone code", 200, key="x" * 43),
]

# A phone's credential opens these and nothing else.
PHONES = [
    _phone("POST", "/phone/here"),
    _phone("GET", "/phone/shift"),
    _phone("POST", "/phone/acts", acts=[{"id": "{package}", "kind": "online"}], sent_at=1),
    # 404: it waits for no picture
    _phone("PUT", "/phone/pictures/{id}/photo", 404, "nothing-told"),
]

DESK = [
    _form("/sign-out", SIGNED_IN),
    _form("/sandbox", STAFF, test="1"),
    _page("/live"),
    _page("/live/desk"),
    _page("/live/packages"),
    _page("/live/packets", PHARMACISTS),
    _page("/live/patients"),
    _page("/live/drivers"),
    _page("/live/addresses"),
    _page("/live/routes"),
    _page("/live/routes/{id}", subject="route"),
    _page("/live/plans/{id}", subject="plan"),
    _page("/", SIGNED_IN),
    _page("/board"),
    _page("/board.csv"),
    _page("/live/board"),
    _page("/live/board-map"),
    _form("/board/move", STAFF, ok=400),  # 400: nothing is ticked
    _form("/board/undo", STAFF, ok=409),
    _form("/undo", STAFF, ok=409),  # 409: nobody did anything yet
    _page("/orders/new"),
    _form("/orders", STAFF, act="a" * 32, **TYPED),
    _page("/live/orders/found"),
    _form("/live/orders/warned", STAFF, ok=200, **TYPED),
    _page("/packages"),
    _page("/packages.csv"),
    _page("/packages/{id}", subject="package"),
    _form("/packages/{id}/edit", STAFF, "package", stamp="{stamp}", notes="Ring twice"),
    _form("/packages/{id}/cancel", STAFF, "package", reason="picked_up"),
    _form("/packages/{id}/recall", STAFF, "out", reason="picked_up"),
    _page("/packages/{id}/door", subject="package"),
    _form("/packages/{id}/delivered", STAFF, "at door", **BY_HAND, recipient="Ann"),
    _form("/packages/{id}/failed", STAFF, "at door", **BY_HAND, reason="no_answer"),
    _form("/packages/{id}/amend", STAFF, "package", about="other", words="It rained."),
    _form("/packages/{id}/no-photo", STAFF, "awaiting photo", proof="{other}", words="Lost."),
    _form("/packages/{id}/decide", STAFF, "duplicate", keep="both"),
    _form("/packages/{id}/after-failure", STAFF, "failed", act="redeliver"),
    _page("/packets", PHARMACISTS),
    _page("/packets.csv", PHARMACISTS),
    _form("/packets", PHARMACISTS, ok=409, **NO_DAYS),  # nothing to put into it
    _page("/packets/{id}/packet.zip", PHARMACISTS, ok=409, subject="packet"),
    _form("/packets/{id}/again", PHARMACISTS, "packet", ok=409),
    _page("/patients"),
    _page("/patients.csv"),
    _page("/patients/erased.csv"),
    _page("/patients/{id}", subject="patient"),
    _form("/patients/{id}", STAFF, "patient", stamp="{stamp}", notes="Ring twice"),
    _form("/patients/{id}/merge", STAFF, "patient", stamp="{stamp}", patient_id="{other}"),
    _form("/patients/{id}/split", STAFF, "merged", stamp="{stamp}", number="{other}"),
    _form("/patients/{id}/erase", OWNERS, "over", stamp="{stamp}", sure="yes"),
    _page("/patients/{id}/erasure.json", subject="erased"),
    _page("/addresses"),
    _page("/addresses.csv"),
    _page("/addresses/{id}", subject="address"),
    _page("/addresses/{id}/drawing.svg", subject="address"),
    _form("/addresses/{id}/accept", STAFF, "address", stamp="{stamp}"),
    _form("/addresses/{id}/pin", STAFF, "address", stamp="{stamp}", lat="25.77", lng="-80.23"),
    _form("/addresses/{id}/correct", STAFF, "address", stamp="{stamp}", **PARTS),
    _form("/addresses/{id}/ask", STAFF, "address", stamp="{stamp}"),
    _form("/notes/{id}/read", STAFF, "note"),
    _page("/routes"),
    _form("/routes", STAFF, "driver to plan", driver_id="{driver}"),
    _page("/routes.csv"),
    _form("/routes/plan", STAFF, "driver to plan", driver_ids="{driver}"),
    _page("/routes/{id}", subject="route"),
    _form("/routes/{id}", STAFF, "route", stamp="{stamp}", leaves_at="09:30"),
    _page("/routes/{id}/stops.csv", subject="route"),
    _form("/routes/{id}/put", STAFF, "route", package_ids="{package}"),
    _form("/routes/{id}/take-off", STAFF, "route", package_id="{package}"),
    _form("/routes/{id}/move", STAFF, "route", stop_id="{other}", to="1"),
    _form("/routes/{id}/hand-over", STAFF, "route", driver_id="{driver}"),
    _form("/routes/{id}/nearest", STAFF, "route"),
    _form("/routes/{id}/optimize", STAFF, "route"),
    _form("/routes/{id}/start", STAFF, "route"),
    _form("/routes/{id}/finish", STAFF, "driven route"),
    _form("/routes/{id}/cancel", STAFF, "route"),
    _page("/plans/{id}", subject="plan"),
    _form("/plans/{id}/use", STAFF, "ready plan"),
    _form("/plans/{id}/cancel", STAFF, "plan"),
    _page("/cold"),
    _page("/cold.csv"),
    _page("/live/cold"),
    _form("/cold/pack", STAFF, ok=400),  # 400: nothing is ticked
    _form("/cold/bags", PHARMACISTS, name="Blue {unique}", hold_minutes="240"),
    _form("/cold/bags/{id}", PHARMACISTS, "bag", stamp="{stamp}", hold_minutes="200"),
    _form("/cold/rule", PHARMACISTS, low="2", low_minutes="0", high="8", high_minutes="60"),
    _form("/packages/{id}/pack", STAFF, "to pack", bag_id="{other}", celsius="4.5"),
    _form("/packages/{id}/unpack", STAFF, "packed"),
    _page("/packages/{id}/cold", subject="packed"),
    _page("/packages/{id}/cold.csv", subject="packed"),
    _form("/packages/{id}/temperature", STAFF, "packed", celsius="5"),
    _form("/packages/{id}/logger", STAFF, "packed", text=LOGGER["csv"]),
    _form(
        "/packages/{id}/disposition", PHARMACISTS, "quarantined", quarantine="{other}", **DECIDED
    ),
    _page("/drivers"),
    _form("/drivers", STAFF, name="Luis Ortega"),
    _page("/drivers.csv"),
    _page("/drivers/{id}", subject="driver"),
    _form("/drivers/{id}", STAFF, "driver", stamp="{stamp}", vehicle="Van 3"),
    _form("/drivers/{id}/shift", STAFF, "driver", shift="start"),
    _form("/drivers/{id}/status", STAFF, "driver on shift", status="offline"),
    _form("/drivers/{id}/active", STAFF, "driver", active="no"),
    _form("/drivers/{id}/phones", STAFF, "driver", ok=200),
    _form("/drivers/{id}/phone-acts", STAFF, "driver"),
    _form("/phones/{id}/revoke", STAFF, "phone"),
    _page("/phone-acts"),
    _page("/phone-acts.csv"),
    _page("/packages/{id}/label", subject="package"),
    _page("/packages/{id}/label.pdf", subject="package"),
    _page("/labels", ok=303),  # 303: there is nothing to label
    _page("/labels.pdf", ok=404),
    _form("/labels/print", STAFF, "", ok=404, printer="prn_1"),
    _page("/routes/{id}/labels", subject="route"),
    _page("/routes/{id}/labels.pdf", subject="route"),
    _page("/routes/{id}/manifest", subject="route"),
    _page("/routes/{id}/manifest.pdf", subject="route"),
    _page("/pick-list"),
    _page("/pick-list.pdf"),
    _page("/pick-list.csv"),
    _page("/print-jobs"),
    _page("/print-jobs.csv"),
    _page("/live/print-jobs"),
    _form("/print-jobs/{id}/retry", STAFF, "failed print job"),
    _form("/print-jobs/{id}/again", STAFF, "failed print job"),
    _form("/print-jobs/{id}/cancel", STAFF, "print job"),
    _form("/packages/{id}/assign", STAFF, "to assign", driver_id="{driver}"),
    _form("/packages/{id}/unassign", STAFF, "assigned"),
    _page("/controlled", PHARMACISTS),
    _page("/live/controlled", PHARMACISTS),
    _form("/controlled/hand-over", PHARMACISTS, ok=400),  # 400: no seal was read
    _form("/controlled/pins", PHARMACISTS, "driver", driver_id="{driver}", **PIN),
    _form("/controlled/close", PHARMACISTS, ok=400, date="never"),
    _page("/controlled/packages/{id}", PHARMACISTS, subject="controlled"),
    _form("/controlled/packages/{id}/release", PHARMACISTS, "controlled", seal="{unique}"),
    _form("/controlled/packages/{id}/take-back", PHARMACISTS, "controlled", ok=400),  # no answer
    _form("/controlled/packages/{id}/decide", PHARMACISTS, "controlled back", **DECISION),
    _form("/controlled/packages/{id}/incident", PHARMACISTS, "controlled back", **TROUBLE),
    _page("/controlled/log", PHARMACISTS),
    _page("/controlled/log.csv", PHARMACISTS),
    _page("/controlled/closes/{id}", PHARMACISTS, subject="closed day"),
    _form("/controlled/closes/{id}/amend", PHARMACISTS, "closed day", words="Found"),
    _page("/controlled/incidents.csv", PHARMACISTS),
    _page("/controlled/incidents/{id}", PHARMACISTS, subject="incident"),
    _form("/controlled/incidents/{id}/step", PHARMACISTS, "incident", step="filed"),
    _form("/controlled/incidents/{id}/close", PHARMACISTS, "incident", words="Found"),
    Row("POST", "/packages/{id}/walk", STAFF, 303, "package", {"step": "assign"}, sandbox=True),
]

INTEGRATIONS = "/settings/integrations"
SCREEN_HOOK = f"{INTEGRATIONS}/webhooks/{{id}}"
SETTINGS = [
    _page(INTEGRATIONS),
    _back(f"{INTEGRATIONS}/keys"),
    _form(f"{INTEGRATIONS}/keys", OWNERS, ok=200, name="Front desk"),
    _form(f"{INTEGRATIONS}/keys/{{id}}/revoke", OWNERS, "key"),
    _back(f"{INTEGRATIONS}/webhooks"),
    _form(f"{INTEGRATIONS}/webhooks", OWNERS, ok=200, **HOOK),
    _page(SCREEN_HOOK, subject="webhook"),
    _form(SCREEN_HOOK, OWNERS, "webhook", **HOOK),
    _form(f"{SCREEN_HOOK}/pause", OWNERS, "webhook"),
    _form(f"{SCREEN_HOOK}/resume", OWNERS, "webhook"),
    _form(f"{SCREEN_HOOK}/test", OWNERS, "webhook"),
    _form(f"{SCREEN_HOOK}/delete", OWNERS, "webhook"),
    _back(f"{SCREEN_HOOK}/replay", "webhook"),
    _form(f"{SCREEN_HOOK}/replay", OWNERS, "webhook", since="2026-04-19T18:42"),
    _back(f"{SCREEN_HOOK}/rotate", "webhook"),
    _form(f"{SCREEN_HOOK}/rotate", OWNERS, "webhook", ok=200),
    _form(f"{SCREEN_HOOK}/finish-rotation", OWNERS, "webhook"),
    _form(f"{SCREEN_HOOK}/unpin", OWNERS, "webhook"),
    _page("/live/webhooks/{id}", subject="webhook"),
    _page(f"{INTEGRATIONS}/attempts/{{id}}", subject="attempt"),
    _form(f"{INTEGRATIONS}/deliveries/{{id}}/resend", OWNERS, "finished delivery"),
    # The local network is the business of the box's own owner.
    _page(f"{INTEGRATIONS}/webhooks/private", BOX_OWNER),
    _form(f"{INTEGRATIONS}/webhooks/private", BOX_OWNER, ok=400, **HOOK),  # 400: no https
    _back(f"{INTEGRATIONS}/webhooks/private/confirm"),
    _form(f"{INTEGRATIONS}/webhooks/private/confirm", BOX_OWNER, token="begun by nobody"),
    _form(f"{INTEGRATIONS}/networks/forbid", BOX_OWNER, network="10.0.0.0/8"),
    _page(f"{SCREEN_HOOK}/log.csv", subject="webhook"),
    _page("/settings/users"),
    _form("/settings/users", OWNERS, ok=200, **NEW_PERSON),
    _page("/settings/users.csv", OWNERS),
    _form("/settings/users/{id}/role", OWNERS, "person", role="pharmacist"),
    _back("/settings/users/{id}/reset", "person"),
    _form("/settings/users/{id}/reset", OWNERS, "person", ok=200),
    # Whoever is no longer or never was on the list is, either way, not on the list.
    _page("/settings/locations"),
    _form(
        "/settings/locations",
        OWNERS,
        name="Second Street",
        address="2 Second St",
        time_zone="America/Chicago",
    ),
    _back("/settings/locations/{id}", "location"),
    _form(
        "/settings/locations/{id}",
        OWNERS,
        "location",
        name="Corner Drug",
        address="1 First St",
        time_zone="America/New_York",
    ),
    Row("POST", "/settings/users/{id}/lock-out", OWNERS, 303, "person", unknown=303),
    Row("POST", "/settings/users/{id}/let-in", OWNERS, 303, "locked-out person", unknown=303),
    # The local network is the business of the box's own owner.
    _page("/settings/printers"),
    _form("/settings/printers", BOX_OWNER, name="Front desk", **PRINTER),
    _back("/settings/printers/{id}", "printer"),
    _form("/settings/printers/{id}", BOX_OWNER, "printer", name="Front desk", **PRINTER),
    _form("/settings/printers/{id}/remove", OWNERS, "printer"),
    _form("/settings/printers/{id}/test", OWNERS, "printer"),
    _page("/settings/state-rules", PHARMACISTS),
    _page("/settings/state-rules.csv", PHARMACISTS),
    _form("/settings/state-rules", OWNERS, **RULE),
    _form("/settings/state-rules/restore", OWNERS, "own rule", state="TX"),
    _page("/settings/usage"),
    _page("/settings/usage.csv"),
    _page("/settings/usage-keys.csv"),
    _page("/settings/system", BOX_STAFF),
    _back("/settings/system/check-audit"),
    _form("/settings/system/check-audit", BOX_STAFF, ok=200),
    _form("/settings/system/restored", BOX_OWNER, ok=409, way="hold"),  # 409: it was not restored
    _page("/settings/texts/{name}", BOX_OWNER, subject="terms"),
    _form("/settings/texts/{name}", BOX_OWNER, "terms", body="# Terms"),
    _form("/settings/texts/{name}/default", BOX_OWNER, "terms"),
    _page("/demo/receiver", STAFF, ok=404),  # 404 as this box is no demonstration
    _page("/live/demo", STAFF, ok=404),
]

ROWS = [*API, *OPEN, *PHONES, *DESK, *SETTINGS]
