"""All that the file says of a patient, in one transaction: each slice forgets what it keeps."""

from scriptrun_box.drivers import store as drivers
from scriptrun_box.geocoding import store as places
from scriptrun_box.kernel.db import Writer
from scriptrun_box.kernel.scope import Actor, Scope
from scriptrun_box.packages.model import Package
from scriptrun_box.packages.redaction import ERASED
from scriptrun_box.patients import erasing
from scriptrun_box.patients.erasing import Erasure
from scriptrun_box.routes import store as routes


def erase(w: Writer, scope: Scope, actor: Actor, patient_id: str, version: int) -> Erasure:
    """Erase a patient, what drivers noted, doors on routes, and what was learned of those doors."""
    erased = erasing.erase(w, scope, actor, patient_id, version)
    doors = [door for package in erased.packages for door in _doors(package)]
    drivers.forget_notes(w, [package.id for package in erased.packages], ERASED)
    routes.forget_doors(w, scope, doors)
    places.forget(w, scope, doors)
    return erased.erasure


def _doors(package: Package) -> list[str]:
    """How a stop may name the door of a package: in its one spelling, or as it was ordered."""
    return [package.door or "", package.content.patient_address]
