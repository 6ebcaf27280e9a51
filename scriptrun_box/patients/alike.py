"""Who may be the same person: offered to people, who decide; nobody is merged by this."""

from dataclasses import replace

from scriptrun_box.kernel.db import Reader
from scriptrun_box.kernel.scope import Scope
from scriptrun_box.packages import store as packages
from scriptrun_box.packages import words
from scriptrun_box.packages.model import Content

from . import store
from .model import Patient, Shown

LOOKED_AT = 200  # packages under that name, the newest first
OFFERED_MAX = 5


def alike(r: Reader, scope: Scope, shown: Shown) -> list[Shown]:
    """Patients whose orders came under the same name and, with it, the same phone or address."""
    if shown.last is None:
        return []
    content = shown.last.content
    wanted = packages.Filter(q=content.patient_name)
    found: dict[str, Patient] = {}
    for package in packages.page(r, replace(scope, location_id=None), wanted, None, LOOKED_AT):
        if package.content.external_patient_id in (None, *shown.numbers):
            continue
        if _same(content, package.content):
            patient = store.for_package(r, package)
            if patient and patient.id != shown.patient.id:
                found.setdefault(patient.id, patient)
    near = [each for each in found.values() if each.location_id == shown.patient.location_id]
    return store.show(r, near[:OFFERED_MAX])


def _same(one: Content, other: Content) -> bool:
    if words.name_key(one.patient_name) != words.name_key(other.patient_name):
        return False
    if one.patient_phone and one.patient_phone == other.patient_phone:
        return True
    return words.squash(one.patient_address) == words.squash(other.patient_address)
