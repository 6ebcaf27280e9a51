"""How long and how often each thing is measured: one plan for the record, one for a quick look."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Plan:
    """Counts and seconds of one run."""

    rounds: int
    load_seconds: float
    warm_up_seconds: float
    settle_seconds: float
    starts: int
    browser_orders: int


FULL = Plan(
    rounds=5,
    load_seconds=5,
    warm_up_seconds=1,
    settle_seconds=5,
    starts=9,
    browser_orders=60,
)
QUICK = Plan(
    rounds=2,
    load_seconds=2,
    warm_up_seconds=0.5,
    settle_seconds=5,
    starts=3,
    browser_orders=50,
)

SINGLE_CONNECTIONS = 32
BATCH_CONNECTIONS = 8
BATCH_ORDERS = 100
