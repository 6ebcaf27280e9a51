"""What the simulation found, each as a plain test."""

from pathlib import Path

import pytest
from time_machine import travel

from scriptrun_box import app as composition
from scriptrun_box.accounts import actions, plans
from scriptrun_box.kernel import clock, migrate
from scriptrun_box.kernel.config import LimitsSettings, PlansSettings
from scriptrun_box.kernel.connection import connect_writer
from scriptrun_box.kernel.db import Writer
from scriptrun_box.kernel.errors import RateLimited
from scriptrun_box.kernel.scope import CLI

NOON = 1_780_000_000
LIMIT = 10


def test_a_clock_set_ahead_and_back_does_not_refill_the_hours_orders(tmp_path: Path) -> None:
    file = connect_writer(tmp_path / "box.db")
    migrate.migrate(file)
    limits = LimitsSettings(orders_per_hour=LIMIT)
    with travel(NOON, tick=False):
        w = Writer(file)
        tenant = actions.create_tenant(
            w, CLI, name="Corner Drug", kind="pharmacy", plan="pro", time_zone="UTC"
        ).tenant
        key = actions.create_key(w, tenant.id, CLI, name="tests").key
        meter = plans.Meter(w, limits, PlansSettings())
        meter.charge(key, tenant, LIMIT)
        meter.write()
    with travel(NOON + 4 * clock.HOUR_MS // 1000, tick=False):
        composition._forget(Writer(file))
    with travel(NOON + 60, tick=False), pytest.raises(RateLimited):
        plans.Meter(Writer(file), limits, PlansSettings()).charge(key, tenant, 1)
    file.close()
