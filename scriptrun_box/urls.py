"""Every URL of the box on one screen: who may call it, against which limit, what it answers."""

from collections.abc import Sequence

from scriptrun_box.accounts import api as accounts
from scriptrun_box.accounts import doc as accounts_doc
from scriptrun_box.accounts.gates import KeyGate
from scriptrun_box.delivery import api as delivery
from scriptrun_box.delivery import doc as delivery_doc
from scriptrun_box.drivers import api as drivers
from scriptrun_box.drivers import doc as drivers_doc
from scriptrun_box.geocoding import api as geocoding
from scriptrun_box.geocoding import doc as geocoding_doc
from scriptrun_box.kernel.http import JSON_BODY_BYTES, Doc, Handler, Url, anyone
from scriptrun_box.ops import api as ops
from scriptrun_box.orders import api as orders
from scriptrun_box.orders import doc as orders_doc
from scriptrun_box.packages import api as packages
from scriptrun_box.packages import doc as packages_doc
from scriptrun_box.paper import api as paper
from scriptrun_box.paper import doc as paper_doc
from scriptrun_box.patients import api as patients
from scriptrun_box.patients import doc as patients_doc
from scriptrun_box.routes import api as routes
from scriptrun_box.routes import doc as routes_doc
from scriptrun_box.routes import plans_api as plans
from scriptrun_box.ui import urls_settings
from scriptrun_box.ui.board import urls as urls_board
from scriptrun_box.ui.desk import urls as urls_desk
from scriptrun_box.ui.paper import urls as urls_paper
from scriptrun_box.webhooks import api as webhooks
from scriptrun_box.webhooks import doc as webhooks_doc
from scriptrun_box.webhooks import feed

INGEST = KeyGate("orders:write", "ingest", checked_later=True)
READ = KeyGate("packages:read", "read")
WRITE = KeyGate("packages:write", "write")
DISPATCH_READ = KeyGate("dispatch:manage", "read")
DISPATCH = KeyGate("dispatch:manage", "write")
ANY_KEY = KeyGate(None, "read")
HOOKS_READ = KeyGate("webhooks:manage", "read", feature="webhooks")
HOOKS = KeyGate("webhooks:manage", "write", feature="webhooks")


def api(method: str, path: str, handler: Handler, gate: KeyGate, doc: Doc) -> Url:
    """A row for programs: every one of them is told in /docs."""
    return Url(method, path, handler, gate, JSON_BODY_BYTES, doc=doc)


def open_to_all(path: str, handler: Handler, *, before_setup: bool = False) -> Url:
    """A GET without sign-in; each is named in the access matrix."""
    return Url("GET", path, handler, anyone, before_setup=before_setup)


