"""What packages tell the world: the `data` of their events. No name, address, phone or drug."""

from typing import Any

from scriptrun_box.kernel.clock import iso

from .model import Content, Package, dollars


def created(package_id: str, content: Content, source: str) -> dict[str, Any]:
    """`package.created`: a new order, whichever door it came in by."""
    return {
        "package_id": package_id,
        "external_patient_id": content.external_patient_id,
        "rx_number": content.rx_number,
        "barcode": content.barcode,
        "pharmacy_id": content.location_id,
        "source": source,
        "status": "created",
        "priority": content.priority,
        "delivery_date": content.delivery_date,
    }


def completed(package: Package, proof: dict[str, Any]) -> dict[str, Any]:
    """`delivery.completed`, exactly as published; `package` as it stands after the delivery."""
    assert package.delivered_at is not None
    return {
        "package_id": package.id,
        "external_patient_id": package.content.external_patient_id,
        "rx_number": package.content.rx_number,
        "driver_id": package.driver_id,
        "delivered_at": iso(package.delivered_at),
        "proof": proof,
        "copay_collected": dollars(package.copay_collected_cents),
        "copay_method": package.copay_method,
    }


def failed(package: Package, failed_at: int, proof: dict[str, Any]) -> dict[str, Any]:
    """`delivery.failed`: the driver could not deliver; `proof` has no signature."""
    return {
        "package_id": package.id,
        "external_patient_id": package.content.external_patient_id,
        "rx_number": package.content.rx_number,
        "driver_id": package.driver_id,
        "failed_at": iso(failed_at),
        "reason": package.failure_reason,
        "attempt": package.attempts,
        "proof": proof,
    }
