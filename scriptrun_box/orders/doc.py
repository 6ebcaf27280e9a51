"""What /docs and OpenAPI tell of pushing and changing orders."""

from pydantic import BaseModel

from scriptrun_box.kernel.http import Doc
from scriptrun_box.packages.doc import PACKAGE

from .model import OrderIn


class OrdersIn(BaseModel):
    """The body of a push: 1 to 100 orders."""

    orders: list[OrderIn]


PUSH = Doc(
    group="Orders",
    summary="Push orders",
    text=(
        "Up to 100 orders a request, each checked on its own: the good ones are stored, the others"
        " reported under errors with their position. Send an Idempotency-Key header and a repeated"
        " request gets the first answer again instead of making the orders twice."
    ),
    body=OrdersIn,
    example={
        "orders": [
            {
                "patient_name": "Maria Rodriguez",
                "patient_address": "123 Main St, Miami, FL 33178",
                "patient_phone": "+13055551234",
                "rx_number": "RX-8872341",
                "copay_amount": 12.50,
                "priority": "routine",
                "requires_signature": True,
            }
        ]
    },
    answer={"created": 1, "package_ids": ["00000000000000000000000000000000"], "warnings": []},
    refusals=(400, 402, 413, 415, 507),
)
EDIT = Doc(
    group="Packages",
    summary="Change a package",
    text=(
        "The order's fields, under the rules they came in by, while the package is created or"
        " assigned; notes and patient_phone also while it is out for delivery."
    ),
    body=OrderIn,
    example={"notes": "Ring twice"},
    answer={**PACKAGE, "warnings": []},
    refusals=(400, 404, 409, 415, 507),
)
