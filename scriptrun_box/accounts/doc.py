"""What /docs and OpenAPI tell of accounts."""

from scriptrun_box.kernel.http import Doc

ACCOUNT = Doc(
    group="Account",
    summary="Whose key this is",
    text="The tenant, its plan and features, and its locations: their ids are pharmacy_id.",
    answer={
        "tenant": {"id": "ten_0000", "name": "Corner Drug", "kind": "pharmacy"},
        "plan": "pro",
        "features": ["import", "webhooks"],
        "test": False,
        "locations": [
            {
                "id": "00000000-0000-4000-8000-000000000000",
                "name": "Corner Drug",
                "address": "",
                "time_zone": "America/New_York",
            }
        ],
    },
)
USAGE = Doc(
    group="Account",
    summary="What is used and what is left",
    text="The month's orders against the plan, overage, and each rate limit of the key.",
    answer={
        "month": "2026-04",
        "plan": "pro",
        "orders": 412,
        "limit": 10000,
        "overage": {"enabled": False, "orders": 0},
        "limits": {"ingest": {"per_minute": 600, "remaining": 599}},
    },
)
