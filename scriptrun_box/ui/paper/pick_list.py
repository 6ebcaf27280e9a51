"""The pick list: the bags to fetch for a day, in piles by driver. It stays in the pharmacy.

It shows the Rx number, by which the staff file bags and which they see on every screen anyway; it
shows no drug, so that a list left on the counter tells nobody what somebody takes.
"""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from urllib.parse import urlencode

from starlette.responses import Response

from scriptrun_box.accounts import store as accounts
from scriptrun_box.kernel import clock
from scriptrun_box.kernel.http import Call
from scriptrun_box.kernel.scope import Scope
from scriptrun_box.packages.api import look
from scriptrun_box.paper import gather
from scriptrun_box.paper.model import Pick, PickList
from scriptrun_box.ui.settings.tables import csv_answer

from . import sheets

PATH = "/pick-list"
COLUMNS = (
    "package_id", "patient_name", "rx_number", "taken_from", "driver", "stop", "bag", "bags",
    "priority", "window", "needs",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Choice:
    """The day and the place a list is for."""

    date: str
    location_id: str  # empty: all of them

    def scope(self, call: Call) -> Scope:
        """Whose packages these are."""
        wanted = self.location_id or call.whose.location_id
        return replace(call.whose, location_id=wanted)

    def query(self) -> str:
        """The address's query for this choice."""
        named = {"date": self.date}
        if self.location_id:
            named["pharmacy_id"] = self.location_id
        return f"?{urlencode(named)}"


async def pick_list(call: Call) -> Response:
    """GET /pick-list."""
    choice = await choice_of(call)
    made = await _read(call, choice)
    day = date.fromisoformat(choice.date)
    return await sheets.show(
        call,
        "paper/pick_list.html",
        (),
        made=made,
        routes=await call.box.db.read(gather.routes_of_day, choice.scope(call), choice.date),
        choice=choice,
        before=replace(choice, date=str(day - timedelta(1))),
        after=replace(choice, date=str(day + timedelta(1))),
        places=await call.box.db.read(accounts.locations, call.whose.tenant_id),
        pdf=f"{PATH}.pdf{choice.query()}",
    )


async def pick_list_pdf(call: Call) -> Response:
    """GET /pick-list.pdf."""
    return await sheets.as_pdf(call, await _read(call, await choice_of(call)), "pick-list")


async def export(call: Call) -> Response:
    """GET /pick-list.csv."""
    choice = await choice_of(call)
    made = await _read(call, choice)
    rows = (_cells(pile.driver, pick) for pile in made.piles for pick in pile.picks)
    return csv_answer(f"pick-list-{choice.date}.csv", COLUMNS, rows)


async def choice_of(call: Call) -> Choice:
    """What the address asks for; a day that is none is today at the first location."""
    places = await call.box.db.read(accounts.locations, call.whose.tenant_id)
    asked = call.query_params.get("pharmacy_id", "")
    found = next((place for place in places if place.id == asked), None)
    text = call.query_params.get("date", "")
    try:
        day = str(date.fromisoformat(text))
        if not date.min + timedelta(1) < date.fromisoformat(day) < date.max - timedelta(1):
            raise ValueError
    except ValueError:
        day = clock.local_date(clock.now_ms(), (found or places[0]).time_zone)
    return Choice(day, found.id if found else "")


async def _read(call: Call, choice: Choice) -> PickList:
    made = await call.box.db.read(gather.pick_list, choice.scope(call), choice.date)
    look(call, "packages.pick_list", None, count=made.bags)
    return made


def _cells(driver: str, pick: Pick) -> tuple[object, ...]:
    return (
        pick.package_id,
        pick.name,
        pick.rx_number,
        pick.taken_from,
        driver,
        pick.place.stop,
        pick.place.bag,
        pick.place.bags,
        pick.priority,
        pick.window,
        "; ".join(pick.words),
    )
