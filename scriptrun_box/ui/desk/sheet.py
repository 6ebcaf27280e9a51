"""Packages as a CSV file."""

from collections.abc import Iterable

from scriptrun_box.kernel.clock import iso, iso_or_none
from scriptrun_box.packages.model import ORDER_FIELDS, Package, order_fields
from scriptrun_box.ui.spreadsheet import BYTE_ORDER_MARK, csv_lines

COLUMNS = (
    "id",
    "status",
    *ORDER_FIELDS,
    "pharmacy_id",
    "source",
    "created_at",
    "updated_at",
    "delivered_at",
    "driver_id",
    "attempts",
    "failure_reason",
    "copay_collected",
    "copay_method",
)


def head() -> str:
    """The first line."""
    return BYTE_ORDER_MARK + csv_lines([COLUMNS])


def lines(packages: Iterable[Package]) -> str:
    """A line for each package."""
    return csv_lines(_cells(package) for package in packages)


def _cells(package: Package) -> list[object]:
    content = package.content
    values: dict[str, object] = {
        **order_fields(content),
        "id": package.id,
        "status": package.status,
        "medications": "; ".join(content.medications or []),
        "copay_amount": _dollars(content.copay_cents),
        "pharmacy_id": content.location_id,
        "source": package.source,
        "created_at": iso(package.created_at),
        "updated_at": iso(package.updated_at),
        "delivered_at": iso_or_none(package.delivered_at),
        "driver_id": package.driver_id,
        "attempts": package.attempts,
        "failure_reason": package.failure_reason,
        "copay_collected": _dollars(package.copay_collected_cents),
        "copay_method": package.copay_method,
    }
    return [values[column] for column in COLUMNS]


def _dollars(cents: int | None) -> str | None:
    return None if cents is None else f"{cents // 100}.{cents % 100:02}"
