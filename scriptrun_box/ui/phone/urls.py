"""The addresses of drivers' phones, for the table in `scriptrun_box/urls.py`."""

from collections.abc import Sequence

from scriptrun_box.accounts.gates import STAFF
from scriptrun_box.delivery.phone import api
from scriptrun_box.delivery.phone.gate import PhoneGate
from scriptrun_box.kernel.http import JSON_BODY_BYTES, Url, anyone

from . import desk, pages

PHONE = PhoneGate()
LOCKED = PhoneGate(locked=True)

PAGES: Sequence[Url] = [
    # The app itself is the same for everyone, and holds nothing.
    Url("GET", "/phone", pages.app, anyone, page=True),
    Url("GET", "/phone/help", pages.help_page, anyone, page=True),
    Url("GET", "/phone/join/{id}", pages.join, anyone, page=True),
    Url("GET", "/phone/sw.js", pages.service_worker, anyone),
    Url("GET", "/phone/manifest.webmanifest", pages.manifest, anyone),
    Url("GET", "/static/phone/{name}", pages.static, anyone, before_setup=True),
    Url("POST", "/phone/join/{id}", api.join, anyone),
    # What a phone's credential opens: these, and nothing else.
    Url("POST", "/phone/here", api.here, LOCKED),
    Url("GET", "/phone/shift", api.shift, PHONE),
    Url("POST", "/phone/acts", api.tell, PHONE, JSON_BODY_BYTES),
    Url("PUT", "/phone/pictures/{id}/photo", api.put_photo, PHONE, api.PICTURE_BYTES),
    # The desk's side.
    Url("POST", "/drivers/{id}/phones", desk.add, STAFF, page=True),
    Url("POST", "/drivers/{id}/phone-acts", desk.see, STAFF, page=True),
    Url("POST", "/phones/{id}/revoke", desk.revoke, STAFF, page=True),
    Url("GET", "/phone-acts", desk.acts, STAFF, page=True),
    Url("GET", "/phone-acts.csv", desk.export, STAFF, page=True),
]