API: Sequence[Url] = [
    api("POST", "/api/webhook/orders", orders.push_orders, INGEST, orders_doc.PUSH),
    api("GET", "/api/packages", packages.list_packages, READ, packages_doc.LIST),
    api("GET", "/api/packages/{id}", packages.read_package, READ, packages_doc.READ),
    api("PATCH", "/api/packages/{id}", orders.edit_package, WRITE, orders_doc.EDIT),
    api("GET", "/api/packages/{id}/timeline", packages.timeline, READ, packages_doc.TIMELINE),
    api("POST", "/api/packages/{id}/cancel", packages.cancel_package, WRITE, packages_doc.CANCEL),
    api("POST", "/api/packages/{id}/assign", drivers.assign_package, WRITE, drivers_doc.ASSIGN),
    api(
        "POST",
        "/api/packages/{id}/unassign",
        packages.unassign_package,
        WRITE,
        packages_doc.UNASSIGN,
    ),
    api(
        "POST",
        "/api/packages/{id}/redeliver",
        packages.redeliver_package,
        WRITE,
        packages_doc.REDELIVER,
    ),
    api("POST", "/api/packages/{id}/return", packages.return_package, WRITE, packages_doc.RETURN),
    api("GET", "/api/patients", patients.list_patients, READ, patients_doc.LIST),
    api("GET", "/api/patients/{id}", patients.read_patient, READ, patients_doc.READ),
    api("PATCH", "/api/patients/{id}", patients.change_patient, WRITE, patients_doc.CHANGE),
    api("POST", "/api/patients/{id}/merge", patients.merge_patients, WRITE, patients_doc.MERGE),
    api("POST", "/api/patients/{id}/split", patients.split_patient, WRITE, patients_doc.SPLIT),
    api("GET", "/api/patients/{id}/erasure", patients.read_erasure, READ, patients_doc.ERASURE),
    api("POST", "/api/packages/assign", drivers.assign_many, WRITE, drivers_doc.ASSIGN_MANY),
    api("POST", "/api/packages/unassign", drivers.unassign_many, WRITE, drivers_doc.UNASSIGN_MANY),
    api("POST", "/api/packages/cancel", drivers.cancel_many, WRITE, drivers_doc.CANCEL_MANY),
    api("POST", "/api/packages/{id}/recall", delivery.recall_package, WRITE, delivery_doc.RECALL),
    api("GET", "/api/packages/{id}/label", paper.read_label, READ, paper_doc.LABEL),
    api("GET", "/api/drivers", drivers.list_drivers, DISPATCH_READ, drivers_doc.LIST),
    api("POST", "/api/drivers", drivers.create_driver, DISPATCH, drivers_doc.CREATE),
    api("GET", "/api/drivers/{id}", drivers.read_driver, DISPATCH_READ, drivers_doc.READ),
    api("PATCH", "/api/drivers/{id}", drivers.change_driver, DISPATCH, drivers_doc.CHANGE),
    api("POST", "/api/drivers/{id}/shift", drivers.set_shift, DISPATCH, drivers_doc.SHIFT),
    api("POST", "/api/drivers/{id}/status", drivers.set_status, DISPATCH, drivers_doc.STATUS),
    api("GET", "/api/routes", routes.list_routes, DISPATCH_READ, routes_doc.LIST),
    api("POST", "/api/routes", routes.create_route, DISPATCH, routes_doc.CREATE),
    api("GET", "/api/routes/{id}", routes.read_route, DISPATCH_READ, routes_doc.READ),
    api("PATCH", "/api/routes/{id}", routes.change_route, DISPATCH, routes_doc.CHANGE),
    api("POST", "/api/routes/{id}/packages", routes.put_packages, DISPATCH, routes_doc.PUT),
    api(
        "POST",
        "/api/routes/{id}/take-off",
        routes.take_packages_off,
        DISPATCH,
        routes_doc.TAKE_OFF,
    ),
    api(
        "POST",
        "/api/routes/{id}/nearest",
        routes.order_nearest_first,
        DISPATCH,
        routes_doc.NEAREST,
    ),
    api("POST", "/api/routes/optimize", plans.optimize, DISPATCH, routes_doc.OPTIMIZE),
    api(
        "POST",
        "/api/routes/{id}/optimize",
        plans.optimize_route,
        DISPATCH,
        routes_doc.OPTIMIZE_ROUTE,
    ),
    api("GET", "/api/plans/{id}", plans.read_plan, DISPATCH_READ, routes_doc.READ_PLAN),
    api("POST", "/api/plans/{id}/commit", plans.commit_plan, DISPATCH, routes_doc.COMMIT_PLAN),
    api("POST", "/api/plans/{id}/cancel", plans.cancel_plan, DISPATCH, routes_doc.CANCEL_PLAN),
    api("POST", "/api/routes/{id}/start", routes.start_route, DISPATCH, routes_doc.START),
    api("POST", "/api/routes/{id}/finish", routes.finish_route, DISPATCH, routes_doc.FINISH),
    api("POST", "/api/routes/{id}/cancel", routes.cancel_route, DISPATCH, routes_doc.CANCEL),
    api("POST", "/api/stops/{id}", routes.move_stop, DISPATCH, routes_doc.MOVE_STOP),
    api("GET", "/api/addresses", geocoding.list_addresses, DISPATCH_READ, geocoding_doc.LIST),
    api("GET", "/api/addresses/{id}", geocoding.read_address, DISPATCH_READ, geocoding_doc.READ),
    api("POST", "/api/addresses/{id}/pin", geocoding.pin_address, DISPATCH, geocoding_doc.PIN),
    api(
        "POST",
        "/api/addresses/{id}/accept",
        geocoding.accept_address,
        DISPATCH,
        geocoding_doc.ACCEPT,
    ),
    api(
        "POST",
        "/api/addresses/{id}/correct",
        geocoding.correct_address,
        DISPATCH,
        geocoding_doc.CORRECT,
    ),
    api("POST", "/api/addresses/{id}/ask", geocoding.ask_address, DISPATCH, geocoding_doc.ASK),
    api("GET", "/api/events", feed.read_feed, READ, webhooks_doc.FEED),
    api("GET", "/api/account", accounts.account, ANY_KEY, accounts_doc.ACCOUNT),
    api("GET", "/api/usage", accounts.usage, ANY_KEY, accounts_doc.USAGE),
    api("GET", "/api/webhooks", webhooks.list_endpoints, HOOKS_READ, webhooks_doc.LIST),
    api("POST", "/api/webhooks", webhooks.create_endpoint, HOOKS, webhooks_doc.CREATE),
    api("GET", "/api/webhooks/{id}", webhooks.read_endpoint, HOOKS_READ, webhooks_doc.READ),
    api("PATCH", "/api/webhooks/{id}", webhooks.change_endpoint, HOOKS, webhooks_doc.CHANGE),
    api("DELETE", "/api/webhooks/{id}", webhooks.delete_endpoint, HOOKS, webhooks_doc.DELETE),
    api("POST", "/api/webhooks/{id}/pause", webhooks.pause_endpoint, HOOKS, webhooks_doc.PAUSE),
    api("POST", "/api/webhooks/{id}/resume", webhooks.resume_endpoint, HOOKS, webhooks_doc.RESUME),
    api("POST", "/api/webhooks/{id}/test", webhooks.test_endpoint, HOOKS, webhooks_doc.TEST),
    api("POST", "/api/webhooks/{id}/replay", webhooks.replay, HOOKS, webhooks_doc.REPLAY),
    api(
        "POST",
        "/api/webhooks/{id}/rotate-secret",
        webhooks.rotate_secret,
        HOOKS,
        webhooks_doc.ROTATE,
    ),
    api("GET", "/api/webhooks/{id}/logs", webhooks.list_logs, HOOKS_READ, webhooks_doc.LOGS),
    api(
        "GET",
        "/api/webhook-attempts/{id}",
        webhooks.read_attempt,
        HOOKS_READ,
        webhooks_doc.READ_ATTEMPT,
    ),
    api(
        "POST",
        "/api/webhook-deliveries/{id}/resend",
        webhooks.resend,
        HOOKS,
        webhooks_doc.RESEND,
    ),
    api("POST", "/api/test/packages/{id}/assign", delivery.walk, WRITE, delivery_doc.ASSIGN),
    api("POST", "/api/test/packages/{id}/start", delivery.walk, WRITE, delivery_doc.START),
    api("POST", "/api/test/packages/{id}/deliver", delivery.walk, WRITE, delivery_doc.DELIVER),
    api("POST", "/api/test/packages/{id}/fail", delivery.walk, WRITE, delivery_doc.FAIL),
    api("POST", "/api/test/packages/{id}/return", delivery.walk, WRITE, delivery_doc.RETURN),
]

OPEN: Sequence[Url] = [
    open_to_all("/healthz", ops.healthz, before_setup=True),
    open_to_all("/readyz", ops.readyz, before_setup=True),
    open_to_all("/metrics", ops.show_metrics, before_setup=True),
    open_to_all("/ca.crt", ops.ca_certificate, before_setup=True),
    open_to_all("/proof/{id}/photo", delivery.picture),
    open_to_all("/proof/{id}/signature", delivery.picture),
]

URLS: Sequence[Url] = [
    *API,
    *OPEN,
    *urls_desk.PAGES,
    *urls_board.PAGES,
    *urls_paper.PAGES,
    *urls_settings.PAGES,
]
