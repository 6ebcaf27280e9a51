"""The dashboard: what needs somebody first, what happens now, the day by hour."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.responses import Response

from scriptrun_box.accounts.gates import person_of_call
from scriptrun_box.kernel import clock
from scriptrun_box.kernel.db import Reader
from scriptrun_box.kernel.http import Call
from scriptrun_box.kernel.scope import Scope
from scriptrun_box.packages.api import look
from scriptrun_box.ui import pages

from . import queries
from .queries import Desk, Hour

CHART_WIDTH, CHART_HEIGHT = 280, 84  # of the drawing's own units, without the hours below it
LABEL_EVERY = 3  # hours


@dataclass(frozen=True, slots=True)
class Bar:
    """An hour's two bars side by side: orders in, deliveries."""

    x: float
    width: float
    orders: float
    delivered: float
    hour: Hour
    label: str


async def dashboard(call: Call) -> Response:
    """GET /."""
    if person_of_call(call).user.role == "driver":
        return await pages.render(call, "desk/driver.html")
    shown, day, started = await call.box.db.read(_dashboard, call.whose, clock.now_ms())
    _note_look(call, shown)
    return await pages.render(
        call,
        "desk/dashboard.html",
        now=clock.now_ms(),
        desk=shown,
        bars=bars(day),
        day=day,
        chart_width=CHART_WIDTH,
        chart_height=CHART_HEIGHT,
        started=started,
        host_of=host_of,
    )


async def live_desk(call: Call) -> Response:
    """GET /live/desk: the parts of the dashboard that change, for the page that shows them."""
    shown = await call.box.db.read(queries.desk, call.whose, clock.now_ms())
    _note_look(call, shown)
    return await pages.render(call, "desk/dashboard_live.html", desk=shown, host_of=host_of)


def bars(hours: Sequence[Hour]) -> list[Bar]:
    """The geometry of the day's chart."""
    most = max((max(hour.orders, hour.delivered) for hour in hours), default=0) or 1
    step = CHART_WIDTH / len(hours)
    return [
        Bar(
            x=round(place * step, 1),
            width=round(step / 2 - 1, 1),
            orders=round(hour.orders / most * CHART_HEIGHT, 1),
            delivered=round(hour.delivered / most * CHART_HEIGHT, 1),
            hour=hour,
            label=hour.label[:2] if place % LABEL_EVERY == 0 else "",
        )
        for place, hour in enumerate(hours)
    ]


def host_of(url: str) -> str:
    """The part of an address that people know a receiver by."""
    return urlsplit(url).hostname or url


def _dashboard(r: Reader, scope: Scope, now: int) -> tuple[Desk, list[Hour], bool]:
    return queries.desk(r, scope, now), queries.hours(r, scope, now), queries.any_package(r, scope)


def _note_look(call: Call, shown: Desk) -> None:
    look(call, "packages.listed", None, count=len(shown.to_assign) + len(shown.to_decide))
