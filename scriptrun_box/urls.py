"""Every URL of the box on one screen: who may call it, against which limit, what it answers."""

from collections.abc import Sequence
from functools import partial

from scriptrun_box.accounts import api as accounts
from scriptrun_box.accounts import doc as accounts_doc
from scriptrun_box.accounts.gates import KeyGate
from scriptrun_box.delivery import api as delivery
from scriptrun_box.delivery import doc as delivery_doc
from scriptrun_box.delivery.cold import api as cold
from scriptrun_box.delivery.cold import doc as cold_doc
from scriptrun_box.delivery.controlled import api as controlled
from scriptrun_box.delivery.controlled import doc as controlled_doc
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
from scriptrun_box.ui.controlled import urls as urls_controlled
from scriptrun_box.ui.desk import urls as urls_desk
from scriptrun_box.ui.paper import urls as urls_paper
from scriptrun_box.ui.phone import urls as urls_phone
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


get, post, patch, delete = (partial(api, each) for each in ("GET", "POST", "PATCH", "DELETE"))


def open_to_all(path: str, handler: Handler, *, before_setup: bool = False) -> Url:
    """A GET without sign-in; each is named in the access matrix."""
    return Url("GET", path, handler, anyone, before_setup=before_setup)


API: Sequence[Url] = [
    post("/api/webhook/orders", orders.push_orders, INGEST, orders_doc.PUSH),
    get("/api/packages", packages.list_packages, READ, packages_doc.LIST),
    get("/api/packages/{id}", packages.read_package, READ, packages_doc.READ),
    patch("/api/packages/{id}", orders.edit_package, WRITE, orders_doc.EDIT),
    get("/api/packages/{id}/timeline", packages.timeline, READ, packages_doc.TIMELINE),
    post("/api/packages/{id}/cancel", packages.cancel_package, WRITE, packages_doc.CANCEL),
    post("/api/packages/{id}/assign", drivers.assign_package, WRITE, drivers_doc.ASSIGN),
    post("/api/packages/{id}/unassign", packages.unassign_package, WRITE, packages_doc.UNASSIGN),
    post("/api/packages/{id}/redeliver", packages.redeliver_package, WRITE, packages_doc.REDELIVER),
    post("/api/packages/{id}/return", packages.return_package, WRITE, packages_doc.RETURN),
    get("/api/patients", patients.list_patients, READ, patients_doc.LIST),
    get("/api/patients/{id}", patients.read_patient, READ, patients_doc.READ),
    patch("/api/patients/{id}", patients.change_patient, WRITE, patients_doc.CHANGE),
    post("/api/patients/{id}/merge", patients.merge_patients, WRITE, patients_doc.MERGE),
    post("/api/patients/{id}/split", patients.split_patient, WRITE, patients_doc.SPLIT),
    get("/api/patients/{id}/erasure", patients.read_erasure, READ, patients_doc.ERASURE),
    post("/api/packages/assign", drivers.assign_many, WRITE, drivers_doc.ASSIGN_MANY),
    post("/api/packages/unassign", drivers.unassign_many, WRITE, drivers_doc.UNASSIGN_MANY),
    post("/api/packages/cancel", drivers.cancel_many, WRITE, drivers_doc.CANCEL_MANY),
    post("/api/packages/{id}/recall", delivery.recall_package, WRITE, delivery_doc.RECALL),
    get("/api/packages/{id}/cold", cold.read_story, READ, cold_doc.READ),
    post("/api/packages/{id}/pack", cold.pack, WRITE, cold_doc.PACK),
    post("/api/packages/{id}/unpack", cold.unpack, WRITE, cold_doc.UNPACK),
    post("/api/packages/{id}/temperature", cold.add_reading, WRITE, cold_doc.READING),
    post("/api/packages/{id}/logger", cold.import_logger, WRITE, cold_doc.LOGGER),
    get("/api/cold-bags", cold.list_bags, READ, cold_doc.BAGS),
    post("/api/cold-bags", cold.add_bag, WRITE, cold_doc.ADD_BAG),
    patch("/api/cold-bags/{id}", cold.change_bag, WRITE, cold_doc.CHANGE_BAG),
    get("/api/packages/{id}/custody", controlled.read_custody, READ, controlled_doc.READ),
    post(
        "/api/packages/{id}/release", controlled.release_package, WRITE, controlled_doc.RELEASE_IT
    ),
    post("/api/packages/{id}/take-back", controlled.take_back, WRITE, controlled_doc.TAKE_BACK),
    post("/api/packages/{id}/disposition", controlled.decide, WRITE, controlled_doc.DECIDE),
    post("/api/controlled/hand-over", controlled.hand_over, WRITE, controlled_doc.HAND_OVER),
    get("/api/controlled/log", controlled.read_log, READ, controlled_doc.LOG),
    get("/api/packages/{id}/label", paper.read_label, READ, paper_doc.LABEL),
    get("/api/drivers", drivers.list_drivers, DISPATCH_READ, drivers_doc.LIST),
    post("/api/drivers", drivers.create_driver, DISPATCH, drivers_doc.CREATE),
    get("/api/drivers/{id}", drivers.read_driver, DISPATCH_READ, drivers_doc.READ),
    patch("/api/drivers/{id}", drivers.change_driver, DISPATCH, drivers_doc.CHANGE),
    post("/api/drivers/{id}/shift", drivers.set_shift, DISPATCH, drivers_doc.SHIFT),
    post("/api/drivers/{id}/status", drivers.set_status, DISPATCH, drivers_doc.STATUS),
    get("/api/routes", routes.list_routes, DISPATCH_READ, routes_doc.LIST),
    post("/api/routes", routes.create_route, DISPATCH, routes_doc.CREATE),
    get("/api/routes/{id}", routes.read_route, DISPATCH_READ, routes_doc.READ),
    patch("/api/routes/{id}", routes.change_route, DISPATCH, routes_doc.CHANGE),
    post("/api/routes/{id}/hand-over", routes.hand_over_route, DISPATCH, routes_doc.HAND_OVER),
    post("/api/routes/{id}/packages", routes.put_packages, DISPATCH, routes_doc.PUT),
    post("/api/routes/{id}/take-off", routes.take_packages_off, DISPATCH, routes_doc.TAKE_OFF),
    post("/api/routes/{id}/nearest", routes.order_nearest_first, DISPATCH, routes_doc.NEAREST),
    post("/api/routes/optimize", plans.optimize, DISPATCH, routes_doc.OPTIMIZE),
    post("/api/routes/{id}/optimize", plans.optimize_route, DISPATCH, routes_doc.OPTIMIZE_ROUTE),
    get("/api/plans/{id}", plans.read_plan, DISPATCH_READ, routes_doc.READ_PLAN),
    post("/api/plans/{id}/commit", plans.commit_plan, DISPATCH, routes_doc.COMMIT_PLAN),
    post("/api/plans/{id}/cancel", plans.cancel_plan, DISPATCH, routes_doc.CANCEL_PLAN),
    post("/api/routes/{id}/start", routes.start_route, DISPATCH, routes_doc.START),
    post("/api/routes/{id}/finish", routes.finish_route, DISPATCH, routes_doc.FINISH),
    post("/api/routes/{id}/cancel", routes.cancel_route, DISPATCH, routes_doc.CANCEL),
    post("/api/stops/{id}", routes.move_stop, DISPATCH, routes_doc.MOVE_STOP),
    get("/api/addresses", geocoding.list_addresses, DISPATCH_READ, geocoding_doc.LIST),
    get("/api/addresses/{id}", geocoding.read_address, DISPATCH_READ, geocoding_doc.READ),
    post("/api/addresses/{id}/pin", geocoding.pin_address, DISPATCH, geocoding_doc.PIN),
    post("/api/addresses/{id}/accept", geocoding.accept_address, DISPATCH, geocoding_doc.ACCEPT),
    post("/api/addresses/{id}/correct", geocoding.correct_address, DISPATCH, geocoding_doc.CORRECT),
    post("/api/addresses/{id}/ask", geocoding.ask_address, DISPATCH, geocoding_doc.ASK),
    get("/api/events", feed.read_feed, READ, webhooks_doc.FEED),
    get("/api/account", accounts.account, ANY_KEY, accounts_doc.ACCOUNT),
    get("/api/usage", accounts.usage, ANY_KEY, accounts_doc.USAGE),
    get("/api/webhooks", webhooks.list_endpoints, HOOKS_READ, webhooks_doc.LIST),
    post("/api/webhooks", webhooks.create_endpoint, HOOKS, webhooks_doc.CREATE),
    get("/api/webhooks/{id}", webhooks.read_endpoint, HOOKS_READ, webhooks_doc.READ),
    patch("/api/webhooks/{id}", webhooks.change_endpoint, HOOKS, webhooks_doc.CHANGE),
    delete("/api/webhooks/{id}", webhooks.delete_endpoint, HOOKS, webhooks_doc.DELETE),
    post("/api/webhooks/{id}/pause", webhooks.pause_endpoint, HOOKS, webhooks_doc.PAUSE),
    post("/api/webhooks/{id}/resume", webhooks.resume_endpoint, HOOKS, webhooks_doc.RESUME),
    post("/api/webhooks/{id}/test", webhooks.test_endpoint, HOOKS, webhooks_doc.TEST),
    post("/api/webhooks/{id}/replay", webhooks.replay, HOOKS, webhooks_doc.REPLAY),
    post("/api/webhooks/{id}/rotate-secret", webhooks.rotate_secret, HOOKS, webhooks_doc.ROTATE),
    get("/api/webhooks/{id}/logs", webhooks.list_logs, HOOKS_READ, webhooks_doc.LOGS),
    get("/api/webhook-attempts/{id}", webhooks.read_attempt, HOOKS_READ, webhooks_doc.READ_ATTEMPT),
    post("/api/webhook-deliveries/{id}/resend", webhooks.resend, HOOKS, webhooks_doc.RESEND),
    post("/api/test/packages/{id}/assign", delivery.walk, WRITE, delivery_doc.ASSIGN),
    post("/api/test/packages/{id}/start", delivery.walk, WRITE, delivery_doc.START),
    post("/api/test/packages/{id}/deliver", delivery.walk, WRITE, delivery_doc.DELIVER),
    post("/api/test/packages/{id}/fail", delivery.walk, WRITE, delivery_doc.FAIL),
    post("/api/test/packages/{id}/return", delivery.walk, WRITE, delivery_doc.RETURN),
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
    *urls_controlled.PAGES,
    *urls_paper.PAGES,
    *urls_phone.PAGES,
    *urls_settings.PAGES,
]
