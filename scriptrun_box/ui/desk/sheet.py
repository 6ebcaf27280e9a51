"""Packages as a CSV file that opens safely in a spreadsheet."""

import csv
import io
from collections.abc import Iterable

from scriptrun_box.kernel.clock import iso, iso_or_none
from scriptrun_box.packages.model import ORDER_FIELDS, Package, order_fields

BYTE_ORDER_MARK = "\ufeff"  # without it, spreadsheets on Windows take UTF-8 for something else
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
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
    return BYTE_ORDER_MARK + _csv([list(COLUMNS)])


def lines(packages: Iterable[Package]) -> str:
    """A line for each package."""
    return _csv([_cells(package) for package in packages])


def safe(text: str) -> str:
    """A text that no spreadsheet takes for a formula: an apostrophe in front says it is text."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def _cells(package: Package) -> list[str]:
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
    return [_cell(values[column]) for column in COLUMNS]


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return safe(str(value))


def _dollars(cents: int | None) -> str | None:
    return None if cents is None else f"{cents // 100}.{cents % 100:02}"


def _csv(rows: list[list[str]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows(rows)
    return out.getvalue()
