"""The addresses of the door and the desk, for the table in `scriptrun_box/urls.py`."""

from collections.abc import Sequence

from scriptrun_box.accounts.gates import ANY_ROLE, OWNER, STAFF
from scriptrun_box.kernel.http import Url, anyone
from scriptrun_box.ui import door, live, pages

from . import address, addresses, dashboard, driver, drivers, package, packages, patient, patients

PAGES: Sequence[Url] = [
    Url("GET", "/static/{name}", pages.static, anyone, before_setup=True),
    Url("GET", "/set-up", door.set_up_page, anyone, page=True, before_setup=True),
    Url("POST", "/set-up", door.set_up, anyone, page=True, before_setup=True),
    Url("GET", "/sign-in", door.sign_in_page, anyone, page=True),
    Url("POST", "/sign-in", door.sign_in, anyone, page=True),
    Url("POST", "/sign-out", door.sign_out, ANY_ROLE, page=True),
    Url("GET", "/link", door.link_page, anyone, page=True),
    Url("POST", "/link", door.follow_link, anyone, page=True),
    Url("POST", "/sandbox", door.sandbox, STAFF, page=True),
    Url("GET", "/live", live.stream, live.WATCHING),
    Url("GET", "/live/desk", dashboard.live_desk, live.WATCHING, page=True),
    Url("GET", "/live/packages", packages.live_packages, live.WATCHING, page=True),
    Url("GET", "/live/drivers", drivers.live_drivers, live.WATCHING, page=True),
    Url("GET", "/live/addresses", addresses.live_addresses, live.WATCHING, page=True),
    Url("GET", "/", dashboard.dashboard, ANY_ROLE, page=True),
    Url("GET", "/packages", packages.packages, STAFF, page=True),
    Url("GET", "/packages.csv", packages.export, STAFF, page=True),
    Url("GET", "/packages/{id}", package.package, STAFF, page=True),
    Url("POST", "/packages/{id}/edit", package.edit, STAFF, page=True),
    Url("POST", "/packages/{id}/cancel", package.cancel, STAFF, page=True),
    Url("POST", "/packages/{id}/recall", package.recall, STAFF, page=True),
    Url("POST", "/packages/{id}/decide", package.decide, STAFF, page=True),
    Url("POST", "/packages/{id}/after-failure", package.after_failure, STAFF, page=True),
    Url("POST", "/packages/{id}/assign", package.assign, STAFF, page=True),
    Url("POST", "/packages/{id}/unassign", package.unassign, STAFF, page=True),
    Url("POST", "/packages/{id}/walk", package.walk, STAFF, page=True),
    Url("GET", "/patients", patients.patients, STAFF, page=True),
    Url("GET", "/patients.csv", patients.export, STAFF, page=True),
    Url("GET", "/patients/{id}", patient.patient, STAFF, page=True),
    Url("POST", "/patients/{id}", patient.edit, STAFF, page=True),
    Url("POST", "/patients/{id}/merge", patient.merge, STAFF, page=True),
    Url("POST", "/patients/{id}/split", patient.split, STAFF, page=True),
    Url("POST", "/patients/{id}/erase", patient.erase, OWNER, page=True),
    Url("GET", "/patients/{id}/erasure.json", patient.certificate_file, STAFF, page=True),
    Url("GET", "/addresses", addresses.addresses, STAFF, page=True),
    Url("GET", "/addresses.csv", addresses.export, STAFF, page=True),
    Url("GET", "/addresses/{id}", address.address, STAFF, page=True),
    Url("GET", "/addresses/{id}/drawing.svg", address.drawing, STAFF, page=True),
    Url("POST", "/addresses/{id}/accept", address.accept, STAFF, page=True),
    Url("POST", "/addresses/{id}/pin", address.pin, STAFF, page=True),
    Url("POST", "/addresses/{id}/correct", address.correct, STAFF, page=True),
    Url("POST", "/addresses/{id}/ask", address.ask, STAFF, page=True),
    Url("GET", "/drivers", drivers.drivers, STAFF, page=True),
    Url("POST", "/drivers", drivers.add, STAFF, page=True),
    Url("GET", "/drivers.csv", drivers.export, STAFF, page=True),
    Url("GET", "/drivers/{id}", driver.driver, STAFF, page=True),
    Url("POST", "/drivers/{id}", driver.edit, STAFF, page=True),
    Url("POST", "/drivers/{id}/shift", driver.shift, STAFF, page=True),
    Url("POST", "/drivers/{id}/status", driver.status, STAFF, page=True),
    Url("POST", "/drivers/{id}/active", driver.active, STAFF, page=True),
]
