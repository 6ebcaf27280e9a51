"""One order through the reading alone: what it became, what was wrong, what was warned of."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from scriptrun_box.accounts.model import Location
from scriptrun_box.kernel import strict_json
from scriptrun_box.orders.reading import Places, read_batch
from scriptrun_box.packages.model import Content

MAIN = Location("7c0f8c1e-5a55-4a39-9d5c-2f6b3b1d0a01", "ten_1", "Main", "", "America/New_York")
WEST = Location("7c0f8c1e-5a55-4a39-9d5c-2f6b3b1d0a02", "ten_1", "West", "", "America/Los_Angeles")
PLACES = Places([MAIN, WEST])
NOW = int(datetime(2026, 4, 20, 15, tzinfo=UTC).timestamp() * 1000)
TODAY = "2026-04-20"
REQUIRED = {
    "patient_name": '"patient_name": "Ana Sol"',
    "patient_address": '"patient_address": "1 Ocean Dr, Miami Beach FL"',
}


@dataclass(frozen=True)
class Result:
    """`problems` and `warnings` as (field, code)."""

    content: Content | None
    problems: list[tuple[str, str]]
    warnings: list[tuple[str, str]]
    items: list[dict[str, Any]]

    @property
    def accepted(self) -> Content:
        assert self.content is not None, self.problems
        return self.content


def read_json(order: str, *, now: int = NOW, places: Places = PLACES) -> Result:
    """Read one order given as JSON text, as it stands in a body."""
    batch = read_batch(b'{"orders": [' + order.encode() + b"]}", places, now)
    problems = [detail for error in batch.errors for detail in error["details"]]
    return Result(
        batch.contents[0] if batch.contents else None,
        [(item["field"], item["code"]) for item in problems],
        [(item["field"], item["code"]) for item in batch.warnings],
        [*problems, *batch.warnings],
    )


def read(*, now: int = NOW, places: Places = PLACES, **fields: Any) -> Result:
    """Read a good order with these fields on top; Ellipsis leaves a field out."""
    order = {"patient_name": "Ana Sol", "patient_address": "1 Ocean Dr, Miami Beach FL", **fields}
    left = {name: value for name, value in order.items() if value is not ...}
    return read_json(strict_json.dumps(left).decode(), now=now, places=places)


def read_raw(field: str, json_text: str) -> Result:
    """Read a good order whose `field` has the value written exactly like this."""
    others = ", ".join(text for name, text in REQUIRED.items() if name != field)
    return read_json(f'{{{others}, "{field}": {json_text}}}')
